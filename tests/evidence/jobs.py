"""Hypothesis strategies: job lists with missing members and odd times, conditions over them, and estates of several lists. Few values, so that they meet."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS, Field, Kind
from policycheck.policy.conditions import And, Comparison, Condition, Literal, Not, Or, conjunction
from policycheck.policy.operators import AGE_OPERATORS, OPERATORS, ORDER_OPERATORS, Operator

Job = dict[str, Any]

AS_OF = 1_600_732_800  # 2020-09-22T00:00:00Z
HOUR = 3600

_ARNS = {
    "ResourceArn": ["arn:aws:ec2:eu-west-1:111122223333:instance/i-1", "arn:aws:rds:eu-west-1:111122223333:db:a", "arn:aws:s3:::bucket", "no arn at all"],
    "BackupVaultArn": ["arn:aws:backup:eu-west-1:111122223333:backup-vault:prod", "arn:aws:backup:us-east-1:444455556666:backup-vault:dr"],
    "IamRoleArn": ["arn:aws:iam::111122223333:role/service-role/AWSBackupDefaultServiceRole", "arn:aws:iam::111122223333:role/other", "arn:aws:iam::1:role"],
}
_TEXTS = {
    "AccountId": ["111122223333", "444455556666"],
    "BackupVaultName": ["prod", "dr", "Prod"],
    "ResourceType": ["EC2", "ec2", "RDS"],
    "MessageCategory": ["SUCCESS", "Success", "AccessDenied"],
    "StatusMessage": ["", "access denied", "Access Denied: key"],
    "State": [*BACKUP_JOBS.states, "NEWSTATE"],
    "VaultType": ["BACKUP_VAULT", "LOGICALLY_AIR_GAPPED_BACKUP_VAULT"],
    "ParentJobId": ["p1", "p2"],
    "ResourceName": ["prod-a", "tmp-b", "É"],
    "RecoveryPointLifecycle.DeleteAfterEvent": ["DELETE_AFTER_COPY"],
}
# Around the edges that matter: as_of, a day before it, the nine days behind which nothing can still end in that day.
_TIMES = [AS_OF + hours * HOUR for hours in (-24 * 9 - 1, -24 * 9, -49, -30, -25, -24, -23, -3, -1, 0, 1, 30)]
_NUMBERS = [-1, 0, 1, 35, 90, 2**53 + 1]


@cache
def _values(field: Field) -> st.SearchStrategy[Any]:
    match field.kind:
        case Kind.TIME:
            return st.sampled_from(_TIMES) | st.sampled_from([AS_OF - 0.001, AS_OF + 0.001, AS_OF - 24 * HOUR - 0.5])
        case Kind.SIZE | Kind.INTEGER:
            return st.sampled_from(_NUMBERS)
        case Kind.BOOLEAN:
            return st.booleans()
        case Kind.ARN:
            return st.sampled_from(_ARNS.get(field.name, ["arn:aws:x:y:z:one", "arn:aws:x:y:z:two"]))
        case _:
            return st.sampled_from(_TEXTS.get(field.name, ["one", "two"]))


# The members that decide something, so that examples stay small.
_USED = [
    BACKUP_JOBS.fields[name]
    for name in (
        "AccountId BackupVaultName BackupVaultArn ResourceArn ResourceType ResourceName State CreationDate InitiationDate CompletionDate "
        "ExpectedCompletionDate "
        "StartBy MessageCategory StatusMessage IamRoleArn ParentJobId IsEncrypted BackupSizeInBytes VaultType CreatedBy.BackupPlanId "
        "RecoveryPointLifecycle.DeleteAfterDays RecoveryPointLifecycle.DeleteAfterEvent"
    ).split()
]


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    """One raw record; each member is there more often than not."""
    job: Job = {"BackupJobId": draw(st.sampled_from("abcdefghij"))} if draw(st.integers(0, 19)) else {}
    for field in _USED:
        if draw(st.integers(0, 3)) == 0:
            continue
        head, _, tail = field.name.partition(".")
        value = draw(_values(field))
        if tail:
            job.setdefault(head, {})[tail] = value
        else:
            job[head] = value
    if draw(st.integers(0, 9)) == 0:
        job.setdefault("RecoveryPointLifecycle", {})
    return job


@cache
def job_lists() -> st.SearchStrategy[list[Job]]:
    return st.lists(jobs(), max_size=6)


_LITERALS = {
    Kind.TIME: ["2020-09-21T00:00:00Z", "2020-09-22", "2020-09-20T23:00:00+00:00"],
    Kind.DURATION: ["1h", "0.5h", "24h", "35d", "90d", "1.5d"],
    Kind.SIZE: ["0", "1kB", "1KiB", "9007199254740993"],
    Kind.INTEGER: ["-1", "0", "35"],
    Kind.BOOLEAN: ["true", "false"],
}
_DERIVED = ("Account", "Region", "IamRoleName", "Duration", "Elapsed", "StartDelay", "Retention", "Outcome", "Overdue", "Running")
_FIELDS = [*_USED, *(BACKUP_JOBS.fields[name] for name in _DERIVED)]


def _literals(field: Field) -> list[str]:
    if field.kind in _LITERALS:
        return _LITERALS[field.kind]
    if field.values:
        return list(field.values)
    named = {"Account": _TEXTS["AccountId"], "Region": ["eu-west-1", "us-east-1"], "IamRoleName": ["other", "AWSBackupDefaultServiceRole"]}
    texts = _ARNS.get(field.name) or _TEXTS.get(field.name) or named.get(field.name) or ["one", "two"]
    return [text for text in texts if text and (field.kind is not Kind.ARN or text.startswith("arn:"))]


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    field = draw(st.sampled_from(_FIELDS))
    able = [operator for operator, definition in OPERATORS.items() if definition.applies(field.kind)]
    able = [operator for operator in able if operator is not Operator.IN_INVENTORY or field.name != "ResourceArn"]
    # What has an order is compared in it more often than chance would.
    operator = draw(st.sampled_from([*able, *(operator for operator in able if operator in ORDER_OPERATORS)]))
    texts = {
        **{operator: ["24h", "1h", "49h"] for operator in AGE_OPERATORS},
        Operator.PRESENT: ["true", "false"],
        Operator.LOCAL_TIME: [
            "on Monday in Europe/Berlin",
            "on Saturday to Sunday in UTC",
            "before 14:00 in America/New_York",
            "between 22:30 and 03:00 in UTC",
        ],
        Operator.IN_INVENTORY: ["prod", "dr"],
        Operator.MATCHES: ["^prod", "(1|2)$", "[Aa]ccess.*d", "e"],
        Operator.CONTAINS: ["AWSBackup", "1", "denied", "E"],
        Operator.STARTS_WITH: ["prod", "arn:", "A"],
        Operator.ENDS_WITH: ["1", "r", "S"],
    }.get(operator) or _literals(field)
    many = OPERATORS[operator].family.lists
    chosen = draw(st.lists(st.sampled_from(texts), min_size=1, max_size=2 if many else 1, unique=True))
    return Comparison(field.name, operator, tuple(Literal(text) for text in chosen))


@cache
def conditions() -> st.SearchStrategy[Condition]:
    """Nested conditions that name at least one field."""
    leaves: st.SearchStrategy[Condition] = comparisons()
    return st.recursive(
        leaves,
        lambda parts: (
            st.lists(parts, min_size=2, max_size=3).map(conjunction)
            | st.lists(parts, min_size=1, max_size=3).map(lambda chosen: Or(tuple(chosen)))
            | parts.map(Not)
        ),
        max_leaves=4,
    )


@cache
def optional_conditions() -> st.SearchStrategy[Condition]:
    return st.just(And()) | conditions()


# Estates: lists that belong together. Members are missing more seldom than above, so that groups are decided as well as unknown.
_RESOURCES = ["arn:aws:ec2:eu-west-1:111122223333:instance/i-1", "arn:aws:rds:eu-west-1:111122223333:db:a", "arn:aws:s3:::bucket"]
_VAULTS = [*_ARNS["BackupVaultArn"], "arn:aws:backup:eu-west-1:111122223333:backup-vault:second"]
_POINTS = [f"arn:aws:backup:eu-west-1:111122223333:recovery-point:{number}" for number in range(4)]
_FAR_POINTS = [f"arn:aws:backup:us-east-1:444455556666:recovery-point:{number}" for number in range(3)]
_CRONS = ["cron(0 5 * * ? *)", "cron(0 5 * * ? *)", "cron(0 0/12 ? * * *)", "cron(30 2 ? * SUN-MON *)", "cron(0 5 LW * ? *)", "rate(1 day)"]
_STATES = ["COMPLETED", "COMPLETED", "COMPLETED", "FAILED", "RUNNING", "NEWSTATE"]
_RESOURCE_TYPES = ["EC2", "RDS", "ec2"]


def _mostly(draw: st.DrawFn, values: st.SearchStrategy[Any], of: int = 12) -> Any:
    """A value, or None once in so many times."""
    return None if draw(st.integers(1, of)) == of else draw(values)


def _known(members: Job) -> Job:
    return {name: value for name, value in members.items() if value is not None}


@st.composite
def _times(draw: st.DrawFn) -> Job:
    """A creation on a quarter of an hour in the last ten days, mostly near five o'clock, and an end after it, before as_of or not."""
    created = (
        AS_OF - draw(st.integers(0, 10)) * 24 * HOUR + draw(st.sampled_from([5 * HOUR, 5 * HOUR, 5 * HOUR + 900, 5 * HOUR - 30, 0, 13 * HOUR, 2.5 * HOUR]))
    )
    ended = created + draw(st.sampled_from([900, HOUR, 8 * HOUR, 26 * HOUR]))
    return {"CreationDate": _mostly(draw, st.just(created), 16), "CompletionDate": _mostly(draw, st.just(ended))}


