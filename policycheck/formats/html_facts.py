"""What the HTML report says beside its tables: what it was made from, and what it does not show."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple

from policycheck.datasets import DATASETS
from policycheck.finding_list import choose
from policycheck.result import Coverage, Finding, Result, Verdict

LIMITS = (
    "A backup that completed is not a restore that works. Only rules on restore jobs speak of restores.",
    "Resources without any job are seen only if an inventory lists them. Accounts and Regions are seen only if a list or a scope names them.",
    "Asserted means that the user states that a list is complete. Observed means that policycheck fetched the list and every page arrived.",
    "That a rule tests a control is its author's assertion. A control without a rule is never met.",
    "Nothing is said about the time before the lists begin or after the evaluation time.",
)
SIGNS = {Verdict.FAIL: "\u2715", Verdict.INCONCLUSIVE: "?", Verdict.WAIVED: "\u25c7", Verdict.SKIPPED: "\u2013", Verdict.PASS: "\u2713"}
"""What stands before the word, so that no colour is needed."""


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


class WaivedFindings(NamedTuple):
    """Findings that waivers accept, in the order of the rules."""

    first: tuple[Finding, ...]
    total: int


def waived_findings(result: Result, most: int) -> WaivedFindings:
    """The first of them, and how many there are."""
    waived = [choose(rule.findings, lambda kind: kind.waived) for rule in result.rules]
    return WaivedFindings(tuple(islice(chain.from_iterable(waived), most)), sum(map(len, waived)))


def coverage_rows(result: Result) -> list[Coverage]:
    """Incomplete lists first."""
    return sorted(result.coverage, key=lambda entry: entry.complete)
