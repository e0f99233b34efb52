"""What one schema object says itself, its references and `allOf` left out, as a shape."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator

from treadle.check.schema.choices import branches, listed_kinds, nullable_branch
from treadle.check.schema.rules import Rules
from treadle.check.schema.shape import Holds, If, Rest, Shape
from treadle.check.schema.source import Part, Source
from treadle.check.schema.values import both, matches, narrow, token
from treadle.contract.library import Node
from treadle.contract.model import Json

_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")


def statement(source: Source, node: Node, kept: frozenset[str] = frozenset()) -> Shape:
    """The shape of one node. Choices under a keyword that is `kept` stay as they are written."""
    if node.value is False:
        return Shape(source, (node,), kinds=frozenset(), own_kinds=frozenset())
    return _Statement(source, node, kept).shape


def opaque(source: Source, node: Node, keyword: str) -> str:
    """A name for a keyword whose meaning depends on more than is looked at: the same only in equal documents."""
    whole = source.references.library.root(node.file)
    said = token(node.value)
    elsewhere = node.reference or '"$ref"' in said or keyword in {"$dynamicRef", "$recursiveRef"}
    texts = said + (token(_schemas_of(whole.value)) if elsewhere else "")
    return f"{keyword} {hashlib.sha256(texts.encode(errors='surrogatepass')).hexdigest()}"


def _schemas_of(document: Json) -> Json:
    """The part of a document that its schemas are kept in: a schema itself, or the components of a contract."""
    return document.get("components", document) if isinstance(document, dict) else document


class _Statement:
    """Reads one schema object, a group of keywords at a time."""

    def __init__(self, source: Source, node: Node, kept: frozenset[str]) -> None:
        self.source = source
        self.node = node
        self.kept = kept
        self.rules: Rules = source.rules(node.file)
        self.said: dict[str, Json] = {key: each for key, each in node.value.items() if self.rules.counts(key)}
        self.shape = Shape(source, (node,))
        self._values()
        self._limits()
        self._objects()
        self._arrays()
        self._choices()
        self._conditions()
        self.shape.own_kinds = self.shape.kinds

    def _below(self, *path: str | int) -> Part:
        return self.source.part((self.node.child(*path),))

    def _named(self, keyword: str) -> Iterator[tuple[str, Part]]:
        found = self.said.get(keyword)
        if isinstance(found, dict):
            for name in found:
                yield name, self._below(keyword, name)

    def _values(self) -> None:
        kinds = self.said.get("type")
        if isinstance(kinds, str | list):
            names = [kinds] if isinstance(kinds, str) else [each for each in kinds if isinstance(each, str)]
            self.shape.kinds = narrow(frozenset(names))
        lists = [self.said["enum"]] if isinstance(self.said.get("enum"), list) else []
        lists += [[self.said["const"]]] if "const" in self.said else []
        for values in lists:
            tokens = {token(value): value for value in values}
            known = self.shape.values
            self.shape.values = tokens if known is None else {key: known[key] for key in known if key in tokens}
        if self.rules.nullable and self.said.get("nullable") is True and "type" in self.said:
            self.shape.kinds |= {"null"}
            if self.shape.values is not None:
                self.shape.values = {**self.shape.values, token(None): None}

    def _limits(self) -> None:
        bounds: dict[str, float] = {}
        for keyword in _COUNTS:
            if _is_number(self.said.get(keyword)):
                bounds[keyword] = self.said[keyword]
        for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if _is_number(self.said.get(limit)):
                bounds[exclusive if self.said.get(exclusive) is True else limit] = self.said[limit]
            if _is_number(self.said.get(exclusive)):
                bounds[exclusive] = self.said[exclusive]
        self.shape.bounds = bounds
        divisor: Json = self.said.get("multipleOf")
        if _is_number(divisor) and divisor > 0:
            self.shape.multiples = frozenset({divisor})
        self.shape.patterns = self._texts("pattern")
        self.shape.formats = self._texts("format")
        self.shape.media = self._texts("contentMediaType")
        self.shape.encodings = self._texts("contentEncoding")
        if "contentSchema" in self.said and self.shape.media:
            self.shape.content = (self._below("contentSchema"),)

    def _texts(self, keyword: str) -> frozenset[str]:
        found = self.said.get(keyword)
        return frozenset({found}) if isinstance(found, str) else frozenset()

    def _objects(self) -> None:
        shape, said = self.shape, self.said
        patterns = dict(self._named("patternProperties"))
        other = self._below("additionalProperties") if _is_schema(said.get("additionalProperties")) else self.source.any
        own = dict(self._named("properties"))
        unreadable = any(matches(pattern, "") is None for pattern in patterns)
        if unreadable:
            shape.opaque |= {self._opaque("patternProperties")}
        else:
            shape.rests = (Rest(patterns, other),)
        shape.properties = {
            name: self.source.join(
                (part, *(below for pattern, below in patterns.items() if not unreadable and matches(pattern, name)))
            )
            for name, part in own.items()
        }
        if isinstance(said.get("required"), list):
            shape.required = frozenset(name for name in said["required"] if isinstance(name, str))
        if _is_schema(said.get("propertyNames")):
            part = self._below("propertyNames")
            shape.names = () if part.free else (part,)
        for keyword in ("dependencies", "dependentRequired", "dependentSchemas"):
            self._depending(keyword)

    def _depending(self, keyword: str) -> None:
        """A property that asks for others, or for a schema. `dependencies` said both, until draft 7."""
        for name, part in self._named(keyword):
            asked = self.said[keyword][name]
            if isinstance(asked, list) and asked and keyword != "dependentSchemas":
                known = self.shape.needs.get(name, frozenset())
                self.shape.needs = {**self.shape.needs, name: known | frozenset(map(str, asked))}
            elif _is_schema(asked) and not part.free and keyword != "dependentRequired":
                known_part = self.shape.dependents.get(name, self.source.any)
                self.shape.dependents = {**self.shape.dependents, name: self.source.join((known_part, part))}

    def _arrays(self) -> None:
        shape, said = self.shape, self.said
        first, then = ("prefixItems", "items")
        if isinstance(said.get("items"), list) and (self.rules.lenient or self.rules.draft != "2020-12"):
            first, then = ("items", "additionalItems")
        if isinstance(said.get(first), list):
            shape.prefix = tuple(self._below(first, at) for at in range(len(said[first])))
        if _is_schema(said.get(then)):
            shape.items = self._below(then)
        shape.unique = said.get("uniqueItems") is True
        if _is_schema(said.get("contains")):
            least, most = said.get("minContains", 1), said.get("maxContains")
            least = least if _is_number(least) else 1
            most = most if _is_number(most) else None
            if least > 0 or most is not None:
                shape.holds = (Holds(self._below("contains"), least, most),)

    def _choices(self) -> None:
        for keyword in ("anyOf", "oneOf"):
            found = branches(self.source, self.node, keyword)
            plain = keyword not in self.kept
            if found is None or (len(found) == 1 and plain):
                continue
            if not found:
                self.shape.kinds = frozenset()
                continue
            kinds = listed_kinds(found, keyword)
            if kinds is not None and plain:
                self.shape.kinds = both(self.shape.kinds, kinds)
                self.shape.listed = True
                continue
            if plain and nullable_branch(self.source, self.node, keyword) is not None:
                continue
            choice = tuple(self.source.part((each,)) for each in found)
            if keyword == "anyOf":
                self.shape.any_of = (*self.shape.any_of, choice)
            else:
                self.shape.one_of = (*self.shape.one_of, choice)

    def _conditions(self) -> None:
        if _is_schema(self.said.get("not")):
            self.shape.nots = (self._below("not"),)
        if _is_schema(self.said.get("if")):
            then, other = (
                self._below(keyword) if _is_schema(self.said.get(keyword)) else self.source.any
                for keyword in ("then", "else")
            )
            if not then.free or not other.free:
                self.shape.ifs = (If(self._below("if"), then, other),)
        for keyword in ("$dynamicRef", "$recursiveRef"):
            if keyword in self.said:
                self.shape.opaque |= {self._opaque(keyword)}

    def _opaque(self, keyword: str) -> str:
        return opaque(self.source, self.node, keyword)


def _is_schema(value: Json) -> bool:
    return isinstance(value, dict | bool)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
