import pytest

from treadle.web.app import create_app, create_console
from treadle.web.shield import POLICY

GOOD = ["127.0.0.1:8400", "localhost:8400", "LOCALHOST:8400", "[::1]:8400", "127.0.0.1"]
BAD = [
    "evil.example",
    "evil.example:8400",
    "127.0.0.1:80",
    "127.0.0.1:8400.evil.example",
    "127.0.0.1.evil.example:8400",
    "localhost.evil.example",
    "127.0.0.2:8400",
    "0.0.0.0:8400",
    "[::2]:8400",
    "127.0.0.1:8400@evil.example",
    "user@127.0.0.1:8400",
    "127.0.0.1:",
    "127.0.0.1:8400:8400",
    "",
]


@pytest.mark.parametrize("host", GOOD)
def test_this_machine_is_served(site, host):
    assert site.get("/", host=host).status_code == 200


@pytest.mark.parametrize("host", BAD)
@pytest.mark.parametrize("path", ["/", "/overview.json", "/events/stream", "/static/console.js"])
def test_a_name_that_was_pointed_here_is_refused(site, host, path):
    answer = site.get(path, host=host)
    assert answer.status_code == 400
    assert answer.json()["code"] == "BAD_REQUEST"
    assert answer.headers["content-security-policy"] == POLICY


def test_an_operator_may_name_another_host(busy, site):
    app = create_app(create_console(busy.view()), hosts=["console.acme.example"])
    site.app = app
    assert site.get("/", host="console.acme.example").status_code == 200
    assert site.get("/", host="console.acme.example:81").status_code == 400


@pytest.mark.parametrize(
    "path", ["/", "/overview.json", "/nowhere", "/static/console.css", "/contracts/sales.orders.v1/source"]
)
def test_every_answer_carries_the_policy(site, path):
    headers = site.get(path).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_the_policy_is_the_strict_one():
    assert POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
