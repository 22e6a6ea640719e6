"""Which later job recovers a failed one, and which may: one that does not say its resource or its vault."""

from __future__ import annotations

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS
from policycheck.engine.evaluate import judge
from policycheck.policy.model import NoneMatch, Policy
from policycheck.result import RuleResult
from tests.backends import BACKEND
from tests.engine.cases import case, compare, duration
from tests.engine.expectations import CLEAN, FAILED, arn, at, covered
from tests.engine.lists import AS_OF, VAULT, Job, job_list
from tests.tables import each

DR = VAULT.replace("prod", "dr")
OTHER = "444455556666"


def judged(*jobs: Job, dataset: str = "backup_jobs") -> RuleResult:
    listed = COPY_JOBS if dataset == "copy_jobs" else BACKUP_JOBS
    rule = case(NoneMatch(compare("State", "FAILED", dataset=listed), duration("24h")), within="3d", dataset=listed).rule
    places = [covered(9, dataset), covered(9, dataset, OTHER)]
    (result,) = judge([Policy("p", "", "p.yaml", (rule,))], {dataset: job_list(jobs, listed)}, places, AS_OF, BACKEND)
    return result


@each(
    ("changes", "expected"),
    [
        ({}, "pass"),
        ({"ResourceArn": arn("i-2")}, "fail"),
        ({"BackupVaultArn": DR, "BackupVaultName": "dr"}, "fail"),
        ({"ResourceArn": None}, "inconclusive"),
        ({"ResourceArn": ""}, "inconclusive"),
        ({"BackupVaultArn": None}, "inconclusive"),
        ({"BackupVaultArn": "", "BackupVaultName": None}, "inconclusive"),
        ({"ResourceArn": None, "BackupVaultArn": None}, "inconclusive"),
        ({"ResourceArn": None, "ResourceType": None}, "inconclusive"),
        ({"ResourceArn": None, "CreationDate": None}, "inconclusive"),
        ({"ResourceArn": None, "ResourceType": "RDS"}, "fail"),  # of another type, vault, resource, account, time or outcome
        ({"ResourceArn": None, "BackupVaultArn": DR}, "fail"),
        ({"BackupVaultArn": None, "BackupVaultName": "dr"}, "fail"),
        ({"BackupVaultArn": None, "ResourceArn": arn("i-2")}, "fail"),
        ({"BackupVaultArn": None, "AccountId": OTHER}, "fail"),
        ({"ResourceArn": None, **FAILED}, "fail"),
        ({"ResourceArn": None, "CreationDate": (AS_OF.timestamp() - 41 * 3600)}, "fail"),
        ({"ResourceArn": None, "CompletionDate": (AS_OF.timestamp() - 15 * 3600 + 1)}, "fail"),
    ],
)
def test_a_later_clean_job_may_be_a_recovery_that_does_not_say_so(changes: Job, expected: str) -> None:
    result = judged(at(40, **FAILED), {name: value for name, value in {**at(30, **CLEAN), **changes}.items() if value is not None})
    assert result.verdict.value == expected
    lacking = [name for name in ("ResourceArn", "BackupVaultArn") if not changes.get(name, "said")]
    if expected == "inconclusive":
        assert result.reason.endswith(f"a later job that does not record its {' or '.join(lacking)} might have recovered it")


def test_a_recovery_that_is_certain_needs_no_other() -> None:
    vague = {name: value for name, value in at(31, **CLEAN).items() if name != "ResourceArn"}
    assert judged(at(40, **FAILED), vague, at(30, **CLEAN)).verdict.value == "pass"
    assert judged(at(40, **FAILED), vague, at(40, "i-2", **FAILED, ResourceType="RDS")).possible == 1


@each(("changes", "expected"), [({"DestinationBackupVaultArn": ""}, "inconclusive"), ({"AccountId": OTHER}, "inconclusive"), ({"ResourceType": "RDS"}, "fail")])
def test_a_copy_that_does_not_say_where_it_went_may_be_a_recovery(changes: Job, expected: str) -> None:
    def copy(job: Job, **members: object) -> Job:
        made = {"CopyJobId": job["BackupJobId"], "SourceBackupVaultArn": VAULT, "SourceRecoveryPointArn": "p", "DestinationBackupVaultArn": DR, **members}
        kept = ("AccountId", "ResourceArn", "ResourceType", "CreationDate", "CompletionDate", "State", "MessageCategory", "IamRoleArn")
        return {**{name: job[name] for name in kept}, **made}

    failure, later = copy(at(40, **FAILED)), copy(at(30, **CLEAN), **{"DestinationBackupVaultArn": "", **changes})
    assert judged(failure, later, dataset="copy_jobs").verdict.value == expected
