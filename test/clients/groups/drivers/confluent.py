"""Members of groups that are confluent-kafka (librdkafka) consumers, of either protocol, a thread for each.

Commands and events are those of events.ts. Partitions are reported as revoked from within the rebalance callback, that is
before librdkafka tells the coordinator; positions are committed there first. Old versions (Debian's) know less; what they
lack is not asked of them.
"""

import confluent_kafka as ck
from members import Member, now_ms, serve, tell

COMMIT_MS = 200


def settings(spec):
    conf = {
        "bootstrap.servers": spec["bootstrap"],
        "group.id": spec["group"],
        "client.id": spec["member"],
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "reconnect.backoff.max.ms": 1000,
    }
    consumer = spec["protocol"] == "consumer"
    if consumer:
        conf["group.protocol"] = "consumer"
        if spec.get("assignor"):
            conf["group.remote.assignor"] = spec["assignor"]
    elif spec.get("assignor"):
        conf["partition.assignment.strategy"] = spec["assignor"]
    if spec.get("sessionTimeoutMs") and not consumer:
        conf["session.timeout.ms"] = spec["sessionTimeoutMs"]
    if spec.get("instanceId"):
        conf["group.instance.id"] = spec["instanceId"]
    if spec.get("metadataMaxAgeMs"):
        conf["topic.metadata.refresh.interval.ms"] = spec["metadataMaxAgeMs"]
    return conf


def places(partitions):
    return [[p.topic, p.partition] for p in partitions]


def listed(offsets):
    return tuple(sorted((p.topic, p.partition, p.offset) for p in offsets))


class Consumer(Member):
    def run(self):
        spec = self.spec
        conf = settings(spec)
        conf["error_cb"] = self.on_error
        if spec["commit"] == "async":
            conf["on_commit"] = self.on_commit
        self.positions, self.owned, self.sent, self.commit_at = {}, set(), {}, now_ms()
        self.consumer = ck.Consumer(conf)
        topics = [spec["pattern"]] if spec.get("pattern") else spec["topics"]
        self.consumer.subscribe(topics, on_assign=self.on_assign, on_revoke=self.on_revoke, on_lost=self.on_lost)
        while not self.stopping.is_set():
            # Not between a record and telling of it: a seek would seem to come before the record.
            self.steer()
            message = self.consumer.poll(0.05)
            if message is None:
                self.commit_if_due()
                continue
            if message.error() is not None:
                self.on_error(message.error())
                if message.error().fatal():
                    break
                continue
            self.record(message.topic(), message.partition(), message.offset(), message.key(), message.value())
            self.commit_if_due()
        self.commit(self.owned)
        self.gave(self.owned)
        self.consumer.close()

    def seek(self, topic, partition, offset):
        self.consumer.seek(ck.TopicPartition(topic, partition, offset))

    def switch(self, on, places):
        chosen = [ck.TopicPartition(topic, partition) for topic, partition in places]
        (self.consumer.resume if on else self.consumer.pause)(chosen)

    def on_error(self, error):
        self.error(error.code(), error.str(), error.fatal())

    def on_assign(self, consumer, partitions):
        added = [place for place in places(partitions) if tuple(place) not in self.owned]
        self.owned.update(map(tuple, added))
        self.tell("assigned", places=added)

    def on_revoke(self, consumer, partitions):
        gone = {(p.topic, p.partition) for p in partitions} & self.owned
        self.commit(gone)
        self.gave(gone)

    def on_lost(self, consumer, partitions):
        gone = {(p.topic, p.partition) for p in partitions} & self.owned
        self.forget(gone)
        self.gave(gone, "lost")

    def commit_if_due(self):
        if now_ms() - self.commit_at < COMMIT_MS or not self.positions:
            return
        self.commit_at = now_ms()
        if self.spec["commit"] == "sync":
            self.commit(self.owned)
            return
        # One at a time: librdkafka sends those that wait for a coordinator in any order, and then the last one to arrive counts.
        if self.sent:
            return
        offsets = [ck.TopicPartition(topic, at, offset) for (topic, at), offset in self.positions.items()]
        self.positions.clear()
        self.sent[listed(offsets)] = now_ms()
        try:
            self.consumer.commit(offsets=offsets, asynchronous=True)
        except ck.KafkaException as error:
            self.sent.pop(listed(offsets))
            self.tell("commitFailed", code=error.args[0].code(), text=str(error))

    def on_commit(self, error, partitions):
        """Of asynchronous commits, and in some versions of the others too: whoever comes first takes what is noted."""
        sent_at = self.sent.pop(listed(partitions), None)
        if error is not None:
            self.tell("commitFailed", code=error.code(), text=str(error))
        elif sent_at is not None:
            self.tell("committed", sentAt=sent_at, offsets=[[p.topic, p.partition, p.offset] for p in partitions])

    def commit(self, chosen):
        """Waits for the answer."""
        due = {place: self.positions.pop(place) for place in list(self.positions) if place in chosen}
        if not due:
            return
        offsets = [ck.TopicPartition(topic, at, offset) for (topic, at), offset in due.items()]
        self.sent[listed(offsets)] = now_ms()
        try:
            for partition in self.consumer.commit(offsets=offsets, asynchronous=False):
                if partition.error is not None:
                    raise ck.KafkaException(partition.error)
        except ck.KafkaException as error:
            self.sent.pop(listed(offsets), None)
            self.tell("commitFailed", code=error.args[0].code(), text=str(error))
            return
        self.on_commit(None, offsets)


def alone(command):
    consumer = ck.Consumer({"bootstrap.servers": command["bootstrap"], "group.id": command["group"]})
    try:
        if command["op"] == "commitAlone":
            topic, partition, offset = command["offset"]
            place = ck.TopicPartition(topic, partition, offset, metadata=command["metadata"])
            for answered in consumer.commit(offsets=[place], asynchronous=False):
                if answered.error is not None:
                    raise ck.KafkaException(answered.error)
            return {}
        found = consumer.committed([ck.TopicPartition(*command["place"])], timeout=10)[0]
        return {"offset": max(found.offset, -1), "metadata": getattr(found, "metadata", None) or ""}
    finally:
        consumer.close()


def code_of(error):
    return error.args[0].code() if isinstance(error, ck.KafkaException) else -1


serve(Consumer, alone, code_of)
