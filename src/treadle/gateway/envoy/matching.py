"""The words of xDS match trees: what is looked at, and what of it makes a branch be taken.

https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/matching/matching_api. A branch that leads
nowhere falls back on nothing: each tree here says itself what happens where nothing fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from treadle.contract.model import Json
from treadle.gateway.envoy.typed import extension


def header(name: str) -> Json:
    """A request header; several of one name read as one, with commas."""
    return extension("header", "type.matcher.v3.HttpRequestHeaderMatchInput", header_name=name)


def metadata(filter: str, *path: str) -> Json:
    """What a filter has noted of this call."""
    type = "extensions.matching.common_inputs.network.v3.DynamicMetadataInput"
    return extension("metadata", type, filter=filter, path=[{"key": each} for each in path])


def text(input: Json, **said: Json) -> Json:
    """The predicate that a text is so: `exact`, `prefix` or `regex` (RE2, the whole text)."""
    if regex := said.pop("regex", None):
        said["safe_regex"] = {"google_re2": {}, "regex": regex}
    return {"single_predicate": {"input": input, "value_match": said}}


def noted(input: Json, **said: Json) -> Json:
    """The predicate that a noted value is so: `string_match`, `present_match`, `list_match`."""
    matcher = extension("value", "extensions.matching.input_matchers.metadata.v3.Metadata", value=said)
    return {"single_predicate": {"input": input, "custom_match": matcher}}


def all_of(predicates: Sequence[Json]) -> Json:
    """Every one of them."""
    return predicates[0] if len(predicates) == 1 else {"and_matcher": {"predicate": list(predicates)}}


def any_of(predicates: Sequence[Json]) -> Json:
    """One of them at least."""
    return predicates[0] if len(predicates) == 1 else {"or_matcher": {"predicate": list(predicates)}}


def none_of(predicate: Json) -> Json:
    """The opposite."""
    return {"not_matcher": predicate}


def either(predicate: Json, then: Json, otherwise: Json) -> Json:
    """Where to go on: an action or a tree, for a call that fits and for one that does not."""
    tree = {"matcher_list": {"matchers": [{"predicate": predicate, "on_match": then}]}, "on_no_match": otherwise}
    return {"matcher": tree}


def unless(predicate: Json, then: Json) -> Json:
    """Where to go on for a call that fits; for any other the filter does its work."""
    return {"matcher": {"matcher_list": {"matchers": [{"predicate": predicate, "on_match": then}]}}}


def by_value(input: Json, places: Mapping[str, Json], otherwise: Json) -> Json:
    """Where to go on, by an exact value. Its cost does not grow with the number of values."""
    if not places:
        return otherwise
    tree = {"matcher_tree": {"input": input, "exact_match_map": {"map": dict(places)}}, "on_no_match": otherwise}
    return {"matcher": tree}


def filtered(name: str, config: Json, where: Json) -> Json:
    """A filter under a match tree, which says for each call whether it is passed over."""
    type = "extensions.common.matching.v3.ExtensionWithMatcher"
    return extension(name, type, extension_config=config, xds_matcher=where["matcher"])


SKIPPED: Json = {"action": extension("skip", "extensions.filters.common.matcher.action.v3.SkipFilter")}
"""The filter is passed over."""
