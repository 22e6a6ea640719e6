from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from policycheck.errors import EvidenceError, ExitCode
from policycheck.formats.cleaning import cleaned
from policycheck.formats.json_reading import load_result
from policycheck.formats.registry import FORMATS
from policycheck.job_records import SavedJob
from policycheck.result import Result, Verdict
from tests.formats.results import CASES, make_coverage, make_finding, make_job, make_result, make_rule, mixed, results
from tests.properties import examples
from tests.tables import each

JSON = FORMATS["json"]
Document = dict[str, Any]


def document(result: Result) -> Document:
    loaded: Document = json.loads(JSON.render(result))
    return loaded


def test_keys_are_those_of_the_contract() -> None:
    made = document(mixed())
    assert made["schema"] == "policycheck/result/2"
    assert made["tool"] == {"name": "policycheck", "version": "1.2.3"}
    assert made["as_of"] == "2026-11-20T12:00:00Z"
    assert (made["verdict"], made["exit_code"]) == ("fail", 1)
    assert made["summary"] == {
        "rules": 6,
        "passed": 1,
        "failed": 2,
        "waived": 1,
        "inconclusive": 1,
        "skipped": 1,
        "findings": 3,
        "findings_waived": 2,
        "jobs": 439,
        "pending": 1,
        "undecided": 2,
    }
    keys = {
        "dataset",
        "account",
        "region",
        "from",
        "to",
        "evidence",
        "gaps",
        "holes",
        "jobs",
        "complete",
        "basis",
        "source",
        "reason",
        "cut_off",
        "rewound",
        "files",
    }
    assert [set(entry) for entry in made["coverage"]] == [keys] * 4
    assert made["coverage"][3]["evidence"] == {"from": "2026-10-22T13:00:00Z", "to": "2026-11-20T11:00:00Z"}
    assert made["coverage"][3]["gaps"] == [{"from": "2026-10-31T12:00:00Z", "to": "2026-11-02T12:00:00Z"}]
    rule = made["rules"][0]
    required = ["id", "policy", "sentence", "severity", "verdict", "reason", "reasons", "examined", "subjects", "universe", "controls", "location", "findings"]
    assert set(required) <= set(rule)
    assert rule["location"] == {"path": "policies/production.yaml", "line": 12, "column": 5, "end_line": 12, "end_column": 22}
    assert made["rules"][1]["answers"][0] == {
        "account": "111122223333",
        "region": "eu-west-1",
        "answer": "pass",
        "subjects": ["arn:aws:rds:eu-west-1:111122223333:db:orders"],
        "measured": ["26 h"],
        "margins": ["10 h within"],
        "newest": ["6E2C0F1A-0000-4000-8000-000000000002"],
    }
    finding = rule["findings"][0]
    assert {"subject", "jobs", "jobs_count", "job_keys", "message", "cause", "severity", "fingerprint", "waiver"} <= set(finding)
    (job,) = finding["jobs"]
    assert (finding["jobs_count"], finding["job_keys"]) == (1, None)
    assert made["jobs"] == {job: {"BackupJobId": job, "State": "FAILED", "PercentDone": "0.0"}}


def test_keys_are_sorted_and_bytes_are_ascii() -> None:
    text = JSON.render(CASES["hostile"]())
    assert text.isascii()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    # Each finding, each job and each entry of another list is a line.
    assert text.replace("\n", "") == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), allow_nan=False)


@each("name", CASES)
def test_a_job_a_finding_an_answer_and_a_row_of_days_are_a_line_each(name: str) -> None:
    made = document(CASES[name]())
    lines = [line.removesuffix(",") for line in JSON.render(CASES[name]()).splitlines()]
    found = [line for rule in made["rules"] for line in (*rule["answers"], *rule["findings"], *rule["waivers"])]
    lists = [made.get(name, ()) for name in ("inputs", "left_out", "matrices", "newest_jobs", "policies", "reconciliation", "resources")]
    history = made["history"] or {"causes": [], "limits": [], "rows": []}
    days = [line for name in ("causes", "limits", "rows") for line in history[name]]
    found = [*made.get("controls", ()), *made["coverage"], *days, *(entry for entries in lists for entry in entries), *found]
    assert [json.loads(line) for line in lines if line.startswith("{") and line != "{"] == found
    assert [job for job in made["jobs"] if f"{json.dumps(job)}:{json.dumps(made['jobs'][job], sort_keys=True, separators=(',', ':'))}" not in lines] == []


