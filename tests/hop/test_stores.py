"""Every store keeps the same law: one suite over all of them, and what is each one's own."""

import asyncio
import sqlite3
from dataclasses import replace
from types import SimpleNamespace

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from treadle.gateway.hop.idempotency import IN_DOUBT, RELEASED, SEND, Claim, Outcome, Reply, State, Verdict, digest
from treadle.gateway.hop.stores.memory import MemoryStore
from treadle.gateway.hop.stores.postgres import postgres_store
from treadle.gateway.hop.stores.sqlite import sqlite_store
from treadle.gateway.hop.stores.store import Settle, StoreAwayError

pytestmark = pytest.mark.anyio
KEY = digest(b"app", b"op", b"k-1")
REPLY = Reply(
    201, ((b"content-type", b"a/b"), (b"x-odd", bytes(range(128, 256))), (b"set-cookie", b"a")), b"\0\xff body"
)
DONE = Outcome(State.DONE, REPLY)


def claim(scope=KEY, *, owner=b"o-1", now=1_000, deadline=2_000, expires=100_000, fingerprint=b"f"):
    return Claim(scope, fingerprint, owner, now, deadline, expires)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A real PostgreSQL of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        import pgserver

    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def kept(request, tmp_path):
    """`open` opens the same store again."""
    if request.param == "memory":
        store = MemoryStore()
        open = lambda: store  # noqa: E731
    elif request.param == "sqlite":
        open = lambda: sqlite_store(tmp_path / "keys.sqlite")  # noqa: E731
    else:
        url = request.getfixturevalue("database")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS idempotency_keys")
        open = lambda: postgres_store(url)  # noqa: E731
    opened = [open()]

    def again():
        opened.append(open())
        return opened[-1]

    yield SimpleNamespace(store=opened[0], again=again, kind=request.param)
    for each in opened:
        await each.close()


async def test_a_key_is_claimed_once(kept):
    assert await kept.store.claim(claim()) == SEND
    judged = await kept.store.claim(claim(owner=b"o-2"))
    assert (judged.verdict, judged.record.owner) == (Verdict.BUSY, b"o-1")
    assert (await kept.again().claim(claim(owner=b"o-3"))).verdict is Verdict.BUSY


async def test_a_reply_comes_back_byte_by_byte(kept):
    await kept.store.claim(claim())
    await kept.store.settle(Settle(KEY, b"o-1", DONE))
    judged = await kept.again().claim(claim(owner=b"o-2"))
    assert (judged.verdict, judged.record.reply) == (Verdict.REPLAY, REPLY)


async def test_another_payload_is_another_request(kept):
    await kept.store.claim(claim())
    assert (await kept.store.claim(claim(fingerprint=b"g"))).verdict is Verdict.REUSED
    await kept.store.settle(Settle(KEY, b"o-1", DONE))
    assert (await kept.store.claim(claim(fingerprint=b"g"))).verdict is Verdict.REUSED


async def test_after_its_deadline_a_claim_is_in_doubt(kept):
    await kept.store.claim(claim())
    assert (await kept.store.claim(claim(now=1_999))).verdict is Verdict.BUSY
    assert (await kept.store.claim(claim(now=2_000))).verdict is Verdict.DOUBT
    await kept.store.settle(Settle(KEY, b"o-1", DONE))
    assert (await kept.store.claim(claim(now=3_000))).verdict is Verdict.REPLAY


async def test_only_its_maker_settles_a_claim(kept):
    await kept.store.claim(claim())
    for outcome in (DONE, RELEASED, IN_DOUBT):
        await kept.store.settle(Settle(KEY, b"o-2", outcome))
    assert (await kept.store.claim(claim())).verdict is Verdict.BUSY


async def test_what_is_released_may_be_claimed_again(kept):
    await kept.store.claim(claim())
    await kept.store.settle(Settle(KEY, b"o-1", RELEASED))
    assert await kept.store.claim(claim(owner=b"o-2")) == SEND
    await kept.store.settle(Settle(KEY, b"o-1", RELEASED))
    assert (await kept.store.claim(claim(owner=b"o-3"))).record.owner == b"o-2"


