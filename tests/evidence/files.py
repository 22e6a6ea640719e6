"""Lists as people save them: in several files, cut down, merged from two clients, redacted, with fields left empty, and plans that were edited meanwhile."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NotRequired, TypedDict

from policycheck.datasets import DATASETS, Dataset, Kind, Presence
from tests.evidence.jobs import AS_OF, HOUR, Estate, Job


class Source(TypedDict):
    """One file, as `reperform.py` reads it."""

    dataset: str
    name: str
    records: list[Job]
    lone: bool
    unclosed: NotRequired[bool]
    """It is YAML, whose last record may have been cut off unseen."""


def single_files(estate: Estate) -> list[Source]:
    """Each list in one file, as it is."""
    return [{"dataset": name, "name": f"{name}.json", "records": jobs, "lone": False} for name, jobs in estate.items()]


def write(sources: list[Source], folder: Path) -> list[str]:
    """The files on disk, and their paths."""
    paths = []
    for number, source in enumerate(sources):
        path = folder / f"{number:03d}.json"
        content = source["records"][0] if source["lone"] else {DATASETS[source["dataset"]].result_key: source["records"]}
        path.write_text(_yaml(content) if source.get("unclosed") else json.dumps(content), encoding="utf-8")
        paths.append(str(path))
    return paths


def _yaml(content: Any) -> str:
    """As a program writes it that keeps the order of members; values as JSON has them. A list has a record, and a record a member."""
    if isinstance(content, list):
        return "".join("- " + text[2:] for text in (_indented(_yaml(item)) for item in content))
    held = ((name, value, bool(value) and isinstance(value, (dict, list))) for name, value in content.items())
    return "".join(f"{name}:\n{_indented(_yaml(value))}" if nested else f"{name}: {json.dumps(value)}\n" for name, value, nested in held)


def _indented(text: str) -> str:
    return "".join(f"  {line}" for line in text.splitlines(keepends=True))


_ROLE = "arn:aws:iam::111122223333:role/service-role/AWSBackupDefaultServiceRole"


def filled(dataset: Dataset, jobs: list[Job], chance: Random) -> list[Job]:
    """The jobs with the members that AWS always records and the lists above leave out, so that not all of them are reduced."""
    made = []
    for job in jobs:
        usual = {
            "PercentDone": chance.choice(["100.0", "100.0", 100.0, 100, "7.5"]),
            "IamRoleArn": _ROLE,
            "BackupVaultName": "prod",
            "SourceRecoveryPointArn": "arn:aws:x:y:z:none",
        }
        usual |= {"StartBy": (job.get("CreationDate") or AS_OF) + 8 * HOUR, "ResourceType": "EC2"}
        missing = [name for name in usual if name in dataset.fields and dataset.fields[name].presence is not Presence.DERIVED and name not in job]
        made.append({**job, **{name: usual[name] for name in missing if chance.random() < 0.99}})
    return made


def saved(estate: Estate, seed: int) -> list[Source]:
    """The lists of an estate as files; what happened to them on the way is told by the seed."""
    chance = Random(seed)
    if chance.random() < 0.3:
        return anonymous(estate, chance)
    rough = chance.choice([0, 0.3, 1])  # most rules over lists with every fault at once are inconclusive
    sources: list[Source] = []
    for name, jobs in estate.items():
        dataset = DATASETS[name]
        records = filled(dataset, copy.deepcopy(jobs), chance)
        for change, odds in _OF_LISTS:
            if records and chance.random() < odds * rough:
                change(dataset, records, chance)
        files = _split(records, chance) if chance.random() < 0.5 + rough / 2 else [records]
        for file in files:
            for change, odds in _OF_FILES:
                if file and chance.random() < odds * rough:
                    change(dataset, file, chance)
        if records and chance.random() < 0.35 * rough:
            _repeat(dataset, files, chance)
        sources += [_as_text(name, number, file, chance) for number, file in enumerate(files)]
        if records and chance.random() < 0.1 * rough:
            alone = copy.deepcopy(chance.choice(records))
            # A describe answer is known by the job's id.
            alone[dataset.id_field] = alone.get(dataset.id_field) or "alone"
            sources.append({"dataset": name, "name": f"{name}-alone.json", "records": [alone], "lone": True})
    return sources


def _as_text(name: str, number: int, records: list[Job], chance: Random) -> Source:
    """A file; now and then of YAML, members in the order of their names or not, and cut off behind some line of the last record or not."""
    source: Source = {"dataset": name, "name": f"{name}-{number}.json", "records": records, "lone": False}
    if not records or not all(records) or chance.random() < 0.75:
        return source
    if chance.random() < 0.7:
        records = [{key: record[key] for key in sorted(record)} for record in records]
    if chance.random() < 0.6:
        # Mostly behind what is always recorded: a cut before it is seen anyway.
        left = list(records[-1].items())
        records = [*records[:-1], dict(left[: -chance.choice([1, 1, 2, 3])] or left[:1])]
    return {**source, "records": records, "unclosed": True}


def anonymous(estate: Estate, chance: Random) -> list[Source]:
    """Each list in one file, whole but for its newest jobs, or those of one resource, which do not say whose they are."""
    sources: list[Source] = []
    for name, jobs in estate.items():
        dataset = DATASETS[name]
        usual = {"PercentDone": "100.0", "IamRoleArn": _ROLE, "BackupVaultName": "prod", "SourceRecoveryPointArn": "arn:aws:x:y:z:none", "StartBy": AS_OF}
        known = {name: value for name, value in usual.items() if name in dataset.fields and not dataset.fields[name].derived}
        records = [{**known, **job} for job in copy.deepcopy(jobs)]
        newest = sorted(records, key=lambda record: -_seconds(record.get("CreationDate")))
        resource = chance.choice(records).get(dataset.resource_field) if records else None
        chosen = [record for record in newest if chance.random() < 0.5 or record.get(dataset.resource_field) == resource]
        members = chance.choice([[dataset.resource_field], [dataset.resource_field], [dataset.vault_field], ["ResourceType"], ["BackupVaultName"]])
        members = chance.choice([members, members, [*members, "ResourceType"], [*members, "AccountId"], [*members, dataset.vault_field, "BackupVaultName"]])
        for record in chosen[: chance.choice([1, 1, 2, 3, 40])]:
            for member in members:
                if member in dataset.fields and not dataset.fields[member].derived:
                    record[member] = chance.choice(["", None])
        sources.append({"dataset": name, "name": f"{name}.json", "records": records, "lone": False})
    return sources


def _split(records: list[Job], chance: Random) -> list[list[Job]]:
    """In one file, or in several by time, by account or as it comes."""
    how = chance.choice(["one", "one", "one", "time", "place", "any"])
    if how == "one":
        return [records]
    if how == "any":
        files: list[list[Job]] = [[] for _ in range(chance.randint(2, 3))]
        for record in records:
            chance.choice(files).append(record)
        return files
    edge = AS_OF - chance.choice([1, 3, 5, 7]) * 24 * HOUR
    if how == "time":
        first = [record for record in records if _seconds(record.get("CreationDate")) < edge]
        # Now and then the days before the edge are in neither.
        kept = [record for record in first if chance.random() < 0.5 or _seconds(record.get("CreationDate")) < edge - 3 * 24 * HOUR]
        return [kept if chance.random() < 0.5 else first, [record for record in records if record not in first]]
    here = [record for record in records if record.get("AccountId") == "111122223333"]
    return [here, [record for record in records if record not in here]]


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _parents(dataset: Dataset, records: list[Job], chance: Random) -> None:
    """Some jobs are of a composite one: that is in the list, or not, or the job itself."""
    ids = [record.get(dataset.id_field, "j1") for record in records]
    parent = chance.choice(ids)
    for record in records:
        if chance.random() < 0.4:
            record["ParentJobId"] = chance.choice([parent, parent, parent, chance.choice(ids), "nowhere"])


def _runs_long(dataset: Dataset, records: list[Job], chance: Random) -> None:
    """A job runs for weeks; with or without an end in the list."""
    record = chance.choice(records)
    record["CreationDate"] = AS_OF - chance.choice([9, 12, 30]) * 24 * HOUR
    record.pop("InitiationDate", None)
    if "ExpectedCompletionDate" in dataset.fields:
        record["ExpectedCompletionDate"] = AS_OF + chance.choice([-HOUR, HOUR, 48 * HOUR])
    if chance.random() < 0.6:
        record[dataset.state_field] = "RUNNING"
        record.pop("CompletionDate", None)
    elif chance.random() < 0.5:
        record.pop("CompletionDate", None)


def _first_runs(dataset: Dataset, records: list[Job], chance: Random) -> None:
    """A resource whose only job, or whose only jobs, are in progress, failed, or well."""
    made = AS_OF - chance.choice([3, 27, 50, 75]) * HOUR
    pattern = copy.deepcopy(chance.choice(records))
    states = chance.choice([["RUNNING"], ["RUNNING"], ["FAILED", "FAILED"], ["COMPLETED", "COMPLETED"], ["COMPLETED", "RUNNING"], ["COMPLETED", "NEWSTATE"]])
    for number, state in enumerate(states):
        begun = made + number * 24 * HOUR
        job = {**copy.deepcopy(pattern), dataset.id_field: f"new{number}", dataset.resource_field: "arn:aws:rds:eu-west-1:111122223333:db:new"}
        job |= {"CreationDate": begun, "StartBy": begun + 8 * HOUR, "ExpectedCompletionDate": AS_OF + HOUR, dataset.state_field: state}
        for name in ("CompletionDate", "InitiationDate", "ParentJobId"):
            job.pop(name, None)
        if state != "RUNNING":
            job["CompletionDate"] = begun + HOUR
        records.append({name: value for name, value in job.items() if name in _heads(dataset)})


def _heads(dataset: Dataset) -> set[str]:
    """The members of a record, nested ones by their object."""
    return {member.name.partition(".")[0] for member in dataset.members}


def _edit_plan(_: Dataset, records: list[Job], chance: Random) -> None:
    """From some day on the plan has a new version: with the same schedule or another one, and perhaps other rule ids."""
    edge, version, changes = AS_OF - chance.randint(1, 8) * 24 * HOUR, chance.choice(["v2", "v3"]), {}
    if chance.random() < 0.5:
        changes["BackupRuleCron"] = chance.choice(["cron(0 6 * * ? *)", "cron(0 5 ? * * *)", "cron(0 0/12 ? * * *)"])
    if chance.random() < 0.4:
        changes["BackupRuleId"] = chance.choice(["r2", "s"])
    left = chance.choice([None, None, *[record.get("ResourceArn") for record in records]])
    for record in records:
        created_by = record.get("CreatedBy")
        if not isinstance(created_by, dict) or chance.random() < 0.03:
            continue
        created_by.setdefault("BackupRuleName", "daily")
        if _seconds(record.get("CreationDate")) >= edge:
            created_by.update({"BackupPlanVersion": version, **changes})
    records[:] = [record for record in records if left is None or record.get("ResourceArn") != left or _seconds(record.get("CreationDate")) < edge]


def _cut(dataset: Dataset, records: list[Job], chance: Random) -> None:
    """Somebody kept some members (--query, jq)."""
    heads = sorted(_heads(dataset))
    dropped = set(chance.sample(heads, chance.choice([1, 2, 3, 6]))) | {chance.choice(["PercentDone", "IamRoleArn", "ParentJobId", "CreatedBy", "StartBy"])}
    for record in records:
        for name in dropped:
            record.pop(name, None)


def _blank(dataset: Dataset, records: list[Job], chance: Random) -> None:
    """Members without a value: an empty text, null, a time of zero."""
    for _ in range(chance.choice([1, 1, 3])):
        record = chance.choice(records)
        members = [member for member in dataset.members if "." not in member.name and (member.name in record or chance.random() < 0.2)]
        member = chance.choice(members) if members else dataset.fields["AccountId"]
        record[member.name] = chance.choice([0, 1, "0", None]) if member.kind is Kind.TIME else chance.choice(["", None])


def _hide(dataset: Dataset, records: list[Job], chance: Random) -> None:
    """Jobs do not say which resource, vault, type or account is theirs: mostly ones that nothing else is unknown of."""
    members = [dataset.resource_field, dataset.resource_field, "ResourceType", dataset.vault_field, "BackupVaultName", "DestinationBackupVaultArn", "AccountId"]
    members = [member for member in members if member in dataset.fields and dataset.fields[member].presence is not Presence.DERIVED]
    for record in chance.sample(records, min(len(records), chance.choice([1, 1, 2, 4]))):
        for member in chance.choice([[chance.choice(members)], [chance.choice(members)], ["AccountId", dataset.vault_field], chance.sample(members, 2)]):
            record[member] = chance.choice(["", None])


def _twist(dataset: Dataset, records: list[Job], chance: Random) -> None:
    """Times that contradict each other."""
    record = chance.choice(records)
    created = _seconds(record.get("CreationDate"))
    if created:
        name, hours = chance.choice([("CompletionDate", -6), ("InitiationDate", -1), ("InitiationDate", 90), ("InitiationDate", 0.25), ("StartBy", -1)])
        if name in dataset.fields:
            record[name] = created + hours * HOUR


def _spell(_: Dataset, records: list[Job], chance: Random) -> None:
    """Times as text, as another client writes them."""
    spellings: list[Callable[[float], str]] = [str, str, lambda value: f"2020-09-{1 + int((value - 1_598_918_400) // 86_400):02d} {_clock(value)}+00:00"]
    spelling = chance.choice(spellings)
    for record in records:
        value = record.get("CreationDate")
        if isinstance(value, (int, float)) and 1_598_918_400 <= value < 1_601_510_400:
            record["CreationDate"] = spelling(value)


def _clock(value: float) -> str:
    of_day = round(value * 1000) % 86_400_000
    return f"{of_day // 3_600_000:02d}:{of_day // 60_000 % 60:02d}:{of_day // 1000 % 60:02d}.{of_day % 1000:03d}"


def _redact(dataset: Dataset, records: list[Job], chance: Random) -> None:
    """Every id is the same word, or is gone."""
    word = chance.choice(["redacted", "", None])
    for record in records:
        record[dataset.id_field] = word


def _cut_times(dataset: Dataset, record: Job, others: list[Job], chance: Random) -> None:
    """The record's client writes whole seconds, and the others milliseconds; another job was perhaps created in the same second."""
    second = [other for other in others if other.get(dataset.id_field) == record.get(dataset.id_field)]
    for number, other in enumerate(second):
        for member in dataset.members:
            value = other.get(member.name) if member.kind is Kind.TIME else None
            if isinstance(value, (int, float)) and value > AS_OF / 2 and chance.random() < 0.9:
                other[member.name] = int(value) + chance.choice([0.123, 0.123, 0.5, 0.0]) + 0.25 * (number % 2)
    if chance.random() < 0.15 and second:
        others.append({**copy.deepcopy(second[0]), "CreationDate": _seconds(record.get("CreationDate")) + 0.9})


