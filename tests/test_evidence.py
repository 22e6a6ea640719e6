"""No verdict without evidence: what may be done to the files of a small estate, and what that can do to verdicts.

Whole runs in one process: files are written, read by the reader of saved lists, and a fixed set of rules of every kind and measure is evaluated.

What nobody can see is no part of the promise: a FAILED record that is taken out of a saved list leaves the list of another world, in which the job never
failed; so does a whole resource, or its first jobs (it looks new). So does a member that AWS leaves out where it does not apply (ParentJobId; StatusMessage
in a list that has others), where the rest of the list is whole. What can be seen, and must never gain a pass:

- any loss of a member that AWS always records, in one record, in all records of a resource or in a list, and of when a finished job ended; the empty text, null
  and the time 0 in its place;
- the loss of any member throughout a list that lacks one of those, too; of a member that newer clients record, and of StatusMessage, throughout any list;
- the end of a YAML list, from any line of its last record on;
- times cut to whole seconds, in a list that is in hand twice;
- the loss of a record where its absence is what violates: a clean job that is not the first of its resource (`newest`, `count at_least`, `longest_gap`), a copy
  or a restore (`followed_by`, restores of every resource); of a record that alone shows how far the list reaches; and of a whole list.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policycheck.datasets import COPY_JOBS, DATASETS, Presence
from policycheck.engine.evaluate import judge
from policycheck.errors import JobFileError
from policycheck.policy.load import load_policies
from policycheck.policy.model import Policy, Scope
from policycheck.sources.files import read_job_files
from tests.backends import ASKED, BACKEND
from tests.properties import part_of
from tests.tables import each

Record = dict[str, Any]
File = dict[str, list[Record]]
"""The answer of one list: its result key, and the records."""

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
HOME, AWAY = ("111122223333", "eu-west-1"), ("444455556666", "us-east-1")

RULES = """\
policy: p
rules:
  - {id: none, rule: no FAILED jobs within 3d}
  - {id: all, all: {State: COMPLETED}, within: 3d}
  - {id: roles, rule: IAM role must contain backup}
  - {id: sizes, all: {BackupSizeInBytes: {at_least: 1}}, within: 3d, no_data: pass}
  - {id: long, none: {Duration: {more_than: 10d}}}
  - {id: recovered, within: 3d, none: {State: FAILED}, unless_recovered_within: 1d, no_data: pass}
  - {id: least, rule: at least 2 clean jobs per resource within 3d}
  - {id: most, rule: at most 1 FAILED jobs within 3d}
  - {id: share, rule: at least 75% of jobs must be COMPLETED within 3d}
  - {id: newest, rule: every resource must have a clean job within 1d}
  - {id: latest, rule: the latest job of every resource must be COMPLETED}
  - {id: streak, rule: at most 1 consecutive FAILED jobs per resource within 3d}
  - {id: gap, rule: no resource may go longer than 1d without a clean job within 3d}
  - {id: followed, where: {State: COMPLETED}, within: 3d, followed_by: {dataset: copy_jobs, where: {State: COMPLETED}, within: 12h}}
  - {id: tested, rule: every resource must have a COMPLETED restore job within 3d}
  - {id: overdue, rule: no job may be overdue}
  - {id: told, none: {StatusMessage: {contains: denied}}, within: 3d}
  - {id: category, none: {MessageCategory: AccessDenied}, within: 3d, no_data: pass}
  - {id: vaults, all: {VaultType: BACKUP_VAULT}, within: 3d, no_data: pass}
