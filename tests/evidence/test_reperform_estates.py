"""What must hold of the second implementation's answers on any lists: of groups, schedules and following jobs."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policycheck.evidence.reperform import reperform
from policycheck.policy.model import Measure, Rule, Scope
from tests.evidence.agreement import Claim, document
from tests.evidence.jobs import Estate, Job, estates, inventories
from tests.evidence.rules import following_rules, group_rules
from tests.evidence.test_agreement import FAST, claims, scopes

RULES = st.tuples(*(group_rules(measure, number) for number, measure in enumerate(Measure)), following_rules(9))
Inventories = dict[str, list[Job]]


@settings(FAST, max_examples=30)
@given(estates(), RULES, st.just(Scope()) | scopes(), claims, inventories(), st.data())
def test_the_order_of_records_rules_and_lists_changes_nothing(
    estate: Estate, rules: tuple[Rule, ...], scope: Scope, covers: Claim, listed: Inventories, data: st.DataObject
) -> None:
    shuffled = {name: data.draw(st.permutations(jobs)) for name, jobs in reversed(estate.items())}
    first, second = document(estate, rules, scope, covers, listed), document(shuffled, rules[::-1], scope, covers, listed)
    assert reperform(first) == reperform(second)


@settings(FAST, max_examples=30)
@given(estates(), RULES, st.just(Scope()) | scopes(), claims, inventories())
def test_no_pass_beside_a_possible_violation_or_a_list_that_was_not_read(
    estate: Estate, rules: tuple[Rule, ...], scope: Scope, covers: Claim, listed: Inventories
) -> None:
    needed = {rule.id: rule.statement.lists_needed for rule in rules}
    for result in reperform(document(estate, rules, scope, covers, listed))["rules"]:
        assert (result["verdict"] == "fail") is bool(result["findings"])
        if result["verdict"] in {"pass", "skipped"}:
            assert result["possible"] == 0
            assert needed[result["id"]] <= set(estate)


@pytest.mark.slow
def test_the_generated_lists_reach_every_verdict() -> None:
    verdicts: Counter[str] = Counter()

    @settings(FAST, max_examples=100, derandomize=True)
    @given(estates(), RULES, claims, inventories())
    def count(estate: Estate, rules: tuple[Rule, ...], covers: Claim, listed: Inventories) -> None:
        verdicts.update(result["verdict"] for result in reperform(document(estate, rules, Scope(), covers, listed))["rules"])

    count()
    assert set(verdicts) == {"pass", "fail", "inconclusive", "skipped"}
    assert min(verdicts["pass"], verdicts["fail"]) > 20
