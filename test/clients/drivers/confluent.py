"""The driver of confluent-kafka (librdkafka): current from PyPI or Debian's, as the interpreter that runs it has it.

One process holds its producers and an AdminClient; each read is a consumer with assigned partitions. Commands and
replies are those of protocol.ts.
"""

import base64
import json
import sys
import time

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

state = {"bootstrap": "", "producers": {}, "admin": None}


def data(text):
    return None if text is None else base64.b64decode(text)


def text(raw):
    return None if raw is None else base64.b64encode(raw).decode()


def hello(command):
    state["bootstrap"] = command["bootstrap"]
    state["admin"] = AdminClient({"bootstrap.servers": command["bootstrap"]})
    admin = ["createTopic", "deleteTopic", "createPartitions", "listTopics", "describeConfigs", "alterConfigs"]
    admin += ["listOffsets", "describeTopic"]
    if hasattr(state["admin"], "incremental_alter_configs"):
        admin += ["incrementalAlterConfigs", "describeCluster"]
    return {
        "can": {
            "name": "confluent-kafka %s (librdkafka %s)" % (ck.version()[0], ck.libversion()[0])
            if isinstance(ck.version(), tuple)
            else "confluent-kafka %s (librdkafka %s)" % (ck.version(), ck.libversion()[0]),
            "codecs": ["none", "gzip", "snappy", "lz4", "zstd"],
            "writes": True,
            "reads": True,
            "idempotent": True,
            "setsTimestamps": True,
            "nullValues": True,
            "nullHeaders": True,
            "admin": admin,
        }
    }


def produce(command):
    name = "%s %s %s" % (command["codec"], command["acks"], command["idempotent"])
    if name not in state["producers"]:
        state["producers"][name] = ck.Producer(
            {
                "bootstrap.servers": state["bootstrap"],
                "acks": command["acks"],
                "compression.type": command["codec"],
                "enable.idempotence": command["idempotent"],
                "linger.ms": 20,
            }
        )
    producer = state["producers"][name]
    offsets = [None] * len(command["records"])
    failures = []

    def delivered(index):
        def callback(error, message):
            if error is not None:
                failures.append(error)
            else:
                offsets[index] = -1 if message.offset() is None else message.offset()

        return callback

    for index, record in enumerate(command["records"]):
        options = {"on_delivery": delivered(index)}
        if record["partition"] is not None:
            options["partition"] = record["partition"]
        if record["timestamp"] is not None:
            options["timestamp"] = record["timestamp"]
        if record["headers"]:
            options["headers"] = [(key, data(value)) for key, value in record["headers"]]
        producer.produce(command["topic"], value=data(record["value"]), key=data(record["key"]), **options)
    producer.flush(30)
    if failures:
        raise ck.KafkaException(failures[0])
    return {"offsets": offsets}


def consume(command):
    consumer = ck.Consumer(
        {
            "bootstrap.servers": state["bootstrap"],
            "group.id": "unused",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
        }
    )
    topic = command["topic"]
    consumer.assign([ck.TopicPartition(topic, int(partition), 0) for partition in command["counts"]])
    left = {int(partition): count for partition, count in command["counts"].items()}
    records = []
    deadline = time.time() + 10
    while time.time() < deadline and any(count > 0 for count in left.values()):
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error() is not None:
            consumer.close()
            raise ck.KafkaException(message.error())
        left[message.partition()] -= 1
        records.append(
            {
                "partition": message.partition(),
                "offset": message.offset(),
                "timestamp": message.timestamp()[1],
                "key": text(message.key()),
                "value": text(message.value()),
                "headers": [[key, text(value)] for key, value in message.headers() or []],
            }
        )
    consumer.close()
    return {"records": records}


def list_offsets(command):
    consumer = ck.Consumer({"bootstrap.servers": state["bootstrap"], "group.id": "unused"})
    topic, partition, at = command["topic"], command["partition"], command["at"]
    try:
        if at in ("earliest", "latest"):
            low, high = consumer.get_watermark_offsets(ck.TopicPartition(topic, partition), timeout=10)
            return {"offset": low if at == "earliest" else high}
        found = consumer.offsets_for_times([ck.TopicPartition(topic, partition, at)], timeout=10)[0]
        if found.error is not None:
            raise ck.KafkaException(found.error)
        return {"offset": found.offset}
    finally:
        consumer.close()


def first(futures):
    for future in futures.values():
        return future.result(20)


def describe_topic(command):
    metadata = state["admin"].list_topics(command["topic"], timeout=10).topics[command["topic"]]
    if metadata.error is not None:
        raise ck.KafkaException(metadata.error)
    identity = ""
    if hasattr(state["admin"], "describe_topics"):
        described = first(state["admin"].describe_topics(ck.TopicCollection([command["topic"]])))
        identity = str(described.topic_id)
    return {
        "id": identity,
        "partitions": [
            {"partition": p.id, "leader": p.leader, "replicas": list(p.replicas), "isr": list(p.isrs)}
            for p in sorted(metadata.partitions.values(), key=lambda p: p.id)
        ],
    }


def administer(command):
    admin, op, topic = state["admin"], command["op"], command.get("topic")
    if op == "createTopic":
        new = NewTopic(topic, command["partitions"], command["replicationFactor"], config=command["configs"])
        first(admin.create_topics([new]))
    elif op == "deleteTopic":
        first(admin.delete_topics([topic]))
    elif op == "createPartitions":
        first(admin.create_partitions([NewPartitions(topic, command["total"])]))
    elif op == "listTopics":
        return {"topics": list(admin.list_topics(timeout=10).topics)}
    elif op == "describeCluster":
        cluster = first({"": admin.describe_cluster()})
        nodes = [node.id for node in cluster.nodes]
        return {"clusterId": cluster.cluster_id, "controller": cluster.controller.id, "nodes": nodes}
    elif op == "describeConfigs":
        entries = first(admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]))
        return {"configs": {name: entry.value for name, entry in entries.items()}}
    elif op == "alterConfigs":
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, set_config=command["configs"])
        first(admin.alter_configs([resource]))
    elif op == "incrementalAlterConfigs":
        from confluent_kafka.admin import AlterConfigOpType, ConfigEntry

        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in command["configs"].items()
        ]
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
        first(admin.incremental_alter_configs([resource]))
    else:
        raise ValueError("unknown op " + op)
    return {}


HANDLERS = {
    "hello": hello,
    "produce": produce,
    "consume": consume,
    "listOffsets": list_offsets,
    "describeTopic": describe_topic,
}

for line in sys.stdin:
    asked = json.loads(line)
    try:
        reply = HANDLERS.get(asked["op"], administer)(asked)
        reply["ok"] = True
    except ck.KafkaException as error:
        reply = {"ok": False, "code": error.args[0].code(), "error": str(error)}
    except Exception as error:  # the suite wants a reply whatever happens
        reply = {"ok": False, "code": -1, "error": repr(error)}
    print(json.dumps(reply), flush=True)
