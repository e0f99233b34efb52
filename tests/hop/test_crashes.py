"""The promise: whatever crashes, the upstream sees a key once, and a kept reply is given again byte by byte."""

import asyncio
import os
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.hop import conftest as kit

from treadle.control.state import State as Paths
from treadle.gateway.hop.hop import Hop, Limits
from treadle.gateway.hop.idempotency import IN_DOUBT, RELEASED, Claim, Outcome, Reply, State, Verdict, digest
from treadle.gateway.hop.process import TableWatch
from treadle.gateway.hop.stores.sqlite import SqliteDatabase, sqlite_store
from treadle.gateway.hop.stores.store import Settle
from treadle.gateway.hop.table import encode
from treadle.gateway.hop.upstream import Pool
from treadle.gateway.hop.worker import Worker

KEYS = ("k-1", "k-2")
LIFE_MS = 1_000_000
PATIENCE_MS = 100


@dataclass
class Attempt:
    """One process that has one call in hand."""

    key: str
    claim: Claim
    outcome: Outcome = None


@dataclass
class Upstream:
    """Counts what it sees, and answers each sight differently, so that a second one would show."""

    seen: Counter = field(default_factory=Counter)

    def act(self, key):
        self.seen[key] += 1
        return Reply(201, ((b"x-n", b"%d" % self.seen[key]),), f"{key} {self.seen[key]}".encode())


class Interleavings(RuleBasedStateMachine):
    """Processes that stop, die and come back between any two steps, over one file."""

    def __init__(self):
        super().__init__()
        import tempfile
        from pathlib import Path

        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "keys.sqlite"
        self.file = SqliteDatabase(self.path)
        self.upstream = Upstream()
        self.now_ms = 0
        self.owners = 0
        self.claimed = []
        self.sent = []
        self.replies = {}

    def teardown(self):
        self.file.close()
        self.folder.cleanup()

    @rule(key=st.sampled_from(KEYS), after_ms=st.sampled_from([0, 1, PATIENCE_MS]))
    def call(self, key, after_ms):
        self.now_ms += after_ms
        self.owners += 1
        claim = Claim(
            digest(b"app", key.encode()),
            b"f",
            b"%d" % self.owners,
            self.now_ms,
            self.now_ms + PATIENCE_MS,
            self.now_ms + LIFE_MS,
        )
        (judged,) = self.file.commit([claim])
        if judged.verdict is Verdict.SEND:
            self.claimed.append(Attempt(key, claim))
        if judged.verdict is Verdict.REPLAY:
            assert judged.record.reply == self.replies[key]

    @precondition(lambda self: self.claimed)
    @rule(data=st.data(), how=st.sampled_from(["answered", "lost", "not sent", "too large"]))
    def send(self, data, how):
        """The call goes out, and comes back or does not."""
        attempt = data.draw(st.sampled_from(self.claimed))
        self.claimed.remove(attempt)
        self.sent.append(attempt)
        if how == "not sent":
            attempt.outcome = RELEASED
            return
        reply = self.upstream.act(attempt.key)
        attempt.outcome = {
            "answered": Outcome(State.DONE, reply),
            "lost": IN_DOUBT,
            "too large": Outcome(State.UNKEPT, Reply(201)),
        }[how]

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def settle(self, data):
        attempt = data.draw(st.sampled_from(self.sent))
        self.sent.remove(attempt)
        self.file.commit([Settle(attempt.claim.scope, attempt.claim.owner, attempt.outcome)])
        if attempt.outcome.state is State.DONE:
            self.replies[attempt.key] = attempt.outcome.reply

    @precondition(lambda self: self.claimed or self.sent)
    @rule(data=st.data())
    def die(self, data):
        attempt = data.draw(st.sampled_from(self.claimed + self.sent))
        (self.claimed if attempt in self.claimed else self.sent).remove(attempt)

    @rule()
    def restart(self):
        """The file is opened anew."""
        self.file.close()
        self.file = SqliteDatabase(self.path)

    @invariant()
    def each_key_is_seen_once(self):
        assert max(self.upstream.seen.values(), default=0) <= 1


Interleavings.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
test_interleavings = Interleavings.TestCase


# The hop itself, on real sockets.


async def dies_before(recorder, call, writer):
    return True


async def dies_within(recorder, call, writer):
    writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 50\r\n\r\nhalf of it")
    await writer.drain()
    return True


async def says_nothing(recorder, call, writer):
    await recorder.writers[writer].read()
    return True


async def is_late(recorder, call, writer):
    await asyncio.sleep(0.02)
    await kit.echo(recorder, call, writer)


PLAYS = {"answers": kit.echo, "before": dies_before, "within": dies_within, "late": is_late, "nothing": says_nothing}


