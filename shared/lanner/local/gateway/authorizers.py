"""Authorizers: who may call a route, and what the function learns of the caller.

States of one decision: no authorizer on the route -> allowed; identity missing -> 401 without a call; cached ->
evaluated again for this method; otherwise the function is called (or the token checked) and its result cached for
`ttl` seconds under the stage and the identity sources' values.

Failure modes, as AWS words them (`faults`): 401 Unauthorized, 403 for a policy that does not allow, 500 for an
authorizer that fails or returns what cannot be understood. A failure is never cached.

What is not done locally is reported in `findings`: IAM signatures are required but not verified.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from lanner.clock import Clock
from lanner.local.gateway.call import Call, Json
from lanner.local.gateway.events_http import http_request_v1, http_request_v2
from lanner.local.gateway.events_rest import rest_request
from lanner.local.gateway.faults import FaultType, GatewayFault
from lanner.local.gateway.identity import identity_value, identity_values
from lanner.local.gateway.jwt import KeySetError, KeySets, TokenError, bearer_token, claim_texts, scopes_of, verify
from lanner.local.gateway.policy import evaluate
from lanner.local.invocation import Invoker
from lanner.local.plan import AuthorizerPlan, CloudPlan, Finding, RoutePlan

_MAX_CACHED = 10_000
_MAPS = ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables")
_DENIED = "User is not authorized to access this resource"


@dataclass(frozen=True, slots=True)
class Grant:
    """What an authorizer function said. `policy` None means that a simple response allowed or denied everything."""

    allowed: bool
    policy: object
    principal: str
    context: Json | None
    latency_ms: int = 0
    usage_key: str | None = None  # an API key, for APIs that take it from here


class Authorizers:
    """The authorizers of one plan and their caches."""

    def __init__(self, plan: CloudPlan, invoker: Invoker, clock: Clock, jwks: Mapping[str, Path]) -> None:
        self._plan = plan
        self._invoker = invoker
        self._clock = clock
        self._keys = KeySets(plan, jwks)
        self._cache: dict[tuple[str, ...], tuple[float, Grant]] = {}
        self.findings: tuple[Finding, ...] = tuple(dict.fromkeys(self._examine()))

    async def authorize(self, call: Call, route: RoutePlan) -> None:
        """Let the call pass and set its `authorizer`, or raise the fault that says why not."""
        if route.authorizer is None:
            return
        authorizer = call.api.authorizers.get(route.authorizer)
        if authorizer is None:
            raise GatewayFault("AUTHORIZER_CONFIGURATION_ERROR", f"there is no authorizer {route.authorizer}")
        if authorizer.kind == "iam":
            _require_signature(call)
        elif authorizer.kind in ("jwt", "cognito"):
            self._authorize_token(call, route, authorizer)
        else:
            await self._authorize_function(call, authorizer)

    # Lambda authorizers

    async def _authorize_function(self, call: Call, authorizer: AuthorizerPlan) -> None:
        values = _identity(call, authorizer)
        key = (*call.api.identity, authorizer.name, *values)
        grant = self._cached(key) if values else None
        if grant is None:
            grant = await self._ask(call, authorizer, values)
            if authorizer.ttl > 0 and values:
                self._remember(key, grant, authorizer.ttl)
        _apply(grant, call, authorizer)

    def _cached(self, key: tuple[str, ...]) -> Grant | None:
        entry = self._cache.get(key)
        if entry is None:
            return None
        if entry[0] <= self._clock.monotonic():
            del self._cache[key]
            return None
        return entry[1]

    def _remember(self, key: tuple[str, ...], grant: Grant, ttl: int) -> None:
        if len(self._cache) >= _MAX_CACHED:
            del self._cache[next(iter(self._cache))]
        self._cache[key] = (self._clock.monotonic() + ttl, grant)

    async def _ask(self, call: Call, authorizer: AuthorizerPlan, values: tuple[str, ...]) -> Grant:
        if authorizer.function is None:
            raise GatewayFault("AUTHORIZER_CONFIGURATION_ERROR", f"authorizer {authorizer.name} names no function")
        event = orjson.dumps(authorizer_event(call, authorizer, values))
        started = self._clock.monotonic()
        try:
            result = await self._invoker.invoke(authorizer.function, event, trace_id=call.trace_id)
        except KeyError as error:
            note = f"there is no function {authorizer.function} for authorizer {authorizer.name}"
            raise GatewayFault("AUTHORIZER_CONFIGURATION_ERROR", note) from error
        if result.outcome != "ok":
            raise _failed(call, authorizer, result.outcome, result.payload)
        latency = int((self._clock.monotonic() - started) * 1000)
        try:
            return _grant(orjson.loads(result.payload), call, authorizer, latency)
        except ValueError as error:
            note = f"authorizer {authorizer.name} returned what cannot be used: {error}"
            raise GatewayFault("AUTHORIZER_CONFIGURATION_ERROR", note) from error

    # tokens

    def _authorize_token(self, call: Call, route: RoutePlan, authorizer: AuthorizerPlan) -> None:
        source = authorizer.identity_sources[0] if authorizer.identity_sources else "$request.header.Authorization"
        token = bearer_token(identity_value(source, call))
        if not token:
            raise GatewayFault("UNAUTHORIZED", f"{source} has no token", headers=_challenge(call, ""))
        try:
            claims = verify(token, authorizer, self._keys.get(self._issuer(authorizer)), self._clock)
        except KeySetError as error:
            raise GatewayFault("AUTHORIZER_CONFIGURATION_ERROR", str(error)) from error
        except TokenError as error:
            challenge = _challenge(call, f' scope="" error="invalid_token" error_description="{_quotable(error)}"')
            raise GatewayFault("UNAUTHORIZED", error.detail, headers=challenge) from error
        if authorizer.kind == "cognito":
            _check_cognito(claims, route, authorizer)
        granted = [scope for scope in route.scopes if scope in scopes_of(claims)]
        if route.scopes and not granted:
            note = f"the token has none of the route's scopes: {', '.join(route.scopes)}"
            # A Cognito authorizer of a REST API answers 401 here; a JWT authorizer 403.
            fault: FaultType = "UNAUTHORIZED" if authorizer.kind == "cognito" else "ACCESS_DENIED"
            raise GatewayFault(fault, note, headers=_challenge(call, ' scope="" error="insufficient_scope"'))
        call.authorizer = _token_context(call, route, claims, granted)

    def _issuer(self, authorizer: AuthorizerPlan) -> str:
        return authorizer.issuer or f"https://cognito-idp.{self._plan.region}.amazonaws.com"

    def _examine(self) -> Iterator[Finding]:
        for api in self._plan.apis.values():
            used = {route.authorizer for route in api.routes}
            for name, authorizer in api.authorizers.items():
                if name not in used:
                    continue
                where = f"authorizer {name} of {api.logical_id}"
                if authorizer.kind == "iam":
                    message = f"{where}: requests must carry a SigV4 Authorization, but it is not verified locally"
                    yield Finding("unsupported", api.logical_id, message, api.where)
                elif authorizer.kind in ("jwt", "cognito"):
                    file = self._keys.file_for(self._issuer(authorizer))
                    if not file.is_file():
                        message = f"{where}: put the issuer's JWKS into {file}, or pass --jwks; its routes answer 500"
                        yield Finding("unsupported", api.logical_id, message, api.where)


def authorizer_event(call: Call, authorizer: AuthorizerPlan, values: tuple[str, ...]) -> Json:
    """What an authorizer function is sent, by the kind of its API and its payload format.

    Maps that are null in a function's event are empty here. (AWS, "Input to an API Gateway Lambda authorizer")
    """
    if authorizer.kind == "token":
        token = values[0] if values else ""
        return {"type": "TOKEN", "methodArn": call.method_arn, "authorizationToken": token}
    if call.api.kind == "rest":
        return {"type": "REQUEST", "methodArn": call.method_arn, **_without_nulls(rest_request(call))}
    if authorizer.payload_version == "1.0":
        joined = ",".join(values)
        event = _without_nulls(http_request_v1(call))
        version = event.pop("version")
        sources = {"identitySource": joined, "authorizationToken": joined}
        return {"version": version, "type": "REQUEST", "methodArn": call.method_arn, **sources, **event}
    event = http_request_v2(call)
    version = event.pop("version")
    identity = {"routeArn": call.method_arn, "identitySource": list(values) or None}
    return {"version": version, "type": "REQUEST", **identity, **event}


def _without_nulls(event: Json) -> Json:
    return {name: {} if value is None and name in _MAPS else value for name, value in event.items()}


def _identity(call: Call, authorizer: AuthorizerPlan) -> tuple[str, ...]:
    """The identity sources' values, which are also the cache key. Raises the 401 fault where one is missing."""
    sources = authorizer.identity_sources
    if authorizer.kind == "token" and not sources:
        sources = ("method.request.header.Authorization",)
    values = identity_values(sources, call)
    if values is None:
        raise GatewayFault("UNAUTHORIZED", f"an identity source is missing: {', '.join(sources)}")
    pattern = authorizer.validation_regex
    if authorizer.kind == "token" and pattern and not re.fullmatch(pattern, values[0]):
        raise GatewayFault("UNAUTHORIZED", f"the token does not match the authorizer's validation regex {pattern}")
    return values


