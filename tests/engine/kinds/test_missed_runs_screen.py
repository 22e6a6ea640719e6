"""Groups that the screen says missed nothing, the history of their jobs says missed nothing: with and without it, everything that a rule says is the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import narwhals as nw
import pytest
from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS
from policycheck.engine.evaluate import judge
from policycheck.engine.frame import ROW, build_frame
from policycheck.engine.kinds import missed_runs
from policycheck.engine.schedules.expected_runs import PlanHistory
from policycheck.engine.schedules.plan_jobs import MEMBERS, plan_jobs
from policycheck.engine.schedules.screen import COLUMNS, PlanScreen
from policycheck.errors import Location
from policycheck.policy.conditions import Literal, Operator
from policycheck.policy.measures import Measure
from policycheck.policy.model import EVERY_JOB, Expectation, JobChoice, Policy, Qualifiers, Rule, Statement
from policycheck.records import micros
from policycheck.result import RuleResult, Verdict
from tests.backends import BACKEND
from tests.engine.cases import compare, covered, duration
from tests.engine.lists import AS_OF, Job, ago, job, job_list
from tests.properties import examples

MIDNIGHT = AS_OF.replace(hour=0)
NIGHTS = 9
DAY = 86_400_000_000
ARN = "arn:aws:ec2:eu-west-1:111122223333:instance/i-{}"
EC2 = compare("ResourceType", "EC2")


def rule(number: int, most: int, within: str, **changes: Any) -> Rule:
    expected = Expectation(Measure.MISSED_RUNS, operator=Operator.AT_MOST, limit=Literal(str(most), value=most))
    statement = Statement(expected, changes.pop("where", EVERY_JOB), duration(within))
    return Rule(f"r{number}", "p", statement, Qualifiers(**changes), "", Location("p.yaml"))


RULES = [rule(0, 0, "3d"), rule(1, 1, "8d", where=EC2), rule(2, 0, "8d", jobs=JobChoice.TOP_LEVEL), rule(3, 0, "20h")]


def made(plan: str, name: str, created: Any, resource: str, **said: Any) -> dict[str, Any]:
    """A job of a rule of a plan."""
    told = {"BackupPlanId": plan, "BackupPlanVersion": "v1", "BackupRuleId": f"{plan}-{name}", "BackupRuleName": name, **said}
    times = {"CreationDate": created.isoformat(), "InitiationDate": None, "CompletionDate": created.isoformat()}
    times["StartBy"] = (created + timedelta(hours=told.pop("start_within", 8))).isoformat()
    kept = {member: value for member, value in told.items() if value is not None}
    return job(BackupJobId=f"{plan}-{name}-{created.isoformat()}-{resource}", ResourceArn=ARN.format(resource), CreatedBy=kept, **times)


@st.composite
def plans(draw: st.DrawFn, plan: str) -> list[dict[str, Any]]:
    """The jobs of one plan: a nightly rule of which the plan's edits change the version, the hour or the id; and perhaps a second rule beside it."""
    edited = sorted(draw(st.sets(st.integers(1, NIGHTS - 1), max_size=2)))
    editions: list[tuple[int, int, str | None, str, int]] = [(0, 3, "v1", f"{plan}-r1", 8)]
    for night in edited:
        hour, rule_id = draw(st.sampled_from([3, 3, 3, 5, 20])), draw(st.sampled_from([f"{plan}-r1", f"{plan}-r1", f"{plan}-r2"]))
        editions.append((night, hour, draw(st.sampled_from([f"v{night}", f"v{night}", "v1", None])), rule_id, draw(st.sampled_from([8, 8, 12]))))
    zone = draw(st.sampled_from(["Etc/UTC", "Etc/UTC", "Europe/Berlin", None, "Mars/Base"]))
    second, late = draw(st.sampled_from([None, None, 2, 3])), draw(st.sampled_from([[0], [0], [0, 0, 0, 6, 9]]))
    jobs = []
    for resource in draw(st.sampled_from(["1", "12", "12", "123"])):
        lost = draw(st.sampled_from([set(), set(), set(), {NIGHTS}, {0, 4}, {5}, set(range(6, 20))]))
        for night in range(NIGHTS + 1):
            _, hour, version, rule_id, longest = max(edition for edition in editions if edition[0] <= night)
            at = MIDNIGHT - timedelta(days=NIGHTS - night) + timedelta(hours=hour, seconds=draw(st.sampled_from([7, 7, -30])))
            hours = draw(st.sampled_from(late))
            at += timedelta(hours=hours)
            said = {"BackupPlanVersion": version, "BackupRuleId": rule_id, "BackupRuleTimezone": zone, "start_within": longest - hours}
            if night in lost or at > AS_OF:
                continue
            if second and night % second == 0:
                jobs.append(made(plan, "second", at, resource, **{**said, "BackupRuleId": f"{plan}-s", "BackupRuleCron": f"cron(0 {hour} */{second} * ? *)"}))
            else:
                jobs.append(made(plan, "nightly", at, resource, **said, BackupRuleCron=f"cron(0 {hour} ? * * *)"))
    return jobs


