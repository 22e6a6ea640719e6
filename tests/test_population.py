"""The population of runs from end to end: nothing is lost between the files and the reports, and every report counts alike."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from lxml import etree

from policycheck.answers import Answer
from policycheck.formats.interface import clean_result
from policycheck.formats.json_reading import load_result
from policycheck.formats.redaction import redact
from policycheck.formats.registry import FORMATS
from policycheck.population import Covered
from policycheck.result import Result, Verdict
from tests.properties import examples
from tests.random_estate import AS_OF, Estate, write_random_estate

KEY = b"a key of thirty-two characters .."
_SEEDS = st.integers(0, 10**6)


def rows(result: Result, companion: str = "") -> list[dict[str, str]]:
    """The population CSV of a result, or what is beside it."""
    form = FORMATS["csv"]
    document = "".join(form.companions[companion](clean_result(result), form_options())) if companion else form.render(result)
    return list(csv.DictReader(StringIO(document, newline=""), strict=True))


def form_options() -> Any:
    from policycheck.formats.interface import DEFAULTS

    return DEFAULTS


@examples(_SEEDS, few=2, many=100)
def test_records_are_reconciled_by_list_place_and_day(tmp_path: Path, seed: int) -> None:
    estate = write_random_estate(tmp_path, seed)
    result = estate.check()
    told = result.population.reconciliation
    assert all(row.records == row.jobs + row.repeated and row.jobs == row.evaluated + row.out_of_scope + row.unusable for row in told)
    assert sum(row.records for row in told) == estate.records
    assert sum(row.jobs for row in told) == result.jobs
    assert sum(row.repeated for row in told) == 4 == sum(len(row.repeated_jobs) for row in told)
    assert {row.day for row in told} <= {f"2026-11-{day:02}" for day in range(10, 21)}
    for entry in result.coverage:
        own = [row for row in told if (row.dataset, row.account, row.region) == (entry.dataset, entry.account, entry.region)]
        assert sum(row.jobs for row in own) == entry.jobs
    assert rows(result, "reconciliation")[0]["records"] == str(told[0].records)


@examples(_SEEDS, few=2, many=100)
def test_the_counts_of_all_formats_add_up(tmp_path: Path, seed: int) -> None:
    result = write_random_estate(tmp_path, seed).check()
    summary = result.summary
    answers = Counter(row["answer"] for row in rows(result))
    assert (answers["fail"], answers["waived"]) == (summary.findings, summary.findings_waived)
    document = json.loads(FORMATS["json"].render(result))
    assert sum(len(rule["findings"]) for rule in document["rules"]) == summary.findings + summary.findings_waived
    assert Counter(entry["answer"] for rule in document["rules"] for entry in rule["answers"] for _ in entry["subjects"]) == Counter(
        str(one.answer) for rule in result.rules for one in rule.answers
    )
    junit = etree.fromstring(FORMATS["junit"].render(result).encode())
    assert sum((failure.text or "").count("\n- ") for failure in junit.iter("failure")) == summary.findings
    sarif = json.loads(FORMATS["sarif"].render(result))
    left_out = {*sarif.get("properties", {}).get("policycheck/leftOut", ())}
    found = sum(len(rule.open_findings) for rule in result.rules if f"{rule.policy}/{rule.id}" not in left_out)
    assert sum(len(run["results"]) for run in sarif["runs"]) == found
    assert f"{summary.findings + summary.findings_waived} finding" in FORMATS["markdown"].render(result)
    gitlab = json.loads(FORMATS["gitlab"].render(result))
    assert sum(not entry["description"].startswith("Inconclusive") for entry in gitlab) == summary.findings
    events = [json.loads(line) for line in FORMATS["ocsf"].render(result).splitlines()]
    assert sum("resources" in event and event["status"] == "New" for event in events) == summary.findings
    by_rule = Counter(row["rule"] for row in rows(result))
    assert {rule.id for rule in result.rules} == set(by_rule)
    assert all(by_rule[rule.id] == max(1, len(rule.answers)) for rule in result.rules)


@examples(_SEEDS, few=2, many=60)
def test_only_subjects_of_rules_that_have_the_evidence_pass(tmp_path: Path, seed: int) -> None:
    result = write_random_estate(tmp_path, seed).check()
    for row in rows(result):
        assert row["answer"] != "pass" or row["verdict"] in {"pass", "fail", "waived"}
        assert row["answer"] != "pass" or "outside" not in row["margin"]
        assert row["answer"] != "fail" or "within" not in row["margin"]
        assert not row["newest_job"] or row["newest_job_created"] <= "2026-11-20T06:00:00Z"


@examples(_SEEDS, few=2, many=150)
def test_redaction_leaves_no_original_in_any_format_and_changes_no_count(tmp_path: Path, seed: int) -> None:
    estate = write_random_estate(tmp_path, seed)
    result = estate.check()
    redacted = redact(result, KEY)
    written = FORMATS["json"].render(result)
    assert len([secret for secret in estate.secrets if secret in written]) > len(estate.secrets) // 2
    assert (redacted.summary, redacted.verdict, redacted.exit_code) == (result.summary, result.verdict, result.exit_code)
    assert [Counter(one.answer for one in rule.answers) for rule in redacted.rules] == [Counter(one.answer for one in rule.answers) for rule in result.rules]
    for name, form in FORMATS.items():
        documents = [form.render(redacted), *("".join(write(clean_result(redacted), form_options())) for write in form.companions.values())]
        assert {secret for secret in estate.secrets for document in documents if secret in document} == set(), name
    assert load_result(FORMATS["json"].render(redacted).encode()) == clean_result(redacted)


def test_pseudonyms_are_the_same_in_every_run_with_one_key_and_keep_the_shape_of_arns(tmp_path: Path) -> None:
    estate = write_random_estate(tmp_path, 7)
    result = estate.check()
    first, again, other = redact(result, KEY), redact(estate.check(), KEY), redact(result, KEY + b"!")
    assert first == again
    subjects = [[one.subject for rule in made.rules for one in rule.answers if one.subject.startswith("arn:")] for made in (result, first, other)]
    assert not set(subjects[1]) & set(subjects[2])
    shapes = [Counter(re.sub(r"[0-9]{12}|(?<=[/:])[^/:]+$", "*", subject) for subject in made) for made in subjects]
    assert shapes[0] == shapes[1]
    assert len(set(subjects[0])) == len(set(subjects[1]))
    assert any("redacted" in note for note in first.not_seen)


def test_answers_say_what_was_measured_how_far_from_the_limit_and_by_which_job(tmp_path: Path) -> None:
    result = write_random_estate(tmp_path, 3).check()
    told = {rule.id: rule for rule in result.rules}
    assert [told[name].limit for name in ("no-failed", "newest", "count", "share", "latest", "copied")] == [
        "0 jobs", "at most 36h", "at least 3", "at least 50%", "matches", "0 jobs",
    ]  # fmt: skip
    jobs = {job.key: job for job in result.population.newest_jobs}
    for rule in result.rules:
        for one in rule.answers:
            assert one.newest == "" or one.newest in jobs
            if rule.id == "latest" and one.answer in {Answer.PASS, Answer.FAIL} and one.measured:
                assert one.measured == ("matches" if one.answer is Answer.PASS else "does not match")
    failed = [one for one in told["no-failed"].answers if one.answer is Answer.FAIL]
    assert failed
    assert all(re.fullmatch(r"\d+ of \d+ jobs?", one.measured) and one.margin.endswith("outside") for one in failed)


def test_the_newest_job_is_told_as_it_was_at_as_of(tmp_path: Path) -> None:
    estate = write_random_estate(tmp_path, 5)
    later = replace_as_of(estate)
    assert {job.state for job in later.population.newest_jobs} >= {"RUNNING"}
    assert all(job.created <= "2026-11-15T00:00:00Z" for job in later.population.newest_jobs)
    assert any(row.out_of_scope for row in later.population.reconciliation if (row.day or "") > "2026-11-15")


def replace_as_of(estate: Estate) -> Result:
    """The same judged at a moment in which a job was running that ended since."""
    from policycheck.api import check

    content = json.loads(estate.jobs[0].read_text())
    done = next(job for job in content["BackupJobs"] if job["State"] == "COMPLETED")
    done |= {"CreationDate": "2026-11-14T23:30:00Z", "CompletionDate": "2026-11-15T00:30:00Z", "StartBy": "2026-11-15T08:00:00Z"}
    estate.jobs[0].write_text(json.dumps(content))
    as_of = AS_OF.replace(day=15, hour=0)
    return check(estate.policy, [estate.jobs[0]], as_of=as_of, inventories={"prod": estate.inventory}, answers=True)


def test_days_are_covered_as_the_lists_speak_and_files_are_named_with_their_hashes(tmp_path: Path) -> None:
    estate = write_random_estate(tmp_path, 11)
    result = estate.check()
    assert {row.covered for row in result.population.reconciliation} <= set(Covered)
    assert Covered.WHOLE in {row.covered for row in result.population.reconciliation}
    digests = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in estate.jobs}
    assert {one.name: one.sha256 for one in result.population.inputs} == digests
    for row in rows(result, "coverage"):
        assert row["sha256"].split("; ") == [digests[name] for name in row["source"].split("; ")]


def test_a_run_that_is_not_asked_finds_out_nothing_of_this(tmp_path: Path) -> None:
    from policycheck.api import check

    estate = write_random_estate(tmp_path, 11)
    quick = check(estate.policy, [*estate.jobs], as_of=AS_OF, inventories={"prod": estate.inventory})
    asked = estate.check()
    assert quick == replace(asked, population=quick.population, history=None, rules=tuple(replace(rule, answers=()) for rule in asked.rules))
    assert not quick.population.reconciliation


@pytest.mark.slow
def test_the_engines_say_the_same_of_the_population(tmp_path: Path) -> None:
    estate = write_random_estate(tmp_path, 17)
    assert estate.check(engine="duckdb") == estate.check()


def test_a_rule_without_a_subject_has_a_row_that_is_no_pass(tmp_path: Path) -> None:
    result = write_random_estate(tmp_path, 11).check()
    (row,) = [row for row in rows(result) if row["rule"] == "restored"]
    assert next(rule.verdict for rule in result.rules if rule.id == "restored") is Verdict.INCONCLUSIVE
    assert (row["subject"], row["answer"]) == ("", "undecided")
