"""What lint says of verdicts holds of verdicts: a rule that cannot fail never fails, and one that cannot pass never passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS
from policycheck.engine.evaluate import judge
from policycheck.errors import Location
from policycheck.policy.conditions import And, Comparison, Condition, Literal, Operator, bind
from policycheck.policy.lint.finding import Run
from policycheck.policy.lint.runner import lint
from policycheck.policy.measures import Measure
from policycheck.policy.model import AllMatch, Expectation, JobChoice, NoData, NoneMatch, Policy, Qualifiers, Requirement, Rule, Scope, Statement
from policycheck.result import Coverage, Verdict
from tests.backends import BACKEND
from tests.engine.lists import job_list
from tests.evidence.jobs import AS_OF, Job, comparisons, job_lists
from tests.properties import examples

NOW = datetime.fromtimestamp(AS_OF, UTC)
ONE = Literal("1", value=1)
MEASURES = ((Measure.COUNT, Operator.AT_MOST, ONE), (Measure.COUNT, Operator.AT_LEAST, ONE))
CODES = ["PC001", "PC002", "PC003", "PC004", "PC005"]


def bound(wanted: Condition) -> Condition:
    def refuse(*mistake: object) -> None:
        raise AssertionError(mistake)

    return bind(wanted, BACKUP_JOBS, refuse)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """One rule whose parts are about few fields."""
    first = draw(comparisons())
    second = draw(comparisons().filter(lambda one: one.field == first.field) | comparisons())
    populations: list[Condition] = [first, And((first, second)), And()]
    wanted: list[Condition] = [first, second, And((first, second))]
    where, asked = draw(st.sampled_from(populations)), bound(draw(st.sampled_from(wanted)))
    most, least = (Expectation(measure, asked, operator, limit) for measure, operator, limit in MEASURES)
    requirements: list[Requirement] = [NoneMatch(asked), AllMatch(asked), most, least, replace(most, per=("ResourceArn",))]
    requirement = draw(st.sampled_from(requirements))
    within = draw(st.sampled_from([None, Literal("25h", value=25 * 3_600_000_000)]))
    clock = draw(st.sampled_from([None, "CompletionDate", "StartBy"])) if within else None
    qualifiers = Qualifiers(clock, draw(st.sampled_from(JobChoice)), draw(st.sampled_from(NoData)))
    rule = Rule("r", "p", Statement(requirement, bound(where), within), qualifiers, "sentence", Location("p.yaml"))
    return Policy("p", "", "p.yaml", (rule,), draw(st.sampled_from([Scope(), Scope(("111122223333",), ("eu-west-1",))])))


@examples(policies(), job_lists(), few=24, many=300)
def test_a_verdict_is_never_what_lint_says_it_cannot_be(policy: Policy, jobs: list[Job]) -> None:
    codes = {finding.code for finding in lint(Run((policy,), NOW), CODES, {})}
    if not codes:
        return
    places = [("111122223333", "eu-west-1"), ("444455556666", "us-east-1")]
    coverage = [Coverage(BACKUP_JOBS.name, account, region, NOW - timedelta(days=60), NOW, 1) for account, region in places]
    (result,) = judge((policy,), {BACKUP_JOBS.name: job_list(jobs)}, coverage, NOW, BACKEND)
    requirement, no_data = policy.rules[0].statement.requirement, policy.rules[0].qualifiers.no_data
    grouped = isinstance(requirement, Expectation)
    # A measure of what is not there is a value like any other: such a rule may fail.
    never_fails = "PC003" in codes or (codes & {"PC001", "PC005"} and not grouped) or (isinstance(requirement, NoneMatch) and "PC002" in codes)
    if never_fails and no_data is not NoData.FAIL:
        assert result.verdict is not Verdict.FAIL
    if "PC004" in codes and not (grouped and no_data in {NoData.PASS, NoData.SKIP, NoData.QUIET}):
        assert result.verdict is not Verdict.PASS


def test_the_property_is_about_rules_that_lint_does_flag() -> None:
    """A rule of each kind, so that the property above is not an empty one."""
    prod = bound(Comparison("BackupVaultName", Operator.IS, (Literal("prod"),)))
    for requirement, code in ((AllMatch(prod), "PC003"), (NoneMatch(prod), "PC004")):
        rule = Rule("r", "p", Statement(requirement, prod), Qualifiers(), "sentence", Location("p.yaml"))
        found = lint(Run((Policy("p", "", "p.yaml", (rule,)),), NOW), CODES, {})
        assert [finding.code for finding in found] == [code]
