"""Which runs were promised, due and answered, against a reading of the page that asks every run of every job."""

from __future__ import annotations

import time
from functools import cache
from itertools import pairwise

from hypothesis import strategies as st

from policycheck.engine.schedules.calendars import TOLERANCE
from policycheck.engine.schedules.cron import expected_runs, parse_schedule
from policycheck.engine.schedules.expected_runs import START_WINDOW, Group, GroupRuns, PlanHistory, Run, group_of
from policycheck.engine.schedules.plan_jobs import PlanJob, RuleSchedule
from tests.properties import examples

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


def changed(result: GroupRuns) -> list[int]:
    return [run.moment for run in result.changed]


def test_a_run_between_two_versions_that_both_promise_it_is_missed() -> None:
    result = runs([made(at(6)), made(at(5)), made(at(2), version="2"), made(at(1), version="2")])
    assert (result.due, missed(result), result.undecided) == (5, [at(4), at(3)], 0)


def test_a_run_between_two_schedules_that_one_of_them_promises_is_undecided_where_no_job_came() -> None:
    later = "cron(0 9 ? * * *)"
    result = runs([made(at(5)), made(at(3, 9), cron=later), made(at(2, 9), cron=later), made(at(1, 9), cron=later)])
    # That of the fifth day at nine is four hours after the last job of the old schedule, that of the third at five four hours before the new one's first.
    assert (missed(result), changed(result)) == ([], [at(4), at(4, 9)])


def test_a_job_answers_one_run_of_the_next_schedule_and_no_more() -> None:
    hourly = "cron(0 * ? * * *)"
    result = runs([made(at(5)), made(at(5, 9), cron=hourly)], within=6 * DAY)
    assert changed(result) == [at(5, 7), at(5, 8)]


def test_runs_before_the_window_are_not_undecided() -> None:
    jobs = [made(at(9)), made(at(7, 9), cron="cron(0 9 ? * * *)"), *(made(at(days, 9), cron="cron(0 9 ? * * *)") for days in (3, 2, 1))]
    assert runs(jobs, within=3 * DAY) == GroupRuns(3)


def test_a_run_that_was_due_when_its_version_was_in_force_is_missed_and_later_ones_are_undecided() -> None:
    others = [made(at(days), resource="b", version="1" if days > 3 else "2") for days in range(1, 7)]
    result = runs([made(at(5)), *others])
    assert (missed(result), [run.moment for run in result.ended]) == ([at(4)], [at(3), at(2), at(1)])


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
    assert runs([made(at(2), cron="cron(0 5 ? * * 2030)")]) == GroupRuns(0)


@cache
def calendar(schedule: RuleSchedule) -> list[int]:
    return expected_runs(parse_schedule(schedule.cron or ""), schedule.timezone, AS_OF - 60 * DAY, AS_OF + TOLERANCE)


def _read_plainly(jobs: list[PlanJob], group: Group, start: int) -> tuple[int, set[Run], set[Run], set[Run], set[Run]]:  # noqa: PLR0915  # the page in one place
    """The page, asking everything of everybody: how many runs were due; what was missed, possibly missed, undecided by a change, or by a newer version."""

    def latest(schedule: RuleSchedule, job: PlanJob) -> int | None:
        return max((run for run in calendar(schedule) if job.created is not None and run <= job.created + TOLERANCE), default=None)

    def is_of_plan(job: PlanJob) -> bool:
        return (job.place, job.plan) == (group.place, group.plan)

    def may_be_of_plan(job: PlanJob) -> bool:
        said = (*job.place, job.plan)
        return all(one in (None, other) for one, other in zip(said, (*group.place, group.plan), strict=True))

    def window(schedule: RuleSchedule) -> int:
        alike = [job for job in jobs if is_of_plan(job) and job.rule == group.rule and job.schedule == schedule and job.start_by is not None]
        lengths = [(job.start_by or 0) - run for job in alike if (run := latest(schedule, job)) is not None and (job.start_by or 0) > run]
        return max(lengths, default=8 * HOUR)

    def is_due(run: int, schedule: RuleSchedule) -> bool:
        return run >= start and run <= AS_OF and (run + window(schedule) <= AS_OF or any(run < other <= AS_OF for other in calendar(schedule)))

    def answers(job: PlanJob, run: int, schedule: RuleSchedule) -> bool:
        return latest(schedule, job) == run and (job.created or 0) <= run + window(schedule)

    def is_open(run: int, schedule: RuleSchedule) -> bool:
        if run not in calendar(schedule) or not is_due(run, schedule):
            return False
        return not any(is_of_plan(job) and job.resource == group.resource and answers(job, run, schedule) for job in jobs)

    def is_doubtful(run: int, schedule: RuleSchedule) -> bool:
        near = [job for job in jobs if may_be_of_plan(job) and (job.resource in (None, group.resource) or None in job.place)]
        vague = [job for job in near if job.resource is None or None in job.place or job.created is None or job.plan is None]
        return any(job.created is None or answers(job, run, schedule) for job in vague)

    own = [job for job in jobs if group_of(job) == group]
    own.sort(key=lambda job: (job.created or 0, job.id, *(part or "" for part in job.schedule)))
    segments: list[list[PlanJob]] = []
    for job in own:
        if segments and segments[-1][-1].schedule == job.schedule:
            segments[-1].append(job)
        else:
            segments.append([job])
    met, lost, doubtful, changed, ended = 0, set[Run](), set[Run](), set[Run](), set[Run]()
    version = own[-1].schedule.version
    last = max(job.created or 0 for job in (jobs if version is not None else own) if is_of_plan(job) and (job.schedule.version == version or version is None))
    others = [job for job in jobs if may_be_of_plan(job) and (version is None or job.schedule.version != version)]
    is_ended = any(job.created is None or job.created > last for job in others)
    for segment in segments:
        schedule, is_last = segment[0].schedule, segment is segments[-1]
        for run in calendar(schedule):
            if not (segment[0].created or 0) + TOLERANCE < run <= (AS_OF if is_last else segment[-1].created or 0):
                continue
            met += is_due(run, schedule) and not is_open(run, schedule)
            if is_open(run, schedule):
                if is_last and is_ended and run > last:
                    ended.add(Run(run, schedule))
                else:
                    (doubtful if is_doubtful(run, schedule) else lost).add(Run(run, schedule))
    for before, after in pairwise(segments):
        first, next_ = before[-1].created or 0, after[0].created or 0
        old, new = before[0].schedule, after[0].schedule
        between = [job for job in jobs if may_be_of_plan(job) and (job.created is None or first < job.created < next_)]
        is_vague = any(job.schedule.version is None or job.schedule.version not in (old.version, new.version) for job in between)
        following = min((run for run in calendar(new) if run > first + TOLERANCE), default=None)
        for run in {*calendar(old), *calendar(new)}:
            if not first < run <= next_:
                continue
            met += all(run in calendar(one) and is_due(run, one) and not is_open(run, one) for one in (old, new))
            if is_open(run, old) and is_open(run, new):
                kind = changed if is_vague else doubtful if is_doubtful(run, old) or is_doubtful(run, new) else lost
                kind.add(Run(run, new))
            elif is_open(run, old):
                changed.add(Run(run, old))
            elif is_open(run, new) and not (run == following and run not in calendar(old) and run <= first + window(new)):
                changed.add(Run(run, new))
    return met + len(lost) + len(doubtful), lost, doubtful, changed, ended


