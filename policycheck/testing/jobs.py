"""Job records for tests: an author writes the members that matter, and the rest is filled in as AWS would record it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from policycheck.datasets import Dataset, Field, Kind, Presence
from policycheck.policy.conditions import nearest
from policycheck.policy.document import Document, Entries, Items, Node, Text
from policycheck.policy.literals import parse_account, parse_duration, parse_moment, parse_size
from policycheck.text import clean_line

ACCOUNT, REGION = "111122223333", "eu-west-1"
"""Where jobs run that do not say where."""
MOST_REPEATS = 10_000
LONGEST_REPEAT = timedelta(days=3653)
"""Ten years, from the first job to the last."""
_AGE = re.compile(r"-(\d.*)")
_OWN = ("Account", "Region", "without", "repeat")
_ARNS = {
    "EC2": "ec2:{place}:instance/", "EBS": "ec2:{place}:volume/", "RDS": "rds:{place}:db:", "Aurora": "rds:{place}:cluster:", "S3": "s3:::",
    "DynamoDB": "dynamodb:{place}:table/", "EFS": "elasticfilesystem:{place}:file-system/", "FSx": "fsx:{place}:file-system/",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Draft:
    """What an author wrote of one job: typed members by dotted name, members that must be missing, where it runs, how often it stands."""

    members: Mapping[str, Any]
    without: frozenset[str]
    account: str
    region: str
    every: timedelta
    times: int


def read_jobs(node: Node | None, dataset: Dataset, as_of: datetime, document: Document) -> list[dict[str, Any]]:
    """The records that a list of jobs in a test file stands for; mistakes are reported.

    A time is ISO 8601, or `-26h`: so long before as_of. `ResourceArn: i-1` stands for a whole ARN of the resource's type. `without: [StartBy]` takes
    members away, and `repeat: {every: 24h, times: 7}` makes more jobs, each so much later.
    """
    records: list[dict[str, Any]] = []
    for item in node.items if isinstance(node, Items) else ():
        if isinstance(item, Entries):
            draft = _read_draft(item, dataset, as_of, document)
            records += [_fill(draft, dataset, as_of, number, len(records) + number + 1) for number in range(draft.times)]
    return records


def _read_draft(node: Entries, dataset: Dataset, as_of: datetime, document: Document) -> _Draft:
    members: dict[str, Any] = {}
    for name, value in _flat(node, document):
        field = dataset.fields.get(name.text)
        if name.text in _OWN:
            continue
        if field is None or field.derived:
            near = nearest(name.text, [*(field.name for field in dataset.members), *_OWN])
            document.report(name.location, f"a {dataset.noun} records no {clean_line(name.text)}", f"Did you mean {near}?" if near else "")
        elif isinstance(value, Text):
            read = _read_value(value, field, as_of, document)
            members |= {} if read is None else {field.name: read}
        else:
            document.report(name.location, f"{field.name} takes one value")
    account, region = (_text(node.get(name)) for name in ("Account", "Region"))
    if account and not re.fullmatch("[0-9]{12}", account):
        document.report(node.entries["Account"][1].location, "an account id is exactly 12 digits")
    every, times = _read_repeat(node.get("repeat"), document)
    return _Draft(members, _read_without(node, dataset, document), account or members.get("AccountId") or ACCOUNT, region or REGION, every, times)


def _flat(node: Entries, document: Document) -> Iterator[tuple[Text, Node]]:
    """Members by dotted name, whether nested or dotted in the file."""
    for name, value in node.entries.values():
        if isinstance(value, Entries) and name.text not in _OWN:
            for inner, nested in value.entries.values():
                yield Text(f"{name.text}.{inner.text}", inner.location), nested
        else:
            yield name, value


def _read_value(value: Text, field: Field, as_of: datetime, document: Document) -> Any:
    text = value.text
    try:
        match field.kind:
            case Kind.TIME:
                age = _AGE.fullmatch(text)
                return as_of - timedelta(microseconds=parse_duration(age[1])) if age else parse_moment(text)
            case Kind.SIZE:
                return parse_size(text)
            case Kind.INTEGER:
                return int(text)
            case Kind.BOOLEAN:
                if text not in {"true", "false"}:
                    raise ValueError("this field is true or false")
                return text == "true"
            case Kind.ACCOUNT:
                return parse_account(text)
            case _:
                return text
    except ValueError as error:
        document.report(
            value.location, f"{field.name}: {clean_line(str(error))}", "A time can be written -26h: this long before as_of." if field.kind is Kind.TIME else ""
        )
        return None


def _read_without(node: Entries, dataset: Dataset, document: Document) -> frozenset[str]:
    listed = node.get("without")
    texts = [item for item in listed.items if isinstance(item, Text)] if isinstance(listed, Items) else [listed] if isinstance(listed, Text) else []
    names = [field.name for field in dataset.members] + sorted({field.name.partition(".")[0] for field in dataset.members if "." in field.name})
    for item in texts:
        if item.text not in names:
            near = nearest(item.text, names)
            document.report(item.location, f"a {dataset.noun} records no {clean_line(item.text)}", f"Did you mean {near}?" if near else "")
    return frozenset(item.text for item in texts)


def _read_repeat(node: Node | None, document: Document) -> tuple[timedelta, int]:
    if node is None:
        return timedelta(), 1
    every, times = (_text(node.get(name)) if isinstance(node, Entries) else None for name in ("every", "times"))
    if every is None or times is None or not re.fullmatch("[1-9][0-9]*", times) or int(times) > MOST_REPEATS:
        document.report(node.location, "repeat requires every and times", f"repeat: {{every: 24h, times: 7}}; at most {MOST_REPEATS:,} times")
        return timedelta(), 1
    try:
        apart = timedelta(microseconds=parse_duration(every))
    except ValueError as error:
        document.report(node.location, f"repeat: {error}")
        return timedelta(), 1
    if apart * (int(times) - 1) > LONGEST_REPEAT:
        document.report(node.location, "repeat goes on for more than ten years", "repeat: {every: 24h, times: 7}")
        return timedelta(), 1
    return apart, int(times)


def _text(node: Node | None) -> str | None:
    return node.text if isinstance(node, Text) else None


def resource_arn(kind: str, name: str, place: str = f"{REGION}:{ACCOUNT}") -> str:
    """The ARN of a resource of this type; the place is Region:account."""
    form = _ARNS.get(kind, f"{kind.lower().replace(' ', '')}:{{place}}:")
    return f"arn:aws:{form.replace('{place}', place)}{name}"


def _fill(draft: _Draft, dataset: Dataset, as_of: datetime, number: int, serial: int) -> dict[str, Any]:
    """One record, nested as the API nests it."""
    shift = draft.every * number
    given: dict[str, Any] = {name: value + shift if isinstance(value, datetime) else value for name, value in draft.members.items()}
    place = f"{draft.region}:{draft.account}"
    kind = given.get("ResourceType", "EC2")
    if dataset.resource_field != dataset.vault_field:
        resource = given.get(dataset.resource_field) or f"resource-{serial - number}"
        given[dataset.resource_field] = resource if resource.startswith("arn:") else resource_arn(kind, resource, place)
    created = given.get("CreationDate", as_of - timedelta(hours=2) + shift)
    state = given.get(dataset.state_field, "COMPLETED")
    record = {
        **_common(dataset, state, created, as_of, place, kind, f"{dataset.id_field.removesuffix('Id')}-{serial}"),
        **_of_list(dataset, state, created, place, given, serial),
        **given,
    }
    if dataset.of_state:
        # What tells such a record is an ARN that it has anyhow: of a resource, of a vault, of a recovery point.
        told = {
            "ResourceArn": given.get("ResourceArn"),
            "BackupVaultArn": record.get("BackupVaultArn"),
            "RecoveryPointArn": f"arn:aws:backup:{place}:recovery-point:point-{serial}",
        }
        record[dataset.id_field] = given.get(dataset.id_field) or told[dataset.id_field]
    if number and dataset.id_field in given:
        record[dataset.id_field] = f"{given[dataset.id_field]}-{number + 1}"
    return _nest({name: value for name, value in record.items() if value is not None and not {name, name.partition(".")[0]} & draft.without})


def _common(dataset: Dataset, state: str, created: datetime, as_of: datetime, place: str, kind: str, job_id: str) -> dict[str, Any]:
    account = place.partition(":")[2]
    waiting, ended = state in {"CREATED", "PENDING", "EXPIRED"}, state in dataset.finished and state != "EXPIRED"
    values = {
        "AccountId": account,
        dataset.id_field: job_id,
        dataset.state_field: state,
        "ResourceType": kind,
        "IamRoleArn": f"arn:aws:iam::{account}:role/service-role/AWSBackupDefaultServiceRole",
        "CreationDate": created,
        "InitiationDate": None if waiting else created + timedelta(minutes=5),
        # A job that has ended did so by as_of, unless the test says otherwise.
        "CompletionDate": min(created + timedelta(hours=1), max(as_of, created)) if ended else None,
        "MessageCategory": "SUCCESS" if state == "COMPLETED" else None,
        "PercentDone": "100.0" if ended else "0.0",
        # A job expires when its start window has closed.
        "StartBy": min(created + timedelta(hours=1), max(as_of, created)) if state == "EXPIRED" else created + timedelta(hours=8),
        "ExpectedCompletionDate": created + timedelta(days=7) if state == "RUNNING" else None,
    }
    return {name: value for name, value in values.items() if name in dataset.fields}


def _of_list(dataset: Dataset, state: str, created: datetime, place: str, given: Mapping[str, Any], serial: int) -> dict[str, Any]:
    """The members that each list has for itself: vaults, recovery points and who started the job."""
    vault = given.get("BackupVaultArn") or f"arn:aws:backup:{place}:backup-vault:{given.get('BackupVaultName', 'prod')}"
    point = f"arn:aws:backup:{place}:recovery-point:point-{serial}"
    plan = {
        "CreatedBy.BackupPlanId": "plan-1",
        "CreatedBy.BackupPlanArn": f"arn:aws:backup:{place}:backup-plan:plan-1",
        "CreatedBy.BackupPlanName": "daily",
        "CreatedBy.BackupPlanVersion": "1",
        "CreatedBy.BackupRuleId": "rule-1",
        "CreatedBy.BackupRuleName": "daily",
    }
    done = state == "COMPLETED"
    values = {
        **plan,
        dataset.vault_field: vault,
        "BackupVaultName": vault.rpartition(":")[2],
        # Of a list whose jobs make recovery points, only those that completed have one.
        "RecoveryPointArn": point if done or _is_always(dataset, "RecoveryPointArn") else None,
        "RecoveryPointCreationDate": created - timedelta(days=1),
        "RecoveryPointLifecycle.DeleteAfterDays": 35,
        "IsEncrypted": True,
        "VaultType": "BACKUP_VAULT",
        "SourceRecoveryPointArn": point,
        "DestinationBackupVaultArn": f"arn:aws:backup:{place}:backup-vault:dr",
        "DestinationRecoveryPointArn": f"{point}-copy" if done else None,
        "LastBackupTime": created,
        "LastBackupVaultArn": vault,
        "LastRecoveryPointArn": point,
        "NumberOfRecoveryPoints": 1,
        "Locked": False,
        "Lifecycle.DeleteAfterDays": 35,
    }
    members = {member.name for member in dataset.members}
    return {name: value for name, value in values.items() if name in members and value is not None}


def _is_always(dataset: Dataset, name: str) -> bool:
    return name in dataset.fields and dataset.fields[name].presence is Presence.ALWAYS


def _nest(members: Mapping[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for name, value in members.items():
        head, _, tail = name.partition(".")
        if tail:
            record.setdefault(head, {})[tail] = value
        else:
            record[head] = value
    return record
