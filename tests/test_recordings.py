"""What it means that records lack a member, told in four bytes a record, says what a plain list of it says."""

from __future__ import annotations

from hypothesis import strategies as st

from policycheck.recordings import Recording, Recordings
from tests.properties import examples

BASE = Recording(frozenset({"State"}), frozenset({"State"}), whole=True)
KINDS = [BASE, BASE.but(frozenset({"State"})), Recording(frozenset(), frozenset(), whole=False), Recording(frozenset(), frozenset(), whole=False, until=7)]
told = st.lists(st.sampled_from(KINDS), max_size=8)


@examples(told, told, few=20, many=500)
def test_numbered_ones_are_those_of_plain_lists(one: list[Recording], other: list[Recording]) -> None:
    both = Recordings.joined([one, Recordings.of(other)])
    assert list(both) == one + other
    assert [both[row] for row in range(len(both))] == one + other
    assert list(both[1:]) == (one + other)[1:]
    assert len(set(both.kinds)) == len(both.kinds)
    assert both == Recordings.of(one + other)
    assert (Recordings.of(one) == Recordings.of(other)) == (one == other)


@examples(told, few=10, many=200)
def test_a_change_is_made_to_each(plain: list[Recording]) -> None:
    """Two that become alike are one kind from then on."""
    changed = Recordings.of(plain).changed(lambda one: Recording(one.told, one.kept, one.whole))
    assert list(changed) == [Recording(one.told, one.kept, one.whole) for one in plain]
    assert len(set(changed.kinds)) == len(changed.kinds)


def test_rows_that_are_told_of_otherwise_are_few_or_all() -> None:
    assert list(Recordings.alike(BASE, 3, {1: KINDS[2]})) == [BASE, KINDS[2], BASE]
    assert Recordings.alike(BASE, 2, {0: KINDS[2], 1: KINDS[2]}).kinds == (KINDS[2],)
    assert Recordings.alike(BASE, 0, {}).kinds == ()
