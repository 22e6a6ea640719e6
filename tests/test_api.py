"""policycheck as a library."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

import policycheck
from policycheck import PolicycheckError, Result
from policycheck.result import Severity, Verdict
from tests.engine.lists import AS_OF, INSTANCE, ago, job

POLICY = """
policy: p
title: P
rules:
  - {id: failed, rule: no FAILED EC2 jobs within 24h, severity: high}
  - {id: role, rule: IAM role must contain AWSBackup}
"""
LISTED = """
policy: p
title: P
params: {age: 24h}
rules:
  - id: listed
    per: ResourceArn
    inventory: prod
    expect: {newest: {of: {State: COMPLETED}, at_most: "${age}"}}
    severity: low
"""
IMPORTED = """
import sys
import policycheck
policycheck.check
print(sorted({name.partition(".")[0] for name in sys.modules} & {"boto3", "botocore", "typer", "click", "duckdb"}))
"""
JOBS = [
    job(),
    job(BackupJobId="j2", ResourceArn=f"{INSTANCE}2", State="FAILED", StatusMessage="Access denied"),
    job(BackupJobId="j3", CreatedBy={"BackupPlanId": "plan-1"}),
]


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "p.yaml"
    path.write_text(POLICY)
    return path


def told(result: Result) -> tuple[Verdict, list[tuple[str, Verdict, int, list[str]]]]:
    return result.verdict, [(rule.id, rule.verdict, rule.examined, [found.subject for found in rule.findings]) for rule in result.rules]


EXPECTED = (Verdict.FAIL, [("failed", Verdict.FAIL, 3, [f"{INSTANCE}2"]), ("role", Verdict.PASS, 3, [])])


def as_boto3(record: dict[str, Any]) -> dict[str, Any]:
    return {name: datetime.fromisoformat(value) if name.endswith("Date") else value for name, value in record.items()}


def flat(record: dict[str, Any]) -> dict[str, Any]:
    plan = record.get("CreatedBy", {}).get("BackupPlanId")
    return {name: value for name, value in record.items() if name != "CreatedBy"} | {"CreatedBy.BackupPlanId": plan, "PercentDone": float("nan")}


GIVEN: dict[str, Callable[[], Any]] = {
    "records": lambda: JOBS,
    "records that come one by one": lambda: iter(JOBS),
    "records with the times of boto3": lambda: list(map(as_boto3, JOBS)),
    "an answer": lambda: {"BackupJobs": JOBS},
    "pages of answers": lambda: [{"BackupJobs": JOBS[:1]}, {"BackupJobs": JOBS[1:]}],
    "a frame": lambda: pl.DataFrame(JOBS),
    "a frame without objects, numbers that are none": lambda: pl.DataFrame(list(map(flat, JOBS))),
    "a frame with times": lambda: pl.DataFrame(list(map(as_boto3, JOBS))),
    "a lazy frame": lambda: pl.LazyFrame(JOBS),
    "two frames": lambda: [pl.DataFrame(JOBS[:2]), pl.DataFrame(JOBS[2:])],
    "a relation": lambda: duckdb.sql("SELECT * FROM frame", connection=relation_of(JOBS)),
}


def relation_of(jobs: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    rows = [tuple(record.get(name) for name in JOBS[0]) for record in jobs]
    connection.execute(f"CREATE TABLE frame ({', '.join(f'{name} VARCHAR' for name in JOBS[0])})")
    connection.executemany(f"INSERT INTO frame VALUES ({', '.join('?' * len(JOBS[0]))})", rows)
    return connection


@pytest.mark.parametrize("given", GIVEN)
def test_jobs_in_every_shape_give_the_same_result(given: str, policy: Path) -> None:
    assert told(policycheck.check(policy, GIVEN[given](), as_of=AS_OF)) == EXPECTED


def test_paths_are_read_as_the_command_line_reads_them(policy: Path, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "a.json").write_text(json.dumps({"BackupJobs": JOBS[:2]}))
    (tmp_path / "jobs" / "b.json").write_text(json.dumps({"BackupJobs": JOBS[2:]}))
    assert told(policycheck.check([policy], tmp_path / "jobs", as_of=AS_OF)) == EXPECTED
    assert told(policycheck.check(str(policy), sorted((tmp_path / "jobs").iterdir()), as_of=AS_OF, engine="duckdb")) == EXPECTED


def test_what_is_given_covers_what_a_saved_list_of_it_would(policy: Path) -> None:
    late = AS_OF + timedelta(days=3)
    assert policycheck.check(policy, JOBS, as_of=late).verdict is Verdict.INCONCLUSIVE
    covered = policycheck.check(policy, [*JOBS[::2], job(BackupJobId="j4", CreationDate=ago(hours=-60))], as_of=late, covers=(AS_OF - timedelta(days=1), late))
    assert covered.verdict is Verdict.INCONCLUSIVE
    assert "asserted: the list of records does not record how it was made" in covered.not_seen[0]


def test_no_jobs_are_no_pass(policy: Path) -> None:
    nothings: list[Any] = [[], {"BackupJobs": []}, pl.DataFrame(schema={"BackupJobId": pl.String})]
    for nothing in nothings:
        assert policycheck.check(policy, nothing, as_of=AS_OF).verdict is Verdict.INCONCLUSIVE


def test_a_describe_answer_speaks_for_its_job_alone(policy: Path) -> None:
    assert policycheck.check(policy, JOBS[0], as_of=AS_OF).verdict is Verdict.INCONCLUSIVE


def test_options_mean_what_they_mean_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(LISTED)
    (tmp_path / "prod.csv").write_text(f"ResourceArn\n{INSTANCE}\n{INSTANCE}9\n")
    result = policycheck.check(path, JOBS, as_of=AS_OF, params={"age": "20h"}, inventories={"prod": tmp_path / "prod.csv"}, fail_on="high")
    assert (result.verdict, int(result.exit_code), [found.subject for found in result.rules[0].findings]) == (Verdict.FAIL, 0, [f"{INSTANCE}9"])
    waiver = f"{{rule: p/listed, match: {{ResourceArn: '{INSTANCE}9'}}, reason: It is new, owner: me, granted: 2026-11-01, expires: 2026-12-01}}"
    (tmp_path / "waivers.yaml").write_text(f"waivers:\n  - {waiver}\n")
    waived = policycheck.check(path, JOBS, as_of=AS_OF, inventories={"prod": tmp_path / "prod.csv"}, waivers=[tmp_path / "waivers.yaml"], fail_on=Severity.LOW)
    assert waived.rules[0].verdict is Verdict.WAIVED


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"jobs": 3}, "UsageError", "jobs are paths, records or frames, not int"),
        ({"jobs": ["a.json", JOBS[0]]}, "JobFileError", "is neither a job nor an answer"),
        ({"jobs": [pl.DataFrame(JOBS), JOBS[0]]}, "UsageError", "jobs must be all paths, all records or all frames"),
        ({"jobs": pl.DataFrame({"State": ["FAILED"]})}, "JobFileError", "does not have the column BackupJobId or CopyJobId or RestoreJobId"),
        ({"jobs": [JOBS[0] | {"CreationDate": datetime(2026, 11, 20)}]}, "JobFileError", "has no offset from UTC"),  # the mistake
        ({"jobs": [JOBS[0] | {"State": object()}]}, "JobFileError", "contains values that JSON cannot represent: a value of the type object"),
        ({"jobs": [{"BackupJobID": "j1"}]}, "JobFileError", "BackupJobID"),
        ({"as_of": datetime(2026, 11, 20)}, "UsageError", "as_of and covers need a time zone"),  # the mistake
        ({"engine": "pandas"}, "UsageError", "there is no engine pandas"),
        ({"fail_on": "worst"}, "UsageError", "there is no severity worst"),
        ({"params": {"x": "1"}}, "PolicyError", "1 error in policy files"),
    ],
)
def test_mistakes_are_errors_of_one_kind(arguments: dict[str, Any], error: str, message: str, policy: Path) -> None:
    with pytest.raises(PolicycheckError, match=message) as raised:
        policycheck.check(policy, **{"jobs": JOBS, "as_of": AS_OF, **arguments})
    assert type(raised.value).__name__ == error


def test_neither_aws_nor_the_command_line_is_imported() -> None:
    assert subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True).stdout == "[]\n"
    with pytest.raises(AttributeError, match="no attribute chek"):
        policycheck.chek  # noqa: B018 - reading it is what fails


def test_policies_are_loaded_once_for_several_checks(policy: Path, tmp_path: Path) -> None:
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text("waivers: [{rule: failed, match: any, reason: r, owner: o, granted: 2026-11-01, expires: 2026-12-01}]\n")
    loaded = policycheck.load(policy)
    for jobs in (JOBS, JOBS[:1]):
        assert told(policycheck.check(loaded, jobs, as_of=AS_OF)) == told(policycheck.check(policy, jobs, as_of=AS_OF))
    waived = policycheck.check(policycheck.load([policy], waivers=[waivers]), JOBS, as_of=AS_OF)
    assert [rule.verdict for rule in waived.rules] == [Verdict.WAIVED, Verdict.PASS]
    for wrong, message in (({"params": {"age": "1h"}}, "have their parameters"), ({"waivers": [waivers]}, "have their parameters")):
        with pytest.raises(PolicycheckError, match=message):
            policycheck.check(loaded, JOBS, as_of=AS_OF, **wrong)
    mixed: Any = [*loaded, policy]
    with pytest.raises(PolicycheckError, match="not some of each"):
        policycheck.check(mixed, JOBS, as_of=AS_OF)
