"""Hostile paths: what an upstream gets is what the contract allows for the caller, however the path is written."""

import http.client
import re

import pytest

from treadle.gateway.logs import fact_of

pytestmark = pytest.mark.engine

SPELLINGS = r"""
//v1/customers /v1//customers /v1/public/../customers /v1/public/..%2fcustomers /v1/public/%2e%2e/customers
/v1/public/.%2e/customers /v1/public/%2E%2E%2Fcustomers /v1/public/..;/customers /v1/public/..\customers
/v1/public/..%5ccustomers /v1/public/%252e%252e/customers /v1/public/..%c0%afcustomers /v1/public/..%ef%bc%8fcustomers
/./v1/customers /v1/./customers /V1/customers /v1/customers/ /v1/customers;x=1 /v1/customers%00 /v1/customers%20
/v1/customers#/v1/public /v1/public#/../customers /v1/public?/../customers /v1/customers?x=/v1/public
http://127.0.0.1/v1/customers http://evil/v1/customers /v1/public//../customers /v1/public/x/../../customers
/%76%31/customers /v1/%63ustomers * /v1/public/../../../../v1/customers /v1/public%2f..%2fcustomers
/v1/customers/../public /v1/customers/%2e%2e/%2e%2e/v1/customers /v1/customers/a%2fb /v1/customers/a%5cb
/v1/customers/.. /v1/customers/. /v1/customers/7/../search /v1/customers/%2e%2e%3f
"""
PATHS = SPELLINGS.split()


def raw(port, path, **headers):
    """The status of one request whose path is sent as it is written."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": "a", **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@pytest.mark.parametrize("path", PATHS)
def test_no_spelling_opens_a_protected_operation(running, path):
    """Without a token only the public operation may be reached, and only as itself."""
    before = len(running.upstream.seen)
    status = raw(running.node.port, path)
    reached = [call["path"].partition("?")[0] for call in running.upstream.seen[before:]]
    assert reached in ([], ["/v1/public"]), f"{path} reached {reached}"
    assert status in ({200} if reached else {400, 401, 404})


@pytest.mark.parametrize("path", PATHS)
def test_no_spelling_reaches_another_operation_than_was_checked(running, path):
    """With a token: the operation in the log is the one whose template the upstream's path fits."""
    templates = {
        "listCustomers": r"/v1/customers",
        "getCustomer": r"/v1/customers/(?!\.\.?$)[^/\\]+",
        "searchCustomers": r"/v1/customers/search",
        "health": r"/v1/public",
    }
    token = running.bearer()["authorization"]
    before = len(running.upstream.seen)
    raw(running.node.port, path, Authorization=token)
    for call in running.upstream.seen[before:]:
        plain = call["path"].partition("?")[0]
        line = running.line_of(call["headers"]["traceparent"].split("-")[1])
        operation = fact_of(line).operation
        assert re.fullmatch(templates[operation], plain), f"{path} became {plain} of {operation}"


@pytest.mark.parametrize("path", ["/v1/customers/search;x=1", "/v1/customers/search;", "/v1/customers/sea%72ch;x"])
def test_a_parameter_in_a_segment_does_not_lead_around_an_operation(running, path):
    """A servlet container would search, with the rights and limits of another operation."""
    bearer = running.bearer()
    assert raw(running.node.port, path, **bearer) == 404
    for customer in ("7;x=1", "search%3Bx=1"):
        assert raw(running.node.port, f"/v1/customers/{customer}", **bearer) == 200
        assert running.upstream.seen[-1]["path"] == f"/v1/customers/{customer}"
