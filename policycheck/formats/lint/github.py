"""Lint findings as annotations on a GitHub Actions run, the worst first. The runner keeps the first 10 of each command a step; a notice counts the rest."""

from __future__ import annotations

from policycheck.formats.cleaning import line
from policycheck.formats.escape import WORKFLOW_COMMANDS, command_data, command_property, command_text
from policycheck.formats.github import MAX_ANNOTATIONS
from policycheck.formats.interface import Options
from policycheck.formats.lint.interface import LintFormat, LintReport, count_line
from policycheck.formats.policy_uri import relative_path
from policycheck.policy.lint.finding import Level, LintFinding
from policycheck.text import truncate

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}
_ROOM = {"error": MAX_ANNOTATIONS, "warning": MAX_ANNOTATIONS, "notice": MAX_ANNOTATIONS - 1}
"""One notice is the count's."""
MAX_TEXT = 1000


def _render(report: LintReport, options: Options) -> str:
    lines: list[str] = []
    left_out = 0
    for level, command in _COMMANDS.items():
        found = [finding for finding in report.open_findings if finding.level is level and report.shows(finding)]
        lines += [_annotation(command, finding, options) for finding in found[: _ROOM[command]]]
        left_out += max(len(found) - _ROOM[command], 0)
    more = f"; {left_out:,} more are not annotated, since GitHub shows {MAX_ANNOTATIONS} of each kind a step" if left_out else ""
    lines.append(f"::notice title=policycheck lint::{command_data(count_line(report) + more)}")
    return "".join(f"{one}\n" for one in lines)


def _annotation(command: str, finding: LintFinding, options: Options) -> str:
    place = finding.location
    properties = {"file": relative_path(place.path, options.root, options.folder), "line": place.line, "endLine": max(place.end_line, place.line)}
    if place.end_line == place.line and place.end_column > place.column:
        properties |= {"col": place.column, "endColumn": place.end_column}
    properties["title"] = f"{finding.code} {finding.name}"
    shown = ",".join(f"{name}={command_property(str(value))}" for name, value in properties.items())
    texts = [truncate(command_text(line(text)), MAX_TEXT) for text in (finding.message, finding.hint, f"See {finding.page}") if text]
    return f"::{command} {shown}::{command_data(chr(10).join(texts))}"


FORMAT = LintFormat("github", ".txt", WORKFLOW_COMMANDS, _render)
