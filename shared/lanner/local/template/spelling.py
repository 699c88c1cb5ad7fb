"""The names that SAM and CloudFormation know, for the types and places where people mistype most.

Lists, not code: held against aws-sam-translator's own in the tests. Source: AWS SAM Developer Guide, resource and
property reference; AWS CloudFormation resource reference.
"""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


SECTIONS = _words(
    "AWSTemplateFormatVersion Conditions Description Globals Hooks Mappings Metadata Outputs "
    "Parameters Resources Rules Transform"
)

RESOURCE_KEYS = _words(
    "Condition Connectors CreationPolicy DeletionPolicy DependsOn IgnoreGlobals Metadata "
    "Properties Type UpdatePolicy UpdateReplacePolicy"
)

_POLLER = (
    "BatchSize BisectBatchOnFunctionError ConsumerGroupId DestinationConfig Enabled FilterCriteria "
    "FunctionResponseTypes KafkaBootstrapServers KmsKeyArn MaximumBatchingWindowInSeconds MaximumRecordAgeInSeconds "
    "MaximumRetryAttempts MetricsConfig ParallelizationFactor ProvisionedPollerConfig Queue Queues ScalingConfig "
    "SchemaRegistryConfig SecretsManagerKmsKeyId SourceAccessConfigurations StartingPosition "
    "StartingPositionTimestamp Topics TumblingWindowInSeconds"
)

_RULE = "DeadLetterConfig EventBusName Input InputPath InputTransformer Pattern RetryPolicy RuleName State Target"

PROPERTIES: dict[str, list[str]] = {
    type_: _words(names)
    for type_, names in {
        "AWS::Serverless::Function": (
            "Architectures AssumeRolePolicyDocument AutoPublishAlias AutoPublishAliasAllProperties "
            "AutoPublishCodeSha256 CapacityProviderConfig CodeSigningConfigArn CodeUri DeadLetterQueue "
            "DeploymentPreference Description DurableConfig Environment EphemeralStorage EventInvokeConfig Events "
            "FileSystemConfigs FunctionName FunctionScalingConfig FunctionUrlConfig Handler ImageConfig ImageUri "
            "InlineCode KmsKeyArn Layers LoggingConfig MemorySize PackageType PermissionsBoundary Policies "
            "PropagateTags ProvisionedConcurrencyConfig PublishToLatestPublished RecursiveLoop "
            "ReservedConcurrentExecutions Role RolePath Runtime RuntimeManagementConfig SnapStart SourceKMSKeyArn Tags "
            "TenancyConfig Timeout Tracing VersionDeletionPolicy VersionDescription VpcConfig"
        ),
        "AWS::Serverless::Api": (
            "AccessLogSetting AlwaysDeploy ApiKeySourceType Auth BinaryMediaTypes CacheClusterEnabled CacheClusterSize "
            "CanarySetting Cors DefinitionBody DefinitionUri Description DisableExecuteApiEndpoint Domain "
            "EndpointConfiguration FailOnWarnings GatewayResponses MergeDefinitions MethodSettings "
            "MinimumCompressionSize Mode Models Name OpenApiVersion Policy PropagateTags SecurityPolicy StageName Tags "
            "TracingEnabled Variables"
        ),
        "AWS::Serverless::HttpApi": (
            "AccessLogSettings Auth CorsConfiguration DefaultRouteSettings DefinitionBody DefinitionUri Description "
            "DisableExecuteApiEndpoint Domain FailOnWarnings Name PropagateTags RouteSettings StageName StageVariables "
            "Tags"
        ),
        "AWS::Serverless::LayerVersion": (
            "CompatibleArchitectures CompatibleRuntimes ContentUri Description LayerName LicenseInfo "
            "PublishLambdaVersion RetentionPolicy"
        ),
        "AWS::Serverless::SimpleTable": (
            "PointInTimeRecoverySpecification PrimaryKey ProvisionedThroughput SSESpecification TableName Tags"
        ),
        "AWS::Serverless::Application": "Location NotificationARNs Parameters Tags TemplateUrl TimeoutInMinutes",
        "AWS::Serverless::StateMachine": (
            "AutoPublishAlias Definition DefinitionSubstitutions DefinitionUri DeploymentPreference Events Logging "
            "Name PermissionsBoundary Policies PropagateTags Role RolePath Tags Tracing Type UseAliasAsEventTarget"
        ),
        "AWS::Lambda::Function": (
            "Architectures CapacityProviderConfig Code CodeSigningConfigArn DeadLetterConfig Description DurableConfig "
            "Environment EphemeralStorage FileSystemConfigs FunctionName FunctionScalingConfig Handler ImageConfig "
            "KmsKeyArn Layers LoggingConfig MemorySize PackageType PublishToLatestPublished RecursiveLoop "
            "ReservedConcurrentExecutions Role Runtime RuntimeManagementConfig SnapStart Tags TenancyConfig Timeout "
            "TracingConfig VpcConfig"
        ),
        "AWS::SQS::Queue": (
            "ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue FifoThroughputLimit "
            "KmsDataKeyReusePeriodSeconds KmsMasterKeyId MaximumMessageSize MessageRetentionPeriod QueueName "
            "ReceiveMessageWaitTimeSeconds RedriveAllowPolicy RedrivePolicy SqsManagedSseEnabled Tags VisibilityTimeout"
        ),
        "AWS::DynamoDB::Table": (
            "AttributeDefinitions BillingMode ContributorInsightsSpecification DeletionProtectionEnabled "
            "GlobalSecondaryIndexes ImportSourceSpecification KeySchema KinesisStreamSpecification "
            "LocalSecondaryIndexes OnDemandThroughput PointInTimeRecoverySpecification ProvisionedThroughput "
            "ResourcePolicy SSESpecification StreamSpecification TableClass TableName Tags TimeToLiveSpecification "
            "WarmThroughput"
        ),
    }.items()
}

