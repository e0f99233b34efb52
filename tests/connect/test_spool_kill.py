"""kill -9 anywhere: every webhook that was answered 2xx is published, and in the order of its key."""

import http.client
import json
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

CHILD = Path(__file__).with_name("spool_child.py")
KEYS = 4
EACH = 40
KILLS = 10


class Child:
    """One life of the process, ended by kill -9 after `life_s` (None: when we say so)."""

    def __init__(self, args, life_s):
        self.process = subprocess.Popen([sys.executable, str(CHILD), *map(str, args)], stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())
        self.timer = threading.Timer(life_s, self.process.kill) if life_s else None
        if self.timer:
            self.timer.start()

    def kill(self):
        if self.timer:
            self.timer.cancel()
            self.timer.join()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def post(port, signing_key, id, body):
    """The status, or None where the process died meanwhile."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/v1/webhooks/crm", body, signing_key.headers(id, int(time.time()), body))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def published(bus):
    """Whole lines only: a kill may cut the last one, and then it was not acknowledged."""
    lines = bus.read_bytes().split(b"\n")[:-1] if bus.exists() else []
    return [json.loads(line) for line in lines if line.startswith(b"[") and line.endswith(b"]")]


def test_no_webhook_is_lost_by_kill_9(tmp_path, signing_key):
    chance = random.Random(7)
    bus = tmp_path / "bus"
    args = (tmp_path / "connect.sqlite", bus, signing_key.public_text())
    lives = [chance.uniform(0.01, 0.15) for _ in range(KILLS)]
    child = Child(args, lives.pop())
    try:
        for revision in range(EACH):
            for key in range(KEYS):
                body = json.dumps({"data": {"id": f"C-{key}", "revision": revision}}).encode()
                # A sender repeats until it hears 2xx, under the same id.
                while post(child.port, signing_key, f"msg_{key}_{revision}", body) != 202:
                    child.kill()
                    child = Child(args, lives.pop() if lives else None)
        wanted = {(f"C-{key}", revision) for key in range(KEYS) for revision in range(EACH)}
        deadline = time.monotonic() + 30
        while {(key, revision) for key, _, revision in published(bus)} != wanted and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        child.kill()
    seen = published(bus)
    assert {(key, revision) for key, _, revision in seen} == wanted
    assert not lives
    # Some came twice, as the same event; a repeat never overtakes, so the first sight of each is in order.
    assert len({event_id for _, event_id, _ in seen}) == len(wanted)
    for key in range(KEYS):
        firsts = list(dict.fromkeys(revision for each, _, revision in seen if each == f"C-{key}"))
        assert firsts == sorted(firsts)
