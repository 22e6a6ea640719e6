"""Lists are data: a row that cannot be is refused with its place, and one more row is one more list everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from policycheck.dataset_checks import listed
from policycheck.dataset_types import table
from policycheck.datasets import ALWAYS, BACKUP_JOBS, COPY_JOBS, DATASETS, RESTORE_JOBS, Dataset, DatasetError, Field, Kind, Link
from tests.tables import each

AS_OF = "2026-11-20T06:00:00Z"
POLICY = """
policy: made-up
rules:
  - {id: none, rule: no FAILED made-up jobs within 24h}
  - {id: all, rule: "for made-up jobs within 7d, Mood must be MERRY"}
  - {id: count, dataset: made_up_jobs, per: Account, within: 7d, expect: {count: {of: {Phase: COMPLETED}, at_least: 9}}}
  - {id: newest, rule: every vault must have a COMPLETED made-up job within 26h}
  - {id: ours, rule: no WITHDRAWN made-up jobs within 24h}
"""


def with_field(row: Dataset, one: Field) -> Dataset:
    return replace(row, fields=MappingProxyType({**row.fields, one.name: one}))


def without(row: Dataset, name: str) -> Dataset:
    return replace(row, fields=MappingProxyType({key: one for key, one in row.fields.items() if key != name}))


NOT_A_KIND: Any = "text"
WRONG = {
    "kind": (with_field(BACKUP_JOBS, Field("Color", NOT_A_KIND, ALWAYS)), "backup_jobs: Color: 'text' is no kind of field"),
    "enum": (with_field(BACKUP_JOBS, Field("Color", Kind.ENUM, ALWAYS)), "backup_jobs: Color: is an enum without values"),
    "values": (with_field(BACKUP_JOBS, Field("Color", Kind.TEXT, ALWAYS, ("RED",))), "backup_jobs: Color: has values and is no enum, but text"),
    "object": (with_field(BACKUP_JOBS, Field("CreatedBy", Kind.TEXT, ALWAYS)), "backup_jobs: CreatedBy: is an object and a value"),
    "id": (replace(COPY_JOBS, id_field="CopyId"), "copy_jobs: id_field: CopyId is none of its members"),
    "state": (replace(COPY_JOBS, state_field="ResourceName"), "copy_jobs: state_field: ResourceName is of the kind text, not enum"),
    "resource": (replace(RESTORE_JOBS, resource_field="ResourceArn"), "restore_jobs: resource_field: ResourceArn is none of its members"),
    "vault": (replace(RESTORE_JOBS, vault_field="Vault"), "restore_jobs: vault_field: Vault is none of its members"),
    "progress": (replace(RESTORE_JOBS, in_progress=frozenset({"RUNNING", "GONE"})), "restore_jobs: in_progress: GONE is no value of Status"),
    "bad end": (replace(RESTORE_JOBS, bad_ends=("PENDING",)), "restore_jobs: bad_ends: PENDING is a state of jobs in progress"),
    "needed": (without(BACKUP_JOBS, "CompletionDate"), "backup_jobs: Duration: CompletionDate is missing, which it comes from"),
    "place": (without(BACKUP_JOBS, "Region"), "backup_jobs: fields: Region is missing"),
    "expired": (without(without(BACKUP_JOBS, "StartBy"), "Overdue"), "backup_jobs: State: EXPIRED needs the member StartBy"),
    "source": (without(BACKUP_JOBS, "MessageCategory"), "backup_jobs: Outcome: MessageCategory is missing, which it comes from"),
    "noun": (replace(BACKUP_JOBS, noun="backups"), "backup_jobs: noun: 'backups' is not one word and `job`: sentences say `backup job`"),
    "word": (replace(RESTORE_JOBS, later_words={"Status": ("StatusMessage", "LATER")}), "restore_jobs: later_words: LATER is no value of Status"),
    "filter": (replace(COPY_JOBS, filters={"BackupVaultName": "ByVault"}), "copy_jobs: filters: BackupVaultName is none of its fields"),
    "list": (replace(COPY_JOBS, follows={"tape_jobs": ()}), "copy_jobs: follows: there is no list tape_jobs"),
    "link": (replace(COPY_JOBS, follows={"restore_jobs": (Link("ParentJobId", "TapeId"),)}), "copy_jobs: follows: TapeId is no field of restore_jobs"),
    "key": (replace(COPY_JOBS, result_key="BackupJobs"), "backup_jobs: result_key: BackupJobs is that of another list, too"),
}


@each(("row", "message"), WRONG.values(), ids=lambda row: row[1])
def test_row_that_cannot_be_names_its_list_and_field(row: Dataset, message: str) -> None:
    with pytest.raises(DatasetError) as caught:
        listed(*sorted((row, *(other for other in DATASETS.values() if other.name != row.name)), key=lambda one: one is row))
    assert str(caught.value) == message


def test_fields_are_named_once_and_values_are_of_a_field() -> None:
    with pytest.raises(DatasetError, match="State: stands twice"):
        table((ALWAYS, Kind.TEXT, "State"), (ALWAYS, Kind.ENUM, "State"), enums={})
    with pytest.raises(DatasetError, match="Sate: has values and is none of its fields"):
        table((ALWAYS, Kind.TEXT, "State"), enums={"Sate": ("ON",)})


def job(number: int, **changed: object) -> dict[str, object]:
    said = {
        "AccountId": "111122223333",
        "MadeUpJobId": f"job-{number}",
        "TargetArn": f"arn:aws:ec2:eu-west-1:111122223333:instance/i-{number}",
        "HomeVaultArn": "arn:aws:backup:eu-west-1:111122223333:backup-vault:home",
        "ResourceType": "EC2",
        "CreationDate": f"2026-11-{19 - number}T03:00:00+00:00",
        "CompletionDate": f"2026-11-{19 - number}T04:00:00+00:00",
        "Phase": "COMPLETED",
        "Mood": "MERRY",
    }
    return {**said, **changed}


def run(folder: Path, *groups: list[str]) -> subprocess.CompletedProcess[str]:
    """policycheck with the made-up list, once with each of these arguments."""
    arguments = [argument for group in groups for argument in ("--", *group)][1:]
    return subprocess.run(
        [sys.executable, "-m", "tests.made_up", *arguments], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False, env=None, timeout=120
    )


@pytest.mark.slow
def test_one_row_is_one_list_for_files_rules_reports_lint_and_schema(tmp_path: Path) -> None:
    policy, jobs, policies = tmp_path / "policy.yaml", tmp_path / "jobs.json", tmp_path / "lint.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    policies.write_text("policy: alone\nrules:\n  - {id: failed, rule: no FAILED made-up jobs within 24h}\n", encoding="utf-8")
    failed = {"Phase": "FAILED", "CreationDate": "2026-11-20T03:00:00+00:00", "CompletionDate": "2026-11-20T04:00:00+00:00", "StatusMessage": "no luck"}
    listed = [job(0, **failed), job(1, Mood="SULLEN"), *(job(number) for number in range(2, 8))]
    jobs.write_text(json.dumps({"MadeUpJobs": listed}), encoding="utf-8")
    outputs = [argument for form in ("text", "json", "sarif") for argument in ("--output", f"{form}={tmp_path / f'out.{form}'}")]
    ran = run(
        tmp_path,
        ["check", str(policy), "--jobs", str(jobs), "--as-of", AS_OF, *outputs],
        ["lint", str(policies)],
        ["schema"],
        ["explain", "none", str(policy)],
    )
    assert [line for line in ran.stderr.splitlines() if line.startswith("exit")] == ["exit 1", "exit 1", "exit 0", "exit 0"], ran.stderr
    result = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    verdicts = {rule["id"]: rule["verdict"] for rule in result["rules"]}
    assert verdicts == {"none": "fail", "all": "fail", "count": "fail", "newest": "fail", "ours": "pass"}
    text = (tmp_path / "out.text").read_text(encoding="utf-8")
    assert "no FAILED made-up jobs within 24h" in text and "no luck" in text and "job-0" in json.dumps(result)
    sarif = json.loads((tmp_path / "out.sarif").read_text(encoding="utf-8"))
    assert {found["ruleId"] for run in sarif["runs"] for found in run["results"]} >= {"made-up/none", "made-up/all", "made-up/count", "made-up/newest"}
    assert "the rule forbids FAILED made-up jobs alone, and no rule of this run evaluates those that end WITHDRAWN" in " ".join(ran.stdout.split())
    assert '"made_up_jobs"' in ran.stdout and '"MERRY"' in ran.stdout
