"""What is counted of drafted policies on trial."""

from __future__ import annotations

from collections import Counter

from assurance.init.trial import BEYOND, DraftTrial
from assurance.year.faults import KINDS


def test_faults_beyond_a_drafted_policy_are_counted_apart() -> None:
    beyond = next(iter(BEYOND))
    trial = DraftTrial(faults=Counter({"key disabled": 3, beyond: 2}), found=Counter({"key disabled": 2}))
    assert (trial.counted(within=True), trial.counted(within=False)) == ((3, 2), (2, 0))


def test_what_is_beyond_is_a_kind_of_fault() -> None:
    assert BEYOND.keys() <= KINDS.keys()
