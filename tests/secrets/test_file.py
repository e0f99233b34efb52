"""The file store: private, whole, and one answer for everybody who asks at once."""

import stat
import threading

import pytest

from treadle.base.errors import EngineError, UsageError
from treadle.secrets.file import FileSecrets


def test_a_secret_is_made_once_and_kept(tmp_path):
    store = FileSecrets(tmp_path / "secrets")
    first = store.get_or_create("token", lambda: b"one")
    assert store.get_or_create("token", lambda: b"two") == first
    assert FileSecrets(tmp_path / "secrets").get("token") == first
    assert store.get("other") is None


def test_only_the_owner_may_look(tmp_path):
    store = FileSecrets(tmp_path / "secrets")
    store.get_or_create("made", lambda: b"one")
    store.put("put", b"two")
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    for path in store.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_put_replaces(tmp_path):
    store = FileSecrets(tmp_path / "secrets")
    store.put("token", b"one")
    store.put("token", b"two")
    assert store.get("token").reveal() == b"two"
    assert [path.name for path in store.folder.iterdir()] == ["token"]


def test_whoever_makes_it_at_once_gets_the_same(tmp_path):
    store, seen, gate = FileSecrets(tmp_path / "secrets"), [], threading.Barrier(8)

    def make(value):
        gate.wait(10)
        seen.append(store.get_or_create("token", lambda: value).reveal())

    threads = [threading.Thread(target=make, args=[b"%d" % index]) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(seen) == 8
    assert len(set(seen)) == 1
    assert [path.name for path in store.folder.iterdir()] == ["token"]


def test_a_folder_that_others_may_enter_is_refused(tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(EngineError) as refusal:
        FileSecrets(folder).get("token")
    assert refusal.value.code == "folder-not-private"
    assert "chmod 700" in refusal.value.hint


@pytest.mark.parametrize("name", ["", "../token", "a/b", ".hidden", "-x", "a\0b", "x" * 129, "tök"])
def test_a_name_is_a_plain_file_name(tmp_path, name):
    with pytest.raises(UsageError):
        FileSecrets(tmp_path / "secrets").get(name)
