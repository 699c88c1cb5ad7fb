"""Intrinsic functions and conditions, as a template's author sees them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from lanner.local.plan import CloudPlan
from lanner.local.template import TemplateError

Plan = Callable[..., CloudPlan]
Value = Callable[..., tuple[Any, list[str]]]

CONDITIONS = """
Parameters:
  Stage: {Type: String, Default: dev}
  Names: {Type: CommaDelimitedList, Default: "a, b ,c"}
Mappings:
  Sizes:
    dev: {Memory: 128, Zones: [x, y]}
Conditions:
  IsDev: !Equals [!Ref Stage, dev]
  IsProd: !Not [!Condition IsDev]
  Either: !Or [!Condition IsDev, !Condition IsProd]
  Both: !And [!Condition IsDev, !Condition IsProd]
  Listed: !Equals [!Join ["", !Ref Names], abc]
"""

CASES = [
    ("!Ref Stage", "dev"),
    ("!Ref Table", "things"),
    ("!Ref Jobs", "http://127.0.0.1:5000/123456789012/lanner-local-Jobs"),
    ("!Ref Names", ["a", "b", "c"]),
    ("!Ref AWS::Region", "eu-west-1"),
    ("!GetAtt Table.Arn", "arn:aws:dynamodb:eu-west-1:123456789012:table/things"),
    ("Fn::GetAtt: [Jobs, Arn]", "arn:aws:sqs:eu-west-1:123456789012:lanner-local-Jobs"),
    ("Fn::GetAtt: [!Join ['', [Jo, bs]], Arn]", "arn:aws:sqs:eu-west-1:123456789012:lanner-local-Jobs"),
    ("Ref: !Join ['', [St, age]]", "dev"),
    ("!Sub '${Stage}-${Table.Arn}-${!Literal}'", "dev-arn:aws:dynamodb:eu-west-1:123456789012:table/things-${Literal}"),
    ("!Sub ['${Who} and ${Stage}', {Who: !Select [1, !Ref Names]}]", "b and dev"),
    ("!Join ['-', [a, !Ref Stage, 3]]", "a-dev-3"),
    ("!Split ['|', 'a||b']", ["a", "", "b"]),
    ("!Select [2, !Split [',', 'x,y,z']]", "z"),
    ("!FindInMap [Sizes, !Ref Stage, Memory]", 128),
    ("!Select [1, !FindInMap [Sizes, dev, Zones]]", "y"),
    ("!FindInMap [Sizes, prod, Memory, {DefaultValue: 64}]", 64),
    ("!If [IsDev, yes it is, no]", "yes it is"),
    ("!If [IsProd, yes, !Ref AWS::NoValue]", None),
    ("!If [Either, a, b]", "a"),
    ("!If [Both, a, b]", "b"),
    ("!If [Listed, a, b]", "a"),
    ("!Base64 héllo", base64.b64encode("héllo".encode()).decode()),
    ("!Base64 {'Fn::Sub': '${Stage}'}", base64.b64encode(b"dev").decode()),
    ("!Cidr [10.0.0.0/16, 2, 8]", ["10.0.0.0/24", "10.0.1.0/24"]),
    ("!Select [1, !Cidr ['2001:db8::/56', 4, 64]]", "2001:db8:0:1::/64"),
    ("!GetAZs ''", ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
    ("!Select [0, !GetAZs {Ref: 'AWS::Region'}]", "eu-west-1a"),
    ("!Length [a, b, !Ref AWS::NoValue]", 2),
    ("Fn::Length: !Ref Names", 3),
    ("Fn::ToJsonString: {a: !Ref Stage, b: [1, true]}", '{"a":"dev","b":[1,true]}'),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_an_intrinsic_function_gives_what_cloudformation_gives(value: Value, expression: str, expected: object) -> None:
    """Each function by an example, in its short or long form."""
    found, findings = value(expression, CONDITIONS)
    assert found == expected
    assert findings == []


def test_novalue_leaves_its_key_and_item_out(plan: Plan) -> None:
    """AWS::NoValue in a mapping and in a list."""
    found = plan("""
Conditions: {Never: !Equals [a, b]}
Resources:
  Probe:
    Type: AWS::SSM::Parameter
    Properties:
      Value: [1, !If [Never, 2, !Ref AWS::NoValue], 3]
      Tags: !If [Never, {a: b}, !Ref AWS::NoValue]