class Incarnation:
    """A hop that can be dropped where it stands: its process is gone, its store is not."""

    def __init__(self, folder, socket, clock_ms):
        self.folder = folder
        self.socket = socket
        self.clock_ms = clock_ms

    async def start(self):
        loop = asyncio.get_running_loop()
        self.store = sqlite_store(self.folder / "keys.sqlite")
        self.pool = Pool(self.folder / "onward.sock", loop)
        self.hop = Hop(self.pool, self.store, Worker(), Limits(), self.clock_ms)
        await TableWatch(self.folder / "hop.json", self.hop).first()
        self.server = await loop.create_unix_server(self.hop.door, str(self.socket))

    async def crash(self):
        """Nothing that was begun goes on: no task, no connection. What the store was given it keeps."""
        self.server.close()
        for task in list(self.hop._tasks):
            task.cancel()
        for door in list(self.hop.doors):
            door.abort()
        self.pool.close()
        await asyncio.gather(*self.hop._tasks, return_exceptions=True)
        await self.store.close()
        self.socket.unlink()


_CALL = st.tuples(st.just("call"), st.sampled_from(KEYS), st.sampled_from(sorted(PLAYS)), st.integers(0, 8))
_PLAN = st.lists(st.one_of(_CALL, st.tuples(st.just("crash"), st.integers(0, 12))), min_size=2, max_size=8)


@given(plan=_PLAN)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_hop_that_dies_anywhere(tmp_path_factory, plan):
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_played(tmp_path_factory.mktemp("crash"), plan))


async def _played(folder, plan):
    async with asyncio.timeout(30):
        await _play(folder, plan)


async def _play(folder, plan):
    (folder / "hop.json").write_bytes(encode(kit.gateway()))
    upstream = kit.Recorder(folder / "onward.sock")
    await upstream.start()
    late_ms = 0

    def clock_ms():
        return 1_000_000 + late_ms

    hop = Incarnation(folder, folder / "hop.sock", clock_ms)
    await hop.start()
    calls = []
    for number, (what, *how) in enumerate(plan):
        if what == "crash":
            await asyncio.sleep(how[0] / 1_000)
            await hop.crash()
            hop = Incarnation(folder, folder / f"{number}.sock", clock_ms)
            await hop.start()
        else:
            key, play, pause_ms = how
            upstream.play = PLAYS[play]
            calls.append(asyncio.create_task(_order(hop.socket, key)))
            await asyncio.sleep(pause_ms / 1_000)
    answers = await asyncio.gather(*calls)
    upstream.play = kit.echo
    late_ms = 60_000  # whatever was in hand by then is over
    final = {key: [(await _order(hop.socket, key))[1] for _ in range(2)] for key in KEYS}
    assert max(Counter(upstream.keys()).values(), default=0) <= 1
    for key, said in final.items():
        statuses = {each.status for each in said}
        assert statuses in ({201}, {409})
        given = [each for k, each in answers if k == key and each and each.status == 201]
        assert len({each.body for each in (*given, *(each for each in said if each.status == 201))}) <= 1
        if 409 in statuses:
            assert {each.code for each in said} == {"IDEMPOTENCY_IN_DOUBT"}
            # Whoever was given the answer can be given it again.
            assert not given
    await hop.crash()
    await upstream.stop()


async def _order(socket, key):
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return key, None
    try:
        writer.write(kit.call_bytes("quickOrder", "/v1/quick", idempotency_key=key))
        async with asyncio.timeout(10):
            return key, await kit.read_answer(reader)
    except (OSError, asyncio.IncompleteReadError):
        return key, None
    finally:
        writer.close()


async def _listens(socket):
    try:
        _, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    writer.close()
    return True


@pytest.mark.anyio
async def test_kill_9_at_any_moment(tmp_path):
    """A real process over a real file, killed again and again while keys are sent through it."""
    (tmp_path / "workspace").mkdir()
    paths = Paths(tmp_path / "workspace")
    paths.prepare()
    paths.hop_table.write_bytes(encode(kit.gateway()))
    upstream = kit.Recorder(paths.onward_socket)
    upstream.play = is_late
    await upstream.start()
    keys = [f"k-{number}" for number in range(60)]
    given = {}

    async def process():
        paths.hop_socket.unlink(missing_ok=True)
        made = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "treadle.control.hop",
            "--workspace",
            str(paths.root),
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(20):
            while not await _listens(paths.hop_socket):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)
        return made

    async def order(key):
        _, said = await _order(paths.hop_socket, key)
        if said and said.status == 201:
            assert given.setdefault(key, said.body) == said.body

    hop = await process()
    for round_ in range(4):
        calls = [asyncio.create_task(order(key)) for key in keys[round_ * 15 : round_ * 15 + 20]]
        await asyncio.sleep(0.004 + 0.008 * round_)
        os.kill(hop.pid, signal.SIGKILL)
        await hop.wait()
        await asyncio.gather(*calls)
        hop = await process()
    doubts = 0
    for key in keys:
        async with asyncio.timeout(20):
            _, said = await _order(paths.hop_socket, key)
            while said.status == 409 and said.code == "IDEMPOTENCY_IN_PROGRESS":  # until its deadline is over
                await asyncio.sleep(0.1)
                _, said = await _order(paths.hop_socket, key)
        assert said.status == 201 or said.code == "IDEMPOTENCY_IN_DOUBT"
        doubts += said.status == 409
        if key in given:
            assert said.body == given[key]
    seen = Counter(upstream.keys())
    assert max(seen.values()) == 1
    assert 0 < doubts < len(keys)
    hop.terminate()
    assert await hop.wait() == 0
    await upstream.stop()
