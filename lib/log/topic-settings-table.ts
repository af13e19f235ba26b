// Every topic configuration of Apache Kafka 4.2 as data: type, default and range are Kafka's (read off its `LogConfig`),
// the sentences are ours, and `effect` says what becomes of the setting here. A broker-level synonym gives the default for
// topics that do not set it; where there are several the first one set counts. ARCHITECTURE.md's table is rendered from this.
import { CODECS } from '../wire/record-batch.ts'
import type { ConfigDefinition, ConfigRange, ConfigType, Effect } from './settings.ts'

/** A broker configuration that stands in for a topic's. */
export interface BrokerSynonym {
  readonly name: string
  /** The topic's type and default where absent; `null`: no default of its own. */
  readonly type?: ConfigType
  readonly default?: string | null
  /** How many of the topic setting's units are in one of this one's (hours against milliseconds). */
  readonly factor?: number
  /** The topic's where absent and in the same unit. */
  readonly range?: ConfigRange
}

export interface TopicConfigDefinition extends ConfigDefinition {
  readonly default: string
  readonly synonyms: readonly BrokerSynonym[]
  readonly effect: Effect
  /** What it does here, or why it does nothing. */
  readonly reason: string
}

const LONG_MAX = '9223372036854775807'
const HOUR_MS = 3_600_000
const ONE_REPLICA = "Replication is the store's; there are no replicas of ours to choose or to throttle."
const NO_FILES = 'There are no log files, index files or page cache behind a topic.'
const ALWAYS_REMOTE = 'All records lie in the object store from the start; there is no local tier to move them from.'
const RETENTION = 'Retention is not there yet: records are kept.'
const COMPACTION = 'Log compaction is not there yet: all records are kept.'

