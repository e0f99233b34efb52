"""The engine's own schema: read from the real binary, kept, and strict about what that engine does not know."""

import copy

import pytest

from treadle.base.errors import EngineError
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.schema import Schema, UnknownToEngineError, scan

T = "type.googleapis.com/envoy."


@pytest.fixture(scope="module")
def binary():
    return EnvoyEngine.find({}).binary


@pytest.fixture(scope="module")
def schema(binary):
    return Schema.of(binary)


def table():
    route = {"@type": f"{T}config.route.v3.Route", "match": {"prefix": "/"}, "direct_response": {"status": 404}}
    matcher = {"on_no_match": {"action": {"name": "none", "typed_config": route}}}
    hosts = [{"name": "any", "domains": ["*"], "matcher": matcher}]
    return {"@type": f"{T}config.route.v3.RouteConfiguration", "name": "t", "virtual_hosts": hosts}


def test_every_file_that_another_one_needs_is_in_the_binary(binary, schema):
    assert len(scan(binary)) > 500
    assert schema.pool.FindMessageTypeByName("envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication")


def test_a_resource_survives_the_way_there_and_back(schema):
    assert schema.decode(table()["@type"], schema.encode(table())) == table()


def test_everything_that_the_compiler_writes_is_known_to_the_engine(schema, running):
    snapshot = compile_gateway(running.base, running.node)
    for _, resources in snapshot.moving():
        for name, resource in resources.items():
            assert schema.encode(resource, name)
    assert schema.encode({"@type": f"{T}config.bootstrap.v3.Bootstrap", **snapshot.bootstrap})


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        (["nope"], 1, "/nope"),
        (["virtual_hosts", 0, "a/b"], 1, "/virtual_hosts/0/a~1b"),
        (["virtual_hosts", 0, "domains"], 3, "/virtual_hosts/0/domains"),
        (["@type"], f"{T}none", "/@type"),
        (["typed_per_filter_config"], {"x": {"@type": f"{T}none"}}, "/typed_per_filter_config/x/@type"),
        (
            ["virtual_hosts", 0, "matcher", "on_no_match", "action", "typed_config", "match", "prefox"],
            "/",
            "/virtual_hosts/0/matcher/on_no_match/action/typed_config/match/prefox",
        ),
        (
            ["virtual_hosts", 0, "matcher", "on_no_match", "action", "typed_config", "direct_response", "status"],
            "x",
            "/virtual_hosts/0/matcher/on_no_match/action/typed_config/direct_response/status",
        ),
    ],
)
def test_what_the_engine_does_not_know_is_named_by_its_place(schema, path, value, pointer):
    bad = copy.deepcopy(table())
    at = bad
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(UnknownToEngineError) as refusal:
        schema.encode(bad, "t")
    assert refusal.value.pointer == pointer


def test_it_is_read_once_and_kept(binary, schema, tmp_path):
    assert Schema.of(binary, tmp_path).files == schema.files
    (kept,) = tmp_path.iterdir()
    before = kept.stat().st_mtime_ns
    assert Schema.of(binary, tmp_path).files.keys() == schema.files.keys()
    assert kept.stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"x" + data, lambda _: b""])
def test_a_damaged_copy_is_made_anew(binary, schema, tmp_path, damage):
    Schema.of(binary, tmp_path)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    assert Schema.of(binary, tmp_path).files == schema.files
    assert kept.read_bytes() == whole


def test_a_binary_without_a_schema_is_refused(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"\x0a\x07a.proto\x12" * 100)
    with pytest.raises(EngineError) as refusal:
        Schema.of(other)
    assert refusal.value.code == "engine-without-schema"
    with pytest.raises(EngineError) as refusal:
        Schema.of(tmp_path / "none")
    assert refusal.value.code == "engine-missing"
