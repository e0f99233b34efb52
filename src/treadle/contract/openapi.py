"""OpenAPI 3.1 -> operations. Source: https://spec.openapis.org/oas/v3.1.1.html."""

from __future__ import annotations

import re
from collections.abc import Mapping

from treadle.base.nearest import nearest
from treadle.contract.extension import METHODS, own
from treadle.contract.library import Node
from treadle.contract.model import Access, Content, Json, Operation, Parameter
from treadle.contract.pointer import pointer
from treadle.contract.promised import access, idempotency, limit, streaming, validation
from treadle.contract.reading import Reading

TIMEOUT_MS = 2_000
IDEMPOTENCY_KEY = "idempotency-key"
_PARAMETER = re.compile(r"\{([^{}/]*)\}")
_STATUS = re.compile(r"[1-5](?:[0-9][0-9]|XX)\Z|default\Z")
_OPERATION_ID = re.compile(r"[A-Za-z0-9_./-]{1,200}\Z")
_JSON = re.compile(r"application/json\s*(?:;.*)?\Z", re.IGNORECASE)
_WHERE = ("path", "query", "header", "cookie")
_TOKENS = {"oauth2", "openIdConnect"}


def read_operations(reading: Reading, root: Node) -> tuple[Operation, ...]:
    """Every operation, in the order of the file. What is wrong becomes a problem of `reading`."""
    schemes = _schemes(reading, root)
    general = access(own(root.child("info").value).get("access"), Access())
    found: list[Operation] = []
    ids: dict[str, Operation] = {}
    paths = root.child("paths")
    for template in reading.mapping(paths, required=True):
        if template.startswith("x-"):
            continue
        item = reading.references.follow(paths.child(template))
        if item is None or not _good_template(reading, paths.child(template), template):
            continue
        reading.mapping(item)
        for method in METHODS:
            node = item.child(method)
            if node.value is None or not reading.mapping(node):
                continue
            operation = _operation(
                reading, node, path=template, method=method, item=item, root=root, schemes=schemes, general=general
            )
            first = ids.setdefault(operation.id, operation)
            if operation.id and first is not operation:
                reading.refuse(
                    "duplicate-operation-id",
                    node.child("operationId"),
                    f"operationId `{operation.id}` is taken by {first.method} {first.path} at {first.place}",
                    "each operation needs a name of its own",
                )
            found.append(operation)
    for name in reading.mapping(root.child("components", "schemas")):
        reading.schema(root.child("components", "schemas", name))
    return tuple(found)


def _good_template(reading: Reading, node: Node, template: str) -> bool:
    names = _PARAMETER.findall(template)
    if not template.startswith("/") or re.search(r"[{}?#\s]", _PARAMETER.sub("", template)):
        reading.refuse("bad-path", node, f"`{template}` is no path template", "write it like `/v1/orders/{orderId}`")
        return False
    if "" in names or len(set(names)) != len(names):
        reading.refuse("bad-path", node, f"`{template}` has a parameter without a name, or one twice")
        return False
    return True


def _operation(
    reading: Reading,
    node: Node,
    *,
    path: str,
    method: str,
    item: Node,
    root: Node,
    schemes: Mapping[str, Json],
    general: Access,
) -> Operation:
    id = reading.text(node.child("operationId"))
    if not _OPERATION_ID.match(id):
        what = f"operationId `{id}` is no plain name" if id else f"{method.upper()} {path} has no operationId"
        reading.refuse("missing-operation-id", node.child("operationId"), what, "name it like `listOrders`")
    extension = own(node.value)
    parameters = _parameters(reading, item, node)
    _check_path_parameters(reading, path, node, parameters)
    public, scopes = _security(reading, root, node, schemes)
    body = reading.references.child(node, "requestBody")
    responses = _responses(reading, node)
    here = pointer("paths", path, method)
    keys = [each.required for each in parameters if each.where == "header" and each.name.lower() == IDEMPOTENCY_KEY]
    key = idempotency(extension.get("idempotency"), declared=any(keys) if keys else None)
    request = _json_schema(reading, body) if body else None
    response_content = {
        status: _content(reading, response, here + pointer("responses", status))
        for status, response in responses.items()
    }
    return Operation(
        id=id,
        method=method.upper(),
        path=path,
        place=reading.place(node),
        public=public,
        scopes=scopes,
        idempotency_key=key is not None and (bool(keys) or key.required),
        timeout_ms=extension.get("timeout_ms", TIMEOUT_MS),
        limit=limit(extension.get("limits")),
        cost_weight=extension.get("cost_weight", 1),
        audit=extension.get("audit", "standard"),
        summary=reading.text(node.child("summary")),
        request=request,
        request_required=bool(body and body.child("required").value is True),
        responses={status: _json_schema(reading, response) for status, response in responses.items()},
        parameters=parameters,
        deprecated=node.child("deprecated").value is True,
        request_content=_content(reading, body, here + pointer("requestBody")) if body else {},
        response_content=response_content,
        response_headers={status: _headers(reading, response) for status, response in responses.items()},
        idempotency=key,
        retry=extension.get("retry", ""),
        # What a contract asks of every token, it asks of none where no token is needed.
        access=access(extension.get("access"), Access() if public else general),
        validation=validation(extension.get("validate"), method.upper(), body=request is not None, key=key is not None),
        streaming=streaming(response_content),
        patch=extension.get("envoy_patch"),
    )


