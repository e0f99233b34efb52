"""Which function a rule means by a name. Each is a module of its own, imported when a ruleset names it.

`FUNCTIONS` are Spectral's core functions, for any ruleset. `SHIPPED` are for the rulesets that ship with treadle:
what Spectral keeps to its own rulesets, and what the conventions need.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

from treadle.check.lint.context import Make

_CORE = "treadle.check.lint.functions"
_OAS = "treadle.check.lint.functions.oas"
_ASYNCAPI = "treadle.check.lint.functions.asyncapi"
_TREADLE = "treadle.check.lint.functions.treadle"
_JSON_SCHEMA = "treadle.check.lint.functions.jsonschema"

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "alphabetical": f"{_CORE}.alphabetical:make",
        "casing": f"{_CORE}.casing:make",
        "defined": f"{_CORE}.defined:make",
        "enumeration": f"{_CORE}.enumeration:make",
        "falsy": f"{_CORE}.falsy:make",
        "length": f"{_CORE}.length:make",
        "or": f"{_CORE}.at_least_one:make",
        "pattern": f"{_CORE}.pattern:make",
        "schema": f"{_CORE}.schema:make",
        "truthy": f"{_CORE}.truthy:make",
        "typedEnum": f"{_CORE}.typed_enum:make",
        "undefined": f"{_CORE}.undefined:make",
        "unreferencedReusableObject": f"{_CORE}.unreferenced:make",
        "xor": f"{_CORE}.exactly_one:make",
    }
)

SHIPPED: Mapping[str, str] = MappingProxyType(
    {
        # OpenAPI
        "oasDiscriminator": f"{_OAS}.discriminator:make",
        "oasDocumentSchema": f"{_OAS}.document_schema:make",
        "oasExample": f"{_OAS}.example:make",
        "oasOpFormDataConsumeCheck": f"{_OAS}.op_form_data_consume_check:make",
        "oasOpIdUnique": f"{_OAS}.op_id_unique:make",
        "oasOpParams": f"{_OAS}.op_params:make",
        "oasOpSuccessResponse": f"{_OAS}.op_success_response:make",
        "oasPathParam": f"{_OAS}.path_param:make",
        "oasSchema": f"{_OAS}.schema:make",
        "oasSecurityDefined": f"{_OAS}.security_defined:make",
        "oasTagDefined": f"{_OAS}.tag_defined:make",
        "oasUnusedComponent": f"{_OAS}.unused_component:make",
        "refSiblings": f"{_OAS}.ref_siblings:make",
        "serverVariables": f"{_OAS}.server_variables:make",
        "uniquenessTags": f"{_OAS}.uniqueness_tags:make",
        # AsyncAPI
        "asyncApi2ChannelServers": f"{_ASYNCAPI}.channel_servers:make",
        "asyncApi2MessageExamplesValidation": f"{_ASYNCAPI}.message_examples:make",
        "asyncApi2MessageIdUniqueness": f"{_ASYNCAPI}.message_id_unique:make",
        "asyncApi2OperationIdUniqueness": f"{_ASYNCAPI}.operation_id_unique:make",
        "asyncApiChannelParameters": f"{_ASYNCAPI}.channel_parameters:make",
        "asyncApiDocumentSchema": f"{_ASYNCAPI}.document_schema:make",
        "asyncApiPayloadValidation": f"{_ASYNCAPI}.payload:make",
        "asyncApiSchemaValidation": f"{_ASYNCAPI}.schema_values:make",
        "asyncApiSecurity": f"{_ASYNCAPI}.security:make",
        "asyncApiAddressParameters": f"{_ASYNCAPI}.address_parameters:make",
        "asyncApiBindings": f"{_ASYNCAPI}.bindings:make",
        "asyncApiContentType": f"{_ASYNCAPI}.content_type:make",
        "asyncApiDiscriminator": f"{_ASYNCAPI}.discriminator:make",
        "asyncApiDocument": f"{_ASYNCAPI}.document:make",
        "asyncApiExamples": f"{_ASYNCAPI}.examples_of_message:make",
        "asyncApiLocations": f"{_ASYNCAPI}.locations:make",
        "asyncApiOperationChannel": f"{_ASYNCAPI}.operation_channel:make",
        "asyncApiOperationMessages": f"{_ASYNCAPI}.operation_messages:make",
        "asyncApiPayloadSchema": f"{_ASYNCAPI}.payload_schema:make",
        "asyncApiReferences": f"{_ASYNCAPI}.references:make",
        "asyncApiSchemaFormat": f"{_ASYNCAPI}.schema_format:make",
        "asyncApiSecuritySchemes": f"{_ASYNCAPI}.security_schemes:make",
        "asyncApiServersOfChannel": f"{_ASYNCAPI}.servers_of_channel:make",
        "asyncApiTraitOverlap": f"{_ASYNCAPI}.trait_overlap:make",
        "asyncApiUniqueIds": f"{_ASYNCAPI}.unique_ids:make",
        "asyncApiUniqueTags": f"{_ASYNCAPI}.unique_tags:make",
        "asyncApiUnusedComponents": f"{_ASYNCAPI}.unused_components:make",
        "asyncApiVariablesOfServer": f"{_ASYNCAPI}.variables_of_server:make",
        # JSON Schema
        "jsonSchemaMetaschema": f"{_JSON_SCHEMA}.metaschema:make",
        "jsonSchemaReferences": f"{_JSON_SCHEMA}.references:make",
        "jsonSchemaPatterns": f"{_JSON_SCHEMA}.patterns:make",
        "jsonSchemaImpossible": f"{_JSON_SCHEMA}.impossible:make",
        "jsonSchemaValues": f"{_JSON_SCHEMA}.values:make",
        "jsonSchemaKeywords": f"{_JSON_SCHEMA}.keywords:make",
        # The conventions
        "cursorPagination": f"{_TREADLE}.cursor_pagination:make",
        "declaredParameter": f"{_TREADLE}.declared_parameter:make",
        "deprecationAnnounced": f"{_TREADLE}.deprecation_announced:make",
        "deprecationDates": f"{_TREADLE}.deprecation_dates:make",
        "errorEnvelope": f"{_TREADLE}.error_envelope:make",
        "eventMetadata": f"{_TREADLE}.event_metadata:make",
        "eventName": f"{_TREADLE}.event_name:make",
        "operationScopes": f"{_TREADLE}.operation_scopes:make",
        "partitionKey": f"{_TREADLE}.partition_key:make",
        "pastTense": f"{_TREADLE}.past_tense:make",
        "pathMajor": f"{_TREADLE}.path_major:make",
        "personalData": f"{_TREADLE}.personal_data:make",
        "pluralPaths": f"{_TREADLE}.plural_paths:make",
        "retrySafety": f"{_TREADLE}.retry_safety:make",
        "tooManyRequests": f"{_TREADLE}.too_many_requests:make",
        "traceable": f"{_TREADLE}.traceable:make",
        "verblessPaths": f"{_TREADLE}.verbless_paths:make",
    }
)


def function(name: str, *, shipped: bool = False) -> Make | None:
    """The function of a name, imported now; None where there is none for such a ruleset."""
    where = FUNCTIONS.get(name) or (SHIPPED.get(name) if shipped else None)
    if where is None:
        return None
    module, _, attribute = where.partition(":")
    make: Make = getattr(importlib.import_module(module), attribute)
    return make
