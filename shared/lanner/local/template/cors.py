"""CORS in its two forms: settings that the gateway applies (HTTP APIs, function URLs) and SAM's MOCK routes (REST).

Source: AWS SAM Developer Guide, "CorsConfiguration" of AWS::Serverless::Api and AWS::Serverless::HttpApi.
"""

from __future__ import annotations

from collections.abc import Iterable

from lanner.local.plan import CorsPlan, MockResponse, RoutePlan
from lanner.local.template.reader import Reader
from lanner.local.template.substitution import text_of

ANY_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def cors_plan(cors: Reader) -> CorsPlan:
    """A `CorsConfiguration`, a function URL's `Cors`, or OpenAPI's `x-amazon-apigateway-cors` (camel case)."""

    def key(name: str) -> str:
        camel = name[0].lower() + name[1:]
        return camel if camel in cors else name

    age = cors.optional_number(key("MaxAge"))
    return CorsPlan(
        allow_origins=cors.strings(key("AllowOrigins")),
        allow_methods=cors.strings(key("AllowMethods")),
        allow_headers=cors.strings(key("AllowHeaders")),
        expose_headers=cors.strings(key("ExposeHeaders")),
        max_age=None if age is None else int(age),
        allow_credentials=cors.flag(key("AllowCredentials")),
    )


def http_api_cors(properties: Reader, key: str = "CorsConfiguration") -> CorsPlan | None:
    """An HTTP API's CORS: `true` allows any origin and nothing else."""
    value = properties.get(key)
    if value is None or text_of(value).lower() == "false":
        return None
    if text_of(value).lower() == "true":
        return CorsPlan(allow_origins=("*",))
    return cors_plan(properties.child(key))


def rest_cors_headers(properties: Reader) -> dict[str, str] | None:
    """The headers of a REST API's `Cors`, by their names; None without `Cors`.

    Values are mapping expressions (`"'*'"`): the quotes of a literal are dropped here. `Access-Control-Allow-Methods`
    is missing when SAM computes it for each path; any origin is allowed where none is named.
    """
    value = properties.get("Cors")
    if value is None:
        return None
    if not isinstance(value, dict):
        return {"Access-Control-Allow-Origin": _literal(text_of(value))}
    cors = properties.child("Cors")
    headers = {"Access-Control-Allow-Origin": "*"} | {
        f"Access-Control-{name}": _literal(cors.text(key))
        for key, name in (
            ("AllowOrigin", "Allow-Origin"),
            ("AllowMethods", "Allow-Methods"),
            ("AllowHeaders", "Allow-Headers"),
            ("MaxAge", "Max-Age"),
        )
        if key in cors
    }
    credentials = cors.get("AllowCredentials")
    if credentials is True:
        headers["Access-Control-Allow-Credentials"] = "true"
        if headers["Access-Control-Allow-Origin"] == "*":
            message = "AllowCredentials needs an AllowOrigin other than '*'"
            properties.findings.error(properties.resource, message, cors.at("AllowCredentials"))
    elif credentials not in (None, False):
        message = f"AllowCredentials: SAM adds the header for true alone, not for {text_of(credentials)!r}"
        properties.findings.ignored(properties.resource, message, cors.at("AllowCredentials"))
    for key in cors:
        if key not in ("AllowOrigin", "AllowMethods", "AllowHeaders", "MaxAge", "AllowCredentials"):
            properties.findings.error(properties.resource, f"Cors has no '{key}'", cors.at(key))
    return headers


def preflight_routes(routes: Iterable[RoutePlan], headers: dict[str, str]) -> list[RoutePlan]:
    """The OPTIONS routes that SAM adds: one for each path that has none of its own."""
    by_path: dict[str, list[RoutePlan]] = {}
    for route in routes:
        by_path.setdefault(route.path, []).append(route)
    made = []
    for path, group in by_path.items():
        methods = {route.method for route in group}
        if "OPTIONS" in methods:
            continue
        allowed = ANY_METHODS if "ANY" in methods else sorted(methods | {"OPTIONS"})
        answer = {"Access-Control-Allow-Methods": ",".join(allowed), **headers}
        mock = MockResponse(200, answer, "{}\n")
        made.append(RoutePlan("OPTIONS", path, None, mock=mock, where=group[0].where))
    return made


def _literal(expression: str) -> str:
    if len(expression) >= 2 and expression[0] == expression[-1] == "'":
        return expression[1:-1]
    return expression
