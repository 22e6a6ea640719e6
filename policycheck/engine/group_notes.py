"""What a reader must know of a rule on groups beside its reason: a line each."""

from __future__ import annotations

from collections.abc import Sequence

from policycheck.engine.case import Case
from policycheck.engine.group_findings import spell_subject
from policycheck.engine.group_measure import measure_of
from policycheck.engine.group_reasons import nothing_to_measure
from policycheck.engine.judgement import Judgement
from policycheck.engine.subject_shares import count_subjects, share_of, spell_count
from policycheck.records import iso, moment
from policycheck.text import counted, spell_duration

_MOST_NOTES = 10


def tell_notes(case: Case, judgements: Sequence[Judgement], groups: int, children: int) -> tuple[str, ...]:
    """What is pending until when, and what had nothing to measure.

    Args:
        groups: how many there are; those that are not judged keep to the rule.
        children: how many child jobs their parents stand for.
    """
    waiting = sorted((item for item in judgements if item.pending), key=lambda item: (item.first_runs, item.edge.first or 0, item.group.values[0] or ""))
    notes = [f"{spell_subject(case.per, item.group.values)} {_pending_until(case, item)}" for item in waiting[:_MOST_NOTES]]
    if len(waiting) > _MOST_NOTES:
        notes.append(f"and {len(waiting) - _MOST_NOTES:,} more subjects pending")
    if children:
        whose = "its parent job counts" if children == 1 else "their parent jobs count"
        notes.append(f"{counted(children, 'child job')} omitted: {whose} instead, with the same result")
    if share_of(case) is not None and (count := count_subjects(judgements)).most != 1:
        notes.append(spell_count(case, count))
    notes += measure_of(case).tell_notes(case, judgements)
    passed = sum(item.passed_over for item in judgements)
    if passed and not measure_of(case).passes_over_nothing:
        notes.append(f"{nothing_to_measure(case, passed, groups)}: skipped, as no_data {case.rule.qualifiers.no_data} says")
    return tuple(notes)


def _pending_until(case: Case, item: Judgement) -> str:
    if item.first_runs:
        return "is pending: its first backup job is in progress"
    if told := measure_of(case).tell_pending(item):
        return told
    first = item.edge.first or 0
    until = measure_of(case).pending_until(case, first)
    return f"is new: pending until {iso(moment(until))}, {spell_duration(until - first)} after its first backup job"
