// Every bound of the system, with its unit and reason. Nothing else defines a limit.

/** Entries are at most this long; what is longer is stored by reference (DynamoDB charges each append per KiB). */
export const ENTRY_BYTES_MAX = 1024
/** Entries in the tail; with ENTRY_BYTES_MAX keeps `tail` + `sealed` far below DynamoDB's 400 KB item. */
export const TAIL_ENTRIES_MAX = 64
/** The tail is sealed past either of these: keeps an append at 1 to 2 write units. */
export const SEAL_ENTRIES = 16
export const SEAL_BYTES = 1536
/** LMDB does not charge by the item: a longer tail saves commits. */
export const EMBEDDED_SEAL_AFTER = { entries: 48, bytes: 16 * 1024 }
/** A view of the head older than this is refreshed before an append, while its object uploads. */
export const HEAD_VIEW_AGE_MS = 50

/** An ingest segment closes at this size, and at this many batches. */
export const SEGMENT_BYTES_MAX = 8 * 1024 * 1024
export const SEGMENT_BATCHES_MAX = 16_384
/** Segments up to this size go into the journal's table (AWS: a DynamoDB item). */
export const TINY_SEGMENT_BYTES_MAX = 4096
/**
 * Embedded objects up to this size lie in LMDB and share its fsync with the append that names them. Measured: at 1 MiB one
 * commit costs less than a file of its own, whose name and directory must be made durable too.
 */
export const EMBEDDED_INLINE_BYTES_MAX = 1024 * 1024
/** Uploads of one process under way at once. */
export const UPLOADS_IN_FLIGHT_MAX = 8

/** Bytes of produce requests held by one process from reading the frame to the answer. */
export const REQUEST_MEMORY_BYTES_MAX = 128 * 1024 * 1024
/**
 * Bytes of records held by one process from reading them for an answer until they are written to their socket. Two answers
 * of the largest size; with the two bounds beside it a process stays far below 512 MiB.
 */
export const FETCH_MEMORY_BYTES_MAX = 128 * 1024 * 1024
/** What a batch costs that memory besides its bytes: its place in a plan, a read, and two buffers of an answer. */
export const FETCH_BATCH_OVERHEAD_BYTES = 512
/** A fetch that gets no memory for this long is answered without records: clients give up after 30 s. */
export const FETCH_MEMORY_WAIT_MS_MAX = 15_000
/** While fetches wait for memory, a client that takes nothing of its answer for this long is cut off; it may come back. */
export const FETCH_STALL_MS_MAX = 3000
/** Bytes of segments kept in memory for readers. */
export const BLOCK_CACHE_BYTES_MAX = 64 * 1024 * 1024

/** Kafka: socket.request.max.bytes. */
export const FRAME_BYTES_MAX = 100 * 1024 * 1024
/** Frames of a connection that has not authenticated (DESIGN.md section 12). */
export const FRAME_BYTES_MAX_UNAUTHENTICATED = 64 * 1024
/** Tagged fields of one structure; Kafka's messages have at most a handful. */
export const TAGGED_FIELDS_MAX = 1024
/** What the decoded values of one message may occupy in memory, about: a Metadata of 200,000 partitions fits. */
export const DECODED_BYTES_MAX = 64 * 1024 * 1024
/** Requests of one connection that are read ahead. */
export const REQUESTS_IN_FLIGHT_PER_CONNECTION_MAX = 64
export const CONNECTIONS_MAX = 10_000
export const CONNECTION_IDLE_MS_MAX = 600_000
/** Frames of one connection that are read and not yet answered; a single longer frame is read alone. */
export const REQUEST_BYTES_PER_CONNECTION_MAX = 16 * 1024 * 1024
/** What a request costs the memory budget besides its bytes. */
export const REQUEST_OVERHEAD_BYTES = 512
/** Answers of one connection that wait for its reader; past it no further request of it is started. */
export const RESPONSE_BYTES_UNWRITTEN_MAX = 1024 * 1024
/** An answer is handed to the system in pieces of this size: what a reader takes shows, and is forgotten, piece by piece. */
export const RESPONSE_PIECE_BYTES = 256 * 1024
/** A sender that stops in the middle of a frame, or a reader that stops while others wait for memory, is cut off. */
export const FRAME_STALL_MS_MAX = 30_000
/** The same while others wait for memory. */
export const FRAME_STALL_CONTENDED_MS_MAX = 5000
/**
 * A frame holds all its memory once one part in so many has come, until then this or twice what has come: an announcement
 * alone costs others nothing.
 */
