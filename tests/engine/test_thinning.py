from __future__ import annotations

import pytest

from policycheck.engine.group_measure import Clean
from policycheck.engine.list_view import Key, Tally
from policycheck.engine.measures import Range
from policycheck.engine.thinning import thin
from policycheck.policy.measures import Measure
from policycheck.policy.model import Expectation
from tests.engine.cases import case
from tests.engine.expectations import clean, expect

HERE, THERE = ("111122223333", "eu-west-1"), ("444455556666", "eu-west-1")
SUBJECTS = [(*HERE, "i-1"), (*HERE, "i-2"), (*HERE, "i-3"), (*THERE, "i-4"), (*HERE, "i-5"), (None, "eu-west-1", "i-6"), (*HERE, "i-7")]
AGES = {0: 5, 1: 9, 2: 9, 3: 2, 5: 9, 6: 4}
"""Of the newest job, by the number of each clean key."""
TALLY = Tally(True, True, False, examined=3, may=3, undecided=1, waiting=True)


class View:
    """A list of these resources."""

    def keyed(self, _: tuple[str, ...]) -> tuple[None, list[Key]]:
        return None, [Key(subject, (), True) for subject in SUBJECTS]


@pytest.mark.parametrize(
    ("requirement", "kept"),
    [
        pytest.param(expect(Measure.COUNT, clean(), "at_least 1"), [0, 3, 4, 5], id="one of each place, and who is not clean or has no place"),
        pytest.param(expect(Measure.NEWEST, clean(), "at_most 24h"), [0, 1, 2, 3, 4, 5], id="those that will violate first"),
        pytest.param(expect(Measure.SIZE_DROP, clean(), "at_most 50%"), [0, 1, 2, 3, 4, 5, 6], id="all, where one may have nothing to compare"),
        pytest.param(
            expect(Measure.COUNT, clean(), "at_least 1", ("ResourceArn", "BackupVaultName")), [0, 1, 2, 3, 4, 5, 6], id="all, where a resource has several"
        ),
    ],
)
def test_clean_groups_are_counted_but_for_one_of_each_place(requirement: Expectation, kept: list[int]) -> None:
    keys = {number: Clean(Range(age, age)) for number, age in AGES.items()}
    tallies, omitted = thin(case(requirement, within="48h"), View(), dict.fromkeys(range(len(SUBJECTS)), TALLY), keys)  # type: ignore[arg-type]
    assert list(tallies) == kept
    left_out = len(SUBJECTS) - len(kept)
    assert (omitted.groups, omitted.examined, omitted.may, omitted.undecided) == (left_out, 3 * left_out, 3 * left_out, left_out)
    assert sum(omitted.subjects_of.values()) == left_out
