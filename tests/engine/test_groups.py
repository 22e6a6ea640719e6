"""Rules on groups (docs/groups-specification.md): each measure at its edges, in the verdicts, findings and messages it leads to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from policycheck.datasets import RESTORE_JOBS
from policycheck.engine.evaluate import judge
from policycheck.errors import Location
from policycheck.policy.conditions import Condition
from policycheck.policy.measures import Measure
from policycheck.policy.model import AllMatch, JobChoice, NoData, NoneMatch, Policy, Qualifiers, Requirement, Rule, Statement
from policycheck.records import iso
from policycheck.result import Breach, RuleResult
from tests.backends import BACKEND
from tests.engine.expectations import CLEAN, FAILED, RUNNING, at, clean, condition, covered, expect, grouped, said
from tests.engine.lists import AS_OF, Job, job_list

DROPPED = ": fields were dropped from the list; save it with"
DAMAGED = "it lacks fields that AWS always records; save the list again"

UNKNOWN: Job = {"State": None}


def failed() -> Condition:
    return condition("State", "FAILED")


def ok(hours: float, name: str = "i-1", /, **changes: Any) -> Job:
    return at(hours, name, **{**CLEAN, **changes})


def bad(hours: float, name: str = "i-1", /, **changes: Any) -> Job:
    return at(hours, name, **{**FAILED, **changes})


def count_failed(limit: str, *jobs: Job, **more: Any) -> RuleResult:
    return grouped(expect(Measure.COUNT, failed(), limit), jobs, **{"within": "7d", **more})


class TestCount:
    @pytest.mark.parametrize(("limit", "verdict"), [("at_most 2", "pass"), ("at_most 1", "fail"), ("less_than 2", "fail"), ("less_than 3", "pass")])
    def test_upper_bound(self, limit: str, verdict: str) -> None:
        assert said(count_failed(limit, bad(1), bad(2), ok(3)))[0] == verdict

    @pytest.mark.parametrize(("limit", "verdict"), [("at_least 2", "pass"), ("more_than 2", "fail"), ("at_least 3", "fail"), ("more_than 1", "pass")])
    def test_lower_bound(self, limit: str, verdict: str) -> None:
        result = grouped(expect(Measure.COUNT, clean(), limit), [ok(1), ok(2), bad(3), ok(300)], within="7d")
        assert said(result)[0] == verdict

    def test_finding_lists_the_jobs_that_are_too_many(self) -> None:
        result = count_failed("at_most 1", bad(1), bad(2), bad(3, "i-2"), ok(4))
        (finding,) = result.findings
        assert (finding.jobs, finding.message) == (("i-1@1", "i-1@2"), "2 FAILED jobs within 7d, at most 1, 1 over")
        assert [record["State"] for record in finding.evidence] == ["FAILED", "FAILED"]
        assert (result.examined, result.subjects, finding.resource_type, finding.cause) == (4, 2, "EC2", "access_denied")

    def test_finding_of_too_few_lists_none(self) -> None:
        (finding,) = grouped(expect(Measure.COUNT, clean(), "at_least 7"), [ok(1), ok(300)], within="8d").findings
        assert (finding.jobs, finding.message) == ((), "1 clean job within 8d, at least 7, 6 short")

    @pytest.mark.parametrize(("limit", "verdict"), [("at_most 1", "inconclusive"), ("at_most 0", "fail"), ("at_most 2", "pass")])
    def test_unknown_state_is_judged_both_ways(self, limit: str, verdict: str) -> None:
        result = count_failed(limit, bad(1), at(2, **UNKNOWN))
        assert said(result)[0] == verdict
        if verdict == "inconclusive":
            assert (result.reason, result.possible) == (
                f"1 of 1 subject could violate it: CompletionDate, State are unknown in its record: {DAMAGED}",
                1,
            )

    def test_window_edge_is_in(self) -> None:
        end = {"CompletionDate": (AS_OF - timedelta(hours=24)).timestamp()}
        assert said(count_failed("at_most 0", bad(30, **end), within="24h"))[0] == "fail"
        assert said(count_failed("at_most 0", bad(30, CompletionDate=end["CompletionDate"] - 1), ok(2), within="24h"))[0] == "pass"

    def test_clock_chooses_the_time_that_counts(self) -> None:
        late = bad(30, CompletionDate=(AS_OF - timedelta(hours=2)).timestamp())
        assert said(count_failed("at_most 0", late, ok(2), within="24h", clock="CreationDate"))[0] == "pass"
        assert said(count_failed("at_most 0", late, within="24h", clock="CompletionDate"))[0] == "fail"

    def test_rewound_job_had_not_failed_yet(self) -> None:
        later = bad(2, CompletionDate=(AS_OF + timedelta(hours=1)).timestamp())
        assert said(count_failed("at_most 0", later))[0] == "pass"
        result = grouped(expect(Measure.COUNT, condition("State", "RUNNING"), "at_most 0"), [later], within="7d")
        assert said(result)[0] == "fail"

    def test_top_level_counts_a_composite_job_once(self) -> None:
        jobs = [bad(2, BackupJobId="parent"), bad(2, BackupJobId="c1", ParentJobId="parent"), bad(2, BackupJobId="c2", ParentJobId="parent")]
        assert said(count_failed("at_most 1", *jobs, jobs=JobChoice.TOP_LEVEL))[0] == "pass"
        assert said(count_failed("at_most 1", *jobs))[0] == "fail"

    def test_all_jobs_together_are_one_group(self) -> None:
        result = grouped(expect(Measure.COUNT, failed(), "at_most 1", ()), [bad(1), bad(2, "i-2")], within="7d")
        assert [(f.subject, f.account, f.jobs) for f in result.findings] == [("all", None, ("i-1@1", "i-2@2"))]

    @pytest.mark.parametrize("no_data", list(NoData))
    def test_no_bound_is_met_by_a_vault_that_no_job_names(self, no_data: NoData) -> None:
        wanted = {NoData.PASS: "pass", NoData.SKIP: "skipped", NoData.FAIL: "fail"}
        where = condition("BackupVaultName", "prdo")
        result = grouped(expect(Measure.COUNT, failed(), "at_most 1", ()), [bad(1)], within="7d", where=where, no_data=no_data)
        assert result.verdict == wanted.get(no_data, "inconclusive")
        assert [f.subject for f in result.findings] == (["(no jobs)"] if no_data is NoData.FAIL else [])

    def test_no_bound_is_met_where_no_job_certainly_belongs(self) -> None:
        result = grouped(expect(Measure.COUNT, failed(), "at_most 1", ()), [ok(1, ResourceType=None)], within="7d", where=condition("ResourceType", "EC2"))
        assert (result.verdict, result.reason) == (
            "inconclusive",
            f"no job certainly belongs to it: ResourceType is unknown in its record{DROPPED} ResourceType",
        )

    def test_jobs_of_nobody_are_at_best_inconclusive(self) -> None:
        result = count_failed("at_most 1", ok(1), bad(2, ResourceArn=None))
        assert result.verdict == "inconclusive"
        assert result.reason == "1 backup job might belong to any subject or to none: no ResourceArn recorded"
        assert said(count_failed("at_most 1", bad(1), bad(3), bad(2, ResourceArn=None)))[0] == "fail"
        assert said(count_failed("at_most 1", ok(1), bad(2000, ResourceArn=None), coverage=[covered(2, days=99)]))[0] == "pass"

    def test_one_resource_in_two_accounts_is_two_subjects(self) -> None:
        other = bad(2, AccountId="444455556666", BackupVaultArn=None)
        both = [covered(1), covered(1, account="444455556666")]
        result = count_failed("at_most 0", ok(1), other, coverage=both)
        assert [(f.account, f.jobs) for f in result.findings] == [("444455556666", ("i-1@2",))]
        assert result.subjects == 2


class TestShare:
    def share(self, limit: str, *jobs: Job, **more: Any) -> RuleResult:
        return grouped(expect(Measure.SHARE, condition("State", "COMPLETED"), limit, ()), jobs, **{"within": "7d", **more})

    def test_limit(self) -> None:
        jobs = [*(ok(hours) for hours in range(1, 40)), bad(50)]
        (finding,) = self.share("at_least 99%", *jobs).findings
        assert (finding.message, finding.jobs) == ("97.5% (39 of 40) COMPLETED jobs, at least 99%", ("i-1@50",))
        assert said(self.share("at_least 97.5%", *jobs))[0] == "pass"
        assert said(self.share("more_than 97.5%", *jobs))[0] == "fail"

    def test_upper_bound_lists_what_matches(self) -> None:
        result = grouped(expect(Measure.SHARE, failed(), "at_most 10%", ()), [ok(1), bad(2)], within="7d")
        assert [(f.jobs, f.message) for f in result.findings] == [(("i-1@2",), "50% (1 of 2) FAILED jobs, at most 10%")]

    def test_jobs_in_progress_are_left_out_and_counted(self) -> None:
        due = (AS_OF + timedelta(hours=1)).timestamp()
        result = self.share("at_least 100%", ok(1), at(2, ExpectedCompletionDate=due, **RUNNING))
        assert (result.verdict, result.undecided, result.examined) == ("pass", 1, 1)

    def test_overdue_jobs_and_those_of_unknown_due_time_do_count(self) -> None:
        due = (AS_OF - timedelta(hours=1)).timestamp()
        assert said(self.share("at_least 100%", ok(1), at(3, ExpectedCompletionDate=due, **RUNNING)))[0] == "fail"
        assert said(self.share("at_least 100%", ok(1), at(3, **RUNNING)))[0] == "inconclusive"
        # However long it has been running: no job has a longest duration.
        assert said(self.share("at_least 100%", ok(1), at(24 * 9, **RUNNING)))[0] == "inconclusive"

    @pytest.mark.parametrize(
        ("no_data", "expected"),
        [("inconclusive", "inconclusive"), ("pass", "pass"), ("skip", "skipped"), ("fail", "fail"), ("quiet", "pass")],
    )
    def test_nothing_decided_takes_no_data(self, no_data: str, expected: str) -> None:
        result = self.share("at_least 99%", ok(300), no_data=NoData(no_data))
        assert result.verdict == expected
        if expected == "fail":
            assert [f.message for f in result.findings] == ["no decided backup job in the window, and no_data is fail"]
        if no_data == "pass":
            assert result.notes == ("1 of 1 subject without a decided job in the window: skipped, as no_data pass says",)

    def test_no_data_fail_needs_evidence_that_there_is_nothing(self) -> None:
        assert said(self.share("at_least 99%", ok(300), no_data=NoData.FAIL, coverage=[covered(1, days=3)])) == ("inconclusive", [])
        # Beside one that violates, too.
        requirement = expect(Measure.SHARE, failed(), "at_most 10%")
        jobs: list[Job] = [bad(2), ok(300, "i-2")]
        more: dict[str, Any] = {"within": "7d", "no_data": NoData.FAIL}
        assert said(grouped(requirement, jobs, coverage=[covered(1, days=3)], **more)) == ("inconclusive", [])
        assert said(grouped(requirement, jobs, **more)) == ("fail", ["i-1", "i-2"])


class TestNewest:
    def newest(self, *jobs: Job, limit: str = "at_most 36h", **more: Any) -> RuleResult:
        return grouped(expect(Measure.NEWEST, clean(), limit), jobs, **more)

    def test_limit_exactly_met(self) -> None:
        assert said(self.newest(ok(36)))[0] == "pass"
        assert said(self.newest(ok(36), limit="less_than 36h"))[0] == "fail"
        assert said(self.newest(ok(36.001)))[0] == "fail"

    def test_message_tells_how_old_and_what_came_since(self) -> None:
        (finding,) = self.newest(ok(60), ok(41), bad(30), bad(20), bad(1)).findings
        assert finding.message == "newest clean job is 41 h old, at most 36h, 5 h over; 3 jobs since then: FAILED"
        assert (finding.jobs, finding.cause) == (("i-1@1", "i-1@20", "i-1@30"), "access_denied")

    def test_resource_whose_jobs_stopped_fails(self) -> None:
        result = self.newest(ok(72), ok(96), ok(3, "i-2"), limit="at_most 24h")
        (finding,) = result.findings
        assert (finding.subject[-3:], finding.cause) == ("i-1", "no_job")
        assert finding.message == (
            "newest clean job is 3 d old, at most 24h, 2 d over; "
            f"no backup job of any state since {iso(AS_OF - timedelta(hours=72))}; it was deleted or is no longer in its plan (job lists do not show which)"
        )

    def test_resource_without_any_match_has_no_age(self) -> None:
        (finding,) = self.newest(bad(1), bad(20), at(2, **RUNNING)).findings
        assert finding.message == f"no clean job since {iso(AS_OF - timedelta(days=30))}, at most 36h; 3 jobs: FAILED, RUNNING"
        assert finding.jobs == ("i-1@1", "i-1@20")

    def test_unknown_creation_date_may_be_new_and_may_be_old(self) -> None:
        result = self.newest(ok(1, CreationDate=None))
        assert (result.verdict, result.reason) == (
            "inconclusive",
            f"1 of 1 subject could violate it: CreationDate is unknown in its record{DROPPED} CreationDate",
        )
        assert said(self.newest(ok(40), bad(1, CreationDate=None)))[0] == "fail"

    def test_it_is_the_creation_that_counts(self) -> None:
        assert said(self.newest(ok(40, CompletionDate=(AS_OF - timedelta(hours=1)).timestamp())))[0] == "fail"

    def test_coverage_must_reach_back_to_the_limit(self) -> None:
        short = self.newest(ok(1), coverage=[covered(days=1)])
        assert short.verdict == "inconclusive"
        assert "the window begins at" in short.reason
        # What the list does not show may have happened.
        old = self.newest(ok(40), coverage=[covered(days=1)])
        assert (old.verdict, old.possible) == ("inconclusive", 1)

    def test_pass_tells_who_fails_first_and_when(self) -> None:
        result = self.newest(ok(10), ok(30, "i-2"), ok(3, "i-3"))
        assert result.breach == Breach(AS_OF + timedelta(hours=6), "arn:aws:ec2:eu-west-1:111122223333:instance/i-2")
        assert self.newest(ok(40)).breach is None

    def test_job_without_an_outcome_is_both(self) -> None:
        assert said(self.newest(at(3)))[0] == "inconclusive"


class TestLatest:
    def latest(self, *jobs: Job, **more: Any) -> RuleResult:
        return grouped(expect(Measure.LATEST, clean()), jobs, **{"within": "7d", **more})

    def test_the_job_that_ended_last_decides(self) -> None:
        assert said(self.latest(bad(9), ok(3)))[0] == "pass"
        (finding,) = self.latest(ok(9), bad(3, StatusMessage="Access denied.")).findings
        assert finding.jobs == ("i-1@3",)
        assert finding.message == "the latest backup job, ended 2 h before as_of, is FAILED (AccessDenied); Access denied; the latest must be a clean job"

    def test_jobs_in_progress_have_not_ended(self) -> None:
        assert said(self.latest(ok(9), at(1, **RUNNING)))[0] == "pass"
        assert said(self.latest(ok(9), bad(2, CompletionDate=(AS_OF + timedelta(hours=1)).timestamp())))[0] == "pass"

    def test_expired_job_ended_when_it_should_have_started(self) -> None:
        expired = {"State": "EXPIRED", "CompletionDate": None, "StartBy": (AS_OF - timedelta(hours=1)).timestamp()}
        assert said(self.latest(ok(3), at(9, **expired)))[0] == "fail"

    def test_unknown_end_or_state_makes_it_unknown(self) -> None:
        result = self.latest(ok(3), bad(9, CompletionDate=None))
        assert (result.verdict, result.reason[:71]) == ("inconclusive", "1 of 1 subject could violate it: the time or the subject of a job is un")
        assert said(self.latest(ok(3), at(9, **UNKNOWN)))[0] == "inconclusive"
        assert said(self.latest(bad(3), bad(9, CompletionDate=None))) == ("fail", ["i-1"])

    def test_message_claims_no_latest_job_where_several_may_be(self) -> None:
        # The order of the list says nothing of which ended last, whatever the engine makes of it.
        jobs = [bad(3), bad(9, CompletionDate=None), at(9, CreationDate=None, CompletionDate=None, State="ABORTED", BackupJobId="undated")]
        told = {finding.message for order in (jobs, jobs[::-1]) for finding in self.latest(*order).findings}
        assert told == {"the latest backup job is ABORTED or FAILED: which of 3 ended last is unknown; the latest must be a clean job"}

    def test_nothing_finished_takes_no_data(self) -> None:
        # Of i-1 a job runs in the window, on another vault than its earlier ones, which are not asked about.
        where = condition("BackupVaultName", "prod")
        runs = [ok(300, BackupVaultName="old"), at(1, **RUNNING, ExpectedCompletionDate=(AS_OF + timedelta(hours=1)).timestamp())]
        found = {no_data: said(self.latest(ok(1, "i-2"), *runs, no_data=no_data, where=where)) for no_data in NoData}
        assert found == {
            NoData.INCONCLUSIVE: ("inconclusive", []),
            NoData.PASS: ("pass", []),
            NoData.QUIET: ("inconclusive", []),
            NoData.FAIL: ("fail", ["i-1"]),
            NoData.SKIP: ("pass", []),
        }
        assert said(self.latest(*runs, where=where))[0] == "inconclusive"
        assert said(self.latest(*runs, where=where, no_data=NoData.SKIP))[0] == "skipped"
        assert said(self.latest(ok(1, "i-2"), ok(300), no_data=NoData.QUIET))[0] == "pass"


class TestStreak:
    def streak(self, limit: str, *jobs: Job, of: Condition | None = None) -> RuleResult:
        return grouped(expect(Measure.STREAK, of or failed(), limit), jobs, within="7d")

    def test_longest_run_counts(self) -> None:
        jobs = [bad(9), ok(8), bad(7), bad(6), at(5.5, **RUNNING), bad(5), ok(4)]
        assert said(self.streak("at_most 3", *jobs))[0] == "pass"
        (finding,) = self.streak("at_most 2", *jobs).findings
        assert (finding.jobs, finding.message) == (("i-1@5", "i-1@6", "i-1@7"), "longest run of FAILED jobs is 3, at most 2, 1 over")

    def test_lower_bound(self) -> None:
        assert said(self.streak("at_least 3", ok(3), ok(2), ok(1), of=clean()))[0] == "pass"
        assert said(self.streak("at_least 3", ok(4), ok(3), bad(2), ok(1), of=clean()))[0] == "fail"

    def test_a_job_in_progress_breaks_a_run_where_its_state_is_not_asked(self) -> None:
        of = condition("ResourceType", "EC2")
        assert said(self.streak("at_least 2", ok(300, ResourceType="EBS"), ok(3), at(2, ResourceType="EBS", **RUNNING), ok(1), of=of))[0] == "fail"

    @pytest.mark.parametrize("odd", [at(2.5, **UNKNOWN), at(2.5, CreationDate=None, **UNKNOWN), bad(2.5, CreationDate=None)])
    def test_what_may_break_a_run_is_no_pass(self, odd: Job) -> None:
        assert said(self.streak("at_least 3", ok(3), ok(2), ok(1), odd, of=clean()))[0] == "inconclusive"

    def test_what_may_extend_a_run_is_no_pass(self) -> None:
        assert said(self.streak("at_most 2", bad(3), bad(2), at(1, **UNKNOWN)))[0] == "inconclusive"
        assert said(self.streak("at_most 2", bad(3), bad(2), bad(1, CreationDate=None)))[0] == "inconclusive"


class TestLongestGap:
    def gap(self, *jobs: Job, limit: str = "at_most 26h", **more: Any) -> RuleResult:
        return grouped(expect(Measure.LONGEST_GAP, clean(), limit), jobs, **{"within": "3d", **more})

    def test_limit_exactly_met(self) -> None:
        jobs = [ok(72), ok(46), ok(20), ok(2)]
        assert said(self.gap(*jobs))[0] == "pass"
        assert said(self.gap(*jobs, limit="less_than 26h"))[0] == "fail"

    def test_message_tells_from_when_to_when(self) -> None:
        (finding,) = self.gap(ok(300), ok(60), ok(29), bad(40), ok(3)).findings
        assert finding.message == (
            f"longest time without a clean job 31 h ({iso(AS_OF - timedelta(hours=60))} to {iso(AS_OF - timedelta(hours=29))}), at most 26h, 5 h over"
        )
        assert finding.jobs == ("i-1@3",)

    def test_resource_whose_jobs_stopped_has_no_job(self) -> None:
        (finding,) = self.gap(ok(300), ok(60), ok(40)).findings
        assert finding.cause == "no_job"
        assert "to as_of), at most 26h, 14 h over; no backup job of any state since 2026-11-18T14:00:00Z; it was deleted" in finding.message

    def test_without_a_matching_job_it_is_the_whole_window(self) -> None:
        (finding,) = self.gap(ok(300), bad(3)).findings
        assert finding.message.startswith("longest time without a clean job 3 d (2026-11-17T06:00:00Z to as_of), at most 26h")

    def test_unknown_time_may_fill_any_gap(self) -> None:
        assert said(self.gap(ok(300), ok(1, CreationDate=None)))[0] == "inconclusive"
        assert said(self.gap(ok(300), bad(1, CreationDate=None)))[0] == "fail"

    def test_unknown_state_may_fill_a_gap(self) -> None:
        assert said(self.gap(ok(300), ok(60), ok(46), at(24, **UNKNOWN), ok(1)))[0] == "inconclusive"


def test_rules_of_several_lists_groups_and_kinds_are_judged_in_one_run() -> None:
    requirements: list[Requirement] = [
        expect(Measure.NEWEST, clean(), "at_most 24h"),
        NoneMatch(failed()),
        expect(Measure.COUNT, clean(RESTORE_JOBS), "at_most 0", ()),
        expect(Measure.LATEST, clean(), per=("BackupVaultName",)),
        AllMatch(clean()),
    ]
    datasets = ["restore_jobs" if number == 2 else "backup_jobs" for number in range(5)]
    rules = tuple(
        Rule(f"r{number}", "p", Statement(requirement, dataset=dataset), Qualifiers(), "", Location("p.yaml"))
        for number, (requirement, dataset) in enumerate(zip(requirements, datasets, strict=True))
    )
    lists = {"backup_jobs": job_list([ok(1), bad(2, "i-2")]), "restore_jobs": job_list([{"RestoreJobId": "r", "Status": "FAILED"}], RESTORE_JOBS)}
    results = judge([Policy("p", "", "p.yaml", rules)], lists, [covered(2), covered(1, "restore_jobs", None)], AS_OF, BACKEND)
    assert [(result.id, result.verdict.value) for result in results] == [("r0", "fail"), ("r1", "fail"), ("r2", "pass"), ("r3", "pass"), ("r4", "fail")]
