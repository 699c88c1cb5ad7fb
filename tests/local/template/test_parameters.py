"""Parameters, samconfig.toml, dynamic references and secrets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lanner.local.plan import CloudPlan
from lanner.local.template import TemplateError, load_plan
from lanner.local.template.parameters import parse_overrides

Plan = Callable[..., CloudPlan]
Value = Callable[..., tuple[Any, list[str]]]


def one(declaration: str) -> str:
    """A Parameters section with one parameter `P`."""
    return f"Parameters:\n  P: {declaration}\n"


@pytest.mark.parametrize(
    ("declaration", "expected"),
    [
        ("{Type: String, Default: x}", "x"),
        ("{Type: Number, Default: 3}", "3"),
        ("{Type: String, Default: true}", "true"),
        ("{Type: CommaDelimitedList, Default: 'a, b'}", ["a", "b"]),
        ("{Type: 'List<Number>', Default: '1,2'}", ["1", "2"]),
        ("{Type: CommaDelimitedList, Default: ''}", []),
        ("{Type: 'List<AWS::EC2::Subnet::Id>', Default: 's-1,s-2'}", ["s-1", "s-2"]),
        ("{Type: 'AWS::SSM::Parameter::Name', Default: /a/b}", "/a/b"),
    ],
)
def test_a_default_is_read_by_its_type(value: Value, declaration: str, expected: object) -> None:
    """Lists by commas, numbers as text, as CloudFormation gives them."""
    assert value("!Ref P", one(declaration)) == (expected, [])


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ("{Type: String}", "parameter 'P' has no Default: give it with --parameter-overrides P=VALUE"),
        ("{Type: String, Default: c, AllowedValues: [a, b]}", "'c' is not an allowed value of 'P': a, b"),
        ("{Type: String, Default: c, AllowedPattern: '[0-9]+'}", "'c' is not allowed for 'P': it must match [0-9]+"),
        ("{Type: Number, Default: many}", "'many' is not a number"),
        ("{Type: Number, Default: 9, MaxValue: 5}", "'P' breaks its MaxValue of 5"),
        ("{Type: String, Default: ab, MinLength: 3}", "'P' breaks its MinLength of 3"),
        ("{Type: Strnig, Default: a}", "'Strnig' is not a parameter type; did you mean 'String'?"),
        ("{Type: String, Defualt: a, Default: b}", "a parameter has no 'Defualt'; did you mean 'Default'?"),
        ("text", "parameter 'P' is a mapping with a Type"),
        ("{Type: String, NoEcho: true, Default: hush, AllowedValues: [a]}", "the given value is not an allowed value"),
    ],
)
def test_a_parameter_that_is_wrong_is_one_finding(value: Value, declaration: str, message: str) -> None:
    """A secret value is not shown."""
    _, findings = value("!Ref P", one(declaration))
    assert len(findings) == 1
    assert message in findings[0]
    assert "hush" not in findings[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1 B=two", {"A": "1", "B": "two"}),
        ('A="two words" B=x=y', {"A": "two words", "B": "x=y"}),
        ("ParameterKey=A,ParameterValue=1 ParameterKey=B,ParameterValue=x,y", {"A": "1", "B": "x,y"}),
        (["A=1", "B=two words"], {"A": "1", "B": "two words"}),
        ("A=", {"A": ""}),
        ("", {}),
    ],
)
def test_overrides_are_written_as_sam_takes_them(text: str | list[str], expected: dict[str, str]) -> None:
    """In both of its spellings, quoted, and as a list."""
    assert parse_overrides(text) == expected


@pytest.mark.parametrize("text", ["A", "=1", "A B=1"])
def test_an_override_without_a_name_or_value_is_an_error(text: str) -> None:
    """It says what would be right."""
    with pytest.raises(ValueError, match="write Name=Value"):
        parse_overrides(text)


CONFIG = """
version = 0.1
[default.deploy.parameters]
parameter_overrides = "P=from-deploy"
[default.global.parameters]
parameter_overrides = "P=from-global"
[prod.deploy.parameters]
parameter_overrides = ["P=from-prod"]
"""


def test_the_command_line_wins_over_samconfig_which_wins_over_the_default(plan: Plan) -> None:
    """And the environment chooses the table."""
    template = one("{Type: String, Default: from-template}") + (
        "Resources: {Probe: {Type: AWS::SSM::Parameter, Properties: {Value: !Ref P}}}"
    )

    def found(**options: Any) -> str:
        made = plan(template, {"samconfig.toml": CONFIG}, **options)
        assert made.findings == ()
        assert "samconfig.toml" in [each.name for each in made.files]
        return str(made.resources["Probe"].properties["Value"])

    assert found() == "from-deploy"
    assert found(config_env="prod") == "from-prod"
    assert found(config_env="prod", overrides={"P": "from-line"}) == "from-line"


def test_an_environment_that_samconfig_does_not_have_is_reported(plan: Plan) -> None:
    """With the name that was probably meant; the template's own values serve."""
    made = plan(
        one("{Type: String, Default: x}") + "Resources: {T: {Type: AWS::SNS::Topic}}",
        {"samconfig.toml": CONFIG},
        config_env="prd",
    )
    assert [(each.level, each.message) for each in made.findings] == [
        ("error", "--config-env: there is no environment 'prd'; did you mean 'prod'?; it has default, prod")
    ]


