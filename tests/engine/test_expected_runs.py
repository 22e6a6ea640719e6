"""Which runs were promised, due and answered, against a reading of the page that asks every run of every job."""

from __future__ import annotations

import time
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from policycheck.engine.expected_runs import START_WINDOW, TOLERANCE, Group, GroupRuns, PlanHistory, PlanJob, RuleSchedule, Run
from policycheck.engine.schedule import expected_runs, parse_schedule

SECOND = 1_000_000
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
DAY = 24 * HOUR
AS_OF = 20_000 * DAY + 6 * HOUR  # 2024-10-04T06:00:00Z
HERE = ("111122223333", "eu-west-1")
DAILY = "cron(0 5 ? * * *)"
GROUP = Group(HERE, "a", "plan", "daily")


def made(created: int | None, *, cron: str | None = DAILY, version: str | None = "1", start_by: int | None = None, **changes: object) -> PlanJob:
    """A job of the rule `daily` for the resource `a`."""
    schedule = RuleSchedule(cron, "UTC", version)
    return PlanJob(0, "", HERE, "a", "plan", "daily", schedule, created, start_by)._replace(**changes)  # type: ignore[arg-type]  # the test's own


def runs(jobs: list[PlanJob], within: int = 7 * DAY, group: Group = GROUP) -> GroupRuns:
    return PlanHistory(jobs, AS_OF).judge(group, AS_OF - within)


def at(days: int, hour: float = 5) -> int:
    """So many days before as_of's, at this hour."""
    return AS_OF - 6 * HOUR - days * DAY + int(hour * HOUR)


def missed(result: GroupRuns) -> list[int]:
    return [run.moment for run in result.missed]


def test_every_run_of_a_rule_with_its_job_is_answered() -> None:
    result = runs([made(at(days) + 9 * SECOND) for days in range(9)])
    # Today's is not due yet: a job has until 13:00 to start.
    assert (result.due, result.missed) == (6, ())


def test_a_run_without_a_job_is_missed() -> None:
    result = runs([made(at(days)) for days in range(9) if days not in {2, 5}])
    assert missed(result) == [at(5), at(2)]


def test_runs_count_from_the_first_job() -> None:
    result = runs([made(at(3))])
    assert (result.due, missed(result)) == (2, [at(2), at(1)])


def test_a_job_answers_the_run_up_to_a_minute_before_it() -> None:
    early = [made(at(4)), made(at(3) - MINUTE), made(at(2) - MINUTE - 1), made(at(1))]
    # The one that came too early is late for the run before: it answers nothing.
    assert missed(runs(early)) == [at(2)]


def test_a_job_at_the_end_of_the_start_window_answers_and_one_after_it_does_not() -> None:
    assert missed(runs([made(at(4)), made(at(3) + START_WINDOW), made(at(2) + START_WINDOW + 1), made(at(1))])) == [at(2)]


def test_the_longest_start_window_of_any_resource_holds() -> None:
    short, long = made(at(4), start_by=at(4) + 2 * HOUR), made(at(4), start_by=at(4) + 10 * HOUR, resource="b")
    late = [made(at(3) + 9 * HOUR), made(at(2)), made(at(1))]
    assert missed(runs([short, *late])) == [at(3)]
    assert missed(runs([short, long, *late])) == []


def test_a_run_whose_start_window_ends_now_is_due() -> None:
    window = AS_OF - at(0)
    assert runs([made(at(2), start_by=at(2) + window), made(at(1))]).due == 2
    assert runs([made(at(2), start_by=at(2) + window + 1), made(at(1))]).due == 1


def test_a_run_at_the_edge_of_the_window_is_looked_at() -> None:
    jobs = [made(at(9)), made(at(1))]
    assert missed(runs(jobs, within=AS_OF - at(3))) == [at(3), at(2)]
    assert missed(runs(jobs, within=AS_OF - at(3) - 1)) == [at(2)]


