"""Groups that cannot change what a rule comes to, left out where nobody asks how many there are."""

from __future__ import annotations

from collections.abc import Mapping

from policycheck.datasets import BACKUP_JOBS
from policycheck.engine.case import Case
from policycheck.engine.group_measure import measure_of
from policycheck.engine.judgement import expectation
from policycheck.engine.list_view import ListView, Tally
from policycheck.engine.screen import CleanKeys
from policycheck.engine.series import Series
from policycheck.places import Place
from policycheck.policy.model import RESOURCE


def thin(case: Case, view: ListView, tallies: Mapping[int, Tally], clean: CleanKeys, series: Series | None) -> dict[int, Tally] | None:
    """The tallies of a rule without most of its clean groups; None where all are to be counted, or a group may have no key of its own.

    One clean group of each place stays, with a job in the population: then there is something to measure, which is not new, wherever there was. A rule that
    passes or fails on these does so on all; what it says of how many subjects there are is wrong.
    """
    if series is None or series.counting or case.number in series.anew or not case.per or expectation(case).inventory is not None:
        return None
    # Of measures that pass over a group without anything to measure, a clean group may be such a one: then it stands for no other.
    if expectation(case).share is not None or measure_of(case).passes_over_nothing:
        return None
    if RESOURCE in case.per and (case.per != (RESOURCE,) or case.rule.statement.dataset != BACKUP_JOBS.name):
        return None
    _, keys = view.keyed(case.per)
    kept: dict[int, Tally] = {}
    seen: set[Place] = set()
    for number, tally in tallies.items():
        if number in clean and keys[number].complete and tally.listed is True and tally.examined:
            place = keys[number].subject[:2]
            if place in seen:
                continue
            seen.add(place)
        kept[number] = tally
    return kept
