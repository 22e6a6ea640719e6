"""Schedules and missed runs of the second implementation, case by case from "Missed runs" in docs/groups-specification.md."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from policycheck.evidence.reperform import CronError, InputError, Schedule
from tests.evidence.documents import AS_OF, NO, RESOURCE, YES, Json, at, job, judge
from tests.tables import each

A = "111122223333"
R2 = RESOURCE + "2"
PLAN_ARN = "arn:aws:backup:eu-west-1:111122223333:backup-plan:p"


def days(cron: str, year: int, month: int) -> list[int]:
    """The days of a month on which it runs."""
    schedule = Schedule(cron, None)
    return [day for day in range(1, 32) if is_date(year, month, day) and schedule.runs_on(date(year, month, day))]


def is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("of_month", "of_week", "expected"),  # September 2020 begins on a Tuesday and ends on Wednesday the 30th
    [
        ("1,15", "?", [1, 15]),
        ("1/10", "?", [1, 11, 21]),
        ("*/15", "?", [1, 16]),
        ("28-2", "?", [1, 2, 28, 29, 30]),
        ("L", "?", [30]),
        ("LW", "?", [30]),
        ("5W", "?", [4]),  # a Saturday: the Friday before
        ("6W", "?", [7]),  # a Sunday: the Monday after
        ("9W", "?", [9]),
        ("31W", "?", []),
        ("?", "1", [6, 13, 20, 27]),
        ("?", "SUN", [6, 13, 20, 27]),
        ("?", "mon-tue", [1, 7, 8, 14, 15, 21, 22, 28, 29]),
        ("?", "SAT-SUN", [5, 6, 12, 13, 19, 20, 26, 27]),
        ("?", "L", [5, 12, 19, 26]),
        ("?", "6L", [25]),
        ("?", "WEDL", [30]),
        ("?", "3#2", [8]),
        ("?", "TUE#5", [29]),
        ("?", "MON#5", []),
        ("?", "2,WED#1", None),
        ("?", "*", list(range(1, 31))),
        ("*", "?", list(range(1, 31))),
    ],
)
def test_the_days_of_a_cron_expression(of_month: str, of_week: str, expected: list[int] | None) -> None:
    cron = f"cron(0 5 {of_month} * {of_week} *)"
    if expected is None:
        with pytest.raises(CronError):
            Schedule(cron, None)
    else:
        assert days(cron, 2020, 9) == expected


def test_a_weekday_stays_in_its_month() -> None:
    assert days("cron(0 5 1W * ? *)", 2020, 8) == [3]  # the 1st is a Saturday
    assert days("cron(0 5 31W * ? *)", 2020, 5) == [29]  # the 31st is a Sunday
    assert days("cron(0 5 LW * ? *)", 2020, 5) == [29]
    assert days("cron(0 5 L * ? *)", 2020, 2) == [29]
    assert days("cron(0 5 ? FEB-apr * 2020/2)", 2022, 4) == list(range(1, 31))
    assert days("cron(0 5 ? FEB-APR * 2020/2)", 2021, 4) == []


@each(
    "cron",
    [
        None,
        "",
        "rate(1 day)",
        "0 5 * * ?",
        "cron(0 5 30 2 ? *)",
        "cron(0,* 5 * * ? *)",
        "cron(0 5 1,*/2 * ? *)",
        "cron(0 5 L-3 * ? *)",
        "cron(0 5 ? * \u017fUN *)",
        "cron(0 5 * * ?)",
        "cron(0 5 * * ? * *)",
        "cron(0 5 * * * *)",
        "cron(0 5 ? * ? *)",
        "cron(60 5 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 5 0 * ? *)",
        "cron(0 5 32 * ? *)",
        "cron(0 5 * 13 ? *)",
        "cron(0 5 * JAB ? *)",
        "cron(0 5 ? * 0 *)",
        "cron(0 5 ? * 8 *)",
        "cron(0 5 ? * MON#6 *)",
        "cron(0 5 ? * MON/2 *)",
        "cron(0 5 ? * 3#1,6#3 *)",
        "cron(0 5 L-3 * ? *)",
        "cron(0 5 W * ? *)",
        "cron(0 5 ?,1 * ? *)",
        "cron(0 5 *,1 * ? *)",
        "cron(*,1 5 * * ? *)",
        "cron(0/0 5 * * ? *)",
        "cron(0/ 5 * * ? *)",
        "cron(-1 5 * * ? *)",
        "cron(0 5 * * ? 1969)",
        "cron(0 5 * * ? 2030-2020)",
        "cron(\u0661 5 * * ? *)",
    ],
)
def test_what_aws_does_not_define_is_not_computed(cron: str | None) -> None:
    with pytest.raises(CronError):
        Schedule(cron, None)


def moments(cron: str, zone: str, day: date) -> list[str]:
    return [f"{datetime.fromtimestamp(moment / 1_000_000, UTC):%H:%M}" for moment in Schedule(cron, zone).moments(day)]


def test_times_are_local_and_clock_changes_skip_or_repeat() -> None:
    assert moments("cron(0 5 * * ? *)", "Europe/Berlin", date(2020, 9, 21)) == ["03:00"]
    assert moments("cron(0/30 22-0/2 * * ? *)", "UTC", date(2020, 9, 21)) == ["00:00", "00:30", "22:00", "22:30"]
    # The clock goes from 2 to 3 on March 29, and from 3 back to 2 on October 25.
    assert moments("cron(30 1-3 * * ? *)", "Europe/Berlin", date(2020, 3, 29)) == ["00:30", "01:30"]
    assert moments("cron(30 1-3 * * ? *)", "Europe/Berlin", date(2020, 10, 25)) == ["23:30", "00:30", "02:30"]


@pytest.mark.parametrize("zone", ["Nowhere/Here", "../etc/passwd", "", "Europe", "localtime", "posix/UTC", 5])
def test_an_unknown_time_zone_is_not_computed(zone: Any) -> None:
    with pytest.raises(CronError):
        Schedule("cron(0 5 * * ? *)", zone)


def test_a_python_without_time_zones_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import zoneinfo

    def find_none(name: str) -> None:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", find_none)
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    with pytest.raises(InputError, match="has no time zones"):
        Schedule("cron(0 5 * * ? *)", "Europe/Berlin")
    monkeypatch.setitem(sys.modules, "zoneinfo", None)
    with pytest.raises(InputError, match=r"Python 3\.9"):
        Schedule("cron(0 5 * * ? *)", "Europe/Berlin")
    assert Schedule("cron(0 5 * * ? *)", "UTC").moments(date(2020, 9, 21))


def test_the_latest_run_may_be_years_ago_or_never() -> None:
    leap = Schedule("cron(0 5 29 2 ? *)", None)
    assert leap.latest(AS_OF * 1_000_000) == int(datetime(2020, 2, 29, 5, tzinfo=UTC).timestamp()) * 1_000_000
    assert Schedule("cron(0 5 * * ? 2021)", None).latest(AS_OF * 1_000_000) is None


DAILY = "cron(0 5 * * ? *)"
FIVE = {18: -91, 19: -67, 20: -43, 21: -19}  # hours from as_of, September 22 at midnight, to 5 o'clock on these days


def scheduled(
    hours: float, *, plan: str = "p", rule: str | None = "r", cron: str | None = DAILY, version: str = "v1", zone: str | None = "UTC", **changes: object
) -> Json:
    """A job of a plan, to be started within an hour of its creation."""
    created = {
        "BackupPlanId": plan,
        "BackupRuleId": rule,
        "BackupRuleCron": cron,
        "BackupPlanVersion": version,
        "BackupRuleTimezone": zone,
        "BackupPlanArn": PLAN_ARN,
    }
    times = {"CreationDate": at(hours), "InitiationDate": None, "CompletionDate": at(hours + 0.5), "StartBy": at(hours + 1)}
    members = {
        "BackupJobId": f"{plan} {rule} {hours} {changes.get('ResourceArn')}",
        **times,
        "CreatedBy": {name: value for name, value in created.items() if value is not None},
        **changes,
    }
    return job(**members)


def missed(*jobs: Json, limit: str = "0", within: str = "10d", **keys: Any) -> Json:
    return judge(list(jobs), expect={"missed_runs": {"at_most": limit}}, within=within, **keys)


def times(result: Json) -> dict[str, list[str]]:
    """The days of the missed runs by subject; all runs are at 5 o'clock."""
    assert all(time.endswith("T05:00:00Z") for finding in result["findings"] for time in finding["missed"])
    return {finding["subject"]: [time[8:10] for time in finding["missed"]] for finding in result["findings"]}


