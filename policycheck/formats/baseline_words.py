"""What reports for people say of a baseline, the same in each of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policycheck.comparison import Comparison, EarlierFinding, FindingState
from policycheck.errors import ExitCode
from policycheck.finding_list import count_kinds, order_by_kind
from policycheck.formats.cleaning import line
from policycheck.places import name_account
from policycheck.records import iso
from policycheck.result import Finding, Result, RuleResult

LESS = "this run does not cover everything that the baseline covered"


def count_states(rules: Iterable[RuleResult], state: FindingState) -> int:
    """Open findings of these rules that are new, or were in the baseline."""
    return sum(count for rule in rules for kind, count in count_kinds(rule.findings).items() if kind.state is state)


def baseline_line(result: Result) -> str:
    """`Since the baseline (last.json, as of ...): 2 new findings, 400 unchanged, 3 gone`; empty without a baseline."""
    told = result.baseline
    if told is None:
        return ""
    new = count_states(result.rules, FindingState.NEW)
    counts = [
        f"{new:,} new {'finding' if new == 1 else 'findings'}",
        f"{count_states(result.rules, FindingState.UNCHANGED):,} unchanged",
        f"{len(told.gone):,} gone",
        *([f"{told.waived:,} waived since"] if told.waived else []),
        *([f"{len(told.not_seen):,} not seen"] if told.not_seen else []),
    ]
    source = f"{line(told.source)}, " if told.source else ""
    return f"Since the baseline ({source}as of {iso(told.as_of)}): {', '.join(counts)}"


def exit_reason(result: Result) -> str:
    """Why the exit code is what it is, where the baseline decides it; empty where it does not."""
    told = result.baseline
    if told is None:
        return ""
    if result.exit_code is ExitCode.EVIDENCE and result.sees_less:
        return LESS
    old = count_states(result.rules, FindingState.UNCHANGED)
    if not told.fail_on_new or not (old or any(rule.state is FindingState.UNCHANGED for rule in result.rules)):
        return ""
    stay = f"{old:,} old {'finding stays' if old == 1 else 'findings stay'}" if old else "all failures are in the baseline"
    if result.exit_code is ExitCode.OK:
        return f"{stay}, and none that counts is new (--fail-on-new)"
    if result.exit_code is ExitCode.EVIDENCE:
        return f"{stay}, none that counts is new (--fail-on-new), and the evidence is insufficient"
    return ""


def sections(told: Comparison) -> list[tuple[str, list[str]]]:
    """What is listed of a comparison: titles and their lines, the worst news first; none is empty."""
    lists = [
        ("Covered by the baseline, but not by this run:", list(told.lost)),
        (
            "Findings of the baseline that this run cannot observe (not known to be fixed):",
            [f"{tell_earlier(found)}: {found.reason}" for found in told.not_seen],
        ),
        ("Findings of the baseline that are gone:", list(map(tell_earlier, told.gone))),
        ("Notes on the comparison:", list(told.notes)),
    ]
    return [(title, lines) for title, lines in lists if lines]


def tell_earlier(found: EarlierFinding) -> str:
    """`POLICY/RULE SUBJECT (ACCOUNT/REGION)`."""
    account = name_account(found.account, found.account_name) if found.account else None
    place = "/".join(filter(None, (account, found.region)))
    return f"{line(found.policy)}/{line(found.rule)} {line(found.subject)}" + (f" ({line(place)})" if place else "")


def new_first(findings: Sequence[Finding]) -> Sequence[Finding]:
    """The findings with the new ones before the others, each in their order."""
    return order_by_kind(findings, lambda kind: kind.state is FindingState.UNCHANGED)


def tell_state(finding: Finding) -> str:
    """`new: ` before what is said of a finding that the baseline does not have."""
    return "new: " if finding.state is FindingState.NEW else ""


def state_counts(rule: RuleResult) -> str:
    """`, 2 new` behind the count of a rule's findings, where there is a baseline."""
    if all(kind.state is None for kind in count_kinds(rule.findings)):
        return ""
    new = count_states([rule], FindingState.NEW)
    return f", {new:,} new" if new else ", none new"
