"""Reads a topic to its end and holds it against what writers were told.

Nothing acknowledged is missing: the record at the acknowledged partition and offset has that sequence number and its
exact bytes. Offsets are dense. For idempotent writers no number appears twice and the numbers of one key rise; a plain
writer may repeat itself, never lose. Arguments: bootstrap, topic, then per writer: mode, file of acknowledgements, first
sequence number, number behind its last. Prints one JSON object; exits with 1 when something is wrong.
"""

import hashlib
import json
import struct
import subprocess
import sys
import zlib

import confluent_kafka as ck

PARTITIONS = 12
bootstrap, topic = sys.argv[1:3]
writers = [sys.argv[at : at + 4] for at in range(3, len(sys.argv), 4)]
stanzas = [
    (text[9 : text.index(b"\n")], text)
    for text in subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True).stdout.split(b"\n\n")
    if text.startswith(b"Package: ")
]

problems = []


def problem(text):
    if len(problems) < 20:
        problems.append(text)


consumer = ck.Consumer(
    {
        "bootstrap.servers": bootstrap,
        "group.id": "unused",
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "check.crcs": True,
        "broker.address.family": "v4",
        "fetch.wait.max.ms": 100,
        "queued.max.messages.kbytes": 65536,
    }
)
ends = []
for partition in range(PARTITIONS):
    low, high = consumer.get_watermark_offsets(ck.TopicPartition(topic, partition), timeout=60)
    if low != 0:
        problem("partition %d starts at %d" % (partition, low))
    ends.append(high)
at = [[] for _ in range(PARTITIONS)]
digest = [hashlib.sha256() for _ in range(PARTITIONS)]
consumer.assign([ck.TopicPartition(topic, partition, 0) for partition in range(PARTITIONS) if ends[partition] > 0])
idle = 0
while any(len(at[partition]) < ends[partition] for partition in range(PARTITIONS)) and idle < 60:
    messages = consumer.consume(10_000, timeout=0.5)
    idle = 0 if messages else idle + 1
    for message in messages:
        if message.error() is not None:
            problem("fetch: %s" % message.error())
            continue
        seen = at[message.partition()]
        if message.offset() != len(seen):
            problem("partition %d: offset %d follows %d" % (message.partition(), message.offset(), len(seen) - 1))
        value = message.value()
        sequence = int(value[:12])
        key, text = stanzas[sequence % len(stanzas)]
        if value[13:] != text or message.key() != key or zlib.crc32(key) % PARTITIONS != message.partition():
            problem("partition %d offset %d: not the bytes of record %d" % (message.partition(), message.offset(), sequence))
        seen.append(sequence)
        digest[message.partition()].update(value)
consumer.close()
for partition in range(PARTITIONS):
    if len(at[partition]) < ends[partition]:
        problem("partition %d: read %d of %d" % (partition, len(at[partition]), ends[partition]))

records = sum(len(seen) for seen in at)
acknowledged = 0
for mode, path, first, behind in writers:
    first, behind = int(first), int(behind)
    with open(path, "rb") as file:
        for sequence, partition, offset in struct.iter_unpack("<QIQ", file.read()):
            acknowledged += 1
            if offset >= len(at[partition]) or at[partition][offset] != sequence:
                problem("record %d was acknowledged at partition %d offset %d and is not there" % (sequence, partition, offset))
    count = 0
    for partition, seen in enumerate(at):
        last = {}
        once = set()
        for sequence in seen:
            if not first <= sequence < behind:
                continue
            count += 1
            key = sequence % len(stanzas)
            if mode == "idempotent":
                if sequence in once:
                    problem("partition %d: record %d twice" % (partition, sequence))
                elif last.get(key, -1) >= sequence:
                    problem("partition %d: record %d after %d of the same key" % (partition, sequence, last[key]))
            once.add(sequence)
            last[key] = sequence
    if mode == "idempotent" and count != behind - first:
        problem("%d records of %d to %d" % (count, first, behind))
print(
    json.dumps(
        {
            "records": records,
            "acknowledged": acknowledged,
            "digest": hashlib.sha256(b"".join(one.digest() for one in digest)).hexdigest(),
            "problems": problems,
        }
    )
)
sys.exit(1 if problems else 0)