@pytest.mark.parametrize("outcome", [DONE, IN_DOUBT, Outcome(State.UNKEPT, Reply(200))])
async def test_what_was_sent_is_never_released(kept, outcome):
    await kept.store.claim(claim())
    await kept.store.settle(Settle(KEY, b"o-1", outcome))
    await kept.store.settle(Settle(KEY, b"o-1", RELEASED))
    assert (await kept.store.claim(claim(owner=b"o-2"))).verdict is not Verdict.SEND


async def test_what_has_expired_is_free_and_swept(kept):
    await kept.store.claim(claim(expires=5_000))
    await kept.store.settle(Settle(KEY, b"o-1", DONE))
    assert (await kept.store.claim(claim(now=4_999))).verdict is Verdict.REPLAY
    assert await kept.store.claim(claim(owner=b"o-2", now=5_000, deadline=6_000)) == SEND
    await kept.store.settle(Settle(KEY, b"o-1", DONE))
    assert (await kept.store.claim(claim(now=5_001))).verdict is Verdict.BUSY
    for number in range(7):
        await kept.store.claim(claim(digest(b"%d" % number), expires=10))
    assert await kept.store.sweep(10) == 7
    assert await kept.store.sweep(10) == 0
    assert (await kept.store.claim(claim(now=5_001))).verdict is Verdict.BUSY


async def test_of_many_claims_in_many_processes_one_is_sent(kept):
    stores = [kept.store, kept.again(), kept.again()]
    scopes = [digest(b"%d" % number) for number in range(30)]
    claims = [stores[number % 3].claim(claim(scope, owner=b"%d" % number)) for number, scope in enumerate(scopes * 9)]
    verdicts = [judged.verdict for judged in await asyncio.gather(*claims)]
    assert verdicts.count(Verdict.SEND) == len(scopes)
    assert verdicts.count(Verdict.BUSY) == 8 * len(scopes)


_SCOPES = st.sampled_from([digest(b"a"), digest(b"b")])
_OWNERS = st.sampled_from([b"o-1", b"o-2", b"o-3"])
_TIMES = st.integers(0, 12)
_OUTCOMES = st.sampled_from([DONE, RELEASED, IN_DOUBT, Outcome(State.UNKEPT, Reply(200))])
_STEPS = st.one_of(
    st.builds(
        lambda scope, owner, now, patience, life, print_: claim(
            scope,
            owner=owner,
            now=now,
            deadline=now + patience,
            expires=now + patience + life,
            fingerprint=print_,
        ),
        _SCOPES, _OWNERS, _TIMES, st.integers(1, 4), st.integers(0, 6), st.sampled_from([b"f", b"g"]),
    ),
    st.builds(Settle, _SCOPES, _OWNERS, _OUTCOMES),
    _TIMES,
)  # fmt: skip


@given(steps=st.lists(_STEPS, max_size=25))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_keeps_the_law_whatever_happens(tmp_path_factory, steps):
    """The databases say in SQL what the law says in Python; `memory` is the law itself."""
    from treadle.gateway.hop.stores.sqlite import SqliteDatabase
    from treadle.gateway.hop.stores.store import Sweep

    file = SqliteDatabase(tmp_path_factory.mktemp("law") / "keys.sqlite")
    law = MemoryStore()
    for step in steps:
        if isinstance(step, Claim):
            told = asyncio.run(law.claim(step))
        elif isinstance(step, Settle):
            told = asyncio.run(law.settle(step))
        else:
            told = asyncio.run(law.sweep(step))
        assert file.commit([Sweep(step) if isinstance(step, int) else step]) == [told]
    file.close()


@given(steps=st.lists(_STEPS, max_size=25))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_server_keeps_the_law_whatever_happens(database, steps):
    from treadle.gateway.hop.stores.postgres import PostgresDatabase
    from treadle.gateway.hop.stores.store import Sweep

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS idempotency_keys")
    server = PostgresDatabase(database)
    law = MemoryStore()
    for step in steps:
        if isinstance(step, Claim):
            told = asyncio.run(law.claim(step))
        elif isinstance(step, Settle):
            told = asyncio.run(law.settle(step))
        else:
            told = asyncio.run(law.sweep(step))
        assert server.commit([Sweep(step) if isinstance(step, int) else step]) == [told]
    server.close()


