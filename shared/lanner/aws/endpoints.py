"""Which region and endpoint a service has, from the environment, as the AWS SDKs read it.

Source: docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html. The isolated partitions are not known here:
set `AWS_ENDPOINT_URL_<SERVICE>` there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping


def service_region(environ: Mapping[str, str]) -> str:
    """`AWS_REGION`, else `AWS_DEFAULT_REGION`. Raises `AwsError` where neither is set."""
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise AwsError("AWS_REGION is not set; set it to the region of the deployment, for example eu-central-1")
    if not region.replace("-", "").isalnum() or not region.isascii():
        raise AwsError(f"AWS_REGION is {region!r}, which is not a region such as eu-central-1")
    return region


def service_endpoint(service: str, region: str, environ: Mapping[str, str]) -> str:
    """`AWS_ENDPOINT_URL_<SERVICE>`, else `AWS_ENDPOINT_URL`, else the region's public endpoint."""
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        configured = environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or environ.get("AWS_ENDPOINT_URL")
        if configured:
            return configured
    name = f"{service}-fips" if environ.get("AWS_USE_FIPS_ENDPOINT", "").lower() == "true" else service
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{name}.{region}.{suffix}"
