"""Why a job was judged as it was: every comparison of a rule with the value seen, and whether it is true, false or unknown.

Each truth is the engine's own: one column for every part of a rule, made by the compiler and the masks that rules are judged with, in one select.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, assert_never

import narwhals as nw

from policycheck.datasets import Field, Kind
from policycheck.engine.backends.interface import Backend
from policycheck.engine.case import Case
from policycheck.engine.columns import column_of
from policycheck.engine.compile import compile_condition
from policycheck.engine.findings import spell_value
from policycheck.engine.frame import EXISTS, LISTED, ROW, Frame, inventory_column
from policycheck.engine.masks import jobs_mask, scope_mask, window_mask
from policycheck.engine.outcomes import Step
from policycheck.engine.recovery import deadline_in_window
from policycheck.engine.rewinding import ended
from policycheck.policy.conditions import And, Comparison, Condition, Not, Operator, Or, parts_of
from policycheck.policy.model import JobChoice, Scope
from policycheck.policy.phrases import spell_conditions
from policycheck.records import iso, moment
from policycheck.text import clean_line

MISSING, UNKNOWN = "missing", "not recorded"
"""What is seen where there is no value: it is known that the job has none, or it is not known."""


@dataclass(frozen=True, slots=True)
class Question:
    """A step before it is answered: the numbers of its columns."""

    asked: str
    truth: int
    seen: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    """What the values are called that were seen, where they are not one field's."""
    of: Field | None = None
    """The field that it is asked of."""
    steps: tuple[Question, ...] = ()


