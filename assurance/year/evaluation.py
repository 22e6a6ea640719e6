"""The shipped packs evaluated hour by hour on simulated lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from assurance.year.calendars import DAY, HOUR, moment
from assurance.year.lists import HORIZON, Lists
from assurance.year.organization import Organization
from assurance.year.owner import PACKS, PARAMS, RESTORE_RULES, Given, is_of_state, write_given
from policycheck.backtesting.steps import evaluate_period
from policycheck.engine.backends.registry import open_engine
from policycheck.period import Period
from policycheck.pipeline import run
from policycheck.policy.catalogue import find_policies
from policycheck.policy.load import load_policies
from policycheck.policy.model import Policy, Rule
from policycheck.policy.rendering import render
from policycheck.policy.waivers import load_waivers
from policycheck.records import micros
from policycheck.result import Finding, Result, RuleResult, Verdict
from policycheck.sources.given import read_given
from policycheck.sources.interface import Evidence
from policycheck.sources.inventories import read_inventories


@dataclass(frozen=True)
class Found:
    """A rule that found a subject, from one step to another."""

    rule: str
    account: str
    region: str
    subject: str
    cause: str
    first: int
    last: int
    waived: str
    """The reason of the waiver, if it is waived."""
    message: str


@dataclass
class Findings:
    """What the steps of a time came to."""

    found: list[Found] = field(default_factory=list)
    verdicts: Counter[tuple[str, Verdict]] = field(default_factory=Counter)
    """Steps by rule and verdict."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why a rule was inconclusive once."""
    steps: int = 0

    @property
    def open(self) -> list[Found]:
        return [one for one in self.found if not one.waived]

    def join(self, other: Findings) -> None:
        """Add what other rules came to at the same steps."""
        self.found += other.found
        self.verdicts += other.verdicts
        self.reasons = other.reasons | self.reasons

    def add(self, result: Result, *, steps: int) -> None:
        """Add the steps of a period."""
        self.steps += steps
        for rule in result.rules:
            self._note(rule, ((span.verdict, span.span.steps) for span in rule.spans))
            for one in rule.findings:
                self.found += (_found(rule, one, micros(span.start), micros(span.end)) for span in one.spans)

    def add_instant(self, result: Result, at: int) -> None:
        """Add one evaluation, each of whose findings is of that instant."""
        self.steps += 1
        for rule in result.rules:
            self._note(rule, [(rule.verdict, 1)])
            self.found += (_found(rule, one, at, at) for one in rule.findings)

    def _note(self, rule: RuleResult, verdicts: Iterable[tuple[Verdict, int]]) -> None:
        for verdict, steps in verdicts:
            self.verdicts[name_of(rule), verdict] += steps
        if rule.verdict is Verdict.INCONCLUSIVE:
            self.reasons.setdefault(name_of(rule), rule.reason or "")


def name_of(rule: RuleResult) -> str:
    """Policy and id of a rule."""
    return f"{rule.policy}/{rule.id}"


def _found(rule: RuleResult, one: Finding, first: int, last: int) -> Found:
    where = one.account or "", one.region or "", one.subject, one.cause or ""
    return Found(name_of(rule), *where, first, last, one.waiver.reason if one.waiver else "", one.message)


Choice = Callable[[str], bool]
"""Whether a rule, by policy and id, is evaluated."""


def is_of_month(rule: str) -> bool:
    """Rules that the lists of 30 days answer."""
    return not is_of_state(rule) and rule not in RESTORE_RULES


def is_of_quarter(rule: str) -> bool:
    """Rules on restore tests, which the lists of a quarter answer."""
    return rule in RESTORE_RULES


