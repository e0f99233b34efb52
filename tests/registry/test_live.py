"""The live set: what was put is read back, and damage to one file never reaches another."""

import pytest

from treadle.contract.read import read_contract, with_defaults
from treadle.registry.live import DamagedLiveSetError, LiveSet

TEXT = """\
openapi: 3.1.0
info: {{title: T, version: {version}}}
paths: {{}}
components: {{schemas: {{A: {{$ref: 'm.yaml#/M'}}}}}}
"""


def contract(name="orders", version="1.0.0"):
    file = f"domains/sales/{name}.v1.openapi.yaml"
    files = {file: TEXT.format(version=version).encode(), "domains/sales/m.yaml": b"M: {type: number}\n"}
    found, findings = read_contract(file, files)
    assert not findings
    return found


def test_what_is_put_is_read_back(tmp_path):
    from treadle.contract.model import Domain, Place

    live = LiveSet(tmp_path / "live")
    assert live.contracts() == ()
    owned = with_defaults(contract(), Domain("sales", "Sales", "sales-team", Place("x")))
    live.put(owned)
    live.put(contract("carts"))
    assert live.contracts() == (contract("carts"), owned)
    assert [each.owner for each in LiveSet(tmp_path / "live").contracts()] == ["", "sales-team"]


def test_the_last_one_put_is_the_one_that_is_read(tmp_path):
    live = LiveSet(tmp_path)
    live.put(contract(version="1.0.0"))
    live.put(contract(version="1.1.0"))
    assert [each.version for each in live.contracts()] == ["1.1.0"]
    live.remove("sales.orders.v1")
    live.remove("sales.orders.v1")
    assert live.contracts() == ()


DAMAGE = {
    "cut short": lambda data: data[: len(data) // 2],
    "empty": lambda _: b"",
    "no json": lambda _: b"\xff\xfe",
    "another shape": lambda _: b"[]",
    "other sources": lambda data: data.replace(b'"digest": "sha256:', b'"digest": "sha256:0'),
    "no sources": lambda _: (
        b'{"sources": {}, "file": "a.v1.openapi.yaml", "digest": "", "owner": "", "classification": ""}'
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_named_and_the_others_are_kept(tmp_path, kind):
    live = LiveSet(tmp_path)
    live.put(contract("orders"))
    live.put(contract("carts"))
    file = tmp_path / "sales.orders.v1.json"
    before = file.read_bytes()
    file.write_bytes(DAMAGE[kind](before))
    assert file.read_bytes() != before
    with pytest.raises(DamagedLiveSetError) as error:
        live.contracts()
    assert (error.value.code, error.value.exit_code) == ("live-damaged", 3)
    assert error.value.files == (file,)
    assert str(file) in error.value.message
    assert [each.id for each in error.value.contracts] == ["sales.carts.v1"]
    live.put(contract("orders"))
    assert [each.id for each in live.contracts()] == ["sales.carts.v1", "sales.orders.v1"]


def test_a_file_of_another_name_is_damage(tmp_path):
    live = LiveSet(tmp_path)
    live.put(contract())
    (tmp_path / "sales.orders.v1.json").rename(tmp_path / "sales.carts.v1.json")
    with pytest.raises(DamagedLiveSetError):
        live.contracts()


def test_what_a_crash_left_behind_is_ignored(tmp_path):
    live = LiveSet(tmp_path)
    live.put(contract())
    (tmp_path / ".sales.orders.v1.json.123.tmp").write_bytes(b"{")
    assert len(live.contracts()) == 1


def test_an_id_never_leaves_the_folder(tmp_path):
    with pytest.raises(ValueError, match="no contract id"):
        LiveSet(tmp_path).remove("../../etc/passwd")


def test_an_outline_has_what_a_comparison_needs(tmp_path):
    live, whole = LiveSet(tmp_path), contract()
    live.put(whole)
    (outline,) = live.contracts(whole=False)
    same = ("id", "kind", "domain", "name", "major", "version", "title", "digest", "place", "document", "sources")
    assert [getattr(outline, each) for each in same] == [getattr(whole, each) for each in same]
    assert (outline.operations, outline.channels) == ((), ())