_Change = Callable[[Dataset, list[Job], Random], None]
_OF_LISTS: list[tuple[_Change, float]] = [(_first_runs, 0.25), (_runs_long, 0.15), (_edit_plan, 0.25), (_parents, 0.3)]
_OF_FILES: list[tuple[_Change, float]] = [(_cut, 0.15), (_blank, 0.15), (_hide, 0.4), (_twist, 0.1), (_redact, 0.05), (_spell, 0.1)]


def _repeat(dataset: Dataset, files: list[list[Job]], chance: Random) -> None:
    """Some jobs are in a second file, or twice in one: seen earlier, saying more or less, or something else."""
    full = [file for file in files if file]
    taken = chance.sample(full[0], min(len(full[0]), chance.choice([1, 2, 4]))) if full else []
    made = [copy.deepcopy(record) for record in taken]
    state = dataset.state_field
    for record in made:
        kind = chance.choice(["same", "poorer", "earlier", "other", "unnamed", "undated", "unplaced", "validated", "later", "coarse", "coarse", "zoned"])
        if kind == "poorer" and len(record) > 1:
            record.pop(chance.choice(list(record)))
        elif kind == "earlier":
            record[state] = chance.choice(["RUNNING", "PENDING"])
            record.pop("CompletionDate", None)
        elif kind == "other":
            record.update(chance.choice([{state: "FAILED"}, {"ResourceType": "RDS"}, {"MessageCategory": "AccessDenied"}, {"AccountId": "444455556666"}]))
        elif kind == "zoned" and isinstance(record.get("CreatedBy"), dict):
            record["CreatedBy"]["BackupRuleTimezone"] = chance.choice(["UTC", "Europe/Berlin"])
        elif kind == "later" and record.get("CompletionDate"):
            record["CompletionDate"] = _seconds(record["CompletionDate"]) + HOUR
        elif kind == "coarse":
            _cut_times(dataset, record, full[0], chance)
        elif kind == "validated" and "ValidationStatus" in dataset.fields:
            record["ValidationStatus"] = chance.choice(["VALIDATING", "FAILED", "SUCCESSFUL"])
        record.update({"unnamed": {dataset.id_field: None}, "undated": {"CreationDate": None}, "unplaced": {dataset.resource_field: None}}.get(kind, {}))
    if chance.random() < 0.5:
        files.append(made)
    else:
        chance.choice(files).extend(made)
