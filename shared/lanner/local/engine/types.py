"""Which resource types the engine creates, which are not needed locally, and which moto backends they use.

Everything that is in neither list is reported, so that nothing is missing in silence.
"""

from __future__ import annotations

from lanner.local.plan import CloudPlan

# Created by `create.py`; the moto backend that holds them.
CREATED: dict[str, str] = {
    "AWS::DynamoDB::GlobalTable": "dynamodb",
    "AWS::DynamoDB::Table": "dynamodb",
    "AWS::Events::EventBus": "events",
    "AWS::KMS::Alias": "kms",
    "AWS::KMS::Key": "kms",
    "AWS::S3::Bucket": "s3",
    "AWS::SES::EmailIdentity": "ses",
    "AWS::SNS::Subscription": "sns",
    "AWS::SNS::Topic": "sns",
    "AWS::SQS::Queue": "sqs",
    "AWS::SSM::Parameter": "ssm",
    "AWS::SecretsManager::Secret": "secretsmanager",
    "AWS::Serverless::SimpleTable": "dynamodb",
}

# Right in AWS, without a part in serving requests on a laptop: permissions, observation, deployment, names.
NOT_NEEDED = frozenset(
    {
        "AWS::ApiGateway::Account",
        "AWS::ApiGateway::ClientCertificate",
        "AWS::ApiGateway::DocumentationPart",
        "AWS::ApiGateway::DocumentationVersion",
        "AWS::ApiGateway::Model",
        "AWS::ApiGatewayV2::Model",
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::ApplicationInsights::Application",
        "AWS::Budgets::Budget",
        "AWS::CertificateManager::Certificate",
        "AWS::CloudFormation::WaitCondition",
        "AWS::CloudFormation::WaitConditionHandle",
        "AWS::CloudFormation::Interface",
        "AWS::CloudFront::Distribution",
        "AWS::CloudTrail::Trail",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::AnomalyDetector",
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::CodeDeploy::Application",
        "AWS::CodeDeploy::DeploymentConfig",
        "AWS::CodeDeploy::DeploymentGroup",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::Subnet",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCEndpoint",
        "AWS::Events::EventBusPolicy",
        "AWS::Events::Rule",
        "AWS::IAM::InstanceProfile",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::ServiceLinkedRole",
        "AWS::IAM::User",
        "AWS::Lambda::CapacityProvider",
        "AWS::Lambda::CodeSigningConfig",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::LayerVersionPermission",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
        "AWS::Logs::MetricFilter",
        "AWS::Logs::QueryDefinition",
        "AWS::Logs::ResourcePolicy",
        "AWS::Logs::SubscriptionFilter",
        "AWS::ResourceGroups::Group",
        "AWS::Route53::HostedZone",
        "AWS::Route53::RecordSet",
        "AWS::Route53::RecordSetGroup",
        "AWS::S3::BucketPolicy",
        "AWS::SES::ConfigurationSet",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::Scheduler::Schedule",
        "AWS::Scheduler::ScheduleGroup",
        "AWS::SecretsManager::ResourcePolicy",
        "AWS::SecretsManager::SecretTargetAttachment",
        "AWS::Serverless::CapacityProvider",
        "AWS::Serverless::Connector",
        "AWS::Synthetics::Canary",
        "AWS::WAFv2::WebACL",
        "AWS::WAFv2::WebACLAssociation",
        "AWS::XRay::Group",
        "AWS::XRay::SamplingRule",
    }
)


def services_of(plan: CloudPlan) -> tuple[str, ...]:
    """The moto backends that the plan's resources need, to be loaded before `ready`."""
    return tuple(sorted({CREATED[each.type] for each in plan.resources.values() if each.type in CREATED}))
