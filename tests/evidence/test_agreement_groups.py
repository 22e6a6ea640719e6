"""The engine and `reperform.py` judge groups, schedules and following jobs of the same generated lists, and must say the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policycheck.evidence.reperform import reperform
from policycheck.policy.model import Measure, Rule, Scope, WaiverGrant
from tests.evidence.agreement import AS_OF_TIME, Claim, document, judge_by_engine, reperformed, said
from tests.evidence.jobs import Estate, Job, estates, inventories, sound_estates
from tests.evidence.rules import following_rules, group_rules, waiver_lists
from tests.evidence.test_agreement import FAST, claims, scopes

Inventories = dict[str, list[Job]]

# More often than not all that is asked about is covered, so that groups are decided.
WIDE = (AS_OF_TIME - timedelta(days=40), AS_OF_TIME)
CLAIMS = st.just(WIDE) | st.just(WIDE) | claims
SCOPES = st.just(Scope()) | st.just(Scope()) | scopes()


def agree(estate: Estate, rules: tuple[Rule, ...], scope: Scope, covers: Claim, listed: Inventories, waivers: list[WaiverGrant]) -> None:
    found = [said(result) for result in judge_by_engine(estate, rules, scope, covers, listed, waivers)]
    assert found == reperformed(reperform(document(estate, rules, scope, covers, listed, waivers)))


@pytest.mark.slow
@pytest.mark.parametrize("measure", Measure)
def test_of_groups_engine_and_reperform_say_the_same(measure: Measure) -> None:
    rules = st.tuples(*(group_rules(measure, number) for number in range(4)))

    @settings(FAST, max_examples=60)
    @given(estates() | sound_estates(), rules, SCOPES, CLAIMS, inventories(), st.data())
    def check(estate: Estate, chosen: tuple[Rule, ...], scope: Scope, covers: Claim, listed: Inventories, data: st.DataObject) -> None:
        agree(estate, chosen, scope, covers, listed, data.draw(waiver_lists(chosen)))

    check()


@settings(FAST, max_examples=30)
@given(estates() | sound_estates(), st.tuples(following_rules(0), following_rules(1)), SCOPES, CLAIMS, inventories(), st.data())
def test_of_following_jobs_engine_and_reperform_say_the_same(
    estate: Estate, chosen: tuple[Rule, ...], scope: Scope, covers: Claim, listed: Inventories, data: st.DataObject
) -> None:
    agree(estate, chosen, scope, covers, listed, data.draw(waiver_lists(chosen)))
