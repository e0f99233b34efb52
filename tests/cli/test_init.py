"""`treadle init`: complete, and never over something that is there."""

from datetime import date

import pytest
from click.testing import CliRunner

from treadle.base.errors import UsageError
from treadle.check.run import check_contract, rules_of
from treadle.cli.init import command, create_workspace
from treadle.contract.workspace import read_workspace
from treadle.control.checkout import read_files


def test_a_new_workspace_is_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(command, ["my-fabric"])
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path}/my-fabric\n"
    assert ".treadle/" in (tmp_path / "my-fabric/.gitignore").read_text().split()
    assert (tmp_path / "my-fabric/README.md").read_text().startswith("# my-fabric\n")
    workspace, findings = read_workspace(read_files(tmp_path / "my-fabric"))
    assert findings == ()
    assert workspace.settings.name == "my-fabric"
    orders, created = workspace.contract("sales.orders.v1"), workspace.contract("sales.order.v1")
    assert {each.id: each.scopes for each in orders.operations} == {
        "listOrders": ("orders:read",), "getOrder": ("orders:read",),
    }  # fmt: skip
    assert created.channels[0].name == workspace.settings.subscriptions[0].channel
    assert created.channels[0].subject_pointer == "/customerId"
    assert [each.contract for each in workspace.settings.services] == ["sales.orders.v1"]
    (consumer,) = workspace.settings.consumers.values()
    assert consumer.tier in workspace.settings.tiers
    assert set(orders.operations[0].scopes) <= set(consumer.scopes)
    text = "".join(each.read_text() for each in (tmp_path / "my-fabric").rglob("*") if each.is_file())
    assert "@@" not in text


def test_contracts_share_the_parts_of_the_workspace(tmp_path):
    files = read_files(create_workspace(tmp_path / "fabric"))
    workspace, _ = read_workspace(files)
    parts = {"standards/components/api.yaml", "standards/components/events.yaml"}
    assert {file for each in workspace.contracts for file in each.sources} >= parts
    rules = rules_of(files, date(2026, 6, 15))
    assert [str(each) for contract in workspace.contracts for each in check_contract(contract, rules)] == []
    listed = workspace.contract("sales.orders.v1").operations[0]
    assert {each.name for each in listed.response_headers["429"]} == {
        "X-RateLimit-Limit", "X-RateLimit-Remaining", "Retry-After",
    }  # fmt: skip
    created = workspace.contract("sales.order.v1").channels[0]
    assert (created.retention_days, created.dlq_days, created.replay_days) == (7, 30, 7)


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "fabric").mkdir()
    assert (create_workspace(tmp_path / "fabric") / "treadle.yaml").is_file()


@pytest.mark.parametrize("name", ["Fabric", "1st", "my fabric", "..", "a" * 64])
def test_names_that_are_none(tmp_path, name):
    with pytest.raises(UsageError) as error:
        create_workspace(tmp_path / "Upper" / name)
    assert (error.value.code, error.value.exit_code) == ("bad-name", 2)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x1b[2J", "a\udcff", "..", "a\0b"])
def test_what_is_no_folder_is_refused(tmp_path, monkeypatch, name):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(UsageError) as error:
        CliRunner().invoke(command, [name], catch_exceptions=False)
    assert (error.value.code, error.value.exit_code) in (("bad-name", 2), ("folder-not-empty", 2))
    assert error.value.hint
    assert error.value.message.isprintable()
    assert list((tmp_path / "here").iterdir()) == []


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    with pytest.raises(UsageError) as error:
        create_workspace(tmp_path / ("a" * 300) / "fabric")
    assert error.value.code == "folder-not-writable"


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "fabric").mkdir()
    (tmp_path / "fabric/notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("fabric", "file"):
        with pytest.raises(UsageError) as error:
            create_workspace(tmp_path / name)
        assert error.value.code == "folder-not-empty"
    assert [each.name for each in (tmp_path / "fabric").iterdir()] == ["notes.txt"]
