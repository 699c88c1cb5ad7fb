"""Routes from an OpenAPI document: `DefinitionBody`, `DefinitionUri`, `Body`, with API Gateway's extensions.

Only what API Gateway reads counts: `x-amazon-apigateway-integration` (or `-any-method`), security schemes with
authorizers, gateway responses, binary media types, CORS of HTTP APIs, request validators. Swagger 2 and OpenAPI 3
differ in where security schemes are. Integrations that are neither a Lambda proxy nor a mock are findings.

Source: API Gateway Developer Guide, "OpenAPI extensions for API Gateway".
"""

from __future__ import annotations

import re

from lanner.local.plan import GatewayResponsePlan, MockResponse, RoutePlan, Where
from lanner.local.template.authorizers import openapi_authorizer
from lanner.local.template.cors import http_api_cors
from lanner.local.template.drafts import ApiDraft
from lanner.local.template.reader import Reader
from lanner.local.template.source import Items, Node, Section
from lanner.local.template.stages import varies
from lanner.local.template.substitution import text_of
from lanner.local.template.world import World

_METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")
_ANY = "x-amazon-apigateway-any-method"
_VTL = re.compile(r"\$!?\{?(context|input|util|stageVariables)\b|^\s*#(set|if|foreach|else|end)\b", re.MULTILINE)


def read_definition(document: Section, draft: ApiDraft, resource: str, world: World) -> None:
    """Add an OpenAPI document's routes and settings to `draft`."""
    root = Reader(document, resource, draft.findings)
    _security(root, draft, world)
    draft.name = draft.name or root.child("info").text("title")
    draft.binary_media_types += tuple(root.strings("x-amazon-apigateway-binary-media-types"))
    if draft.kind == "http":
        draft.cors = draft.cors or http_api_cors(root, "x-amazon-apigateway-cors")
    else:
        draft.key_source(root, "x-amazon-apigateway-api-key-source")
        size = root.optional_number("x-amazon-apigateway-minimum-compression-size")
        draft.minimum_compression_size = int(size) if size is not None else draft.minimum_compression_size
        for type_, given in root.named("x-amazon-apigateway-gateway-responses"):
            draft.gateway_responses[type_] = openapi_gateway_response(type_, given)
    for path, given in root.named("paths"):
        item = _referred(root, given)
        for method in item:
            if method in _METHODS or method == _ANY:
                _operation(root, draft, path, method, item, world)


