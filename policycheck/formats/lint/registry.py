"""The report formats of lint by name: one module and one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from policycheck.formats.lazy import LazyFormats

if TYPE_CHECKING:
    from policycheck.formats.lint.interface import LintFormat

LINT_FORMATS: Mapping[str, LintFormat] = LazyFormats(
    {
        "text": "policycheck.formats.lint.text",
        "json": "policycheck.formats.lint.document",
        "sarif": "policycheck.formats.lint.sarif",
        "github": "policycheck.formats.lint.github",
    }
)
