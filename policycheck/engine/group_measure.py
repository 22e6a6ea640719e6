"""What a measure of groups of jobs has to say for itself. Its kind, a file of `kinds`, says it; everything else that groups need is told here and once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

import narwhals as nw

from policycheck.engine.best_case import BestCase
from policycheck.engine.case import IN_TIME, Case
from policycheck.engine.columns import column_of
from policycheck.engine.frame import Frame
from policycheck.engine.group_account import ChosenJob, GroupAccount, Span
from policycheck.engine.judgement import Judgement, Rows, Setting, expectation, limit_of, limits_of
from policycheck.engine.limits import spell_measured
from policycheck.engine.masks import EVERY_RECORD, listed_mask
from policycheck.engine.measurement import Measurement, SampleJobs
from policycheck.engine.measures import Number, Range, is_lower, keeps
from policycheck.engine.subjects import Group
from policycheck.job_lists import JobList
from policycheck.policy.conditions import Operator
from policycheck.policy.model import Expectation
from policycheck.result import Breach
from policycheck.units import DAY, HOUR, round_down


@dataclass(frozen=True, slots=True)
class Screen:
    """How the groups of one rule are told to be clean, all at once."""

    bounds: Mapping[str, nw.Expr]
    """Of each key; the first is how many of its jobs leave something open."""
    between: nw.Expr | None = None
    """The jobs between which gaps are; then the longest step, the first and the last CreationDate are bounds, too."""
    beside: Callable[[nw.LazyFrame[Any], str], nw.LazyFrame[Any]] | None = None
    """Further bounds that take more than one pass: from the records with the number of their group, and the column of that, to (number, bound, ...)."""


class Clean(NamedTuple):
    """A group that certainly keeps to its rule."""

    value: Range | None = None
    """The least and the greatest value that it may have; None: of `latest`, or nothing to measure."""
    nothing: bool = False
    """There is nothing to measure, and the rule goes on."""
    tallied: tuple[int, ...] = ()
    """See `Judgement`."""


class GroupMeasure(Measurement):
    """A measure of groups of jobs."""

    looks_past_window = False
    """Whether it looks at jobs of all the coverage."""
    counted_jobs = "finished"
    """What a job must be for there to be anything to measure."""
    passes_over_nothing = False
    """Whether a subject with nothing to measure does not keep a rule from passing, as long as another has something."""
    pending_for = ""
    """Why its subjects are pending, where it is not that they are new."""
    tells_breach = False
    """Whether `breach` tells when a rule will be violated: by the subject with the greatest value."""
    needs_whole_list = False
    """Whether a job that the list lacks between two others would change what it says."""

    # Columns

    @abstractmethod
    def measured(self, case: Case, frame: Frame) -> nw.Expr:
        """Whether the measure looks at a job."""

    @abstractmethod
    def columns(self, case: Case) -> list[str]:
        """The columns of what it needs of each job beside that: `judge_jobs` and `best_case` have them after key, row and whether it looks at it."""

    def masks(self, case: Case, frame: Frame) -> Mapping[str, nw.Expr]:
        return {
            case.measured: self.measured(case, frame),
            # What is chosen from all records is what is listed.
            case.listed: nw.col(case.chosen) if case.rule.qualifiers.jobs in EVERY_RECORD else listed_mask(case.rule.statement.where, case.scope, frame),
            case.outside: nw.col(case.chosen) & ~nw.col(case.window),
            **({case.nameless: _nameless_mask(case, frame)} if case.others else {}),
            **({case.unwell: nw.col(case.population) & ~nw.col(IN_TIME) & ~nw.col(case.matching)} if case.excuses_new else {}),
        }

    # Screen

    @abstractmethod
    def screen(self, case: Case) -> Screen:
        """The bounds by which groups are told to be clean."""

    def bounded(self, case: Case, bounds: Sequence[Any], as_of: int) -> Range | None:
        """The least and the greatest value that a group of these bounds can have; None where there is nothing to measure.

        Args:
            bounds: those of `screen` but for the first, which is 0.
        """
        raise NotImplementedError

    def find_clean(self, case: Case, bounds: Sequence[Any], as_of: int) -> Clean | None:
        """Whether a group of these bounds certainly keeps to the rule, whatever its age and whatever else may be its own."""
        value = self.bounded(case, bounds, as_of)
        # Of most groups the bounds are one value.
        if value is None or not all(keeps(end, *limit) for end in ((value[0],) if value[1] is value[0] else value) for limit in limits_of(expectation(case))):
            return None
        return Clean(value)

    # Judgement

    @abstractmethod
    def judge_jobs(self, case: Case, group: Group, jobs: Rows, setting: Setting, as_of: int, job_list: JobList) -> Judgement:
        """Measure one group by its jobs.

        Args:
            jobs: (key, row, whether it looks at it, and after these its `columns`) of each job that it looks at, or may.
            as_of: microseconds.
        """

    @abstractmethod
    def best_case(self, case: Case, jobs: Rows, job_list: JobList, as_of: int) -> BestCase:
        """What these jobs could do for a group if they were its own."""

    def is_undoable(self, requirement: Expectation) -> bool:
        """Whether jobs that nobody listed could undo a violation."""
        return True

    def excuses_first(self, requirement: Expectation) -> bool:
        """Whether a subject whose first backup still runs may not keep a rule yet."""
        return True

    def asks_for_jobs(self, requirement: Expectation) -> bool:
        """Whether a subject violates by having no job."""
        return True

    def needs_every_subject(self, requirement: Expectation) -> bool:
        """Whether a subject without a job in the window could keep the rule from passing: else only what is in the window counts."""
        return True

    def is_met_by_nothing(self, requirement: Expectation) -> bool:
        """Whether no job at all is few enough."""
        return False

    # What a finding says

    @abstractmethod
    def tell(self, account: GroupAccount, judged: Judgement) -> str:
        """What was measured of a group that violates, and the limit."""

    def listed_rows(self, account: GroupAccount, judged: Judgement) -> Sequence[int]:
        """The jobs that the finding lists."""
        return judged.rows

    def span_told(self, judged: Judgement) -> Span | None:
        """When the jobs were created of which a finding tells, so that no others are read; None: at any time."""
        return None

    def blamed_jobs(self, account: GroupAccount, judged: Judgement, jobs: Sequence[ChosenJob]) -> Sequence[ChosenJob]:
        """Of the group's jobs those that the newest cause is looked for in."""
        rows = set(judged.rows)
        return [job for job in jobs if job.row in rows]

    # What `explain` tells

    @abstractmethod
    def spell(self, value: Number) -> str:
        """A measured value, or a limit, in words."""

    def spell_measured(self, case: Case, judged: Judgement, *, exact: bool) -> tuple[str, str]:
        """What was measured of a group, and how far that is from the limit, in words; nothing where nothing was measured.

        Args:
            exact: whether its value was measured, and is not only bounded.
        """
        if judged.value is None:
            return "", ""
        return spell_measured(judged.value, *limit_of(expectation(case)), self.spell, exact=exact)

    def population(self, case: Case) -> nw.Expr:
        """The jobs that it looks at, those that match and those that do not."""
        return nw.col(case.chosen if self.looks_past_window else case.population)

    def tell_jobs(self, judged: Judgement, names: Sequence[str]) -> Iterator[str]:
        """Which jobs decided, where no value tells.

        Args:
            names: of the judgement's rows.
        """
        return iter(())

    def tell_compared(self, judged: Judgement, job_list: JobList) -> str:
        """Which job was compared with what, where one violates; empty where the measure compares none."""
        return ""

    def tell_notes(self, case: Case, judgements: Sequence[Judgement]) -> Iterator[str]:
        """What was left out of what it measures."""
        return iter(())

    def tell_pending(self, judged: Judgement) -> str:
        """Until when a subject is pending, where its age does not say."""
        return ""

    def tells_age(self, requirement: Expectation) -> bool:
        """Whether how new a subject is explains what is asked of it."""
        return False

    # What is to come

    def pending_until(self, case: Case, first: int) -> int:
        """When a new subject is no longer excused, by its first backup job; microseconds."""
        return first + (case.window_length or 0)

    def breach(self, case: Case, judgements: Sequence[Judgement], as_of: int) -> Breach | None:
        """When a rule that passes will be violated if no other job comes, and by whom; None where that cannot be told."""
        return None