EVENT_KEYS = ["Properties", "Type"]
EVENTS: dict[str, list[str]] = {
    type_: _words(names)
    for type_, names in {
        "Api": "Auth Method Path RequestModel RequestParameters ResponseTransferMode RestApiId Stage TimeoutInMillis",
        "HttpApi": "ApiId Auth Method Path PayloadFormatVersion RouteSettings Stage TimeoutInMillis",
        "SQS": _POLLER,
        "DynamoDB": f"{_POLLER} Stream",
        "S3": "Bucket Events Filter",
        "SNS": "FilterPolicy FilterPolicyScope RedrivePolicy Region SqsSubscription Topic",
        "EventBridgeRule": _RULE,
        "CloudWatchEvent": f"{_RULE} Enabled",
        "Schedule": "DeadLetterConfig Description Enabled Input Name RetryPolicy RuleName Schedule State",
        "ScheduleV2": (
            "DeadLetterConfig Description EndDate FlexibleTimeWindow GroupName Input KmsKeyArn Name OmitName "
            "PermissionsBoundary RetryPolicy RoleArn ScheduleExpression ScheduleExpressionTimezone StartDate State"
        ),
    }.items()
}

# Mappings below a property, by type and property.
BELOW: dict[tuple[str, str], list[str]] = {
    (type_, key): _words(names)
    for (type_, key), names in {
        ("AWS::Serverless::Function", "Environment"): "Variables",
        ("AWS::Lambda::Function", "Environment"): "Variables",
        ("AWS::Serverless::Function", "FunctionUrlConfig"): "AuthType Cors InvokeMode",
        ("AWS::Serverless::Api", "Auth"): (
            "AddApiKeyRequiredToCorsPreflight AddDefaultAuthorizerToCorsPreflight ApiKeyRequired Authorizers "
            "DefaultAuthorizer InvokeRole ResourcePolicy UsagePlan"
        ),
        ("AWS::Serverless::HttpApi", "Auth"): "Authorizers DefaultAuthorizer EnableIamAuthorizer",
        ("AWS::Serverless::HttpApi", "CorsConfiguration"): (
            "AllowCredentials AllowHeaders AllowMethods AllowOrigins ExposeHeaders MaxAge"
        ),
    }.items()
}

SERVERLESS_TYPES = [
    f"AWS::Serverless::{name}"
    for name in _words(
        "Api Application CapacityProvider Connector Function GraphQLApi HttpApi LayerVersion SimpleTable StateMachine "
        "WebSocketApi"
    )
]

# Properties that change what callers see in AWS and are not done locally.
NOT_DONE: dict[str, dict[str, str]] = {
    "AWS::Serverless::Function": {
        "DurableConfig": "durable functions are run as ordinary ones",
        "FileSystemConfigs": "file systems are not mounted",
        "TenancyConfig": "environments are not kept apart by tenant",
    },
    "AWS::Lambda::Function": {
        "DurableConfig": "durable functions are run as ordinary ones",
        "FileSystemConfigs": "file systems are not mounted",
        "TenancyConfig": "environments are not kept apart by tenant",
    },
    "AWS::ApiGateway::Stage": {
        "CacheClusterEnabled": "the stage's cache is not simulated: every request reaches its function",
        "CanarySetting": "canaries of a stage are not simulated",
    },
    "AWS::Serverless::Api": {
        "CacheClusterEnabled": "the stage's cache is not simulated: every request reaches its function",
        "CanarySetting": "canaries of a stage are not simulated",
        "Policy": "resource policies are not evaluated",
    },
}
