"""What became of resources day by day: the worst of each day, and nothing that was not seen looks clean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import strategies as st

from policycheck.engine.evaluate import Evaluation, evaluate
from policycheck.history import AgeLimit, CauseDays, DayOutcome, History, ResourceDays
from policycheck.inventory import Inventory, InventoryEntry
from policycheck.result import Basis, Coverage
from policycheck.units import HOUR
from tests.backends import BACKEND
from tests.engine.expectations import CLEAN, FAILED, RUNNING, arn, at
from tests.engine.lists import ACCOUNT, AS_OF, REGION, Job, job_list, load
from tests.properties import examples

RULES = "policy: p\nrules:\n  - {id: r, rule: no FAILED jobs within 24h}\n"
RPO = (
    RULES + "  - {id: rpo, rule: every resource must have a clean job within 36h}\n  - {id: weekly, rule: every EC2 resource must have a clean job within 7d}\n"
)
WHOLE = Coverage("backup_jobs", ACCOUNT, REGION, AS_OF - timedelta(days=5), AS_OF, 1, basis=Basis.OBSERVED)
# AS_OF is at 06:00, so that 3 hours before is the same day and 10 hours before the day before.
TODAY, YESTERDAY, BEFORE = 3, 10, 34
ISSUES: Job = {"MessageCategory": "VSSError", "StatusMessage": "Windows VSS Backup Job Error encountered"}


def told(jobs: Sequence[Job], folder: Path, *coverage: Coverage, rules: str = RULES) -> History:
    history = evaluation(jobs, folder, *coverage, rules=rules).history
    assert history is not None
    return history


def evaluation(jobs: Sequence[Job], folder: Path, *coverage: Coverage, rules: str = RULES) -> Evaluation:
    return evaluate(load(rules, folder), {"backup_jobs": job_list(jobs)}, coverage or (WHOLE,), AS_OF, BACKEND, answers=True)


def letters(row: ResourceDays) -> str:
    return "".join(row.days)


def test_a_day_is_its_worst_job_and_a_day_without_one_is_said_to_be_so(tmp_path: Path) -> None:
    jobs = [
        *(at(hours, **CLEAN) for hours in (TODAY, TODAY + 1, YESTERDAY, BEFORE)),
        at(TODAY + 0.5, **RUNNING),
        at(YESTERDAY + 1, **FAILED),
        at(BEFORE + 1, **ISSUES),
    ]
    history = told(jobs, tmp_path)
    assert (history.start, history.days, history.resources) == (datetime(2026, 11, 15, tzinfo=UTC), 6, 1)
    # The first day begins before the list does.
    assert [letters(row) for row in history.rows] == ["unnifo"]
    assert history.rows[0].subject == arn("i-1")


def test_a_list_that_is_incomplete_shows_what_went_wrong_and_nothing_else(tmp_path: Path) -> None:
    jobs = [at(TODAY, **CLEAN), at(YESTERDAY, **FAILED), at(BEFORE, **ISSUES)]
    for coverage in (replace(WHOLE, complete=False), replace(WHOLE, region="us-east-1"), replace(WHOLE, end=AS_OF - timedelta(days=4))):
        (row,) = told(jobs, tmp_path, coverage).rows
        assert letters(row)[-3:] == "ifu"
        assert DayOutcome.CLEAN not in row.days
        assert DayOutcome.NONE not in row.days[-3:]


def test_a_completed_job_whose_record_says_no_category_is_not_clean(tmp_path: Path) -> None:
    (row,) = told([at(TODAY)], tmp_path).rows
    assert row.days[-1] is DayOutcome.OPEN


def test_the_worst_resources_stand_first_and_the_others_are_counted(tmp_path: Path) -> None:
    jobs = [at(TODAY, f"ok-{number:03}", **CLEAN) for number in range(210)]
    jobs += [at(TODAY, "bad", **FAILED), at(YESTERDAY, "bad", **FAILED), at(TODAY, "poor", **ISSUES), at(BEFORE, "old", **CLEAN)]
    history = told(jobs, tmp_path)
    assert (history.resources, len(history.rows)) == (213, 200)
    assert [row.subject for row in history.rows[:4]] == [arn(name) for name in ("bad", "poor", "old", "ok-000")]


def test_a_resource_that_a_finding_names_and_no_job_is_a_row(tmp_path: Path) -> None:
    entries = tuple(InventoryEntry(arn(name), ACCOUNT, REGION, resource_type="EC2") for name in ("i-1", "gone"))
    rules = RULES + "  - {id: rpo, rule: every resource in inventory prod must have a clean job within 36h}\n"
    lists, inventories = {"backup_jobs": job_list([at(TODAY, **CLEAN)])}, {"prod": Inventory("prod", "prod.csv", entries)}
    history = evaluate(load(rules, tmp_path), lists, (WHOLE,), AS_OF, BACKEND, inventories=inventories, answers=True).history
    assert history is not None
    assert [(row.subject, letters(row)) for row in history.rows] == [(arn("gone"), "unnnnn"), (arn("i-1"), "unnnnc")]


def test_limits_of_age_are_those_of_rules_on_backup_jobs(tmp_path: Path) -> None:
    rules = RPO + "  - {id: restored, rule: every EC2 resource must have a restore job with ValidationStatus SUCCESSFUL within 90d}\n"
    assert told([at(TODAY, **CLEAN)], tmp_path, rules=rules).limits == (AgeLimit("p", "weekly", 7 * 24 * HOUR), AgeLimit("p", "rpo", 36 * HOUR))


def test_causes_are_counted_by_day_in_all_jobs(tmp_path: Path) -> None:
    denied: Job = {**FAILED, "StatusMessage": "Access denied: the role may not"}
    jobs = [at(TODAY, "a", **denied), at(TODAY, "b", **denied), at(YESTERDAY, "a", **denied), at(YESTERDAY, "c", **ISSUES), at(BEFORE, "d", **CLEAN)]
    assert told(jobs, tmp_path).causes == (CauseDays("access_denied", (0, 0, 0, 0, 1, 2)), CauseDays("vss", (0, 0, 0, 0, 1, 0)))


def test_jobs_without_a_creation_date_stand_on_no_day_and_are_counted(tmp_path: Path) -> None:
    history = told([at(TODAY, **CLEAN), at(TODAY, "i-2", **{**CLEAN, "CreationDate": None})], tmp_path)
    assert history.undated == 1


def test_nobody_pays_for_what_no_format_shows(tmp_path: Path) -> None:
    told_nothing = evaluate(load(RULES, tmp_path), {"backup_jobs": job_list([at(TODAY, **CLEAN)])}, (WHOLE,), AS_OF, BACKEND)
    assert told_nothing.history is None
    assert all(not rule.missed for rule in told_nothing.rules)


SCHEDULED: Job = {
    **CLEAN,
    "CreatedBy": {
        "BackupPlanId": "plan", "BackupPlanArn": "arn:aws:backup:eu-west-1:111122223333:backup-plan:plan", "BackupPlanVersion": "v1", "BackupRuleId": "rule",
        "BackupPlanName": "daily", "BackupRuleName": "nightly", "BackupRuleCron": "cron(0 1 ? * * *)", "BackupRuleTimezone": "Etc/UTC",
    },
}  # fmt: skip


def test_a_day_on_which_a_scheduled_run_was_missed_says_so_unless_a_job_failed(tmp_path: Path) -> None:
    rules = RULES + "  - {id: runs, rule: no scheduled run may be missed within 4d}\n"
    # Five in the morning to five: 01:00 UTC of each day but the 18th and 19th; a job by hand of the 19th failed.
    jobs = [at(5 + 24 * days, **{**SCHEDULED, "StartBy": (AS_OF - timedelta(hours=4 + 24 * days)).timestamp()}) for days in (0, 3, 4)]
    history = told([*jobs, at(20, **FAILED)], tmp_path, rules=rules)
    (row,) = history.rows
    assert letters(row)[-4:] == "cmfc"


@examples(st.lists(st.tuples(st.integers(0, 120), st.sampled_from([CLEAN, FAILED, ISSUES, RUNNING, {}])), min_size=1, max_size=6), few=5, many=200)
def test_no_day_looks_better_than_any_of_its_jobs(tmp_path: Path, jobs: list[tuple[int, Job]]) -> None:
    made = [at(hours, **{**kind, "BackupJobId": f"j{number}"}) for number, (hours, kind) in enumerate(jobs)]
    history = told(made, tmp_path)
    (row,) = history.rows
    for hours, kind in jobs:
        number = ((AS_OF - timedelta(hours=hours)) - history.start).days
        if number < 0:
            continue
        if kind == FAILED:
            assert row.days[number] is DayOutcome.FAILED
        elif kind == ISSUES:
            assert row.days[number] in {DayOutcome.FAILED, DayOutcome.ISSUES}
        elif kind != CLEAN:
            assert row.days[number] in {DayOutcome.FAILED, DayOutcome.ISSUES, DayOutcome.OPEN}