class NumberOfJobs(GroupMeasure):
    """A measure that grows by jobs: more of them can only break an upper limit, and only jobs can meet a lower one."""

    def is_undoable(self, requirement: Expectation) -> bool:
        return is_lower(limit_of(requirement)[0])

    def excuses_first(self, requirement: Expectation) -> bool:
        return is_lower(limit_of(requirement)[0])

    def excuses_new(self, requirement: Expectation, *, elsewhere: bool) -> bool:
        return is_lower(limit_of(requirement)[0])

    def asks_for_jobs(self, requirement: Expectation) -> bool:
        return is_lower(limit_of(requirement)[0])

    def needs_every_subject(self, requirement: Expectation) -> bool:
        return is_lower(limit_of(requirement)[0])

    def is_met_by_nothing(self, requirement: Expectation) -> bool:
        return not is_lower(limit_of(requirement)[0])

    def is_mendable(self, requirement: Expectation) -> bool:
        return is_lower(limit_of(requirement)[0])

    def spell(self, value: Number) -> str:
        return f"{int(value):,}"

    def sample(self, requirement: Expectation, window: int | None, *, keeps: bool) -> SampleJobs:
        operator, limit = limit_of(requirement)
        lower, strict = is_lower(operator), operator in {Operator.MORE_THAN, Operator.LESS_THAN}
        enough = int(limit) + (strict if lower else not strict)
        # An upper bound is kept by a job, where it may be: a window without any is no evidence.
        fewest = min(1, enough - 1) if keeps else 0
        matching = enough if lower is keeps else fewest
        spacing, reach = HOUR if window is None else round_down(window // (matching + 2)), (window or 0) + 3 * DAY
        if matching > 1:
            return SampleJobs(True, spacing * matching, spacing, matching, reach)
        # A resource that is new in the window is given time: this one is old.
        return SampleJobs(matching > 0, spacing if matching or window is None else window + DAY, reach=reach)


def measure_of(case: Case) -> GroupMeasure:
    """What a rule on groups measures."""
    if not isinstance(case.kind, GroupMeasure):
        raise AssertionError(f"rule {case.rule.id} measures no groups of jobs")
    return case.kind


def count_open(case: Case, *needed: str) -> nw.Expr:
    """How many jobs of a key leave open whether the measure looks at them, or lack one of the columns that it needs."""
    measured = nw.col(case.measured)
    lacking = reduce(or_, (nw.col(name).is_null() for name in needed), nw.lit(False))
    return count_where(measured.is_null() | (measured.fill_null(True) & lacking))


def count_where(mask: nw.Expr) -> nw.Expr:
    """How many jobs of a key a mask is true of."""
    return mask.fill_null(False).cast(nw.Int64).sum()


def _nameless_mask(case: Case, frame: Frame) -> nw.Expr:
    """A job that is known to have none (of a plan, say) is of no group. Never null."""
    nameless: nw.Expr = nw.lit(False)
    for name in case.others:
        known = frame.known_missing(frame.dataset.fields[name])
        nameless = nameless | (nw.col(column_of(name)).is_null() & ~(nw.lit(known) if isinstance(known, bool) else known.fill_null(False)))
    return nameless
