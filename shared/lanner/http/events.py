"""Events in, answers out: REST API (payload 1.0), HTTP API and function URL (payload 2.0), ALB.

`read(event, context)` finds out which it is and gives a `Request`; the request's `source` writes the `Response` back
in the format that the same integration expects. An event that is none of these raises `UnknownEventError`.

Shapes: API Gateway "Input format of a Lambda function for proxy integration" (REST), "Working with AWS Lambda proxy
integrations for HTTP APIs" (payload 1.0 and 2.0), Elastic Load Balancing "Lambda functions as targets".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import perf_counter
from typing import Any

from lanner.http.message import Query, Request, Response
from lanner.http.paths import looks_like_version, split_version, without_base, without_stage
from lanner.http.problems import BadRequest

TEXT_TYPES = ("application/json", "application/problem+json", "text/")
TEXT_SUFFIXES = ("+json", "+xml", "/xml", "/javascript", "/yaml")


class UnknownEventError(Exception):
    """The event is not an HTTP request: the function is wired to something that it does not serve."""


def read(event: Any, context: Any = None, base_path: str = "") -> Request:  # Any: Lambda's own JSON and context
    """The request that an event holds. Raises `UnknownEventError`."""
    try:
        if "httpMethod" in event:
            request_context = event["requestContext"]
            if "elb" in request_context:
                return _read_alb(event, context, base_path)
            return _read_v1(event, request_context, context, base_path)
        if event.get("version") == "2.0":
            return _read_v2(event, context, base_path)
    except (KeyError, TypeError, AttributeError) as error:
        raise UnknownEventError(
            f"the event is not a complete API Gateway, function URL or ALB request: {type(error).__name__} {error}"
        ) from error
    keys = ", ".join(sorted(map(str, event))[:8])
    raise UnknownEventError(
        f"the event is not an HTTP request (its keys: {keys}); this handler serves API Gateway, function URL and ALB"
    )


def _read_v1(event: Any, request_context: Any, context: Any, base_path: str) -> Request:
    started = perf_counter()
    stage = request_context.get("stage") or ""
    public = request_context.get("path") or event["path"]
    versioned = _VERSIONED.get(stage) or _versioned(stage)
    if not base_path and public.startswith(versioned):  # nearly always: a stage that is a version, and its path
        version, path = stage, public[len(versioned) - 1 :]
    else:
        public = without_stage(public, stage)
        if base_path:
            public = without_base(public, base_path)
        version, path = split_version(public)
    values = event.get("multiValueHeaders")
    if values:
        headers = {name.lower(): each[0] if len(each) == 1 else _join(name, each) for name, each in values.items()}
        if len(headers) != len(values):
            headers = _fold(values)
    else:
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return Request(
        event["httpMethod"],
        public,
        headers,
        source=REST,
        event=event,
        context=context,
        request_id=request_context.get("requestId") or _invocation_id(context),
        stage=stage,
        path=path,
        path_version=version,
        started=started,
    )


_VERSIONED: dict[str, str] = {}  # a stage that is a version -> its prefix of a path; an API has one or two stages


def _versioned(stage: str) -> str:
    """What the paths of a stage begin with that is a version; for another stage what no path begins with."""
    prefix = f"/{stage}/" if looks_like_version(stage) else "\0"
    if len(_VERSIONED) < 64:
        _VERSIONED[stage] = prefix
    return prefix


def _read_v2(event: Any, context: Any, base_path: str) -> Request:
    started = perf_counter()
    request_context = event["requestContext"]
    stage = request_context.get("stage") or ""
    public = event["rawPath"] or "/"
    if stage != "$default":
        public = without_stage(public, stage)
    if base_path:
        public = without_base(public, base_path)
    version, path = split_version(public)
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    cookies = event.get("cookies")
    if cookies and "cookie" not in headers:
        headers["cookie"] = "; ".join(cookies)
    return Request(
        request_context["http"]["method"],
        public,
        headers,
        source=HTTP,
        event=event,
        context=context,
        request_id=request_context.get("requestId") or _invocation_id(context),
        stage="" if stage == "$default" else stage,
        path=path,
        path_version=version,
        started=started,
    )


def _read_alb(event: Any, context: Any, base_path: str) -> Request:
    started = perf_counter()
    public = event["path"] or "/"
    if base_path:
        public = without_base(public, base_path)
    version, path = split_version(public)
    values = event.get("multiValueHeaders")
    if values is not None:
        headers = _fold(values)
        source: Alb = ALB_MULTI
    else:
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        source = ALB
    return Request(
        event["httpMethod"],
        public,
        headers,
        source=source,
        event=event,
        context=context,
        request_id=_invocation_id(context) or headers.get("x-amzn-trace-id", ""),
        path=path,
        path_version=version,
        started=started,
    )


def _invocation_id(context: Any) -> str:
    return getattr(context, "aws_request_id", "") or ""


def _join(name: str, values: list[str]) -> str:
    return ("; " if name.lower() == "cookie" else ", ").join(values)


def _fold(values: Mapping[str, list[str]]) -> dict[str, str]:
    """Join names that differ only in their case."""
    gathered: dict[str, list[str]] = {}
    for name, each in values.items():
        gathered.setdefault(name.lower(), []).extend(each)
    return {name: _join(name, each) for name, each in gathered.items()}


def _decoded_body(event: Any) -> bytes:
    body = event.get("body")
    if not body:
        return b""
    if not event.get("isBase64Encoded"):
        encoded: bytes = body.encode("utf-8", "surrogatepass")  # a lone surrogate is for the body's reader to refuse
        return encoded
    from binascii import Error, a2b_base64

    try:
        return a2b_base64(body, strict_mode=True)  # otherwise what is no base64 at all would be an empty body
    except (Error, ValueError):
        raise BadRequest("The event says that its body is base64, and it is not") from None


def is_text(headers: Mapping[str, str]) -> bool:
    """Whether a body of these headers can travel as a JSON string."""
    if "content-encoding" in headers:
        return False
    content_type = headers.get("content-type", "")
    if content_type.startswith(TEXT_TYPES):
        return True
    return content_type.partition(";")[0].rstrip().endswith(TEXT_SUFFIXES)


def _encoded_body(response: Response, answer: dict[str, Any]) -> dict[str, Any]:
    body = response.body
    if not body:
        answer["body"] = ""
    elif is_text(response.headers):
        try:
            answer["body"] = body.decode()
        except UnicodeDecodeError:
            return _as_base64(body, answer)
    else:
        return _as_base64(body, answer)
    answer["isBase64Encoded"] = False
    return answer


def _as_base64(body: bytes, answer: dict[str, Any]) -> dict[str, Any]:
    from binascii import b2a_base64

    answer["body"] = b2a_base64(body, newline=False).decode("ascii")
    answer["isBase64Encoded"] = True
    return answer


def _pseudonym(principal: object) -> str:
    """A name for somebody who may be a person: the same each time, and not who they are."""
    from hashlib import sha256

    return sha256(str(principal).encode(errors="replace")).hexdigest()[:12]


class Rest:
    """API Gateway's payload format 1.0: REST APIs, and HTTP APIs that ask for it."""

    name = "rest"

    def has_query(self, event: Any) -> bool:
        return bool(event.get("multiValueQueryStringParameters") or event.get("queryStringParameters"))

    def query(self, event: Any) -> Query:
        values = event.get("multiValueQueryStringParameters")
        if values:
            return [(name, value or "") for name, each in values.items() for value in each]
        return [(name, value or "") for name, value in (event.get("queryStringParameters") or {}).items()]

    def query_string(self, event: Any) -> bytes:
        if not self.has_query(event):
            return b""
        from urllib.parse import urlencode

        return urlencode(self.query(event)).encode("ascii")

    def body(self, event: Any) -> bytes:
        return _decoded_body(event)

    def source_ip(self, event: Any) -> str:
        return (event["requestContext"].get("identity") or {}).get("sourceIp") or ""

    def consumer(self, event: Any) -> str:
        context = event["requestContext"]
        key = (context.get("identity") or {}).get("apiKeyId")
        if key:
            return f"key:{key}"
        authorizer = context.get("authorizer")
        if not authorizer:
            return ""
        if named := authorizer.get("consumer") or authorizer.get("client_id"):
            return f"client:{named}"
        principal = authorizer.get("principalId")
        return f"principal:{_pseudonym(principal)}" if principal else ""

    def write(self, response: Response) -> dict[str, Any]:
        answer: dict[str, Any] = {"statusCode": response.status, "headers": response.headers}
        if response.cookies:
            answer["multiValueHeaders"] = {"set-cookie": response.cookies}
        return _encoded_body(response, answer)