class Tracer:
    """The questions that one rule asks of the jobs of a list, and their answers."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._columns: list[nw.Expr] = []

    def condition(self, name: str, condition: Condition, *, settled: bool | None = None) -> list[Question]:
        """A condition and all its parts under one name; `settled` as `compile_condition` has it. Nothing where it asks nothing."""
        return [self._group(name, condition, self._parts(condition, settled), settled)] if condition != And() else []

    def window(self, case: Case, allowance: int | None = None) -> list[Question]:
        """Whether a job is in the window, and the times that tell.

        Args:
            allowance: microseconds from a job's end to its deadline, where the window is about deadlines.
        """
        asked = spell_window(case, self._frame.as_of, deadlines=allowance is not None)
        if allowance is not None:
            end = ended(self._frame.dataset)
            return [self.column(asked, deadline_in_window(self._frame, allowance, case.window_length), times={"ended": end, "deadline": end + allowance})]
        if case.window_length is None:
            return []
        clock = case.rule.qualifiers.clock
        times = {clock: nw.col(clock)} if clock else {"created": nw.col("CreationDate")}
        if not clock and not case.by_creation:
            times["ended"] = ended(self._frame.dataset)
        return [self.column(asked, window_mask(case, self._frame), times=times)]

    def choice(self, jobs: JobChoice, scope: Scope) -> list[Question]:
        """Whether the job belongs to what `jobs` and the scope choose, where they leave anything out."""
        questions = [self.column("is certainly a job of its own", nw.col(EXISTS))] if self._frame.doubtful else []
        if jobs in {JobChoice.TOP_LEVEL, JobChoice.MEMBERS}:
            parent = (self._add(nw.col("ParentJobId")),)
            questions.append(Question(f"jobs: {jobs}", self._add(jobs_mask(jobs, self._frame)), parent, of=self._frame.dataset.fields["ParentJobId"]))
        if scope.accounts or scope.regions:
            said = clean_line(", ".join([*scope.accounts, *scope.regions]))
            seen = (self._add(nw.col("Account")), self._add(nw.col("Region")))
            questions.append(Question(f"scope: {said}", self._add(scope_mask(scope)), seen, ("Account", "Region")))
        return questions

    def progress(self, case: Case) -> list[Question]:
        """Whether the job is left out because its outcome is still to come, where the rule leaves such jobs out."""
        return [self.column("in progress: undecided, and left out", self._frame.in_time())] if case.leaves_out_progress else []

    def column(self, asked: str, truth: nw.Expr, steps: Iterable[Question] = (), *, times: Mapping[str, nw.Expr] = MappingProxyType({})) -> Question:
        """A question that is a column of its own, beside the frame's; the steps lead to it."""
        return Question(asked, self._add(truth), self._times(list(times.values())), tuple(times), steps=tuple(steps))

    def answers(self, questions: Sequence[Question], columns: nw.LazyFrame[Any], rows: Sequence[int], backend: Backend) -> dict[int, tuple[Step, ...]]:
        """The steps of each of these rows.

        Args:
            columns: the frame's own, with what the questions need beside them.
        """
        named = {f"_trace_{number}": column for number, column in enumerate(self._columns)}
        chosen = backend.among(columns, ROW, rows).select(nw.col(ROW), **named)
        return {row: tuple(self._step(question, values) for question in questions) for row, *values in backend.rows(chosen)}

    def _times(self, columns: Sequence[nw.Expr]) -> tuple[int, ...]:
        return tuple(self._add(column) for column in columns)

    def _add(self, column: nw.Expr) -> int:
        self._columns.append(column)
        return len(self._columns) - 1

    def _group(self, name: str, condition: Condition, steps: list[Question], settled: bool | None) -> Question:
        return Question(name, self._add(compile_condition(condition, self._frame, settled=settled)), steps=tuple(steps))

    def _parts(self, condition: Condition, settled: bool | None) -> list[Question]:
        return [self._part(part, settled) for part in parts_of(condition)]

    def _part(self, part: Condition, settled: bool | None) -> Question:
        match part:
            case Comparison():
                return self._comparison(part, settled)
            case And():
                return self._group("all of", part, self._parts(part, settled), settled)
            case Or(parts=parts):
                return self._group("any of", part, [self._part(one, settled) for one in parts], settled)
            case Not(part=inner):
                return self._group("not", part, self._parts(inner, None if settled is None else not settled), settled)
            case _:
                assert_never(part)

    def _comparison(self, comparison: Comparison, settled: bool | None) -> Question:
        frame = self._frame
        truth = self._add(compile_condition(comparison, frame, settled=settled))
        field = frame.dataset.fields[comparison.field]
        asked = clean_line(spell_conditions(comparison))
        if field.kind is Kind.NAME:
            listed = [str(name) for name in comparison.values] if comparison.operator is Operator.IS else []
            known = [nw.col(inventory_column(name)) for name in listed if name in frame.inventories] or [nw.col(LISTED)]
            return Question(asked, truth, self._times(known), of=field)
        return Question(asked, truth, self._times([nw.col(column_of(field.name)), self._known(field)]), of=field)

    def _known(self, field: Field) -> nw.Expr:
        """Whether a value that is not there is known to be missing."""
        known = self._frame.known_missing(field)
        return nw.lit(known) if isinstance(known, bool) else known.fill_null(False)

    def _step(self, question: Question, values: Sequence[Any]) -> Step:
        steps = tuple(self._step(step, values) for step in question.steps)
        return Step(question.asked, values[question.truth], self._seen(question, values), steps)

    def _seen(self, question: Question, values: Sequence[Any]) -> str:
        seen = [values[number] for number in question.seen]
        match question.of:
            case None:
                return ", ".join(f"{name} {_told(value)}" for name, value in zip(question.names, seen, strict=True))
            case Field(kind=Kind.NAME):
                return "listed" if True in seen else "whether it is listed is unknown" if None in seen else "not listed"
            case Field() as told if seen[0] is not None:
                return spell_value(told, seen[0])
            case _:
                return MISSING if len(seen) < 2 or seen[1] else UNKNOWN


def _told(value: Any) -> str:
    """A time or a place, in words."""
    return UNKNOWN if value is None else iso(moment(value)) if isinstance(value, int) else clean_line(str(value))


def spell_window(case: Case, as_of: int, *, deadlines: bool = False) -> str:
    """`window: created, running or ended from 2026-11-19T06:00:00Z to 2026-11-20T06:00:00Z`."""
    length, clock = case.window_length, case.rule.qualifiers.clock
    what = clock or ("the deadline" if deadlines else "CreationDate" if case.by_creation else "created, running or ended")
    begins = f"from {iso(moment(as_of - length))} " if length is not None else "up "
    return f"window: {what} {begins}to {iso(moment(as_of))}"
