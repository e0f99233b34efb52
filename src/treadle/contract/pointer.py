"""JSON pointers: names of nodes in a document. Source: RFC 6901."""

from __future__ import annotations


def escape(token: str) -> str:
    """One token as it stands in a pointer."""
    if "/" in token or "~" in token:  # most have neither, and pointers are made by the hundred thousand
        return token.replace("~", "~0").replace("/", "~1")
    return token


def pointer(*tokens: str | int) -> str:
    """`pointer("paths", "/v1/orders")` is `/paths/~1v1~1orders`; no token at all is the root, `""`."""
    text = ""
    for token in tokens:
        text += f"/{escape(token) if isinstance(token, str) else token}"
    return text


def tokens(text: str) -> tuple[str, ...]:
    """The tokens of a pointer, unescaped."""
    found = text.split("/")[1:]
    return tuple([each.replace("~1", "/").replace("~0", "~") for each in found] if "~" in text else found)