def _check_cognito(claims: Json, route: RoutePlan, authorizer: AuthorizerPlan) -> None:
    """What a Cognito authorizer asks besides; raises the 401 fault. (AWS, "Integrate a REST API with a user pool")

    An identity token where the method names no scopes, and an `aud` that its regex matches: access tokens have none.
    """
    if claims.get("token_use") == "access" and not route.scopes:
        raise GatewayFault("UNAUTHORIZED", "an access token is taken only where the method names scopes")
    pattern = authorizer.validation_regex
    if pattern and not re.fullmatch(pattern, str(claims.get("aud", ""))):
        note = f"the token's aud {claims.get('aud')!r} does not match the authorizer's validation regex {pattern}"
        raise GatewayFault("UNAUTHORIZED", note)


def _failed(call: Call, authorizer: AuthorizerPlan, outcome: str, payload: bytes) -> GatewayFault:
    try:
        document = orjson.loads(payload)
        message = document.get("errorMessage") if isinstance(document, dict) else None
    except orjson.JSONDecodeError:
        message = None
    compatible = call.api.kind == "rest" or authorizer.payload_version == "1.0"
    if message == "Unauthorized" and compatible:
        return GatewayFault("UNAUTHORIZED", f"authorizer {authorizer.name} raised Unauthorized")
    return GatewayFault("AUTHORIZER_FAILURE", f"authorizer {authorizer.name} ended with {outcome}: {message}")


