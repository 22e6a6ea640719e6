"""The engine and `reperform.py` were written apart, from one page. Here they judge the same generated lists, and must say the same."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS
from policycheck.errors import Location
from policycheck.evidence.reperform import reperform
from policycheck.policy.conditions import Literal, bind
from policycheck.policy.literals import parse_duration
from policycheck.policy.model import AllMatch, JobChoice, NoData, NoneMatch, Qualifiers, Requirement, Rule, Scope, Statement
from tests.evidence.agreement import AS_OF_TIME, Claim, document, judge_by_engine, reperformed, said
from tests.evidence.jobs import Job, conditions, job_lists, optional_conditions
from tests.evidence.rules import waiver_lists


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


claims = st.sampled_from([None, (AS_OF_TIME - timedelta(days=40), AS_OF_TIME), (AS_OF_TIME - timedelta(hours=3), AS_OF_TIME + timedelta(hours=3))])


# Without shrinking and explaining: a difference is read off the document below, and shrinking these took minutes.
FAST = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.explicit, Phase.reuse, Phase.generate])


@settings(FAST, max_examples=60)
@given(jobs=job_lists(), chosen=st.tuples(rules(0), rules(1), rules(2), rules(3)), scope=scopes() | st.just(Scope()), covers=claims, data=st.data())
def test_engine_and_reperform_say_the_same(jobs: list[Job], chosen: tuple[Rule, ...], scope: Scope, covers: Claim, data: st.DataObject) -> None:
    waivers = data.draw(waiver_lists(chosen))
    found = [said(result) for result in judge_by_engine({"backup_jobs": jobs}, chosen, scope, covers, waivers=waivers)]
    assert found == reperformed(reperform(document({"backup_jobs": jobs}, chosen, scope, covers, waivers=waivers)))


@settings(FAST, max_examples=40)
@given(jobs=job_lists(), chosen=rules(), covers=claims, data=st.data())
def test_order_does_not_matter(jobs: list[Job], chosen: Rule, covers: Claim, data: st.DataObject) -> None:
    first, second = ({"backup_jobs": jobs}, {"backup_jobs": data.draw(st.permutations(jobs))})
    assert [said(r) for r in judge_by_engine(first, [chosen], Scope(), covers)] == [said(r) for r in judge_by_engine(second, [chosen], Scope(), covers)]
