"""The driver of kafka-python, 2.0.2 and the current one: their calls differ a little, this file knows where.

One process holds its producers and an admin client; each read is a consumer with assigned partitions. Commands and
replies are those of protocol.ts.
"""

import base64
import json
import sys
import time

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.errors import for_code

OLD = kafka.__version__.startswith("2.0")
state = {"bootstrap": "", "producers": {}, "admin": None}


def data(text):
    return None if text is None else base64.b64decode(text)


def text(raw):
    return None if raw is None else base64.b64encode(raw).decode()


def check(code):
    if code != 0:
        raise for_code(code)()


def hello(command):
    state["bootstrap"] = command["bootstrap"]
    state["admin"] = KafkaAdminClient(bootstrap_servers=command["bootstrap"])
    admin = ["createTopic", "deleteTopic", "createPartitions", "describeTopic", "listTopics", "describeCluster"]
    admin += ["describeConfigs", "alterConfigs", "listOffsets"]
    if not OLD:
        admin += ["incrementalAlterConfigs"]
    return {
        "can": {
            "name": "kafka-python " + kafka.__version__,
            "codecs": ["none", "gzip", "snappy", "lz4", "zstd"],
            "writes": True,
            "reads": True,
            "idempotent": not OLD,
            "setsTimestamps": True,
            "nullValues": True,
            "nullHeaders": False,
            "admin": admin,
        }
    }


def produce(command):
    name = "%s %s %s" % (command["codec"], command["acks"], command["idempotent"])
    if name not in state["producers"]:
        options = {} if OLD else {"enable_idempotence": command["idempotent"]}
        state["producers"][name] = KafkaProducer(
            bootstrap_servers=state["bootstrap"],
            acks="all" if command["acks"] == -1 else command["acks"],
            compression_type=None if command["codec"] == "none" else command["codec"],
            linger_ms=20,
            retries=5,
            **options
        )
    producer = state["producers"][name]
    futures = [
        producer.send(
            command["topic"],
            value=data(record["value"]),
            key=data(record["key"]),
            headers=[(key, data(value)) for key, value in record["headers"]],
            partition=record["partition"],
            timestamp_ms=record["timestamp"],
        )
        for record in command["records"]
    ]
    producer.flush(30)
    return {"offsets": [future.get(30).offset for future in futures]}


def consume(command):
    consumer = KafkaConsumer(bootstrap_servers=state["bootstrap"], group_id=None, enable_auto_commit=False)
    topic = command["topic"]
    left = {TopicPartition(topic, int(partition)): count for partition, count in command["counts"].items()}
    records = []
    try:
        consumer.assign(list(left))
        consumer.seek_to_beginning()
        deadline = time.time() + 10
        while time.time() < deadline and any(count > 0 for count in left.values()):
            for partition, batch in consumer.poll(200).items():
                left[partition] -= len(batch)
                for record in batch:
                    records.append(
                        {
                            "partition": record.partition,
                            "offset": record.offset,
                            "timestamp": record.timestamp,
                            "key": text(record.key),
                            "value": text(record.value),
                            "headers": [[key, text(value)] for key, value in record.headers],
                        }
                    )
    finally:
        consumer.close()
    return {"records": records}


def list_offsets(command):
    consumer = KafkaConsumer(bootstrap_servers=state["bootstrap"], group_id=None, enable_auto_commit=False)
    partition, at = TopicPartition(command["topic"], command["partition"]), command["at"]
    try:
        if at == "earliest":
            return {"offset": consumer.beginning_offsets([partition])[partition]}
        if at == "latest":
            return {"offset": consumer.end_offsets([partition])[partition]}
        found = consumer.offsets_for_times({partition: at})[partition]
        return {"offset": -1 if found is None else found.offset}
    finally:
        consumer.close()


def describe_topic(command):
    described = state["admin"].describe_topics([command["topic"]])[0]
    check(described["error_code"])
    return {
        "id": str(described.get("topic_id") or ""),
        "partitions": [
            {
                "partition": p.get("partition", p.get("partition_index")),
                "leader": p.get("leader", p.get("leader_id")),
                "replicas": list(p.get("replicas", p.get("replica_nodes"))),
                "isr": list(p.get("isr", p.get("isr_nodes"))),
            }
            for p in sorted(described["partitions"], key=lambda p: p.get("partition", p.get("partition_index")))
        ],
    }


def describe_configs(topic):
    wanted = [ConfigResource(ConfigResourceType.TOPIC, topic)]
    if not OLD:
        described = state["admin"].describe_configs(wanted, config_filter="all")
        configs = list(list(described.values())[0].values())[0]
        return {"configs": {name: entry["value"] for name, entry in configs.items()}}
    error_code, _, _, _, entries = state["admin"].describe_configs(wanted)[0].resources[0]
    check(error_code)
    return {"configs": {entry[0]: entry[1] for entry in entries}}


def alter_configs(op, topic, configs):
    resource = [ConfigResource(ConfigResourceType.TOPIC, topic, configs=configs)]
    if OLD:
        check(state["admin"].alter_configs(resource).resources[0][0])
        return {}
    results = state["admin"].alter_configs(
        resource, incremental=op == "incrementalAlterConfigs", raise_on_unknown=False
    )
    for named in results.values():
        for error in named.values():
            if isinstance(error, Exception):
                raise error
            if isinstance(error, str) and not error.lower().startswith(("ok", "noerror", "success")):
                raise RuntimeError(error)
    return {}


def administer(command):
    admin, op, topic = state["admin"], command["op"], command.get("topic")
    if op == "createTopic":
        new = NewTopic(topic, command["partitions"], command["replicationFactor"], topic_configs=command["configs"])
        admin.create_topics([new])
    elif op == "deleteTopic":
        admin.delete_topics([topic])
    elif op == "createPartitions":
        admin.create_partitions({topic: NewPartitions(command["total"])})
    elif op == "listTopics":
        return {"topics": list(admin.list_topics())}
    elif op == "describeCluster":
        cluster = admin.describe_cluster()
        nodes = [broker.get("node_id", broker.get("broker_id")) for broker in cluster["brokers"]]
        return {"clusterId": cluster["cluster_id"], "controller": cluster["controller_id"], "nodes": nodes}
    elif op == "describeConfigs":
        return describe_configs(topic)
    elif op in ("alterConfigs", "incrementalAlterConfigs"):
        return alter_configs(op, topic, command["configs"])
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
    except Exception as error:  # the suite wants a reply whatever happens
        reply = {"ok": False, "code": getattr(error, "errno", -1), "error": repr(error)}
    print(json.dumps(reply), flush=True)