class Http:
    """Payload format 2.0: HTTP APIs and function URLs."""

    name = "http"

    def has_query(self, event: Any) -> bool:
        return bool(event.get("rawQueryString"))

    def query(self, event: Any) -> Query:
        raw = event.get("rawQueryString")
        if not raw:
            return []
        from urllib.parse import parse_qsl

        return parse_qsl(raw, keep_blank_values=True)

    def query_string(self, event: Any) -> bytes:
        return (event.get("rawQueryString") or "").encode()

    def body(self, event: Any) -> bytes:
        return _decoded_body(event)

    def source_ip(self, event: Any) -> str:
        return event["requestContext"]["http"].get("sourceIp") or ""

    def consumer(self, event: Any) -> str:
        authorizer = event["requestContext"].get("authorizer")
        if not authorizer:
            return ""
        claims = (authorizer.get("jwt") or {}).get("claims") or {}
        client = claims.get("client_id") or claims.get("azp")  # never `sub`: that is a person, and this goes into logs
        return f"client:{client}" if client else ""

    def write(self, response: Response) -> dict[str, Any]:
        answer: dict[str, Any] = {"statusCode": response.status, "headers": response.headers}
        if response.cookies:
            answer["cookies"] = response.cookies
        return _encoded_body(response, answer)


