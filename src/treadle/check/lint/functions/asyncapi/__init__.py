"""Lint functions for AsyncAPI 2.x and 3.x documents.

`STOCK` are those that Spectral's own ruleset names; `OWN` are ours, for what the specification says and no JSON Schema
can.
"""

from __future__ import annotations

_HERE = "treadle.check.lint.functions.asyncapi"

STOCK = {
    "asyncApi2ChannelServers": f"{_HERE}.channel_servers:make",
    "asyncApi2MessageExamplesValidation": f"{_HERE}.message_examples:make",
    "asyncApi2MessageIdUniqueness": f"{_HERE}.message_id_unique:make",
    "asyncApi2OperationIdUniqueness": f"{_HERE}.operation_id_unique:make",
    "asyncApiChannelParameters": f"{_HERE}.channel_parameters:make",
    "asyncApiDocumentSchema": f"{_HERE}.document_schema:make",
    "asyncApiPayloadValidation": f"{_HERE}.payload:make",
    "asyncApiSchemaValidation": f"{_HERE}.schema_values:make",
    "asyncApiSecurity": f"{_HERE}.security:make",
}
