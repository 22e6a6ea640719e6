"""The engine and `reperform.py` on jobs that are compared with those before them: what is missing, alike in time, or may be clean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from policycheck.errors import Location
from policycheck.policy.conditions import And, Literal, Operator
from policycheck.policy.literals import parse_duration
from policycheck.policy.measures import Measure, parse_limit
from policycheck.policy.model import EVERY_JOB, Expectation, NoData, Qualifiers, Rule, Statement
from tests.backends import ASKED
from tests.evidence.agree import Case, answers
from tests.evidence.files import Source, anonymous, saved
from tests.evidence.jobs import AS_OF, HOUR, Job
from tests.evidence.rules import CLEAN, WIDE
from tests.properties import part_of

_LIMITS = {
    Measure.SIZE_DROP: ["10%", "50%", "90%"],
    Measure.SIZE_GROWTH: ["50%", "100%", "300%"],
    Measure.SLOWDOWN: ["1x", "1.5x", "2x", "4x"],
}
_RESOURCES = ["arn:aws:ec2:eu-west-1:111122223333:volume/v-1", "arn:aws:s3:::bucket", "arn:aws:rds:eu-west-1:111122223333:db:a"]
_TYPES = ["EBS", "S3", "RDS"]
_TORN = 0.15
"""How often an estate lacks a member here and there."""


def _jobs(chance: Random) -> Iterator[Job]:
    torn = chance.random() < 0.5
    for which, arn in enumerate(_RESOURCES[: chance.randint(1, 3)]):
        steady = chance.random() < 0.5
        for number in range(chance.choice([1, 3, 6, 9])):
            created = AS_OF - (10 + 24 * chance.randint(0, 12) if chance.random() < 0.3 else 10 + 24 * number) * HOUR
            job: Job = {
                "BackupJobId": f"j{which}-{number}",
                "AccountId": "111122223333",
                "BackupVaultArn": "arn:aws:backup:eu-west-1:111122223333:backup-vault:prod",
                "ResourceArn": arn,
                "ResourceType": chance.choice([_TYPES[which]] * 9 + ["EFS"]),
                "State": chance.choice(["COMPLETED"] * 8 + ["FAILED", "RUNNING", "EXPIRED"]),
                "CreationDate": created,
                "InitiationDate": created + 60,
                "CompletionDate": created + (HOUR if steady else chance.choice([600, HOUR, 2 * HOUR, 9 * HOUR])),
                "StartBy": created + 8 * HOUR,
                "MessageCategory": chance.choice(["SUCCESS"] * 9 + ["AccessDenied"]),
                "BackupSizeInBytes": 100 if steady else chance.choice([0, 10, 60, 100, 100, 130, 2**53 + 1]),
            }
            if job["State"] in {"RUNNING", "EXPIRED"}:
                del job["CompletionDate"]
            for name in ("BackupSizeInBytes", "MessageCategory", "ResourceType", "CreationDate", "CompletionDate", "State", "InitiationDate", "ResourceArn"):
                if torn and chance.random() < _TORN / (6 if name in {"ResourceArn", "CreationDate", "State"} else 1):
                    job.pop(name, None)
            yield job


def _rules(chance: Random) -> Iterator[Rule]:
    for number in range(6):
        measure = chance.choice(list(_LIMITS))
        text = chance.choice(_LIMITS[measure])
        limit = Literal(text, value=parse_limit(text, measure))
        per = chance.choice([("ResourceArn",), ("ResourceArn",), ("ResourceArn", "BackupVaultArn")])
        inventory = Literal("prod", value="prod") if chance.random() < 0.2 else None
        of = EVERY_JOB if measure is Measure.SLOWDOWN and chance.random() < 0.5 else CLEAN
        within = chance.choice([None, "24h", "3d", "9d"])
        statement = Statement(
            Expectation(measure, of, chance.choice([Operator.AT_MOST, Operator.LESS_THAN]), limit, per, inventory),
            And(),
            Literal(within, value=parse_duration(within)) if within else None,
        )
        clock = chance.choice([None, None, "CreationDate"]) if within else None
        yield Rule(f"r{number}", "p", statement, Qualifiers(clock, no_data=chance.choice(list(NoData))), "", Location("p.yaml"))


def case_of(seed: int) -> Case:
    """A case of that number."""
    chance = Random(seed)
    jobs = list(_jobs(chance))
    sources: list[Source] = anonymous({"backup_jobs": jobs}, chance) if chance.random() < 0.3 else saved({"backup_jobs": jobs}, seed)
    entries: list[Job] = [{"arn": arn} for arn in _RESOURCES]
    return Case(sources, tuple(_rules(chance)), covers=chance.choice([WIDE, WIDE, None]), inventories={"prod": entries})


def compare(seeds: range) -> Counter[str]:
    """The verdicts that both gave; what they differ in is an error."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        found = answers(case_of(seed))
        if found is None:
            continue
        assert found[0] == found[1], seed
        counts.update(answer["verdict"] for answer in found[0])
    return counts


def test_the_engine_and_the_script_agree_on_jobs_that_are_compared() -> None:
    # An evaluation by Spark takes a second.
    tried = 10 if ASKED == "spark" else 40
    counts = compare(range(tried))
    assert min(counts[verdict] for verdict in ("pass", "fail", "inconclusive")) > tried // 4, counts


@pytest.mark.slow
@pytest.mark.search
def test_they_agree_on_many() -> None:
    compare(range(1000, 1000 + part_of(1500)))