def _referred(root: Reader, given: Reader) -> Reader:
    """What a `$ref` into the same document means; `given` itself where it is none. A wrong one is a finding."""
    reference = given.section.get("$ref")
    if not isinstance(reference, str):
        return given
    found: Node = root.section
    for part in reference.removeprefix("#/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, Section):
        return Reader(found, given.resource, given.findings)
    given.findings.error(given.resource, f"$ref: there is no {reference} in this document", given.at("$ref"))
    return Reader(Section(given.section.where), given.resource, given.findings)


def openapi_gateway_response(type_: str, given: Reader) -> GatewayResponsePlan:
    """One of `x-amazon-apigateway-gateway-responses`."""
    prefix = "gatewayresponse.header."
    parameters = given.texts("responseParameters")
    status = given.optional_number("statusCode")
    return GatewayResponsePlan(
        response_type=type_,
        status=None if status is None else int(status),
        headers={key.removeprefix(prefix): value for key, value in parameters.items() if key.startswith(prefix)},
        templates=given.texts("responseTemplates"),
    )


def _security(root: Reader, draft: ApiDraft, world: World) -> None:
    schemes = root.child("components").named("securitySchemes")
    for name, scheme in [*schemes, *root.named("securityDefinitions")]:
        authorizer = openapi_authorizer(name, scheme, draft.kind, world)
        if authorizer is not None:
            draft.authorizers[name] = authorizer
        elif "x-amazon-apigateway-authorizer" in scheme:
            draft.unreachable.add(name)


def _operation(root: Reader, draft: ApiDraft, path: str, method: str, item: Reader, world: World) -> None:
    operation = item.child(method)
    verb = "ANY" if method == _ANY else method.upper()
    where = item.at(method)
    integration = _referred(root, operation.child("x-amazon-apigateway-integration"))
    if not integration:
        message = f"{verb} {path} has no x-amazon-apigateway-integration: API Gateway would not deploy it"
        draft.findings.error(root.resource, message, where)
        return
    function, mock = _integration(root, draft, integration, f"{verb} {path}", world)
    if function is None and mock is None:
        return
    if draft.kind == "http":
        say_mapped(integration, "requestParameters", "responseParameters")
    authorizer, scopes, api_key = _requirements(root, draft, operation, where)
    version = integration.text("payloadFormatVersion", "1.0")
    route = RoutePlan(
        method=verb,
        path=path if path != "/$default" else "$default",
        function=function,
        mock=mock,
        authorizer=authorizer,
        scopes=scopes,
        api_key_required=api_key,
        payload_version="2.0" if version == "2.0" and draft.kind == "http" else "1.0",
        timeout_ms=integration.number("timeoutInMillis", 29_000 if draft.kind == "rest" else 30_000),
        content_handling=integration.optional("contentHandling"),
        required_parameters=_required(root, item, operation),
        where=where,
    )
    draft.add(route, root.resource)


def _integration(
    root: Reader, draft: ApiDraft, integration: Reader, shown: str, world: World
) -> tuple[str | None, MockResponse | None]:
    """The function or the mock; a URI that names stage variables stands for the functions of the stages."""
    kind = integration.text("type").lower()
    where = integration.at("type", "uri")
    if kind == "mock":
        return None, mock_response(integration, "responses", "statusCode", "responseParameters", "responseTemplates")
    if kind != "aws_proxy":
        message = f"{shown}: an integration of type '{kind}' is not served locally, only aws_proxy and mock are"
        draft.findings.unsupported(root.resource, message, where)
        return None, None
    uri = integration.text("uri")
    if varies(uri):
        return uri, None
    function = world.function(uri)
    if function is None:
        service = integration.text("integrationSubtype")
        what = uri or (f"integrationSubtype {service}" if service else "its integration")
        message = f"{shown}: {what} is not a function of this template"
        draft.findings.unsupported(root.resource, message, integration.at("uri"))
    return function, None


def say_mapped(integration: Reader, *keys: str) -> None:
    """The finding for an HTTP API's parameter mapping, which would change requests and answers on their way."""
    for key in keys:
        if key in integration:
            message = f"{key}: requests and answers are not changed by parameter mapping locally"
            integration.findings.unsupported(integration.resource, message, integration.at(key))


def mock_response(given: Reader, responses: str, status: str, parameters: str, templates: str) -> MockResponse:
    """The answer of a MOCK integration: the response that its request template's status selects."""
    request = given.child("requestTemplates" if responses == "responses" else "RequestTemplates")
    chosen = re.search(r'"?statusCode"?\s*:\s*"?(\d{3})', request.text("application/json"))
    wanted = chosen[1] if chosen else "200"
    listed = _responses(given, responses)
    match = next((each for each in listed if each.text(status) == wanted), listed[0] if listed else None)
    if match is None:
        return MockResponse(int(wanted))
    body = match.child(templates).text("application/json")
    if _VTL.search(request.text("application/json")) or _VTL.search(body):
        message = "a mock's templates are not evaluated locally: its first status and its body are sent as they stand"
        given.findings.unsupported(given.resource, message, match.at(templates, status))
    return MockResponse(int(match.text(status, wanted)), _mock_headers(match, parameters), body)


def _mock_headers(match: Reader, parameters: str) -> dict[str, str]:
    """The headers of a mock's response: literals, in quotes; what is mapped from elsewhere is left out and said."""
    prefix = "method.response.header."
    headers = {}
    for key, value in match.texts(parameters).items():
        if key.startswith(prefix) and len(value) > 1 and value[0] == value[-1] == "'":
            headers[key.removeprefix(prefix)] = value[1:-1]
        elif key.startswith(prefix):
            message = (
                f"the mock's header {key.removeprefix(prefix)} is left out: only a literal in quotes is sent locally"
            )
            match.findings.unsupported(match.resource, message, match.at(parameters))
    return headers


def _responses(given: Reader, key: str) -> list[Reader]:
    if isinstance(given.get(key), Items):
        return given.children(key)
    return [response for _, response in given.named(key)]


def _requirements(
    root: Reader, draft: ApiDraft, operation: Reader, where: Where
) -> tuple[str | None, tuple[str, ...], bool]:
    """The authorizer, its scopes, and whether an API key is needed, from `security` of the operation or the root."""
    security: Node = operation.get("security") if "security" in operation.section else root.get("security")
    authorizer: str | None = None
    scopes: tuple[str, ...] = ()
    api_key = False
    for requirement in security if isinstance(security, list) else ():
        for name, wanted in requirement.items() if isinstance(requirement, dict) else ():
            if name in draft.authorizers:
                authorizer = name
                scopes = tuple(text_of(scope) for scope in wanted) if isinstance(wanted, list) else ()
            elif _is_api_key(root, name):
                api_key = True
            else:
                draft.authorizer(name, root.resource, where)
    auth = operation.child("x-amazon-apigateway-auth")
    if auth.text("type").upper() == "AWS_IAM":
        authorizer = draft.authorizer("AWS_IAM", root.resource, where)
    if security is None and authorizer is None:
        authorizer = draft.authorizer(draft.default_authorizer, root.resource, where)
    return authorizer, scopes, api_key


def _is_api_key(root: Reader, name: str) -> bool:
    schemes = root.child("components").child("securitySchemes")
    scheme = schemes.child(name) if name in schemes else root.child("securityDefinitions").child(name)
    return scheme.text("type").lower() == "apikey"


def _required(root: Reader, item: Reader, operation: Reader) -> tuple[str, ...]:
    """Parameters that a request validator of the document insists on."""
    name = operation.text("x-amazon-apigateway-request-validator") or root.text("x-amazon-apigateway-request-validator")
    validator = root.child("x-amazon-apigateway-request-validators").child(name) if name else None
    if validator is not None and validator.flag("validateRequestBody") and "requestBody" in operation:
        message = "validateRequestBody: request bodies are not validated against schemas locally"
        root.findings.unsupported(root.resource, message, operation.at("x-amazon-apigateway-request-validator"))
    if validator is None or not validator.flag("validateRequestParameters"):
        return ()
    places = {"query": "querystring", "header": "header", "path": "path"}
    given = [*item.children("parameters"), *operation.children("parameters")]
    parameters = [_referred(root, each) for each in given]
    return tuple(
        f"method.request.{places[parameter.text('in')]}.{parameter.text('name')}"
        for parameter in parameters
        if parameter.flag("required") and parameter.text("in") in places
    )