def test_what_lies_between_two_versions_of_a_plan_is_not_judged() -> None:
    result = runs([made(at(6)), made(at(5)), made(at(2), version="2"), made(at(1), version="2")])
    assert (result.due, result.missed) == (2, ())
    assert result.gaps == ((at(5), at(2)),)


def test_a_change_in_which_no_run_falls_is_no_gap() -> None:
    result = runs([made(at(2)), made(at(2) + HOUR, version="2"), made(at(1), version="2")])
    assert (missed(result), result.gaps) == ([], ())


def test_what_lies_between_before_the_window_is_no_gap() -> None:
    jobs = [made(at(9)), made(at(7), version="2"), *(made(at(days), version="2") for days in (2, 1))]
    assert runs(jobs, within=3 * DAY).gaps == ()


def test_a_schedule_that_cannot_be_read_leaves_the_rest_judged() -> None:
    result = runs([made(at(6), cron="rate(1 day)"), made(at(4)), made(at(2)), made(at(1))])
    assert missed(result) == [at(3)]
    assert len(result.problems) == 1 and "rate" in result.problems[0]


def test_a_schedule_that_nobody_recorded_is_a_problem() -> None:
    result = runs([made(at(2), cron=None)])
    assert (result.due, result.problems) == (0, ("no BackupRuleCron is recorded",))


def test_a_yearly_run_long_before_the_first_job_is_found() -> None:
    yearly = "cron(0 5 1 1 ? *)"
    # 277 days after the run: it answers none, and the window is the longest that a StartBy of the rule shows.
    run = expected_runs(parse_schedule(yearly), None, AS_OF - 300 * DAY, AS_OF)[0]
    history = PlanHistory([made(at(2), cron=yearly, start_by=at(2) + HOUR)], AS_OF)
    assert history._start_window(GROUP, RuleSchedule(yearly, "UTC", "1")) == at(2) + HOUR - run


def test_one_job_of_a_long_start_window_does_not_excuse_the_runs_that_the_next_one_followed() -> None:
    assert missed(runs([made(at(4), start_by=at(4) + 60 * DAY)])) == [at(3), at(2), at(1)]


def test_a_schedule_that_has_not_begun_expects_nothing() -> None:
    assert runs([made(at(2), cron="cron(0 5 ? * * 2030)")]) == GroupRuns(0, (), (), (), ())


@cache
def calendar(schedule: RuleSchedule) -> list[int]:
    return expected_runs(parse_schedule(schedule.cron or ""), schedule.timezone, AS_OF - 60 * DAY, AS_OF + TOLERANCE)


def _read_plainly(jobs: list[PlanJob], group: Group, start: int) -> tuple[int, list[Run], list[Run], set[tuple[int, int]]]:
    """The page, step by step, asking everything of everybody."""

    def latest(schedule: RuleSchedule, job: PlanJob) -> int | None:
        return max((run for run in calendar(schedule) if job.created is not None and run <= job.created + TOLERANCE), default=None)

    def belongs(job: PlanJob) -> bool:
        return (job.place, job.resource, job.plan, job.rule) == group

    own = sorted((job for job in jobs if belongs(job) and job.created is not None), key=lambda job: (job.created or 0, job.id))
    segments: list[list[PlanJob]] = []
    for job in own:
        if segments and segments[-1][-1].schedule == job.schedule:
            segments[-1].append(job)
        else:
            segments.append([job])
    due, gaps = 0, set()
    lost: list[Run] = []
    doubtful: list[Run] = []
    for number, segment in enumerate(segments):
        schedule = segment[0].schedule
        end = AS_OF if segment is segments[-1] else segment[-1].created or 0
        alike = [j for j in jobs if (j.place, j.plan, j.rule, j.schedule) == (group.place, group.plan, group.rule, schedule)]
        windows = [j.start_by - run for j in alike if j.start_by is not None and (run := latest(schedule, j)) is not None and j.start_by > run]
        window = max(windows, default=8 * HOUR)
        answering = [job for job in jobs if (job.place, job.resource, job.plan) == (group.place, group.resource, group.plan)]
        near = [j for j in jobs if j.plan == group.plan and j.place[0] in (None, group.place[0]) and j.place[1] in (None, group.place[1])]
        vague = [j for j in near if j.resource is None or None in j.place or (j.created is None and j.resource == group.resource)]
        for run in calendar(schedule):
            if (
                (segment[0].created or 0) + TOLERANCE < run <= end
                and run >= start
                and (run + window <= AS_OF or run < max(one for one in calendar(schedule) if one <= AS_OF))
            ):
                due += 1
                if any(latest(schedule, job) == run and (job.created or 0) <= run + window for job in answering):
                    continue
                open_ = any(job.created is None or (latest(schedule, job) == run and job.created <= run + window) for job in vague)
                (doubtful if open_ else lost).append(Run(run, schedule))
        if number:
            before, after = segments[number - 1][-1], segment[0]
            both = calendar(before.schedule) + calendar(schedule)
            if any((before.created or 0) < run < (after.created or 0) and run >= start for run in both):
                gaps.add((before.created or 0, after.created or 0))
    return due, lost, doubtful, gaps