def _grant(response: object, call: Call, authorizer: AuthorizerPlan, latency: int) -> Grant:
    """Read an authorizer's result. Raises `ValueError` (also `PolicyError`) for what AWS would not understand."""
    if not isinstance(response, dict):
        raise ValueError(f"an object is needed, not {response!r}")
    context = response.get("context")
    if context is not None and not isinstance(context, dict):
        raise ValueError(f"context must be an object, not {context!r}")
    if call.api.kind == "http" and authorizer.simple_responses:
        allowed = response.get("isAuthorized")
        if not isinstance(allowed, bool):
            raise ValueError(f"a simple response needs isAuthorized true or false, not {allowed!r}")
        return Grant(allowed, None, "", context, latency)
    principal = response.get("principalId")
    if not isinstance(principal, str):
        raise ValueError(f"principalId must be a string, not {principal!r}")
    document = response.get("policyDocument")
    evaluate(document, call.method_arn)
    if call.api.kind == "rest" and context is not None:
        context = {name: _context_text(name, value) for name, value in context.items()}
    usage_key = response.get("usageIdentifierKey")
    if usage_key is not None and not isinstance(usage_key, str):
        raise ValueError(f"usageIdentifierKey must be a string, not {usage_key!r}")
    return Grant(True, document, principal, context, latency, usage_key)


def _apply(grant: Grant, call: Call, authorizer: AuthorizerPlan) -> None:
    """Set what is known of the caller, also for the gateway response of one that is denied."""
    call.authorizer = _function_context(grant, call)
    call.usage_key = grant.usage_key
    if grant.policy is None:
        if not grant.allowed:
            raise GatewayFault("ACCESS_DENIED", f"authorizer {authorizer.name} answered isAuthorized: false")
    else:
        decision = evaluate(grant.policy, call.method_arn)
        if decision != "allow":
            message = f"{_DENIED} with an explicit deny" if decision == "explicit deny" else _DENIED
            note = f"authorizer {authorizer.name}'s policy: {decision} on {call.method_arn}"
            raise GatewayFault("ACCESS_DENIED", note, message=message if call.api.kind == "rest" else None)


def _function_context(grant: Grant, call: Call) -> Json:
    context = grant.context or {}
    if call.api.kind == "rest":
        return {"principalId": grant.principal, "integrationLatency": grant.latency_ms, **context}
    if call.match is not None and call.match.route.payload_version == "1.0":
        return {"principalId": grant.principal, **context} if grant.principal else dict(context)
    return {"lambda": grant.context}


def _token_context(call: Call, route: RoutePlan, claims: Json, granted: list[str]) -> Json:
    texts = claim_texts(claims)
    if call.api.kind == "rest":
        return {"claims": texts}
    details = {"claims": texts, "scopes": granted or None}
    return details if route.payload_version == "1.0" else {"jwt": details}


def _context_text(name: str, value: object) -> str | None:
    """REST: strings, numbers and booleans only, and functions see all of them as text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return orjson.dumps(value).decode()
    raise ValueError(f"context.{name} must be a string, number or boolean, not {type(value).__name__}")


def _require_signature(call: Call) -> None:
    if not (call.request.header("authorization") or "").startswith("AWS4-HMAC-SHA256 "):
        fault: FaultType = "MISSING_AUTHENTICATION_TOKEN" if call.api.kind == "rest" else "ACCESS_DENIED"
        raise GatewayFault(fault, "this route needs a request signed with SigV4")


def _challenge(call: Call, parameters: str) -> tuple[tuple[str, str], ...]:
    return (("www-authenticate", f"Bearer{parameters}"),) if call.api.kind == "http" else ()


def _quotable(error: Exception) -> str:
    return re.sub(r'[^\x20-\x7e]|["\\]', "'", str(error))
