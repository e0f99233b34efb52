"""Sampled spans reach an OTLP collector; what is not sampled has its ids in the log all the same. A real Envoy."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from treadle.base.errors import EngineError
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.ir import InvalidGatewayError, validate
from treadle.gateway.logs import fact_of
from treadle.gateway.schema import Schema

pytestmark = pytest.mark.engine
EXPORT = "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest"
SPAN = "00f067aa0ba902b7"


class Collector:
    """Takes OTLP over HTTP and keeps the spans."""

    def __init__(self):
        message = Schema.of(EnvoyEngine.find({}).binary).message(EXPORT)
        self.spans, self.paths = {}, set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = b""
                while size := int(self.rfile.readline(), 16):  # Envoy sends it in chunks (RFC 9112 section 7.1)
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                outer.paths.add(self.path)
                for resource in message.FromString(body).resource_spans:
                    for scope in resource.scope_spans:
                        outer.spans.update((span.trace_id.hex(), span) for span in scope.spans)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        if not self.thread.is_alive():
            return
        self.server.shutdown()
        self.thread.join(10)
        self.server.server_close()


@pytest.fixture
def collector():
    it = Collector()
    yield it
    it.stop()


def restart(world, gateway):
    """The collector is part of what Envoy reads when it starts."""
    world.stop()
    world.engine.prepare(compile_gateway(gateway, world.node))
    world.start()


def parent(number, flags):
    return {"traceparent": f"00-{number:032x}-{SPAN}-{flags}"}


def test_a_sampled_span_says_which_call_it_was_and_nothing_of_people(fresh, collector):
    restart(fresh, fresh.gateway(otlp_url=collector.url, sample_percent=100.0))
    with httpx.Client(base_url=fresh.url, trust_env=False, timeout=10) as client:
        headers = fresh.bearer("demo-app")
        trace = client.get("/v1/customers?secret=s3cr3t", headers=headers).headers["x-trace-id"]
        span = fresh.until(lambda: collector.spans.get(trace), 15)
        fact = fact_of(fresh.line_of(trace))
        assert (span.span_id.hex(), span.parent_span_id.hex()) == (fact.span_id, "")
        said = {each.key: each.value.string_value for each in span.attributes}
        assert said["treadle.stamp"] == fact.contract
        assert (said["treadle.operation"], said["treadle.consumer"]) == ("listCustomers", "demo-app")
        assert "s3cr3t" not in str(span)
        assert "/v1/customers" not in str(span)
        assert collector.paths == {"/v1/traces"}


def test_what_is_not_drawn_has_its_ids_all_the_same_and_a_caller_may_decide(fresh, collector):
    restart(fresh, fresh.gateway(otlp_url=collector.url, sample_percent=0.0))
    with httpx.Client(base_url=fresh.url, trust_env=False, timeout=10) as client:
        drawn = [client.get("/v1/public") for _ in range(20)]
        sampled = client.get("/v1/public", headers=parent(7, "01"))
        unsampled = client.get("/v1/public", headers=parent(8, "00"))
        assert re.fullmatch(rf"00-{7:032x}-[0-9a-f]{{16}}-01", sampled.json()["headers"]["traceparent"])
        assert re.fullmatch(rf"00-{8:032x}-[0-9a-f]{{16}}-00", unsampled.json()["headers"]["traceparent"])
        fresh.until(lambda: f"{7:032x}" in collector.spans, 15)
        for answer in (*drawn, unsampled):
            fact = fact_of(fresh.line_of(answer.headers["x-trace-id"]))
            assert answer.headers["x-trace-id"] not in collector.spans
            assert answer.json()["headers"]["traceparent"] == f"00-{fact.trace_id}-{fact.span_id}-00"

        # A collector that is away costs no call.
        collector.stop()
        answers = [client.get("/v1/public", headers=parent(100 + n, "01")) for n in range(20)]
        assert {answer.status_code for answer in answers} == {200}


def test_another_collector_needs_a_restart(fresh):
    with pytest.raises(EngineError) as refused:
        fresh.push(fresh.gateway(otlp_url="https://collector.example:4318"))
    assert refused.value.code == "engine-restart-needed"


@pytest.mark.parametrize(
    "url", ["https://collector.example", "https://[::1]:4318/otlp/v1/traces", "http://10.0.0.7:4318/"]
)
def test_a_collector_may_be_anywhere(running, url):
    running.engine.validate(compile_gateway(running.gateway(otlp_url=url), running.node))


@pytest.mark.parametrize(
    "url", ["collector:4318", "http://c:70000", "http://a b", "ftp://c", "http://c/?q", "http://u@c"]
)
def test_what_is_no_address_is_refused(running, url):
    with pytest.raises(InvalidGatewayError, match="otlp_url"):
        validate(running.gateway(otlp_url=url))
