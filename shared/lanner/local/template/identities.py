"""What `Ref` and `Fn::GetAtt` give for each resource type, as AWS documents it, for resources that exist only locally.

Ids that AWS draws at random are hashes of stack and logical id here: the same on every start. A type that is not in the
table has its name for `Ref` and an ARN made of its type for `Arn`.

Templates: {p} partition, {r} region, {a} account, {n} name, {id} 10 hexadecimal-like characters, {uuid} a UUID,
{url} the engine's base URL, {arn} the ARN.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Place:
    """Where a stack lives."""

    stack: str
    region: str
    account: str
    partition: str
    engine_url: str


@dataclass(frozen=True)
class Kind:
    """One resource type: the property that names it, its ARN, what `Ref` gives, and further attributes."""

    name: str | None = None  # the property with the physical name
    arn: str = ""
    ref: str = "{n}"
    attributes: Mapping[str, str] = field(default_factory=dict)
    lower: bool = False  # names must be lower case


def _kind(name: str | None, arn: str, ref: str = "{n}", *, lower: bool = False, **attributes: str) -> Kind:
    return Kind(name, arn, ref, attributes, lower)


_FUNCTION = _kind("FunctionName", "arn:{p}:lambda:{r}:{a}:function:{n}")
_TABLE = _kind(
    "TableName",
    "arn:{p}:dynamodb:{r}:{a}:table/{n}",
    StreamArn="arn:{p}:dynamodb:{r}:{a}:table/{n}/stream/2026-01-01T00:00:00.000",
    TableId="{uuid}",
)
_REST = _kind(None, "arn:{p}:apigateway:{r}::/restapis/{id}", "{id}", RootResourceId="{id}root", RestApiId="{id}")
_HTTP = _kind(
    None,
    "arn:{p}:apigateway:{r}::/apis/{id}",
    "{id}",
    ApiEndpoint="https://{id}.execute-api.{r}.amazonaws.com",
    ApiId="{id}",
)
_LAYER = _kind("LayerName", "arn:{p}:lambda:{r}:{a}:layer:{n}:1", "{arn}")
_MACHINE = _kind("StateMachineName", "arn:{p}:states:{r}:{a}:stateMachine:{n}", "{arn}", Name="{n}")
_REST_DOMAIN = {
    "RegionalDomainName": "d-{id}.execute-api.{r}.amazonaws.com",
    "RegionalHostedZoneId": "Z1LOCAL",
    "DistributionDomainName": "d{id}.cloudfront.net",
    "DistributionHostedZoneId": "Z2LOCAL",
    "DomainNameArn": "{arn}",
}

KINDS: Mapping[str, Kind] = {
    "AWS::Serverless::Function": _FUNCTION,
    "AWS::Lambda::Function": _FUNCTION,
    "AWS::Serverless::LayerVersion": _LAYER,
    "AWS::Lambda::LayerVersion": Kind("LayerName", _LAYER.arn, "{arn}", {"LayerVersionArn": "{arn}"}),
    "AWS::Lambda::EventSourceMapping": _kind(None, "arn:{p}:lambda:{r}:{a}:event-source-mapping:{uuid}", "{uuid}"),
    "AWS::Lambda::Url": _kind(None, "", "{id}", FunctionUrl="https://{id}.lambda-url.{r}.on.aws/"),
    "AWS::Serverless::Api": _REST,
    "AWS::ApiGateway::RestApi": _REST,
    "AWS::ApiGateway::Resource": _kind(None, "", "{id}", ResourceId="{id}"),
    "AWS::ApiGateway::Deployment": _kind(None, "", "{id}", DeploymentId="{id}"),
    "AWS::ApiGateway::Authorizer": _kind(None, "", "{id}", AuthorizerId="{id}"),
    "AWS::ApiGateway::Stage": _kind("StageName", "arn:{p}:apigateway:{r}::/restapis/stages/{n}"),
    "AWS::ApiGateway::ApiKey": _kind(None, "", "{id}", APIKeyId="{id}"),
    "AWS::ApiGateway::UsagePlan": _kind(None, "", "{id}", Id="{id}"),
    "AWS::ApiGateway::DomainName": Kind(
        "DomainName", "arn:{p}:apigateway:{r}::/domainnames/{n}", "{n}", _REST_DOMAIN
    ),
    "AWS::ApiGateway::VpcLink": _kind(None, "", "{id}", VpcLinkId="{id}"),
    "AWS::Serverless::HttpApi": _HTTP,
    "AWS::ApiGatewayV2::Api": _HTTP,
    "AWS::ApiGatewayV2::Integration": _kind(None, "", "{id}", IntegrationId="{id}"),
    "AWS::ApiGatewayV2::Route": _kind(None, "", "{id}", RouteId="{id}"),
    "AWS::ApiGatewayV2::Stage": _kind("StageName", ""),
    "AWS::ApiGatewayV2::Deployment": _kind(None, "", "{id}", DeploymentId="{id}"),
    "AWS::ApiGatewayV2::Authorizer": _kind(None, "", "{id}", AuthorizerId="{id}"),
    "AWS::ApiGatewayV2::DomainName": Kind(
        "DomainName", "arn:{p}:apigateway:{r}::/domainnames/{n}", "{n}", _REST_DOMAIN
    ),
    "AWS::ApiGatewayV2::RoutingRule": _kind(None, "arn:{p}:apigateway:{r}:{a}:/domainnames/routingrules/{id}", "{arn}"),
    "AWS::DynamoDB::Table": _TABLE,
    "AWS::DynamoDB::GlobalTable": _TABLE,
    "AWS::Serverless::SimpleTable": _TABLE,
    "AWS::SQS::Queue": _kind(
        "QueueName", "arn:{p}:sqs:{r}:{a}:{n}", "{url}/{a}/{n}", QueueName="{n}", QueueUrl="{url}/{a}/{n}"
    ),
    "AWS::SNS::Topic": _kind("TopicName", "arn:{p}:sns:{r}:{a}:{n}", "{arn}", TopicName="{n}", TopicArn="{arn}"),
    "AWS::SNS::Subscription": _kind(None, "arn:{p}:sns:{r}:{a}:{n}:{uuid}", "{arn}"),
    "AWS::S3::Bucket": _kind(
        "BucketName",
        "arn:{p}:s3:::{n}",
        lower=True,
        DomainName="{n}.s3.amazonaws.com",
        RegionalDomainName="{n}.s3.{r}.amazonaws.com",
        DualStackDomainName="{n}.s3.dualstack.{r}.amazonaws.com",
        WebsiteURL="http://{n}.s3-website-{r}.amazonaws.com",
    ),
    "AWS::IAM::Role": _kind("RoleName", "arn:{p}:iam::{a}:role/{n}", RoleId="AROA{id}"),
    "AWS::IAM::ManagedPolicy": _kind("ManagedPolicyName", "arn:{p}:iam::{a}:policy/{n}", "{arn}", PolicyArn="{arn}"),
    "AWS::IAM::User": _kind("UserName", "arn:{p}:iam::{a}:user/{n}"),
    "AWS::KMS::Key": _kind(None, "arn:{p}:kms:{r}:{a}:key/{uuid}", "{uuid}", KeyId="{uuid}"),
    "AWS::KMS::Alias": _kind("AliasName", "arn:{p}:kms:{r}:{a}:{n}"),
    "AWS::Logs::LogGroup": _kind("LogGroupName", "arn:{p}:logs:{r}:{a}:log-group:{n}:*"),
    "AWS::SSM::Parameter": _kind("Name", "arn:{p}:ssm:{r}:{a}:parameter/{n}", Type="String", Value=""),
    "AWS::SecretsManager::Secret": _kind("Name", "arn:{p}:secretsmanager:{r}:{a}:secret:{n}", "{arn}", Id="{arn}"),
    "AWS::Events::EventBus": _kind("Name", "arn:{p}:events:{r}:{a}:event-bus/{n}", Name="{n}"),
    "AWS::Events::Rule": _kind("Name", "arn:{p}:events:{r}:{a}:rule/{n}"),
    "AWS::Scheduler::Schedule": _kind("Name", "arn:{p}:scheduler:{r}:{a}:schedule/default/{n}"),
    "AWS::CloudWatch::Alarm": _kind("AlarmName", "arn:{p}:cloudwatch:{r}:{a}:alarm:{n}"),
    "AWS::StepFunctions::StateMachine": _MACHINE,
    "AWS::Serverless::StateMachine": _MACHINE,
    "AWS::Kinesis::Stream": _kind("Name", "arn:{p}:kinesis:{r}:{a}:stream/{n}"),
    "AWS::KinesisFirehose::DeliveryStream": _kind("DeliveryStreamName", "arn:{p}:firehose:{r}:{a}:deliverystream/{n}"),
    "AWS::Cognito::UserPool": _kind(
        None,
        "arn:{p}:cognito-idp:{r}:{a}:userpool/{r}_{id}",
        "{r}_{id}",
        UserPoolId="{r}_{id}",
        ProviderName="cognito-idp.{r}.amazonaws.com/{r}_{id}",
        ProviderURL="https://cognito-idp.{r}.amazonaws.com/{r}_{id}",
    ),
    "AWS::Cognito::UserPoolClient": _kind(None, "", "{id}", ClientId="{id}", Name="{n}"),
    "AWS::SES::EmailIdentity": _kind("EmailIdentity", "arn:{p}:ses:{r}:{a}:identity/{n}"),
    "AWS::SES::ConfigurationSet": _kind("Name", "arn:{p}:ses:{r}:{a}:configuration-set/{n}"),
    "AWS::CertificateManager::Certificate": _kind(None, "arn:{p}:acm:{r}:{a}:certificate/{uuid}", "{arn}"),
    "AWS::WAFv2::WebACL": _kind("Name", "arn:{p}:wafv2:{r}:{a}:regional/webacl/{n}/{uuid}", "{n}|{uuid}|REGIONAL"),
    "AWS::CodeDeploy::Application": _kind("ApplicationName", "arn:{p}:codedeploy:{r}:{a}:application:{n}"),
    "AWS::EC2::VPC": _kind(None, "", "vpc-{id}", VpcId="vpc-{id}", CidrBlock="10.0.0.0/16"),
    "AWS::EC2::Subnet": _kind(None, "", "subnet-{id}", SubnetId="subnet-{id}"),
    "AWS::EC2::SecurityGroup": _kind(None, "", "sg-{id}", GroupId="sg-{id}"),
}  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """A resource's name, what `Ref` gives, and what `Fn::GetAtt` gives."""

    name: str
    ref: str
    attributes: Mapping[str, str]


def identify(type_: str, logical_id: str, explicit_name: str | None, place: Place) -> Identity:
    """The identity of one resource; `explicit_name` is its name property's value, where it has one."""
    kind = KINDS.get(
        type_, Kind(arn=f"arn:{{p}}:{type_.split('::')[1].lower() if '::' in type_ else 'x'}:{{r}}:{{a}}:{{n}}")
    )
    name = explicit_name or f"{place.stack}-{logical_id}"
    if kind.lower and not explicit_name:
        name = name.lower()
    digest = hashlib.sha256(f"{place.stack}/{logical_id}".encode()).digest()
    values = {
        "p": place.partition,
        "r": place.region,
        "a": place.account,
        "n": name,
        "id": "".join("abcdefghijklmnopqrstuvwxyz0123456789"[byte % 36] for byte in digest[:10]),
        "uuid": str(uuid.UUID(bytes=digest[:16], version=4)),
        "url": place.engine_url,
    }
    arn = kind.arn.format_map(values)
    values["arn"] = arn.replace("parameter//", "parameter/")
    attributes = {key: value.format_map(values) for key, value in kind.attributes.items()}
    if arn:
        attributes["Arn"] = values["arn"]
    return Identity(name, kind.ref.format_map(values), attributes)
