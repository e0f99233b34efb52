"""A workspace: files in, settings and contracts out.

A bad contract is a finding and is left out; the others are read.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from treadle.base.errors import InputError
from treadle.base.nearest import nearest
from treadle.contract.finding import Finding
from treadle.contract.library import Library
from treadle.contract.model import (
    Breaker,
    Candidate,
    Connector,
    Consumer,
    Contract,
    Domain,
    GatewaySettings,
    Json,
    Limit,
    Place,
    Service,
    Settings,
    Subscription,
    Tier,
    TrustedIssuer,
    Workspace,
)
from treadle.contract.parse import Document, InvalidDocument, parse
from treadle.contract.pointer import pointer
from treadle.contract.problems import Problems
from treadle.contract.promised import limit
from treadle.contract.read import LOOKS_LIKE, folder_domain, read_from, with_defaults
from treadle.contract.shape import check_shape

ROOT = "treadle.yaml"
DEFAULT_ENVIRONMENT = "local"
_CONNECTOR = re.compile(r"connectors/([^/]+)\.ya?ml\Z")
_DOMAIN = re.compile(r"domains/([^/]+)/domain\.ya?ml\Z")
_SERVICES = re.compile(r"domains/([^/]+)/services\.ya?ml\Z")
_T = TypeVar("_T")


def read_workspace(
    files: Mapping[str, bytes],
    *,
    environment: str = DEFAULT_ENVIRONMENT,
    overlays: Sequence[tuple[str, bytes]] = (),
    unread: Sequence[Finding] = (),
) -> tuple[Workspace, tuple[Finding, ...]]:
    """Read every file of a workspace, by its path relative to the root.

    `overlays` (name, bytes) are laid over the environment's own, in order. `unread` are findings about files that
    belong to the workspace and could not be taken in; they are findings of the whole. Raises InputError where
    `treadle.yaml` or an overlay is missing or wrong: nothing can be said about a fabric whose settings are unknown.
    What is wrong elsewhere is a finding.
    """
    library = Library(files)
    problems = Problems()
    problems.extend(tuple(unread))
    _not_of_settings(unread, environment)
    base = _required(library, ROOT, "workspace.treadle")
    layers = _overlays(files, environment, overlays)
    domains = _domains(library, problems)
    services = _services(library, problems)
    connectors = _connectors(library, problems)
    for layer in layers:
        services = _with_candidates(_with_upstreams(services, layer, problems), layer, problems)
        connectors = _with_sources(connectors, layer, problems)
    sections = [base.data, *(layer.data for layer in layers)]
    settings = Settings(
        name=base.data["name"],
        environment=environment,
        audience=base.data.get("audience", f"urn:treadle:{base.data['name']}"),
        tiers=_tiers(sections),
        consumers=_consumers(base, problems),
        domains=domains,
        services=services,
        subscriptions=_subscriptions(library),
        connectors=connectors,
        ports=_merged(section.get("ports") for section in sections),
        engines=_engines(sections),
        issuers=_issuers([base, *layers]),
        gateway=_gateway(sections),
    )
    contracts = _contracts(library, domains, problems)
    return Workspace(settings, contracts), problems.all()


def _not_of_settings(unread: Iterable[Finding], environment: str) -> None:
    """Raise InputError where the environment's own overlay could not be taken in."""
    for each in unread:
        folder, _, name = each.place.file.partition("/")
        if folder == "environments" and name.rpartition(".")[0] in ("", environment):
            raise InputError(each.rule, each.message, each.hint)


def _contracts(library: Library, domains: Mapping[str, Domain], problems: Problems) -> tuple[Contract, ...]:
    found: dict[str, Contract] = {}
    for file in sorted(library.files):
        if not (folder_domain(file) and LOOKS_LIKE.search(file)):
            continue
        contract, findings = read_from(file, library)
        problems.extend(findings)
        if contract is None:
            continue
        first = found.setdefault(contract.id, contract)
        if first is not contract:
            problems.add(
                "duplicate-contract",
                contract.place,
                f"{contract.id} is also written in {first.place.file}",
                "keep one of the two files",
            )
            continue
        found[contract.id] = with_defaults(contract, domains.get(contract.domain))
    return tuple(found.values())


def _required(library: Library, file: str, schema: str) -> Document:
    try:
        document = library.document(file)
    except KeyError:
        raise InputError("no-workspace", f"there is no {file}", "make a workspace with `treadle init NAME`") from None
    except InvalidDocument as error:
        raise _broken(error.findings) from None
    return _fitting(document, schema)


def _fitting(document: Document, schema: str) -> Document:
    problems = Problems()
    if not check_shape(schema, document.data, _at(document), problems):
        raise _broken(problems.all())
    return document


def _broken(findings: tuple[Finding, ...]) -> InputError:
    first = findings[0]
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return InputError("invalid-workspace", f"{first.place}: {first.message}{more}", first.hint)