CRONS = ["cron(0 5 ? * * *)", "cron(0 0/6 * * ? *)", "cron(30 2 ? * SUN *)"]
created = st.integers(0, 12 * 24).map(lambda hours: AS_OF - hours * HOUR)
jitters = st.sampled_from([0, 1, -MINUTE, -MINUTE - 1, 30 * MINUTE, 12 * SECOND])


@st.composite
def plan_jobs(draw: st.DrawFn) -> PlanJob:
    moment = min(draw(created) + draw(jitters), AS_OF)
    return PlanJob(
        row=0,
        id=draw(st.sampled_from(["j1", "j2", "j3"])),
        place=draw(st.sampled_from([HERE, HERE, (None, "eu-west-1")])),
        resource=draw(st.sampled_from(["a", "a", "a", "b", None])),
        plan=draw(st.sampled_from(["plan", "plan", "other"])),
        rule=draw(st.sampled_from(["daily", "daily", "weekly", None])),
        schedule=RuleSchedule(draw(st.sampled_from(CRONS)), draw(st.sampled_from(["UTC", "America/New_York"])), draw(st.sampled_from(["1", "1", "2"]))),
        created=draw(st.sampled_from([moment, moment, moment, None])),
        start_by=draw(st.sampled_from([None, moment + HOUR, moment + 9 * HOUR, moment - DAY])),
    )


@settings(deadline=None, max_examples=150)
@given(jobs=st.lists(plan_jobs(), min_size=1, max_size=12, unique_by=lambda job: (job.created, job.id)), days=st.sampled_from([1, 3, 10]))
def test_runs_are_those_of_a_plain_reading(jobs: list[PlanJob], days: int) -> None:
    history = PlanHistory(jobs, AS_OF)
    scheduled = [job for job in jobs if job.resource and job.rule and job.created is not None and None not in job.place]
    for group in {Group(job.place, job.resource or "", job.plan, job.rule or "") for job in scheduled}:
        result = history.judge(group, AS_OF - days * DAY)
        due, lost, doubtful, gaps = _read_plainly(jobs, group, AS_OF - days * DAY)
        assert (result.due, list(result.missed), list(result.doubtful), set(result.gaps)) == (due, sorted(lost), sorted(doubtful), gaps)


def test_a_month_of_many_resources_takes_a_moment() -> None:
    hourly = "cron(0 * * * ? *)"
    jobs = [made(AS_OF - hours * HOUR, cron=hourly, resource=f"r{number}") for number in range(200) for hours in range(1, 720, 12)]
    began = time.process_time()
    history = PlanHistory(jobs, AS_OF)
    found = [history.judge(GROUP._replace(resource=f"r{number}"), AS_OF - 30 * DAY) for number in range(200)]
    assert [len(result.missed) for result in found] == [found[0].due - 59] * 200 and found[0].due > 690
    # A fifth of a second where it was written; a search of every job for every run takes minutes.
    assert time.process_time() - began < 10
