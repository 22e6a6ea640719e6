"""The jobs that findings are about: each once, named without doubt, and turned into fields only when they are written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st

from policycheck import job_records
from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, DATASETS, Dataset
from policycheck.drafting.trial import load_text
from policycheck.engine.evaluate import judge
from policycheck.formats.json_reading import load_result
from policycheck.formats.registry import FORMATS
from policycheck.job_lists import JobList
from policycheck.job_records import JobRecords, SavedJob
from policycheck.pipeline import run
from policycheck.records import encode_fields, iso, moment, record_type, spell_time
from policycheck.sources.interface import Evidence
from tests.backends import BACKEND
from tests.engine.lists import AS_OF, REGION, Job, job, job_list
from tests.hostile import CORPUS
from tests.properties import examples
from tests.tables import each

OTHER = "arn:aws:backup:us-east-1:111122223333:backup-vault:prod"
COPY = {"SourceBackupVaultArn": OTHER, "AccountId": "111122223333"}


def keys(lists: Mapping[str, Sequence[Job]]) -> list[str]:
    """The key of each job, in the order given."""
    records = JobRecords({name: job_list(jobs, DATASETS[name]) for name, jobs in lists.items()})
    return [records.of(name, row).key for name, jobs in lists.items() for row in range(len(jobs))]


HERE = "backup_jobs/111122223333/eu-west-1"
THERE = "backup_jobs/111122223333/us-east-1"
KEYS: list[tuple[str, dict[str, list[Job]], list[str]]] = [
    ("ids of their own", {"backup_jobs": [job(), job(BackupJobId="j2")]}, ["j1", "j2"]),
    ("one id in two places", {"backup_jobs": [job(), job(BackupVaultArn=OTHER), job(BackupJobId="j2")]}, [f"{HERE}/j1", f"{THERE}/j1", "j2"]),
    ("one id in two lists", {"backup_jobs": [job()], "copy_jobs": [{**COPY, "CopyJobId": "j1"}]}, [f"{HERE}/j1", "copy_jobs/111122223333/us-east-1/j1"]),
    ("no id", {"backup_jobs": [job(BackupJobId=None, PercentDone="1"), job(BackupJobId=None)]}, [f"{HERE}/(no BackupJobId)", f"{HERE}/(no BackupJobId)#2"]),
    ("nothing at all", {"backup_jobs": [{}]}, ["backup_jobs/(no account)/(no Region)/(no BackupJobId)"]),
    ("ids that somebody took out", {"backup_jobs": [job(BackupJobId="***"), job(BackupJobId="***")]}, [f"{HERE}/***", f"{HERE}/***#2"]),
    ("ids alike once cleaned", {"backup_jobs": [job(BackupJobId="a\u200b"), job(BackupJobId="a\u200c")]}, [f"{HERE}/a\ufffd", f"{HERE}/a\ufffd#2"]),
    (
        "an id that looks like a place",
        {"backup_jobs": [job(BackupJobId="x"), job(BackupJobId="x"), job(BackupJobId=f"{HERE}/x"), job(BackupJobId=f"{HERE}/x#2")]},
        [f"{HERE}/x#3", f"{HERE}/x#4", f"{HERE}/x", f"{HERE}/x#2"],
    ),
]


@each(("what", "lists", "expected"), KEYS)
def test_a_job_is_named_by_its_id_and_where_that_does_not_tell_it_by_its_place(what: str, lists: dict[str, list[Job]], expected: list[str]) -> None:
    assert keys(lists) == expected, what
    assert len(set(expected)) == len(expected)


def test_the_order_of_a_list_changes_no_key() -> None:
    jobs = [job(State=state, BackupJobId=name) for state in ("FAILED", "COMPLETED") for name in (None, "a", "b\u200b")]
    assert dict(zip(map(str, jobs), keys({"backup_jobs": jobs}), strict=True)) == dict(
        zip(map(str, jobs[::-1]), keys({"backup_jobs": jobs[::-1]}), strict=True)
    )


_ids = st.sampled_from([None, "", " ", "a", "b", f"{HERE}/a", f"{HERE}/a#2", "copy_jobs/111122223333/us-east-1/a", f"{HERE}/(no BackupJobId)"])


@examples(st.lists(_ids, max_size=6), st.lists(_ids, max_size=4), few=18, many=500)
def test_no_two_jobs_have_one_key(backups: list[str | None], copies: list[str | None]) -> None:
    found = keys({"backup_jobs": [job(BackupJobId=name) for name in backups], "copy_jobs": [{**COPY, "CopyJobId": name} for name in copies]})
    assert len(set(found)) == len(backups) + len(copies)
    assert all(found)


@examples(st.integers(0, 10_000_000_000_000_000), few=60, many=2000)
def test_times_are_spelled_as_iso_does(time: int) -> None:
    assert spell_time(time) == iso(moment(time))


_texts = st.one_of(st.text(st.characters(), max_size=10), st.sampled_from([text for text in CORPUS.values() if len(text) < 1000]))


@examples(st.lists(_texts, min_size=4, max_size=4), few=24, many=500)
def test_json_of_a_listed_job_is_that_of_its_cleaned_fields(texts: list[str]) -> None:
    name, message, vault, role = texts
    records = [record_type(BACKUP_JOBS)(BackupJobId=name, StatusMessage=message, BackupVaultName=vault, IamRoleArn=role, CreationDate=1_600_000_000.5)]
    found = JobRecords({"backup_jobs": JobList.of(BACKUP_JOBS, records)}).of("backup_jobs", 0)
    assert json.loads(found.encode()) == found.fields
    assert found.encode() == SavedJob(found.key, found.fields).encode()
    assert SavedJob(found.key, found.fields).cleaned() == found


@each("dataset", DATASETS.values(), ids=lambda dataset: dataset.name)
def test_encoded_fields_have_every_member(dataset: Dataset) -> None:
    made = {member.name: "x" for member in dataset.members if "." not in member.name and member.kind.value in {"text", "word", "arn", "account"}}
    record = msgspec.convert(made, record_type(dataset))
    assert json.loads(encode_fields(dataset, record)) == made


def test_values_that_many_records_have_become_one_object_and_stay_what_they_are() -> None:
    plans = [{"BackupPlanId": f"p{number % 2}", "BackupPlanName": "nightly"} for number in range(40)]
    jobs = [job(BackupJobId=f"j{number}", CreatedBy=plan if number else None, IamRoleArn=None if number == 3 else "role") for number, plan in enumerate(plans)]
    listed, untouched = job_list(jobs), job_list(jobs)
    assert len({id(record.CreatedBy) for record in untouched.records}) == 40
    JobRecords({"backup_jobs": listed}).share_values("backup_jobs")
    assert listed.records == untouched.records
    assert len({id(record.CreatedBy) for record in listed.records}) == 3
    assert len({id(record.BackupVaultName) for record in listed.records}) == 1
    assert len({record.BackupJobId for record in listed.records}) == 40


POLICY = """
policy: p
rules:
  - {id: failed, rule: no FAILED jobs}
  - {id: role, rule: vault must be other}
  - {id: counted, expect: {count: {of: {State: FAILED}, at_most: 0}}, per: [ResourceArn], within: 7d}
  - {id: copied, rule: every FAILED job must be followed by a COMPLETED copy job within 1h}