export const FRAME_TRUST = 16
export const FRAME_FIRST_BYTES = 4096
/** A frame that comes slower than this (after the stall time) is cut off: it holds memory that others wait for. */
export const FRAME_BYTES_PER_SECOND_MIN = 64 * 1024
/** Requests under way when a gateway is asked to stop get this long. */
export const DRAIN_MS_MAX = 10_000
/**
 * A gateway renews its lease this often; others, who look as often, drop it when it did not change for LEASE_EXPIRY_MS and
 * three looks: 3 to 6 s after it died. A renewal that DynamoDB leaves unanswered for 3 s does not yet cost it its place. In
 * DynamoDB a month of renewals is 1.75 million write units, $1.10 at $0.625 a million.
 */
export const LEASE_RENEW_MS = 1500
export const LEASE_EXPIRY_MS = 4500
/**
 * A client is sent to its group's coordinator only by a gateway that has seen the same list of gateways for this long: three
 * renewals, so all others have read it meanwhile or know that their own is old.
 */
export const HINT_STEADY_MS = 3 * LEASE_RENEW_MS
/** Groups for which one connection is sent away, each once: they are remembered. Clients have one or two. */
export const HINTED_GROUPS_MAX = 64
/** Gateways of one deployment: the membership document stays small. */
export const GATEWAYS_MAX = 1024

/** Partitions in one page of state. */
export const PAGE_PARTITIONS = 64
/** Extents in one immutable block of a page. */
export const BLOCK_EXTENTS = 4096
/** Unmerged extents of one partition. */
export const EXTENTS_PER_PARTITION_MAX = 1_048_576
/** Producers remembered per partition; the least recently written are forgotten first. */
export const PRODUCERS_PER_PARTITION_MAX = 2048
/** Batches remembered per producer and partition (Kafka's number; clients have at most 5 in flight). */
export const PRODUCER_BATCHES = 5
/** Groups in one page of state. */
export const PAGE_GROUPS = 64
/** Consumer groups: the root holds some 60 bytes of each. */
export const GROUPS_MAX = 50_000
/** Offsets of one group: its slot of a page is written anew with each checkpoint that finds it changed. */
export const OFFSETS_PER_GROUP_MAX = 100_000
export const TOPICS_MAX = 100_000
export const PARTITIONS_PER_TOPIC_MAX = 100_000
/** Kafka: a topic name is at most 249 characters. */
export const TOPIC_NAME_LENGTH_MAX = 249

/** A checkpoint is written at the latest after this many entries or bytes of chunks. */
export const CHECKPOINT_ENTRIES = 1024
export const CHECKPOINT_BYTES = 1024 * 1024

/** Polling the head while somebody waits: from, doubling, to. */
export const POLL_MS_MIN = 20
export const POLL_MS_MAX = 250
/** A fetch below the end needs a head read no older than this. */
export const FETCH_VIEW_AGE_MS = 1000

/** Decompressed size that one batch may reach where it is decompressed at all. */
export const DECOMPRESSED_BYTES_MAX = 128 * 1024 * 1024

/** Bytes of records in one fetch response, whatever the client asks for. Kafka: fetch.max.bytes. */
export const FETCH_BYTES_MAX = 55 * 1024 * 1024
/** A produce request waits at least this long for its outcome: some clients send 0 for "no preference". */
export const PRODUCE_TIMEOUT_MS_MIN = 1000
/** A change of a topic is repeated this often when other changes come first. */
export const CHANGE_TOPIC_ATTEMPTS_MAX = 10

/** One answer of `readChunks` ends past this (a DynamoDB query returns at most 1 MB). */
export const READ_CHUNKS_BYTES = 1024 * 1024
/** Documents in one page of a list (memory and embedded). */
export const DOCUMENTS_PER_PAGE = 256

/** Body of one DynamoDB item: an item is at most 400 KB with its names and keys. */
export const DYNAMODB_BODY_BYTES_MAX = 384 * 1024
/** A request whose frame makes it a tiny segment stays one, whatever compressing its batches anew makes of them. */
export const TINY_SEGMENT_GROWN_BYTES_MAX = DYNAMODB_BODY_BYTES_MAX
/** DynamoDB: a sort key is at most 1,024 bytes. */
export const DYNAMODB_SORT_KEY_BYTES_MAX = 1024
/** DynamoDB: items of one BatchWriteItem. */
export const DYNAMODB_BATCH_ITEMS_MAX = 25
/** S3: keys of one DeleteObjects, and of one page of a listing. */
export const S3_KEYS_MAX = 1000
/** Making a connection to AWS, or waiting for a free one. */
export const AWS_CONNECT_MS_MAX = 1500
/** One exchange with DynamoDB (p99 is 15 ms): past it the outcome of a write is unknown. */
export const DYNAMODB_REQUEST_MS_MAX = 3000
/** One exchange with S3, with 8 MiB over a slow line. */
export const S3_REQUEST_MS_MAX = 20_000
/**
 * Objects that one fetch reads side by side: fewer than the connections of a process, or waiting for one would take longer
 * than a connection may.
 */
