"""What a template asks for, as frozen values: the plan that the local cloud then executes.

`lanner.local.template` turns a template into one `CloudPlan`; the engine, the runtime and the gateway read it and
never look at the template again. Nothing here does I/O.

Paths in routes are API Gateway resource paths (`/users/{id}`, `/files/{proxy+}`); the HTTP API's catch-all is the
path `$default`. Methods are upper case, `ANY` for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lanner.local.triggers import AsyncPolicy, BucketNotification, EventRule, StreamSource, TopicSubscription


@dataclass(frozen=True)
class Where:
    """A place in a template: file and 1-based line, as editors print them."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Finding:
    """Something in the template that is wrong, or that the local cloud does not do."""

    level: Literal["error", "unsupported", "ignored"]
    resource: str  # logical id, or "" for the template as a whole
    message: str  # names what was found and what would be right
    where: Where


@dataclass(frozen=True)
class QueueSource:
    """An SQS event source mapping. Times in seconds."""

    queue: str  # logical id of the queue, or its ARN where it is not in the template
    batch_size: int = 10
    batching_window: float = 0
    report_batch_item_failures: bool = False
    maximum_concurrency: int | None = None
    filters: tuple[str, ...] = ()  # EventBridge patterns as JSON


@dataclass(frozen=True)
class ScheduleSource:
    """A rate, cron or at expression, as EventBridge writes it, with the constant input that it sends."""

    expression: str
    input: str | None = None
    enabled: bool = True
    timezone: str = "UTC"  # of cron and at: EventBridge Scheduler's ScheduleExpressionTimezone


@dataclass(frozen=True)
class LoggingPlan:
    """A function's `LoggingConfig`. `level` is the application's, which the JSON format alone has."""

    format: Literal["Text", "JSON"] = "Text"
    level: str = ""
    group: str = ""  # "" for `/aws/lambda/<name>`


@dataclass(frozen=True)
class FunctionPlan:
    """One Lambda function. `timeout` in seconds, `memory` in MB."""

    logical_id: str
    name: str  # FunctionName, or `<stack>-<logical id>`
    handler: str
    runtime: str
    code: Path  # the folder that becomes LAMBDA_TASK_ROOT
    layers: tuple[Path, ...] = ()  # folders that are unpacked to /opt; `python/` below them goes on sys.path
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: int = 3
    memory: int = 128
    reserved_concurrency: int | None = None
    alias: str | None = None  # AutoPublishAlias
    snap_start: bool = False
    tracing: bool = False
    ephemeral_storage: int = 512
    queues: tuple[QueueSource, ...] = ()
    streams: tuple[StreamSource, ...] = ()
    schedules: tuple[ScheduleSource, ...] = ()
    asynchronous: AsyncPolicy = field(default_factory=AsyncPolicy)
    url: FunctionUrlPlan | None = None
    logging: LoggingPlan = LoggingPlan()
    where: Where = Where(Path("template.yaml"), 1)


@dataclass(frozen=True)
class CorsPlan:
    """CORS as an HTTP API or a function URL configures it (the gateway answers the preflight itself)."""

    allow_origins: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: int | None = None
    allow_credentials: bool = False


@dataclass(frozen=True)
class FunctionUrlPlan:
    auth: Literal["NONE", "AWS_IAM"] = "NONE"
    cors: CorsPlan | None = None
    buffered: bool = True  # InvokeMode BUFFERED


@dataclass(frozen=True)
class AuthorizerPlan:
    """An authorizer of one API. `ttl` in seconds, 0 for no cache.

    kind `token` and `request` call `function`; `jwt` checks against `issuer` and `audience`; `iam` and `cognito`
    are named so that the gateway can say what it does with them.
    """

    name: str
    kind: Literal["token", "request", "jwt", "cognito", "iam"]
    function: str | None = None  # logical id
    identity_sources: tuple[str, ...] = ()  # `method.request.header.Authorization`, `$request.header.x`, `context.…`
    validation_regex: str | None = None
    ttl: int = 300
    payload_version: Literal["1.0", "2.0"] = "1.0"
    simple_responses: bool = False
    issuer: str | None = None
    audience: tuple[str, ...] = ()


@dataclass(frozen=True)
class MockResponse:
    """What a MOCK integration answers (SAM's REST `Cors` makes such OPTIONS methods)."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True)
class RoutePlan:
    """One method of one resource path. Exactly one of `function` and `mock` is set."""

    method: str
    path: str
    function: str | None  # logical id
    mock: MockResponse | None = None
    authorizer: str | None = None
    scopes: tuple[str, ...] = ()
    api_key_required: bool = False
    payload_version: Literal["1.0", "2.0"] = "1.0"  # HTTP APIs: the integration's PayloadFormatVersion
    timeout_ms: int = 29_000
    content_handling: str | None = None
    required_parameters: tuple[str, ...] = ()  # `method.request.querystring.q`: RequestParameters that are required
    throttle: ThrottlePlan | None = None  # its own, in the place of the stage's
    where: Where = Where(Path("template.yaml"), 1)


@dataclass(frozen=True)
class GatewayResponsePlan:
    """A REST API's gateway response, for instance `MISSING_AUTHENTICATION_TOKEN` or `DEFAULT_4XX`."""

    response_type: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)  # header name -> mapping expression, quoted if literal
    templates: Mapping[str, str] = field(default_factory=dict)  # content type -> mapping template


