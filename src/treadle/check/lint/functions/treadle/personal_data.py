"""`personalData`: a property that sounds like a person's says what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from treadle.check.lint.api import written
from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.check.lint.events import own
from treadle.contract.place import Json

_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_SURE = frozenset(
    {
        "email", "phone", "mobile", "telephone", "fax", "firstname", "lastname", "middlename", "givenname",
        "familyname", "surname", "nickname", "birthday", "birthdate", "dateofbirth", "birthplace", "iban", "ssn",
        "socialsecuritynumber", "nationalid", "passport", "passportnumber", "taxid", "driverslicense", "gender",
        "ethnicity", "religion", "nationality", "maritalstatus", "ipaddress", "creditcard", "cardnumber",
        "emailaddress", "phonenumber", "mobilenumber", "postaladdress", "homeaddress", "billingaddress",
        "shippingaddress", "deliveryaddress", "mailingaddress", "streetaddress", "street", "dob",
    }
)  # fmt: skip
_BESIDE_SURE = frozenset(
    {"name", "fullname", "address", "username", "displayname", "postcode", "postalcode", "zip", "zipcode"}
)
"""Of a person where the object has one of the sure ones too; else of a product, a host, a city."""
_LAST_WORDS = frozenset({"email", "phone", "iban", "birthdate", "surname", "passport"})
_QUALIFIERS = frozenset({"has", "is", "with", "verified", "valid", "count", "enabled"})
_DATA = frozenset({"example", "examples", "default", "enum", "const"})


def make(options: Mapping[str, Json]) -> Check:
    """Value: `properties` of a schema. Option `allow`: names that are nobody's."""
    allow = options.get("allow", [])
    if not isinstance(allow, list) or not all(isinstance(each, str) for each in allow):
        raise BadOptions("`allow` must be a list of names")
    allowed = frozenset(allow)

    def check(_: Json, context: Context) -> Iterator[Complaint]:
        described = written(context)
        sure = [each for each in described if _sure(each)]
        if not sure or any(step in _DATA for step in context.path):
            return
        suspects = [each for each in described if each in sure or _plain(each) in _BESIDE_SURE]
        open_ones = [each for each in suspects if each not in allowed and not _said(described[each], context)]
        if open_ones and not _said_above(context):
            for each in open_ones:
                yield Complaint(f"`{each}` sounds personal and is not classified", (*context.path, each))

    return check


def _sure(name: str) -> bool:
    words = [each.lower() for each in _WORD.findall(name)]
    if not words or _QUALIFIERS & {words[0], words[-1]}:
        return False
    return "".join(words) in _SURE or words[-1] in _LAST_WORDS


def _plain(name: str) -> str:
    return "".join(_WORD.findall(name)).lower()


def _said(schema: Json, context: Context) -> bool:
    """Whether a property, or what it refers to, is classified; flags and counts are about nobody."""
    for each in (schema, context.subject.follow(schema)):
        if own(each).keys() & {"classification", "personal"}:
            return True
        if isinstance(each, dict) and each.get("type") == "boolean":
            return True
    return False


def _said_above(context: Context) -> bool:
    """Whether an object around is classified as a whole."""
    node = context.subject.data
    for step in context.path:
        found = context.subject.follow(node)
        if isinstance(found, dict) and isinstance(step, str):
            node = found.get(step)
        elif isinstance(found, list) and isinstance(step, int) and step < len(found):
            node = found[step]
        else:
            return False
        said = own(node).keys() | own(context.subject.follow(node)).keys()
        if step not in ("info", "properties") and said & {"classification", "personal"}:
            return True
    return False