def test_a_number_json_lacks_is_written_as_text() -> None:
    job = SavedJob("j", {"Size": float("nan"), "Rest": [float("inf")]})
    assert document(make_result(make_rule(verdict="fail", findings=(make_finding(evidence=(job,)),))))["jobs"] == {"j": {"Rest": ["inf"], "Size": "nan"}}


def test_many_jobs_of_a_finding_are_counted_and_twenty_named() -> None:
    names = [f"j{number:03}" for number in range(30)]
    finding = make_finding(jobs=tuple(names), evidence=tuple(map(make_job, names[:20])))
    result = make_result(make_rule(verdict=Verdict.FAIL, findings=(finding,)))
    told = document(result)
    assert (told["rules"][0]["findings"][0]["jobs"], told["rules"][0]["findings"][0]["jobs_count"]) == (names[:20], 30)
    assert sorted(told["jobs"]) == names[:20]
    saved = load_result(JSON.render(result).encode())
    assert saved.rules[0].findings == (replace(finding, jobs=finding.jobs[:20], unnamed=10),)
    assert {name for name, entry in FORMATS.items() if entry.render(saved) != entry.render(result)} == set()


def test_two_jobs_under_one_key_are_not_written() -> None:
    findings = make_finding("a", evidence=(SavedJob("j", {"State": "FAILED"}),)), make_finding("b", evidence=(SavedJob("j", {"State": "COMPLETED"}),))
    with pytest.raises(ValueError, match="two jobs have the key j"):
        JSON.render(make_result(make_rule(verdict=Verdict.FAIL, findings=findings)))


@examples(results, few=9, many=100)
def test_jobs_are_those_of_the_findings_once_each_and_counts_add_up(result: Result) -> None:
    made = document(result)
    findings = [finding for rule in made["rules"] for finding in rule["findings"]]
    named = [finding["jobs"] if finding["job_keys"] is None else finding["job_keys"] for finding in findings]
    assert set(made["jobs"]) == {key for keys in named for key in keys}
    assert all(len(finding["jobs"]) <= min(20, finding["jobs_count"]) for finding in findings)
    assert made["summary"]["findings"] + made["summary"]["findings_waived"] == len(findings)
    told = [finding for rule in result.rules for finding in rule.findings]
    assert [finding["jobs_count"] for finding in findings] == [len(finding.jobs) + finding.unnamed for finding in told]


@examples(results, few=9, many=100)
def test_a_saved_result_is_read_back_as_it_was(result: Result) -> None:
    assert load_result(JSON.render(result).encode()) == cleaned(result)


@examples(results, few=4, many=100)
def test_a_saved_result_renders_to_the_same_bytes_again(result: Result) -> None:
    text = JSON.render(result)
    assert JSON.render(load_result(text.encode())) == text


@each("name", FORMATS)
@each("case", CASES)
def test_every_format_renders_the_same_from_a_saved_result(case: str, name: str) -> None:
    result = CASES[case]()
    saved = load_result(JSON.render(result).encode())
    assert FORMATS[name].render(saved) == FORMATS[name].render(result)