def load(given: Given, chosen: Choice) -> list[Policy]:
    """The policies with the chosen rules, and the waivers of these rules; rules that ask the same in the same words are kept once."""
    policies = [*_load_packs(), *load_policies(find_policies([given.own]), {})]
    if given.waivers is not None:
        policies = list(load_waivers([(given.waivers, "waivers.yaml")], policies))
    asked: set[str] = set()
    kept = [replace(policy, rules=tuple(rule for rule in policy.rules if chosen(f"{policy.id}/{rule.id}") and _is_new(rule, asked))) for policy in policies]
    return [policy for policy in kept if policy.rules]


@cache
def _load_packs() -> tuple[Policy, ...]:
    return tuple(load_policies(find_policies(list(PACKS)), PARAMS))


def _is_new(rule: Rule, asked: set[str]) -> bool:
    asks = f"{render(rule.statement)} {rule.qualifiers}"
    new = asks not in asked
    asked.add(asks)
    return new


def read(lists: Lists, policies: Sequence[Policy], given: Given, start: int, end: int) -> Evidence:
    """The evidence of lists that the owner says are complete between two instants."""
    evidence = read_given(lists.given(), as_of=moment(end), covers=(moment(start), moment(end)), policies=policies)
    return replace(evidence, inventories=read_inventories([f"{name}={path}" for name, path in given.inventories]))


def evaluate_hours(
    organization: Organization, lists: Lists, start: int, end: int, *, chosen: Choice = is_of_month, chunk: int = DAY, reach: int = HORIZON, every: int = HOUR
) -> Findings:
    """Every hour from `start` on and before `end`, or another step, counted from where the organization's time begins.

    Args:
        lists: of all jobs, from `reach` before `start`.
        chunk: how long one set of lists, inventories and waivers is used: a list reaches this much further back at its last hour than at its first.
        reach: how far back the lists of the first hour go.
    """
    findings = Findings()
    for first in range(start, end, chunk):
        until = min(first + chunk, end)
        step = first + (organization.start - first) % every
        if step < until:
            with TemporaryDirectory() as folder:
                given = write_given(organization, first, until, Path(folder))
                result, steps = _evaluate(load(given, chosen), lists, given, step, until, reach, every)
            findings.add(result, steps=steps)
    return findings


def evaluate_policies(policies: Sequence[Policy], lists: Lists, start: int, end: int, *, every: int, reach: int) -> Findings:
    """The same of policies alone, without anything that an owner gives, on one set of lists."""
    findings = Findings()
    result, steps = _evaluate(policies, lists, Given("", None, ()), start, end, reach, every)
    findings.add(result, steps=steps)
    return findings


def _evaluate(policies: Sequence[Policy], lists: Lists, given: Given, first: int, end: int, reach: int, every: int) -> tuple[Result, int]:
    last = first + (end - first - 1) // every * every
    period = Period(moment(first), moment(last), timedelta(microseconds=every))
    evidence = read(lists.created(first - reach, end), policies, given, first - reach, last)
    return evaluate_period(policies, evidence, period, fail_on=None, backend=open_engine("polars")), len(period.instants)


def evaluate_instant(
    organization: Organization, lists: Lists | Sequence[Mapping[str, object]], at: int, *, chosen: Choice = is_of_month, reach: int = HORIZON
) -> Result:
    """The same at one instant.

    Args:
        lists: of all jobs, of which those that ended later are rewound; or the answers of AWS at that instant.
    """
    with TemporaryDirectory() as folder:
        given = write_given(organization, at // DAY * DAY, at // DAY * DAY + DAY, Path(folder))
        policies = load(given, chosen)
        if isinstance(lists, Lists):
            later = at + 2 * DAY
            evidence = read(lists.created(at - reach, later), policies, given, at - reach, later)
            evidence = replace(evidence.at(moment(at)), inventories=evidence.inventories) if evidence.at else evidence
        else:
            evidence = read_given(lists, as_of=moment(at), covers=(moment(at - reach), moment(at)), policies=policies)
            evidence = replace(evidence, inventories=read_inventories([f"{name}={path}" for name, path in given.inventories]))
        return run(policies, evidence, as_of=moment(at), fail_on=None, backend=open_engine("polars"))
