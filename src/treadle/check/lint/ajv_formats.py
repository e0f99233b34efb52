"""The formats that Ajv asserts, each a test of one string or number. Sources: the RFC beside each."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

_PCHAR = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@\"]|%[0-9A-Fa-f]{2})"
_HOST = (
    r"(?:\[[0-9A-Fa-f:.]+\]|\[[Vv][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+\]"
    r"|(?:[A-Za-z0-9\-._~!$&'\"()*+,;=]|%[0-9A-Fa-f]{2})*)"
)
_AUTHORITY = rf"(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{{2}})*@)?{_HOST}(?::[0-9]*)?"
_TAIL = rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?"
_URI = rf"[A-Za-z][A-Za-z0-9+\-.]*:(?://{_AUTHORITY}(?:/{_PCHAR}*)*|/?(?:{_PCHAR}+(?:/{_PCHAR}*)*)?){_TAIL}"
_URI_REFERENCE = (
    rf"(?:[A-Za-z][A-Za-z0-9+\-.]*:)?(?://{_AUTHORITY}(?:/{_PCHAR}*)*|/?(?:{_PCHAR}+(?:/{_PCHAR}*)*)?){_TAIL}"
)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_EMAIL = rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}"
_DOMAIN_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = rf"(?=.{{1,253}}\.?\Z){_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})*\.?"
_UUID = r"(?:urn:uuid:)?[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"
_POINTER = r"(?:/(?:[^~/]|~0|~1)*)*"
_RELATIVE_POINTER = r"(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~0|~1)*)*)"
_TEMPLATE_NAME = r"(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})+(?::[1-9][0-9]{0,3}|\*)?"
_TEMPLATE = (
    rf"(?:[^\x00-\x20\"'<>%\\^`{{|}}]|%[0-9A-Fa-f]{{2}}|\{{[+#./;?&=,!@|]?{_TEMPLATE_NAME}(?:,{_TEMPLATE_NAME})*\}})*"
)
_DURATION = r"P(?!\Z)(?:(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?|(?:\d+W)?)"
_BYTE = r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_DATE = r"(\d{4})-(\d\d)-(\d\d)"
_TIME = r"(\d\d):(\d\d):(\d\d(?:\.\d+)?)(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)"
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _date(text: str) -> bool:
    match = _compiled(_DATE).fullmatch(text)
    if not match:
        return False
    year, month, day = map(int, match.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1] + (month == 2 and leap)


def _time(text: str) -> bool:
    match = _compiled(_TIME).fullmatch(text)
    if not match:
        return False
    hour, minute, second = int(match[1]), int(match[2]), float(match[3])
    sign = -1 if match[4] == "-" else 1
    away_hour, away_minute = int(match[5] or 0), int(match[6] or 0)
    if away_hour > 23 or away_minute > 59:
        return False
    if hour <= 23 and minute <= 59 and second < 60:
        return True
    utc_minute = minute - away_minute * sign
    utc_hour = hour - away_hour * sign - (1 if utc_minute < 0 else 0)
    return utc_hour in (23, -1) and utc_minute in (59, -1) and second < 61


def _date_time(text: str) -> bool:
    parts = re.split(r"[Tt\s]", text)
    return len(parts) == 2 and _date(parts[0]) and _time(parts[1])


def _uri(text: str) -> bool:
    return ("/" in text or ":" in text) and _compiled(_URI).fullmatch(text) is not None


def _ip(text: str, version: int) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(text).version == version and "%" not in text
    except ValueError:
        return False


def _regex(text: str) -> bool:
    """A regular expression as ECMAScript knows them, or at least one that some engine compiles."""
    from jsonschema_rs import Draft7Validator, FancyRegexOptions

    try:
        Draft7Validator({"pattern": text}, pattern_options=FancyRegexOptions())
    except ValueError:
        return False
    return True


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled when the first value asks: most documents need two or three of them."""
    return re.compile(pattern, re.ASCII)


def _whole(pattern: str) -> Callable[[str], bool]:
    return lambda text: _compiled(pattern).fullmatch(text) is not None


def _integer(bits: int) -> Callable[[Any], bool]:
    limit = 2 ** (bits - 1)
    return lambda value: (isinstance(value, int) or value.is_integer()) and (bits == 64 or -limit <= value < limit)


FORMATS: dict[str, Callable[[str], bool]] = {
    "date": _date,
    "time": _time,
    "date-time": _date_time,
    "duration": _whole(_DURATION),  # RFC 3339 appendix A
    "uri": _uri,  # RFC 3986
    "uri-reference": _whole(_URI_REFERENCE),
    "uri-template": _whole(_TEMPLATE),  # RFC 6570
    "email": _whole(_EMAIL),  # RFC 5321, the part that people use
    "hostname": _whole(_HOSTNAME),  # RFC 1123
    "ipv4": lambda text: _ip(text, 4),
    "ipv6": lambda text: _ip(text, 6),
    "regex": _regex,
    "uuid": _whole(_UUID),  # RFC 4122
    "json-pointer": _whole(_POINTER),  # RFC 6901
    "relative-json-pointer": _whole(_RELATIVE_POINTER),
    "byte": _whole(_BYTE),
}
NUMBER_FORMATS: dict[str, Callable[[Any], bool]] = {"int32": _integer(32), "int64": _integer(64)}