"""


def policy() -> Policy:
    with TemporaryDirectory() as folder:
        path = Path(folder, "policy.yaml")
        path.write_text(RULES, encoding="utf-8")
        (loaded,) = load_policies([(path, "policy.yaml")], {})
    return loaded


POLICY = policy()
NAMES = [rule.id for rule in POLICY.rules]


def verdicts(files: Sequence[File | list[File] | str], scope: Scope | None = None) -> dict[str, str]:
    """Of each rule on these files, read in this order; a list of answers is a file of several pages, a text is one as it is."""
    policies = [POLICY if scope is None else replace(POLICY, scope=scope)]
    with TemporaryDirectory() as folder:
        paths = []
        for number, file in enumerate(files):
            paths.append(Path(folder, f"{number}.json"))
            paths[-1].write_text(file if isinstance(file, str) else json.dumps(file), encoding="utf-8")
        read = read_job_files([str(path) for path in paths], as_of=AS_OF, covers=None, stdin=io.BytesIO())
    return {result.id: result.verdict.value for result in judge(policies, read.lists, read.coverage, AS_OF, BACKEND)}


# --- small estates: a few resources with daily jobs, their copies and restores ---


def at(hours: float) -> float:
    """Seconds since 1970, so long before as_of; no job was created at a whole second."""
    return (AS_OF - timedelta(hours=hours)).timestamp() - 0.25


def backup(number: int, name: str, hours: float, state: str, place: tuple[str, str] = HOME) -> Record:
    account, region = place
    record = {
        "BackupJobId": f"b{number}",
        "AccountId": account,
        "BackupVaultName": "prod",
        "VaultType": "BACKUP_VAULT",
        "BackupVaultArn": f"arn:aws:backup:{region}:{account}:backup-vault:prod",
        "ResourceArn": f"arn:aws:ec2:{region}:{account}:instance/{name}",
        "ResourceType": "EC2",
        "IamRoleArn": f"arn:aws:iam::{account}:role/backup",
        "State": state,
        "PercentDone": "100.0" if state == "COMPLETED" else "0.0",
        "CreationDate": at(hours),
        "StartBy": at(hours - 8),
        "InitiationDate": at(hours - 0.25),
        "CreatedBy": {"BackupPlanId": "plan", "BackupRuleId": "rule"},
    }
    if state == "RUNNING":
        return record | {"ExpectedCompletionDate": at(hours - 24)}
    record |= {"CompletionDate": at(hours - 0.5), "MessageCategory": "SUCCESS" if state == "COMPLETED" else "AccessDenied"}
    record |= {} if state == "COMPLETED" else {"StatusMessage": "Access denied by a policy"}
    return record | ({"RecoveryPointArn": f"arn:aws:ec2:{region}::image/ami-{number}", "BackupSizeInBytes": 10} if state == "COMPLETED" else {})


def follower(result_key: str, record: Record, state: str) -> Record:
    """A copy or a restore of a backup job, an hour after it was created."""
    copied = result_key == COPY_JOBS.result_key
    vault = {"SourceBackupVaultArn": record["BackupVaultArn"]} if copied else {"BackupVaultArn": record["BackupVaultArn"]}
    named = {"SourceRecoveryPointArn" if copied else "RecoveryPointArn": record["RecoveryPointArn"]}
    more = {"ResourceArn" if copied else "SourceResourceArn": record["ResourceArn"], "ResourceType": "EC2", "IamRoleArn": record["IamRoleArn"]}
    more |= {"DestinationBackupVaultArn": record["BackupVaultArn"] + "-dr"} if copied else {"PercentDone": "100.00%"}
    created = record["CreationDate"] + 3600
    return {
        "CopyJobId" if copied else "RestoreJobId": record["BackupJobId"].replace("b", "f"),
        "AccountId": record["AccountId"],
        **vault,
        **named,
        **more,
        "State" if copied else "Status": state,
        "CreationDate": created,
        "CompletionDate": created + 600,
        **({"CreatedByBackupJobId": record["BackupJobId"], "MessageCategory": "SUCCESS"} if copied else {}),
    }


def estate_of(luck: random.Random) -> File:
    """One account and Region: a list of each kind that reaches back twelve days. In some estates all goes well, so that rules pass."""
    bad, silent = luck.choice([0, 0.15, 0.4, 0.7]), luck.choice([0, 0, 0.3])
    jobs: list[Record] = []
    for name in luck.choice([["i-1"], ["i-1", "i-2"]]):
        hour = luck.randint(2, 20)
        for days in range(luck.choice([8, 8, 2, 0]), -1, -1):
            if luck.random() >= silent or not days:
                state = luck.choice(["FAILED", "FAILED", "RUNNING"]) if days < 5 and luck.random() < bad else "COMPLETED"
                jobs.append(backup(len(jobs), name, days * 24 + hour, state))
    # What tells that the list reaches so far, and that it is fresh.
    jobs.append(backup(len(jobs), "i-0", 300, "COMPLETED"))
    jobs += [backup(len(jobs) + days, "i-0", days * 24 + 2, "COMPLETED") for days in range(4)]
    if luck.random() < 0.5:
        parent = {**jobs[-1], "BackupJobId": "parent", "IsParent": True}
        jobs = [*jobs[:-1], parent, {**jobs[-1], "ParentJobId": "parent", "State": luck.choice(["COMPLETED", "FAILED"])}]
    followed = [record for record in jobs if record["State"] == "COMPLETED"]
    copies = [follower("CopyJobs", record, "FAILED" if luck.random() < bad / 4 else "COMPLETED") for record in followed]
    restores = [
        follower("RestoreJobs", record, "COMPLETED") for record in followed if luck.random() < luck.choice([0.3, 1]) or record["CreationDate"] == at(300)
    ]
    return {"BackupJobs": jobs, "CopyJobs": copies, "RestoreJobs": restores}


def files_of(estate: File) -> list[File]:
    return [{key: records} for key, records in estate.items() if records]


def split(records: Sequence[Record], parts: int, luck: random.Random) -> list[list[Record]]:
    found: list[list[Record]] = [[] for _ in range(parts)]
    for record in records:
        found[luck.randrange(parts)].append(record)
    return [part for part in found if part]


def gained(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The rules that pass now and did not."""
    return [name for name in NAMES if after[name] == "pass" and before[name] != "pass"]


