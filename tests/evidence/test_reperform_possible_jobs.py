"""Jobs that do not say whose they are, in the second implementation, case by case from docs/groups-specification.md (Jobs of unknown groups)."""

from __future__ import annotations

import pytest

from tests.evidence.documents import ARN, Json, at
from tests.evidence.test_reperform_groups import R1, R2, B, expect, failed, made
from tests.tables import each

OTHER = {"ResourceArn": R2, "ResourceType": "RDS", "BackupVaultArn": ARN + "2", "BackupVaultName": "prod2"}
NIGHTS = [made(f"a{hours}", hours) for hours in (3, 27, 51, 100)]
SHORT = [made(f"b{hours}", hours, **OTHER) for hours in (27, 51, 100)]
BAD = [*SHORT, failed("b20", 20, **OTHER)]
RULES: list[tuple[str, list[Json], Json]] = [
    ("count", SHORT, {"at_least": "3", "within": "3d"}),
    ("streak", SHORT, {"at_least": "3", "within": "3d"}),
    ("newest", SHORT, {"at_most": "26h"}),
    ("longest_gap", SHORT, {"at_most": "26h", "within": "3d"}),
    ("share", BAD, {"at_least": "70%", "within": "3d"}),
    ("latest", BAD, {"within": "3d"}),
]
"""Measure, the jobs of a resource that lacks its last night, and what is asked."""


def verdict(measure: str, own: list[Json], rule: Json, per: list[str], **lost: object) -> str:
    stray = {name: value for name, value in made("lost", 3, **{**OTHER, **lost}).items() if value is not None} if lost else None
    answer: str = expect(measure, *NIGHTS, *own, *([stray] if stray else []), **rule, per=per)["verdict"]
    return answer


@pytest.mark.parametrize(("measure", "own", "rule"), RULES, ids=[rule[0] for rule in RULES])
def test_a_job_may_be_the_one_that_a_group_lacks(measure: str, own: list[Json], rule: Json) -> None:
    assert verdict(measure, own, rule, ["ResourceArn"]) == "fail"
    assert verdict(measure, own, rule, ["ResourceArn"], ResourceArn=R2) == "pass"
    for per, lost, expected in CASES:
        assert verdict(measure, own, rule, per, **lost) == expected, (per, lost)


CASES: list[tuple[list[str], Json, str]] = [
    (["ResourceArn"], {"ResourceArn": None}, "inconclusive"),
    (["ResourceArn"], {"ResourceArn": "", "ResourceType": "rds"}, "inconclusive"),
    (["ResourceArn"], {"ResourceArn": None, "ResourceType": None}, "inconclusive"),
    (["ResourceArn"], {"ResourceArn": None, "CreationDate": None, "CompletionDate": None}, "inconclusive"),
    (["ResourceArn"], {"ResourceArn": None, "ResourceType": "EC2"}, "fail"),
    (["ResourceArn"], {"ResourceArn": None, "AccountId": B}, "fail"),
    (["ResourceArn"], {"ResourceArn": None, "State": "FAILED"}, "fail"),
    (["ResourceArn"], {"ResourceArn": None, "MessageCategory": None}, "inconclusive"),
    (["BackupVaultArn"], {"BackupVaultArn": None}, "inconclusive"),
    (["BackupVaultArn"], {"BackupVaultArn": None, "BackupVaultName": "prod"}, "fail"),
    (["BackupVaultArn"], {"BackupVaultArn": None, "AccountId": B}, "fail"),
    (["BackupVaultName"], {"BackupVaultName": None}, "inconclusive"),
    (["BackupVaultName"], {"BackupVaultName": None, "BackupVaultArn": ARN}, "fail"),
    (["ResourceType"], {"ResourceType": None}, "inconclusive"),
    (["ResourceType"], {"ResourceType": None, "ResourceArn": R1}, "fail"),
    (["ResourceArn", "BackupVaultArn"], {"BackupVaultArn": ""}, "inconclusive"),
    (["ResourceArn", "BackupVaultArn"], {"BackupVaultArn": "", "ResourceArn": R1}, "fail"),
]


@each(("changes", "expected"), [({}, "inconclusive"), ({"ResourceType": "EC2"}, "fail"), ({"ExpectedCompletionDate": at(-1)}, "fail")])
def test_a_backup_that_runs_may_be_the_first_of_an_entry(changes: Json, expected: str) -> None:
    runs = made("lost", 3, **OTHER) | {"State": "RUNNING", "CompletionDate": None, "ResourceArn": None, **changes}
    jobs = [*NIGHTS, {name: value for name, value in runs.items() if value is not None}]
    listed = {"prod": [{"arn": R1}, {"arn": R2, "type": "RDS"}]}
    assert expect("newest", *jobs, at_most="26h", per=["ResourceArn"], inventory="prod", inventories=listed)["verdict"] == expected
