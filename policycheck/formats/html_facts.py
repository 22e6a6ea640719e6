"""What the HTML report says beside its tables: the first lines, who was evaluated, what it was made from, and what it does not show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from policycheck.datasets import DATASETS
from policycheck.formats.baseline_words import LESS
from policycheck.formats.words import finding_counts, incomplete, interval, plural
from policycheck.result import WORST_FIRST, Basis, Coverage, Finding, Result, RuleResult, Verdict

LIMITS = (
    "A backup that completed is not a restore that works. Only rules on restore jobs speak of restores.",
    "Resources without any job are seen only if an inventory lists them. Accounts and Regions are seen only if a list or a scope names them.",
    "Asserted means that the user states that a list is complete. Observed means that policycheck fetched the list and every page arrived.",
    "That a rule tests a control is its author's claim. A control without a rule is never met.",
    "Nothing is said about the time before the lists begin or after the evaluation time.",
)
SIGNS = {Verdict.FAIL: "\u2715", Verdict.INCONCLUSIVE: "?", Verdict.WAIVED: "\u25c7", Verdict.SKIPPED: "\u2013", Verdict.PASS: "\u2713"}
"""What stands before the word, so that no colour is needed."""


def headline(result: Result) -> str:
    """`2 of 9 rules failed, 1 inconclusive; 14 of 82 subjects violate a rule.` A pass says what it rests on."""
    if not result.rules:
        return "no rule was evaluated."
    summary = result.summary
    counts = {"failed": summary.failed, "inconclusive": summary.inconclusive, "waived": summary.waived, "skipped": summary.skipped, "passed": summary.passed}
    # What is inconclusive as a whole need not have a rule that is.
    first = next((word for word in _FIRST_COUNTS[result.verdict] if counts[word]), "passed")
    parts = [f"{counts.pop(first):,} of {plural(summary.rules, 'rule')} {first}", *(f"{count:,} {word}" for word, count in counts.items() if count)]
    if result.scope_uncovered:
        parts.append("the declared scope is not covered")
    if result.sees_less:
        parts.append(LESS)
    violating, all_of_them = subject_counts(result)
    subjects = f"; {violating:,} of {plural(all_of_them, 'subject')} {'violates' if violating == 1 else 'violate'} a rule" if all_of_them else ""
    return f"{', '.join(parts)}{subjects}{_rests_on(result)}."


_FIRST_COUNTS = {Verdict.FAIL: ("failed",), Verdict.INCONCLUSIVE: ("inconclusive", "passed", "skipped"), Verdict.PASS: ("passed",)}
"""What the count of a run begins with, by its verdict: the first that there is."""


def _rests_on(result: Result) -> str:
    """What weakens a pass; empty of any other verdict."""
    if result.verdict is not Verdict.PASS:
        return ""
    if incomplete(result.coverage):
        return ", on what was read: lists are incomplete"
    return ", on lists that the user asserts to be complete" if any(entry.basis is Basis.ASSERTED for entry in result.coverage) else ""


def subject_counts(result: Result) -> tuple[int, int]:
    """How many resources or groups have an open finding, and how many were evaluated; each once, however many rules it was evaluated by."""
    violating = {(found.account, found.region, found.subject) for rule in result.rules for found in rule.open_findings}
    evaluated = {answer[:3] for rule in result.rules for answer in rule.answers}
    return len(violating), len(evaluated | violating)


def evidence_line(result: Result) -> str:
    """Which lists, how many jobs, where from, from when to when, and how they were obtained."""
    if not result.coverage:
        return "No list covers an account or Region."
    entries = result.coverage
    lists = sorted({DATASETS[name].noun + "s" if name in DATASETS else name for name in (entry.dataset for entry in entries)})
    accounts, regions = {entry.account for entry in entries} - {None}, {entry.region for entry in entries} - {None}
    starts, ends = [entry.start for entry in entries if entry.start], [entry.end for entry in entries if entry.end]
    when = interval(min(starts), max(ends)) if starts and ends else "of an unknown time"
    bases = sorted({entry.basis for entry in entries}, reverse=True)
    told = {Basis.OBSERVED: "fetched by policycheck", Basis.ASSERTED: "given by the user, who asserts that they are complete"}
    how = told[bases[0]] if len(bases) == 1 else ", ".join(f"in part {told[basis]}" for basis in bases)
    return f"{plural(result.jobs, 'job')} from {', '.join(lists)} of {plural(len(accounts), 'account')} in {plural(len(regions), 'Region')}, {when}; {how}."


def unseen(result: Result) -> str:
    """How much of the evidence is missing; empty where nothing is, as far as the run knows."""
    gaps, things = len(incomplete(result.coverage)), len(result.not_seen)
    told = [f"{gaps:,} of {plural(len(result.coverage), 'list')} {'is' if gaps == 1 else 'are'} incomplete"] if gaps else []
    return " and ".join([*told, f"{plural(things, 'thing')} could not be seen"] if things else told)


def worst_first(rules: Iterable[RuleResult]) -> list[RuleResult]:
    """By verdict, then severity, then number of findings."""
    return sorted(rules, key=lambda rule: (WORST_FIRST.index(rule.verdict), rule.severity.rank, -len(rule.open_findings)))


def found_in(rule: RuleResult) -> str:
    """What a reader learns of a rule at first sight: how much was found and the first of it, or why it was not decided."""
    match rule.verdict:
        case Verdict.FAIL | Verdict.WAIVED if rule.findings:
            first = next(iter(rule.open_findings), rule.findings[0])
            return f"{finding_counts(rule)}{'' if len(rule.findings) == 1 else ', such as'}: {first.message or 'violates the rule'}"
        case Verdict.PASS:
            return "nothing found"
        case _:
            return rule.reason or "no reason was given"


class Input(NamedTuple):
    """What a run was made from."""

    kind: str
    name: str
    sha256: str
    """Empty: of no file, or not recorded."""


def inputs(result: Result) -> Iterator[Input]:
    """Policies, then the sources of lists, each once."""
    for policy in result.policies:
        yield Input("policy", policy.path or policy.id, policy.sha256)
    hashed = {one.name: one.sha256 for one in result.population.inputs}
    told: dict[tuple[str, str], None] = {}
    for entry in result.coverage:
        noun = DATASETS[entry.dataset].noun + "s" if entry.dataset in DATASETS else entry.dataset
        told |= dict.fromkeys((noun, name) for name in (entry.files if set(entry.files) & hashed.keys() else (entry.source,)))
    for noun, name in told:
        yield Input(noun, name, hashed.get(name, ""))


def waived_findings(result: Result) -> list[Finding]:
    """In the order of the rules."""
    return [finding for rule in result.rules for finding in rule.findings if finding.waiver is not None]


def coverage_rows(result: Result) -> list[Coverage]:
    """Incomplete lists first."""
    return sorted(result.coverage, key=lambda entry: entry.complete)
