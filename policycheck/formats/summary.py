"""The first lines of every report for people: the verdict, the evidence it rests on, and the rules, the worst first."""

from __future__ import annotations

from collections.abc import Iterable

from policycheck.datasets import DATASETS
from policycheck.finding import ALL_JOBS, NO_JOBS
from policycheck.finding_file import subject_mark
from policycheck.finding_list import marks
from policycheck.formats.baseline_words import LESS
from policycheck.formats.cleaning import line
from policycheck.formats.words import finding_counts, incomplete, interval, plural
from policycheck.result import WORST_FIRST, Basis, Result, RuleResult, Verdict


def headline(result: Result) -> str:
    """`2 of 9 rules failed, 1 inconclusive; 14 of 82 resources violate a rule.` A pass says what it rests on."""
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
    return f"{', '.join(parts)}{_subjects(result)}{_rests_on(result)}."


def _subjects(result: Result) -> str:
    """How many subjects violate a rule: resources, of those that lists have records of, and others (vaults, accounts, groups), each once.

    The same whatever reports were asked for: the answers of a population are made for some of them alone.
    """
    resources: set[int] = set()
    others: set[int] = set()
    for rule in result.rules:
        for mark in marks(rule.open_findings):
            (resources if mark.kind.of_resource else others).add(mark.subject)
    found_any = bool(resources or others)
    others -= _ALL_TOGETHER
    listed = _count_resources(result)
    found: list[str] = []
    if resources or (listed and not found_any):
        known = bool(listed) and len(resources) <= listed
        of = f"{len(resources):,} of {plural(listed, 'resource') if len(resources) == 1 else f'{listed:,} resources'}"
        found.append(of if known else plural(len(resources), "resource"))
    if others:
        found.append(plural(len(others), "other subject" if found else "subject"))
    many = bool(resources and others) or len(resources or others) != 1
    return f"; {' and '.join(found)} {'violate' if many else 'violates'} a rule" if found else ""


_ALL_TOGETHER = {subject_mark(None, None, name) for name in (ALL_JOBS, NO_JOBS)}
"""What findings on all jobs together have for a subject."""


def _count_resources(result: Result) -> int:
    """How many resources there are to violate rules: those of which lists have records, or those of the one inventory of all rules; 0: not known."""
    inventories = {(rule.universe.source, rule.universe.count) for rule in result.rules if rule.universe is not None and rule.universe.inventory}
    if not inventories:
        return result.resources
    # An inventory has resources that no list has.
    others = any(rule.universe is None or not rule.universe.inventory for rule in result.rules)
    return 0 if others or len(inventories) > 1 else next(iter(inventories))[1]


_FIRST_COUNTS = {Verdict.FAIL: ("failed",), Verdict.INCONCLUSIVE: ("inconclusive", "passed", "skipped"), Verdict.PASS: ("passed", "waived", "skipped")}
"""What the count of a run begins with, by its verdict: the first that there is."""


def _rests_on(result: Result) -> str:
    """What weakens a pass; empty of any other verdict."""
    if result.verdict is not Verdict.PASS:
        return ""
    if incomplete(result.coverage):
        return ", on what was read: lists are incomplete"
    return ", on lists that the user asserts to be complete" if any(entry.basis is Basis.ASSERTED for entry in result.coverage) else ""


def evidence_line(result: Result) -> str:
    """Which lists, how many jobs, where from, from when to when, and how they were obtained."""
    if not result.coverage:
        return "No list covers an account or Region."
    entries = result.coverage
    nouns = sorted({DATASETS[name].noun if name in DATASETS else line(name) for name in (entry.dataset for entry in entries)})
    found = (
        plural(result.jobs, nouns[0])
        if len(nouns) == 1
        else f"{plural(result.jobs, 'job' if all(noun.endswith(' job') for noun in nouns) else 'record')} ({', '.join(noun + 's' for noun in nouns)})"
    )
    accounts, regions = {entry.account for entry in entries} - {None}, {entry.region for entry in entries} - {None}
    starts, ends = [entry.start for entry in entries if entry.start], [entry.end for entry in entries if entry.end]
    when = interval(min(starts), max(ends)) if starts and ends else "of an unknown time"
    bases = sorted({entry.basis for entry in entries}, reverse=True)
    told = {Basis.OBSERVED: "fetched by policycheck", Basis.ASSERTED: "asserted by the user to be complete"}
    how = told[bases[0]] if len(bases) == 1 else ", ".join(f"in part {told[basis]}" for basis in bases)
    return f"{found} of {plural(len(accounts), 'account')} in {plural(len(regions), 'Region')}, {when}; {how}."


def unseen(result: Result) -> str:
    """How much of the evidence is missing; empty where nothing is, as far as the run knows."""
    gaps, things = len(incomplete(result.coverage)), len(result.not_seen)
    told = [f"{gaps:,} of {plural(len(result.coverage), 'list')} {'is' if gaps == 1 else 'are'} incomplete"] if gaps else []
    return " and ".join([*told, f"{plural(things, 'thing')} could not be seen"] if things else told)


def unseen_texts(result: Result) -> list[str]:
    """What could not be seen, a phrase each: incomplete lists first."""
    gaps = incomplete(result.coverage)
    return [f"{line(gap.dataset)} of {line(gap.place)} is incomplete: {line(gap.reason, 'no reason was given')}" for gap in gaps] + list(result.not_seen)


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
