"""The engine and `reperform.py` were written apart, from one page. Here they judge the same generated lists, and must say the same."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS
from policycheck.engine.backends.polars import PolarsBackend
from policycheck.engine.evaluate import judge
from policycheck.errors import Location
from policycheck.evidence.reperform import reperform
from policycheck.policy.conditions import Literal, bind, structured
from policycheck.policy.literals import parse_duration
from policycheck.policy.model import AllMatch, JobChoice, NoData, NoneMatch, Policy, Qualifiers, Requirement, Rule, Scope, Statement
from policycheck.records import EPOCH, JobList, iso, record_type
from policycheck.result import RuleResult
from policycheck.sources.lists import assert_coverage, deduplicate
from tests.evidence.jobs import AS_OF, Job, conditions, job_lists, optional_conditions

AS_OF_TIME = EPOCH + timedelta(seconds=AS_OF)
BACKEND = PolarsBackend()


def _refuse(place: Location, message: str, hint: str) -> None:
    raise AssertionError(f"{message} {hint}")


@st.composite
def rules(draw: st.DrawFn, number: int = 0) -> Rule:
    condition, where = bind(draw(conditions()), BACKUP_JOBS, _refuse), bind(draw(optional_conditions()), BACKUP_JOBS, _refuse)
    recovery = draw(st.sampled_from([None, None, "1h", "24h", "2d"]))
    kinds: list[Requirement] = [NoneMatch(condition, _duration(recovery)), NoneMatch(condition), AllMatch(condition)]
    requirement = draw(st.sampled_from(kinds))
    within = _duration(draw(st.sampled_from([None, "24h", "1h", "2d"])))
    recovers = isinstance(requirement, NoneMatch) and requirement.recovery is not None
    clock = draw(st.sampled_from([None, None, "CreationDate", "CompletionDate", "StartBy"])) if within and not recovers else None
    qualifiers = Qualifiers(clock, draw(st.sampled_from(JobChoice)), draw(st.sampled_from(NoData)))
    return Rule(f"r{number}", "p", Statement(requirement, where, within), qualifiers, "", Location("p.yaml"))


def _duration(text: str | None) -> Literal | None:
    return None if text is None else Literal(text, value=parse_duration(text))


def scopes() -> st.SearchStrategy[Scope]:
    accounts = st.sampled_from([(), ("111122223333",), ("111122223333", "444455556666")])
    regions = st.sampled_from([(), ("eu-west-1",), ("eu-west-1", "us-east-1")])
    excused = st.sampled_from([(), ("444455556666",), ("444455556666/us-east-1", "111122223333/us-east-1"), ("111122223333",)])
    return st.builds(Scope, accounts, regions, excused)


def _document(jobs: list[Job], chosen: list[Rule], scope: Scope, covers: tuple[datetime, datetime] | None) -> dict[str, Any]:
    """What `reperform.py` reads."""

    def spell(rule: Rule) -> dict[str, Any]:
        statement, qualifiers = rule.statement, rule.qualifiers
        kind = "none" if isinstance(statement.requirement, NoneMatch) else "all"
        recovery = statement.requirement.recovery if isinstance(statement.requirement, NoneMatch) else None
        keys = {
            "id": rule.id,
            "dataset": statement.dataset,
            "where": structured(statement.where),
            kind: structured(statement.requirement.condition),
            "within": statement.within and statement.within.text,
            "clock": qualifiers.clock,
            "unless_recovered_within": recovery and recovery.text,
            "jobs": qualifiers.jobs.value,
            "no_data": qualifiers.no_data.value,
        }
        return {key: value for key, value in keys.items() if value is not None}

    return {
        "schema": "policycheck/reperform/1",
        "as_of": iso(AS_OF_TIME),
        "covers": covers and [iso(edge) for edge in covers],
        "scope": {"accounts": list(scope.accounts), "regions": list(scope.regions), "may_be_empty": list(scope.may_be_empty)},
        "lists": {"backup_jobs": jobs},
        "rules": [spell(rule) for rule in chosen],
    }


def _judge(jobs: list[Job], chosen: list[Rule], scope: Scope, covers: tuple[datetime, datetime] | None) -> tuple[RuleResult, ...]:
    records = msgspec.convert(copy.deepcopy(jobs), list[record_type(BACKUP_JOBS)])  # type: ignore[misc]  # the struct is made at run time
    job_list, _ = deduplicate(JobList.of(BACKUP_JOBS, records))
    lists = {BACKUP_JOBS.name: job_list}
    coverage = assert_coverage(lists, AS_OF_TIME, covers, {BACKUP_JOBS.name: [("jobs.json", job_list)]})
    return judge([Policy("p", "", "p.yaml", tuple(chosen), scope)], lists, coverage, AS_OF_TIME, BACKEND)


def _said(result: RuleResult) -> dict[str, Any]:
    findings = [{"account": f.account, "region": f.region, "subject": f.subject, "jobs": list(f.jobs)} for f in result.findings]
    return {
        "id": result.id,
        "verdict": result.verdict.value,
        "examined": result.examined,
        "undecided": result.undecided,
        "possible": result.possible,
        "pending": result.pending,
        "findings": sorted(findings, key=str),
    }


def _reperformed(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(rule, findings=sorted(rule["findings"], key=str)) for rule in answer["rules"]]


claims = st.sampled_from([None, (AS_OF_TIME - timedelta(days=40), AS_OF_TIME), (AS_OF_TIME - timedelta(hours=3), AS_OF_TIME + timedelta(hours=3))])


# Without shrinking and explaining: a difference is read off the document below, and shrinking these took minutes.
FAST = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.explicit, Phase.reuse, Phase.generate])


@settings(FAST, max_examples=120)
@given(jobs=job_lists(), chosen=st.tuples(rules(0), rules(1), rules(2), rules(3)), scope=scopes() | st.just(Scope()), covers=claims)
def test_engine_and_reperform_say_the_same(jobs: list[Job], chosen: tuple[Rule, ...], scope: Scope, covers: tuple[datetime, datetime] | None) -> None:
    said = [_said(result) for result in _judge(jobs, list(chosen), scope, covers)]
    assert said == _reperformed(reperform(_document(jobs, list(chosen), scope, covers)))


@settings(FAST, max_examples=40)
@given(jobs=job_lists(), chosen=rules(), covers=claims, data=st.data())
def test_order_does_not_matter(jobs: list[Job], chosen: Rule, covers: tuple[datetime, datetime] | None, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(jobs))
    assert [_said(r) for r in _judge(jobs, [chosen], Scope(), covers)] == [_said(r) for r in _judge(shuffled, [chosen], Scope(), covers)]