export const TOPIC_CONFIGS: readonly TopicConfigDefinition[] = [
  {
    name: 'cleanup.policy',
    type: 'LIST',
    default: 'delete',
    range: { kind: 'oneOf', values: ['compact', 'delete'] },
    documentation:
      'Whether old records are deleted, compacted to the last one of each key, or both. Empty keeps everything.',
    synonyms: [{ name: 'log.cleanup.policy' }],
    effect: 'acts later',
    reason: 'A compacted topic refuses records without a key today; nothing is deleted or compacted yet.',
  },
  {
    name: 'compression.type',
    type: 'STRING',
    default: 'producer',
    range: { kind: 'oneOf', values: ['uncompressed', ...CODECS.slice(1).reverse(), 'producer'] },
    documentation: 'The codec in which batches are stored; with `producer` they stay as they were sent.',
    synonyms: [{ name: 'compression.type' }],
    effect: 'acts',
    reason: 'Batches of another codec are compressed again on the way in.',
  },
  {
    name: 'compression.gzip.level',
    type: 'INT',
    default: '-1',
    range: { kind: 'between', min: 1, max: 9, or: -1 },
    documentation:
      "The level at which batches are compressed if `compression.type` is `gzip`; -1 is the library's choice.",
    synonyms: [{ name: 'compression.gzip.level' }],
    effect: 'acts',
    reason: 'Used where batches are compressed again.',
  },
  {
    name: 'compression.lz4.level',
    type: 'INT',
    default: '9',
    range: { kind: 'between', min: 1, max: 17 },
    documentation: 'The level at which batches are compressed if `compression.type` is `lz4`.',
    synonyms: [{ name: 'compression.lz4.level' }],
    effect: 'no meaning here',
    reason: 'Our LZ4 encoder has one level only.',
  },
  {
    name: 'compression.zstd.level',
    type: 'INT',
    default: '3',
    range: { kind: 'between', min: -131072, max: 22 },
    documentation: 'The level at which batches are compressed if `compression.type` is `zstd`.',
    synonyms: [{ name: 'compression.zstd.level' }],
    effect: 'acts',
    reason: 'Used where batches are compressed again.',
  },
  {
    name: 'delete.retention.ms',
    type: 'LONG',
    default: '86400000',
    range: { kind: 'between', min: 0 },
    documentation: 'How long a compacted topic keeps the tombstone of a deleted key.',
    synonyms: [{ name: 'log.cleaner.delete.retention.ms' }],
    effect: 'acts later',
    reason: COMPACTION,
  },
  {
    name: 'file.delete.delay.ms',
    type: 'LONG',
    default: '60000',
    range: { kind: 'between', min: 0 },
    documentation: 'How long a file stays on disk after its records were deleted.',
    synonyms: [{ name: 'log.segment.delete.delay.ms' }],
    effect: 'no meaning here',
    reason:
      "Objects that nothing refers to are collected a grace period later, which is the deployment's, not a topic's.",
  },
  {
    name: 'flush.messages',
    type: 'LONG',
    default: LONG_MAX,
    range: { kind: 'between', min: 1 },
    documentation: 'After how many records the log is forced to disk.',
    synonyms: [{ name: 'log.flush.interval.messages' }],
    effect: 'no meaning here',
    reason: 'Every acknowledged record is durable already.',
  },
  {
    name: 'flush.ms',
    type: 'LONG',
    default: LONG_MAX,
    range: { kind: 'between', min: 0 },
    documentation: 'After how long the log is forced to disk.',
    synonyms: [
      { name: 'log.flush.interval.ms', default: null },
      { name: 'log.flush.scheduler.interval.ms', default: LONG_MAX },
    ],
    effect: 'no meaning here',
    reason: 'Every acknowledged record is durable already.',
  },
  {
    name: 'follower.replication.throttled.replicas',
    type: 'LIST',
    default: '',
    range: { kind: 'replicas' },
    documentation: 'Replicas whose replication is throttled on the side of the follower.',
    synonyms: [],
    effect: 'no meaning here',
    reason: ONE_REPLICA,
  },
  {
    name: 'index.interval.bytes',
    type: 'INT',
    default: '4096',
    range: { kind: 'between', min: 0 },
    documentation: 'How many bytes of records lie between two entries of an index file.',
    synonyms: [{ name: 'log.index.interval.bytes' }],
    effect: 'no meaning here',
    reason: NO_FILES,
  },
  {
    name: 'leader.replication.throttled.replicas',
    type: 'LIST',
    default: '',
    range: { kind: 'replicas' },
    documentation: 'Replicas whose replication is throttled on the side of the leader.',
    synonyms: [],
    effect: 'no meaning here',
    reason: ONE_REPLICA,
  },
  {
    name: 'local.retention.bytes',
    type: 'LONG',
    default: '-2',
    range: { kind: 'between', min: -2 },
    documentation: 'How much of a partition stays on local disk with tiered storage; -2 follows `retention.bytes`.',
    synonyms: [{ name: 'log.local.retention.bytes' }],
    effect: 'no meaning here',
    reason: ALWAYS_REMOTE,
  },
  {
    name: 'local.retention.ms',
    type: 'LONG',
    default: '-2',
    range: { kind: 'between', min: -2 },
    documentation: 'How long records stay on local disk with tiered storage; -2 follows `retention.ms`.',
    synonyms: [{ name: 'log.local.retention.ms' }],
    effect: 'no meaning here',
    reason: ALWAYS_REMOTE,
  },
  {
    name: 'max.compaction.lag.ms',
    type: 'LONG',
    default: LONG_MAX,
    range: { kind: 'between', min: 1 },
    documentation: 'After how long a record of a compacted topic must have been looked at by compaction.',
    synonyms: [{ name: 'log.cleaner.max.compaction.lag.ms' }],
    effect: 'acts later',
    reason: COMPACTION,
  },
  {
    name: 'max.message.bytes',
    type: 'INT',
    default: '1048588',
    range: { kind: 'between', min: 0 },
    documentation: 'The largest record batch that is accepted, as it is compressed.',
    synonyms: [{ name: 'message.max.bytes' }],
    effect: 'acts',
    reason: 'A longer batch is refused, also when only compressing it again made it longer.',
  },
  {
    name: 'message.timestamp.after.max.ms',
    type: 'LONG',
    default: '3600000',
    range: { kind: 'between', min: 0 },
    documentation: "How far a record's own timestamp may lie in the future.",
    synonyms: [{ name: 'log.message.timestamp.after.max.ms' }],
    effect: 'acts',
    reason: 'Judged by the largest timestamp in the header of a batch.',
  },
  {
    name: 'message.timestamp.before.max.ms',
    type: 'LONG',
    default: LONG_MAX,
    range: { kind: 'between', min: 0 },
    documentation: "How far a record's own timestamp may lie in the past.",
    synonyms: [{ name: 'log.message.timestamp.before.max.ms' }],
    effect: 'acts',
    reason: 'Judged by the first and the largest timestamp in the header of a batch.',
  },
  {
    name: 'message.timestamp.type',
    type: 'STRING',
    default: 'CreateTime',
    range: { kind: 'oneOf', values: ['CreateTime', 'LogAppendTime'] },
    documentation: "Whether records keep the producer's timestamp or get the time at which they were appended.",
    synonyms: [{ name: 'log.message.timestamp.type' }],
    effect: 'acts',
    reason: 'With LogAppendTime the whole batch gets the time at which it was taken in.',
  },
  {
    name: 'min.cleanable.dirty.ratio',
    type: 'DOUBLE',
    default: '0.5',
    range: { kind: 'between', min: 0, max: 1 },
    documentation: 'How large a part of a compacted topic must be new before it is compacted again.',
    synonyms: [{ name: 'log.cleaner.min.cleanable.ratio' }],
    effect: 'acts later',
    reason: COMPACTION,
  },
  {
    name: 'min.compaction.lag.ms',
    type: 'LONG',
    default: '0',
    range: { kind: 'between', min: 0 },
    documentation: 'How long a record of a compacted topic is left alone.',
    synonyms: [{ name: 'log.cleaner.min.compaction.lag.ms' }],
    effect: 'acts later',
    reason: COMPACTION,
  },
  {
    name: 'min.insync.replicas',
    type: 'INT',
    default: '1',
    range: { kind: 'between', min: 1 },
    documentation: 'How many replicas must have a record before `acks=all` is answered.',
    synonyms: [{ name: 'min.insync.replicas' }],
    effect: 'no meaning here',
    reason: 'Every acknowledgement, whatever `acks` says, means that the record is durable in the store.',
  },
  {
    name: 'preallocate',
    type: 'BOOLEAN',
    default: 'false',
    documentation: 'Whether log files are allocated in full when they are made.',
    synonyms: [{ name: 'log.preallocate' }],
    effect: 'no meaning here',
    reason: NO_FILES,
  },
  {
    name: 'remote.log.copy.disable',
    type: 'BOOLEAN',
    default: 'false',
    documentation: 'Stops copying records to the remote tier.',
    synonyms: [],
    effect: 'no meaning here',
    reason: ALWAYS_REMOTE,
  },
  {
    name: 'remote.log.delete.on.disable',
    type: 'BOOLEAN',
    default: 'false',
    documentation: 'Deletes the records of the remote tier when tiered storage is switched off.',
    synonyms: [],
    effect: 'no meaning here',
    reason: ALWAYS_REMOTE,
  },
  {
    name: 'remote.storage.enable',
    type: 'BOOLEAN',
    default: 'false',
    documentation: 'Switches tiered storage on.',
    synonyms: [],
    effect: 'no meaning here',
    reason: ALWAYS_REMOTE,
  },
  {
    name: 'retention.bytes',
    type: 'LONG',
    default: '-1',
    documentation: 'How large a partition may grow before its oldest records are deleted; -1 is no limit.',
    synonyms: [{ name: 'log.retention.bytes' }],
    effect: 'acts later',
    reason: RETENTION,
  },
  {
    name: 'retention.ms',
    type: 'LONG',
    default: '604800000',
    range: { kind: 'between', min: -1 },
    documentation: 'How long records are kept before they are deleted; -1 is for ever.',
    synonyms: [
      { name: 'log.retention.ms', default: null },
      { name: 'log.retention.minutes', type: 'INT', default: null, factor: 60_000 },
      { name: 'log.retention.hours', type: 'INT', default: '168', factor: HOUR_MS },
    ],
    effect: 'acts later',
    reason: RETENTION,
  },
  {
    name: 'segment.bytes',
    type: 'INT',
    default: '1073741824',
    range: { kind: 'between', min: 1024 * 1024 },
    documentation: 'How large one piece of a partition may become.',
    synonyms: [{ name: 'log.segment.bytes' }],
    effect: 'acts later',
    reason: 'It will bound what merging puts into one object; batches are not merged yet.',
  },
  {
    name: 'segment.index.bytes',
    type: 'INT',
    default: '10485760',
    range: { kind: 'between', min: 4 },
    documentation: 'How large an index file may become.',
    synonyms: [{ name: 'log.index.size.max.bytes' }],
    effect: 'no meaning here',
    reason: NO_FILES,
  },
  {
    name: 'segment.jitter.ms',
    type: 'LONG',
    default: '0',
    range: { kind: 'between', min: 0 },
    documentation: 'By how much, at random, new pieces of partitions are begun earlier than `segment.ms` says.',
    synonyms: [
      { name: 'log.roll.jitter.ms', default: null },
      { name: 'log.roll.jitter.hours', type: 'INT', default: '0', factor: HOUR_MS, range: { kind: 'between', min: 0 } },
    ],
    effect: 'no meaning here',
    reason: NO_FILES,
  },
  {
    name: 'segment.ms',
    type: 'LONG',
    default: '604800000',
    range: { kind: 'between', min: 1 },
    documentation: 'After how long a new piece of a partition is begun even if the last one is not full.',
    synonyms: [
      { name: 'log.roll.ms', default: null },
      { name: 'log.roll.hours', type: 'INT', default: '168', factor: HOUR_MS, range: { kind: 'between', min: 1 } },
    ],
    effect: 'acts later',
    reason: 'It will bound the time that one merged object covers; batches are not merged yet.',
  },
  {
    name: 'unclean.leader.election.enable',
    type: 'BOOLEAN',
    default: 'false',
    documentation: 'Whether a replica that is behind may become leader.',
    synonyms: [{ name: 'unclean.leader.election.enable' }],
    effect: 'no meaning here',
    reason: ONE_REPLICA,
  },
]