def counts(result: Json) -> tuple[str, int, int, int, int]:
    return result["verdict"], result["examined"], result["subjects"], result["possible"], result["undecided"]


def test_a_run_without_a_job_is_missed() -> None:
    result = missed(scheduled(FIVE[18]), scheduled(FIVE[21]))
    assert (counts(result), times(result)) == (("fail", 2, 1, 0, 0), {RESOURCE: ["19", "20"]})
    assert result["findings"][0] == {
        "account": A,
        "region": "eu-west-1",
        "subject": RESOURCE,
        "jobs": [],
        "waived": False,
        "missed": ["2020-09-19T05:00:00Z", "2020-09-20T05:00:00Z"],
    }
    assert missed(scheduled(FIVE[18]), scheduled(FIVE[21]), limit="2")["verdict"] == "pass"
    assert judge([scheduled(FIVE[18]), scheduled(FIVE[21])], expect={"missed_runs": {"less_than": "2"}}, within="10d")["verdict"] == "fail"
    assert missed(scheduled(FIVE[20]), scheduled(FIVE[21]))["verdict"] == "pass"


def test_runs_count_from_the_first_job_and_in_the_window() -> None:
    # The first job came half a minute early: its own run is not expected.
    assert times(missed(scheduled(FIVE[20] - 0.5 / 60))) == {RESOURCE: ["21"]}
    assert times(missed(scheduled(FIVE[18]), within="43h")) == {RESOURCE: ["20", "21"]}  # both edges in
    assert times(missed(scheduled(FIVE[18]), within="42.9h")) == {RESOURCE: ["21"]}