export const READS_IN_FLIGHT_MAX = 32
/** A generation that was learned longer ago than this is not told to clients: they name objects after it. */
export const GENERATION_AGE_MS_MAX = 60_000
/** Functions collect garbage this often: each collection lists all tiny segments, at 312 read units a thousand. */
export const FUNCTION_COLLECT_MS = 24 * 60 * 60 * 1000
/** Connections of one process to each of S3 and DynamoDB. */
export const AWS_CONNECTIONS_MAX = 64
/** Blocks of extents kept in memory for readers after a checkpoint stored them. */
export const BLOCKS_IN_MEMORY_MAX = 256
/** Pages of state kept in memory when a checkpoint holds them as they are (1,024 of 64 partitions). */
export const PAGES_IN_MEMORY_MAX = 1024

/** Small embedded objects that wait in memory for the next commit; more are committed at once. */
export const EMBEDDED_DEFERRED_BYTES_MAX = 16 * 1024 * 1024
/** Address space that LMDB starts with, of a sparse file; it grows by itself. */
export const EMBEDDED_MAP_BYTES = 16 * 1024 * 1024 * 1024
/** A watched embedded journal is looked at this often. */
export const EMBEDDED_WATCH_INTERVAL_MS = 3
/** Records of one batch that a response calls invalid; the batch is refused as a whole whatever their number. */
export const RECORD_ERRORS_MAX = 1000
/** Topics or resources in one request whose answer lists some 40 configs for each. Kafka creates as many at once. */
export const DESCRIBED_PER_REQUEST_MAX = 10_000
/** Partitions in one page of DescribeTopicPartitions. Kafka: max.request.partition.size.limit. */
export const DESCRIBED_PARTITIONS_MAX = 2000
/** The replicas that administrators chose for partitions of one topic, as text: some 8,000 partitions with three each. */
export const CHOSEN_REPLICAS_LENGTH_MAX = 64 * 1024
/** Partitions in one answer of DescribeLogDirs. */
export const LOG_DIR_PARTITIONS_MAX = 100_000
/** Blocks of extents that one such answer reads from the store, at most; others count as large as their partition's known ones. */
export const LIVE_BYTES_BLOCK_READS_MAX = 512
/** Blocks of which it is remembered how many bytes lie in them: about 100 bytes each. */
export const BLOCK_SIZES_MAX = 65_536
/** Partitions whose log start one request moves side by side. */
export const CHANGES_AT_ONCE_MAX = 256

/** The client side of HTTPS asks again for a fetch with nothing to return: from, doubling, to (docs/https.md). */
export const HTTPS_POLL_MS_MIN = 50
export const HTTPS_POLL_MS_MAX = 2000
/** It asks again this often for other requests that wait at the server, as joins do. */
export const HTTPS_PARKED_POLL_MS = 250
/** A request whose answer was lost is repeated this long after the first failure, with pauses: from, doubling, to. */
export const HTTPS_REPEAT_MS_MAX = 30_000
export const HTTPS_REPEAT_PAUSE_MS_MIN = 100
export const HTTPS_REPEAT_PAUSE_MS_MAX = 3000
/** One exchange over HTTPS: API Gateway itself gives up after 30 s. */
export const HTTPS_EXCHANGE_MS_MAX = 35_000
/** Making a connection for it, TLS included. */
export const HTTPS_CONNECT_MS_MAX = 8000
/** HTTPS connections of one process; a request that finds none free waits for one. */
export const HTTPS_SOCKETS_MAX = 128
/** What a Lambda function may answer, with its base64 undone. */
export const HTTPS_RESPONSE_BYTES_MAX = 6 * 1024 * 1024
/** A problem's body: what is longer is none of ours. */
export const HTTPS_PROBLEM_BYTES_MAX = 64 * 1024
/** Partitions that a connection remembers as having nothing new; with more of them it polls as if it knew nothing. */
export const HTTPS_EMPTY_PARTITIONS_MAX = 10_000
/** Clients of one `tidelog connect`. */
export const CONNECT_CONNECTIONS_MAX = 1024
/**
 * What it holds of answers to them. For requests it has the bounds of a gateway: a frame that is too long for HTTPS is read,
 * so that its producer can be told.
 */