@st.composite
def estate_backup_jobs(draw: st.DrawFn) -> Job:
    times, state, plan = draw(_times()), _mostly(draw, st.sampled_from([*_STATES, "EXPIRED", "PENDING"]), 20), draw(st.sampled_from(["p", "p", "q", None]))
    created_by = {
        "BackupPlanId": plan,
        "BackupPlanArn": f"arn:aws:backup:eu-west-1:111122223333:backup-plan:{plan}",
        "BackupPlanVersion": draw(st.sampled_from(["v1", "v1", "v1", "v2"])),
        "BackupRuleId": _mostly(draw, st.sampled_from(["r", "r", "s"])),
        "BackupRuleCron": _mostly(draw, st.sampled_from(_CRONS), 8),
        "BackupRuleTimezone": draw(st.sampled_from([None, None, "UTC", "Europe/Berlin"])),
    }
    ended = state not in {"RUNNING", "PENDING", "EXPIRED"}
    start_by = times["CreationDate"] and times["CreationDate"] + draw(st.sampled_from([HOUR, 8 * HOUR]))
    return _known(
        {
            "BackupJobId": _mostly(draw, st.sampled_from([f"j{number}" for number in range(40)]), 20),
            "AccountId": draw(st.sampled_from(["111122223333", "111122223333", "444455556666"])),
            "BackupVaultArn": _mostly(draw, st.sampled_from(_VAULTS), 20),
            "ResourceArn": _mostly(draw, st.sampled_from(_RESOURCES), 20),
            "ResourceType": _mostly(draw, st.sampled_from(_RESOURCE_TYPES)),
            "State": state,
            "CreationDate": times["CreationDate"],
            "CompletionDate": times["CompletionDate"] if ended else None,
            "StartBy": _mostly(draw, st.just(start_by)),
            "ExpectedCompletionDate": _mostly(draw, st.sampled_from([AS_OF - HOUR, AS_OF + HOUR])),
            "MessageCategory": _mostly(draw, st.sampled_from(["SUCCESS", "SUCCESS", "AccessDenied"]), 8),
            "RecoveryPointArn": _mostly(draw, st.sampled_from(_POINTS), 6),
            "ParentJobId": draw(st.sampled_from([None, None, None, "j1"])),
            "CreatedBy": None if plan is None else _known(created_by),
        }
    )