SEEDS = st.integers(0, 2**32)
FEW_SEEDS = [5] if ASKED == "spark" else [5, 24, 27]
"""Of small estates in which, together, every rule that can fail does: where all passes, nothing can be gained. With Spark, which takes a second for each
variant, of one."""


@lru_cache(maxsize=len(FEW_SEEDS))
def plainly(seed: int) -> Mapping[str, str]:
    """The verdicts on the estate of a seed, as it is."""
    return verdicts(files_of(estate_of(random.Random(seed))))


MANY = settings(max_examples=part_of(150), deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate])


# --- what changes nothing ---


def check_order(estate: File, seed: int) -> None:
    luck = random.Random(seed)
    files: list[File | list[File]] = []
    for key, records in estate.items():
        shuffled = [dict(luck.sample(list(record.items()), len(record))) for record in luck.sample(records, len(records))]
        pages: list[File] = [{key: part} for part in split(shuffled, 3, luck)]
        files.append(luck.sample(pages, len(pages)))
    luck.shuffle(files)
    assert verdicts(files) == plainly(seed)


def check_another_source(estate: File, seed: int) -> None:
    """A list of another account and Region, whole or reduced, fresh or stale, with jobs that failed."""
    luck = random.Random(seed)
    there = [backup(900 + hours, "i-9", hours + luck.choice([0, 2000]), luck.choice(["COMPLETED", "FAILED"]), AWAY) for hours in (2, 26, 50, 300)]
    gone = luck.sample(sorted(set(there[0]) - {"BackupVaultArn"}), luck.randint(0, 6))
    other = {"BackupJobs": [{name: value for name, value in record.items() if name not in gone} for record in there]}
    files, scope = files_of(estate), Scope((HOME[0],), (HOME[1],))
    assert verdicts([other, *files], scope) == verdicts([*files, other], scope) == verdicts(files, scope)


def check_repetition(estate: File, seed: int) -> None:
    """Each list once more: records that are in hand twice say what they say once."""
    luck = random.Random(seed)
    again = [{key: luck.sample(records, len(records))} for key, records in estate.items() if records]
    assert verdicts(luck.sample([*files_of(estate), *again], 2 * len(again))) == plainly(seed)


