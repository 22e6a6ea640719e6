"""Jobs, rules and documents for the tests of the second implementation, and what it says of them."""

from __future__ import annotations

import json
from typing import Any

from policycheck.evidence import reperform

Json = dict[str, Any]  # the documents are JSON: any shape is a case

AS_OF = 1_600_732_800  # 2020-09-22T00:00:00Z
WIDE = ["2020-08-01", "2020-09-22"]
ARN = "arn:aws:backup:eu-west-1:111122223333:backup-vault:prod"
RESOURCE = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"


YES: Json = {"ResourceType": "EC2"}  # of BACKUP true, and false
NO: Json = {"ResourceType": "RDS"}
EXPIRED: Json = {"State": "EXPIRED", "CompletionDate": None}


def at(hours: float) -> float:
    """Epoch seconds, so many hours after as_of."""
    return AS_OF + hours * 3600


BACKUP: Json = {
    "AccountId": "111122223333",
    "BackupJobId": "j1",
    "BackupVaultName": "prod",
    "BackupVaultArn": ARN,
    "ResourceArn": RESOURCE,
    "ResourceType": "EC2",
    "CreationDate": at(-3),
    "InitiationDate": at(-2.5),
    "CompletionDate": at(-2),
    "StartBy": at(-1),
    "State": "COMPLETED",
    "MessageCategory": "SUCCESS",
    "IamRoleArn": "arn:aws:iam::111122223333:role/service-role/AWSBackupDefault",
    "PercentDone": "100.0",
}
COPY: Json = {
    "AccountId": "111122223333",
    "CopyJobId": "c1",
    "SourceBackupVaultArn": ARN,
    "DestinationBackupVaultArn": "arn:aws:backup:us-east-1:444455556666:backup-vault:dr",
    "ResourceArn": RESOURCE,
    "ResourceType": "EC2",
    "IamRoleArn": "arn:aws:iam::111122223333:role/service-role/AWSBackupDefault",
    "SourceRecoveryPointArn": "arn:aws:backup:eu-west-1:111122223333:recovery-point:1",
    "CreationDate": at(-3),
    "CompletionDate": at(-2),
    "State": "COMPLETED",
}
RESTORE: Json = {
    "AccountId": "111122223333",
    "RestoreJobId": "r1",
    "SourceResourceArn": RESOURCE,
    "BackupVaultArn": ARN,
    "ResourceType": "EC2",
    "IamRoleArn": "arn:aws:iam::111122223333:role/service-role/AWSBackupDefault",
    "RecoveryPointArn": "arn:aws:backup:eu-west-1:111122223333:recovery-point:1",
    "PercentDone": "100.0",
    "CreationDate": at(-3),
    "CompletionDate": at(-2),
    "Status": "COMPLETED",
}


def sources(*files: list[Json], dataset: str = "backup_jobs") -> list[Json]:
    """Each list of records as a file."""
    return [{"dataset": dataset, "name": f"{number}.json", "records": records} for number, records in enumerate(files)]


def job(**changes: object) -> Json:
    """A clean backup job; None takes a member away."""
    return changed(BACKUP, changes)


def changed(base: Json, changes: Json) -> Json:
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


def running(**changes: object) -> Json:
    return job(State="RUNNING", CompletionDate=None, MessageCategory=None, ExpectedCompletionDate=at(1)) | changes


def judge(
    records: list[Json],
    /,
    *,
    dataset: str = "backup_jobs",
    scope: Json | None = None,
    covers: list[str] | None = WIDE,
    others: dict[str, list[Json]] | None = None,
    inventories: dict[str, list[Json]] | None = None,
    coverage: list[Json] | None = None,
    files: list[list[Json]] | None = None,
    lone: bool = False,
    incomplete: list[str] | None = None,
    waivers: list[Json] | None = None,
    **rule: Any,
) -> Json:
    """The one result of one rule over one list; `files` are further sources of it, and `others` further lists. Observed `coverage` takes the place of what is
    claimed; `lone` makes the first source a describe answer."""
    given = sources(records, *(files or []), dataset=dataset)
    given[0]["lone"] = lone
    given += [source for name, listed in (others or {}).items() for source in sources(listed, dataset=name)]
    document = {
        "schema": reperform.SCHEMA,
        "as_of": "2020-09-22T00:00:00Z",
        "covers": None if coverage is not None else covers,
        "coverage": coverage,
        "scope": scope,
        "inventories": inventories,
        "incomplete_inventories": incomplete,
        "sources": given,
        "rules": [{"id": "r", "dataset": dataset, **rule}],
        "waivers": waivers,
    }
    result: Json = reperform.reperform(json.loads(json.dumps(document)))["rules"][0]
    return result


def truth(conditions: Json, first: Json, *others: Json, dataset: str = "backup_jobs") -> bool | None:
    """What the conditions say of the first job: forbidden, they make a definite violation, a possible one or none."""
    identity = reperform.LISTS[dataset].id
    result = judge([first, *others], dataset=dataset, where={identity: first[identity]}, none=conditions)
    assert result["examined"] == 1
    return True if result["verdict"] == "fail" else None if result["possible"] else False


def outcome(result: Json) -> tuple[str, int, int, int]:
    return result["verdict"], result["examined"], result["undecided"], result["possible"]


def said(result: Json) -> tuple[str, int, int]:
    """Verdict, subjects and possible violations."""
    return result["verdict"], result["subjects"], result["possible"]


def found(result: Json) -> dict[str, list[str]]:
    """The jobs of each finding by its subject."""
    return {finding["subject"]: finding["jobs"] for finding in result["findings"]}