@st.composite
def estate_copy_jobs(draw: st.DrawFn) -> Job:
    state, times = _mostly(draw, st.sampled_from(_STATES), 20), draw(_times())
    return _known(
        {
            **times,
            "CopyJobId": _mostly(draw, st.sampled_from([f"c{number}" for number in range(20)]), 20),
            "AccountId": draw(st.sampled_from(["111122223333", "111122223333", "444455556666"])),
            "SourceBackupVaultArn": _mostly(draw, st.sampled_from(_VAULTS), 20),
            "DestinationBackupVaultArn": _mostly(draw, st.sampled_from(_VAULTS)),
            "SourceRecoveryPointArn": _mostly(draw, st.sampled_from([*_POINTS, *_FAR_POINTS])),
            "DestinationRecoveryPointArn": _mostly(draw, st.sampled_from(_FAR_POINTS), 6),
            "CreatedByBackupJobId": draw(st.sampled_from([None, "j1", "j2", "j3", "j4"])),
            "ResourceArn": _mostly(draw, st.sampled_from(_RESOURCES), 20),
            "ResourceType": _mostly(draw, st.sampled_from(_RESOURCE_TYPES)),
            "State": state,
            "CompletionDate": None if state == "RUNNING" else times["CompletionDate"],
            "MessageCategory": _mostly(draw, st.sampled_from(["SUCCESS", "AccessDenied"]), 8),
        }
    )