def check_whole_seconds(estate: File, seed: int) -> None:
    """Each list once more, from a client that cuts times to whole seconds."""
    luck = random.Random(seed)
    again = [{key: luck.sample(list(map(_in_seconds, records)), len(records))} for key, records in estate.items() if records]
    assert verdicts(luck.sample([*files_of(estate), *again], 2 * len(again))) == plainly(seed)


def _in_seconds(record: Record) -> Record:
    return {name: int(value) if name.endswith("Date") or name == "StartBy" else value for name, value in record.items()}


# --- what may lose a pass, and never gains one ---


def check_split(estate: File, seed: int) -> None:
    """Over files of its own, a part of a list knows less and reaches less far. (Lists in which single records are damaged are left out: see below.)"""
    luck = random.Random(seed)
    lost = luck.sample(ALWAYS["BackupJobs"], luck.choice([0, 0, 1]))
    whole = {key: [{name: value for name, value in record.items() if name not in lost} for record in records] for key, records in estate.items()}
    parts: list[File] = [{key: part} for key, records in whole.items() for part in split(records, luck.randint(1, 3), luck)]
    assert gained(verdicts(files_of(whole)), verdicts(luck.sample(parts, len(parts)))) == []


ALWAYS = {dataset.result_key: [f.name for f in dataset.members if f.presence in {Presence.ALWAYS, Presence.ALWAYS_SINCE}] for dataset in DATASETS.values()}
SINCE = {dataset.result_key: [f.name for f in dataset.members if f.presence is Presence.SINCE and "." not in f.name] for dataset in DATASETS.values()}


def without(record: Record, member: str, how: str) -> Record:
    """The record without a member, or with what counts as missing."""
    if how == "gone":
        return {name: value for name, value in record.items() if name != member}
    return {**record, member: None if how == "null" else 0 if member.endswith("Date") or member == "StartBy" else ""}


def check_lost_member(estate: File, seed: int) -> None:
    luck = random.Random(seed)
    key = luck.choice([key for key, records in estate.items() if records])
    records, how = estate[key], luck.choice(["gone", "gone", "null", "empty"])
    member = luck.choice([*ALWAYS[key], "CompletionDate"])
    resource = luck.choice([record.get("ResourceArn", record.get("SourceResourceArn")) for record in records])
    victims = {
        "record": [luck.randrange(len(records))],
        "resource": [row for row, record in enumerate(records) if resource in record.values()],
        "list": list(range(len(records))),
    }[luck.choice(["record", "record", "resource", "list"])]
    lost = [without(record, member, how) if row in victims and member in record else record for row, record in enumerate(records)]
    after = verdicts(files_of({**estate, key: lost}))
    assert gained(plainly(seed), after) == [], (key, member, how, len(victims))


def check_dropped_member(estate: File, seed: int) -> None:
    luck = random.Random(seed)
    key = luck.choice([key for key, records in estate.items() if records])
    first = luck.choice([name for name in ALWAYS[key] if name != "ResourceArn"])
    others = sorted({name for record in estate[key] for name in record})
    dropped = {luck.choice([*SINCE[key], "StatusMessage"])} if luck.random() < 0.3 else {first, luck.choice(others)}
    lost = [{name: value for name, value in record.items() if name not in dropped} for record in estate[key]]
    assert gained(plainly(seed), verdicts(files_of({**estate, key: lost}))) == [], (key, dropped)


def check_lost_record(estate: File, seed: int) -> None:
    luck = random.Random(seed)
    backups, before = estate["BackupJobs"], plainly(seed)
    first: dict[str, Record] = {}
    for record in sorted(backups, key=lambda record: record["CreationDate"]):
        first.setdefault(record["ResourceArn"], record)
    clean = [record for record in backups if record["State"] == "COMPLETED" and record not in first.values() and "ParentJobId" not in record]
    clean = [record for record in clean if first[record["ResourceArn"]]["State"] == "COMPLETED"]
    choices = [
        ("BackupJobs", clean, {"least", "newest", "gap"}),
        ("CopyJobs", estate["CopyJobs"], {"followed"}),
        ("RestoreJobs", estate["RestoreJobs"], {"tested"}),
        ("BackupJobs", [record for record in backups if record["CreationDate"] == at(300)], set(NAMES)),
    ]
    key, among, asked = luck.choice([choice for choice in choices if choice[1]])
    lost = luck.choice(among)
    after = verdicts(files_of({**estate, key: [record for record in estate[key] if record is not lost]}))
    assert not set(gained(before, after)) & asked, (key, lost)
    gone = luck.choice(list(estate))
    assert gained(before, verdicts(files_of({key: records for key, records in estate.items() if key != gone}))) == [], gone


