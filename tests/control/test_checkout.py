"""Finding a workspace, and reading it without leaving it."""

import os

import pytest

from treadle.base.errors import InputError
from treadle.control.checkout import Allowance, LooseFiles, find_workspace, read_files


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


def test_links_never_leave_the_workspace(root, tmp_path):
    (tmp_path / "secret.yaml").write_text("key: 1\n")
    link = root / "domains/sales/secret.yaml"
    link.symlink_to(tmp_path / "secret.yaml")
    assert code_of(read_files, root) == "symlink-escapes"
    link.unlink()
    link.symlink_to(root / "domains/sales/domain.yaml")
    assert read_files(root)["domains/sales/secret.yaml"] == b"domain: sales\nowner: me\n"
    link.unlink()
    link.symlink_to("nowhere.yaml")
    assert code_of(read_files, root) == "unreadable"


def test_links_to_folders_are_refused(root, tmp_path):
    (root / "domains/sales/loop").symlink_to(root / "domains")
    assert code_of(read_files, root) == "symlink-escapes"
    (root / "domains/sales/loop").unlink()
    (root / "connectors").symlink_to(tmp_path)
    assert code_of(read_files, root) == "symlink-escapes"


def test_a_pipe_is_no_file_and_does_not_hang(root):
    os.mkfifo(root / "domains/sales/pipe.yaml")
    assert code_of(read_files, root) == "not-a-file"


def test_the_allowance_is_kept(root):
    assert code_of(read_files, root, Allowance(files_max=1)) == "checkout-too-big"
    assert code_of(read_files, root, Allowance(bytes_max=10)) == "checkout-too-big"
    assert code_of(read_files, root, Allowance(file_bytes_max=10)) == "checkout-too-big"
    assert len(read_files(root, Allowance(files_max=2))) == 2


def test_loose_files_are_read_when_asked_for_and_stay_below_their_folder(root, tmp_path):
    (tmp_path / "secret.yaml").write_text("key: 1\n")
    files = LooseFiles(root)
    assert list(files) == []
    assert files["domains/sales/domain.yaml"].startswith(b"domain")
    assert list(files) == ["domains/sales/domain.yaml"]
    assert "nothing.yaml" not in files
    assert "domains/README.md" not in files
    assert code_of(files.__getitem__, "../secret.yaml") == "symlink-escapes"
