"""Copy and restore jobs: the engine and the second implementation (docs/verdicts.md) judge the same generated records, and say the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from policycheck.datasets import COPY_JOBS, RESTORE_JOBS, Dataset, Field, Kind
from policycheck.engine.evaluate import judge
from policycheck.errors import Location
from policycheck.evidence.reperform import reperform
from policycheck.job_lists import JobList
from policycheck.policy.conditions import Comparison, Condition, Literal, Not, Operator, bind, structured
from policycheck.policy.model import AllMatch, NoneMatch, Policy, Qualifiers, Requirement, Rule, Statement
from policycheck.records import iso, micros, record_type
from policycheck.sources.lists import Source, assert_coverage
from policycheck.sources.observations import merge_sources
from tests.backends import BACKEND
from tests.engine.lists import AS_OF
from tests.properties import examples

NOW = micros(AS_OF) // 1_000_000
TEXTS = {
    Kind.ARN: [
        "arn:aws:backup:eu-west-1:111122223333:backup-vault:prod",
        "arn:aws:backup:us-east-1:444455556666:backup-vault:a:b",
        "arn:aws:iam::1:role/x/ops",
        "no arn",
    ],
    Kind.ACCOUNT: ["111122223333", "444455556666"],
}
LITERALS = {
    Kind.TIME: ["2026-11-20T03:00:00Z"],
    Kind.DURATION: ["1h", "35d"],
    Kind.SIZE: ["1kB"],
    Kind.INTEGER: ["35"],
    Kind.BOOLEAN: ["true", "false"],
    Kind.ARN: ["arn:aws:backup:eu-west-1:111122223333:backup-vault:prod"],
    Kind.ACCOUNT: ["111122223333"],
}


def values(dataset: Dataset, field: Field) -> st.SearchStrategy[Any]:
    match field.kind:
        case Kind.TIME:
            return st.sampled_from([NOW - hours * 3600 for hours in (-2, 0, 1, 3, 30)])
        case Kind.SIZE | Kind.INTEGER:
            return st.sampled_from([0, 7, 35, 1000, 2**53 + 1])
        case Kind.BOOLEAN:
            return st.booleans()
        case Kind.ENUM:
            return st.sampled_from([*field.values, "NEWSTATE"] if field.name == dataset.state_field else list(field.values))
        case kind:
            return st.sampled_from(TEXTS.get(kind, ["SUCCESS", "one", "eu-west-1"]))


@st.composite
def records(draw: st.DrawFn, dataset: Dataset) -> dict[str, Any]:
    record: dict[str, Any] = {dataset.id_field: draw(st.sampled_from("abcd"))}
    for field in dataset.members:
        head, _, tail = field.name.partition(".")
        if field.name != dataset.id_field and draw(st.integers(0, 3)):
            if tail:
                record.setdefault(head, {})[tail] = draw(values(dataset, field))
            else:
                record[head] = draw(values(dataset, field))
    return record


@st.composite
def conditions(draw: st.DrawFn, dataset: Dataset) -> Condition:
    of_inventories = {"AccountName", "in_inventory"}
    field = draw(st.sampled_from(sorted((f for f in dataset.fields.values() if f.name not in of_inventories), key=lambda f: (not f.derived, f.name))))
    ordered = field.kind in {Kind.TIME, Kind.DURATION, Kind.SIZE, Kind.INTEGER}
    asked = [Operator.LOCAL_TIME] if field.kind is Kind.SPAN else [Operator.IS, *([Operator.LOCAL_TIME] if field.kind is Kind.TIME else [])]
    operator = draw(st.sampled_from([*asked, Operator.PRESENT, *([Operator.AT_LEAST, Operator.LESS_THAN] if ordered else [])]))
    texts = ["true", "false"] if operator is Operator.PRESENT else list(field.values) or LITERALS.get(field.kind, ["one", "prod", "ops", "eu-west-1"])
    texts = ["on Monday in Europe/Berlin", "between 06:00 and 19:30 in UTC"] if operator is Operator.LOCAL_TIME else texts
    comparison = Comparison(field.name, operator, (Literal(draw(st.sampled_from(texts))),))
    return Not(comparison) if draw(st.booleans()) else comparison


def _refuse(place: Location, message: str, hint: str) -> None:
    raise AssertionError(f"{message} {hint}")


@examples(data=st.data(), dataset=st.sampled_from([COPY_JOBS, RESTORE_JOBS]), few=10, many=200)
def test_engine_and_reperform_agree_on_copy_and_restore_jobs(data: st.DataObject, dataset: Dataset) -> None:
    jobs = data.draw(st.lists(records(dataset), min_size=1, max_size=5))
    rules, spelt = [], []
    for number in range(8):
        wanted = data.draw(conditions(dataset))
        requirement: Requirement = data.draw(st.sampled_from([NoneMatch, AllMatch]))(bind(wanted, dataset, _refuse))
        rules.append(Rule(f"r{number}", "p", Statement(requirement, dataset=dataset.name), Qualifiers(), "", Location("p.yaml")))
        spelt.append({"id": f"r{number}", "dataset": dataset.name, "none" if isinstance(requirement, NoneMatch) else "all": structured(wanted)})
    decoded: list[Any] = msgspec.convert(jobs, list[record_type(dataset)])  # type: ignore[misc]  # the struct is made at run time
    read = JobList.of(dataset, decoded)
    found = merge_sources([read]).jobs
    covers = (AS_OF - timedelta(days=40), AS_OF)
    coverage = assert_coverage({dataset.name: found}, AS_OF, covers, {dataset.name: [Source("jobs.json", read)]})
    said = judge([Policy("p", "", "p.yaml", tuple(rules))], {dataset.name: found}, coverage, AS_OF, BACKEND)
    document = {
        "schema": "policycheck/reperform/2",
        "as_of": iso(AS_OF),
        "covers": [iso(edge) for edge in covers],
        "scope": {},
        "sources": [{"dataset": dataset.name, "name": "a.json", "records": jobs}],
        "rules": spelt,
    }
    again = reperform(document)["rules"]
    assert [(r.id, r.verdict.value, r.examined, r.undecided, r.possible) for r in said] == [
        (r["id"], r["verdict"], r["examined"], r["undecided"], r["possible"]) for r in again
    ]
