"""Rules about missed runs: what is found, what is only possible, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from policycheck.engine.kinds.missed_runs import judge_runs
from policycheck.policy.conditions import And, Condition, Literal, Operator
from policycheck.policy.measures import Measure
from policycheck.policy.model import Expectation, JobChoice, NoData, Scope
from policycheck.result import Coverage, RuleResult, Universe, Verdict
from tests.engine.cases import case, compare, context, covered
from tests.engine.lists import AS_OF, Job, job, job_list

DROPPED = ": fields were dropped from the list; save it with"

PLAN_ARN = "arn:aws:backup:eu-west-1:111122223333:backup-plan:p1"
DAILY = "cron(0 5 ? * * *)"
VOLUME = "arn:aws:ec2:eu-west-1:111122223333:volume/vol-1"
HOSTILE = "cron(0 5 ? * * *)\x1b[31m\nnot judged: nothing"


def scheduled(created: str | datetime | None, **changes: Any) -> dict[str, Any]:
    """A job that the rule daily of plan p1 made; members of CreatedBy by their own names, None takes one away."""
    made = {"BackupPlanId": "p1", "BackupPlanArn": PLAN_ARN, "BackupPlanVersion": "v1", "BackupRuleId": "r1", "BackupRuleName": "daily"}
    made |= {"BackupRuleCron": DAILY, "BackupRuleTimezone": "Etc/UTC"}
    made |= {name: changes.pop(name) for name in list(changes) if name in made or name == "BackupPlanName"}
    if isinstance(created, datetime):
        created = created.isoformat()
    if created is not None and "StartBy" not in changes:
        # Eight hours after the hour at which the job was to run.
        changes["StartBy"] = (datetime.fromisoformat(created).replace(minute=0, second=0) + timedelta(hours=8)).isoformat()
    ended = {"InitiationDate": created, "CompletionDate": created}
    return job(**{"BackupJobId": f"j-{created}", "CreationDate": created, **ended, "CreatedBy": {k: v for k, v in made.items() if v is not None}, **changes})


def on(days: Iterable[int], **changes: Any) -> list[dict[str, Any]]:
    """Nine seconds after five, on these days of November 2026."""
    return [scheduled(f"2026-11-{day:02}T05:00:09Z", **changes) for day in days]


def rule(number: int = 0, most: str = "0", operator: Operator = Operator.AT_MOST, **changes: Any) -> Any:
    return case(Expectation(Measure.MISSED_RUNS, operator=operator, limit=Literal(most, value=int(most))), number=number, **{"within": "7d", **changes})


def judged(listed: Sequence[Job], *, coverage: Sequence[Coverage] = (), as_of: datetime = AS_OF, **changes: Any) -> RuleResult:
    return judge_runs([rule(**changes)], context({"backup_jobs": listed}, coverage or [covered(end=as_of)], as_of))[0]


def lost(result: RuleResult) -> list[str]:
    """The missed runs of all findings, as the details tell them."""
    return [line.partition("Z: ")[0] for finding in result.findings for line in finding.details]


def test_a_rule_whose_runs_all_came_passes() -> None:
    result = judged(on(range(10, 21)))
    assert (result.verdict, result.reason, result.examined, result.subjects, result.findings) == (Verdict.PASS, "", 7, 1, ())


def test_a_missed_run_is_a_finding_that_says_which() -> None:
    result = judged(on([10, 13, 14, 16, 18, 20]))
    (finding,) = result.findings
    assert result.verdict is Verdict.FAIL
    assert finding.message == "3 scheduled runs missed within 7d, at most 0: the newest 2026-11-19T05:00:00Z (rule daily)"
    assert finding.details == tuple(f"2026-11-{day}T05:00:00Z: rule daily of plan p1, cron(0 5 ? * * *) in Etc/UTC" for day in (15, 17, 19))
    assert (finding.subject, finding.account, finding.region, finding.resource_type) == (job()["ResourceArn"], "111122223333", "eu-west-1", "EC2")
    assert (finding.cause, finding.jobs, finding.evidence) == ("missed_run", (), ())


def test_a_single_run_is_told_without_a_newest() -> None:
    (finding,) = judged([*on([17, 19], BackupRuleName=None), *on([20], BackupRuleName=None)]).findings
    assert finding.message == "1 scheduled run missed within 7d, at most 0: 2026-11-18T05:00:00Z (rule r1)"


@pytest.mark.parametrize(
    ("operator", "limit", "verdict"),
    [
        (Operator.AT_MOST, "2", Verdict.PASS),
        (Operator.AT_MOST, "1", Verdict.FAIL),
        (Operator.LESS_THAN, "3", Verdict.PASS),
        (Operator.LESS_THAN, "2", Verdict.FAIL),
    ],
)
def test_the_limit_itself_is_met_by_at_most_alone(operator: Operator, limit: str, verdict: Verdict) -> None:
    assert judged(on([14, 15, 17, 19, 20]), operator=operator, most=limit).verdict is verdict


# Eastern time is UTC-4 before the clocks go back on 2026-11-01 at 06:00 UTC and UTC-5 after; UTC-4 again from 2026-03-08 07:00 UTC.
@pytest.mark.parametrize(
    ("last", "missing", "expected"),
    [
        (
            "2026-11-04T23:00",
            ["2026-10-31T09:00", "2026-11-01T10:00", "2026-11-03T10:00"],
            ["2026-10-31T09:00:00", "2026-11-01T10:00:00", "2026-11-03T10:00:00"],
        ),
        (
            "2026-03-11T23:00",
            ["2026-03-07T10:00", "2026-03-08T09:00", "2026-03-10T09:00"],
            ["2026-03-07T10:00:00", "2026-03-08T09:00:00", "2026-03-10T09:00:00"],
        ),
    ],
)
def test_five_in_new_york_is_five_in_new_york_across_both_clock_changes(last: str, missing: list[str], expected: list[str]) -> None:
    as_of = datetime.fromisoformat(last).replace(tzinfo=UTC)
    change = datetime(2026, 11, 1, 6, tzinfo=UTC) if as_of.month == 11 else datetime(2026, 3, 8, 7, tzinfo=UTC)
    before, after = (9, 10) if as_of.month == 11 else (10, 9)
    dates = [as_of.replace(hour=0) - timedelta(days=days) for days in range(9)]
    moments = [date.replace(hour=after if date.replace(hour=8) >= change else before) for date in dates]
    made = [moment for moment in moments if f"{moment:%Y-%m-%dT%H:%M}" not in missing]
    assert len(moments) - len(made) == 3
    assert lost(judged([scheduled(moment, BackupRuleTimezone="America/New_York") for moment in made], as_of=as_of)) == expected


def test_a_local_time_that_the_clock_skips_has_no_run_and_a_repeated_one_has_one() -> None:
    spring = {"BackupRuleTimezone": "America/New_York", "BackupRuleCron": "cron(30 2 ? * * *)"}
    jobs = [scheduled(moment, **spring) for moment in ("2026-03-06T07:30:00Z", "2026-03-07T07:30:00Z", "2026-03-09T06:30:00Z", "2026-03-10T06:30:00Z")]
    assert judged(jobs, as_of=datetime(2026, 3, 10, 20, tzinfo=UTC)).verdict is Verdict.PASS
    autumn = {"BackupRuleTimezone": "America/New_York", "BackupRuleCron": "cron(30 1 ? * * *)"}
    jobs = [scheduled(moment, **autumn) for moment in ("2026-10-31T05:30:00Z", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z", "2026-11-03T06:30:00Z")]
    assert judged(jobs, as_of=datetime(2026, 11, 3, 20, tzinfo=UTC)).verdict is Verdict.PASS


def test_rules_of_one_plan_that_overlap_answer_for_each_other() -> None:
    weekly = {"BackupRuleId": "r2", "BackupRuleName": "weekly", "BackupRuleCron": "cron(0 5 ? * SUN *)"}
    monthly = {"BackupRuleId": "r3", "BackupRuleName": "monthly", "BackupRuleCron": "cron(0 5 1 * ? *)"}
    october = [scheduled("2026-10-01T05:00:09Z", **monthly)]
    # November 2026 begins on a Sunday: AWS Backup runs the monthly rule alone, and on the other Sundays the weekly one alone.
    daily = on(day for day in range(2, 21) if day not in {8, 15})
    jobs = [*october, scheduled("2026-10-25T05:00:09Z", **weekly), scheduled("2026-10-31T05:00:09Z"), *on([1], **monthly), *on([8, 15], **weekly), *daily]
    result = judged(jobs, within="28d")
    assert (result.verdict, result.subjects, result.findings) == (Verdict.PASS, 1, ())
    assert lost(judged([one for one in jobs if one["CreationDate"] != "2026-11-15T05:00:09Z"], within="28d")) == ["2026-11-15T05:00:00"] * 2


def test_a_late_job_answers_within_the_start_window_alone() -> None:
    late = [*on([12, 13, 14, 15, 16, 18, 19, 20]), scheduled("2026-11-17T12:59:00Z", StartBy="2026-11-17T13:00:00Z")]
    assert judged(late).verdict is Verdict.PASS
    later = [*on([12, 13, 14, 15, 16, 18, 19, 20]), scheduled("2026-11-17T13:01:00Z", StartBy="2026-11-17T13:00:00Z")]
    assert lost(judged(later)) == ["2026-11-17T05:00:00"]


def test_a_job_in_any_state_answers() -> None:
    failed = on([15, 16], State="FAILED") + on([17], State="NEWSTATE") + on([18], State="EXPIRED", CompletionDate=None)
    assert judged([*on([13, 14, 19, 20]), *failed], where=compare("State", "COMPLETED")).verdict is Verdict.PASS


def test_a_run_whose_start_window_is_open_is_not_due() -> None:
    # At six, the job of five has seven hours left.
    assert judged(on(range(12, 20))).verdict is Verdict.PASS
    closed = judged(on(range(12, 20)), as_of=datetime(2026, 11, 20, 13, tzinfo=UTC))
    assert lost(closed) == ["2026-11-20T05:00:00"]


def test_jobs_on_demand_neither_expect_nor_answer() -> None:
    by_hand = job(BackupJobId="hand", CreationDate="2026-11-17T05:00:09Z", CompletionDate="2026-11-17T05:10:00Z", InitiationDate=None)
    result = judged([*on([15, 16, 18, 19, 20]), by_hand])
    assert (lost(result), result.examined) == (["2026-11-17T05:00:00"], 5)
    alone = judged([by_hand])
    assert (alone.verdict, alone.reason) == (Verdict.INCONCLUSIVE, "nothing to evaluate: none of 1 backup job is a scheduled job that matches")


def test_a_job_of_the_plan_that_names_no_rule_answers_and_may_be_promised_runs_of_its_own() -> None:
    result = judged([*on([15, 16, 18, 19, 20]), *on([17], BackupRuleId=None)])
    assert (result.verdict, result.possible, result.findings) == (Verdict.INCONCLUSIVE, 0, ())
    keep = "keep CreatedBy.BackupPlanId and CreatedBy.BackupRuleId when you save a list"
    assert result.reason == f"1 job (account 111122223333) might be scheduled, but CreatedBy.BackupRuleId is unknown: {keep}"


def test_a_job_of_a_plan_that_names_no_plan_may_have_answered_and_is_no_pass() -> None:
    nameless = on([17], BackupPlanId=None, BackupPlanArn=None)
    result = judged([*on([15, 16, 18, 19, 20]), *nameless])
    assert (result.verdict, result.possible, result.findings) == (Verdict.INCONCLUSIVE, 1, ())
    assert "1 job (account 111122223333) might be scheduled, but CreatedBy.BackupPlanId is unknown" in result.reason
    assert judged([*on(range(10, 21)), *nameless]).verdict is Verdict.INCONCLUSIVE
    assert judged([*on([15, 16, 19, 20]), *nameless]).verdict is Verdict.FAIL


def test_a_list_that_was_cut_down_and_lacks_plans_is_no_pass_and_its_account_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = [{**job(), "BackupJobId": f"c{day}", "CreationDate": f"2026-11-{day}T05:00:09Z", "AccountId": "444455556666"} for day in (18, 19)]
    assert judged([*on(range(10, 21)), *cut], coverage=[covered(), covered(account="444455556666")]).verdict is Verdict.PASS
    monkeypatch.setattr("policycheck.job_lists.JobList.known_missing", lambda self, row, member: self.records[row].AccountId != "444455556666")
    result = judged([*on(range(10, 21)), *cut], coverage=[covered(), covered(account="444455556666")])
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.startswith("2 jobs (account 444455556666) might be scheduled, but CreatedBy.BackupPlanId is unknown: keep ")


def test_a_job_of_another_plan_or_place_or_resource_does_not_answer() -> None:
    elsewhere = {"BackupVaultArn": "arn:aws:backup:us-east-1:111122223333:backup-vault:prod"}
    for other in ({"BackupPlanId": "p2"}, elsewhere, {"ResourceArn": VOLUME}, {"AccountId": "444455556666"}):
        coverage = [covered(), covered(region="us-east-1"), covered(account="444455556666")]
        # The first of several: that other job is the first of its own.
        assert lost(judged([*on([15, 16, 18, 19, 20]), *on([17], **other)], coverage=coverage))[0] == "2026-11-17T05:00:00"


def test_nights_without_a_job_around_a_new_hour_are_undecided_and_named() -> None:
    new = {"BackupPlanVersion": "v2", "BackupRuleCron": "cron(0 3 ? * * *)", "BackupPlanName": "nightly"}
    jobs = [*on([12, 13, 14]), *(scheduled(f"2026-11-{day}T03:00:07Z", **new) for day in (17, 18, 19, 20))]
    twice = [*jobs, *({**one, "ResourceArn": VOLUME, "BackupJobId": f"v{number}"} for number, one in enumerate(jobs))]
    result = judged(twice)
    # Of each resource the nights of 15 and 16 November, at five and at three.
    rule_of_plan = "plan nightly, rule daily (111122223333/eu-west-1)"
    runs = f"8 runs of 2 resources from 2026-11-15T03:00:00Z to 2026-11-16T05:00:00Z while the schedule of {rule_of_plan} changed"
    assert (result.verdict, result.subjects, result.undecided, result.possible) == (Verdict.INCONCLUSIVE, 2, 2, 2)
    assert (result.reason, result.notes) == (f"2 of 2 resources could violate it: {runs} (not evaluated)", (f"not evaluated: {runs}",))
    # Even if all of them were missed, the limit holds.
    assert (judged(twice, most="4").verdict, judged(twice, most="3").verdict) == (Verdict.PASS, Verdict.INCONCLUSIVE)


@pytest.mark.parametrize(("old", "new"), [(3, 6), (6, 3), (3, 10), (5, 5), (23, 1), (3, 4)])
@pytest.mark.parametrize("ids", [{}, {"BackupRuleId": "r9"}])
def test_an_edit_that_moves_the_hour_and_loses_no_night_passes(old: int, new: int, ids: dict[str, str]) -> None:
    late = {"BackupPlanVersion": "v2", "BackupRuleCron": f"cron(0 {new} ? * * *)", **ids}
    jobs = [scheduled(f"2026-11-{day:02}T{old:02}:00:07Z", BackupRuleCron=f"cron(0 {old} ? * * *)") for day in range(10, 15)]
    jobs += [scheduled(f"2026-11-{day}T{new:02}:00:07Z", **late) for day in range(15 + (old > new + 12), 20)]
    assert judged(jobs, as_of=datetime(2026, 11, 19, 12, tzinfo=UTC), within="8d").verdict is Verdict.PASS


def test_a_night_that_both_versions_promised_is_missed() -> None:
    result = judged([*on([12, 13, 14]), *on([17, 18, 19, 20], BackupPlanVersion="v2", BackupRuleId="r9")])
    assert (lost(result), result.subjects) == (["2026-11-15T05:00:00", "2026-11-16T05:00:00"], 1)


def test_a_version_between_two_may_have_promised_nothing() -> None:
    away = on([15, 16], BackupPlanVersion="v2", ResourceArn=VOLUME)
    result = judged(
        [*on([12, 13, 14]), *away, *on([17, 18, 19, 20], BackupPlanVersion="v3"), *on([17, 18, 19, 20], BackupPlanVersion="v3", ResourceArn=VOLUME)]
    )
    assert (result.verdict, result.findings, result.possible) == (Verdict.INCONCLUSIVE, (), 1)


def test_a_newer_version_ends_what_an_older_one_promised_from_its_last_job_on() -> None:
    new = {"BackupPlanVersion": "v2", "ResourceArn": VOLUME}
    left = [*on([12, 13]), *on([12, 13, 14, 15], ResourceArn=VOLUME)]
    result = judged([*left, *on([16, 17, 18, 19, 20], **new)])
    # The version was in force until the night of the 15th; what follows is undecided.
    assert lost(result) == ["2026-11-14T05:00:00", "2026-11-15T05:00:00"]
    ended = "4 runs from 2026-11-16T05:00:00Z to 2026-11-19T05:00:00Z after a newer version of plan p1, rule daily (111122223333/eu-west-1)"
    assert (result.verdict, result.possible, result.notes) == (Verdict.FAIL, 0, (f"not evaluated: {ended}",))
    assert judged([*left, *on([14, 15]), *on([16, 17, 18, 19, 20], **new)]).reason == f"1 of 2 resources could violate it: {ended} (not evaluated)"


def test_a_later_job_of_an_unknown_version_may_be_of_a_newer_one() -> None:
    listed = [*on([12, 13, 14]), *on([12, 13, 14], ResourceArn=VOLUME)]
    newer = on([15, 16, 17, 18, 19, 20], BackupPlanVersion=None, ResourceArn=VOLUME)
    assert judged([*listed, *newer]).verdict is Verdict.INCONCLUSIVE
    # A job that the group's own version made is none.
    assert judged([*listed, *on([15, 16, 17, 18, 19, 20], ResourceArn=VOLUME)]).verdict is Verdict.FAIL


def test_two_rules_of_one_version_that_share_a_name_stay_two() -> None:
    evening = {"BackupRuleId": "r2", "BackupRuleCron": "cron(0 17 ? * * *)"}
    jobs = [*on(range(12, 21)), *(scheduled(f"2026-11-{day}T17:00:09Z", **evening) for day in (12, 13, 14, 15, 16, 18, 19))]
    assert lost(judged(jobs)) == ["2026-11-17T17:00:00"]


def test_a_rule_that_was_renamed_connects_the_ids_of_both_names() -> None:
    third = on([19, 20], BackupPlanVersion="v3", BackupRuleId="r3", BackupRuleName="nightly")
    second = on([16, 17], BackupPlanVersion="v2", BackupRuleId="r2", BackupRuleName="nightly")
    first = [*on([13]), *on([14], BackupPlanVersion="v1a", BackupRuleId="r2")]
    result = judged([*first, *second, *third])
    assert lost(result) == ["2026-11-15T05:00:00", "2026-11-18T05:00:00"]
    assert "(rule nightly)" in result.findings[0].message


@pytest.mark.parametrize(
    ("cron", "reason"),
    [
        (None, "no BackupRuleCron is recorded"),
        ("rate(1 day)", '"rate(1 day)" is a rate; AWS Backup documents only cron expressions, and a rate has no known start'),
        ("cron(0 5 ? * *)", '"cron(0 5 ? * *)" is not a cron expression of six fields: minutes, hours, day of month, month, day of week, year'),
    ],
)
def test_a_schedule_that_cannot_be_computed_is_no_pass(cron: str | None, reason: str) -> None:
    result = judged(on(range(10, 21), BackupRuleCron=cron))
    assert (result.verdict, result.undecided) == (Verdict.INCONCLUSIVE, 1)
    assert result.reason == f"no schedule can be computed for plan p1, rule daily (111122223333/eu-west-1), 1 resource: {reason}"
    assert judged(on(range(10, 21), BackupRuleCron=cron), most="999").verdict is Verdict.INCONCLUSIVE
    assert result.notes == (f"undecided: plan p1, rule daily (111122223333/eu-west-1), 1 resource: {reason}",)


def test_a_time_zone_that_nobody_recorded_is_utc() -> None:
    result = judged([*on([12, 13, 14, 15], BackupRuleTimezone="UTC"), *on([16, 17, 19, 20], BackupRuleTimezone=None)])
    assert (lost(result), result.notes) == (["2026-11-18T05:00:00"], ())


def test_a_time_zone_that_two_records_contradict_each_other_in_is_unknown() -> None:
    nights = [*on(range(10, 18), BackupRuleTimezone=None), *on(range(19, 21), BackupRuleTimezone=None)]
    known = job_list(nights)
    told = replace(known, unusable=dict.fromkeys(range(len(nights)), frozenset({"CreatedBy.BackupRuleTimezone"})))
    results = [judge_runs([rule()], replace(context({}, [covered()]), lists={"backup_jobs": listed}))[0] for listed in (known, told)]
    assert [result.verdict for result in results] == [Verdict.FAIL, Verdict.INCONCLUSIVE]
    assert "no schedule can be computed" in results[1].reason


def test_a_time_zone_that_nobody_knows_is_no_pass() -> None:
    result = judged(on(range(10, 21), BackupRuleTimezone="Mars/Olympus"))
    named = "no schedule can be computed for plan p1, rule daily (111122223333/eu-west-1), 1 resource"
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, f'{named}: "Mars/Olympus" is no time zone known here')


def test_one_schedule_that_cannot_be_computed_is_no_pass_beside_others_that_can() -> None:
    broken = on(range(10, 21), BackupRuleCron=None, ResourceArn=VOLUME)
    result = judged([*on(range(10, 21)), *broken])
    assert (result.verdict, result.undecided, result.subjects, len(result.notes)) == (Verdict.INCONCLUSIVE, 1, 2, 1)
    # What is missed for certain is told all the same.
    assert lost(judged([*on([16, 18, 19, 20]), *broken])) == ["2026-11-17T05:00:00"]
    idle = on(range(10, 21), BackupRuleCron="cron(0 5 1 1 ? *)")
    assert (judged([*idle, *broken], no_data=NoData.PASS)).verdict is Verdict.INCONCLUSIVE


def test_a_schedule_that_an_old_client_did_not_record_before_the_window_does_not_matter() -> None:
    old = on(range(1, 10), BackupRuleCron=None)
    assert judged([*old, *on(range(10, 21))]).verdict is Verdict.PASS
    assert judged([*old, *on(range(14, 21))]).verdict is Verdict.INCONCLUSIVE


def test_many_schedules_that_cannot_be_computed_are_named_up_to_a_number() -> None:
    reason = judged([one for number in range(9) for one in on([12, 13], BackupRuleCron=None, BackupPlanId=f"p{number}")]).reason
    assert (reason.count("no schedule can be computed for"), reason.endswith("; and 6 more")) == (3, True)


def test_text_of_a_schedule_is_cleaned() -> None:
    result = judged(on(range(10, 21), BackupRuleCron=HOSTILE, BackupRuleName="\x1b[2Jrule\nnot judged: x"))
    assert all(line.isprintable() for line in (result.reason, *result.notes))
    missing = judged(on([15, 17, 20], BackupRuleName="\x1b[2Jrule\nx", BackupPlanId="p\n1"))
    (finding,) = missing.findings
    assert all(line.isprintable() for line in (finding.message, *finding.details))


def test_a_resource_first_seen_in_the_window_misses_nothing_before() -> None:
    result = judged([*on(range(10, 21)), *on([18, 20], ResourceArn=VOLUME)])
    assert [(finding.subject, *lost(result)) for finding in result.findings] == [(VOLUME, "2026-11-19T05:00:00")]


def test_a_plan_that_went_silent_is_one_finding() -> None:
    resources = [f"arn:aws:ec2:eu-west-1:111122223333:instance/i-{number}" for number in range(3)]
    jobs = [one for resource in resources for one in on(range(10, 17), ResourceArn=resource, BackupPlanName="nightly")]
    alive = on(range(10, 21), BackupPlanId="p2", ResourceArn=VOLUME)
    result = judged([*jobs, *alive])
    (finding,) = result.findings
    assert (finding.subject, finding.account, finding.region, finding.cause, finding.resource_type) == (
        PLAN_ARN,
        "111122223333",
        "eu-west-1",
        "plan_silent",
        None,
    )
    told = "9 scheduled runs missed within 7d, at most 0: the newest 2026-11-19T05:00:00Z (rule daily)"
    assert finding.message == f"plan nightly is silent for all 3 resources, no job since 2026-11-16T05:00:09Z: {told}"
    days = [f"2026-11-{day}T05:00:00Z: rule daily of plan nightly, cron(0 5 ? * * *) in Etc/UTC, 3 resources" for day in (17, 18, 19)]
    assert finding.details == (*days, *(f"{resource}: 3 runs missed" for resource in resources))
    assert result.subjects == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"ResourceArn": VOLUME},  # for another resource, on a day that the others missed
        {"BackupRuleId": None, "ResourceArn": VOLUME},
    ],
)
def test_a_plan_that_still_makes_a_job_is_not_silent(changes: dict[str, Any]) -> None:
    jobs = [one for number in range(2) for one in on(range(10, 17), ResourceArn=f"arn:aws:ec2:eu-west-1:111122223333:instance/i-{number}")]
    result = judged([*jobs, *on([18], **changes)])
    assert {finding.cause for finding in result.findings} == {"missed_run"}
    assert len(result.findings) in {2, 3}


def test_a_plan_of_which_a_resource_missed_nothing_is_not_silent() -> None:
    resources = [f"arn:aws:ec2:eu-west-1:111122223333:instance/i-{number}" for number in range(2)]
    weekly = {"BackupRuleId": "r2", "BackupRuleCron": "cron(0 5 ? * SUN *)", "ResourceArn": VOLUME}
    jobs = [*(one for resource in resources for one in on(range(10, 17), ResourceArn=resource)), *on([8, 15], **weekly)]
    assert [(finding.subject, finding.cause) for finding in judged(jobs).findings] == [(resource, "missed_run") for resource in resources]


def test_a_single_resource_is_no_silent_plan() -> None:
    assert [finding.cause for finding in judged(on(range(10, 17))).findings] == ["missed_run"]


def test_a_plan_without_an_arn_is_named_by_its_id() -> None:
    jobs = [one for number in range(2) for one in on(range(10, 17), BackupPlanArn=None, ResourceArn=f"arn:aws:ec2:eu-west-1:111122223333:instance/i-{number}")]
    assert [finding.subject for finding in judged(jobs).findings] == ["p1"]


def test_a_silent_plan_hides_nothing_that_another_plan_missed() -> None:
    resources = [f"arn:aws:ec2:eu-west-1:111122223333:instance/i-{number}" for number in range(2)]
    silent = [one for resource in resources for one in on(range(10, 17), ResourceArn=resource)]
    other = {"BackupPlanId": "p2", "BackupRuleCron": "cron(0 3 ? * * *)", "ResourceArn": resources[0]}
    alive = [scheduled(f"2026-11-{day}T03:00:09Z", **other) for day in (10, 11, 12, 13, 14, 16, 17, 18, 19, 20)]
    result = judged([*silent, *alive])
    assert [(finding.subject, finding.cause) for finding in result.findings] == [(PLAN_ARN, "plan_silent"), (resources[0], "missed_run")]
    assert lost(result)[-4:] == ["2026-11-15T03:00:00", "2026-11-17T05:00:00", "2026-11-18T05:00:00", "2026-11-19T05:00:00"]


def test_one_arn_in_two_accounts_is_two_resources() -> None:
    bucket = "arn:aws:s3:::shared"
    mine, theirs = on(range(12, 21), ResourceArn=bucket), on([12, 13, 14, 15, 16, 17, 19, 20], ResourceArn=bucket, AccountId="444455556666")
    result = judged([*mine, *theirs], coverage=[covered(), covered(account="444455556666")])
    assert ([(finding.account, finding.subject) for finding in result.findings], result.subjects) == ([("444455556666", bucket)], 2)


@pytest.mark.parametrize("unknown", [{"CreationDate": None}, {"ResourceArn": None}])
def test_a_scheduled_job_without_time_or_resource_is_no_pass(unknown: dict[str, None]) -> None:
    whole = on(range(12, 21))
    result = judged([*whole, *on([11], **unknown, BackupPlanId="p2", BackupJobId="odd")])
    assert result.verdict is Verdict.INCONCLUSIVE
    assert (
        result.reason
        == "1 scheduled job (account 111122223333) records no ResourceArn, Account, Region or CreationDate, so it is unknown which runs it answers"
    )
    # One that the rule certainly does not choose does not matter, unless it is of the same plan.
    assert judged([*whole, *on([11], **unknown, BackupPlanId="p2", ResourceType="RDS")], where=compare("ResourceType", "EC2")).verdict is Verdict.PASS


@pytest.mark.parametrize("unknown", [{"CreationDate": None}, {"ResourceArn": None}])
def test_a_job_of_the_plan_without_time_or_resource_may_have_answered(unknown: dict[str, None]) -> None:
    gap, odd = on([12, 13, 14, 15, 16, 18, 19, 20]), on([17], **unknown, BackupRuleId=None, BackupJobId="odd")
    # Another run than that it could have come for is certainly missed.
    assert judged([*on([12, 13, 14, 15, 16, 18, 20]), *odd]).verdict is (Verdict.FAIL if "ResourceArn" in unknown else Verdict.INCONCLUSIVE)
    result = judged([*gap, *odd])
    assert (result.verdict, result.possible, result.findings) == (Verdict.INCONCLUSIVE, 1, ())
    told = (
        "1 of 1 resource could violate it: a job of their plan does not record ResourceArn, Account, Region or CreationDate; 1 job (account 111122223333) might"
    )
    assert result.reason.startswith(told)
    # What another plan missed is certain all the same.
    other = on([12, 13, 14, 15, 16, 18, 19, 20], BackupPlanId="p2", ResourceArn=VOLUME)
    both = judged([*gap, *odd, *other])
    assert (both.verdict, [finding.subject for finding in both.findings], both.possible) == (Verdict.FAIL, [VOLUME], 1)


def test_a_group_that_may_be_chosen_misses_possibly() -> None:
    gap = on([12, 13, 14, 15, 16, 18, 19, 20], ResourceType=None)
    result = judged(gap, where=compare("ResourceType", "EC2"))
    assert (result.verdict, result.possible, result.examined) == (Verdict.INCONCLUSIVE, 1, 0)
    assert result.reason == f"1 of 1 resource could violate it: ResourceType is unknown in their records{DROPPED} ResourceType"
    # One record that is chosen makes the group sure, and what it misses.
    assert judged([*gap, *on([11])], where=compare("ResourceType", "EC2")).verdict is Verdict.FAIL


def test_a_group_that_may_be_chosen_and_misses_nothing_is_no_evidence() -> None:
    result = judged(on(range(12, 21), ResourceType=None), where=compare("ResourceType", "EC2"), no_data=NoData.PASS)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason == f"9 jobs might belong to it, but no run that was due certainly does: ResourceType is unknown in their records{DROPPED} ResourceType"


def test_possible_runs_count_beside_definite_ones() -> None:
    sure, perhaps = on([14, 15, 16, 18, 19, 20]), on([14, 15, 16, 18, 19, 20], BackupPlanId="p2", ResourceType=None)
    chosen = compare("ResourceType", "EC2")
    assert judged([*sure, *perhaps], where=chosen, most="1").verdict is Verdict.INCONCLUSIVE
    assert judged([*sure, *perhaps], where=chosen, most="0").verdict is Verdict.FAIL
    assert judged([*sure, *perhaps], where=chosen, most="2").verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("no_data", "verdict"),
    [
        (NoData.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        (NoData.QUIET, Verdict.INCONCLUSIVE),
        (NoData.PASS, Verdict.PASS),
        (NoData.SKIP, Verdict.SKIPPED),
        (NoData.FAIL, Verdict.FAIL),
    ],
)
def test_where_no_run_was_due_no_data_decides(no_data: NoData, verdict: Verdict) -> None:
    result = judged(on([20]), no_data=no_data)
    assert (result.verdict, result.subjects) == (verdict, 1)
    message = result.findings[0].message if verdict is Verdict.FAIL else result.reason
    assert message == "nothing to evaluate: no scheduled run was due within 7d"
    assert judged([], no_data=no_data).verdict is verdict


def test_short_evidence_is_no_pass_and_a_run_it_does_not_show_is_possibly_missed() -> None:
    short = [covered(start=AS_OF - timedelta(days=6))]
    result = judged(on(range(12, 21)), coverage=short)
    assert (result.verdict, "is covered only from" in result.reason) == (Verdict.INCONCLUSIVE, True)
    gap = judged(on([15, 16, 18, 20]), coverage=short)
    assert (gap.verdict, gap.possible, gap.findings) == (Verdict.INCONCLUSIVE, 1, ())
    stale = judged(on([15, 16, 18]), coverage=[covered(end=AS_OF - timedelta(days=2))])
    assert (stale.verdict, stale.possible, "is covered only to" in stale.reason) == (Verdict.INCONCLUSIVE, 1, True)


def test_a_list_that_was_not_read_is_no_pass() -> None:
    (result,) = judge_runs([rule()], context({}, [])).values()
    assert result.reason == "this run has no list of backup jobs (ListBackupJobs)"


def test_choice_scope_and_where_choose_groups_and_every_job_answers() -> None:
    parents = on([12, 13, 14, 15, 16, 18, 19, 20])
    members = on(range(12, 21), ParentJobId="j0", ResourceArn=VOLUME)
    assert judged([*parents, *members], jobs=JobChoice.MEMBERS).verdict is Verdict.PASS
    assert judged([*parents, *members], jobs=JobChoice.TOP_LEVEL).verdict is Verdict.FAIL
    outside = Scope(accounts=("444455556666",), may_be_empty=("444455556666",))
    assert judged(parents, scope=outside, coverage=[covered()], no_data=NoData.PASS).findings == ()


def test_what_was_created_after_as_of_has_not_answered() -> None:
    as_of = datetime(2026, 11, 18, 14, tzinfo=UTC)
    assert lost(judged([*on(range(10, 18)), scheduled("2026-11-18T14:00:01Z")], as_of=as_of)) == ["2026-11-18T05:00:00"]


def test_the_universe_is_the_list_of_backup_jobs_from_where_it_is_evidence() -> None:
    shown = AS_OF - timedelta(days=20), AS_OF
    for coverage, start in ((covered(), AS_OF - timedelta(days=400)), (covered(evidence=shown), shown[0])):
        assert judged(on(range(10, 21)), coverage=[coverage]).universe == Universe("backup jobs", start, 1)


def test_several_rules_are_judged_in_one_pass_each_by_its_own_window() -> None:
    everything: Condition = And()
    rules = [rule(0), rule(1, within="2d"), rule(2, where=compare("ResourceType", "RDS")), rule(3, where=everything, most="1")]
    results = judge_runs(rules, context({"backup_jobs": on([12, 13, 14, 15, 17, 18, 19, 20])}, [covered()]))
    assert [results[number].verdict for number in range(4)] == [Verdict.FAIL, Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.PASS]
    assert judge_runs([], context({"backup_jobs": []}, [])) == {}


def test_the_order_of_the_list_does_not_matter() -> None:
    jobs = [*on([10, 13, 14, 16, 18, 20]), *on([11, 12, 17], BackupPlanVersion="v2"), *on([15, 17], ResourceArn=VOLUME)]
    assert judged(jobs) == judged(jobs[::-1])
