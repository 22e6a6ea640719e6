"""The formats by name, in the order the help lists them. A new format is its module and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from policycheck.formats import github, gitlab, json_result, junit, markdown, sarif, text_report
from policycheck.formats.interface import Format

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            text_report.FORMAT,
            json_result.FORMAT,
            junit.FORMAT,
            sarif.FORMAT,
            markdown.FORMAT,
            github.FORMAT,
            gitlab.FORMAT,
        )
    }
)