export const CONNECT_ANSWER_BYTES_MAX = 128 * 1024 * 1024
/** The same trouble is told again after this time. */
export const CONNECT_NOTICE_MS = 60_000
/** CloudFormation: the answer of a custom resource. */
export const CUSTOM_RESOURCE_ANSWER_BYTES_MAX = 4096
/** What a function keeps of its time to put such an answer, and how long one try may take. */
export const CUSTOM_RESOURCE_ANSWER_MS = 6000
export const CUSTOM_RESOURCE_PUT_MS_MAX = 4000
/** Asking CloudFormation for the status of a stack. */
export const STACK_STATUS_MS_MAX = 5000
/** What a maintenance job leaves of its invocation, at most: the longest call that may still be under way, and the answer. */
export const MAINTENANCE_RESERVE_MS = S3_REQUEST_MS_MAX + 5000
/** What a function keeps of its invocation to answer that it ran out of time. */
export const FUNCTION_RESERVE_MS = 1500
/** A sweep begins nothing more when less than this is left of its invocation: what it is at ends before the reserve is touched. */
export const FUNCTION_SWEEP_RESERVE_MS = 6000

/** How old a view of a group may be when it only confirms to a member that nothing changed. */
export const GROUP_VIEW_AGE_MS = 1000
/** How often a decision about a group is tried before the client is told to come again: each loss is somebody else's change. */
export const GROUP_TURN_TRIES_MAX = 12
/** Requests that are decided at once: the process does nothing else meanwhile, and a crowd may want to join. */
export const GROUP_TURN_REQUESTS_MAX = 500
/** Groups that one process keeps a view of; the least recently used leave first. */
export const GROUP_ROOMS_MAX = 10_000
/** Between the fences of a group that was deleted and of the next one of its name: more than one turn of a room can raise. */
export const GROUP_FENCE_DISTANCE = 65_536
/** Requests about groups that one process holds: so many that may wait for a rebalance, and so many others. */
export const GROUP_REQUESTS_MAX = 20_000
/** How long a commit is checked again after its group changed beside it: Kafka's clients have given it up by then. */
export const COMMIT_LIFE_MS_MAX = 5_000
export const COMMIT_TRIES_MAX = 8
/** How often removing a group or its offsets is tried again because somebody committed in between. */
export const GROUP_REMOVE_TRIES_MAX = 5
/** How often a gateway sweeps groups of which nobody asks: it reads the documents of all groups. */
export const GROUP_SWEEP_MS = 5 * 60_000
/**
 * Members of a classic group as JSON, all together and without their assignments, and the assignments (base64) beside them:
 * both and the few names around them stay below what one document holds (384 KiB).
 */
export const GROUP_BYTES_MAX = 256 * 1024
export const GROUP_ASSIGNMENTS_BYTES_MAX = 96 * 1024
/** What one member may say of itself, its protocols' metadata (base64) above all: nobody takes a whole group's room. */
export const GROUP_MEMBER_BYTES_MAX = 64 * 1024
/** A group's id: every entry of its commits repeats it. Kafka's only bound is that of a string, 32,767 bytes. */
export const GROUP_ID_BYTES_MAX = 1024
/** Characters of the text that a client commits beside an offset. Kafka: offset.metadata.max.bytes, which counts so too. */
export const OFFSET_METADATA_LENGTH_MAX = 4096
/** Groups of one request that are asked about side by side. */
export const GROUPS_AT_ONCE_MAX = 8
/** What one answer tells about groups, about and beside those that are being asked; what comes later is refused. */
export const GROUPS_ANSWER_BYTES_MAX = 16 * 1024 * 1024
/** A group's, client's, instance's or protocol's name in a group's document, which repeats some of them. */
export const GROUP_NAME_BYTES_MAX = 1024
/**
 * How long a member is told its assignment again after it changed: longer than a request whose answer was lost is repeated
 * (HTTPS_REPEAT_MS_MAX), since a repeat finds the change made and would be told that nothing changed.
 */
export const GROUP_ASSIGNMENT_TOLD_MS = 60_000
/** How often a member of a consumer group is asked for that waits for partitions which others are to give up. */
export const GROUP_WAITING_HEARTBEAT_MS = 1000
/** A rebalance waits at least this long for those who are missing, also for a client that gives them no time at all. */
export const GROUP_REBALANCE_MS_MIN = 1000
/** Joins remembered per member so that a repeat of one that is over changes nothing: more than ever wait at the same time. */
export const GROUP_JOINS_REMEMBERED_MAX = 8