def _parameters(reading: Reading, item: Node, node: Node) -> tuple[Parameter, ...]:
    """Those of the path item, each replaced by the operation's own of the same name and place."""
    found: dict[tuple[str, str], Parameter] = {}
    for holder in (item, node):
        listed = holder.child("parameters")
        if listed.value is not None and not isinstance(listed.value, list):
            reading.refuse("bad-value", listed, "`parameters` must be a list")
            continue
        for at in range(len(listed.value or ())):
            each = reading.references.follow(listed.child(at))
            if each is None or not reading.mapping(each):
                continue
            where, name = reading.text(each.child("in")), reading.text(each.child("name"), required=True)
            if where not in _WHERE:
                reading.refuse("bad-value", each.child("in"), f"`in` must be one of {', '.join(_WHERE)}")
                continue
            key = (where, name.lower() if where == "header" else name)
            required = each.child("required").value is True
            found[key] = Parameter(name, where, required, _value_schema(reading, each), reading.place(each))
    return tuple(found.values())


def _check_path_parameters(reading: Reading, path: str, node: Node, parameters: tuple[Parameter, ...]) -> None:
    names = _PARAMETER.findall(path)
    declared = {each.name: each for each in parameters if each.where == "path"}
    for name in names:
        if name not in declared:
            near = nearest(name, declared)
            hint = (
                f"`{near}` is declared; did you mean it?" if near else f"add a parameter with `name: {name}, in: path`"
            )
            reading.refuse("path-parameter", node, f"`{{{name}}}` of {path} is not declared", hint)
        elif not declared[name].required:
            reading.problems.add(
                "path-parameter",
                declared[name].place,
                f"path parameter `{name}` is not required",
                "add `required: true`",
            )
    for name, each in declared.items():
        if name not in names:
            near = nearest(name, names)
            hint = f"did you mean `{near}`?" if near else ""
            reading.problems.add("path-parameter", each.place, f"{path} has no `{{{name}}}`", hint)


def _responses(reading: Reading, node: Node) -> dict[str, Node]:
    listed = node.child("responses")
    found: dict[str, Node] = {}
    for status in reading.mapping(listed, required=True):
        if status.startswith("x-"):
            continue
        if not _STATUS.match(status):
            reading.refuse("bad-value", listed.child(status), f"`{status}` is no status", "write 200, 4XX or default")
            continue
        response = reading.references.follow(listed.child(status))
        if response is not None:
            reading.mapping(response)
            found[status] = response
    return found


def _content(reading: Reading, holder: Node, at: str) -> dict[str, Content]:
    """Every body that is described, by media type. `charset=utf-8` says nothing: text is UTF-8."""
    listed = holder.child("content")
    found: dict[str, Content] = {}
    for media in reading.mapping(listed):
        name = re.sub(r"\s+", "", media.lower()).removesuffix(";charset=utf-8")
        schema = reading.schema(listed.child(media, "schema"))
        found[name] = Content(schema, at + pointer("content", media))
    return found