GONE = ("ResourceArn", "CreationDate", "AccountId", "ResourceType", "StartBy", "CreatedBy", "BackupJobId")
GONE_OF_PLAN = ("BackupPlanId", "BackupRuleId", "BackupRuleName", "BackupRuleCron", "BackupPlanVersion", "BackupRuleTimezone")


@st.composite
def estates(draw: st.DrawFn) -> list[Job]:
    jobs = draw(plans("p")) + (draw(plans("q")) if draw(st.booleans()) else [])
    on_demand = [job(BackupJobId=f"d{number}", CreationDate=ago(hours=number + 2), CreatedBy=None) for number in range(draw(st.integers(0, 2)))]
    if jobs and draw(st.sampled_from([True, False])):
        # Another job of the rule at one moment, or a little later, by another version of the plan.
        twin = draw(st.sampled_from(jobs))
        cron = draw(st.sampled_from(["cron(0 3 ? * * *)", "cron(0 5 ? * * *)"]))
        times = {} if draw(st.sampled_from([True, False])) else {name: _later(twin[name]) for name in ("CreationDate", "CompletionDate", "StartBy")}
        made_by = {**twin["CreatedBy"], "BackupPlanVersion": "v9", "BackupRuleCron": cron}
        jobs.append({**twin, "BackupJobId": "twin", **times, "CreatedBy": made_by})
    for number in draw(st.sets(st.integers(0, max(len(jobs) - 1, 0)), max_size=2)) if jobs else ():
        one, member = jobs[number], draw(st.sampled_from([*GONE, *GONE_OF_PLAN]))
        if member in GONE_OF_PLAN and "CreatedBy" in one:
            jobs[number] = {**one, "CreatedBy": {name: value for name, value in one["CreatedBy"].items() if name != member}}
        elif member == "AccountId":
            jobs[number] = {**one, "AccountId": None, "BackupVaultArn": None, "ResourceArn": "arn:aws:s3:::bucket"}
        else:
            jobs[number] = {name: value for name, value in one.items() if name != member}
    return [*jobs, *on_demand]


def _later(time: str) -> str:
    return (datetime.fromisoformat(time) + timedelta(minutes=40)).isoformat()


def results(jobs: Sequence[Job], **coverage: Any) -> tuple[RuleResult, ...]:
    read = [covered(**{"jobs": len(jobs), **coverage})]
    return judge([Policy("p", "", "p.yaml", tuple(RULES))], {"backup_jobs": job_list(jobs)}, read, AS_OF, BACKEND, answers=True)


@examples(estates(), st.sampled_from([{}, {"start": AS_OF - timedelta(days=4)}]), few=7, many=500)
def test_a_screen_changes_nothing_that_a_rule_says(monkeypatch: pytest.MonkeyPatch, jobs: list[Job], coverage: Mapping[str, Any]) -> None:
    read = results(jobs, **coverage)
    with monkeypatch.context() as patch:
        patch.setattr(missed_runs, "SHORT", 0)
        assert results(jobs, **coverage) == read


@examples(estates(), st.sampled_from([1, 3, 8]), few=7, many=500)
def test_what_the_screen_says_of_a_group_all_its_jobs_say(jobs: list[Job], days: int) -> None:
    listed, as_of = job_list(jobs), micros(AS_OF)
    frame = build_frame(listed, MEMBERS, as_of, BACKEND)
    masks = BACKEND.persist(frame.columns.select(*map(nw.col, COLUMNS), nw.lit(True).alias("chosen")))
    screen, start = PlanScreen(masks, frame, ["chosen"], BACKEND), as_of - days * DAY
    history = PlanHistory(plan_jobs(listed, [row for (row,) in BACKEND.rows(masks.select(nw.col(ROW)))]), as_of)
    for group, held in screen.groups.items():
        if (said := screen.judge(held, start)) is not None:
            told = history.judge(group, start)
            assert told == said._replace(due=told.due) and (told.due > 0) == (said.due > 0)


