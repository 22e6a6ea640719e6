"""Test files: read with positions, every mistake at once, nothing guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policycheck.datasets import DATASETS
from policycheck.errors import PolicyError
from policycheck.result import Verdict
from policycheck.testing import catalogue
from policycheck.testing.document import load_tests, policy_of
from policycheck.testing.runner import run_test
from tests.backends import BACKEND
from tests.testing.conftest import Load

ONE = "jobs: [{State: FAILED}]\nexpect: {role: pass}\n"


def test_a_file_holds_one_test_or_several(load: Load) -> None:
    assert [test.name for test in load(ONE)] == ["p"]
    several = load("tests:\n  - {name: a, jobs: [], expect: {role: pass}}\n  - {name: b, as_of: 2026-11-21, jobs: [], expect: {role: inconclusive}}\n")
    assert [(test.name, test.as_of.day, test.location.line) for test in several] == [("a", 20, 3), ("b", 21, 4)]


def test_expectations_are_a_verdict_or_what_is_found(load: Load) -> None:
    (test,) = load("expect:\n  role: pass\n  failed: {verdict: fail, findings: [i-1, i-2], reason: FAILED}\n")
    assert test.expected["role"].verdict is Verdict.PASS
    assert test.expected["failed"].findings == ("i-1", "i-2")
    assert test.expected["failed"].location.line == 4


def test_parameters_are_those_of_the_test_then_of_the_file_then_of_the_policy(load: Load) -> None:
    first, second = load(
        "params: {vault: a}\ntests:\n  - {name: x, params: {window: 7d}, expect: {role: pass}}\n  - {name: y, params: {vault: b}, expect: {role: pass}}\n"
    )
    sentences = [test.policy.rules[0].sentence for test in (first, second)]
    assert sentences == ["no FAILED or EXPIRED EC2 jobs in vault a within 7d", "no FAILED or EXPIRED EC2 jobs in vault b within 24h"]


def test_what_a_test_leaves_out_did_not_happen_in_its_lists(load: Load) -> None:
    (test,) = load("copy_jobs: [{Account: 444455556666, Region: us-east-1}]\nexpect: {role: pass}\n")
    assert set(test.evidence.lists) == set(DATASETS)
    assert {(entry.dataset, entry.account, entry.region) for entry in test.evidence.coverage} == {
        (dataset, *place) for dataset in test.evidence.lists for place in (("111122223333", "eu-west-1"), ("444455556666", "us-east-1"))
    }
    assert all(entry.complete and entry.end == test.as_of and entry.start == test.as_of - timedelta(days=40) for entry in test.evidence.coverage)


def test_lists_may_reach_back_less(load: Load) -> None:
    (test,) = load(f"covers: 12h\n{ONE}")
    assert {entry.start for entry in test.evidence.coverage} == {datetime(2026, 11, 19, 18, tzinfo=UTC)}


def test_inventories_stand_in_the_test(load: Load) -> None:
    (test,) = load(f"inventories: {{prod: ['arn:aws:s3:::logs', {{arn: 'arn:aws:s3:::data', tags: {{Env: prod}}}}]}}\n{ONE}")
    assert [entry.tags for entry in test.evidence.inventories["prod"].entries] == [{}, {"Env": "prod"}]


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("jobs: [{Stat: FAILED}]\nexpect: {role: pass}\n", "a backup job records no Stat", 2),
        ("jobs: [{CreationDate: yesterday}]\nexpect: {role: pass}\n", "CreationDate: a time is ISO 8601 with an offset", 2),
        ("jobs: [{CreationDate: -26}]\nexpect: {role: pass}\n", "CreationDate: a duration is one number and one unit", 2),
        ("jobs: [{IsEncrypted: yes}]\nexpect: {role: pass}\n", "IsEncrypted: this field is true or false", 2),
        ("jobs: [{BackupSizeInBytes: much}]\nexpect: {role: pass}\n", "BackupSizeInBytes: a size is a number of bytes", 2),
        ("jobs: [{Account: 1}]\nexpect: {role: pass}\n", "an account id is exactly 12 digits", 2),
        ("jobs: [{without: [StatBy]}]\nexpect: {role: pass}\n", "a backup job records no StatBy", 2),
        ("jobs: [{repeat: {every: 24h}}]\nexpect: {role: pass}\n", "repeat requires every and times", 2),
        ("jobs: [{CreationDate: 9999-12-31T23:59:59Z}]\nexpect: {role: pass}\n", "CreationDate: the year is from 1971 to 2299", 2),
        ("jobs: [{CreationDate: 0001-01-01}]\nexpect: {role: pass}\n", "CreationDate: the year is from 1971 to 2299", 2),
        ("jobs: [{repeat: {every: 36000d, times: 10000}}]\nexpect: {role: pass}\n", "repeat goes on for more than ten years", 2),
        ("jobs: [{CreationDate: 2299-12-31, repeat: {every: 3653d, times: 2}}]\nexpect: {role: pass}\n", "a backup job of the test cannot be: record", 2),
        ("jobs: [{CreationDate: -36500d}]\nexpect: {role: pass}\n", "a backup job of the test cannot be: record", 2),
        ("jobs: [{State: [A, B]}]\nexpect: {role: pass}\n", "State takes one value", 2),
        ("jobs: [{Duration: 4h}]\nexpect: {role: pass}\n", "a backup job records no Duration", 2),
        ("expect: {rolle: pass}\n", "the policy has no rule rolle", 2),
        ("expect: {role: fail}\n", "a test of a rule that fails must list its findings", 2),
        ("expect: {role: {verdict: pass, findings: [i-1]}}\n", "the verdict of a rule with findings is not pass", 2),
        ("expect: {role: passes}\n", "passes is not one of", 2),
        ("expect: {}\n", "the test expects nothing", 2),
        ("jobs: []\n", "the test expects nothing", 1),
        ("covers: long\nexpect: {role: pass}\n", "covers: a duration is", 2),
        ("inventories: {prod: []}\nexpect: {role: pass}\n", "the inventory prod is empty", 2),
        ("job: []\nexpect: {role: pass}\n", "there is no key job here", 2),
        ("tests: [{name: a, expect: {role: pass}}]\njobs: []\n", "jobs cannot be combined with tests", 3),
        ("policy: q.yaml\nexpect: {role: pass}\n", "there is no policy q.yaml to test", 2),
    ],
)
def test_a_mistake_says_where_it_is(text: str, message: str, line: int, load: Load) -> None:
    with pytest.raises(PolicyError) as caught:
        load(text)
    (mistake,) = caught.value.diagnostics
    assert mistake.message.startswith(message)
    assert (mistake.location.path, mistake.location.line) == ("p.test.yaml", line)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "1970-12-31", "2300-01-01", "9999-12-31T23:59:59Z"])
def test_a_test_is_of_a_time_that_a_run_can_be_about(time: str, folder: Path) -> None:
    (folder / "p.test.yaml").write_text(f"as_of: {time}\n{ONE}", encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_tests([(folder / "p.test.yaml", "p.test.yaml")])
    (one,) = caught.value.diagnostics
    assert (one.message, one.location.line, one.hint) == ("as_of: the year is from 1971 to 2299", 1, "as_of: 2026-11-20T06:00:00Z")


@pytest.mark.parametrize("time", ["1971-01-01", "2299-12-31T23:59:59Z"])
def test_the_first_and_the_last_time_can_be_judged(time: str, folder: Path) -> None:
    (folder / "p.test.yaml").write_text(f"as_of: {time}\ncovers: 36500d\njobs: [{{CreationDate: -26h}}]\nexpect: {{role: pass}}\n", encoding="utf-8")
    (test,) = load_tests([(folder / "p.test.yaml", "p.test.yaml")])
    assert run_test(test, BACKEND).test is test


def test_a_test_says_when_it_is(folder: Path) -> None:
    (folder / "p.test.yaml").write_text(ONE, encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_tests([(folder / "p.test.yaml", "p.test.yaml")])
    assert "the test has no as_of" in caught.value.diagnostics[0].message


def test_the_mistakes_of_all_files_are_told_at_once(folder: Path) -> None:
    for name in ("p.test.yaml", "p.more.test.yaml"):
        (folder / name).write_text("as_of: 2026-11-20\npolicy: p.yaml\nexpect: {rolle: pass}\n", encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_tests([(folder / name, name) for name in ("p.test.yaml", "p.more.test.yaml")])
    assert [found.location.path for found in caught.value.diagnostics] == ["p.more.test.yaml", "p.test.yaml"]


def test_a_test_is_of_the_policy_beside_it_whatever_the_case(tmp_path: Path) -> None:
    for name in ("STRICT.YAML", "STRICT.TEST.YAML", "strict.More.Test.yml", "strictest.test.yaml"):
        (tmp_path / name).touch()
    assert [file.name for file, _ in catalogue.tests_of(tmp_path / "STRICT.YAML", "STRICT.YAML")] == ["STRICT.TEST.YAML", "strict.More.Test.yml"]
    assert policy_of(tmp_path / "STRICT.TEST.YAML") == tmp_path / "STRICT.YAML"
