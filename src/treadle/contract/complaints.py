"""What readers complain about, and what `treadle explain RULE` says of it. Every rule that reading emits has a row."""

from __future__ import annotations

from collections.abc import Mapping

COMPLAINTS: Mapping[str, str] = {
    # The text of a file
    "yaml-broken": (
        "The file is no YAML 1.2. The place is where the parser could not go on; the mistake may stand just "
        "before it. Common causes: a tab in the indentation, a `:` or `#` in text without quotes, a missing "
        "bracket."
    ),
    "json-broken": "The file ends in .json and is no JSON (RFC 8259): no comments, no trailing commas, no NaN.",
    "not-utf8": "Files are UTF-8. Save the file as UTF-8 in your editor.",
    "duplicate-key": (
        "A mapping gives one key twice. Readers disagree on which one counts, so neither does. Keep one."
    ),
    "key-not-string": (
        "A key is a number, true, null or a collection. JSON knows text as keys only: put the key in quotes, "
        '"200": instead of 200:.'
    ),
    "many-documents": (
        "A second YAML document begins in the file. One file, one document: remove the `---`, or split."
    ),
    "not-finite": "NaN and infinity have no place in JSON, and so in no contract.",
    "alias-cycle": "A YAML alias stands for a node that contains the alias. Describe recursion with `$ref`.",
    "undefined-alias": "A YAML alias (`*name`) has no anchor (`&name`) above it.",
    "unknown-tag": "A YAML tag (`!name`) asks for a type that contracts do not have. Leave the tag out.",
    "merge-key": (
        "`<<` merges mappings in YAML 1.1 only; in 1.2 it is a key like any other. Write the keys out, or "
        "refer to one description with `$ref`."
    ),
    "budget-bytes": "The file is larger than a contract may be (32 MiB).",
    "budget-depth": "The file is nested deeper than a contract may be (512 levels).",
    "budget-nodes": (
        "The file has more nodes than a contract may have (2,000,000). Aliases count as what they stand for."
    ),
    "budget-definitions": "One schema reaches more definitions than a validator can hold (4,000).",
    # Its shape
    "not-a-contract": "A contract begins with `openapi: 3.1.0` or `asyncapi: 3.0.0`.",
    "unknown-version": (
        "The fabric compiles OpenAPI 3.1 and AsyncAPI 3.0; `treadle lint` judges Swagger 2.0, OpenAPI 3.x and AsyncAPI "
        "2.x and 3.x too. From 3.0 to 3.1: `nullable: true` becomes `type: "
        "[string, 'null']`, `exclusiveMinimum: true` becomes a number, `example` becomes `examples`. From "
        "AsyncAPI 2: channels get an `address`, and `publish`/`subscribe` become operations with `action: "
        "receive`/`send`."
    ),
    "unknown-key": (
        "treadle's own files, and `x-treadle`, have a closed set of keys, so that a typing error is found "
        "here and not at run time. The message names the nearest key, the hint all of them."
    ),
    "missing-key": "Something that must be said is not said.",
    "bad-value": "A value is of the wrong type, or out of its range.",
    "misplaced-extension": (
        "`x-treadle` may stand in `info`, in an operation, in a channel, and in a schema or property."
    ),
    "file-name": (
        "A contract's file is named `<name>.v<major>.openapi.yaml` or `.asyncapi.yaml` (or .yml, .json) and "
        "lies in `domains/<domain>/`: name, major and domain make its id."
    ),
    "file-major": (
        "The major in the file's name is the major of `info.version`. A new major is a new file beside the "
        "old one, so that both can serve while consumers move."
    ),
    "bad-version": "`info.version` is a semantic version: 1.4.0, see https://semver.org.",
    "domain-mismatch": "The folder below domains/ and the domain that the file names must agree.",
    "duplicate-contract": "Two files are the same contract: one name and major in one domain.",
    "duplicate-name": "Two things of one kind have one name.",
    # References and schemas
    "remote-ref": (
        "`$ref` names something outside the workspace. Nothing is ever fetched: a contract must mean the same "
        "tomorrow, on every machine. Copy the file into the workspace."
    ),
    "ref-escapes": "`$ref` leaves the workspace by `..` or an absolute path.",
    "dangling-ref": (
        "`$ref` names something that is not there. It is a path relative to the file, then `#`, then a JSON "
        "pointer: `common.yaml#/components/schemas/Money`."
    ),
    "ref-cycle": "A chain of references comes back to its beginning without a schema on the way.",
    "schema-address": (
        "`$id`, anchors and dynamic references give schemas addresses of their own. Here a schema is "
        "addressed by its file and JSON pointer only."
    ),
    "bad-schema": (
        "The schema is no valid JSON Schema 2020-12, or a pattern in it needs look-around or back-references: "
        "patterns run on an engine that is linear in the length of its input, so that no message can stall a "
        "guard."
    ),
    "schema-format": "Payloads are described by JSON Schema.",
    # OpenAPI
    "bad-path": (
        "A path is a template like `/v1/orders/{orderId}`: it begins with `/`, and each parameter has a name."
    ),
    "missing-operation-id": (
        "Every operation has an `operationId` of letters, digits, `_`, `-` and `.`: facts, limits and "
        "generated clients name it so."
    ),
    "duplicate-operation-id": "Two operations of one contract have one `operationId`.",
    "path-parameter": (
        "Each `{name}` of a path is declared as a parameter with `in: path` and `required: true`, and each "
        "such parameter stands in the path."
    ),
    "undefined-security": "`security` names a scheme that components.securitySchemes does not declare.",
    "undefined-scope": "`security` names a scope that no flow of its scheme declares.",
    "unsupported-security": (
        "The gateway accepts access tokens: schemes of type oauth2, openIdConnect, or http bearer. API keys "
        "and passwords are shared secrets, which the fabric does not carry."
    ),
    "security-alternatives": (
        "`security` must say exactly one requirement; all scopes in it are required. A public operation says "
        "`security: []`."
    ),
    # AsyncAPI
    "bad-address": (
        "A channel's address is the name of its event: words of letters, digits, `_` and `-`, joined by dots, "
        "without parameters."
    ),
    "channel-major": "The `.v<major>` of a channel is the major of `info.version`.",
    "one-message": "A channel carries one message, so that a subscriber knows what it gets.",
    "subject-conflict": "Two properties of one payload name different subjects.",
    "unknown-subject": "`x-treadle: {subject: …}` names a property that the payload does not describe.",
    # Settings
    "unknown-service": "An overlay sets the upstream of a service that no services.yaml names.",
    "unknown-connector": "An overlay sets up a connector that no file under connectors/ describes.",
}
