"""Function URLs. Source: AWS::Lambda::Url; AWS SAM Developer Guide, "FunctionUrlConfig"."""

from __future__ import annotations

from lanner.local.plan import FunctionUrlPlan
from lanner.local.template.cors import cors_plan
from lanner.local.template.findings import did_you_mean
from lanner.local.template.reader import Reader

CORS_KEYS = ("AllowCredentials", "AllowHeaders", "AllowMethods", "AllowOrigins", "ExposeHeaders", "MaxAge")


def function_url(config: Reader) -> FunctionUrlPlan:
    """A `FunctionUrlConfig` or the properties of an `AWS::Lambda::Url`."""
    auth = config.text("AuthType")
    if not auth:
        config.findings.error(
            config.resource, "a function URL needs an AuthType: NONE or AWS_IAM", config.section.where
        )
    elif auth not in ("NONE", "AWS_IAM"):
        config.wrong("AuthType", "NONE or AWS_IAM")
    elif auth == "AWS_IAM":
        message = "AuthType AWS_IAM: requests must carry a SigV4 Authorization, but it is not verified locally"
        config.findings.unsupported(config.resource, message, config.at("AuthType"))
    mode = config.text("InvokeMode", "BUFFERED")
    if mode == "RESPONSE_STREAM":
        message = "InvokeMode RESPONSE_STREAM: Lambda does not stream from Python; answers are buffered"
        config.findings.unsupported(config.resource, message, config.at("InvokeMode"))
    given = config.child("Cors")
    for key in given:
        if key not in CORS_KEYS:
            message = f"a function URL's Cors has no '{key}'{did_you_mean(key, CORS_KEYS)}"
            given.findings.error(given.resource, message, given.at(key))
    cors = cors_plan(given) if "Cors" in config else None
    return FunctionUrlPlan("NONE" if auth == "NONE" else "AWS_IAM", cors, mode != "RESPONSE_STREAM")