""")
    assert found.resources["Probe"].properties == {"Value": [1, 3]}


WRONG = [
    ("!Ref Tabel", "'Tabel' is neither a parameter nor a resource of this template; did you mean 'Table'?"),
    ("!GetAtt Table.Arm", "AWS::DynamoDB::Table has no attribute 'Arm'; did you mean 'Arn'?"),
    ("!GetAtt Nobody.Arn", "there is no resource 'Nobody' to take 'Arn' of"),
    ("!Sub '${Nobody}'", "'Nobody' is neither a parameter nor a resource"),
    ("!Sub '${Nobody.Arn}'", "there is no resource 'Nobody'"),
    ("!Sub '${Names}'", "'${Names}' is a list; Fn::Sub takes text"),
    ("!Join [a]", "Fn::Join takes a list of 2 values"),
    ("!Join ['', !Ref Stage]", "Fn::Join joins a list, not 'dev'"),
    ("!Select [3, [a, b]]", "Fn::Select asks for index 3 of a list of 2"),
    ("!Split ['', abc]", "Fn::Split needs a separator"),
    ("!FindInMap [Sizes, prod, Memory]", "Fn::FindInMap: Mappings.Sizes has no 'prod'"),
    ("!FindInMap [Size, dev, Memory]", "Fn::FindInMap: Mappings has no 'Size'; did you mean 'Sizes'?"),
    ("!If [IsDve, a, b]", "there is no condition 'IsDve'; did you mean 'IsDev'?"),
    ("!Cidr [10.0.0.0/16, 300, 8]", "Fn::Cidr: 10.0.0.0/16 has 256 blocks with 8 host bits; 300 were asked for"),
    ("!Cidr [nonsense, 1, 8]", "Fn::Cidr: "),
    ("!Length text", "Fn::Length takes a list"),
    ("!Sbu x", "'Fn::Sbu' is not an intrinsic function; did you mean 'Fn::Sub'?"),
    ("!ImportValue other-vpc", "Fn::ImportValue 'other-vpc' comes from another stack"),
    ("!Transform {Name: MyMacro, Parameters: {}}", "the macro 'MyMacro' runs in AWS only"),
]


@pytest.mark.parametrize(("expression", "message"), WRONG)
def test_a_wrong_expression_is_one_finding_that_says_what_is_wrong(value: Value, expression: str, message: str) -> None:
    """Reading goes on with a placeholder."""
    _, findings = value(expression, CONDITIONS)
    assert len(findings) == 1
    assert message in findings[0]


def test_an_import_can_be_given_from_outside(value: Value) -> None:
    """`--parameter-overrides ImportValue:name=value` stands in for another stack."""
    found, findings = value("!ImportValue other-vpc", overrides={"ImportValue:other-vpc": "vpc-1"})
    assert (found, findings) == ("vpc-1", [])


def test_conditions_in_a_circle_end_the_reading(plan: Plan) -> None:
    """The error names the circle."""
    with pytest.raises(TemplateError, match="A -> B -> A"):
        plan("""
Conditions:
  A: !Not [!Condition B]
  B: !Not [!Condition A]
Resources:
  X: {Type: AWS::SNS::Topic, Condition: A}
""")


def test_resources_whose_names_need_each_other_end_the_reading(plan: Plan) -> None:
    """A name that refers to a name that refers back."""
    with pytest.raises(TemplateError, match="A -> B -> A"):
        plan("""
Resources:
  A: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt B.QueueName}}
  B: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt A.QueueName}}
""")


def test_resources_that_depend_on_each_other_end_the_reading_with_file_and_line(plan: Plan) -> None:
    """By reference or by DependsOn, whatever the names."""
    with pytest.raises(TemplateError) as caught:
        plan("""
Resources:
  A: {Type: AWS::SQS::Queue, DependsOn: B}
  B: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref A}}
""")
    (finding,) = caught.value.findings
    assert "A -> B -> A" in finding.message
    assert str(finding.where).endswith("template.yaml:3")


def test_resources_are_in_dependency_order(plan: Plan) -> None:
    """What is referred to, or named in DependsOn, comes first."""
    found = plan("""
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn}}}
  Dead: {Type: AWS::SQS::Queue, DependsOn: [Topic]}
  Topic: {Type: AWS::SNS::Topic}
""")
    assert list(found.resources) == ["Topic", "Dead", "Queue"]


def test_a_dependson_that_names_nothing_is_a_finding(plan: Plan) -> None:
    """By the line of DependsOn."""
    found = plan("Resources:\n  A:\n    Type: AWS::SQS::Queue\n    DependsOn: B\n")
    assert [(each.message, each.where.line) for each in found.findings] == [
        ("DependsOn names 'B', which is not a resource of this template", 4)
    ]


def test_a_resource_with_a_false_condition_is_left_out_and_a_reference_to_it_is_a_finding(plan: Plan) -> None:
    """AWS refuses such a reference, too."""
    found = plan("""
Conditions: {Never: !Equals [a, b]}
Resources:
  Gone: {Type: AWS::SQS::Queue, Condition: Never}
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !GetAtt Gone.Arn}}
  Fine: {Type: AWS::SNS::Topic, Properties: {DisplayName: !If [Never, !GetAtt Gone.Arn, none]}}