"""


def lists() -> dict[str, JobList]:
    jobs = [job(BackupJobId=f"j{number}", State="FAILED", ResourceArn=f"arn:aws:ec2:eu-west-1:111122223333:instance/i-{number}") for number in range(3)]
    return {"backup_jobs": job_list(jobs), "copy_jobs": job_list([], COPY_JOBS)}


def test_findings_of_all_kinds_of_rules_share_their_jobs_and_make_no_field(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> Any:
        raise AssertionError("a record was turned into fields before anybody asked")

    for name in ("api_fields", "encode_fields"):
        monkeypatch.setattr(job_records, name, refuse)
    results = judge([load_text(POLICY, "p")], lists(), (), AS_OF, BACKEND)
    jobs: dict[str, set[int]] = {}
    for record in (record for rule in results for finding in rule.findings for record in finding.evidence):
        jobs.setdefault(record.key, set()).add(id(record))
    assert {key: len(objects) for key, objects in jobs.items()} == {"j0": 1, "j1": 1, "j2": 1}
    assert [len(rule.findings) for rule in results[:3]] == [3, 3, 3]


def test_answers_are_found_out_on_request_and_change_nothing() -> None:
    policies = [load_text(POLICY, "p")]
    without, asked = (judge(policies, lists(), (), AS_OF, BACKEND, answers=answers) for answers in (False, True))
    assert [rule.answers for rule in without] == [()] * 4
    assert [len(rule.answers) for rule in asked[:3]] == [3, 3, 3]
    assert [replace(rule, answers=()) for rule in asked] == list(without)


def test_a_run_on_jobs_without_ids_of_their_own_is_saved_whole() -> None:
    """Two lists, ids that are shared or missing, more jobs of a resource than a finding names, and texts that are cleaned."""
    failed = [job(BackupJobId=f"j{number:02}", State="FAILED") for number in range(25)]
    there = {"State": "FAILED", "BackupVaultArn": OTHER}
    failed += [job(BackupJobId="j00", **there), job(BackupJobId=None, StatusMessage="\x1b[31m\u00e9", **there), job(BackupJobId=None, **there)]
    found = Evidence({"backup_jobs": job_list(failed), "copy_jobs": job_list([{**COPY, "CopyJobId": "j01", "State": "FAILED"}], COPY_JOBS)}, (), ())
    policy = load_text(f"{POLICY}  - {{id: copies, rule: no FAILED copy jobs}}\n", "p")
    result = run([policy], found, as_of=AS_OF, fail_on=None, backend=BACKEND, answers=True)
    text = FORMATS["json"].render(result)
    saved, document = load_result(text.encode()), json.loads(text)
    assert {name: entry.render(saved) == entry.render(result) for name, entry in FORMATS.items()} == dict.fromkeys(FORMATS, True)
    findings = {(rule["id"], finding["region"]): finding for rule in document["rules"] for finding in rule["findings"]}
    here, elsewhere, copies = findings["failed", REGION], findings["failed", "us-east-1"], findings["copies", "us-east-1"]
    assert (here["jobs"], here["jobs_count"]) == ([f"j{number:02}" for number in range(20)], 25)
    assert here["job_keys"] == [f"{HERE}/j00", f"{HERE}/j01", *here["jobs"][2:]]
    assert (elsewhere["jobs"], elsewhere["jobs_count"], len(elsewhere["job_keys"])) == (["j00"], 3, 3)
    assert copies["job_keys"] == ["copy_jobs/111122223333/us-east-1/j01"]
    assert len(document["jobs"]) == 20 + 3 + 1
    assert {job["StatusMessage"] for job in document["jobs"].values() if "StatusMessage" in job} == {"\ufffd[31m\u00e9"}