def _at(document: Document) -> Callable[[str], Place]:
    def place(at: str) -> Place:
        while at and at not in document.places:
            at = at.rpartition("/")[0]
        return document.places.get(at, Place(document.file))

    return place


def _overlays(
    files: Mapping[str, bytes], environment: str, overlays: Sequence[tuple[str, bytes]]
) -> tuple[Document, ...]:
    named = {posixpath.basename(file).rpartition(".")[0]: file for file in files if file.startswith("environments/")}
    given = list(overlays)
    if environment in named:
        given.insert(0, (named[environment], files[named[environment]]))
    elif environment != DEFAULT_ENVIRONMENT:
        near = nearest(environment, named)
        raise InputError(
            "unknown-environment",
            f"there is no environments/{environment}.yaml",
            f"did you mean `{near}`?" if near else f"there are: {', '.join(sorted(named)) or 'none'}",
        )
    layers = []
    for name, data in given:
        try:
            document = parse(name, data)
        except InvalidDocument as error:
            raise _broken(error.findings) from None
        if document.data is None:  # an overlay of comments only
            document = Document(name, {}, document.places)
        layers.append(_fitting(document, "workspace.environment"))
    return tuple(layers)


def _documents(
    library: Library, pattern: re.Pattern[str], schema: str, problems: Problems
) -> Iterable[tuple[str, Document]]:
    """Each file that matches and fits its schema, with what the pattern's group says. The others are problems."""
    for file in sorted(library.files):
        match = pattern.match(file)
        if not match:
            continue
        try:
            document = library.document(file)
        except InvalidDocument as error:
            problems.extend(error.findings)
            continue
        if check_shape(schema, document.data, _at(document), problems):
            yield match[1], document


def _domains(library: Library, problems: Problems) -> dict[str, Domain]:
    found: dict[str, Domain] = {}
    for folder, document in _documents(library, _DOMAIN, "workspace.domain", problems):
        data = document.data
        if data["domain"] != folder:
            problems.add(
                "domain-mismatch",
                document.places["/domain"],
                f"the file says domain `{data['domain']}` and lies in domains/{folder}/",
                "rename the folder or change the domain",
            )
            continue
        raci = data.get("raci", {})
        found[folder] = Domain(
            name=folder,
            title=data.get("title", folder),
            owner=data["owner"],
            place=document.places["/domain"],
            cost_centre=data.get("cost_centre", ""),
            classification=data.get("classification", ""),
            responsible=tuple(raci.get("responsible", ())),
            accountable=tuple(raci.get("accountable", ())),
            consulted=tuple(raci.get("consulted", ())),
            informed=tuple(raci.get("informed", ())),
        )
    return found


def _services(library: Library, problems: Problems) -> tuple[Service, ...]:
    found: dict[str, Service] = {}
    for _, document in _documents(library, _SERVICES, "workspace.services", problems):
        for at, each in enumerate(document.data.get("services", ())):
            place = document.places[pointer("services", at)]
            service = Service(
                each["name"],
                each["contract"],
                each["upstream"],
                place,
                spiffe_id=each.get("spiffe_id", ""),
                ca=each.get("ca", ""),
                candidate=_candidate(each.get("candidate")),
                breaker=Breaker(**each.get("breaker", {})),
            )
            first = found.setdefault(service.name, service)
            if first is not service:
                problems.add(
                    "duplicate-name", place, f"service `{service.name}` is also named at {first.place}", "rename one"
                )
    return tuple(found.values())


def _subscriptions(library: Library) -> tuple[Subscription, ...]:
    """Who subscribes. Problems of the files were noted with the services."""
    return tuple(
        Subscription(
            each["id"], each["channel"], document.places[pointer("subscriptions", at)], each.get("max_attempts", 5)
        )
        for _, document in _documents(library, _SERVICES, "workspace.services", Problems())
        for at, each in enumerate(document.data.get("subscriptions", ()))
    )


def _connectors(library: Library, problems: Problems) -> tuple[Connector, ...]:
    found: dict[str, Connector] = {}
    for _, document in _documents(library, _CONNECTOR, "workspace.connector", problems):
        data = document.data
        place = document.places["/connector"]
        connector = Connector(data["connector"], data["system"], data, place)
        first = found.setdefault(connector.name, connector)
        if first is not connector:
            message = f"connector `{connector.name}` is also named at {first.place}"
            problems.add("duplicate-name", place, message, "rename one")
    return tuple(found.values())


def _consumers(base: Document, problems: Problems) -> dict[str, Consumer]:
    found: dict[str, Consumer] = {}
    for at, each in enumerate(base.data.get("consumers", ())):
        place = base.places[pointer("consumers", at)]
        consumer = Consumer(
            each["id"], each["owner"], each["tier"], place, tuple(each.get("scopes", ())), each.get("issuer", "")
        )
        first = found.setdefault(consumer.id, consumer)
        if first is not consumer:
            message = f"consumer `{consumer.id}` is also named at {first.place}"
            problems.add("duplicate-name", place, message, "keep one of the two")
    return found


