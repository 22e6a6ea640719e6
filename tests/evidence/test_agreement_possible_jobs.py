"""The engine and `reperform.py` on jobs that do not say whose they are: rules that resources, vaults and types do not keep without these jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from policycheck.datasets import BACKUP_JOBS, DATASETS
from policycheck.errors import Location
from policycheck.policy.calendars import CalendarUnit
from policycheck.policy.conditions import And, Comparison, Condition, Literal, Operator, bind
from policycheck.policy.literals import parse_duration, parse_share
from policycheck.policy.measures import Measure
from policycheck.policy.model import Calendar, Expectation, JobChoice, NoData, NoneMatch, Qualifiers, Requirement, Rule, Statement
from tests.evidence.agree import Case, answers
from tests.evidence.files import anonymous
from tests.evidence.jobs import AS_OF, HOUR, Job, sound_estate
from tests.evidence.rules import WIDE
from tests.properties import part_of

PERS = [
    ("ResourceArn",),
    ("ResourceArn",),
    ("BackupVaultArn",),
    ("ResourceType",),
    ("BackupVaultName",),
    ("ResourceArn", "BackupVaultArn"),
    ("Account", "Region"),
]
LIMITS = {
    Measure.COUNT: ["at_least 3", "at_least 6", "more_than 8"],
    Measure.STREAK: ["at_least 2", "at_least 4", "at_most 1", "at_most 2"],
    Measure.SHARE: ["at_least 90%", "more_than 60%", "at_most 20%"],
    Measure.NEWEST: ["at_most 26h", "less_than 50h"],
    Measure.LONGEST_GAP: ["at_most 24h", "less_than 24h", "at_most 50h"],
    Measure.LATEST: [""],
    Measure.CALENDAR: ["at_least 1", "at_least 2", "at_least 3"],
}


def _is(field: str, text: str, dataset: str) -> Condition:
    def refuse(place: Location, message: str, hint: str) -> None:
        raise AssertionError(f"{message} {hint}")

    return bind(Comparison(field, Operator.IS, (Literal(text),)), DATASETS[dataset], refuse)


def _duration(text: str | None) -> Literal | None:
    return Literal(text, value=parse_duration(text)) if text else None


def _expectation(chance: Random, dataset: str) -> Expectation:
    measure = chance.choice(list(LIMITS))
    word, _, text = chance.choice(LIMITS[measure]).partition(" ")
    state = DATASETS[dataset].state_field
    upper = word in {"at_most", "less_than"} and measure in {Measure.STREAK, Measure.SHARE}
    of = _is(state, "FAILED" if upper else "COMPLETED", dataset)
    value = parse_share(text) if text.endswith("%") else int(text) if text.isdigit() else parse_duration(text) if text else None
    per = chance.choice([per for per in PERS if all(DATASETS[dataset].field(name) is not None for name in per)])
    inventory = Literal("prod", value="prod") if "ResourceArn" in per and chance.random() < 0.2 else None
    days = Calendar(CalendarUnit.DAYS, Literal("3", value=3), Literal("UTC", value="UTC")) if measure is Measure.CALENDAR else None
    return Expectation(measure, of, Operator(word) if word else None, Literal(text, value=value) if text else None, per, inventory, days)


def _rules(chance: Random) -> Iterator[Rule]:
    for number in range(6):
        dataset = chance.choice(["backup_jobs", "backup_jobs", "copy_jobs", "restore_jobs"])
        requirement: Requirement = _expectation(chance, dataset)
        if number == 0:
            dataset = chance.choice(["backup_jobs", "copy_jobs"])
            requirement = NoneMatch(_is("State", "FAILED", dataset), _duration(chance.choice(["24h", "30h", "3d"])))
        newest = isinstance(requirement, Expectation) and requirement.measure in {Measure.NEWEST, Measure.CALENDAR}
        statement = Statement(requirement, And(), None if newest else _duration(chance.choice(["3d", "5d", "8d"])), dataset)
        yield Rule(f"r{number}", "p", statement, Qualifiers(None, JobChoice.ALL, chance.choice([NoData.FAIL, NoData.PASS])), "", Location("p.yaml"))


def _case(seed: int) -> Case:
    chance = Random(seed)
    estate = sound_estate(seed)
    for name, jobs in estate.items():
        dataset = DATASETS[name]
        resource = chance.choice(jobs).get(dataset.resource_field) if jobs else None
        # The newest jobs of one resource are gone, or failed.
        edge, gone = AS_OF - chance.choice([1, 2, 3]) * 24 * HOUR, chance.random() < 0.6
        for job in [job for job in jobs if job.get(dataset.resource_field) == resource and job.get("CreationDate", 0) >= edge]:
            if gone and chance.random() < 0.5:
                jobs.remove(job)
            elif chance.random() < 0.3 and job.get(dataset.state_field) == "COMPLETED":
                job[dataset.state_field] = "FAILED"
    entries: list[Job] = [{"arn": arn, "type": kind} if kind else {"arn": arn} for arn, kind in _resources(estate[BACKUP_JOBS.name], chance)]
    return Case(anonymous(estate, chance), tuple(_rules(chance)), covers=WIDE, inventories={"prod": entries})


def _resources(jobs: list[Job], chance: Random) -> Iterator[tuple[str, str | None]]:
    known = sorted({job["ResourceArn"] for job in jobs if "ResourceArn" in job})
    for arn in [*known, "arn:aws:rds:eu-west-1:111122223333:db:never"]:
        yield arn, chance.choice([None, "EC2", "RDS"])


def compare(seeds: range) -> Counter[str]:
    """The verdicts that both gave; what they differ in is an error."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        found = answers(_case(seed))
        assert found is not None
        assert found[0] == found[1], seed
        counts.update(f"{answer['verdict']} {min(answer['possible'], 1)}" for answer in found[0])
    return counts


def test_the_engine_and_the_script_agree_on_jobs_that_do_not_say_whose_they_are() -> None:
    counts = compare(range(12))
    assert counts["inconclusive 1"] > 5 and counts["fail 0"] > 5, counts


@pytest.mark.slow
@pytest.mark.search
def test_they_agree_on_many() -> None:
    compare(range(1000, 1000 + part_of(400)))
