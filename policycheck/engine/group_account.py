"""What a finding about a group tells of it: its jobs, its limit, and by how much it misses."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import narwhals as nw

from policycheck.engine.backends.interface import ColumnType
from policycheck.engine.case import Case
from policycheck.engine.context import Context
from policycheck.engine.frame import ROW
from policycheck.engine.judgement import Judgement, expectation, limit_of
from policycheck.engine.list_view import KEY, ListView
from policycheck.engine.measures import is_lower
from policycheck.engine.scope import in_scope
from policycheck.places import ResourceKey
from policycheck.policy.rendering import render_jobs
from policycheck.records import iso, micros
from policycheck.text import spell_duration
from policycheck.units import SECOND

TOGETHER = 2_000
"""Groups of which the jobs are held at once."""
_AFTER, _UNTIL = "_after", "_until"

Span = tuple[int, int]
"""After one moment, and until another; microseconds."""


class ChosenJob(NamedTuple):
    """A job as it was judged."""

    created: int | None
    row: int
    state: str | None
    matching: bool | None


class GroupAccount:
    """What findings of one rule tell of groups that violate it."""

    def __init__(self, case: Case, view: ListView, context: Context, violated: Sequence[Judgement], span_told: Callable[[Judgement], Span | None]) -> None:
        """
        Args:
            violated: all groups that it will be asked about.
            span_told: when the jobs were created of which a finding about one tells; None: at any time, for all of them.
        """
        self.case, self.view, self.context, self.requirement = case, view, context, expectation(case)
        self.as_of = micros(context.as_of)
        self.noun = case.rule.statement.list.noun
        self.keys = sorted({key for judged in violated for key in judged.group.keys})
        self._chosen: dict[int, list[ChosenJob]] = {}
        self._spans = _spans_of(violated, span_told)

    def name_jobs(self, word: str) -> str:
        """`clean job`, `FAILED EC2 jobs`: what is measured."""
        return render_jobs(self.case.rule.statement, self.requirement.condition, word)

    def bound(self, margin: str) -> str:
        """`at most 2, 1 over`."""
        operator, limit = self.requirement.operator, self.requirement.limit
        if operator is None or limit is None:
            raise AssertionError("a measure without a limit")
        side = "short" if is_lower(operator) else "over"
        return f"{operator.replace('_', ' ')} {limit.text}" + (f", {margin} {side}" if margin else "")

    def favourable(self, judged: Judgement) -> int:
        """The value that violates even in favour of the group."""
        if judged.value is None:
            raise AssertionError("a violation without a value")
        return int(judged.value.most if is_lower(limit_of(self.requirement)[0]) else judged.value.least)

    def distance(self, value: int) -> str:
        apart = abs(value - limit_of(self.requirement)[1])
        return f"{apart:,}" if apart else ""

    def apart(self, value: int) -> str:
        apart = value - int(limit_of(self.requirement)[1])
        return "" if not apart else spell_duration(apart) if apart >= SECOND else "less than 1 s"

    def chosen_jobs(self, judged: Judgement) -> list[ChosenJob]:
        """The jobs of a group that violates which `where`, `jobs` and the scope certainly choose: of each of its keys by CreationDate, the oldest first; where
        findings tell of a span, jobs of other times may be missing."""
        if any(key not in self._chosen for key in judged.group.keys):
            self._load(judged.group.keys)
        return [job for key in judged.group.keys for job in self._chosen[key]]

    def _load(self, keys: Sequence[int]) -> None:
        """Take the jobs of these keys and of those that come next: of all groups together they may be as many as the list has."""
        first = bisect_left(self.keys, keys[0])
        wanted = sorted({*keys, *self.keys[first : first + TOGETHER]})
        keyed, _ = self.view.keyed(self.case.per)
        state = self.view.job_list.dataset.state_field
        chosen = self.context.backend.among(keyed.filter(nw.col(self.case.chosen).fill_null(False)), KEY, wanted).select(
            nw.col(KEY).cast(nw.Int64), nw.col("CreationDate"), nw.col(ROW), nw.col(state), nw.col(self.case.matching)
        )
        if self._spans is not None:
            chosen = self._told(chosen, wanted, self._spans)
        self._chosen = {key: [] for key in wanted}
        for key, *job in self.context.backend.rows(chosen.sort(KEY, "CreationDate", ROW)):
            self._chosen[key].append(ChosenJob(*job))

    def _told(self, jobs: nw.LazyFrame[Any], keys: Sequence[int], spans: Mapping[int, Span]) -> nw.LazyFrame[Any]:
        """Those of jobs that are in the span of their key: few of those of a year."""
        after, until = zip(*(spans[key] for key in keys), strict=True)
        table = self.context.backend.frame({KEY: (ColumnType.INTEGER, keys), _AFTER: (ColumnType.INTEGER, after), _UNTIL: (ColumnType.INTEGER, until)})
        created = nw.col("CreationDate")
        return jobs.join(table, on=KEY, how="inner").filter(created > nw.col(_AFTER), created <= nw.col(_UNTIL)).drop(_AFTER, _UNTIL)

    def states_since(self, judged: Judgement, time: int, when: str) -> str:
        """`3 jobs since then: FAILED`; empty where there is none."""
        jobs = [job for job in self.chosen_jobs(judged) if job.created is not None and job.created > time]
        counts = Counter(job.state or "state unknown" for job in jobs)
        if not counts:
            return ""
        states = ", ".join(sorted(counts, key=lambda state: (-counts[state], state)))
        item = self.view.job_list.dataset.item
        jobs_word = item if len(jobs) == 1 else f"{item}s"
        return f"{len(jobs):,} {jobs_word} {when}: {states}" if when != "jobs" else f"{len(jobs):,} {jobs_word}: {states}"

    def covered_from(self, subject: ResourceKey) -> str:
        """From when on the list speaks for the place of a subject; empty where nothing says, and of a list that speaks of as_of alone."""
        if self.view.job_list.dataset.of_state:
            return ""
        entries = [
            entry
            for entry in self.context.coverage
            if entry.dataset == self.case.rule.statement.dataset and in_scope(self.case.scope, entry.account, entry.region)
        ]
        own = [entry for entry in entries if (entry.account, entry.region) == subject[:2]]
        starts = [entry.evident[0] for entry in own or entries if entry.evident is not None]
        return iso(max(starts)) if starts else ""


def _spans_of(violated: Sequence[Judgement], span_told: Callable[[Judgement], Span | None]) -> Mapping[int, Span] | None:
    """By key, the span of all groups that have its jobs."""
    found: dict[int, Span] = {}
    for judged in violated:
        span = span_told(judged)
        if span is None:
            return None
        for key in judged.group.keys:
            after, until = found.get(key, span)
            found[key] = min(after, span[0]), max(until, span[1])
    return found
