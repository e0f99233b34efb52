"""Text of unknown origin, made safe for one line of a terminal or a log.

Names of files, keys and values come from whoever wrote them. Printed raw, an escape sequence repaints the screen, a
line break forges a line of ours, and a bidirectional control shows text in another order than it has (CVE-2021-42574).
"""

from __future__ import annotations

_CONTROLS = [*range(0x20), *range(0x7F, 0xA0)]
"""C0, DEL and C1 (ECMA-48): among them ESC, CSI and every ASCII line break."""
_LINES = [0x2028, 0x2029]
_BIDIRECTIONAL = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
"""Unicode Standard Annex #9, section 2: marks, embeddings, overrides and isolates."""
_NAMED = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}
_BYTES = range(0xDC80, 0xDD00)
"""How Python carries the bytes of a file name that are not UTF-8 (PEP 383)."""


def _escape(code: int) -> str:
    if code in _BYTES:
        return f"\\x{code - 0xDC00:02x}"
    return _NAMED.get(code) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


_TABLE = {code: _escape(code) for code in (*_CONTROLS, *_LINES, *_BIDIRECTIONAL, *range(0xD800, 0xE000))}


def printable(text: str) -> str:
    r"""The text on one line, which every UTF-8 stream takes; ordinary Unicode stays as it is.

    `\n`, `\x1b`, `\u202e` stand for what was escaped, `\xff` for a byte of a file name that is not UTF-8.
    """
    return text.translate(_TABLE)
