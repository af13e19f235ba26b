"""What the drivers written in Python share: reading commands, writing events, a thread for each member.

An event is one line, written and flushed at once under a lock, so what a member did before it was killed is known.
"""

import faulthandler
import json
import queue
import signal
import sys
import threading
import time
import traceback

# Where each thread is, on standard error, for whoever wonders why a member does nothing.
faulthandler.register(signal.SIGUSR1)
lock = threading.Lock()


def now_ms():
    return time.time() * 1000


def tell(member, event, **fields):
    line = json.dumps({"event": event, "member": member, "at": round(now_ms(), 2), **fields})
    with lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def text(raw):
    return None if raw is None else raw.decode()


class Member(threading.Thread):
    """`run` of a subclass consumes until `stopping` is set, and keeps `owned` and `positions`."""

    def __init__(self, spec):
        super().__init__(daemon=True, name=spec["member"])
        self.spec = spec
        self.stopping = threading.Event()
        self.asked = queue.SimpleQueue()
        self.work, self.run = self.run, self.watched

    def watched(self):
        self.tell("joining")
        try:
            self.work()
        except Exception:  # the judge wants to hear of it, whatever it is
            self.error(-1, traceback.format_exc(), True)
        self.tell("closed")

    def tell(self, event, **fields):
        tell(self.spec["member"], event, **fields)

    def error(self, code, said, fatal):
        self.tell("error", code=code, text=said, fatal=fatal)

    def steer(self):
        while not self.asked.empty():
            command = self.asked.get()
            if command["op"] == "seek":
                self.tell("seeked", offsets=command["offsets"])
                for topic, partition, offset in command["offsets"]:
                    self.seek(topic, partition, offset)
                    self.positions.pop((topic, partition), None)
            else:
                self.switch(command["op"] == "resume", command["places"])

    def gave(self, places, how="revoked"):
        if places:
            self.tell(how, places=[list(place) for place in places])
        self.owned = self.owned - set(places)

    def forget(self, places):
        for place in places:
            self.positions.pop(place, None)

    def record(self, topic, partition, offset, key, value):
        self.tell("record", topic=topic, partition=partition, offset=offset, key=text(key), value=text(value))
        self.positions[(topic, partition)] = offset + 1


def serve(member_of, alone, code_of):
    members = {}
    for line in sys.stdin:
        command = json.loads(line)
        if command["op"] == "start":
            members[command["member"]] = member_of(command)
            members[command["member"]].start()
        elif command["op"] == "stop":
            tell(command["member"], "leaving")
            members[command["member"]].stopping.set()
        elif command["op"] in ("commitAlone", "fetchCommitted"):
            try:
                tell("", "reply", id=command["id"], ok=True, **alone(command))
            except Exception as error:  # the suite wants a reply whatever happens
                tell("", "reply", id=command["id"], ok=False, code=code_of(error), text=repr(error))
        else:
            members[command["member"]].asked.put(command)
    for member in members.values():
        member.stopping.set()
    for member in members.values():
        member.join(20)