""")
    assert list(found.resources) == ["Topic", "Fine"]
    assert [(each.message, each.where.line) for each in found.findings] == [
        ("'Gone' is left out here by its Condition, but is referred to", 5)
    ]


def test_a_policy_statement_may_have_a_condition_of_its_own(plan: Plan) -> None:
    """A `Condition` block alone in a mapping is not a condition function."""
    found = plan("""
Resources:
  Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: {Statement: [{Condition: {StringEquals: {"aws:x": !Ref AWS::AccountId}}}]}
""")
    statement = found.resources["Policy"].properties["PolicyDocument"]["Statement"][0]
    assert statement == {"Condition": {"StringEquals": {"aws:x": "123456789012"}}}
    assert found.findings == ()


def test_foreach_unrolls_resources_outputs_and_nested_loops(plan: Plan) -> None:
    """`${Variable}` in keys and texts, `!Ref` of the variable, and a loop in a loop."""
    found = plan("""
Transform: AWS::LanguageExtensions
Parameters:
  Names: {Type: CommaDelimitedList, Default: "One,Two"}
Resources:
  "Fn::ForEach::Queues":
    - Name
    - !Ref Names
    - "${Name}Queue":
        Type: AWS::SQS::Queue
        Properties: {QueueName: !Sub "q-${Name}"}
      "Fn::ForEach::Topics":
        - Kind
        - [a.b, c]
        - "${Name}Topic&{Kind}":
            Type: AWS::SNS::Topic
            Properties: {TopicName: !Ref Name, DisplayName: "${Kind}"}
Outputs:
  "Fn::ForEach::Out":
    - Name
    - !Ref Names
    - "${Name}Url": {Value: !GetAtt "${Name}Queue.QueueName"}
""")
    assert sorted(found.resources) == ["OneQueue", "OneTopicab", "OneTopicc", "TwoQueue", "TwoTopicab", "TwoTopicc"]
    assert found.resources["OneTopicab"].properties == {"TopicName": "One", "DisplayName": "a.b"}
    assert found.outputs == {"OneUrl": "q-One", "TwoUrl": "q-Two"}


def test_an_include_is_merged_where_it_stands_and_may_hold_functions(plan: Plan) -> None:
    """AWS::Include of a local file, as a value and beside other keys."""
    found = plan(
        """
Resources:
  Whole:
    Type: AWS::SSM::Parameter
    Properties:
      Fn::Transform: {Name: AWS::Include, Parameters: {Location: parts/value.yaml}}
      Type: String
  Absent:
    Type: AWS::SSM::Parameter
    Properties:
      Value: !Transform {Name: AWS::Include, Parameters: {Location: nothing.yaml}}
""",
        {"parts/value.yaml": "Value:\n  Fn::Sub: ${AWS::Region}!\n"},
    )
    assert found.resources["Whole"].properties == {"Value": "eu-west-1!", "Type": "String"}
    assert [each.message.split(":")[0] for each in found.findings] == ["AWS"]
    assert "nothing.yaml" in found.findings[0].message
    assert [each.name for each in found.files] == ["template.yaml", "value.yaml"]


def test_generated_resources_of_sam_can_be_referred_to(plan: Plan) -> None:
    """The ids that SAM documents: role, alias, version, stage, URL, implicit API."""
    found = plan("""
Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      CodeUri: src
      Handler: app.handler
      AutoPublishAlias: live
      FunctionUrlConfig: {AuthType: NONE}
      Events:
        Get: {Type: Api, Properties: {Path: /, Method: get}}
        Http: {Type: HttpApi}
  Named:
    Type: AWS::Serverless::Api
    Properties: {StageName: beta-1}
Outputs:
  All:
    Value: !Join
      - " "
      - - !GetAtt HelloRole.Arn
        - !Ref HelloAliaslive
        - !Ref Hello.Version
        - !Ref Hello.Alias
        - !Sub "${Named.Stage} ${Namedbeta1Stage} ${ServerlessRestApiProdStage}"
        - !Ref ServerlessHttpApiApiGatewayDefaultStage
        - !Select [0, !Split [".", !GetAtt HelloUrl.FunctionUrl]]
""")
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:lanner-local-Hello"
    role, *rest, url = found.outputs["All"].split(" ")
    assert role == "arn:aws:iam::123456789012:role/lanner-local-HelloRole"
    assert rest == [f"{arn}:live", f"{arn}:1", f"{arn}:live", "beta-1", "beta-1", "Prod", "$default"]
    assert url.startswith("https://")
    assert found.findings == ()


def test_tojsonstring_of_anything_parses_back(value: Value) -> None:
    """Lists, mappings and resolved functions."""
    found, _ = value("Fn::ToJsonString: {list: [a, {b: !Ref Table}], none: null}")
    assert json.loads(found) == {"list": ["a", {"b": "things"}], "none": None}
