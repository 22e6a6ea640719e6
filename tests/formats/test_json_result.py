from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from policycheck.errors import EvidenceError, ExitCode
from policycheck.formats.json_result import load_result
from policycheck.formats.registry import FORMATS
from policycheck.result import Result
from tests.formats.results import CASES, make_coverage, make_finding, make_result, make_rule, mixed, results
from tests.properties import examples
from tests.tables import each

JSON = FORMATS["json"]
Document = dict[str, Any]


def document(result: Result) -> Document:
    loaded: Document = json.loads(JSON.render(result))
    return loaded


def test_keys_are_those_of_the_contract() -> None:
    made = document(mixed())
    assert made["schema"] == "policycheck/result/1"
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
    keys = {"dataset", "account", "region", "from", "to", "evidence", "gaps", "jobs", "complete", "basis", "source", "reason"}
    assert [set(entry) for entry in made["coverage"]] == [keys] * 4
    assert made["coverage"][3]["evidence"] == {"from": "2026-10-22T13:00:00Z", "to": "2026-11-20T11:00:00Z"}
    assert made["coverage"][3]["gaps"] == [{"from": "2026-10-31T12:00:00Z", "to": "2026-11-02T12:00:00Z"}]
    rule = made["rules"][0]
    required = ["id", "policy", "sentence", "severity", "verdict", "reason", "examined", "subjects", "universe", "controls", "location", "findings"]
    assert set(required) <= set(rule)
    assert rule["location"] == {"path": "policies/production.yaml", "line": 12, "column": 5, "end_line": 12, "end_column": 22}
    assert made["rules"][1]["answers"][0] == {
        "account": "111122223333",
        "region": "eu-west-1",
        "answer": "pass",
        "subjects": ["arn:aws:rds:eu-west-1:111122223333:db:orders"],
    }
    assert {"subject", "jobs", "message", "cause", "severity", "fingerprint", "waiver", "evidence"} <= set(rule["findings"][0])


def test_keys_are_sorted_and_bytes_are_ascii() -> None:
    text = JSON.render(CASES["hostile"]())
    assert text.isascii()
    assert text == json.dumps(json.loads(text), sort_keys=True, indent=2, allow_nan=False) + "\n"


def test_a_number_json_lacks_is_written_as_text() -> None:
    result = make_result(make_rule(verdict="fail", findings=(make_finding(evidence=({"Size": float("nan"), "Rest": [float("inf")]},)),)))
    assert document(result)["rules"][0]["findings"][0]["evidence"] == [{"Rest": ["inf"], "Size": "nan"}]


@examples(results, few=6, many=100)
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
        (lambda d: d["rules"][0].update(verdict="pass"), "findings that nobody waived, and the verdict pass"),
        (lambda d: d["rules"][0]["findings"][0].update(subject="x"), "fingerprint"),
        (lambda d: d["rules"][0].pop("reason"), "$.rules[0] lacks 'reason'"),
        (lambda d: d["rules"][0].update(severity="awful"), "awful"),
        (lambda d: d["rules"][0].update(examined="41"), "$.rules[0].examined"),
        (lambda d: d["rules"][0].pop("findings"), "findings"),
        (lambda d: d["coverage"][2].pop("complete"), "$.coverage[2] lacks 'complete'"),
        (lambda d: d["coverage"][0].update(source="\x1b[2J"), "$.coverage[0].source"),
        (lambda d: d.update(as_of="2026-11-20T12:00:00"), "$.as_of"),
        (lambda d: d.update(scope_uncovered=1), "scope_uncovered"),
        (lambda d: d.update(schema="policycheck/result/2"), "policycheck/result/1"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(change: Callable[[Document], object], message: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        load_result(edit(change), place="saved.json")
    assert message in caught.value.message
    assert caught.value.place == "saved.json"
    assert caught.value.hint
    assert caught.value.exit_code is ExitCode.EVIDENCE


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"{}", b'{"schema": "policycheck/result/1"}', b"[" * 100_000, b"NaN"])
def test_what_is_no_saved_result_is_refused(content: bytes) -> None:
    with pytest.raises(EvidenceError):
        load_result(content)


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