async def test_a_file_that_is_full(tmp_path):
    store = sqlite_store(tmp_path / "keys.sqlite", bytes_max=64 * 1024)
    large = Outcome(State.DONE, replace(REPLY, body=bytes(8_000)))

    async def fill():
        for number in range(1_000):
            await store.claim(claim(digest(b"%d" % number)))
            await store.settle(Settle(digest(b"%d" % number), b"o-1", large))

    with pytest.raises(StoreAwayError, match="full"):
        await fill()
    assert await store.sweep(100_000) > 0
    assert await store.claim(claim(now=200_000, expires=300_000)) == SEND
    await store.close()


async def test_large_answers_leave_room_for_keys(tmp_path):
    store = sqlite_store(tmp_path / "keys.sqlite", bytes_max=256 * 1024)
    large = Outcome(State.DONE, replace(REPLY, body=bytes(8_000)))
    for number in range(100):
        scope = digest(b"%d" % number)
        assert await store.claim(claim(scope)) == SEND
        await store.settle(Settle(scope, b"o-1", large))
    first, last = [await store.claim(claim(digest(b"%d" % number))) for number in (0, 99)]
    assert (first.verdict, first.record.reply) == (Verdict.REPLAY, large.reply)
    assert (last.verdict, last.record.reply) == (Verdict.UNKEPT, Reply(REPLY.status))
    await store.close()


async def test_a_file_that_another_process_holds(tmp_path):
    store = sqlite_store(tmp_path / "keys.sqlite", busy_s=0.05)
    await store.claim(claim())
    holder = sqlite3.connect(tmp_path / "keys.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreAwayError, match="locked"):
        await store.claim(claim(digest(b"2")))
    holder.execute("ROLLBACK")
    holder.close()
    assert await store.claim(claim(digest(b"2"))) == SEND
    await store.close()


async def test_a_file_that_cannot_be_made_may_be_made_later(tmp_path):
    store = sqlite_store(tmp_path / "later" / "keys.sqlite")
    with pytest.raises(StoreAwayError):
        await store.claim(claim())
    (tmp_path / "later").mkdir()
    assert await store.claim(claim()) == SEND
    assert (tmp_path / "later" / "keys.sqlite").stat().st_mode & 0o777 == 0o600
    await store.close()
    with pytest.raises(StoreAwayError, match="closed"):
        await store.claim(claim())


async def test_a_file_keeps_no_key_and_no_payload(tmp_path):
    store = sqlite_store(tmp_path / "keys.sqlite")
    scope = digest(b"app", b"op", b"my-secret-key")
    await store.claim(claim(scope, expires=5_000))
    await store.settle(Settle(scope, b"o-1", replace(DONE, reply=replace(REPLY, body=b"a-reply-of-a-person"))))
    assert await store.sweep(5_000) == 1
    await store.close()
    assert b"a-reply-of-a-person" not in (tmp_path / "keys.sqlite").read_bytes()
    assert b"my-secret-key" not in (tmp_path / "keys.sqlite").read_bytes()


async def test_a_server_that_goes_and_comes_back(database):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS idempotency_keys")
    store = postgres_store(database)
    assert await store.claim(claim()) == SEND
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'treadle-hop'"
        )
    with pytest.raises(StoreAwayError):
        await store.claim(claim(digest(b"2")))
    assert await store.claim(claim(digest(b"2"))) == SEND
    assert (await store.claim(claim(owner=b"o-2"))).verdict is Verdict.BUSY
    await store.close()


async def test_a_server_that_is_not_there(tmp_path):
    store = postgres_store(f"postgresql://someone:a-secret@/db?host={tmp_path}")
    with pytest.raises(StoreAwayError) as caught:
        await store.claim(claim())
    assert "a-secret" not in str(caught.value)
    await store.close()


async def test_parts_of_a_scope_do_not_run_together():
    assert digest(b"ab", b"c") != digest(b"a", b"bc") != digest(b"abc")
    assert digest(b"1:a") != digest(b"", b"a")
