"""The exchange formats, read by readers that are not ours: the OCSF schema of its own package, compliance-trestle, and in-toto's own protobuf messages."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import jsonschema
import pytest

from policycheck.formats.interface import clean_result
from policycheck.formats.registry import FORMATS
from policycheck.population import InputFile, Population
from policycheck.result import PolicyInfo, Result, Verdict
from tests.formats.results import CASES, make_coverage, make_finding, make_result, make_rule, results
from tests.properties import examples
from tests.tables import each

Json = dict[str, Any]


@cache
def ocsf_validator() -> Any:
    from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0")).get_class_schema("compliance_finding", ["cloud"])
    return jsonschema.validators.validator_for(schema)(schema)


def read_ocsf(document: str) -> list[Json]:
    events = [json.loads(text) for text in document.splitlines()]
    assert [error.message for event in events for error in ocsf_validator().iter_errors(event)] == []
    return events


def read_oscal(document: str) -> Any:
    from trestle.oscal.assessment_results import Model

    return Model.model_validate_json(document).assessment_results


def read_in_toto(document: str) -> Json:
    from google.protobuf.json_format import Parse
    from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult
    from in_toto_attestation.v1.statement import Statement
    from in_toto_attestation.v1.statement_pb2 import Statement as Message

    Statement.copy_from_pb(Parse(document, Message())).validate()
    loaded: Json = json.loads(document)
    Parse(json.dumps(loaded["predicate"]), TestResult())
    return loaded


READERS: dict[str, Callable[[str], object]] = {"ocsf": read_ocsf, "oscal": read_oscal, "in-toto": read_in_toto}


@each("name", READERS)
@each("case", CASES)
def test_an_independent_reader_takes_every_document(case: str, name: str) -> None:
    READERS[name](FORMATS[name].render(CASES[case]()))


@pytest.mark.slow
@examples(results, few=20, many=200)
def test_an_independent_reader_takes_any_document(result: Result) -> None:
    for name, read in READERS.items():
        read(FORMATS[name].render(result))


def test_ocsf_counts_are_those_of_the_result_and_only_rules_that_passed_are_a_pass() -> None:
    result = CASES["mixed"]()
    events = read_ocsf(FORMATS["ocsf"].render(result))
    summary = result.summary
    found = Counter((event["status"], event["compliance"]["status"]) for event in events if "resources" in event)
    assert found == {("New", "Fail"): summary.findings, ("Suppressed", "Fail"): summary.findings_waived}
    rules = Counter(event["compliance"]["status"] for event in events if "resources" not in event)
    assert rules == {"Pass": summary.passed, "Warning": summary.inconclusive, "waived": summary.waived, "skipped": summary.skipped}


def test_ocsf_says_that_nothing_was_evaluated_and_that_the_scope_is_not_covered() -> None:
    (event,) = read_ocsf(FORMATS["ocsf"].render(CASES["empty"]()))
    assert event["compliance"]["status"] == "Warning"
    first, *_ = read_ocsf(FORMATS["ocsf"].render(make_result(make_rule(), scope_uncovered=True)))
    assert (first["compliance"]["status"], "not covered" in first["message"]) == ("Warning", True)


@each(
    ("verdicts", "state"),
    [((Verdict.PASS, Verdict.PASS), "satisfied")]
    + [((Verdict.PASS, other), "not-satisfied") for other in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.WAIVED, Verdict.SKIPPED)],
)
def test_oscal_satisfies_a_control_by_passes_alone(verdicts: tuple[Verdict, Verdict], state: str) -> None:
    named = [make_rule(id=f"r{number}", verdict=verdict, controls={"soc2": ("A1.2",)}) for number, verdict in enumerate(verdicts)]
    findings = (make_finding(rule="r1"),) if verdicts[1] is Verdict.FAIL else ()
    rules = (named[0], make_rule(**{**vars_of(named[1]), "findings": findings}))
    read = read_oscal(FORMATS["oscal"].render(make_result(*rules)))
    (finding,) = read.results[0].findings
    assert (finding.target.target_id, finding.target.status.state.value) == ("soc2_A1.2", state)
    assert len(finding.related_observations) == 2 + len(findings)


def vars_of(rule: Any) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in ("id", "verdict", "controls")}


def test_oscal_reviews_the_controls_that_rules_name_and_observes_every_rule_and_finding() -> None:
    result = CASES["mixed"]()
    read = read_oscal(FORMATS["oscal"].render(result)).results[0]
    assert [one.control_id for one in read.reviewed_controls.control_selections[0].include_controls] == ["nist-800-53_CP-9", "soc2_A1.2"]
    assert len(read.observations) == len(result.rules) + sum(len(rule.findings) for rule in result.rules)
    observed = {one.uuid for one in read.observations}
    assert {related.observation_uuid for finding in read.findings for related in finding.related_observations} <= observed


@each(
    ("verdict", "told"),
    [
        (Verdict.PASS, ("PASSED", "passedTests")),
        (Verdict.WAIVED, ("WARNED", "warnedTests")),
        (Verdict.INCONCLUSIVE, ("FAILED", "failedTests")),
        (Verdict.FAIL, ("FAILED", "failedTests")),
    ],
)
def test_in_toto_passes_by_passes_alone(verdict: Verdict, told: tuple[str, str]) -> None:
    predicate = read_in_toto(FORMATS["in-toto"].render(make_result(make_rule(verdict=verdict))))["predicate"]
    assert (predicate["result"], predicate[told[1]]) == (told[0], ["prod-backups/no-failed-ec2"])


def test_in_toto_is_failed_where_the_scope_is_not_covered_or_nothing_was_evaluated() -> None:
    for result in (make_result(make_rule(), scope_uncovered=True), make_result(make_rule(verdict=Verdict.SKIPPED)), make_result()):
        assert read_in_toto(FORMATS["in-toto"].render(result))["predicate"]["result"] == "FAILED"


def test_in_toto_warns_where_a_list_is_not_complete() -> None:
    result = make_result(make_rule(), coverage=(make_coverage(complete=False),))
    assert read_in_toto(FORMATS["in-toto"].render(result))["predicate"]["result"] == "WARNED"


def test_in_toto_is_about_the_files_of_jobs_and_names_the_policies_by_hash() -> None:
    inputs = (InputFile("jobs.json", "a" * 64),)
    result = make_result(make_rule(), population=Population(inputs=inputs), policies=(PolicyInfo("p", "", "p.yaml", "b" * 64),))
    read = read_in_toto(FORMATS["in-toto"].render(result))
    assert read["subject"] == [{"name": "jobs.json", "digest": {"sha256": "a" * 64}}]
    assert read["predicate"]["configuration"] == [{"name": "p.yaml", "digest": {"sha256": "b" * 64}}]


def test_in_toto_of_a_fetch_is_about_the_saved_result() -> None:
    result = clean_result(replace(CASES["mixed"](), population=Population()))
    (subject,) = read_in_toto(FORMATS["in-toto"].render(result))["subject"]
    saved = "".join(FORMATS["json"].pieces(result)).encode()
    assert subject == {"name": "result.json", "digest": {"sha256": hashlib.sha256(saved).hexdigest()}}