@st.composite
def estate_restore_jobs(draw: st.DrawFn) -> Job:
    status, times = _mostly(draw, st.sampled_from(_STATES), 20), draw(_times())
    return _known(
        {
            **times,
            "RestoreJobId": _mostly(draw, st.sampled_from([f"r{number}" for number in range(20)]), 20),
            "AccountId": draw(st.sampled_from(["111122223333", "111122223333", "444455556666"])),
            "SourceResourceArn": _mostly(draw, st.sampled_from(_RESOURCES)),
            "BackupVaultArn": _mostly(draw, st.sampled_from(_VAULTS)),
            "RecoveryPointArn": _mostly(draw, st.sampled_from([*_POINTS, *_FAR_POINTS])),
            "ResourceType": _mostly(draw, st.sampled_from(_RESOURCE_TYPES)),
            "Status": status,
            "CompletionDate": None if status == "RUNNING" else times["CompletionDate"],
        }
    )


Estate = dict[str, list[Job]]


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    """Lists by name; one of the others, or even that of the backup jobs, may not have been read."""
    made = {"backup_jobs": (estate_backup_jobs(), 12), "copy_jobs": (estate_copy_jobs(), 6), "restore_jobs": (estate_restore_jobs(), 6)}
    return {name: draw(st.lists(jobs, max_size=most)) for name, (jobs, most) in made.items() if draw(st.integers(0, 9))}


def sound_estate(seed: int) -> Estate:
    """Ten days of a few resources that are backed up, copied and restored every day, but for a few days, failures and members."""
    chance = Random(seed)
    lists: Estate = {"backup_jobs": [], "copy_jobs": [], "restore_jobs": []}
    for name, arn in enumerate(_RESOURCES[chance.randint(0, 2) :]):
        account, vault, plan, cron = (chance.choice(some) for some in (["111122223333", "111122223333", "444455556666"], _VAULTS, "ppq", _CRONS))
        began, ended = chance.choice([9, 9, 9, 3]), chance.choice([0, 0, 0, 2, 4])
        for day in range(began, ended - 1, -1):
            if chance.random() < 0.1:
                continue
            created, point = AS_OF - day * 24 * HOUR - 19 * HOUR, f"arn:aws:backup:eu-west-1:111122223333:recovery-point:{name}-{day}"
            state = chance.choice(["COMPLETED"] * 6 + ["FAILED", "RUNNING"])
            job: Job = {
                "BackupJobId": f"j{name}-{day}",
                "AccountId": account,
                "BackupVaultArn": vault,
                "ResourceArn": arn,
                "ResourceType": "EC2" if name else "RDS",
            }
            job |= {"State": state, "CreationDate": created, "StartBy": created + 8 * HOUR, "ExpectedCompletionDate": AS_OF + HOUR}
            ids = {"BackupPlanId": plan, "BackupRuleId": "r", "BackupPlanVersion": "v1", "BackupRuleCron": cron}
            job["CreatedBy"] = {**ids, "BackupPlanArn": f"arn:aws:backup:eu-west-1:111122223333:backup-plan:{plan}"}
            lists["backup_jobs"].append(job)
            if state == "RUNNING":
                continue
            job |= {"CompletionDate": created + HOUR, "MessageCategory": "SUCCESS" if state == "COMPLETED" else "AccessDenied"}
            if state == "COMPLETED":
                job["RecoveryPointArn"] = point
                lists["copy_jobs"] += _copies(chance, job)
                lists["restore_jobs"] += _restores(chance, job, day)
    for _ in range(chance.choice([0, 0, 1, 2, 3])):
        job = chance.choice([job for jobs in lists.values() for job in jobs] or [{"State": ""}])
        for member in chance.choice([["AccountId", "BackupVaultArn", "SourceBackupVaultArn"], [chance.choice(list(job) or ["State"])]]):
            job.pop(member, None)
    return lists


