"""`size_drop`: by what part a matching job of a group is smaller than the one before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil
from typing import Any

import narwhals as nw

from policycheck.datasets import SIZES_OF_CHANGES, TYPES_WITHOUT_SIZES
from policycheck.engine.best_case import BestCase
from policycheck.engine.case import Case
from policycheck.engine.frame import Frame
from policycheck.engine.group_account import GroupAccount
from policycheck.engine.group_measure import Clean, Screen, count_open
from policycheck.engine.judgement import Judgement, Rows, Setting, expectation, limit_of, out_of_limit
from policycheck.engine.kinds.compared import ComparedJobs
from policycheck.engine.measurement import Asked, SampleJobs
from policycheck.engine.measures import NEVER, Number, Range, keeps
from policycheck.engine.outcomes import name_job
from policycheck.engine.size_changes import Change, Compared, SizedJob, compare_sizes
from policycheck.engine.subjects import Group
from policycheck.job_lists import JobList
from policycheck.policy.model import Expectation
from policycheck.records import iso, moment
from policycheck.text import counted, spell_size
from policycheck.units import DAY, HOUR, round_down

_SIZE, _SIZED = "_size", "_sized"
_FINENESS = 10**6
"""What the screen bounds is rounded up to so small a part."""


class SizeChange(ComparedJobs):
    """See `GroupMeasure`."""

    needs_whole_list = True

    def __init__(self, change: Change) -> None:
        self._change = change

    # Columns

    def masks(self, case: Case, frame: Frame) -> dict[str, nw.Expr]:
        size, kind = nw.col("BackupSizeInBytes"), nw.col("ResourceType").str.to_lowercase()
        none = kind.is_in(_lower(TYPES_WITHOUT_SIZES)) & (size.is_null() | (size == 0))
        told = nw.when(~kind.is_null() & ~size.is_null()).then(nw.lit(True))
        sized = nw.when(kind.is_in(_lower(SIZES_OF_CHANGES)) | none).then(nw.lit(False)).otherwise(told)
        return {**super().masks(case, frame), _SIZE: size, _SIZED: sized}

    def columns(self, case: Case) -> list[str]:
        return [case.window, "CreationDate", _SIZE, _SIZED]

    # Screen

    def screen(self, case: Case) -> Screen:
        measured, inside, created, size, sized = map(nw.col, (case.measured, case.window, "CreationDate", _SIZE, _SIZED))

        def beside(records: nw.LazyFrame[Any], key: str) -> nw.LazyFrame[Any]:
            jobs = records.filter(measured).select(nw.col(key), created, inside.alias("_inside"), size, sized)
            before = {f"_before{name}": nw.col(name).shift(1).over(key, order_by="CreationDate") for name in ("CreationDate", _SIZE, _SIZED)}
            jobs = jobs.with_columns(**before)
            first, inside_ = nw.col("_beforeCreationDate").is_null(), nw.col("_inside")
            both = inside_ & ~first & sized & nw.col(f"_before{_SIZED}").fill_null(False)
            # A part of a size is no larger than either of them, so that no overflow is to be feared.
            apart, base = nw.col(f"_before{_SIZE}") - size, nw.col(f"_before{_SIZE}")
            apart = apart if self._change is Change.DROP else -apart
            from_nothing = both & (base == 0) & (apart > 0)
            change = nw.when(both & (base > 0)).then(apart.cast(nw.Float64) / base.cast(nw.Float64))
            found = jobs.select(
                nw.col(key),
                change.alias("_change"),
                *(
                    mask.fill_null(False).cast(nw.Int64).alias(name)
                    for name, mask in {
                        "_alike": created == nw.col("_beforeCreationDate"),
                        "_from_nothing": from_nothing,
                        "_compared": both,
                        "_first": inside_ & first,
                        "_unsized": inside_ & ~first & ~both,
                    }.items()
                ),
            )
            sums = ("_alike", "_from_nothing", "_compared", "_first", "_unsized")
            return found.group_by(key).agg(nw.col("_change").max(), *(nw.col(name).sum() for name in sums)).select(nw.col(key, "_change", *sums))

        return Screen({"open": count_open(case, "CreationDate", case.window, _SIZED)}, beside=beside)

    def find_clean(self, case: Case, bounds: Sequence[Any], as_of: int) -> Clean | None:
        change, alike, from_nothing, *tallied = bounds
        if alike or from_nothing:
            return None
        compared = tallied[0]
        # A little more than it is, as numbers with a fraction are not exact.
        most = Fraction(ceil(max(change or 0, 0) * _FINENESS) + 1, _FINENESS) if compared else Fraction(0)
        if compared and not keeps(most, *limit_of(expectation(case))):
            return None
        return Clean(Range(0, most) if compared else None, nothing=not compared, tallied=tuple(map(int, tallied)))

    # Judgement

    def judge_jobs(self, case: Case, group: Group, jobs: Rows, setting: Setting, as_of: int, job_list: JobList) -> Judgement:
        requirement = expectation(case)
        found = self._compare(jobs, setting.is_whole)
        violation = out_of_limit(found.value, requirement)
        tallied = (found.compared, found.first, found.unsized)
        if violation is False and not found.compared:
            return Judgement(group, setting.edge, False, nothing=True, passed_over=True, tallied=tallied)
        over = [step for step in found.steps if not keeps(step.change, *limit_of(requirement))]
        newest = ((over or found.steps)[-1:] if violation else []) or []
        reason = ""
        if violation is None and out_of_limit(self._compare(jobs, lambda start, end: True).value, requirement) is not None:
            reason = "coverage"
        return Judgement(
            group,
            setting.edge,
            violation,
            found.value,
            tuple(step.job.row for step in over) if violation else (),
            possible_for=reason,
            against=tuple(row for step in newest for row in (step.job.row, step.before.row)),
            tallied=tallied,
            is_whole=setting.is_whole,
        )

    def _compare(self, jobs: Rows, is_whole: Any) -> Compared:
        return compare_sizes((SizedJob(*job[1:]) for job in jobs), self._change, is_whole)

    def best_case(self, case: Case, jobs: Rows, job_list: JobList, as_of: int) -> BestCase:
        return _Between(self._change, case, jobs, job_list, as_of)

    # What a finding says

    def tell(self, account: GroupAccount, judged: Judgement) -> str:
        if not judged.against:
            least = judged.value.least if judged.value is not None else 0
            return f"whichever of its {account.name_jobs('jobs')} certainly are, one is {self._spell_apart(least)} than the one before, {account.bound('')}"
        row, before = judged.against
        records = account.view.job_list.records
        size, old = records[row].BackupSizeInBytes, records[before].BackupSizeInBytes
        allowed = old * (1 + limit_of(account.requirement)[1] * (-1 if self._change is Change.DROP else 1))
        apart = spell_size(abs(round(size - allowed)))
        side = "less than that" if self._change is Change.DROP else "over"
        others = len(judged.rows) - 1
        more = f"; so {'is' if others == 1 else 'are'} {counted(others, 'other job')}" if others > 0 else ""
        return f"{self.tell_compared(judged, account.view.job_list)}: {account.bound('')}, {apart} {side}{more}"

    def tell_compared(self, judged: Judgement, job_list: JobList) -> str:
        if not judged.against:
            return ""
        sizes = [job_list.records[row].BackupSizeInBytes for row in judged.against]
        job, before = (f"{_told(job_list, row)} of {spell_size(size)}" for row, size in zip(judged.against, sizes, strict=True))
        return f"{job} is {self._spell_apart(self._change.between(sizes[1], sizes[0]))} than the one before, {before}"

    def _spell_apart(self, change: Number) -> str:
        return f"{self.spell(change)} {self._change.value}"

    def spell(self, value: Number) -> str:
        return "more than any part" if value >= NEVER else f"{float(Fraction(value) * 100):.4g}%"

    def tell_notes(self, case: Case, judgements: Sequence[Judgement]) -> Iterator[str]:
        _, first, unsized = [*self.tally(judgements), 0, 0, 0][:3]
        if first:
            yield f"{counted(first, 'job')} not compared: {'it' if first == 1 else 'each'} is the first of its resource in the list"
        if unsized:
            types = ", ".join(sorted({*SIZES_OF_CHANGES, *TYPES_WITHOUT_SIZES}))
            yield f"{counted(unsized, 'job')} not compared: AWS Backup records no usable size for some resource types ({types})"

    # What `explain` tells

    def describe_failure(self, asked: Asked) -> str:
        return f"{asked.one} with a {asked.noun} in the window that has {asked.what} and is {asked.limit} {self._change.value} than the one before it that has"

    def describe_doubt(self) -> Iterator[str]:
        yield "a job lacks its size although AWS records it for its type, or the list has a gap between two jobs that are compared"

    def sample(self, requirement: Expectation, window: int | None, *, keeps: bool) -> SampleJobs:
        limit = limit_of(requirement)[1]
        size = 1 << 30
        age = HOUR if window is None else round_down(min(window // 2, HOUR))
        changed = size >> 20 if self._change is Change.DROP else ceil(size * (limit + 1)) + size
        first, second = size, size if keeps else changed
        return SampleJobs(
            True,
            age,
            reach=(window or 0) + 3 * DAY,
            members={"BackupSizeInBytes": str(second)},
            before={"CreationDate": age + DAY, "BackupSizeInBytes": str(first)},
        )


class _Between(BestCase):
    """Jobs that may stand between a group's own."""

    def __init__(self, change: Change, case: Case, jobs: Rows, job_list: JobList, as_of: int) -> None:
        super().__init__(case, jobs, job_list, as_of)
        self._change = change

    def keeps_with(self, judgement: Judgement, own: Rows) -> bool:
        found = compare_sizes((SizedJob(*job[1:]) for job in (*own, *self.favourable)), self._change, judgement.is_whole)
        return self.is_kept_by(found.value.least)


def _told(job_list: JobList, row: int) -> str:
    return f"job {name_job(job_list, row)} ({iso(moment(job_list.records[row].CreationDate))})"


def _lower(types: Sequence[str]) -> list[str]:
    return [name.lower() for name in types]


KIND = SizeChange(Change.DROP)