@pytest.mark.parametrize(
    ("changes", "answered"),
    [
        ({}, True),
        ({"State": "FAILED"}, True),
        ({"State": "RUNNING", "CompletionDate": None}, True),
        ({"ResourceType": "RDS"}, True),  # not chosen by `where`
        ({"ResourceArn": R2}, False),
        ({"AccountId": "444455556666"}, False),
    ],
)
def test_a_job_of_the_plan_on_the_resource_answers(changes: Json, answered: bool) -> None:
    jobs = [scheduled(FIVE[19]), scheduled(FIVE[20], **changes), scheduled(FIVE[21])]
    result = missed(*jobs, where={"ResourceType": "EC2", "ResourceArn": RESOURCE, "Account": A})
    assert times(result) == ({} if answered else {RESOURCE: ["20"]})


@pytest.mark.parametrize(
    ("keys", "answered"),
    [({"rule": "other"}, True), ({"rule": None}, True), ({"plan": "other", "rule": "r"}, False)],
)
def test_a_job_answers_for_every_rule_of_its_plan(keys: Json, answered: bool) -> None:
    jobs = [scheduled(FIVE[19]), scheduled(FIVE[20], **keys), scheduled(FIVE[21])]
    result = missed(*jobs, where={"CreatedBy.BackupRuleId": "r", "CreatedBy.BackupPlanId": "p"})
    assert times(result) == ({} if answered else {RESOURCE: ["20"]})


def test_an_on_demand_job_neither_expects_nor_answers() -> None:
    on_demand = job(BackupJobId="x", CreationDate=at(FIVE[20]))
    assert times(missed(scheduled(FIVE[19]), on_demand, scheduled(FIVE[21]))) == {RESOURCE: ["20"]}
    assert missed(on_demand)["verdict"] == "inconclusive"