@dataclass(frozen=True)
class ThrottlePlan:
    """A token bucket: `rate` requests a second, `burst` at once; `quota` requests per `quota_period`."""

    rate: float | None = None
    burst: int | None = None
    quota: int | None = None
    quota_period: Literal["DAY", "WEEK", "MONTH"] | None = None


@dataclass(frozen=True)
class UsagePlan:
    """API keys (value -> id) and what each may spend on the stages `apis`, keys of `CloudPlan.apis`."""

    name: str
    apis: tuple[str, ...]
    keys: Mapping[str, str]
    throttle: ThrottlePlan = ThrottlePlan()


@dataclass(frozen=True)
class ApiPlan:
    """One stage of an API, with all that the API serves there. Stages of one API share its logical id."""

    logical_id: str
    kind: Literal["rest", "http"]
    stage: str  # `$default` for an HTTP API without a named stage
    routes: tuple[RoutePlan, ...]
    name: str = ""
    stage_variables: Mapping[str, str] = field(default_factory=dict)
    binary_media_types: tuple[str, ...] = ()
    cors: CorsPlan | None = None  # HTTP APIs only; a REST API's CORS is MOCK routes
    authorizers: Mapping[str, AuthorizerPlan] = field(default_factory=dict)
    gateway_responses: Mapping[str, GatewayResponsePlan] = field(default_factory=dict)
    throttle: ThrottlePlan = ThrottlePlan()  # the stage's default method throttling
    keys_from_authorizer: bool = False  # REST: `ApiKeySourceType: AUTHORIZER`, in the place of `X-API-Key`
    minimum_compression_size: int | None = None
    disable_execute_api: bool = False
    where: Where = Where(Path("template.yaml"), 1)

    @property
    def identity(self) -> tuple[str, str]:
        """Logical id and stage: what buckets, caches and routes are kept by."""
        return self.logical_id, self.stage

    @property
    def prefix(self) -> str:
        """What stands before the API's paths on its own host name: `/prod`, or "" for the `$default` stage."""
        return "" if self.stage in ("$default", "") else f"/{self.stage}"


@dataclass(frozen=True)
class HeaderGlob:
    header: str
    value_glob: str  # `*` matches anything; case-sensitive; the whole value


@dataclass(frozen=True)
class RoutingRule:
    """`AWS::ApiGatewayV2::RoutingRule`: all header conditions and one base path must match; lower priority first."""

    priority: int
    api: str
    stage: str
    base_paths: tuple[str, ...] = ()
    headers: tuple[HeaderGlob, ...] = ()  # all of them; each is one MatchHeaders entry
    strip_base_path: bool = False


@dataclass(frozen=True)
class BasePathMapping:
    base_path: str  # "" for the root; may hold slashes for HTTP API mappings
    api: str
    stage: str


@dataclass(frozen=True)
class DomainPlan:
    """A custom domain: its routing rules are tried first when `rules_first`, then its base path mappings."""

    name: str
    mappings: tuple[BasePathMapping, ...] = ()
    rules: tuple[RoutingRule, ...] = ()
    rules_first: bool = False


@dataclass(frozen=True)
class ResourcePlan:
    """Any other resource, its properties resolved; the engine creates those whose type it knows."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]  # Any: CloudFormation properties are free-form JSON
    where: Where = Where(Path("template.yaml"), 1)


@dataclass(frozen=True)
class CloudPlan:
    """The whole template. `resources` is in dependency order; `physical_ids` is what `!Ref` gives.

    `apis` has one entry for each stage: an API's first by its logical id, others by `LogicalId/stage` (`by_stage`).
    """

    template: Path
    stack_name: str
    region: str
    account: str
    functions: Mapping[str, FunctionPlan]
    apis: Mapping[str, ApiPlan]
    domains: Sequence[DomainPlan] = ()
    usage_plans: Sequence[UsagePlan] = ()
    notifications: Sequence[BucketNotification] = ()
    rules: Sequence[EventRule] = ()
    subscriptions: Sequence[TopicSubscription] = ()
    resources: Mapping[str, ResourcePlan] = field(default_factory=dict)
    physical_ids: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    files: tuple[Path, ...] = ()  # every file that was read: a change to one makes a new plan

    @property
    def lone_url(self) -> FunctionPlan | None:
        """The function whose URL is all that this plan serves: it needs no host name of its own to be found."""
        with_url = [function for function in self.functions.values() if function.url is not None]
        return with_url[0] if len(with_url) == 1 and not self.apis else None


def stage_key(logical_id: str, stage: str, first: str) -> str:
    """A stage's key in `CloudPlan.apis`: the logical id alone for the API's first one."""
    return logical_id if stage == first else f"{logical_id}/{stage}"


def by_stage(apis: Iterable[ApiPlan]) -> dict[str, ApiPlan]:
    """Stages by their keys, `CloudPlan.apis`: an API's first by its logical id, others by `LogicalId/stage`."""
    first: dict[str, str] = {}
    return {stage_key(api.logical_id, api.stage, first.setdefault(api.logical_id, api.stage)): api for api in apis}
