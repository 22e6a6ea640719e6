"""What became of the groups of a rule, and why that comes to no verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from policycheck.answers import Answer
from policycheck.engine.case import Case, fields_decisive
from policycheck.engine.context import Context
from policycheck.engine.group_measure import measure_of
from policycheck.engine.judgement import Judgement, expectation
from policycheck.engine.list_view import ListView
from policycheck.engine.possible_jobs import PossibleJobs
from policycheck.engine.subjects import Subjects
from policycheck.engine.unknown import absent_inventories, name_lacking, name_unknown, spell_fields
from policycheck.engine.verdict import decide_empty, judge_nothing
from policycheck.policy.model import RESOURCE, NoData
from policycheck.reasons import Reason, ReasonKind, Reasons
from policycheck.records import micros
from policycheck.result import Verdict


def answer_of(item: Judgement) -> Answer:
    """What one group came to."""
    if item.pending:
        return Answer.PENDING
    if item.waiting or item.found is None:
        return Answer.UNDECIDED
    if item.found:
        return Answer.FAIL
    return Answer.NOTHING if item.nothing else Answer.PASS


def all_pending(case: Case, count: int) -> Reasons:
    """That every subject is pending."""
    why = measure_of(case).pending_for
    return (Reason(ReasonKind.ALL_PENDING, (why,) if why else (), (count,)),)


def nothing_to_measure(case: Case, count: int, groups: int) -> Reason:
    """How many of the groups have nothing to measure."""
    return Reason(ReasonKind.NOTHING_TO_MEASURE, (measure_of(case).counted_jobs,), (count, groups))


@dataclass(frozen=True, slots=True)
class GroupReasons:
    """Why the groups of one rule come to no verdict, as far as they, their jobs or the list are why."""

    case: Case
    view: ListView
    context: Context
    possible: PossibleJobs

    def unknown(self, subjects: Subjects, judgements: Sequence[Judgement]) -> Reasons:
        """Why a group could violate, or whether there is one at all is unknown."""
        if not self.case.per and subjects.chosen is None:
            return (Reason(ReasonKind.NONE_CERTAIN, because=(self._name_unknown(self.view.masks, self.case.chosen),)),)
        possible = sum(item.found is None for item in judgements)
        numbers = (possible, subjects.group_count)
        return (Reason(ReasonKind.COULD_VIOLATE, ("subject",), numbers, because=tuple(self._why(judgements))),) if possible else ()

    def unsettled(self, subjects: Subjects, judgements: Sequence[Judgement], *, every: bool = False) -> Reasons:
        """Which jobs may be of other groups, and which groups have jobs in progress alone."""
        case, dataset = self.case, self.case.rule.statement.list
        if subjects.strays:
            return (Reason(ReasonKind.STRAY_JOBS, (dataset.noun,), (subjects.strays,), fields=spell_fields(case.per, dataset)),)
        if subjects.nameless and (every or measure_of(case).needs_every_subject(expectation(case))):
            fields = spell_fields(dict.fromkeys([*case.per, *(("Account", "Region") if RESOURCE in case.per else ())]), dataset)
            return (Reason(ReasonKind.NAMELESS_JOBS, numbers=(subjects.nameless,), fields=fields),)
        waiting = sum(item.waiting for item in judgements)
        return (Reason(ReasonKind.IN_PROGRESS_ALONE, numbers=(waiting, subjects.group_count)),) if waiting else ()

    def nothing(self, subjects: Subjects, judgements: Sequence[Judgement]) -> tuple[Verdict, Reasons] | None:
        """What it comes to where there is no group, or a group without anything to measure; None where it comes to something."""
        case, rule, read = self.case, self.case.rule, len(self.view.job_list)
        if not judgements:
            return decide_empty(rule, 0, read)
        empty = [item for item in judgements if item.nothing]
        if unmeasured := sum(not item.passed_over for item in empty):
            return Verdict.INCONCLUSIVE, (nothing_to_measure(case, unmeasured, subjects.group_count),)
        if measure_of(case).passes_over_nothing and all(item.nothing or item.pending for item in judgements) and empty:
            quiet = rule.qualifiers.no_data is NoData.QUIET and subjects.outside
            return judge_nothing(rule, quiet=quiet), (nothing_to_measure(case, len(empty), subjects.group_count),)
        if len(empty) == len(judgements) and rule.qualifiers.no_data is NoData.SKIP:
            return Verdict.SKIPPED, (nothing_to_measure(case, len(empty), subjects.group_count),)
        if not subjects.examined and measure_of(case).is_met_by_nothing(expectation(case)):
            if subjects.may:
                unknown = self._name_unknown(self.view.masks, case.population)
                return Verdict.INCONCLUSIVE, (Reason(ReasonKind.NONE_CERTAIN, numbers=(subjects.may,), because=(unknown,)),)
            return decide_empty(rule, int(subjects.outside), read)
        return None

    def _why(self, judgements: Sequence[Judgement]) -> Iterator[Reason]:
        """What would have to be known, of the groups that possibly violate."""
        unsure = [item if item.violation is None or item.soft is None else item.soft for item in judgements if item.found is None]
        unknown = {item.possible_for for item in unsure}
        if "jobs" in unknown:
            yield self._unknown_jobs()
        yield from self.possible.reasons(unsure)
        if "edge" in unknown:
            yield Reason(ReasonKind.FIRST_UNKNOWN)
        if "coverage" in unknown:
            length, as_of = self.case.window_length, micros(self.context.as_of)
            start = () if length is None else (as_of - length,)
            yield Reason(ReasonKind.ABSENCE_UNKNOWN, (self.case.rule.statement.list.noun,), (*start, as_of))
        if "group" in unknown:
            yield Reason(ReasonKind.MEMBERSHIP_UNKNOWN)

    def _unknown_jobs(self) -> Reason:
        case = self.case
        looked_at = self.view.masks.filter(nw.col(case.measured).fill_null(True))
        for column in (case.measured, case.matching, case.population):
            if self.context.backend.rows(looked_at.filter(nw.col(column).is_null()).select(nw.len()))[0][0]:
                return self._name_unknown(looked_at, column)
        return Reason(ReasonKind.TIMES_UNKNOWN, because=name_lacking({"CreationDate", "CompletionDate"}, self.view.frame, self.context.backend))

    def _name_unknown(self, masks: nw.LazyFrame[Any], column: str) -> Reason:
        absent = absent_inventories(self.case.rule, self.view.frame)
        return absent[0] if absent else name_unknown(fields_decisive(self.case), self.view.frame, masks, column, self.context.backend)
