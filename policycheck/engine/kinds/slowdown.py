"""`slowdown`: how many times the usual duration of its resource a job of a group took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import narwhals as nw

from policycheck.engine.best_case import BestCase
from policycheck.engine.case import PROGRESS, Case
from policycheck.engine.compile import compile_condition
from policycheck.engine.frame import Frame
from policycheck.engine.group_account import GroupAccount
from policycheck.engine.group_measure import Clean, Screen, count_open
from policycheck.engine.judgement import Judgement, Rows, Setting, expectation, limit_of, out_of_limit
from policycheck.engine.kinds.compared import ComparedJobs
from policycheck.engine.measurement import Asked, SampleJobs
from policycheck.engine.measures import NEVER, Number, Range, keeps
from policycheck.engine.outcomes import name_job
from policycheck.engine.subjects import Group
from policycheck.engine.usual_durations import FEWEST, TimedJob, compare_durations
from policycheck.job_lists import JobList
from policycheck.policy.conditions import Comparison, Literal, Operator
from policycheck.policy.model import Expectation
from policycheck.records import iso, moment
from policycheck.text import counted, spell_duration
from policycheck.units import DAY, MINUTE, SECOND

_CLEAN, _DURATION, _LASTED = "_clean", "_duration", "_lasted"
_IS_CLEAN = Comparison("Outcome", Operator.IS, (Literal("clean", value="clean"),))


class Slowdown(ComparedJobs):
    """See `GroupMeasure`."""

    pending_for = "with too few earlier clean jobs"

    # Columns

    def measured(self, case: Case, frame: Frame) -> nw.Expr:
        return nw.col(case.chosen) & (nw.col(case.matching) | compile_condition(_IS_CLEAN, frame))

    def masks(self, case: Case, frame: Frame) -> dict[str, nw.Expr]:
        known, there = frame.known_missing(frame.dataset.fields["Duration"]), ~nw.col("Duration").is_null()
        missing = nw.when(nw.lit(False) | known).then(nw.lit(False))
        lasted = nw.when(there).then(nw.lit(True)).otherwise(missing)
        return {**super().masks(case, frame), _CLEAN: compile_condition(_IS_CLEAN, frame), _DURATION: nw.col("Duration"), _LASTED: lasted}

    def columns(self, case: Case) -> list[str]:
        return [case.matching, _CLEAN, case.window, "CreationDate", _DURATION, _LASTED, PROGRESS]

    # Screen

    def screen(self, case: Case) -> Screen:
        measured, matching, clean, inside, created, duration, lasted = map(
            nw.col, (case.measured, case.matching, _CLEAN, case.window, "CreationDate", _DURATION, _LASTED)
        )

        def beside(records: nw.LazyFrame[Any], key: str) -> nw.LazyFrame[Any]:
            asked = (matching & inside & lasted).fill_null(False)
            told = clean.fill_null(False).cast(nw.Int64).alias("_told")
            jobs = records.filter(measured).select(nw.col(key), created, duration, asked.alias("_asked"), told)
            jobs = jobs.with_columns(
                _before=nw.col("_told").cum_sum().over(key, order_by="CreationDate") - nw.col("_told"),
                # The shortest of them first.
                _rank=nw.col("_told").cum_sum().over(key, order_by=_DURATION),
                _alike=(created == created.shift(1).over(key, order_by="CreationDate")).fill_null(False).cast(nw.Int64),
            )
            compared = nw.col("_asked") & (nw.col("_before") >= FEWEST)
            jobs = jobs.with_columns(_compared=compared, _fewest=nw.when(compared).then(nw.col("_before")).min().over(key))
            # The median of so many jobs, or more, of these is no shorter than the one of this rank among all.
            lowest = (nw.col("_told") == 1) & (nw.col("_rank") == (nw.col("_fewest") + 1) // 2)
            return jobs.group_by(key).agg(
                nw.col("_alike").sum(),
                nw.when(nw.col("_compared")).then(nw.col(_DURATION)).max().alias("_longest"),
                nw.when(lowest).then(nw.col(_DURATION)).max().alias("_usual"),
                nw.col("_asked").cast(nw.Int64).sum().alias("_all"),
                nw.col("_compared").cast(nw.Int64).sum().alias("_of_these"),
            ).select(nw.col(key, "_alike", "_longest", "_usual", "_all", "_of_these"))  # fmt: skip

        return Screen({"open": count_open(case, case.matching, _CLEAN, case.window, "CreationDate", _LASTED)}, beside=beside)

    def find_clean(self, case: Case, bounds: Sequence[Any], as_of: int) -> Clean | None:
        alike, longest, usual, asked, compared = bounds
        if alike:
            return None
        if not asked:
            return Clean(nothing=True, tallied=(0, 0))
        if not compared or not usual:
            return None
        most = Fraction(int(longest), int(usual))
        return Clean(Range(0, most), tallied=(int(compared), int(asked) - int(compared))) if keeps(most, *limit_of(expectation(case))) else None

    # Judgement

    def judge_jobs(self, case: Case, group: Group, jobs: Rows, setting: Setting, as_of: int, job_list: JobList) -> Judgement:
        requirement = expectation(case)
        found = compare_durations(map(_timed, jobs))
        violation = out_of_limit(found.value, requirement)
        tallied = (len(found.slow), found.pending)
        if violation is False and not found.slow:
            if found.pending:
                return Judgement(group, setting.edge, False, pending=True, against=(found.most_earlier,), tallied=tallied)
            return Judgement(group, setting.edge, False, nothing=True, passed_over=True, tallied=tallied)
        over = [slow for slow in found.slow if not keeps(slow.times, *limit_of(requirement))]
        newest = [number for slow in over[-1:] for number in (slow.job.row, slow.job.duration or 0, slow.usual, slow.earlier, int(slow.job.so_far is True))]
        return Judgement(group, setting.edge, violation, found.value, tuple(slow.job.row for slow in over), against=tuple(newest), tallied=tallied)

    def best_case(self, case: Case, jobs: Rows, job_list: JobList, as_of: int) -> BestCase:
        return _AlsoUsual(case, jobs, job_list, as_of)

    # What a finding says

    def tell(self, account: GroupAccount, judged: Judgement) -> str:
        _, duration, usual, *_ = judged.against
        apart = duration - int(usual * limit_of(account.requirement)[1])
        more = f"; so did {counted(len(judged.rows) - 1, 'other job')}" if len(judged.rows) > 1 else ""
        bound = account.bound(spell_duration(apart) if apart else "")
        return f"{self.tell_compared(judged, account.view.job_list)}: {bound}{more}"

    def tell_compared(self, judged: Judgement, job_list: JobList) -> str:
        if judged.pending or not judged.against:
            return ""
        row, duration, usual, earlier, so_far = judged.against
        took = f"has taken {spell_duration(duration)} so far" if so_far else f"took {spell_duration(duration)}"
        beside = f"{self.spell(Fraction(duration, usual) if usual else NEVER)} the usual {spell_duration(usual)}"
        when = iso(moment(job_list.records[row].CreationDate))
        return f"job {name_job(job_list, row)} ({when}) {took}, {beside} (the median of {counted(earlier, 'earlier clean job')})"

    def spell(self, value: Number) -> str:
        return "any number of times" if value >= NEVER else f"{float(value):.3g}x"

    def tell_pending(self, judged: Judgement) -> str:
        return f"has {counted(judged.against[0], 'clean job')} before the jobs in the window: pending until there are {FEWEST}"

    def tell_notes(self, case: Case, judgements: Sequence[Judgement]) -> Iterator[str]:
        _, pending = [*self.tally(judgements), 0, 0][:2]
        if pending:
            resources = sum(bool(item.tallied and item.tallied[1]) for item in judgements)
            which = "it" if pending == 1 else "each"
            yield f"{counted(pending, 'job')} of {counted(resources, 'subject')} pending: fewer than {FEWEST} clean jobs before {which}"

    # What `explain` tells

    def describe_failure(self, asked: Asked) -> str:
        what = f"has {asked.what} and " if asked.what else ""
        return f"{asked.one} with a {asked.noun} in the window that {what}took {asked.limit} the usual duration, the median of its earlier clean jobs"

    def describe_doubt(self) -> Iterator[str]:
        yield f"no {FEWEST} clean jobs of any resource were created before its jobs in the window: all of them are pending"

    def sample(self, requirement: Expectation, window: int | None, *, keeps: bool) -> SampleJobs:
        limit = limit_of(requirement)[1]
        usual = 10 * MINUTE
        taken = int(usual * limit) // SECOND * SECOND // 2 if keeps else int(usual * limit) + usual
        ended = MINUTE if window is None else min(window // 2, MINUTE) // SECOND * SECOND
        begun = ended + taken
        history = {"CreationDate": begun + DAY, "InitiationDate": begun + DAY, "CompletionDate": begun + DAY - usual}
        return SampleJobs(
            True,
            begun,
            reach=(window or 0) + 10 * DAY + begun,
            members={"InitiationDate": begun, "CompletionDate": ended},
            before=history | {"State": "COMPLETED", "MessageCategory": "SUCCESS"},
            before_times=FEWEST,
        )


def _timed(job: tuple[Any, ...]) -> TimedJob:
    _, row, measured, match, clean, *times = job
    unsure = measured is not True
    return TimedJob(row, None if unsure and match else match, None if unsure and clean else clean, *times)


class _AlsoUsual(BestCase):
    """Jobs by which the usual duration may be told, too."""

    def keeps_with(self, judgement: Judgement, own: Rows) -> bool:
        return self.is_kept_by(compare_durations(map(_timed, (*own, *self.favourable))).value.least)


KIND = Slowdown()
