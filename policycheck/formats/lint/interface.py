"""What a report of lint is made from, and what a format of it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from policycheck.formats.cleaning import cleaned
from policycheck.formats.escape import defuse_document
from policycheck.formats.interface import DEFAULTS, Options
from policycheck.formats.words import plural
from policycheck.policy.lint.finding import Level, LintFinding


@dataclass(frozen=True, slots=True)
class LintReport:
    """One run of lint."""

    findings: tuple[LintFinding, ...]
    """In file order, suppressed ones among them."""
    codes: tuple[str, ...]
    """What was checked for, sorted."""
    policies: int
    rules: int
    as_of: datetime
    tool_version: str
    fail_on: Level | None = Level.WARNING
    """The least level that fails the run; None: never."""
    shown: Level = Level.WARNING
    """Findings below it are counted, and not shown (text and GitHub)."""

    @property
    def open_findings(self) -> tuple[LintFinding, ...]:
        return tuple(finding for finding in self.findings if finding.suppressed is None)

    @property
    def failed(self) -> bool:
        return self.fail_on is not None and any(finding.level.at_least(self.fail_on) for finding in self.open_findings)

    def shows(self, finding: LintFinding) -> bool:
        """Whether text and GitHub show it."""
        return finding.always_shown or finding.level.at_least(self.shown)

    def count(self, level: Level) -> int:
        """How many findings of this level are open."""
        return sum(finding.level is level for finding in self.open_findings)


@dataclass(frozen=True, slots=True)
class LintFormat:
    """One report format of lint."""

    name: str
    """The word after `--output`."""
    file_suffix: str
    media_type: str
    writer: Callable[[LintReport, Options], str]

    def render(self, report: LintReport, options: Options = DEFAULTS) -> str:
        """The whole document, ending with a newline; every string in it was cleaned."""
        return self.writer(cleaned(report), options)

    def printed(self, document: str) -> str:
        """What `render` gave, for a stream that a CI runner may listen to."""
        return defuse_document(document, self.media_type)

    def companion_paths(self, _path: Path) -> dict[str, Path]:
        """It writes no file beside its own."""
        return {}


def count_line(report: LintReport) -> str:
    """`2 policies, 9 rules: 1 error, 2 warnings, 3 infos; 1 suppressed`; what is not shown is said."""
    head = f"{plural(report.policies, 'policy', 'policies')}, {plural(report.rules, 'rule')}"
    counts = [plural(count, str(level)) for level in Level if (count := report.count(level))]
    if not report.count(Level.ERROR):
        counts.insert(0, "no errors" if report.count(Level.WARNING) else "no errors, no warnings")
    suppressed = len(report.findings) - len(report.open_findings)
    return f"{head}: {', '.join(counts)}{f'; {suppressed:,} suppressed' if suppressed else ''}"
