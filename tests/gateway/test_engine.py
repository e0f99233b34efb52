"""Finding Envoy, and what is said where it is missing or of another release."""

import pytest

from treadle.base.errors import EngineError
from treadle.gateway.engine import VERSION, EnvoyEngine


def program(path, prints):
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)
    return {"binary": str(path)}


def test_a_missing_binary(tmp_path):
    with pytest.raises(EngineError) as refusal:
        EnvoyEngine.find({"binary": str(tmp_path / "envoy")})
    assert refusal.value.code == "engine-missing"
    assert refusal.value.hint


@pytest.mark.parametrize(
    ("prints", "version"),
    [
        ("envoy  version: 9e5580933739775e8bce696a57a2e1bc99368f23/1.39.2/Clean/RELEASE/BoringSSL", "1.39.2"),
        ("envoy  version: 9e5580933739775e8bce696a57a2e1bc99368f23/1.400.0/Clean/RELEASE/BoringSSL", "1.400.0"),
        ("nginx 1.40.1", "unknown"),
    ],
)
def test_another_release(tmp_path, prints, version):
    with pytest.raises(EngineError, match=version) as refusal:
        EnvoyEngine.find(program(tmp_path / "envoy", prints))
    assert refusal.value.code == "engine-wrong-version"


def test_the_release_we_write_for_in_a_folder_that_looks_like_a_version(tmp_path):
    folder = tmp_path / "1.2" / "bin"
    folder.mkdir(parents=True)
    told = f"{folder}/envoy  version: 9e5580933739775e8bce696a57a2e1bc99368f23/{VERSION}.3/Clean/RELEASE/BoringSSL"
    engine = EnvoyEngine.find(program(folder / "envoy", told) | {"concurrency": 2})
    assert engine.version == f"{VERSION}.3"
    assert engine.argv(tmp_path)[:3] == [str(folder / "envoy"), "--config-path", str(tmp_path / "bootstrap.json")]
    assert "2" in engine.argv(tmp_path)


@pytest.mark.engine
def test_the_installed_one():
    assert EnvoyEngine.find({}).version.startswith(f"{VERSION}.")
