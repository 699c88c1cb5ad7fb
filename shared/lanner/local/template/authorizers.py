"""Authorizers as SAM, OpenAPI and raw CloudFormation declare them.

Source: AWS SAM Developer Guide, "ApiAuth" and "HttpApiAuth"; API Gateway Developer Guide,
"x-amazon-apigateway-authorizer object".
"""

from __future__ import annotations

import re

from lanner.local.plan import AuthorizerPlan
from lanner.local.template.reader import Reader
from lanner.local.template.stages import varies
from lanner.local.template.world import World

DEFAULT_TTL, MOST_TTL = 300, 3600  # seconds
_REST_SOURCES = {
    "Headers": "method.request.header.",
    "QueryStrings": "method.request.querystring.",
    "StageVariables": "stageVariables.",
    "Context": "context.",
}
_HTTP_SOURCES = {
    "Headers": "$request.header.",
    "QueryStrings": "$request.querystring.",
    "StageVariables": "$stageVariables.",
    "Context": "$context.",
}


def sam_rest_authorizer(name: str, given: Reader, world: World) -> AuthorizerPlan | None:
    """One of `Auth.Authorizers` of an `AWS::Serverless::Api`."""
    identity = given.child("Identity")
    ttl = _ttl(identity, "ReauthorizeEvery", DEFAULT_TTL)
    header = f"method.request.header.{identity.text('Header', 'Authorization')}"
    validation = _validation(identity, "ValidationExpression")
    if "UserPoolArn" in given:
        issuer = _cognito_issuer(given, "UserPoolArn")
        return AuthorizerPlan(name, "cognito", None, (header,), validation, ttl, issuer=issuer)
    function = _function(name, given, "FunctionArn", world)
    if function is None:
        return None
    if given.text("FunctionPayloadType", "TOKEN").upper() == "REQUEST":
        sources = _sources(identity, _REST_SOURCES)
        _check_sources(name, sources, ttl, given)
        return AuthorizerPlan(name, "request", function, sources, None, ttl)
    return AuthorizerPlan(name, "token", function, (header,), validation, ttl)


def sam_http_authorizer(name: str, given: Reader, world: World) -> AuthorizerPlan | None:
    """One of `Auth.Authorizers` of an `AWS::Serverless::HttpApi`."""
    if "JwtConfiguration" in given:
        source = given.text("IdentitySource", "$request.header.Authorization")
        jwt = given.child("JwtConfiguration")
        return _jwt(name, jwt, (source,))
    function = _function(name, given, "FunctionArn", world)
    if function is None:
        return None
    identity = given.child("Identity")
    sources = _sources(identity, _HTTP_SOURCES)
    return AuthorizerPlan(
        name,
        "request",
        function,
        sources,
        ttl=_ttl(identity, "ReauthorizeEvery", DEFAULT_TTL) if sources else 0,
        payload_version="1.0" if given.text("AuthorizerPayloadFormatVersion") == "1.0" else "2.0",
        simple_responses=given.flag("EnableSimpleResponses"),
    )


def openapi_authorizer(name: str, scheme: Reader, kind: str, world: World) -> AuthorizerPlan | None:
    """A security scheme of an OpenAPI document (`kind` is rest or http); None for one without an authorizer."""
    given = scheme.child("x-amazon-apigateway-authorizer")
    if not given:
        if scheme.text("x-amazon-apigateway-authtype").lower() == "awssigv4":
            return AuthorizerPlan(name, "iam", ttl=0)
        return None
    type_ = given.text("type")
    parts = [part.strip() for item in given.strings("identitySource") for part in item.split(",")]
    sources = tuple(part for part in parts if part)
    if type_ == "jwt" or "jwtConfiguration" in given:
        return _jwt(name, given.child("jwtConfiguration"), sources or ("$request.header.Authorization",))
    ttl = _ttl(given, "authorizerResultTtlInSeconds", DEFAULT_TTL if kind == "rest" or sources else 0)
    header = f"method.request.header.{scheme.text('name', 'Authorization')}"
    validation = _validation(given, "identityValidationExpression")
    if type_ == "cognito_user_pools":
        issuer = _cognito_issuer(given, "providerARNs")
        return AuthorizerPlan(name, "cognito", None, (header,), validation, ttl, issuer=issuer)
    function = _function(name, given, "authorizerUri", world)
    if function is None:
        return None
    if type_ == "request" or kind == "http":
        two = kind == "http" and given.text("authorizerPayloadFormatVersion") == "2.0"
        return AuthorizerPlan(
            name,
            "request",
            function,
            sources,
            ttl=ttl,
            payload_version="2.0" if two else "1.0",
            simple_responses=given.flag("enableSimpleResponses"),
        )
    return AuthorizerPlan(name, "token", function, sources or (header,), validation, ttl)


