"""Spelling: sections of a template, keys of a resource, and properties of the types that people mistype most."""

from __future__ import annotations

from lanner.local.template.findings import Findings, did_you_mean
from lanner.local.template.source import Section

_SECTIONS = (
    "AWSTemplateFormatVersion", "Conditions", "Description", "Globals", "Hooks", "Mappings", "Metadata", "Outputs",
    "Parameters", "Resources", "Rules", "Transform",
)  # fmt: skip


def check_template(document: Section, findings: Findings) -> None:
    """Findings for misspelled sections of one template."""
    for key in document:
        if key not in _SECTIONS:
            findings.error("", f"a template has no section '{key}'{did_you_mean(key, _SECTIONS)}", document.at(key))