def _with_upstreams(services: tuple[Service, ...], layer: Document, problems: Problems) -> tuple[Service, ...]:
    upstreams: Mapping[str, str] = layer.data.get("upstreams", {})
    for name in set(upstreams) - {each.name for each in services}:
        message, hint = _unknown("service", name, [each.name for each in services])
        problems.add("unknown-service", layer.places[pointer("upstreams", name)], message, hint)
    return tuple(replace(each, upstream=upstreams.get(each.name, each.upstream)) for each in services)


def _with_candidates(services: tuple[Service, ...], layer: Document, problems: Problems) -> tuple[Service, ...]:
    candidates: Mapping[str, Json] = layer.data.get("candidates", {})
    for name in set(candidates) - {each.name for each in services}:
        message, hint = _unknown("service", name, [each.name for each in services])
        problems.add("unknown-service", layer.places[pointer("candidates", name)], message, hint)
    return tuple(
        replace(each, candidate=_moved(each.candidate, candidates[each.name])) if each.name in candidates else each
        for each in services
    )


def _moved(candidate: Candidate | None, said: Mapping[str, Json]) -> Candidate:
    """What an overlay says of a candidate goes before what its service says."""
    return replace(candidate, **said) if candidate else Candidate(**{"upstream": "", **said})


def _candidate(value: Json) -> Candidate | None:
    return Candidate(**value) if value else None


def _issuers(documents: Sequence[Document]) -> tuple[TrustedIssuer, ...]:
    """By name, the last one wins."""
    found: dict[str, TrustedIssuer] = {}
    for document in documents:
        for at, each in enumerate(document.data.get("issuers", ())):
            found[each["name"]] = TrustedIssuer(**each, place=document.places[pointer("issuers", at)])
    return tuple(found.values())


def _gateway(sections: Iterable[Mapping[str, Json]]) -> GatewaySettings:
    said: dict[str, Json] = {}
    for section in sections:
        said |= section.get("gateway", {})
    listed = {"hosts": tuple(each.lower() for each in said.pop("hosts", ()))}
    return GatewaySettings(**said | listed | {"edge": limit(said.get("edge"))})


def _with_sources(connectors: tuple[Connector, ...], layer: Document, problems: Problems) -> tuple[Connector, ...]:
    sources: Mapping[str, Mapping[str, Json]] = layer.data.get("connectors", {})
    for name in set(sources) - {each.name for each in connectors}:
        message, hint = _unknown("connector", name, [each.name for each in connectors])
        problems.add("unknown-connector", layer.places[pointer("connectors", name)], message, hint)
    found = (
        _with_source(each, sources[each.name], layer, problems) if each.name in sources else each for each in connectors
    )
    return tuple(each for each in found if each is not None)


def _with_source(
    connector: Connector, source: Mapping[str, Json], layer: Document, problems: Problems
) -> Connector | None:
    """The connector with an overlay's settings; None, with problems, where the whole no longer fits."""
    settings = {**connector.settings, "source": {**connector.settings["source"], **source}}
    at, prefix = _at(layer), pointer("connectors", connector.name)

    def place(inner: str) -> Place:
        # The connector's own file fits; what is wrong with the whole came from the overlay.
        return at(prefix + inner.removeprefix("/source"))

    return (
        replace(connector, settings=settings) if check_shape("workspace.connector", settings, place, problems) else None
    )


def _unknown(what: str, name: str, known: Sequence[str]) -> tuple[str, str]:
    near = nearest(name, known)
    message = f"there is no {what} `{name}`" + (f"; did you mean `{near}`?" if near else "")
    return message, f"known: {', '.join(sorted(known)) or 'none'}"


def _tiers(sections: Iterable[Mapping[str, Json]]) -> dict[str, Tier]:
    tiers = _merged(section.get("tiers") for section in sections)
    return {
        name: Tier(
            name,
            Limit(each["requests"], each.get("per_s", 1), each.get("burst", 0)),
            each.get("day", 0),
            each.get("month", 0),
        )
        for name, each in tiers.items()
    }


def _merged(layers: Iterable[Mapping[str, _T] | None]) -> dict[str, _T]:
    """Key by key, the last one wins."""
    return {key: value for layer in layers for key, value in (layer or {}).items()}


def _engines(sections: Iterable[Mapping[str, Json]]) -> dict[str, Json]:
    """Engine by engine, setting by setting."""
    merged: dict[str, Json] = {}
    for section in sections:
        for engine, settings in (section.get("engines") or {}).items():
            merged[engine] = {**merged.get(engine, {}), **settings}
    return merged
