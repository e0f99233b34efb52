"""Ports: a default moves when it is taken, a configured one does not."""

import socket

import pytest

from treadle.base.errors import EngineError
from treadle.control.ports import choose, free_port


@pytest.fixture
def taken():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_free_default_is_used():
    port = free_port()
    assert choose({}, {"gateway": port}) == {"gateway": port}


def test_a_taken_default_moves(taken):
    assert choose({}, {"gateway": taken})["gateway"] != taken


def test_two_names_never_share_a_port():
    port = free_port()
    chosen = choose({}, {"a": port, "b": port})
    assert chosen["a"] != chosen["b"]


def test_a_taken_configured_port_is_an_error_that_names_the_setting(taken):
    with pytest.raises(EngineError) as refused:
        choose({"gateway": taken}, {"gateway": 8080})
    assert refused.value.code == "port-taken"
    assert refused.value.exit_code == 4
    assert "ports: {gateway:" in refused.value.hint