@pytest.mark.parametrize(
    ("late", "answered"),  # hours after the run; the start window is one hour, and 60 s of tolerance before
    [(-1 / 60, True), (-61 / 3600, False), (0, True), (1, True), (1.001, False)],
)
def test_a_job_answers_within_the_start_window(late: float, answered: bool) -> None:
    jobs = [scheduled(FIVE[19]), scheduled(FIVE[20] + late, StartBy=None), scheduled(FIVE[21])]
    assert times(missed(*jobs)) == ({} if answered else {RESOURCE: ["20"]})


def test_the_start_window_is_the_longest_that_any_job_of_the_rule_was_given() -> None:
    late = scheduled(FIVE[20] + 3, StartBy=None)
    assert missed(scheduled(FIVE[19]), late, scheduled(FIVE[21]))["verdict"] == "fail"
    assert missed(scheduled(FIVE[19]), late, scheduled(FIVE[21]), scheduled(FIVE[20], ResourceArn=R2, StartBy=at(FIVE[20] + 3)))["verdict"] == "fail"
    wide = [scheduled(FIVE[19], ResourceArn=R2, StartBy=at(FIVE[19] + 3)), scheduled(FIVE[20], ResourceArn=R2), scheduled(FIVE[21], ResourceArn=R2)]
    assert missed(scheduled(FIVE[19]), late, scheduled(FIVE[21]), *wide)["verdict"] == "pass"
    other = [scheduled(FIVE[19], rule="q", ResourceArn=R2, StartBy=at(FIVE[19] + 3))]
    assert missed(scheduled(FIVE[19]), late, scheduled(FIVE[21]), *other, where={"ResourceArn": RESOURCE})["verdict"] == "fail"
    # Eight hours where no job says, or says what cannot be.
    assert missed(*(scheduled(FIVE[day] + (3 if day == 20 else 0), StartBy=at(FIVE[day] - 1)) for day in (19, 20, 21)))["verdict"] == "pass"
    plain = [scheduled(FIVE[19], StartBy=None), scheduled(FIVE[20] + 7.9, StartBy=None), scheduled(FIVE[21], StartBy=None)]
    assert missed(*plain)["verdict"] == "pass"
    assert missed(plain[0], scheduled(FIVE[20] + 8.1, StartBy=None), plain[2])["verdict"] == "fail"


def test_a_run_whose_start_window_is_open_is_not_due() -> None:
    late = "cron(0 23 * * ? *)"  # an hour before as_of
    assert times(missed(scheduled(-49, cron=late, StartBy=at(-48)), scheduled(-25, cron=late, StartBy=at(-23.9)))) == {}
    assert len(missed(scheduled(-49, cron=late, StartBy=at(-48)), scheduled(-25, cron=late, StartBy=at(-24)))["findings"]) == 1


def test_what_lies_between_two_schedules_is_not_judged() -> None:
    for change in ({"zone": "Europe/Berlin"}, {"cron": "cron(0 6 ? * * *)"}):
        jobs = [scheduled(FIVE[18]), scheduled(FIVE[20] if "zone" not in change else FIVE[20] - 2, **change), scheduled(FIVE[21], **change)]
        result = missed(*jobs, within="10d")
        assert times(result) == {}, change
    # What both would have run is missed.
    for same in ({"version": "v2"}, {"cron": "cron(0 5 ? * * *)"}):
        assert times(missed(scheduled(FIVE[18]), scheduled(FIVE[20], **same), scheduled(FIVE[21], **same), within="10d")) == {RESOURCE: ["19"]}
    # Within the old schedule a run is missed as before; UTC spelled out is no change.
    assert times(missed(scheduled(FIVE[18]), scheduled(FIVE[20]), scheduled(FIVE[21], version="v2"))) == {RESOURCE: ["19"]}
    assert times(missed(scheduled(FIVE[18], zone=None), scheduled(FIVE[20], zone=None), scheduled(FIVE[21]))) == {RESOURCE: ["19"]}


