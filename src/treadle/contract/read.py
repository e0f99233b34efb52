"""One contract: files in, the frozen model out, or the reasons why not."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from treadle.base.canon import digest
from treadle.base.nearest import nearest
from treadle.contract.asyncapi import read_channels
from treadle.contract.extension import check_extensions, own, walk
from treadle.contract.finding import Finding
from treadle.contract.library import Library, Node
from treadle.contract.model import Contract, Domain, Kind, Place
from treadle.contract.openapi import read_operations
from treadle.contract.parse import InvalidDocument, parse
from treadle.contract.place import Json
from treadle.contract.problems import Problems
from treadle.contract.promised import cors, deprecation, enforcements, hosts, slo
from treadle.contract.reading import Reading
from treadle.contract.version import read_version

FILE_NAME = re.compile(
    r"(?P<name>[a-z][a-z0-9-]*)\.v(?P<major>[0-9]{1,9})\.(?P<kind>openapi|asyncapi)\.(?:yaml|yml|json)\Z"
)
LOOKS_LIKE = re.compile(r"\.(?:openapi|asyncapi)\.(?:yaml|yml|json)\Z")
_DOMAIN = re.compile(r"[a-z][a-z0-9-]{0,62}\Z")
_VERSIONS = {Kind.OPENAPI: re.compile(r"3\.1\.\d+\Z"), Kind.ASYNCAPI: re.compile(r"3\.0\.\d+\Z")}
_LINTED = {Kind.OPENAPI: re.compile(r"3\.\d+\.\d+\Z"), Kind.ASYNCAPI: re.compile(r"[23]\.\d+\.\d+\Z")}
_WANTED = {Kind.OPENAPI: "3.1.0", Kind.ASYNCAPI: "3.0.0"}


def read_contract(file: str, files: Mapping[str, bytes]) -> tuple[Contract | None, tuple[Finding, ...]]:
    """Read `file`; `files` hold it and whatever it refers to, by paths relative to one root.

    The contract is None exactly when a finding is `invalid`. Every finding names a place.
    """
    contract, findings = read_from(file, Library(files))
    return contract and with_defaults(contract, None), findings


def read_from(file: str, library: Library) -> tuple[Contract | None, tuple[Finding, ...]]:
    """As `read_contract`, with documents that contracts share parsed once."""
    problems = Problems()
    contract = _read(file, library, problems)
    id = contract.id if contract else guess_id(file)
    findings = tuple(replace(each, contract=id) for each in problems.all())
    return (None if problems.fatal else contract), findings


def outline(file: str, sources: Mapping[str, bytes]) -> Contract:
    """A contract that was valid once, without its operations and channels. `sources` are its bytes, all of them.

    Raises `InvalidDocument`, and KeyError or TypeError where it never was one.
    """
    document = parse(file, sources[file])
    info, extension = document.data["info"], own(document.data["info"])
    name, _, rest = posixpath.basename(file).partition(".v")
    major = int(rest.partition(".")[0])
    domain = folder_domain(file) or extension.get("domain") or posixpath.basename(posixpath.dirname(file)) or "unknown"
    return Contract(
        id=f"{domain}.{name}.v{major}",
        kind=Kind.OPENAPI if "openapi" in document.data else Kind.ASYNCAPI,
        domain=domain,
        name=name,
        major=major,
        version=info["version"],
        title=info["title"],
        digest=digest_of(file, sources),
        place=Place(file),
        document=document.data,
        places=document.places,
        sources=sources,
    )


def with_defaults(contract: Contract, domain: Domain | None) -> Contract:
    """A contract's owner and classification, else those of its domain; what nobody classified is internal."""
    said = {"owner": domain.owner, "classification": domain.classification} if domain else {}
    inherited = {key: value for key, value in said.items() if value}
    return replace(
        contract,
        owner=contract.owner or inherited.get("owner", ""),
        classification=contract.classification or inherited.get("classification", "internal"),
        inherited=inherited,
    )


def guess_id(file: str) -> str:
    """The id that a contract in this file would have, or empty: for files that cannot be read."""
    match = FILE_NAME.match(posixpath.basename(file))
    domain = folder_domain(file)
    return f"{domain}.{match['name']}.v{match['major']}" if match and domain else ""


def folder_domain(file: str) -> str:
    """The domain that a file of a workspace belongs to by its folder, or empty."""
    parts = file.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "domains" else ""


def _read(file: str, library: Library, problems: Problems) -> Contract | None:
    try:
        root = library.root(file)
    except InvalidDocument as error:
        problems.extend(error.findings)
        return None
    kind = _kind(root, library, problems)
    if kind is None:
        return None
    reading = Reading(library, problems)
    _check_references(reading, root)
    check_extensions(library, file, problems, main=True)
    info = root.child("info")
    reading.mapping(info, required=True)
    title = reading.text(info.child("title"), required=True)
    text = reading.text(info.child("version"), required=True)
    version = read_version(text)
    if text and version is None:
        reading.refuse("bad-version", info.child("version"), f"`{text}` is no semantic version", "write it like 1.0.0")
    name, major = _name(file, kind, reading, root, version.major if version else None)
    extension = own(info.value)
    domain = _domain(file, extension, reading, info)
    operations = read_operations(reading, root) if kind is Kind.OPENAPI else ()
    channels = read_channels(reading, root, version.major if version else None) if kind is Kind.ASYNCAPI else ()
    for other in sorted(reading.references.used - {file}):
        check_extensions(library, other, problems, main=False)
    reading.compile_schemas()
    sources = {each: library.files[each] for each in sorted(reading.references.used | {file})}
    return Contract(
        id=f"{domain}.{name}.v{major}",
        kind=kind,
        domain=domain,
        name=name,
        major=major,
        version=text,
        title=title,
        digest=digest_of(file, sources),
        place=Place(file),
        owner=extension.get("owner", ""),
        classification=extension.get("classification", ""),
        lifecycle=extension.get("lifecycle", "active"),
        enforcement=enforcements(extension.get("enforcement")),
        slo=slo(extension.get("slo")),
        operations=operations,
        channels=channels,
        document=root.value,
        places=library.document(file).places,
        sources=sources,
        cors=cors(extension.get("cors")),
        deprecation=deprecation(extension.get("deprecation")),
        drift_percent=extension.get("drift_percent", 1.0),
        hosts=hosts(root.value) if kind is Kind.OPENAPI else (),
    )


