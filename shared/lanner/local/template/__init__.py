"""SAM and CloudFormation templates as a `CloudPlan`: `load_plan` reads, everything else is how."""

from __future__ import annotations

from lanner.local.template.build import load_plan
from lanner.local.template.findings import TemplateError

__all__ = ["TemplateError", "load_plan"]