def raw_rest_authorizer(properties: Reader, world: World) -> AuthorizerPlan | None:
    """An `AWS::ApiGateway::Authorizer`."""
    name = properties.text("Name") or properties.resource
    type_ = properties.text("Type", "TOKEN").upper()
    sources = tuple(part.strip() for part in properties.text("IdentitySource").split(",") if part.strip())
    validation = _validation(properties, "IdentityValidationExpression")
    ttl = _ttl(properties, "AuthorizerResultTtlInSeconds", DEFAULT_TTL)
    if type_ == "COGNITO_USER_POOLS":
        issuer = _cognito_issuer(properties, "ProviderARNs")
        return AuthorizerPlan(name, "cognito", None, sources, validation, ttl, issuer=issuer)
    function = _function(name, properties, "AuthorizerUri", world)
    if function is None:
        return None
    if type_ == "REQUEST":
        _check_sources(name, sources, ttl, properties)
        return AuthorizerPlan(name, "request", function, sources, validation, ttl)
    return AuthorizerPlan(name, "token", function, sources, validation, ttl)


def raw_http_authorizer(properties: Reader, world: World) -> AuthorizerPlan | None:
    """An `AWS::ApiGatewayV2::Authorizer`."""
    name = properties.text("Name") or properties.resource
    sources = properties.strings("IdentitySource")
    if properties.text("AuthorizerType").upper() == "JWT":
        return _jwt(name, properties.child("JwtConfiguration"), sources or ("$request.header.Authorization",))
    function = _function(name, properties, "AuthorizerUri", world)
    if function is None:
        return None
    return AuthorizerPlan(
        name,
        "request",
        function,
        sources,
        ttl=_ttl(properties, "AuthorizerResultTtlInSeconds", 0),
        payload_version="2.0" if properties.text("AuthorizerPayloadFormatVersion") == "2.0" else "1.0",
        simple_responses=properties.flag("EnableSimpleResponses"),
    )


def _jwt(name: str, jwt: Reader, sources: tuple[str, ...]) -> AuthorizerPlan:
    issuer = jwt.optional("issuer" if "issuer" in jwt else "Issuer")
    audience = jwt.strings("audience" if "audience" in jwt else "Audience")
    if not issuer:
        message = f"the JWT authorizer '{name}' needs an issuer"
        jwt.findings.error(jwt.resource, message, jwt.section.where)
    return AuthorizerPlan(name, "jwt", None, sources, ttl=0, issuer=issuer, audience=audience)


def _function(name: str, given: Reader, key: str, world: World) -> str | None:
    """The function that is called; a URI with stage variables stands for the functions of the stages."""
    reference = given.text(key)
    if varies(reference):
        return reference
    function = world.function(reference)
    if function is None:
        what = reference or "nothing"
        message = (
            f"the authorizer '{name}' calls {what}, no function of this template: its routes are served without it"
        )
        given.findings.unsupported(given.resource, message, given.at(key))
    return function


def _validation(given: Reader, key: str) -> str | None:
    """The regular expression that tokens must match, Java's named groups as Python writes them."""
    expression = given.optional(key)
    if expression is None:
        return None
    expression = re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", expression)
    try:
        re.compile(expression)
    except re.error as error:
        message = f"{key}: {expression!r} is not tried locally, since Python does not read it: {error}"
        given.findings.unsupported(given.resource, message, given.at(key))
        return None
    return expression


def _ttl(given: Reader, key: str, default: int) -> int:
    """How many seconds a decision is kept."""
    ttl = given.number(key, default)
    if not 0 <= ttl <= MOST_TTL:
        given.findings.error(given.resource, f"{key} is {ttl}; API Gateway allows 0 to {MOST_TTL}", given.at(key))
    return min(max(ttl, 0), MOST_TTL)


def _check_sources(name: str, sources: tuple[str, ...], ttl: int, given: Reader) -> None:
    if ttl > 0 and not sources:
        message = f"the authorizer '{name}' keeps its decisions, so it needs identity sources to keep them by"
        given.findings.error(given.resource, message, given.section.where)


def _sources(identity: Reader, prefixes: dict[str, str]) -> tuple[str, ...]:
    return tuple(prefix + value for key, prefix in prefixes.items() for value in identity.strings(key))


def _cognito_issuer(given: Reader, key: str) -> str | None:
    """Who issues the tokens of the first pool."""
    pools = given.strings(key)
    if len(pools) > 1:
        message = f"{key}: tokens of the first pool alone are accepted locally"
        given.findings.unsupported(given.resource, message, given.at(key))
    found = re.search(r":cognito-idp:([^:]+):[^:]*:userpool/(\S+)", pools[0] if pools else "")
    return f"https://cognito-idp.{found[1]}.amazonaws.com/{found[2]}" if found else None
