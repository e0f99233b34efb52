"""JSON pointers: names of nodes in a document. Source: RFC 6901."""

from __future__ import annotations


def escape(token: str) -> str:
    """One token as it stands in a pointer."""
    return token.replace("~", "~0").replace("/", "~1")


def pointer(*tokens: str | int) -> str:
    """`pointer("paths", "/v1/orders")` is `/paths/~1v1~1orders`; no token at all is the root, `""`."""
    return "".join([f"/{escape(str(token))}" for token in tokens])


def tokens(text: str) -> tuple[str, ...]:
    """The tokens of a pointer, unescaped."""
    found = text.split("/")[1:]
    return tuple([each.replace("~1", "/").replace("~0", "~") for each in found] if "~" in text else found)