def test_jobs_of_plans_that_missed_nothing_are_not_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the properties above are about something: also where the plan got a new version, and where the other of two rules ran instead."""
    jobs: list[Job] = []
    for resource in ("1", "2"):
        for night in range(NIGHTS + 1):
            at = MIDNIGHT - timedelta(days=NIGHTS - night) + timedelta(hours=3, seconds=7)
            said: dict[str, Any] = {"BackupPlanVersion": "v1" if night < 5 else "v2", "BackupRuleTimezone": "Etc/UTC"}
            name, cron = ("weekly", f"cron(0 3 ? * {at:%a} *)") if night in {1, 8} else ("nightly", "cron(0 3 ? * * *)")
            jobs.append(made("p", name, at, resource, **said, BackupRuleCron=cron))
    monkeypatch.setattr(missed_runs, "SHORT", 0)
    monkeypatch.setattr(PlanHistory, "judge", None)
    monkeypatch.setattr(missed_runs, "plan_jobs", lambda _, rows, *__: list(rows) and pytest.fail("jobs were read"))
    found = judge([Policy("p", "", "p.yaml", tuple(RULES[:2]))], {BACKUP_JOBS.name: job_list(jobs)}, [covered()], AS_OF, BACKEND)
    assert [(result.verdict, result.subjects) for result in found] == [(Verdict.PASS, 2)] * 2


def test_a_name_that_only_an_older_job_of_a_plan_records_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"BackupRuleTimezone": "Etc/UTC", "BackupRuleCron": "cron(0 3 ? * * *)"}
    nights = [(resource, MIDNIGHT - timedelta(days=night) + timedelta(hours=3, seconds=7)) for resource in "12" for night in range(NIGHTS)]
    jobs = [made("p", "nightly", at, resource, **said) for resource, at in nights if (resource, at.day) != ("1", 18)]
    jobs[-3]["CreatedBy"]["BackupPlanName"] = "gold"
    read = results(jobs)
    assert read[0].findings[0].details == ("2026-11-18T03:00:00Z: rule nightly of plan gold, cron(0 3 ? * * *) in Etc/UTC",)
    monkeypatch.setattr(missed_runs, "SHORT", 0)
    assert results(jobs) == read


def test_a_version_that_only_other_resources_ran_by_still_leaves_a_run_open(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"BackupRuleTimezone": "Etc/UTC", "BackupRuleCron": "cron(0 3 ? * * *)"}
    # Of the first resource two nights are missing between its versions; the second ran by another then, and by that one again last night.
    ran = [("1", night, "v1" if night < 3 else "v3") for night in range(NIGHTS + 1) if night not in {3, 4}]
    ran += [("2", night, "v2" if night in {3, NIGHTS} else "v1") for night in range(NIGHTS + 1)]
    jobs = [
        made("p", "nightly", MIDNIGHT - timedelta(days=NIGHTS - night) + timedelta(hours=3, seconds=7), resource, BackupPlanVersion=version, **said)
        for resource, night, version in ran
    ]
    read = results(jobs)
    assert any("2 runs from" in note and "changed" in note for note in read[2].notes)
    monkeypatch.setattr(missed_runs, "SHORT", 0)
    assert results(jobs) == read


def test_a_run_after_the_first_job_of_a_new_schedule_is_not_answered_by_the_last_of_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the two it would be: the new one's first run comes later here, and nobody answers it."""
    old, new = ({"BackupRuleTimezone": "Etc/UTC", "BackupRuleCron": f"cron(0 {hour} ? * * *)", "BackupPlanVersion": f"v{hour}"} for hour in (3, 5))
    nights = [(MIDNIGHT - timedelta(days=night) + timedelta(hours=3, seconds=7), old) for night in (5, 4, 3)]
    nights.append((MIDNIGHT - timedelta(days=3) + timedelta(hours=3, minutes=40), new))
    nights += [(MIDNIGHT - timedelta(days=night) + timedelta(hours=5, seconds=7), new) for night in (2, 1, 0)]
    jobs = [made("p", "nightly", at, "1", **said) for at, said in nights]
    read = results(jobs)
    assert [finding.details[0][:20] for finding in read[2].findings] == ["2026-11-17T05:00:00Z"]
    monkeypatch.setattr(missed_runs, "SHORT", 0)
    assert results(jobs) == read


def test_a_list_without_a_scheduled_job_is_screened_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missed_runs, "SHORT", 0)
    on_demand: list[Job] = [job(CreatedBy=None), job(BackupJobId="j2", CreatedBy={"BackupPlanArn": "arn:aws:backup:eu-west-1:111122223333:backup-plan:p"})]
    assert results(on_demand[:1])[0].reason == "nothing to evaluate: none of 1 backup job is a scheduled job that matches"
    assert results(on_demand)[0].reason.startswith("1 job (account 111122223333) might be scheduled, but CreatedBy.BackupPlanId is unknown")