def edit(change: Callable[[Document], object]) -> bytes:
    made = copy.deepcopy(document(mixed()))
    change(made)
    return json.dumps(made).encode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(verdict="pass"), '$.verdict is "pass", but the rest of the file makes it "fail"'),
        (lambda d: d.update(exit_code=0), "$.exit_code is 0"),
        (lambda d: d["summary"].update(findings=0), "$.summary.findings is 0"),
        (lambda d: d["rules"].pop(0), "$.summary.rules is 6, but the rest of the file makes it 5"),
        (lambda d: d["rules"][0].update(verdict="pass"), "findings that are not waived, and the verdict pass"),
        (lambda d: d["rules"][0]["findings"][0].update(subject="x"), "fingerprint"),
        (lambda d: d["rules"][0].pop("reason"), "$.rules[0] lacks 'reason'"),
        (lambda d: d["rules"][0].update(severity="awful"), "awful"),
        (lambda d: d["rules"][0].update(examined="41"), "$.rules[0].examined"),
        (lambda d: d["rules"][0].pop("findings"), "findings"),
        (lambda d: d["coverage"][2].pop("complete"), "$.coverage[2] lacks 'complete'"),
        (lambda d: d["coverage"][0].update(source="\x1b[2J"), "$.coverage[0].source"),
        (lambda d: d.update(as_of="2026-11-20T12:00:00"), "$.as_of"),
        (lambda d: d.update(scope_uncovered=1), "scope_uncovered"),
        (lambda d: d.update(schema="policycheck/result/3"), "not a result of schema policycheck/result/2"),
        (lambda d: d["jobs"].clear(), 'a finding names the job "6E2C0F1A-0000-4000-8000-000000000001", which is not among the jobs'),
        (lambda d: d["jobs"].update(other={}), "no finding is about 1 of the jobs"),
        (lambda d: d["jobs"]["6E2C0F1A-0000-4000-8000-000000000001"].update(State="\x1b[2J"), "State"),
        (lambda d: d["rules"][0]["findings"][0].update(jobs_count=0), "names more jobs than it counts"),
        (lambda d: d["rules"][0]["findings"][0].update(jobs_count="1"), "not a saved result"),
        (lambda d: d["rules"][0]["findings"][0].update(jobs=[]), "no finding is about 1 of the jobs"),
        (lambda d: d["rules"][0]["findings"][0].update(job_keys=["6E2C0F1A-0000-4000-8000-000000000001"]), "$.rules[0].findings[0].job_keys"),
        (lambda d: d["rules"][0]["findings"][0].pop("job_keys"), "job_keys"),
        (lambda d: d["history"]["rows"][0].update(days="cc"), "a resource of the history does not have one outcome for each day"),
        (lambda d: d["history"]["rows"][0].update(days="ccccccx"), "Invalid enum value 'x'"),
        (lambda d: d["history"]["causes"][0].update(days=[1]), "a cause of the history does not have one number for each day"),
        (lambda d: d["history"].update(resources=1), "the history names more resources than it counts"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(change: Callable[[Document], object], message: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        load_result(edit(change), place="saved.json")
    assert message in caught.value.message
    assert caught.value.place == "saved.json"
    assert caught.value.hint
    assert caught.value.exit_code is ExitCode.EVIDENCE


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"{}", b'{"schema": "policycheck/result/2"}', b"[" * 100_000, b"NaN"])
def test_what_is_no_saved_result_is_refused(content: bytes) -> None:
    with pytest.raises(EvidenceError):
        load_result(content)


def test_a_result_of_the_version_before_is_refused_and_says_what_to_do() -> None:
    with pytest.raises(EvidenceError, match=r"schema policycheck/result/1 of an earlier version") as caught:
        load_result(edit(lambda d: d.update(schema="policycheck/result/1")), place="saved.json")
    assert (caught.value.place, caught.value.hint) == ("saved.json", "Make it again: policycheck check --output json=FILE")


def test_a_key_that_stands_twice_is_refused() -> None:
    content = JSON.render(mixed()).replace('"verdict":"fail"\n}\n', '"verdict":"pass",\n"verdict":"fail"\n}\n')
    with pytest.raises(EvidenceError, match="a key stands twice"):
        load_result(content.encode())


def test_a_cut_file_is_refused() -> None:
    content = JSON.render(mixed()).encode()
    with pytest.raises(EvidenceError):
        load_result(content[: len(content) // 2])


def test_members_of_a_later_version_are_left_out() -> None:
    content = edit(lambda d: d.update(added_later={"x": 1}))
    assert load_result(content) == mixed()


def test_coverage_without_an_interval_is_kept() -> None:
    result = make_result(make_rule(), coverage=(make_coverage(start=None, end=None, account=None),))
    assert load_result(JSON.render(result).encode()) == result