def test_the_region_is_the_command_lines_then_samconfigs_then_ours(plan: Plan) -> None:
    """As `sam` takes it."""
    template = "Resources: {Probe: {Type: AWS::SSM::Parameter, Properties: {Value: !Ref AWS::Region}}}"
    config = {"samconfig.toml": '[default.deploy.parameters]\nregion = "us-west-2"\n'}

    def found(*files: dict[str, str], **options: Any) -> tuple[str, str]:
        made = plan(template, *files, **options)
        return made.region, str(made.resources["Probe"].properties["Value"])

    assert found(config, region="sa-east-1") == ("sa-east-1", "sa-east-1")
    assert found(config) == ("us-west-2", "us-west-2")
    assert found({"samconfig.toml": "version = 0.1\n"}) == ("eu-west-1", "eu-west-1")


def test_an_override_that_the_template_does_not_declare_is_reported(plan: Plan) -> None:
    """With the name that was probably meant."""
    made = plan(one("{Type: String, Default: x}") + "Resources: {T: {Type: AWS::SNS::Topic}}", overrides={"p": "1"})
    assert [each.message for each in made.findings] == [
        "the template has no parameter 'p', which is overridden; did you mean 'P'?"
    ]


def test_a_samconfig_that_cannot_be_read_ends_the_reading_with_its_line(plan: Plan) -> None:
    """By file and line."""
    with pytest.raises(TemplateError) as caught:
        plan("Resources: {T: {Type: AWS::SNS::Topic}}", {"samconfig.toml": "version = 0.1\n[default\n"})
    assert str(caught.value.findings[0].where).endswith("samconfig.toml:2")


SECRETS = """
[ssm]
"/app/name" = "users"
"/app/name:2" = "users-2"
[secretsmanager]
plain = "text"
"app/db" = { password = "s3cret", port = 5432 }
"""


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("{{resolve:ssm:/app/name}}", "users"),
        ("{{resolve:ssm:/app/name:2}}", "users-2"),
        ("{{resolve:ssm:/app/name:7}}", "users"),
        ("{{resolve:ssm-secure:/app/name}}", "users"),
        ("{{resolve:secretsmanager:plain}}", "text"),
        ("{{resolve:secretsmanager:app/db:SecretString:password}}", "s3cret"),
        ("x-{{resolve:secretsmanager:app/db:SecretString:port::}}-{{resolve:ssm:/app/name}}", "x-5432-users"),
        (
            "{{resolve:secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-a1B2c3:SecretString:password}}",
            "s3cret",
        ),
    ],
)
def test_dynamic_references_are_read_from_the_local_file(plan: Plan, reference: str, expected: str) -> None:
    """`.lanner/secrets.toml` beside the template."""
    template = f'Resources: {{Probe: {{Type: AWS::SSM::Parameter, Properties: {{Value: "{reference}"}}}}}}'
    made = plan(template, {".lanner/secrets.toml": SECRETS})
    assert made.findings == ()
    assert made.resources["Probe"].properties["Value"] == expected


def test_a_reference_without_a_local_value_says_which_line_to_add(plan: Plan) -> None:
    """And where."""
    made = plan('Resources: {Probe: {Type: AWS::SSM::Parameter, Properties: {Value: "{{resolve:secretsmanager:db}}"}}}')
    (finding,) = made.findings
    assert 'add \'"db" = "..."\' under [secretsmanager] in ' in finding.message
    assert finding.message.endswith("secrets.toml")


def test_another_secrets_file_may_be_json_and_has_to_exist(plan: Plan, tmp_path: Path) -> None:
    """`--secrets FILE`."""
    template = "Parameters: {P: {Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /list}}\nResources: {Probe: {Type: AWS::SSM::Parameter, Properties: {Value: !Ref P}}}"  # noqa: E501
    (tmp_path / "own.json").write_text('{"ssm": {"/list": "a,b"}}')
    made = plan(template, secrets=tmp_path / "own.json")
    assert (made.resources["Probe"].properties["Value"], made.findings) == (["a", "b"], ())
    with pytest.raises(TemplateError, match="there is no secrets file"):
        plan(template, secrets=tmp_path / "none.json")


def test_a_secret_of_the_template_needs_no_file_and_is_the_same_on_every_start(plan: Plan) -> None:
    """GenerateSecretString by its rules; the resource holds what functions are told."""
    template = """
Resources:
  Key:
    Type: AWS::SecretsManager::Secret
    Properties: {GenerateSecretString: {PasswordLength: 20, ExcludePunctuation: true, ExcludeCharacters: abc}}
  Name: {Type: AWS::SSM::Parameter, Properties: {Name: /n, Value: stored}}
Outputs:
  Key: {Value: !Sub "{{resolve:secretsmanager:${Key}}}"}
  Name: {Value: "{{resolve:ssm:/n}}"}
"""
    first, second = plan(template), plan(template)
    assert first.findings == ()
    assert first.outputs == second.outputs
    assert first.outputs["Name"] == "stored"
    key = first.outputs["Key"]
    assert len(key) == 20
    assert key.isalnum()
    assert not set(key) & set("abc")
    assert first.resources["Key"].properties["SecretString"] == key
    assert plan(template, stack_name="other").outputs["Key"] != key


def test_a_folder_is_read_by_its_template(tmp_path: Path) -> None:
    """yaml, yml or json; none is an error."""
    with pytest.raises(TemplateError, match=r"there is no template\.yaml, template\.yml, template\.json"):
        load_plan(tmp_path)
    (tmp_path / "template.json").write_text('{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}')
    assert list(load_plan(tmp_path).resources) == ["T"]
