"""Members of groups that are kafka-python consumers, 2.0.2 or the current one, a thread for each. Classic protocol only.

Commands and events are those of events.ts. Partitions are reported as revoked from within the listener, that is before the
group is joined again. 2.0.2 commits positions there; the current version runs listeners on its event loop, where nothing
may wait for a commit, so the next owner begins at the last commit before.
"""

import kafka
from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from members import Member, now_ms, serve

OLD = kafka.__version__.startswith("2.0")
COMMIT_MS = 200


def assignors(name):
    if name == "cooperative-sticky":
        from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

        return [CooperativeStickyAssignor]
    return [RoundRobinPartitionAssignor if name == "roundrobin" else RangePartitionAssignor]


def offset_and_metadata(offset, metadata=""):
    return OffsetAndMetadata(offset, metadata) if OLD else OffsetAndMetadata(offset, metadata, -1)


def settings(spec):
    conf = {
        "bootstrap_servers": spec["bootstrap"].split(","),
        "group_id": spec["group"],
        "client_id": spec["member"],
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "partition_assignment_strategy": assignors(spec.get("assignor")),
        "reconnect_backoff_max_ms": 1000,
    }
    if spec.get("sessionTimeoutMs"):
        conf["session_timeout_ms"] = spec["sessionTimeoutMs"]
    if spec.get("instanceId"):
        conf["group_instance_id"] = spec["instanceId"]
    if spec.get("metadataMaxAgeMs"):
        conf["metadata_max_age_ms"] = spec["metadataMaxAgeMs"]
    return conf


class Consumer(Member, ConsumerRebalanceListener):
    def run(self):
        spec = self.spec
        self.positions, self.owned, self.commit_at = {}, set(), now_ms()
        self.consumer = KafkaConsumer(**settings(spec))
        if spec.get("pattern"):
            self.consumer.subscribe(pattern=spec["pattern"], listener=self)
        else:
            self.consumer.subscribe(topics=spec["topics"], listener=self)
        while not self.stopping.is_set():
            # The current version forgets a join that ended between two calls and sends another one, which makes others rebalance.
            for batch in self.consumer.poll(100 if self.owned else 1000).values():
                for record in batch:
                    self.record(record.topic, record.partition, record.offset, record.key, record.value)
            self.steer()
            if now_ms() - self.commit_at >= COMMIT_MS:
                self.commit_at = now_ms()
                self.commit(self.owned, spec["commit"])
        self.commit(self.owned)
        self.gave(self.owned)
        self.consumer.close()

    def seek(self, topic, partition, offset):
        self.consumer.seek(TopicPartition(topic, partition), offset)

    def switch(self, on, places):
        chosen = [TopicPartition(topic, partition) for topic, partition in places]
        (self.consumer.resume if on else self.consumer.pause)(*chosen)

    def on_partitions_revoked(self, revoked):
        gone = {tuple(partition) for partition in revoked} & self.owned
        if OLD:
            self.commit(gone)
        self.forget(gone)
        self.gave(gone)

    def on_partitions_assigned(self, assigned):
        added = {tuple(partition) for partition in assigned} - self.owned
        self.owned = self.owned | added
        self.tell("assigned", places=[list(place) for place in added])

    def on_partitions_lost(self, lost):
        gone = {tuple(partition) for partition in lost} & self.owned
        self.forget(gone)
        self.gave(gone, "lost")

    def commit(self, chosen, how="sync"):
        due = {place: self.positions.pop(place) for place in list(self.positions) if place in chosen}
        if not due:
            return
        sent_at = now_ms()
        offsets = {TopicPartition(*place): offset_and_metadata(offset) for place, offset in due.items()}

        def committed(*_):
            self.tell("committed", sentAt=sent_at, offsets=[[topic, at, offset] for (topic, at), offset in due.items()])

        def answered(_, response):
            if isinstance(response, Exception):
                self.tell("commitFailed", code=code_of(response), text=repr(response))
            else:
                committed()

        if how == "async":
            self.consumer.commit_async(offsets, callback=answered)
            return
        try:
            self.consumer.commit(offsets)
            committed()
        except kafka.errors.KafkaError as error:
            self.tell("commitFailed", code=code_of(error), text=repr(error))


def alone(command):
    conf = {"bootstrap_servers": command["bootstrap"].split(","), "group_id": command["group"]}
    consumer = KafkaConsumer(enable_auto_commit=False, **conf)
    try:
        if command["op"] == "commitAlone":
            topic, partition, offset = command["offset"]
            consumer.assign([TopicPartition(topic, partition)])
            consumer.commit({TopicPartition(topic, partition): offset_and_metadata(offset, command["metadata"])})
            return {}
        place = TopicPartition(*command["place"])
        consumer.assign([place])
        found = consumer.committed(place, metadata=True)
        return {"offset": -1, "metadata": ""} if found is None else {"offset": found.offset, "metadata": found.metadata}
    finally:
        consumer.close()


def code_of(error):
    return getattr(error, "errno", -1)


serve(Consumer, alone, code_of)
