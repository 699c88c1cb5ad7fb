"""The template as CloudFormation gets it: expanded by SAM's own translator, without a network."""

from __future__ import annotations

from functools import cache
from typing import Any

from boto3.session import Session
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from tests.architecture.source_tree import ROOT

Document = dict[str, Any]  # Any: CloudFormation's JSON


def raw() -> Document:
    """The template as it is written, with intrinsic functions in their long form."""
    parsed: Document = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    return parsed


@cache
def _expanded(environment: str) -> Document:
    template = raw()
    template["Parameters"]["Environment"]["Default"] = environment
    # SAM takes code from a bucket where there is no packaging step; the name is never used.
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    translator = Translator({}, Parser(), boto_session=Session(region_name="eu-west-1"))
    expanded: Document = translator.translate(sam_template=template, parameter_values={"Environment": environment})
    return expanded


def expanded(environment: str = "prod") -> Document:
    """The CloudFormation template that SAM makes of it; not to be altered."""
    return _expanded(environment)


def resources(kind: str, environment: str = "prod") -> dict[str, Document]:
    """Logical id -> properties, of every expanded resource of one type."""
    return {
        name: resource["Properties"]
        for name, resource in expanded(environment)["Resources"].items()
        if resource["Type"] == kind
    }