def test_a_schedule_that_cannot_be_computed_is_undecided() -> None:
    for cron in (None, "rate(1 day)"):
        result = missed(scheduled(FIVE[19], cron=cron), no_data="pass")
        assert counts(result) == ("inconclusive", 1, 1, 0, 1)
        both = missed(scheduled(FIVE[19], cron=cron), scheduled(FIVE[20], plan="q"), scheduled(FIVE[21], plan="q"))
        assert counts(both) == ("inconclusive", 3, 1, 0, 1)


def test_unknown_choice_makes_a_miss_possible() -> None:
    jobs = [scheduled(FIVE[19], ResourceType=None), scheduled(FIVE[21], ResourceType=None)]
    assert counts(missed(*jobs, where=YES)) == ("inconclusive", 0, 1, 1, 0)
    assert counts(missed(*jobs, where=YES, limit="1", no_data="pass")) == ("inconclusive", 0, 1, 0, 0)  # nothing that is surely chosen was due
    sure = [scheduled(FIVE[19]), scheduled(FIVE[21], ResourceType=None)]
    assert counts(missed(*sure, where=YES)) == ("fail", 1, 1, 0, 0)
    assert counts(missed(*sure, where=NO)) == ("inconclusive", 0, 1, 1, 0)


def test_a_record_that_may_answer_makes_a_miss_possible() -> None:
    jobs = [scheduled(FIVE[19]), scheduled(FIVE[21])]
    for unknown in (scheduled(FIVE[20], ResourceArn=None), scheduled(FIVE[20], CreationDate=None)):
        result = missed(*jobs, unknown)
        assert (result["verdict"], result["possible"]) == ("inconclusive", 1)
    assert missed(*jobs, scheduled(FIVE[20], CreationDate=None, ResourceArn=R2), where={"ResourceArn": RESOURCE})["verdict"] == "fail"
    assert missed(*jobs, scheduled(FIVE[21], ResourceArn=None))["verdict"] == "fail"  # it came for another run


def test_a_scheduled_job_without_its_resource_is_never_passed_over() -> None:
    jobs = [scheduled(FIVE[20]), scheduled(FIVE[21])]
    assert missed(*jobs)["verdict"] == "pass"
    for lost in (scheduled(FIVE[20], plan="q", ResourceArn=None), scheduled(FIVE[20], plan="q", CreationDate=None)):
        assert missed(*jobs, lost)["verdict"] == "inconclusive"
        assert missed(*jobs, lost, where={"CreatedBy.BackupPlanId": "p"})["verdict"] == "pass"
    lost = scheduled(FIVE[20], plan="q", AccountId=None, BackupVaultArn=None, ResourceArn="arn:aws:s3:::b")
    assert missed(*jobs, lost)["verdict"] == "inconclusive"


@pytest.mark.parametrize(
    ("no_data", "expected"), [("inconclusive", "inconclusive"), ("pass", "pass"), ("skip", "skipped"), ("fail", "fail"), ("quiet", "inconclusive")]
)
def test_a_run_that_was_not_due_is_no_evidence(no_data: str, expected: str) -> None:
    assert missed(job(), no_data=no_data)["verdict"] == expected
    assert missed(scheduled(FIVE[21]), no_data=no_data)["verdict"] == expected
    assert missed(scheduled(FIVE[20]), scheduled(FIVE[21]), within="1h", no_data=no_data)["verdict"] == expected


def test_the_coverage_must_reach_back_to_the_window() -> None:
    jobs = [scheduled(FIVE[20]), scheduled(FIVE[21])]
    assert missed(*jobs, within="3d", covers=["2020-09-19", "2020-09-22"])["verdict"] == "pass"
    assert missed(*jobs, within="4d", covers=["2020-09-19", "2020-09-22"])["verdict"] == "inconclusive"


