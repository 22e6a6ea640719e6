"""Window, population, verdicts and findings of the second implementation, case by case from docs/verdicts.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import strategies as st

from policycheck.datasets import DATASETS, JOB_LISTS
from policycheck.evidence import reperform
from policycheck.evidence.reperform import InputError
from tests.evidence.documents import ARN, COPY, EXPIRED, NO, RESOURCE, RESTORE, WIDE, YES, Json, at, changed, job, judge, outcome, running, sources
from tests.properties import examples

OLD = {"CreationDate": at(-26), "InitiationDate": at(-26)}


@pytest.mark.parametrize(
    ("changes", "clock", "expected"),  # expected: in the window of 24 h, or None where nobody can say
    [
        ({"CreationDate": at(-24), "CompletionDate": at(-23)}, None, True),
        (OLD | {"CompletionDate": at(-24)}, None, True),
        (OLD | {"CompletionDate": at(-24.001)}, None, False),
        (OLD | {"CompletionDate": at(-0.1), "State": "FAILED"}, None, True),  # created 26 h ago, failed just now
        (OLD | {"CompletionDate": None, "State": "RUNNING"}, None, True),
        (OLD | EXPIRED | {"StartBy": at(-24)}, None, True),
        (OLD | EXPIRED | {"StartBy": at(-25)}, None, False),
        (OLD | EXPIRED | {"StartBy": None}, None, None),
        (OLD | {"CompletionDate": None, "ExpectedCompletionDate": at(-2)}, None, None),
        (OLD | {"CompletionDate": None}, None, None),
        ({"CompletionDate": None, "InitiationDate": None, "CreationDate": at(-24 * 400)}, None, None),  # no job has a longest duration
        (OLD | EXPIRED | {"StartBy": at(-27)}, None, None),  # before the job was created: no end
        (OLD | {"CompletionDate": None, "State": "NEW"}, None, None),
        (OLD | {"CompletionDate": at(-25), "State": "NEW"}, None, None),
        ({"CompletionDate": None, "State": "NEW"}, None, True),
        ({"CreationDate": None, "CompletionDate": at(-25)}, None, None),
        ({"CreationDate": None, "CompletionDate": at(-23)}, None, True),
        (OLD, "CreationDate", False),
        (OLD | {"CreationDate": at(-24)}, "CreationDate", True),
        ({"StartBy": at(0)}, "StartBy", True),
        ({"StartBy": at(0.1)}, "StartBy", False),
        ({"StartBy": None}, "StartBy", None),
        ({}, "ExpectedCompletionDate", False),
    ],
)
def test_the_window_has_both_edges_in(changes: Json, clock: str | None, expected: bool | None) -> None:
    rule: Json = {"clock": clock} if clock else {}
    result = judge([job(**changes)], within="24h", none={}, **rule)
    assert (result["examined"], result["possible"]) == (int(expected is True), int(expected is None))
    assert judge([job(**changes)], none={}, **rule)["examined"] == 1  # without `within` every record is in


@pytest.mark.parametrize(("choice", "expected"), [("all", ["j1", "j2"]), ("top_level", ["j1"]), ("members", ["j2"])])
def test_composite_jobs(choice: str, expected: list[str]) -> None:
    assert judge([job(), job(BackupJobId="j2", ParentJobId="j1")], jobs=choice, none={})["findings"][0]["jobs"] == expected


CLEAN, DONE = {"Outcome": "clean"}, {"State": "COMPLETED"}


@pytest.mark.parametrize(
    ("jobs", "rule", "expected"),
    [
        ([job(), running(BackupJobId="j2")], {"all": DONE}, ("pass", 1, 1, 0)),
        ([job(), running(BackupJobId="j2")], {"all": {"any": [{"not": CLEAN}, CLEAN]}}, ("pass", 1, 1, 0)),
        ([job(), running(BackupJobId="j2")], {"all": YES}, ("pass", 2, 0, 0)),
        ([job(), running(BackupJobId="j2")], {"all": YES, "where": {"State": ["COMPLETED", "RUNNING"]}}, ("pass", 2, 0, 0)),
        ([job(), running(BackupJobId="j2")], {"none": {"State": "FAILED"}}, ("pass", 2, 0, 0)),
        ([job(), running(BackupJobId="j2", ExpectedCompletionDate=at(-1))], {"all": DONE}, ("fail", 2, 0, 0)),
        ([job(), running(BackupJobId="j2", ExpectedCompletionDate=None)], {"all": DONE}, ("inconclusive", 1, 0, 1)),
        ([job(), job(BackupJobId="j2", State="ABORTING", CompletionDate=None)], {"all": DONE}, ("pass", 1, 1, 0)),
        ([job(), job(BackupJobId="j2", State="NEW")], {"all": DONE}, ("inconclusive", 1, 0, 1)),
        ([running()], {"all": DONE}, ("inconclusive", 0, 1, 0)),
        ([running()], {"all": DONE, "no_data": "pass"}, ("inconclusive", 0, 1, 0)),
        ([running()], {"all": DONE, "where": NO, "no_data": "pass"}, ("pass", 0, 0, 0)),
        ([running(ResourceType=None)], {"all": DONE, "where": NO, "no_data": "pass"}, ("inconclusive", 0, 0, 0)),
    ],
)
def test_undecided_jobs_leave_the_population(jobs: list[Json], rule: Json, expected: tuple[str, int, int, int]) -> None:
    assert outcome(judge(jobs, **rule)) == expected


def test_a_copy_job_in_progress_is_undecided_though_its_list_has_no_overdue() -> None:
    jobs = [COPY, changed(COPY, {"CopyJobId": "c2", "State": "RUNNING", "CompletionDate": None})]
    assert outcome(judge(jobs, dataset="copy_jobs", all=DONE)) == ("pass", 1, 1, 0)


@pytest.mark.parametrize(
    ("jobs", "rule", "expected"),
    [
        ([job(), job(BackupJobId="j2", ResourceType=None)], {"none": YES}, ("fail", 1 + 1, 0, 1)),  # a violation seen is a fail, whatever is missing
        ([job(ResourceType="RDS"), job(BackupJobId="j2", ResourceType=None)], {"none": YES}, ("inconclusive", 2, 0, 1)),
        ([job(ResourceType="RDS")], {"all": YES}, ("fail", 1, 0, 0)),
        ([job(ResourceType=None)], {"all": YES}, ("inconclusive", 1, 0, 1)),
        ([job()], {"all": YES}, ("pass", 1, 0, 0)),
        ([job()], {"where": NO, "none": {}}, ("inconclusive", 0, 0, 0)),
        ([job()], {"where": NO, "none": {}, "no_data": "inconclusive"}, ("inconclusive", 0, 0, 0)),
        ([job()], {"where": NO, "none": {}, "no_data": "pass"}, ("pass", 0, 0, 0)),
        ([job()], {"where": NO, "none": {}, "no_data": "fail"}, ("fail", 0, 0, 0)),
        ([job()], {"where": NO, "none": {}, "no_data": "skip"}, ("skipped", 0, 0, 0)),
        ([job()], {"where": NO, "none": {}, "no_data": "quiet"}, ("inconclusive", 0, 0, 0)),
        ([job()], {"within": "1h", "none": {}, "no_data": "quiet"}, ("pass", 0, 0, 0)),
        ([job()], {"within": "1h", "where": NO, "none": {}, "no_data": "quiet"}, ("inconclusive", 0, 0, 0)),
        ([job(ResourceType=None)], {"within": "1h", "where": YES, "none": {}, "no_data": "quiet"}, ("inconclusive", 0, 0, 0)),
        ([job(ResourceType=None)], {"where": YES, "none": {"BackupVaultName": "x"}, "no_data": "pass"}, ("inconclusive", 0, 0, 0)),  # may be in the population
    ],
)
def test_the_order_of_verdicts(jobs: list[Json], rule: Json, expected: tuple[str, int, int, int]) -> None:
    assert outcome(judge(jobs, **rule)) == expected


A, B = "111122223333", "444455556666"
BOTH = {"accounts": [A, B], "regions": ["eu-west-1"]}
HERE = {"accounts": [A], "regions": ["eu-west-1"]}
STRANGER = job(BackupJobId="j2", AccountId=B)
NOWHERE = job(BackupJobId="j2", AccountId=None, BackupVaultArn=None, ResourceArn=None)


@pytest.mark.parametrize(
    ("jobs", "scope", "examined", "verdict"),
    [
        ([job(), STRANGER], BOTH, 2, "pass"),
        ([job(), STRANGER], HERE, 1, "pass"),
        ([job(), STRANGER], {"regions": ["us-east-1"]}, 0, "inconclusive"),
        ([job(), NOWHERE], HERE, 2, "pass"),  # what is unknown stays in scope
        ([job()], BOTH, 1, "inconclusive"),
        ([job()], BOTH | {"may_be_empty": [B]}, 1, "pass"),
        ([job()], BOTH | {"may_be_empty": [f"{B}/eu-west-1"]}, 1, "pass"),
        ([job()], BOTH | {"may_be_empty": [f"{B}/us-east-1"]}, 1, "inconclusive"),
        ([job()], HERE | {"regions": ["eu-west-1", "us-east-1"]}, 1, "inconclusive"),
        ([job()], {"accounts": [A, B]}, 1, "inconclusive"),
        ([job()], {"accounts": [A, B], "may_be_empty": [B]}, 1, "pass"),
        ([job(), STRANGER], {"accounts": [A, B]}, 2, "pass"),
        ([job()], {"regions": ["eu-west-1", "us-east-1"]}, 1, "inconclusive"),
        ([job()], {"regions": ["eu-west-1"]}, 1, "pass"),
    ],
)
def test_scope(jobs: list[Json], scope: Json, examined: int, verdict: str) -> None:
    for window in (None, "24h"):
        result = judge(jobs, scope=scope, none=NO, within=window) if window else judge(jobs, scope=scope, none=NO)
        assert (result["examined"], result["verdict"]) == (examined, verdict)


def alone(hours: float, **changes: object) -> Json:
    return job(CreationDate=at(hours), InitiationDate=None, CompletionDate=at(hours)) | changes


@pytest.mark.parametrize(
    ("jobs", "covers", "scope", "verdict"),  # of a window of 48 h
    [
        ([alone(-23), alone(-1, BackupJobId="j2")], None, None, "pass"),  # reaches back exactly 48 h
        ([alone(-22.999), alone(-1, BackupJobId="j2")], None, None, "inconclusive"),
        ([alone(-40), alone(-25, BackupJobId="j2")], None, None, "pass"),  # reaches on exactly to as_of
        ([alone(-40), alone(-25.001, BackupJobId="j2")], None, None, "inconclusive"),
        ([alone(-40, CompletionDate=at(-20))], None, None, "pass"),
        ([alone(-40, CompletionDate=at(1))], None, None, "inconclusive"),  # a later end is not evidence
        ([alone(-40, CompletionDate=at(-20), State="NEW")], None, None, "inconclusive"),  # what has not ended has no end
        ([alone(-40, CompletionDate=at(-20), State="RUNNING")], None, None, "inconclusive"),
        ([alone(-40, State="RUNNING", InitiationDate=at(-20), CompletionDate=None)], None, None, "pass"),
        ([alone(-1)], ["2020-09-20T00:00:00Z", "2020-09-21"], None, "pass"),
        ([alone(-1)], ["2020-09-20T00:00:01Z", "2020-09-21"], None, "inconclusive"),
        ([alone(-1)], WIDE, None, "pass"),
        ([alone(-30, BackupJobId="j2"), alone(-30, AccountId=B), alone(-1, BackupJobId="j3")], None, None, "inconclusive"),  # B falls silent
        ([alone(-30, BackupJobId="j2"), alone(-30, AccountId=B), alone(-1, BackupJobId="j3")], None, HERE, "pass"),  # B is out of scope
        ([alone(-24, BackupJobId="j2"), alone(-1, BackupJobId="j3"), NOWHERE], None, HERE, "inconclusive"),  # an unknown place is one of its own
        ([], WIDE, None, "inconclusive"),
        ([alone(-1, CreationDate=None, CompletionDate=None)], None, None, "inconclusive"),
    ],
)
def test_coverage_must_reach_the_window(jobs: list[Json], covers: list[str] | None, scope: Json | None, verdict: str) -> None:
    assert judge(jobs, covers=covers, scope=scope, within="48h", none=NO, no_data="pass")["verdict"] == verdict


@pytest.mark.parametrize(("hours", "verdict"), [(-25, "pass"), (-25.001, "inconclusive"), (-500, "inconclusive")])
def test_without_a_window_the_list_must_reach_as_of(hours: float, verdict: str) -> None:
    assert judge([alone(hours)], covers=None, none=NO)["verdict"] == verdict
    assert judge([alone(hours)], covers=None, where=NO, none=YES, no_data="pass")["verdict"] == verdict
    assert judge([alone(hours)], covers=None, none=YES)["verdict"] == "fail"


def test_an_empty_list_is_no_evidence_with_or_without_a_window() -> None:
    assert judge([], covers=None, none=NO, no_data="pass")["verdict"] == "inconclusive"
    assert judge([], none=NO, within="24h", no_data="pass")["verdict"] == "inconclusive"


def test_a_violation_is_a_fail_without_coverage() -> None:
    assert judge([alone(-1)], covers=None, within="48h", none=YES)["verdict"] == "fail"


def test_a_list_that_was_not_fetched_is_never_a_pass() -> None:
    rule = {"id": "r", "dataset": "copy_jobs", "none": {}, "no_data": "pass"}
    document = {"schema": reperform.SCHEMA, "as_of": "2020-09-22", "sources": sources([job()]), "rules": [rule]}
    assert reperform.reperform(document)["rules"][0]["verdict"] == "inconclusive"


def test_findings_are_grouped_by_place_and_resource() -> None:
    jobs = [job(BackupJobId="z", CompletionDate=at(-2.5)), job(BackupJobId="a"), job(BackupJobId="b", AccountId=B), job(BackupJobId="c", ResourceArn=None)]
    assert judge(jobs, none={})["findings"] == [
        {"account": A, "region": "eu-west-1", "subject": "(no ResourceArn)", "jobs": ["c"], "waived": False},
        {"account": A, "region": "eu-west-1", "subject": RESOURCE, "jobs": ["a", "z"], "waived": False},
        {"account": B, "region": "eu-west-1", "subject": RESOURCE, "jobs": ["b"], "waived": False},
    ]
    assert judge([RESTORE], dataset="restore_jobs", none={})["findings"][0]["subject"] == RESOURCE


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"expext": {}}, "not understood"),
        ({"none": {}, "all": {}}, "either none, all, expect or followed_by"),
        ({}, "either none, all, expect or followed_by"),
        ({"none": {"Stat": "FAILED"}}, "no such field"),
        ({"none": {"State": "FAILD"}}, "never"),
        ({"none": {"State": []}}, "needs a value"),
        ({"none": {"State": {}}}, "needs a value"),
        ({"none": {"any": []}}, "any needs a list"),
        ({"none": {"not": [{}]}}, "not a mapping"),
        ({"none": {"State": {"at_least": "FAILED"}}}, "cannot be asked of a enum"),
        ({"none": {"BackupSizeInBytes": {"contains": "1"}}}, "cannot be asked of a size"),
        ({"none": {"BackupSizeInBytes": {"at_least": "1 GB"}}}, "not a number with a unit"),
        ({"none": {"Duration": {"at_least": "1.5H"}}}, "not a number with a unit"),
        ({"none": {"Duration": {"at_least": "0.0000001s"}}}, "finer than a microsecond"),
        ({"none": {"CreationDate": "2020-09-21T00:00:00"}}, "not a time"),
        ({"none": {"CreationDate": "2020-13-01"}}, "does not match format"),
        ({"none": {"ResourceName": {"matches": "("}}}, "unbalanced parenthesis"),
        ({"none": {"IsEncrypted": True}}, "must be text"),
        ({"none": {"IsEncrypted": "yes"}}, "neither true nor false"),
        ({"none": {}, "within": "1"}, "not a number with a unit"),
        ({"none": {}, "within": "1h", "clock": "State"}, "not a time of this list"),
        ({"none": {}, "no_data": "maybe"}, "unknown no_data"),
        ({"none": {}, "jobs": "parents"}, "unknown choice of jobs"),
        ({"none": {}, "dataset": "vaults"}, "only job lists can be evaluated again.*vaults"),
        (
            {"expect": {"newest": {"of": {}, "at_most": "1h"}}, "per": ["ResourceArn"], "inventory": "protected_resources"},
            "only job lists can be evaluated again",
        ),
        ({"none": {}, "dataset": "tape_jobs"}, "tape_jobs"),
    ],
)
def test_a_rule_that_is_not_understood_is_refused_even_without_jobs(rule: Json, expected: str) -> None:
    document = {"schema": reperform.SCHEMA, "as_of": "2020-09-22", "sources": sources([]), "rules": [{"id": "r", **rule}]}
    with pytest.raises(InputError, match=expected):
        reperform.reperform(document)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"CreationDate": "2020-09-21T13:58:12"}, "not a time"),
        ({"CreationDate": "2020-09-21"}, "not a time"),
        ({"CreationDate": 1600721892929}, "before 2300"),
        ({"CreationDate": float("nan")}, "NaN"),
        ({"CreationDate": True}, "not a time"),
        ({"AccountId": 111122223333}, "AccountId is not of kind account"),
        ({"BackupSizeInBytes": "1"}, "BackupSizeInBytes is not of kind size"),
        ({"BackupSizeInBytes": True}, "BackupSizeInBytes is not of kind size"),
        ({"IsEncrypted": "true"}, "IsEncrypted is not of kind boolean"),
        ({"CreatedBy": "x"}, "CreatedBy is not an object"),
    ],
)
def test_a_record_that_is_not_understood_is_refused(changes: Json, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        judge([job(**changes)], none={})


@pytest.mark.parametrize("dataset", sorted(DATASETS.keys() - JOB_LISTS.keys()))
@pytest.mark.parametrize("key", ["sources", "coverage"])
def test_a_list_of_what_there_is_is_refused_and_never_passed_over(dataset: str, key: str) -> None:
    row = {"sources": {"dataset": dataset, "records": []}, "coverage": {"dataset": dataset, "complete": True}}[key]
    document = {"schema": reperform.SCHEMA, "as_of": "2020-09-22", "sources": [], "rules": [], key: [row]}
    with pytest.raises(InputError, match="only job lists can be evaluated again"):
        reperform.reperform(document)
    assert set(reperform.HELD) == DATASETS.keys() - JOB_LISTS.keys()


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"schema": "policycheck/reperform/1"}, {"schema": reperform.SCHEMA, "as_of": "2020-09-22", "sources": [], "rules": [], "waiver": []}],
)
def test_a_document_that_is_not_understood_is_refused(document: object) -> None:
    with pytest.raises(InputError):
        reperform.reperform(document)


def run(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", reperform.__file__, *arguments], input=text, capture_output=True, text=True, check=False, timeout=60)


def test_the_script_runs_by_itself() -> None:
    document = {"schema": reperform.SCHEMA, "as_of": "2020-09-22", "sources": sources([job(ResourceArn="\x1b[31m\u202e")])}
    done = run(json.dumps(document | {"rules": [{"id": "r", "none": {}}]}), "-")
    assert (done.returncode, done.stderr, done.stdout.isascii(), "\x1b" in done.stdout) == (0, "", True, False)
    assert json.loads(done.stdout)["rules"][0]["verdict"] == "fail"
    for text, arguments in ((json.dumps(document), ["-"]), ("{", ["-"]), ("", []), ("", ["no-such-file.json"]), ("[" * 100_000, ["-"])):
        refused = run(text, *arguments)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr.startswith("reperform: cannot evaluate: ")
        assert "Traceback" not in refused.stderr


def hours(low: int, high: int) -> st.SearchStrategy[float | None]:
    return st.none() | st.integers(low, high).map(at)


JOBS = st.fixed_dictionaries(
    {
        "AccountId": st.sampled_from([A, B, None]),
        "BackupJobId": st.sampled_from(["j1", "j2", "j3", "j4", None]),
        "BackupVaultArn": st.sampled_from([ARN, None]),
        "ResourceArn": st.sampled_from([RESOURCE, "arn:aws:s3:::bucket", None]),
        "ResourceType": st.sampled_from(["EC2", "ec2", "RDS", None]),
        "CreationDate": hours(-60, 1),
        "InitiationDate": hours(-50, 3),
        "CompletionDate": hours(-50, 3),
        "StartBy": hours(-50, 3),
        "ExpectedCompletionDate": hours(-50, 3),
        "State": st.sampled_from(["CREATED", "PENDING", "RUNNING", "ABORTING", "COMPLETED", "FAILED", "EXPIRED", "NEW", None]),
        "MessageCategory": st.sampled_from(["SUCCESS", "other", None]),
        "StatusMessage": st.sampled_from(["denied", None]),
        "ParentJobId": st.sampled_from(["j1", None]),
        "RecoveryPointLifecycle": st.sampled_from([None, {}, {"DeleteAfterDays": 35}, {"DeleteAfterEvent": "x"}]),
    }
)
PLAIN: list[Json] = [
    {"Duration": {"at_least": "5h"}},
    {"any": [{"Duration": {"at_most": "5h"}}, {"not": {"Duration": "5h", "ResourceType": "EC2"}}]},
    {"Overdue": "true"},
    {"StatusMessage": {"contains": "denied"}, "Retention": {"at_least": "35d"}},
    {"CompletionDate": {"older_than": "24h"}},
]
POPULATIONS: list[Json] = [
    {},
    {"within": "24h", "no_data": "quiet"},
    {"where": {"ResourceType": "EC2"}, "within": "30h", "clock": "CompletionDate", "no_data": "pass"},
]
STATES: list[Json] = [{"all": {"Outcome": "clean"}}, {"none": {"State": ["FAILED", "EXPIRED"]}}, {"all": {"State": "COMPLETED"}, "jobs": "top_level"}]


def document_of(jobs: list[Json], rules: list[Json]) -> Json:
    numbered = [{"id": f"{index:02}", **rule} for index, rule in enumerate(rules)]
    return {"schema": reperform.SCHEMA, "as_of": "2020-09-22", "scope": {"accounts": [A]}, "sources": sources(jobs), "rules": numbered}


@examples(st.lists(JOBS, max_size=8).flatmap(lambda jobs: st.tuples(st.just(jobs), st.permutations(jobs))), few=15, many=200)
def test_the_order_of_records_and_rules_changes_nothing(both: tuple[list[Json], list[Json]]) -> None:
    rules = [population | judged for population in POPULATIONS for judged in [{"none": plain} for plain in PLAIN] + STATES]
    first, second = (document_of(jobs, rules) for jobs in both)
    second["rules"].reverse()
    assert reperform.reperform(first) == reperform.reperform(second)


@examples(st.lists(JOBS, max_size=5), few=15, many=200)
def test_to_forbid_is_to_require_the_opposite(jobs: list[Json]) -> None:
    cases = [(population, plain) for population in POPULATIONS for plain in PLAIN]
    forbidden = document_of(jobs, [population | {"none": plain} for population, plain in cases])
    required = document_of(jobs, [population | {"all": {"not": plain}} for population, plain in cases])
    assert reperform.reperform(forbidden) == reperform.reperform(required)


@examples(st.lists(JOBS, min_size=1, max_size=5), few=24, many=200)
def test_no_pass_beside_a_possible_violation_or_an_empty_population(jobs: list[Json]) -> None:
    for result in reperform.reperform(document_of(jobs, STATES))["rules"]:
        assert (result["verdict"] == "fail") is bool(result["findings"])
        if result["verdict"] == "pass":
            assert result["examined"] > 0
            assert result["possible"] == 0


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    document = {"schema": reperform.SCHEMA, "as_of": "2020-09-22", "sources": sources([job()]), "rules": [{"id": "r", "none": {}}]}
    (tmp_path / "input.json").write_text(json.dumps(document), encoding="utf-8")
    source, sink = os.pipe()
    os.close(source)
    with os.fdopen(sink, "wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-I", reperform.__file__, str(tmp_path / "input.json")], stdout=stdout, stderr=subprocess.PIPE, check=False, timeout=60
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_object_with_a_member_twice_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = {"schema": reperform.SCHEMA, "as_of": "2020-09-22", "sources": sources([job()]), "rules": [{"id": "r", "none": NO}]}
    text, path = json.dumps(document), tmp_path / "input.json"
    path.write_text(text, encoding="utf-8")
    assert reperform.main([str(path)], path.parent) == 0
    path.write_text(text.replace('"State": "COMPLETED"', '"State": "FAILED", "State": "COMPLETED"'), encoding="utf-8")
    assert reperform.main([str(path)], path.parent) == 2
    assert "twice" in capsys.readouterr().err
