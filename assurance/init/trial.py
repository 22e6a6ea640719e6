"""A policy drafted from thirty days of an organization, and evaluated in the thirty days after, in which some places have a fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from assurance.year.calendars import DAY, HOUR, moment
from assurance.year.evaluation import Findings, Found, evaluate_policies
from assurance.year.faults import KINDS, Fault, Scene
from assurance.year.jobs import Simulator
from assurance.year.lists import HORIZON, Lists, simulate
from assurance.year.organization import Organization, draw_organization
from policycheck.drafting.trial import draft_and_try, load_text
from policycheck.engine.backends.registry import open_engine
from policycheck.sources.given import read_given

MONTH = 30 * DAY
FAULTY = 28 * HOUR
"""At the end of the month, in which faults are to be found; some begin earlier."""
PLACES, FAULTS = 6, 4
SPARSE, DENSE = 23 * HOUR, 2 * HOUR
"""How often the policy is evaluated in the month, at every hour of the day over time; and how often at its end."""
BEYOND: dict[str, str] = {
    "never protected": "a resource that never had a job is in no list: it takes an inventory",
    "backups shrink": "init drafts no rule on sizes",
    "vault unlocked": "init drafts no rule on locks: that a vault is locked today need not be meant",
}
"""Kinds of faults of which a drafted policy says nothing, and why."""


@dataclass
class DraftTrial:
    """What drafted policies came to."""

    organizations: int = 0
    rules: int = 0
    steps: int = 0
    false_alarms: list[Found] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    """By kind,"""
    found: Counter[str] = field(default_factory=Counter)
    """and those that a rule found."""
    missed: list[Fault] = field(default_factory=list)

    def add(self, other: DraftTrial) -> None:
        self.organizations += other.organizations
        self.rules += other.rules
        self.steps += other.steps
        self.false_alarms += other.false_alarms
        self.faults += other.faults
        self.found += other.found
        self.missed += other.missed

    def counted(self, *, within: bool) -> tuple[int, int]:
        """How many faults there were, and how many were found: within what a drafted policy speaks of, or beyond it."""
        kinds = [kind for kind in self.faults if (kind in BEYOND) is not within]
        return sum(self.faults[kind] for kind in kinds), sum(self.found[kind] for kind in kinds)


def try_draft(seed: int, start: int) -> DraftTrial:
    """Draft at `start` (midnight in UTC), and evaluate until thirty days later."""
    organization = draw_organization(seed, PLACES, start, start + MONTH, changes=False)
    simulator = Simulator(organization)
    faults = list(_begin(simulator, organization, Random(f"init {seed}"), seed, start + MONTH - FAULTY))
    lists = simulate(
        simulator,
        organization.resources,
        start - HORIZON - DAY,
        start + MONTH,
        {arn: changes for fault in faults for arn, changes in fault.spoils.items()},
        {arn: changes for fault in faults for arn, changes in fault.restores.items()},
    )
    policy = load_text(_draft(lists, start), "drafted")
    faulty = start + MONTH - FAULTY
    before = evaluate_policies([policy], lists, start, faulty, every=SPARSE, reach=HORIZON)
    after = evaluate_policies([policy], lists, faulty, start + MONTH, every=DENSE, reach=MONTH)
    trial = _compare(faults, [before, after])
    trial.organizations, trial.rules, trial.steps = 1, len(policy.rules), before.steps + after.steps
    return trial


def _draft(lists: Lists, start: int) -> str:
    answers = [{name: rows} for name, rows in lists.at(start).items() if rows]
    evidence = read_given(answers, as_of=moment(start), covers=(moment(start - HORIZON), moment(start)))
    return draft_and_try(evidence, as_of=moment(start), policy="drafted", backend=open_engine("polars")).text


def _begin(simulator: Simulator, organization: Organization, random: Random, seed: int, start: int) -> Sequence[Fault]:
    """Faults of one kind after the other, in the last places."""
    kinds = list(KINDS)
    found = []
    for number, place in enumerate(organization.places[-FAULTS:]):
        kind = kinds[(seed * FAULTS + number) % len(kinds)]
        if kind == "never protected" or (kind == "stack partial" and not any(one.type == "CloudFormation" for one in place.resources)):
            kind = "key disabled"
        at = start + random.randrange(12 * HOUR, 13 * HOUR)
        found.append(KINDS[kind](Scene(simulator, place, start, at)))
    return found


def _compare(faults: Sequence[Fault], parts: Sequence[Findings]) -> DraftTrial:
    trial = DraftTrial()
    begun = {(fault.place.account, fault.place.region): fault for fault in faults}
    seen: set[int] = set()
    for one in (one for part in parts for one in part.open):
        fault = begun.get((one.account, one.region))
        if fault is None or one.last < fault.start or one.subject not in fault.subjects:
            trial.false_alarms.append(one)
        else:
            seen.add(id(fault))
    for fault in faults:
        trial.faults[fault.kind] += 1
        if id(fault) in seen:
            trial.found[fault.kind] += 1
        elif fault.kind not in BEYOND:
            trial.missed.append(fault)
    return trial
