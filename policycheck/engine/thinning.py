"""Clean groups of which nothing but their number is told: left out before groups are made of them, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from policycheck.datasets import BACKUP_JOBS
from policycheck.engine.case import Case
from policycheck.engine.group_measure import measure_of
from policycheck.engine.judgement import expectation
from policycheck.engine.list_view import Key, ListView, Tally
from policycheck.engine.measures import Number
from policycheck.engine.screen import CleanKeys
from policycheck.engine.subjects import NOTHING_OMITTED, Omitted
from policycheck.places import Place
from policycheck.policy.model import RESOURCE


def thin(case: Case, view: ListView, tallies: Mapping[int, Tally], clean: CleanKeys) -> tuple[Mapping[int, Tally], Omitted]:
    """The tallies of a rule without most of its clean groups, and what those come to.

    One clean group of each place stays, with a job in the population: then there is something to measure, which is not new, wherever there was. Where it is
    told when a rule will be violated, those stay of which it is told. All stay where a group may have no key of its own, or each group counts for more than
    its number.
    """
    if not case.per or expectation(case).inventory is not None:
        return tallies, NOTHING_OMITTED
    # Of measures that pass over a group without anything to measure, a clean group may be such a one: then it stands for no other.
    if expectation(case).share is not None or measure_of(case).passes_over_nothing:
        return tallies, NOTHING_OMITTED
    if RESOURCE in case.per and (case.per != (RESOURCE,) or case.rule.statement.dataset != BACKUP_JOBS.name):
        return tallies, NOTHING_OMITTED
    _, keys = view.keyed(case.per)
    last = _worst(clean) if measure_of(case).tells_breach else None
    kept: dict[int, Tally] = {}
    omitted: list[Tally] = []
    places: Counter[Place] = Counter()
    for number, tally in tallies.items():
        found = clean.get(number)
        if found is not None and _has_own_group(case, keys[number]) and tally.listed is True and tally.examined:
            place = keys[number].subject[:2]
            if place in places and (last is None or found.value is None or found.value.most < last):
                places[place] += 1
                omitted.append(tally)
                continue
            places.setdefault(place, 0)
        kept[number] = tally
    return kept, Omitted(
        groups=len(omitted),
        examined=sum(tally.examined for tally in omitted),
        may=sum(tally.may for tally in omitted),
        undecided=sum(tally.undecided for tally in omitted),
        outside=any(tally.outside for tally in omitted),
        # Of groups that are told by their place and more, one of each place is there.
        subjects_of=places if RESOURCE in case.per else {},
    )


def _has_own_group(case: Case, key: Key) -> bool:
    """Whether the records of a key are a group, and of no other."""
    return key.complete and not (RESOURCE in case.per and None in key.subject)


def _worst(clean: CleanKeys) -> Number | None:
    return max((found.value.most for found in clean.values() if found.value is not None), default=None)
