"""States that were applied: kept once each, found by the beginning of a digest, bounded, and never half there."""

import json
import re
from dataclasses import replace

import orjson
import pytest
import yaml
from click.testing import CliRunner

from treadle.base.errors import InputError
from treadle.cli.init import command
from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Place as TextPlace
from treadle.control.checkout import Checkout, read_checkout
from treadle.control.compile import Place, compile_place
from treadle.control.decide import Action
from treadle.control.plan import differences
from treadle.control.snapshots import KEPT, Snapshots, decode_checkout, differs, encode_checkout, served
from treadle.control.state import State
from treadle.gateway.engine import EnvoyEngine
from treadle.registry.live import LiveSet

pytestmark = pytest.mark.engine
ORDERS = "domains/sales/orders.v1.openapi.yaml"
BROKEN = b"openapi: 3.1.0\nopenapi: 3.1.0\n"


@pytest.fixture(scope="module")
def engine():
    return EnvoyEngine.find({})


@pytest.fixture
def place(tmp_path):
    """A new workspace, and where its state goes."""
    assert CliRunner().invoke(command, [str(tmp_path / "acme")]).exit_code == 0
    return Place(State(tmp_path / "acme"))


def edited(place, change):
    file = place.state.root / ORDERS
    file.write_text(change(file.read_text()))


def slower(text, ms="1234"):
    return re.sub(r"timeout_ms: \d+", f"timeout_ms: {ms}", text).replace("version: 1.0.0", f"version: 1.0.{ms}")


def live(place, compiled):
    """What an apply notes."""
    for contract in compiled.desired.contracts:
        LiveSet(place.state.live).put(contract)


def keep(place, compiled, number=1):
    return Snapshots(place.state.snapshots).keep(compiled, verb="apply", trace=f"{number:032x}", at_us=number)


def test_what_was_kept_is_found_by_the_beginning_of_its_digest_and_compiles_to_the_same(place, engine):
    first = compile_place(place, engine)
    live(place, first)
    old = keep(place, first, 1)
    edited(place, slower)
    second = compile_place(place, engine)
    live(place, second)
    new = keep(place, second, 2)
    snapshots = Snapshots(place.state.snapshots)
    assert [each.digest for each in snapshots.history()] == [old.digest, new.digest]
    assert snapshots.find() == old
    assert snapshots.find(old.short) == snapshots.find(f"sha256:{old.digest}") == old
    back = compile_place(replace(place, checkout=snapshots.checkout(old), going_back=True), engine)
    assert back.snapshot.digest == first.snapshot.digest == old.gateway
    assert back.rows == first.rows
    assert differences(snapshots.rows(old), first.rows) == ()
    assert [each.action for each in differences(snapshots.rows(old), second.rows)], "plan --against shows the edit"
    assert {each.contract: each.action for each in back.desired.decisions}["sales.orders.v1"] is Action.CHANGE
    assert list(differs(served(first), served(second))) == [ORDERS]


def test_the_way_back_may_break_consumers(place, engine):
    """Forward it would be refused: an operation is taken away."""
    old = keep(place, first := compile_place(place, engine), 1)
    live(place, first)
    grown = {**read_checkout(place.state.root).files}
    grown[ORDERS] = with_one_more_path(grown[ORDERS])
    newer = compile_place(replace(place, checkout=Checkout(grown)), engine)
    assert decided(newer) is Action.CHANGE, newer.desired.decisions
    live(place, newer)
    snapshots = Snapshots(place.state.snapshots)
    checkout = snapshots.checkout(old)
    assert decided(compile_place(replace(place, checkout=checkout), engine)) is Action.REFUSE
    assert decided(compile_place(replace(place, checkout=checkout, going_back=True), engine)) is Action.CHANGE


def with_one_more_path(text):
    """The same contract with one operation more, as its next minor version."""
    document = yaml.safe_load(text)
    document["info"]["version"] = "1.1.0"
    path, item = next(iter(document["paths"].items()))
    extra = json.loads(json.dumps(item).replace('"operationId": "', '"operationId": "more'))
    document["paths"][f"{path}/more" if "{" not in path else path.replace("{", "more/{")] = extra
    return yaml.safe_dump(document, sort_keys=False).encode()


def decided(compiled):
    return {each.contract: each.action for each in compiled.desired.decisions}["sales.orders.v1"]


def test_of_a_refused_contract_the_version_that_serves_is_kept(place, engine):
    good = compile_place(place, engine)
    live(place, good)
    edited(place, lambda _: BROKEN.decode())
    refused = compile_place(place, engine)
    assert decided(refused) is Action.REFUSE
    assert served(refused).files[ORDERS] == good.checkout.files[ORDERS]
    assert keep(place, refused, 1).digest == keep(place, good, 2).digest


def test_a_contract_that_never_served_is_not_kept(place, engine):
    edited(place, lambda text: text.replace("version: 1.0.0", "version: 3.0.0"))
    refused = compile_place(place, engine)
    assert decided(refused) is Action.REFUSE
    assert ORDERS not in served(refused).files


def test_equal_states_are_kept_once_and_only_so_many(place, engine):
    snapshots = Snapshots(place.state.snapshots)
    compiled = compile_place(place, engine)
    assert keep(place, compiled, 1) == keep(place, compiled, 2)
    for number in range(KEPT + 5):
        files = {**compiled.checkout.files, "standards/n.yaml": str(number).encode()}
        keep(place, replace(compiled, checkout=Checkout(files)), 10 + number)
    history = snapshots.history()
    assert len(history) == KEPT
    assert history[0].at_us == 15
    kept = {file.stem for file in place.state.snapshots.glob("*.json")} - {"history"}
    assert kept == {each.digest for each in history}


def test_what_is_not_there_or_damaged_says_so(place, engine):
    snapshots = Snapshots(place.state.snapshots)
    for named in ("", "abcd", "zz", "../../x"):
        with pytest.raises(InputError) as refusal:
            snapshots.find(named)
        assert refusal.value.code == "unknown-snapshot"
    kept = keep(place, compile_place(place, engine))
    with pytest.raises(InputError) as refusal:
        snapshots.find()
    assert refusal.value.code == "unknown-snapshot"
    file = place.state.snapshots / f"{kept.digest}.json"
    file.write_bytes(file.read_bytes().replace(b"rows", b"rovs"))
    with pytest.raises(InputError) as refusal:
        snapshots.checkout(kept)
    assert refusal.value.code == "snapshot-damaged"
    (place.state.snapshots / "history.json").write_bytes(b"[{")
    assert snapshots.history() == ()


def test_a_checkout_survives_being_written_and_read():
    finding = Finding(TextPlace("domains/x.yaml", 3, 4), "unreadable", Severity.INVALID, "no", "mend it", "a.b.v1")
    checkout = Checkout({"treadle.yaml": b"\xffname", "domains/y.yaml": b""}, (finding,))
    assert decode_checkout(orjson.loads(encode_checkout(checkout))) == checkout


def test_files_that_differ_are_named():
    one, other = Checkout({"a": b"1", "b": b"1", "c": b"1"}), Checkout({"a": b"1", "b": b"2", "d": b"1"})
    assert list(differs(one, other)) == ["b", "c", "d"]
    assert list(differs(one, one)) == []
