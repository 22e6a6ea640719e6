"""The report formats of lint by name: one module and one line each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from policycheck.formats.lint import document, github, sarif, text
from policycheck.formats.lint.interface import LintFormat

LINT_FORMATS: Mapping[str, LintFormat] = MappingProxyType({entry.name: entry for entry in (text.FORMAT, document.FORMAT, sarif.FORMAT, github.FORMAT)})
