"""Finding a workspace, and reading it without leaving it."""

import os

import orjson
import pytest

from treadle.base.errors import InputError
from treadle.contract.workspace import read_workspace
from treadle.control.checkout import Allowance, LooseFiles, find_workspace, read_checkout, read_files


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "fabric"
    (root / "domains/sales").mkdir(parents=True)
    (root / "treadle.yaml").write_text("name: acme\n")
    (root / "domains/sales/domain.yaml").write_text("domain: sales\nowner: me\n")
    return root


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv("TREADLE_WORKSPACE", raising=False)


def code_of(function, *arguments):
    with pytest.raises(InputError) as error:
        function(*arguments)
    return error.value.code


def test_the_order_in_which_a_workspace_is_found(root, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    (other / "treadle.yaml").write_text("name: other\n")
    assert find_workspace(None, root / "domains/sales") == root
    monkeypatch.setenv("TREADLE_WORKSPACE", str(other))
    assert find_workspace(None, root) == other
    assert find_workspace(str(root), other) == root


def test_no_workspace(root, tmp_path, monkeypatch):
    assert code_of(find_workspace, None, tmp_path) == "no-workspace"
    assert code_of(find_workspace, str(tmp_path), root) == "no-workspace"
    monkeypatch.setenv("TREADLE_WORKSPACE", str(tmp_path))
    assert code_of(find_workspace, None, root) == "no-workspace"


def test_only_the_files_of_a_workspace_are_read(root):
    for name in ("notes.yaml", "domains/README.md", "domains/.hidden.yaml", ".treadle/live.json", "policies/a.yaml"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("x: 1\n")
    for name in ("connectors/erp.yaml", "environments/local.yml", "domains/sales/deep/a.json"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("{}")
    assert sorted(read_files(root)) == [
        "connectors/erp.yaml", "domains/sales/deep/a.json", "domains/sales/domain.yaml", "environments/local.yml",
        "treadle.yaml",
    ]  # fmt: skip
    assert read_files(root)["treadle.yaml"] == b"name: acme\n"


def faults(root, *arguments):
    """What was left out, and that the rest was read."""
    checkout = read_checkout(root, *arguments)
    assert {"treadle.yaml", "domains/sales/domain.yaml"} <= set(checkout.files)
    assert read_files(root, *arguments) == checkout.files
    assert not {each.place.file for each in checkout.findings} & set(checkout.files)
    orjson.dumps([[each.place.file, each.message, each.hint, *checkout.files] for each in checkout.findings])
    return [(each.place.file, each.rule, each.severity, each.contract) for each in checkout.findings]


def test_links_never_leave_the_workspace(root, tmp_path):
    (tmp_path / "secret.yaml").write_text("key: 1\n")
    name = "domains/sales/orders.v1.openapi.yaml"
    link = root / name
    link.symlink_to(tmp_path / "secret.yaml")
    assert faults(root) == [(name, "symlink-escapes", "invalid", "sales.orders.v1")]
    link.unlink()
    link.symlink_to(root / "domains/sales/domain.yaml")
    assert read_files(root)[name] == b"domain: sales\nowner: me\n"
    assert faults(root) == []
    link.unlink()
    link.symlink_to("nowhere.yaml")
    assert faults(root) == [(name, "unreadable", "invalid", "sales.orders.v1")]


def test_links_to_folders_are_left_out(root, tmp_path):
    (tmp_path / "erp.yaml").write_text("key: 1\n")
    (root / "domains/sales/loop").symlink_to(root / "domains")
    (root / "connectors").symlink_to(tmp_path)
    assert faults(root) == [
        ("connectors", "symlink-escapes", "invalid", ""),
        ("domains/sales/loop", "symlink-escapes", "invalid", ""),
    ]


def test_a_folder_that_cannot_be_entered_is_said(root, monkeypatch):
    (root / "domains/billing").mkdir()
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("billing"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert faults(root) == [("domains/billing", "unreadable", "invalid", "")]


def test_a_pipe_is_no_file_and_does_not_hang(root):
    os.mkfifo(root / "domains/sales/pipe.yaml")
    assert faults(root) == [("domains/sales/pipe.yaml", "not-a-file", "invalid", "")]


def test_a_name_that_is_not_utf8_is_left_out(root):
    for name in (b"or\xffders.v1.openapi.yaml", b"no\xffte.txt"):
        (root / "domains/sales" / os.fsdecode(name)).write_text("a: 1\n")
    (root / os.fsdecode(b"domains/b\xfc")).mkdir()
    (root / os.fsdecode(b"domains/b\xfc/orders.v1.openapi.yaml")).write_text("a: 1\n")
    assert faults(root) == [
        ("domains/b\\xfc/orders.v1.openapi.yaml", "file-name-not-utf8", "invalid", ""),
        ("domains/sales/or\\xffders.v1.openapi.yaml", "file-name-not-utf8", "invalid", ""),
    ]


def test_a_file_that_is_too_big_is_left_out(root):
    (root / "domains/sales/big.yaml").write_text("x" * 99)
    assert faults(root, Allowance(file_bytes_max=50)) == [("domains/sales/big.yaml", "file-too-big", "invalid", "")]


def test_settings_are_whole_or_nothing(root, tmp_path):
    (root / "environments").mkdir()
    (root / "environments/local.yaml").write_text("x" * 99)
    assert code_of(read_files, root, Allowance(file_bytes_max=50)) == "file-too-big"
    checkout = read_checkout(root, Allowance(file_bytes_max=50))
    with pytest.raises(InputError, match=r"local\.yaml has more than 50 bytes"):
        read_workspace(checkout.files, unread=checkout.findings)
    assert code_of(read_checkout, root, Allowance(file_bytes_max=5)) == "file-too-big"
    (root / "treadle.yaml").unlink()
    (root / "treadle.yaml").symlink_to("nowhere.yaml")
    assert code_of(read_checkout, root) == "unreadable"


def test_an_overlay_of_another_environment_may_be_left_out(root):
    (root / "environments").mkdir()
    (root / "environments/prod.yaml").symlink_to("/etc/hostname")
    checkout = read_checkout(root)
    _, findings = read_workspace(checkout.files, unread=checkout.findings)
    assert findings == checkout.findings != ()


def test_the_allowance_of_the_whole_is_kept(root):
    assert code_of(read_files, root, Allowance(files_max=1)) == "checkout-too-big"
    assert code_of(read_files, root, Allowance(bytes_max=10)) == "checkout-too-big"
    assert len(read_files(root, Allowance(files_max=2))) == 2
    (root / "domains/sales/loop").symlink_to(root)
    (root / "domains/sales/broken.yaml").symlink_to("nowhere")
    assert code_of(read_files, root, Allowance(files_max=2)) == "checkout-too-big"


def test_loose_files_are_read_when_asked_for_and_stay_below_their_folder(root, tmp_path):
    (tmp_path / "secret.yaml").write_text("key: 1\n")
    files = LooseFiles(root)
    assert list(files) == []
    assert files["domains/sales/domain.yaml"].startswith(b"domain")
    assert list(files) == ["domains/sales/domain.yaml"]
    assert "nothing.yaml" not in files
    assert "domains/README.md" not in files
    assert code_of(files.__getitem__, "../secret.yaml") == "symlink-escapes"
