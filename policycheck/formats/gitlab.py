"""GitLab's Code Quality report: an entry a finding, at the rule's line in its policy file.

What GitLab reads: "Code Quality report format" in its documentation. A merge request compares the fingerprints of its report with those of the target branch,
so an entry's identity is rule and subject. A waived finding is left out: GitLab would show it as open. An inconclusive rule is an entry with the rule's own
severity: GitLab knows no state between found and fixed, and without an entry the widget would call the rule's findings fixed in the very run that could not
judge it. For the same reason a run that judged nothing, or whose scope is not covered, is an entry too: an empty list is what a clean run writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from json.encoder import encode_basestring_ascii as quoted

from policycheck.errors import Location
from policycheck.formats.alerts import fingerprint, rule_fingerprint, rule_name, seen
from policycheck.formats.baseline_words import LESS, tell_earlier
from policycheck.formats.cleaning import line
from policycheck.formats.interface import CleanResult, Format, Options
from policycheck.formats.pieces import in_lines
from policycheck.formats.policy_uri import relative_path
from policycheck.formats.words import UNCOVERED, verdict_sentence
from policycheck.result import Result, RuleResult, Severity, Verdict
from policycheck.text import truncate

MAX_TEXT = 1000
SEVERITIES: Mapping[Severity, str] = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}
"""Five each, in the same order."""


@dataclass(frozen=True, slots=True)
class _Entry:
    check: str
    description: str
    fingerprint: str
    severity: Severity
    location: Location


def _render(result: CleanResult, options: Options) -> Iterator[str]:
    return in_lines(_parts(result, options))


def _parts(result: Result, options: Options) -> Iterator[str]:
    """The list, laid out as `json_pieces` would; put together by hand, since there may be very many entries."""
    taken: set[bytes] = set()
    mark = "["
    for entry in chain(_run_entries(result), *map(_rule_entries, result.rules), _carried_entries(result)):
        yield mark
        yield _json(entry, taken, options)
        mark = ","
    yield "\n]\n" if mark == "," else "[]\n"


def _run_entries(result: Result) -> Iterator[_Entry]:
    """What is wrong with the evidence of the run as a whole. No rule's line says it: it stands at the top of the first policy."""
    place = Location(result.policies[0].path if result.policies else "policy")
    if not any(rule.verdict is not Verdict.SKIPPED for rule in result.rules):
        yield _Entry("policycheck/evidence", verdict_sentence(result), fingerprint("evidence", "nothing judged"), Severity.CRITICAL, place)
    if result.scope_uncovered:
        yield _Entry("policycheck/evidence", f"Inconclusive: {UNCOVERED}", fingerprint("evidence", "scope"), Severity.CRITICAL, place)
    if result.baseline is not None and result.sees_less:
        text = "; ".join([f"Inconclusive: {LESS}", *result.baseline.lost])
        yield _Entry("policycheck/evidence", text, fingerprint("evidence", "baseline"), Severity.CRITICAL, place)


def _rule_entries(rule: RuleResult) -> Iterator[_Entry]:
    name = rule_name(rule)
    if rule.verdict is Verdict.INCONCLUSIVE:
        text = f"Inconclusive: {line(rule.reason, 'the evidence is not enough')}"
        yield _Entry(name, text, rule_fingerprint(rule, "inconclusive"), rule.severity, rule.location)
    elif rule.verdict is Verdict.FAIL and not rule.open_findings:
        yield _Entry(name, line(rule.reason, "the rule is violated"), rule_fingerprint(rule, "rule"), rule.severity, rule.location)
    for finding in rule.open_findings:
        yield _Entry(name, seen(finding), finding.fingerprint, finding.severity, rule.location)


def _carried_entries(result: Result) -> Iterator[_Entry]:
    """Findings of the baseline that this run could not see: left out, GitLab would show them as fixed."""
    for found in () if result.baseline is None else result.baseline.not_seen:
        text = f"{tell_earlier(found)}: not seen by this run, since {found.reason}; then: {line(found.message)}"
        yield _Entry(f"{line(found.policy)}/{line(found.rule)}", text, found.fingerprint, found.severity, found.location)


def _json(entry: _Entry, taken: set[bytes], options: Options) -> str:
    path = relative_path(entry.location.path, options.root, options.folder)
    return (
        "\n  {"
        f'\n    "check_name": {quoted(truncate(entry.check, MAX_TEXT))},'
        f'\n    "description": {quoted(truncate(line(entry.description), MAX_TEXT))},'
        f'\n    "fingerprint": "{_unique(entry.fingerprint, taken)}",'
        '\n    "location": {'
        '\n      "lines": {'
        f'\n        "begin": {max(entry.location.line, 1)}'
        "\n      },"
        f'\n      "path": {quoted(path)}'
        "\n    },"
        f'\n    "severity": "{SEVERITIES[entry.severity]}"'
        "\n  }"
    )


def _unique(value: str, taken: set[bytes]) -> str:
    """GitLab drops the second entry of a fingerprint: subjects that differ only in what cleaning replaced have one.

    Args:
        taken: the digests, since there may be very many.
    """
    count, made = 1, value
    while bytes.fromhex(made) in taken:
        count += 1
        made = fingerprint(value, str(count))
    taken.add(bytes.fromhex(made))
    return made


FORMAT = Format("gitlab", "a Code Quality report for GitLab", ".json", "application/json", _render)
