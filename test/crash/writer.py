"""Writes the package index over and over until so many bytes are acknowledged, with librdkafka and endless retries.

Each record carries a sequence number of its own in front of its value. What was acknowledged goes to a file as
(sequence number, partition, offset), what was sent is known from the numbers; progress goes to standard output as the
number of acknowledged bytes. Arguments: bootstrap, topic, bytes, idempotent or plain, file of acknowledgements, first
sequence number.
"""

import json
import struct
import subprocess
import sys
import time
import zlib

import confluent_kafka as ck

PARTITIONS = 12
bootstrap, topic, total, mode, acks_path, first = sys.argv[1:7]
total, first = int(total), int(first)

stanzas = []
for text in subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True).stdout.split(b"\n\n"):
    if text.startswith(b"Package: "):
        key = text[9 : text.index(b"\n")]
        stanzas.append((key, zlib.crc32(key) % PARTITIONS, text))
if len(stanzas) < 50_000:
    sys.exit("apt knows %d packages only: run apt-get update" % len(stanzas))

producer = ck.Producer(
    {
        "bootstrap.servers": bootstrap,
        "acks": "all",
        "enable.idempotence": mode == "idempotent",
        "message.timeout.ms": 0,
        "retries": 2147483647,
        "socket.timeout.ms": 10000,
        "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 200,
        "retry.backoff.ms": 50,
        "linger.ms": 5,
        "compression.type": "lz4",
        "queue.buffering.max.messages": 20000,
        "broker.address.family": "v4",
    }
)
acknowledged = open(acks_path, "wb", buffering=1 << 20)
state = {"bytes": 0, "failed": 0, "told": 0.0}


def tell():
    now = time.time()
    if now - state["told"] > 0.05:
        state["told"] = now
        print(state["bytes"], flush=True)


def delivered(error, message):
    if error is not None:
        state["failed"] += 1
        print("failed: %s" % error, file=sys.stderr, flush=True)
        return
    value = message.value()
    state["bytes"] += len(value)
    acknowledged.write(struct.pack("<QIQ", int(value[:12]), message.partition(), message.offset()))


sequence = first
sent = 0
while sent < total and state["failed"] == 0:
    key, partition, text = stanzas[sequence % len(stanzas)]
    value = b"%012d " % sequence + text
    while True:
        try:
            producer.produce(topic, value=value, key=key, partition=partition, on_delivery=delivered)
            break
        except BufferError:
            producer.poll(0.05)
            tell()
    sequence += 1
    sent += len(value)
    if sequence % 64 == 0:
        producer.poll(0)
        tell()
while len(producer) > 0 and state["failed"] == 0:
    producer.poll(0.1)
    tell()
acknowledged.close()
print(state["bytes"], flush=True)
print(json.dumps({"first": first, "next": sequence, "failed": state["failed"]}), flush=True)
sys.exit(1 if state["failed"] else 0)
