"""Which paths are looked at: those that every reader behind the gateway reads in one way.

Envoy has resolved dot segments and doubled slashes by now, and has refused escaped slashes. What is left and could
still mean another path to somebody: a percent sign that is escaped itself, which is an escape to whoever decodes twice;
an escape that is none; escaped control characters and backslashes; bytes that no UTF-8 has, as in the overlong forms of
`/` and `.`; a dot segment with parameters (`..;`), which is one to servlet containers. RFC 3986 section 3.3.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.typed import typed

_HEX = "[0-9A-Fa-f]"
_ESCAPED = (
    "%(?:2[0-46-9A-Ea-e]|[346]H|5[0-9ABD-Fabd-f]|7[0-9A-Ea-e]|[89ABab]H|[Cc][2-9A-Fa-f]|[Dd]H"
    "|[Ee](?:[1-9A-Fa-f]|0%[ABab]H)|[Ff](?:[1-4]|0%[9ABab]H))"
).replace("H", _HEX)
_OTHER = f"[A-Za-z0-9_~!$&'()*+,=:@|\\[\\]-]|{_ESCAPED}"
_REST = f"(?:[.;]|{_OTHER})*"
_SEGMENT = f"(?:(?:;|{_OTHER}){_REST}|\\.(?:(?:{_OTHER}){_REST}|\\.(?:(?:[.]|{_OTHER}){_REST})?)?)?"
PLAIN = f"(?:/{_SEGMENT})*(?:\\?.*)?"
"""A linear (RE2) expression for a whole `:path`; the query string may be anything."""


def plain_only(refusal: Json, rest: Json) -> Json:
    """A matcher that gives the routes `refusal` to every other path, and leaves plain ones to the matcher `rest`.

    A CONNECT has no path, and is not plain.
    """
    path = {"name": "path", "typed_config": typed("type.matcher.v3.HttpRequestHeaderMatchInput", header_name=":path")}
    plain = {"single_predicate": {"input": path, "value_match": {"safe_regex": {"google_re2": {}, "regex": PLAIN}}}}
    otherwise = {"action": {"name": "strange-path", "typed_config": refusal}}
    first = {"predicate": {"not_matcher": plain}, "on_match": otherwise}
    return {"matcher_list": {"matchers": [first]}, "on_no_match": {"matcher": rest}}