CRONS = ["cron(0 5 ? * * *)", "cron(0 0/6 * * ? *)", "cron(30 2 ? * SUN *)"]
created = st.integers(0, 12 * 24).map(lambda hours: AS_OF - hours * HOUR)
jitters = st.sampled_from([0, 1, -MINUTE, -MINUTE - 1, 30 * MINUTE, 12 * SECOND])


@st.composite
def plan_jobs(draw: st.DrawFn) -> PlanJob:
    moment = min(draw(created) + draw(jitters), AS_OF)
    return PlanJob(
        row=0,
        id=draw(st.sampled_from(["j1", "j2", "j3"])),
        place=draw(st.sampled_from([HERE, HERE, HERE, (None, "eu-west-1")])),
        resource=draw(st.sampled_from(["a", "a", "a", "b", None])),
        plan=draw(st.sampled_from(["plan", "plan", "plan", "other", None])),
        rule=draw(st.sampled_from(["daily", "daily", "weekly", None])),
        schedule=RuleSchedule(
            draw(st.sampled_from(CRONS)), draw(st.sampled_from(["UTC", "America/New_York"])), draw(st.sampled_from(["1", "1", "1", "2", "2", "3", None]))
        ),
        created=draw(st.sampled_from([moment, moment, moment, None])),
        start_by=draw(st.sampled_from([None, moment + HOUR, moment + 9 * HOUR, moment - DAY])),
    )


@examples(jobs=st.lists(plan_jobs(), min_size=1, max_size=12, unique_by=lambda job: (job.created, job.id)), days=st.sampled_from([1, 3, 10]), few=12, many=400)
def test_runs_are_those_of_a_plain_reading(jobs: list[PlanJob], days: int) -> None:
    history = PlanHistory(jobs, AS_OF)
    for group in {group for job in jobs if (group := group_of(job)) is not None}:
        result = history.judge(group, AS_OF - days * DAY)
        due, *kinds = _read_plainly(jobs, group, AS_OF - days * DAY)
        found = result.missed, result.doubtful, result.changed, result.ended
        assert (result.due, [list(kind) for kind in found]) == (due, [sorted(kind) for kind in kinds])


def test_a_month_of_many_resources_takes_a_moment() -> None:
    hourly = "cron(0 * * * ? *)"
    jobs = [made(AS_OF - hours * HOUR, cron=hourly, resource=f"r{number}") for number in range(200) for hours in range(1, 720, 12)]
    began = time.process_time()
    history = PlanHistory(jobs, AS_OF)
    found = [history.judge(GROUP._replace(resource=f"r{number}"), AS_OF - 30 * DAY) for number in range(200)]
    assert [len(result.missed) for result in found] == [found[0].due - 59] * 200 and found[0].due > 690
    # A fifth of a second where it was written; a search of every job for every run takes minutes.
    assert time.process_time() - began < 10