def _headers(reading: Reading, response: Node) -> tuple[Parameter, ...]:
    """The headers of a response; `Content-Type` is said by its content (OpenAPI 3.1, response object)."""
    listed = response.child("headers")
    found: dict[str, Parameter] = {}
    for name in reading.mapping(listed):
        header = reading.references.follow(listed.child(name))
        if header is None or not reading.mapping(header) or name.lower() == "content-type":
            continue
        required = header.child("required").value is True
        found[name.lower()] = Parameter(name, "header", required, _value_schema(reading, header), reading.place(header))
    return tuple(found.values())


def _value_schema(reading: Reading, node: Node) -> Json:
    """The schema of a parameter or header: its own, or that of its one media type."""
    content = node.child("content")
    for media in reading.mapping(content):
        return reading.schema(content.child(media, "schema"))
    return reading.schema(node.child("schema"))


def _json_schema(reading: Reading, holder: Node) -> Json:
    """The schema of the `application/json` content of a body or response, or None."""
    content = holder.child("content")
    for media in reading.mapping(content):
        if _JSON.match(media):
            return reading.schema(content.child(media, "schema"))
    return None


def _schemes(reading: Reading, root: Node) -> dict[str, Json]:
    """Security schemes by name; None for one that is already a problem."""
    listed = root.child("components", "securitySchemes")
    found: dict[str, Json] = {}
    for name in reading.mapping(listed):
        scheme = reading.references.follow(listed.child(name))
        found[name] = None
        if scheme is None or not reading.mapping(scheme):
            continue
        kind = scheme.value.get("type")
        bearer = kind == "http" and str(scheme.value.get("scheme", "")).lower() == "bearer"
        if (isinstance(kind, str) and kind in _TOKENS) or bearer:
            found[name] = scheme.value
        else:
            reading.refuse(
                "unsupported-security",
                scheme,
                f"security scheme `{name}` is of type `{kind}`; the gateway accepts access tokens only",
                "use `type: oauth2` (or openIdConnect, or http bearer)",
            )
    return found


def _security(reading: Reading, root: Node, node: Node, schemes: Mapping[str, Json]) -> tuple[bool, tuple[str, ...]]:
    """Whether an operation is public, and the scopes it requires.

    No `security` anywhere means: a valid token, no scope. Only an explicit empty list makes an operation public.
    """
    holder = node.child("security") if "security" in node.value else root.child("security")
    if holder.value is None:
        return False, ()
    if not isinstance(holder.value, list):
        reading.refuse("bad-value", holder, "`security` must be a list")
        return False, ()
    if not holder.value:
        return True, ()
    if len(holder.value) > 1:
        reading.refuse(
            "security-alternatives",
            holder,
            "`security` offers alternatives; the gateway enforces exactly one requirement",
            "keep one item; all the scopes in it are required",
        )
    wanted = holder.child(0)
    scopes: dict[str, None] = {}
    requirement = reading.mapping(wanted)
    if not requirement and isinstance(wanted.value, dict):
        reading.refuse("security-alternatives", wanted, "an empty requirement", "write `security: []` for a public one")
    for name, listed in requirement.items():
        if name not in schemes:
            near = nearest(name, schemes)
            hint = f"did you mean `{near}`?" if near else "declare it in components.securitySchemes"
            reading.refuse("undefined-security", wanted.child(name), f"security scheme `{name}` is not declared", hint)
            continue
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            reading.refuse("bad-value", wanted.child(name), "scopes must be a list of names")
            continue
        known = _scopes(schemes[name])
        for at, scope in enumerate(listed):
            if known is not None and scope not in known:
                near = nearest(scope, known)
                hint = f"did you mean `{near}`?" if near else f"declare it in a flow of `{name}`"
                reading.refuse("undefined-scope", wanted.child(name, at), f"scope `{scope}` is not declared", hint)
            scopes[scope] = None
    return False, tuple(scopes)


def _scopes(scheme: Json) -> set[str] | None:
    """The scopes that an oauth2 scheme declares; None where a scheme declares none by its nature."""
    if not isinstance(scheme, dict) or scheme.get("type") != "oauth2":
        return None
    flows = scheme.get("flows")
    found: set[str] = set()
    for flow in flows.values() if isinstance(flows, dict) else ():
        scopes = flow.get("scopes") if isinstance(flow, dict) else None
        found.update(scopes if isinstance(scopes, dict) else ())
    return found
