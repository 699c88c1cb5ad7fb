"""The errors that API Gateway makes itself, and how each kind of API words them.

    GatewayFault            raised by a step, turned into an answer at one place (`fault_answer`)
      .type                 the REST gateway response type, which a template may customise

Statuses, bodies and `x-amzn-ErrorType` are those of AWS ("Gateway response types for API Gateway", and recorded
answers). HTTP APIs know fewer errors, cannot be customised, and word some differently: a failing function is 500
there and 502 on a REST API, an integration that takes too long 503 there and 504 here. Function URLs are Lambda's
own and have their own bodies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FaultType = Literal[
    "ACCESS_DENIED",
    "API_CONFIGURATION_ERROR",
    "AUTHORIZER_CONFIGURATION_ERROR",
    "AUTHORIZER_FAILURE",
    "BAD_REQUEST_BODY",
    "BAD_REQUEST_PARAMETERS",
    "DEFAULT_4XX",
    "DEFAULT_5XX",
    "INTEGRATION_FAILURE",
    "INTEGRATION_TIMEOUT",
    "INVALID_API_KEY",
    "MISSING_AUTHENTICATION_TOKEN",
    "QUOTA_EXCEEDED",
    "REQUEST_TOO_LARGE",
    "RESOURCE_NOT_FOUND",
    "THROTTLED",
    "UNAUTHORIZED",
]


@dataclass(frozen=True, slots=True)
class Wording:
    """Status and message; `error` is the value of `x-amzn-ErrorType` on a REST API."""

    status: int
    message: str | None
    error: str = ""


REST_WORDING: Mapping[str, Wording] = {
    "ACCESS_DENIED": Wording(403, "User is not authorized to access this resource", "AccessDeniedException"),
    "API_CONFIGURATION_ERROR": Wording(500, "Internal server error", "InternalServerErrorException"),
    "AUTHORIZER_CONFIGURATION_ERROR": Wording(500, None, "AuthorizerConfigurationException"),
    "AUTHORIZER_FAILURE": Wording(500, None, "AuthorizerFailureException"),
    "BAD_REQUEST_BODY": Wording(400, "Invalid request body", "BadRequestException"),
    "BAD_REQUEST_PARAMETERS": Wording(400, "Missing required request parameters", "BadRequestException"),
    "DEFAULT_4XX": Wording(400, "Bad Request", "BadRequestException"),
    "DEFAULT_5XX": Wording(502, "Internal server error", "InternalServerErrorException"),
    "INTEGRATION_FAILURE": Wording(504, "Internal server error", "InternalServerErrorException"),
    "INTEGRATION_TIMEOUT": Wording(504, "Endpoint request timed out", "InternalServerErrorException"),
    "INVALID_API_KEY": Wording(403, "Forbidden", "ForbiddenException"),
    "MISSING_AUTHENTICATION_TOKEN": Wording(403, "Missing Authentication Token", "MissingAuthenticationTokenException"),
    "QUOTA_EXCEEDED": Wording(429, "Limit Exceeded", "LimitExceededException"),
    "REQUEST_TOO_LARGE": Wording(413, "Request Entity Too Large", "RequestEntityTooLargeException"),
    "RESOURCE_NOT_FOUND": Wording(404, "Not Found", "NotFoundException"),
    "THROTTLED": Wording(429, "Too Many Requests", "TooManyRequestsException"),
    "UNAUTHORIZED": Wording(401, "Unauthorized", "UnauthorizedException"),
}

HTTP_WORDING: Mapping[str, Wording] = {
    "ACCESS_DENIED": Wording(403, "Forbidden"),
    "API_CONFIGURATION_ERROR": Wording(500, "Internal Server Error"),
    "AUTHORIZER_CONFIGURATION_ERROR": Wording(500, "Internal Server Error"),
    "AUTHORIZER_FAILURE": Wording(500, "Internal Server Error"),
    "BAD_REQUEST_BODY": Wording(400, "Bad Request"),
    "BAD_REQUEST_PARAMETERS": Wording(400, "Bad Request"),
    "DEFAULT_4XX": Wording(400, "Bad Request"),
    "DEFAULT_5XX": Wording(500, "Internal Server Error"),
    "INTEGRATION_FAILURE": Wording(500, "Internal Server Error"),
    "INTEGRATION_TIMEOUT": Wording(503, "Service Unavailable"),
    "INVALID_API_KEY": Wording(403, "Forbidden"),
    "MISSING_AUTHENTICATION_TOKEN": Wording(404, "Not Found"),
    "QUOTA_EXCEEDED": Wording(429, "Limit Exceeded"),
    "REQUEST_TOO_LARGE": Wording(413, "Request Entity Too Large"),
    "RESOURCE_NOT_FOUND": Wording(404, "Not Found"),
    "THROTTLED": Wording(429, "Too Many Requests"),
    "UNAUTHORIZED": Wording(401, "Unauthorized"),
}


class GatewayFault(Exception):
    """A request ends here. `note` tells the developer why, in the log and the page; clients never see it.

    `message` and `status` replace the usual wording; `headers` are added to the answer.
    """

    def __init__(
        self,
        fault: FaultType,
        note: str,
        *,
        message: str | None = None,
        status: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(note)
        self.type = fault
        self.note = note
        self.message = message
        self.status = status
        self.headers = headers

    def wording(self, kind: Literal["rest", "http"]) -> Wording:
        """Status and message on an API of this kind."""
        usual = (REST_WORDING if kind == "rest" else HTTP_WORDING)[self.type]
        return Wording(self.status or usual.status, self.message or usual.message, usual.error)