class Alb:
    """An Application Load Balancer's target group, with or without `lambda.multi_value_headers.enabled`.

    Unlike API Gateway, it hands over query parameters as they stand in the URL, still encoded.
    """

    name = "alb"

    def __init__(self, multi_value: bool) -> None:
        self._multi_value = multi_value

    def has_query(self, event: Any) -> bool:
        return bool(event.get("multiValueQueryStringParameters") or event.get("queryStringParameters"))

    def query(self, event: Any) -> Query:
        from urllib.parse import unquote_plus

        return [(unquote_plus(name), unquote_plus(value)) for name, value in self._raw_query(event)]

    def _raw_query(self, event: Any) -> Query:
        values = event.get("multiValueQueryStringParameters")
        if values:
            return [(name, value) for name, each in values.items() for value in each]
        return list((event.get("queryStringParameters") or {}).items())

    def query_string(self, event: Any) -> bytes:
        return "&".join(f"{name}={value}" for name, value in self._raw_query(event)).encode()

    def body(self, event: Any) -> bytes:
        return _decoded_body(event)

    def source_ip(self, event: Any) -> str:
        headers = event.get("multiValueHeaders") or event.get("headers") or {}
        value = next((each for name, each in headers.items() if name.lower() == "x-forwarded-for"), "")
        last = value[-1] if isinstance(value, list) else value
        return last.rpartition(",")[2].strip()

    def consumer(self, event: Any) -> str:  # noqa: ARG002 (a load balancer verifies no caller)
        return ""

    def write(self, response: Response) -> dict[str, Any]:
        from http import HTTPStatus

        try:
            phrase = HTTPStatus(response.status).phrase
        except ValueError:
            phrase = "Unknown"
        answer: dict[str, Any] = {
            "statusCode": response.status,
            "statusDescription": f"{response.status} {phrase}",
        }
        if self._multi_value:
            values = {name: [value] for name, value in response.headers.items()}
            if response.cookies:
                values["set-cookie"] = response.cookies
            answer["multiValueHeaders"] = values
        else:
            headers = dict(response.headers)
            # One value per name is all that this mode carries, and names are compared with their case: each cookie
            # gets a spelling of its own.
            if response.cookies:
                headers.update(zip(_spellings("set-cookie"), response.cookies, strict=False))
            answer["headers"] = headers
        return _encoded_body(response, answer)


def _spellings(name: str) -> Iterator[str]:
    """Every way to write a header's name, `set-cookie` and `Set-cookie` and so on, each made when it is needed."""
    letters = [index for index, letter in enumerate(name) if letter.isalpha()]
    for mask in range(1 << len(letters)):
        text = list(name)
        for bit, index in enumerate(letters):
            if mask >> bit & 1:
                text[index] = text[index].upper()
        yield "".join(text)


REST = Rest()
HTTP = Http()
ALB = Alb(multi_value=False)
ALB_MULTI = Alb(multi_value=True)