def digest_of(file: str, sources: Mapping[str, bytes]) -> str:
    """The sha256 of a contract's bytes.

    A contract of one file has that file's digest. One of several has the digest of a list of digests and paths as
    `sha256sum` prints them, the paths relative to the contract, so that moving the folder changes nothing.
    """
    if set(sources) == {file}:
        return digest(sources[file])
    folder = posixpath.dirname(file) or "."
    lines = sorted(
        f"{digest(data).removeprefix('sha256:')}  {posixpath.relpath('/' + each, '/' + folder)}\n"
        for each, data in sources.items()
    )
    return digest("".join(lines).encode())


def _kind(root: Node, library: Library, problems: Problems) -> Kind | None:
    data = root.value if isinstance(root.value, dict) else {}
    place = library.place(root)
    for key, kind in (("openapi", Kind.OPENAPI), ("asyncapi", Kind.ASYNCAPI)):
        if key in data:
            version = data[key]
            if isinstance(version, str) and _VERSIONS[kind].match(version):
                return kind
            problems.add("unknown-version", library.place(root.child(key)), *_version_refusal(kind, key, version))
            return None
    if "swagger" in data:
        problems.add(
            "unknown-version",
            library.place(root.child("swagger")),
            f"Swagger 2.0 is linted and not compiled: the fabric wants openapi {_WANTED[Kind.OPENAPI]}",
            f"convert the contract to openapi: {_WANTED[Kind.OPENAPI]}; until then, `treadle lint` judges it as it is",
        )
        return None
    near = nearest_key(data)
    hint = (
        f"did you mean `{near}`?" if near else "the first line of a contract is `openapi: 3.1.0` or `asyncapi: 3.0.0`"
    )
    problems.add("not-a-contract", place, "the file says neither `openapi:` nor `asyncapi:`", hint)
    return None


def _version_refusal(kind: Kind, key: str, version: Json) -> tuple[str, str]:
    """Why a version is not compiled, and what to do."""
    hint = f"write the contract for {key}: {_WANTED[kind]}"
    if not isinstance(version, str):
        return f"{key} `{version}` must be text", f"quote it, as in {key}: '{_WANTED[kind]}'"
    if not _LINTED[kind].match(version):
        return f"{key} `{version}` is no version that is known", hint
    says = f"{key} `{version}` is linted and not compiled: the fabric wants {_WANTED[kind]}"
    return says, f"{hint}; until then, `treadle lint` judges it as it is"


def nearest_key(data: Iterable[str]) -> str | None:
    """`openapi` or `asyncapi`, where a key of the document is nearly one of them."""
    return next((near for key in data if (near := nearest(key, ("openapi", "asyncapi")))), None)


def _check_references(reading: Reading, root: Node) -> None:
    """Every `$ref` of the file must lead somewhere, also in parts that nothing uses."""
    for pointer, value in walk(root.value):
        if isinstance(value.get("$ref"), str):
            reading.references.follow(Node(root.file, pointer, value))


def _name(file: str, kind: Kind, reading: Reading, root: Node, declared: int | None) -> tuple[str, int]:
    """Name and major. Inside `domains/` the file name must say both; a loose file gets what can be told."""
    base = posixpath.basename(file)
    match = FILE_NAME.match(base)
    if match is None:
        if folder_domain(file):
            reading.refuse(
                "file-name", root, f"`{base}` is no contract's name", f"name it like `orders.v1.{kind}.yaml`"
            )
        stem = re.sub(r"[^a-z0-9-]", "-", base.split(".")[0].lower()).strip("-") or "contract"
        return stem, declared or 0
    major = int(match["major"])
    if match["kind"] != kind:
        reading.refuse("file-name", root, f"the file is named .{match['kind']}, and it is {kind}", "rename the file")
    if declared is not None and declared != major:
        reading.refuse(
            "file-major",
            root.child("info", "version"),
            f"`info.version` is of major {declared}, and the file is named v{major}",
            f"a new major is a new file: {match['name']}.v{declared}.{match['kind']}.yaml",
        )
    return match["name"], major


def _domain(file: str, extension: Mapping[str, Json], reading: Reading, info: Node) -> str:
    folder = folder_domain(file)
    said = extension.get("domain", "")
    said = said if isinstance(said, str) else ""
    if folder and said and folder != said:
        reading.refuse(
            "domain-mismatch",
            info.child("x-treadle", "domain"),
            f"the contract says domain `{said}` and lies in domains/{folder}/",
            "move the file or change the domain",
        )
    domain = folder or said or posixpath.basename(posixpath.dirname(file))
    if folder and not _DOMAIN.match(folder):
        reading.refuse("file-name", info, f"`{folder}` is no domain's name", "use a-z, 0-9 and -")
    return domain if _DOMAIN.match(domain) else "unknown"
