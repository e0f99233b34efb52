"""Contracts that observe or warn: every call goes through, its fact says what would have happened. A real Envoy."""

import httpx
import pytest

from treadle.contract.model import Enforcement, Enforcements, Limit
from treadle.facts.fact import Outcome
from treadle.gateway.ir import Guard
from treadle.gateway.logs import fact_of

pytestmark = pytest.mark.engine
WARNING = "treadle-warning"
HOW = {"observe": Enforcement.OBSERVE, "warn": Enforcement.WARN, "enforce": Enforcement.ENFORCE}


@pytest.fixture(scope="module")
def adopting(running, echo):
    """The usual node with an operation for each way, and an upstream in the place of the guard hop."""

    def operation(word, aspect):
        how = Enforcements(**{aspect: HOW[word]})
        name = f"{aspect}-{word}"
        more = {
            "auth": {"scopes": ("customers:write",)},
            "limits": {"limit": Limit(1, 3600)},
            "validation": {"guard": Guard(None, {}, body_required=False, parameters=())},
        }[aspect]
        return running.route(name, "GET", f"/v1/{aspect}/{word}/{{word}}", enforcement=how, **more)

    routes = [operation(word, aspect) for word in HOW for aspect in ("auth", "limits", "validation")]
    hop = echo(running.node.hop)
    running.push(running.gateway(*routes))
    yield running
    running.push(running.base)
    hop.stop()


@pytest.fixture(scope="module")
def ask(adopting):
    """Makes a call; gives its answer and its fact."""
    with httpx.Client(base_url=adopting.url, trust_env=False, timeout=10) as client:

        def call(path, headers):
            answer = client.get(path, headers=headers)
            return answer, fact_of(adopting.line_of(answer.headers["x-trace-id"]))

        yield call


@pytest.mark.parametrize("word", ["observe", "warn"])
@pytest.mark.parametrize(
    ("caller", "code"), [(None, "UNAUTHENTICATED"), ("partner", "FORBIDDEN"), ("demo-app", "")], ids=str
)
def test_a_call_without_the_right_to_goes_through(adopting, ask, word, caller, code):
    answer, fact = ask(f"/v1/auth/{word}/x", adopting.bearer(caller) if caller else {})
    assert (answer.status_code, fact.outcome, fact.observed) == (200, Outcome.OK, code)
    assert answer.headers.get(WARNING, "") == (code if word == "warn" else "")
    assert fact.consumer == (caller or "")


@pytest.mark.parametrize(("caller", "status"), [(None, 401), ("partner", 403), ("demo-app", 200)])
def test_what_is_enforced_is_refused_and_not_warned_of(adopting, ask, caller, status):
    answer, fact = ask("/v1/auth/enforce/x", adopting.bearer(caller) if caller else {})
    assert (answer.status_code, fact.observed, answer.headers.get(WARNING)) == (status, "", None)
    # A refused caller is known all the same.
    assert fact.consumer == (caller or "")


@pytest.mark.parametrize(("word", "told"), [("observe", False), ("warn", True)])
def test_a_call_beyond_a_limit_goes_through(adopting, ask, word, told):
    headers = adopting.bearer("demo-app")
    first, fact = ask(f"/v1/limits/{word}/x", headers)
    assert (first.status_code, fact.observed, first.headers.get(WARNING)) == (200, "", None)
    second, fact = ask(f"/v1/limits/{word}/x", headers)
    assert (second.status_code, fact.observed, fact.code) == (200, "RATE_LIMIT", "")
    assert second.headers.get(WARNING) == ("RATE_LIMIT" if told else None)


@pytest.mark.parametrize(("word", "told"), [("observe", False), ("warn", True)])
def test_what_the_guard_hop_would_have_refused_goes_through(adopting, ask, word, told):
    headers = adopting.bearer("demo-app")
    answer, fact = ask(f"/v1/validation/{word}/watched", headers)
    assert (answer.status_code, fact.observed) == (200, "CONTRACT_VIOLATION")
    assert answer.headers.get(WARNING) == ("CONTRACT_VIOLATION" if told else None)
    assert "x-treadle-observed" not in answer.headers
    answer, fact = ask(f"/v1/validation/{word}/fine", headers)
    assert (answer.status_code, fact.observed, answer.headers.get(WARNING)) == (200, "", None)


def test_a_fact_says_what_answered(ask, adopting):
    answer, fact = ask("/v1/customers", adopting.bearer("demo-app"))
    assert (answer.status_code, fact.upstream, fact.replayed) == (200, "customers-api", 0)
    issuer = adopting.base.issuers[0].url
    assert fact.issuer == issuer


@pytest.mark.parametrize("name", ["x-treadle-limited", "x-treadle-consumer", "x-treadle-issuer", "x-treadle-observed"])
def test_nobody_can_say_it_of_themselves(ask, name):
    answer, fact = ask("/v1/public", {name: "RATE_LIMIT"})
    assert (answer.status_code, fact.observed, fact.consumer, fact.issuer) == (200, "", "", "")