def check_cut_off(estate: File, seed: int) -> None:
    """A list as the AWS CLI writes it in YAML, or in about the order of the API's model, up to any line of its last record."""
    luck = random.Random(seed)
    key = luck.choice([key for key, records in estate.items() if records])
    old, sort = luck.random() < 0.3, luck.random() < 0.7
    records = [{name: value for name, value in record.items() if not (old and name == "VaultType")} for record in luck.sample(estate[key], len(estate[key]))]
    newer = {*SINCE[key], "CompletionDate"}
    whole = _as_yaml(key, [dict(sorted(record.items(), key=lambda pair: (not sort and pair[0] in newer, pair[0]))) for record in records])
    others = [file for file in files_of(estate) if key not in file]
    before, lines = verdicts([*others, whole]), whole.splitlines(keepends=True)
    assert gained(verdicts([*others, {key: records}]), before) == []
    left = len(lines) - luck.randint(1, min(6, len(records[-1]) - 1))
    try:
        after = verdicts([*others, "".join(lines[:left])])
    except JobFileError:
        return
    assert gained(before, after) == [], (key, lines[left:])


def _as_yaml(key: str, records: Sequence[Record]) -> str:
    lines = [f"{'- ' if not index else '  '}{name}: {json.dumps(value)}\n" for record in records for index, (name, value) in enumerate(record.items())]
    return "".join([f"{key}:\n", *lines])


CHECKS: list[Callable[[File, int], None]] = [
    check_order, check_another_source, check_repetition, check_whole_seconds, check_split, check_lost_member, check_dropped_member, check_lost_record,
    check_cut_off,
]  # fmt: skip


@each("seed", FEW_SEEDS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_no_pass_is_gained(check: Callable[[File, int], None], seed: int) -> None:
    check(estate_of(random.Random(seed)), seed)


@pytest.mark.slow
@pytest.mark.search
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@MANY
@given(seed=SEEDS)
def test_no_pass_is_gained_in_many_estates(check: Callable[[File, int], None], seed: int) -> None:
    check(estate_of(random.Random(seed)), seed)


def test_every_rule_passes_somewhere() -> None:
    """Or nothing that is said of passes would be said of it."""
    jobs = [backup(days, "i-1", days * 24 + 2, "COMPLETED") for days in range(9)]
    lists = {"BackupJobs": jobs, **{key: [follower(key, job, "COMPLETED") for job in jobs] for key in ("CopyJobs", "RestoreJobs")}}
    assert {name: verdict for name, verdict in verdicts(files_of(lists)).items() if verdict != "pass"} == {}


def test_a_stale_resource_without_its_arn_is_no_pass() -> None:
    steady = [backup(days, "i-1", days * 24 + 2, "COMPLETED") for days in range(9)]
    stale = backup(9, "i-2", 60, "COMPLETED")
    assert verdicts([{"BackupJobs": [*steady, stale]}])["newest"] == "fail"
    assert verdicts([{"BackupJobs": [*steady, without(stale, "ResourceArn", "gone")]}])["newest"] != "pass"


def test_a_list_without_resources_names_no_subjects() -> None:
    jobs = [backup(10 * number + days, f"i-{number}", days * 24 + 2, "COMPLETED") for number in range(2) for days in range(9)]
    restores = [follower("RestoreJobs", job, "COMPLETED") for job in jobs[:9]]
    assert verdicts([{"BackupJobs": jobs}, {"RestoreJobs": restores}])["tested"] == "fail"
    nameless = [without(job, "ResourceArn", "gone") for job in jobs]
    assert verdicts([{"BackupJobs": nameless}, {"RestoreJobs": restores}])["tested"] != "pass"
