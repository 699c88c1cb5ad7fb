"""Function URLs. Source: AWS::Lambda::Url; AWS SAM Developer Guide, "FunctionUrlConfig"."""

from __future__ import annotations

from lanner.local.plan import FunctionUrlPlan
from lanner.local.template.cors import cors_plan
from lanner.local.template.reader import Reader


def function_url(config: Reader) -> FunctionUrlPlan:
    """A `FunctionUrlConfig` or the properties of an `AWS::Lambda::Url`."""
    auth = config.text("AuthType", "AWS_IAM")
    if auth not in ("NONE", "AWS_IAM"):
        config.wrong("AuthType", "NONE or AWS_IAM")
    mode = config.text("InvokeMode", "BUFFERED")
    if mode == "RESPONSE_STREAM":
        message = "InvokeMode RESPONSE_STREAM: Lambda does not stream from Python; answers are buffered"
        config.findings.unsupported(config.resource, message, config.at("InvokeMode"))
    cors = cors_plan(config.child("Cors")) if "Cors" in config else None
    return FunctionUrlPlan("NONE" if auth == "NONE" else "AWS_IAM", cors, mode != "RESPONSE_STREAM")