def _copies(chance: Random, job: Job) -> list[Job]:
    made = job["CompletionDate"] + chance.choice([0, HOUR, 12 * HOUR])
    kept = {name: job[name] for name in ("AccountId", "ResourceArn", "ResourceType")}
    names = {"CreatedByBackupJobId": job["BackupJobId"]} if chance.random() < 0.5 else {}
    state = chance.choice(["COMPLETED", "COMPLETED", "COMPLETED", "FAILED"])
    copy = {"CopyJobId": f"c-{job['BackupJobId']}", "State": state, "CreationDate": made, "CompletionDate": made + HOUR, **kept, **names}
    copy |= {
        "SourceBackupVaultArn": job["BackupVaultArn"],
        "DestinationBackupVaultArn": chance.choice(_VAULTS),
        "SourceRecoveryPointArn": job["RecoveryPointArn"],
    }
    copy |= {"DestinationRecoveryPointArn": f"{job['RecoveryPointArn']}-far", "MessageCategory": "SUCCESS"}
    return [copy] if chance.random() < 0.9 else []


def _restores(chance: Random, job: Job, day: int) -> list[Job]:
    made = job["CompletionDate"] + chance.choice([HOUR, 24 * HOUR])
    point = job["RecoveryPointArn"] + chance.choice(["", "-far"])
    restore = {"RestoreJobId": f"r-{job['BackupJobId']}", "AccountId": job["AccountId"], "SourceResourceArn": job["ResourceArn"], "Status": "COMPLETED"}
    restore |= {"BackupVaultArn": job["BackupVaultArn"], "RecoveryPointArn": point, "CreationDate": made, "CompletionDate": made + HOUR}
    return [restore | {"ResourceType": job["ResourceType"]}] if day % 2 else []


@cache
def sound_estates() -> st.SearchStrategy[Estate]:
    """Lists in which most groups are decided."""
    return st.integers(0, 2**32 - 1).map(sound_estate)


@st.composite
def inventory_entries(draw: st.DrawFn) -> Job:
    return _known(
        {
            "arn": draw(st.sampled_from([*_RESOURCES, "arn:aws:dynamodb:eu-west-1:111122223333:table/never", "arn:aws:iam::111122223333:role/other"])),
            "account": draw(st.sampled_from(["111122223333", "111122223333", "444455556666", None])),
            "region": draw(st.sampled_from(["eu-west-1", "eu-west-1", "us-east-1", None])),
            "type": draw(st.sampled_from(["EC2", "RDS", None])),
            "account_name": draw(st.sampled_from(["Prod", "Test", None])),
            "tags": draw(st.sampled_from([{}, {"env": "prod"}, {"env": "test"}])),
        }
    )


@cache
def inventories() -> st.SearchStrategy[dict[str, list[Job]]]:
    """Inventories by name, none of them empty and none with an entry twice."""
    entries = st.lists(inventory_entries(), min_size=1, max_size=4, unique_by=lambda entry: (entry["arn"], entry.get("account"), entry.get("region")))
    return st.dictionaries(st.sampled_from(["prod", "dr"]), entries, max_size=2)
