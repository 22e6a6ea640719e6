"""Faults on trial: many in one organization, one a place, and what the packs found of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from assurance.year.agreement import Sample, compare_instant
from assurance.year.calendars import HOUR, SECOND
from assurance.year.evaluation import Choice, Findings, Found, evaluate_hours, is_of_month, is_of_quarter
from assurance.year.faults import KINDS, Breach, Fault, Scene
from assurance.year.held import find_held
from assurance.year.jobs import Simulator
from assurance.year.lists import HORIZON, Lists, simulate
from assurance.year.organization import Organization, Place, draw_organization
from assurance.year.owner import QUARTER

EVALUATED = 27 * HOUR
"""How long each batch is evaluated, every hour: each daily job comes once."""
OF_ALL = ("recovery-objectives/most-fresh", "recovery-objectives/success-share")
"""Rules on all resources together: with a fault in every place they fail at all times, and say nothing of one."""


@dataclass(frozen=True)
class Outcome:
    """What became of one breach."""

    kind: str
    """Of the fault,"""
    place: tuple[str, str]
    """and where it is: each has a place of its own."""
    breach: Breach
    found: Found | None
    """The finding of the first step after the breach, with the right subject and cause."""
    instead: tuple[Found, ...]
    """Those of the same rule and subject where there is none."""

    @property
    def delay(self) -> int:
        """From the breach to the finding, microseconds."""
        return 0 if self.found is None else self.found.first - self.breach.at


@dataclass
class Trial:
    """What became of some faults."""

    outcomes: list[Outcome] = field(default_factory=list)
    false_alarms: list[Found] = field(default_factory=list)
    faults: int = 0
    steps: int = 0
    samples: list[Sample] = field(default_factory=list)
    """Instants at which faults are compared both ways."""

    def add(self, other: Trial) -> None:
        self.outcomes += other.outcomes
        self.false_alarms += other.false_alarms
        self.faults += other.faults
        self.steps += other.steps
        self.samples += other.samples

    def missed(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.found is None]

    @property
    def faults_found(self) -> int:
        """Faults of which every breach was found at once."""
        return self.faults - len({one.place for one in self.missed()})


def try_faults(seed: int, number: int, start: int, *, first: int = 0) -> Trial:
    """As many faults of all kinds, each in a place of its own, in a little more than a day from `start` (midnight in UTC).

    Args:
        first: how many came before: kinds take turns.
    """
    random = Random(f"faults {seed}")
    organization = draw_organization(seed, number, start, start + EVALUATED, changes=False)
    simulator = Simulator(organization)
    faults = list(_begin(simulator, organization, random, first, start))
    organization = replace(organization, places=tuple(_with_added(place, faults) for place in organization.places))
    spoils = {arn: changes for fault in faults for arn, changes in fault.spoils.items()}
    restores = {arn: changes for fault in faults for arn, changes in fault.restores.items()}
    lists = simulate(simulator, organization.resources, start - QUARTER, start + EVALUATED, spoils, restores)
    last = start + EVALUATED - HOUR
    trial = _compare(faults, _evaluate(organization, lists, start), find_held(organization, lists, last), start, last)
    trial.samples.append(compare_instant(organization, lists, start + random.randrange(EVALUATED // SECOND) * SECOND))
    return trial


def _evaluate(organization: Organization, lists: Lists, start: int) -> Findings:
    found = evaluate_hours(organization, lists, start, start + EVALUATED, chosen=_of_one, chunk=EVALUATED, reach=HORIZON)
    found.join(evaluate_hours(organization, lists, start, start + EVALUATED, chosen=is_of_quarter, chunk=EVALUATED, reach=QUARTER))
    return found


def _of_one(rule: str) -> bool:
    return is_of_month(rule) and rule not in OF_ALL


def _begin(simulator: Simulator, organization: Organization, random: Random, first: int, start: int) -> Iterator[Fault]:
    """One fault a place, of one kind after the other."""
    names, places = list(KINDS), list(organization.places)
    for number in range(first, first + len(places)):
        name = names[number % len(names)]
        place = next((one for one in places if name != "stack partial" or any(each.type == "CloudFormation" for each in one.resources)), None)
        if place is None:
            name, place = "key disabled", places[0]
        places.remove(place)
        fault = KINDS[name](Scene(simulator, place, start, start + random.randrange(12 * HOUR, 13 * HOUR)))
        # An on-demand backup may put off what would break otherwise.
        fault.breaches = [breach for breach in fault.breaches if breach.at < start + EVALUATED - HOUR]
        if fault.breaches:
            yield fault


def _with_added(place: Place, faults: Sequence[Fault]) -> Place:
    added = tuple(one for fault in faults if fault.place is place for one in fault.added)
    return replace(place, resources=(*place.resources, *added)) if added else place


def _compare(faults: Sequence[Fault], findings: Findings, held: Findings, start: int, last: int) -> Trial:
    """What was found, held against what should have been.

    Args:
        held: what was found at the last step of what there was then.
    """
    trial = Trial(faults=len(faults), steps=findings.steps)
    by_place, held_by_place = _by_place(findings), _by_place(held)
    for fault in faults:
        place, subjects = (fault.place.account, fault.place.region), fault.subjects
        here, there = by_place.pop(place, []), held_by_place.pop(place, [])
        trial.false_alarms += [one for one in (*here, *there) if one.first < fault.start or one.subject not in subjects]
        for breach in fault.breaches:
            # Found at the first step that is not before the breach; one that began before the evaluation is found at its first step.
            trial.outcomes.append(_outcome(fault, fault.kind, breach, here, max(-(-breach.at // HOUR) * HOUR, start)))
        trial.outcomes += [_outcome(fault, f"{fault.kind}, in what there is", breach, there, last) for breach in fault.held if breach.at <= last]
    trial.false_alarms += [one for rest in (*by_place.values(), *held_by_place.values()) for one in rest]
    return trial


def _by_place(findings: Findings) -> dict[tuple[str, str], list[Found]]:
    found: dict[tuple[str, str], list[Found]] = {}
    for one in findings.open:
        # A pair of vaults names its place in its ARNs alone.
        place = (one.account, one.region) if one.account else (one.subject.split(":")[4], one.subject.split(":")[3])
        found.setdefault(place, []).append(one)
    return found


def _outcome(fault: Fault, kind: str, breach: Breach, here: Sequence[Found], step: int) -> Outcome:
    alike = [one for one in here if one.rule == breach.rule and one.subject == breach.subject]
    found = next((one for one in alike if one.first == step and one.cause == breach.cause), None)
    return Outcome(kind, (fault.place.account, fault.place.region), breach, found, () if found else tuple(alike))


__all__ = ["Choice", "Outcome", "Trial", "try_faults"]
