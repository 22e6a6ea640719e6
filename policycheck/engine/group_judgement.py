"""One group of jobs, one measure: whether it violates, in the setting that the group is in."""

from __future__ import annotations

from msgspec import structs

from policycheck.engine.case import Case
from policycheck.engine.group_measure import measure_of
from policycheck.engine.judgement import Judgement, Rows, Setting, expectation
from policycheck.engine.subjects import Group
from policycheck.job_lists import JobList


def judge_group(case: Case, group: Group, jobs: Rows, setting: Setting, as_of: int, job_list: JobList) -> Judgement:
    """Measure one group.

    Args:
        jobs: those of its jobs that the measure looks at, or may: (key, row, certainly or None), and after these the `columns` of its kind.
        as_of: microseconds.
    """
    judgement = _excuse(case, measure_of(case).judge_jobs(case, group, jobs, setting, as_of, job_list), setting)
    if judgement.nothing and setting.waiting:
        return Judgement(group, setting.edge, False, waiting=True)
    if judgement.violation is not False and not judgement.possible_for:
        if judgement.violation and group.sure and measure_of(case).is_undoable(expectation(case)) and not setting.shown:
            return structs.replace(judgement, violation=None, possible_for="coverage")
        reason = "jobs" if group.sure else "group"
        return structs.replace(judgement, violation=judgement.violation if group.sure else None, possible_for=reason)
    return judgement


def _excuse(case: Case, judgement: Judgement, setting: Setting) -> Judgement:
    """What is left of a violation where the first backup of the subject still runs: nothing can have ended yet."""
    if not measure_of(case).excuses_first(expectation(case)) or setting.first_runs is False or (judgement.violation is False and not judgement.nothing):
        return judgement
    if setting.first_runs:
        return Judgement(judgement.group, judgement.edge, False, judgement.value, pending=True, first_runs=True)
    return structs.replace(judgement, violation=None, possible_for="edge") if judgement.violation is not False else judgement