def test_a_silent_plan_is_one_finding() -> None:
    jobs = [scheduled(FIVE[19]), scheduled(FIVE[19], ResourceArn=R2)]
    silent = missed(*jobs)
    assert times(silent) == {PLAN_ARN: ["20", "21"]}
    assert (silent["subjects"], silent["findings"][0]["account"], silent["findings"][0]["region"]) == (2, A, "eu-west-1")
    # One resource alone is no silent plan; nor is a plan of which any record came since.
    assert times(missed(jobs[0])) == {RESOURCE: ["20", "21"]}
    assert times(missed(*jobs, scheduled(FIVE[20], rule=None, ResourceArn=R2 + "3"))) == {RESOURCE: ["20", "21"], R2: ["20", "21"]}
    assert times(missed(*jobs, scheduled(FIVE[20], ResourceArn=R2))) == {RESOURCE: ["20", "21"], R2: ["21"]}
    # Nor one with a resource within its limit, or whose records may have come since.
    assert set(times(missed(*jobs, scheduled(FIVE[20] - 24, rule=None, CreationDate=None, ResourceArn=R2 + "3")))) == {RESOURCE, R2}
    # Without the plan's ARN its id stands for it.
    plain = [{**one, "CreatedBy": {name: value for name, value in one["CreatedBy"].items() if name != "BackupPlanArn"}} for one in jobs]
    assert set(times(missed(*plain))) == {"p"}


def test_a_silent_plan_does_not_hide_what_another_missed() -> None:
    jobs = [scheduled(FIVE[19]), scheduled(FIVE[19], ResourceArn=R2)]
    other = [scheduled(FIVE[18], plan="q"), scheduled(FIVE[20], plan="q"), scheduled(FIVE[21], plan="q")]
    assert times(missed(*jobs, *other)) == {PLAN_ARN: ["20", "21"], RESOURCE: ["19", "20", "21"]}


def test_an_edited_plan_is_missed_only_where_both_versions_would_have_run() -> None:
    new = {"version": "v2"}
    jobs = [scheduled(FIVE[18]), scheduled(FIVE[20], **new), scheduled(FIVE[21], **new)]
    assert times(missed(*jobs)) == {RESOURCE: ["19"]}
    renamed = [
        job | {"CreatedBy": job["CreatedBy"] | {"BackupRuleName": "daily", "BackupRuleId": rule}} for job, rule in zip(jobs, ("r", "s", "s"), strict=True)
    ]
    assert times(missed(*renamed)) == {RESOURCE: ["19"]}  # one rule under two ids
    between = scheduled(FIVE[19] - 10, ResourceArn=R2, version="v1b")
    assert missed(*jobs, between, where={"ResourceArn": RESOURCE})["verdict"] == "inconclusive"  # a version that may have promised nothing
    moved = [scheduled(FIVE[18]), *(scheduled(FIVE[day] + 1, cron="cron(0 6 * * ? *)", **new) for day in (20, 21))]
    assert counts(missed(*moved)) == ("inconclusive", 3, 1, 1, 1)
    assert missed(*moved, limit="2")["verdict"] == "pass"  # even if both were missed


def test_a_newer_version_ends_what_an_older_one_expects() -> None:
    left, stays = scheduled(FIVE[18]), [scheduled(FIVE[day], ResourceArn=R2, version="v1" if day < 19 else "v2") for day in (18, 19, 20, 21)]
    assert counts(missed(left, *stays)) == ("inconclusive", 5, 2, 1, 1)
    assert times(missed(left, *[scheduled(FIVE[day], ResourceArn=R2) for day in (18, 19, 20, 21)])) == {RESOURCE: ["19", "20", "21"]}


def test_jobs_of_a_plan_that_is_not_named_leave_the_rule_inconclusive() -> None:
    whole = [scheduled(FIVE[day]) for day in (19, 20, 21)]
    other = job(
        BackupJobId="x", ResourceArn=R2, CreatedBy={"BackupPlanArn": PLAN_ARN}, CreationDate=at(FIVE[20]), CompletionDate=at(FIVE[20] + 1), InitiationDate=None
    )
    assert missed(*whole)["verdict"] == "pass"
    assert missed(*whole, other)["verdict"] == "inconclusive"
    reduced = {name: value for name, value in other.items() if name not in {"CreatedBy", "PercentDone"}}
    assert missed(*whole, files=[[reduced]])["verdict"] == "inconclusive"
    assert missed(*whole, files=[[reduced | {"PercentDone": "1"}]])["verdict"] == "pass"  # on demand
