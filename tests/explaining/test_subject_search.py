"""Traces of subjects: on any lists they say what the engine's verdicts say, and each step follows from those below it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from itertools import chain

import msgspec
import pytest
from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS, DATASETS
from policycheck.engine.evaluate import judge
from policycheck.engine.outcomes import COULD, VIOLATES, RuleTrace, Step
from policycheck.engine.schedules.expected_runs import PlanHistory, group_of
from policycheck.engine.schedules.plan_jobs import plan_jobs
from policycheck.errors import Location, UsageError
from policycheck.explaining.subject_search import find_traces, trace_rule
from policycheck.finding import NO_JOBS
from policycheck.job_lists import JobList
from policycheck.policy.conditions import Condition, Literal, Operator
from policycheck.policy.measures import Measure
from policycheck.policy.model import AllMatch, Expectation, JobChoice, NoneMatch, Policy, Qualifiers, Requirement, Rule, Scope, Statement
from policycheck.records import record_type
from policycheck.sources.interface import Evidence
from policycheck.sources.lists import Source, assert_coverage
from policycheck.sources.observations import merge_sources
from tests.backends import BACKEND
from tests.engine.cases import compare, covered, duration
from tests.engine.lists import AS_OF as DAY
from tests.engine.lists import job, job_list
from tests.evidence.agreement import AS_OF_TIME
from tests.evidence.jobs import Estate, estates
from tests.evidence.rules import conditions, following_rules, group_rules
from tests.properties import examples

Truth = bool | None


@st.composite
def job_rules(draw: st.DrawFn) -> Rule:
    """`none` and `all`, with windows, recovery and choices of jobs."""
    condition, where = draw(conditions(BACKUP_JOBS)), draw(conditions(BACKUP_JOBS))
    within = draw(st.sampled_from([None, duration("24h"), duration("9d")]))
    recovery = draw(st.sampled_from([None, None, duration("12h")]))
    requirement: Requirement = NoneMatch(condition, recovery) if draw(st.booleans()) else AllMatch(condition)
    jobs = draw(st.sampled_from(JobChoice))
    return Rule("r", "p", Statement(requirement, where, within), Qualifiers(None, jobs), "", Location("p.yaml"))


RULES = st.one_of(job_rules(), following_rules(), *(group_rules(measure) for measure in Measure))
SCOPES = st.sampled_from([Scope(), Scope(("111122223333",), ("eu-west-1",))])


def evidence_of(estate: Estate) -> Evidence:
    lists, sources = {}, {}
    for name, jobs in estate.items():
        records = msgspec.convert(copy.deepcopy(jobs), list[record_type(DATASETS[name])])  # type: ignore[misc]  # the struct is made at run time
        read = JobList.of(DATASETS[name], records)
        lists[name], sources[name] = merge_sources([read]).jobs, [Source("jobs.json", read)]
    coverage = assert_coverage(lists, AS_OF_TIME, None, sources)
    return Evidence(lists, coverage, ())


def all_of(truths: Sequence[Truth]) -> Truth:
    return False if False in truths else None if None in truths else True


def denied(truth: Truth) -> Truth:
    return None if truth is None else not truth


def follows(step: Step) -> Truth:
    """What a step must be, from those below it."""
    truths = [denied(inner.truth) if inner.asked.startswith("in progress") else inner.truth for inner in step.steps]
    match step.asked:
        case "any of":
            return denied(all_of([denied(truth) for truth in truths]))
        case "not":
            return denied(all_of(truths))
        case _:
            return all_of(truths)


def every(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        yield from every(step.steps)


def followed(step: Step) -> bool:
    """Whether the followers below it were looked up among those that certainly follow, so that there may be more."""
    return step.asked.startswith("followed by")


@examples(estates(), RULES, SCOPES, few=9, many=200)
def test_a_trace_says_what_the_verdict_says_and_each_step_follows_from_those_below(estate: Estate, rule: Rule, scope: Scope) -> None:
    policy, evidence = Policy("p", "", "p.yaml", (rule,), scope), evidence_of(estate)
    (result,) = judge([policy], evidence.lists, evidence.coverage, AS_OF_TIME, BACKEND)
    trace = trace_rule(policy, rule, evidence, AS_OF_TIME, BACKEND)
    if trace is None:
        assert not rule.statement.lists_needed <= evidence.lists.keys() or getattr(rule.statement.requirement, "inventory", None)
        return
    violating = {subject.subject for subject in trace.subjects() if subject.outcome == VIOLATES}
    found = {finding.subject for finding in result.findings if finding.subject != NO_JOBS}
    if isinstance(rule.statement.requirement, Expectation):
        # A silent plan speaks for its resources, and what has nothing to measure is no finding where the evidence is short.
        assert bool(found) <= bool(violating)
        assert result.verdict == "fail" or all(any(line.startswith("nothing") for line in measured) for measured in violating_measures(trace))
    else:
        assert violating == found
    for subject in trace.subjects():
        for made in trace.trace(subject, subject.jobs).jobs:
            for step in every(made.steps):
                assert not step.steps or followed(step) or step.truth is follows(step), step
            check_job(rule, made.steps)


def violating_measures(trace: RuleTrace) -> list[tuple[str, ...]]:
    return [trace.trace(subject, ()).measured for subject in trace.subjects() if subject.outcome == VIOLATES]


def check_job(rule: Rule, steps: Sequence[Step]) -> None:
    """What violates follows from the steps beside it."""
    said = {step.asked.split(" within ")[0]: step.truth for step in steps}
    requirement = rule.statement.requirement
    if isinstance(requirement, NoneMatch):
        recovered = [denied(said["recovered"])] if "recovered" in said else []
        assert said["violates"] is all_of([said["in the population"], said["matches what no job may match"], *recovered])
    elif isinstance(requirement, AllMatch):
        assert said["violates"] is all_of([said["in the population"], denied(said["matches what every job must match"])])


@examples(estates(), few=9, many=200)
def test_the_runs_that_no_job_answers_are_those_that_are_missed(estate: Estate) -> None:
    jobs = evidence_of(estate).lists.get(BACKUP_JOBS.name)
    as_of = round(AS_OF_TIME.timestamp()) * 1_000_000
    known = [row for row, record in enumerate(jobs.records if jobs is not None else ()) if record.CreationDate is None or record.CreationDate <= as_of]
    made = plan_jobs(jobs, known) if jobs is not None else []
    history, start = PlanHistory(made, as_of), as_of - 9 * 86_400_000_000
    for one in made:
        group = group_of(one)
        if group is None:
            continue
        judged, runs = history.judge(group, start), list(history.runs(group, start))
        # Of some nobody can say: a job that does not tell its resource or its time may have answered, or whether they were promised.
        unanswered = [expected.run for expected in runs if expected.due and not expected.answers]
        assert sorted(unanswered, key=str) == sorted((*judged.missed, *judged.doubtful, *judged.changed, *judged.ended), key=str)


def test_runs_that_were_not_evaluated_say_why() -> None:
    first, moved, ended = ("v1", 3), ("v2", 15), ("v3", 15)
    # Seven nights, the oldest first: the plan's run moved to 15:00, a night was lost around the move, and the last jobs are another resource's.
    nights = [("i-1", first), ("i-1", first), None, ("i-1", moved), ("i-1", moved), ("i-2", ended), ("i-2", ended)]
    listed = []
    for day, night in enumerate(nights, start=12):
        if night is not None:
            name, (version, hour) = night
            made = {"BackupPlanId": "p", "BackupRuleId": "r", "BackupRuleCron": f"cron(0 {hour} * * ? *)", "BackupPlanVersion": version}
            arn = f"arn:aws:ec2:eu-west-1:111122223333:instance/{name}"
            listed.append(job(BackupJobId=f"j{day}", ResourceArn=arn, CreationDate=f"2026-11-{day}T{hour:02}:00:00Z", CreatedBy=made))
    expected = Expectation(Measure.MISSED_RUNS, operator=Operator.AT_MOST, limit=Literal("0", value=0))
    rule = Rule("r", "p", Statement(expected, within=duration("9d")), Qualifiers(), "", Location("p.yaml"))
    lists = {"backup_jobs": job_list(listed)}
    made_trace = trace_rule(Policy("p", "", "p.yaml", (rule,)), rule, Evidence(lists, (covered(),), ()), DAY, BACKEND)
    assert made_trace is not None
    (shown,) = find_traces(made_trace, "i-1", None, 5)
    told = [line.partition(" (")[0] for line in shown.listed]
    around, after = "not evaluated: the schedule changed around it", "not evaluated: the plan has a newer version"
    assert shown.subject.outcome == COULD
    assert told == [
        "2026-11-13T03:00:00Z: answered by j13",
        *(f"2026-11-{time}:00:00Z: {around}" for time in ("13T15", "14T03", "14T15", "15T03")),
        "2026-11-16T15:00:00Z: answered by j16",
        *(f"2026-11-{day}T15:00:00Z: {after}" for day in (17, 18, 19)),
    ]


# Who is meant


@pytest.fixture
def trace() -> RuleTrace:
    arns = [f"arn:aws:ec2:eu-west-1:111122223333:instance/{name}" for name in ("i-1", "x-i-1", "i-2")]
    jobs = [job(BackupJobId=f"j{number}", ResourceArn=arn) for number, arn in enumerate(chain(arns, arns))]
    listed = job_list(jobs)
    rule = Rule("r", "p", Statement(NoneMatch(conditions_of("FAILED"))), Qualifiers(), "", Location("p.yaml"))
    made = trace_rule(Policy("p", "", "p.yaml", (rule,)), rule, Evidence({"backup_jobs": listed}, (), ()), DAY, BACKEND)
    assert made is not None
    return made


def conditions_of(state: str) -> Condition:
    return compare("State", state)


@pytest.mark.parametrize(("text", "names"), [("i-1", ["i-1"]), ("instance/i-2", ["i-2"]), ("-1", ["i-1", "x-i-1"]), ("2", ["i-2"])])
def test_a_subject_is_meant_by_the_end_of_its_name_whole_words_first(text: str, names: list[str], trace: RuleTrace) -> None:
    assert [made.subject.subject.rpartition("/")[2] for made in find_traces(trace, text, None, 5)] == names


def test_a_job_is_shown_alone(trace: RuleTrace) -> None:
    (made,) = find_traces(trace, None, "j4", 5)
    assert [shown.id for shown in made.jobs] == ["j4"]


def test_the_newest_jobs_are_shown(trace: RuleTrace) -> None:
    (made,) = find_traces(trace, "i-2", None, 1)
    assert [shown.id for shown in made.jobs] == ["j5"]


@pytest.mark.parametrize(("text", "name"), [("i-3", None), (None, "j9"), ("i-1", "j1")])
def test_who_is_not_there_is_a_mistake(text: str | None, name: str | None, trace: RuleTrace) -> None:
    with pytest.raises(UsageError):
        find_traces(trace, text, name, 5)


def test_too_many_of_one_name_are_a_mistake() -> None:
    jobs = job_list([job(BackupJobId=f"j{number}", ResourceArn=f"arn:aws:ec2:eu-west-1:111122223333:instance/{number}-x") for number in range(11)])
    rule = Rule("r", "p", Statement(NoneMatch(conditions_of("FAILED"))), Qualifiers(), "", Location("p.yaml"))
    made = trace_rule(Policy("p", "", "p.yaml", (rule,)), rule, Evidence({"backup_jobs": jobs}, (), ()), DAY, BACKEND)
    assert made is not None
    with pytest.raises(UsageError, match="11 subjects"):
        find_traces(made, "-x", None, 5)
