"""Mutants: a rule with one change, which a good test notices."""

from __future__ import annotations

from pathlib import Path

import pytest

from policycheck.policy.load import load_policies
from policycheck.testing.mutation import judge_mutants, mutate
from tests.testing.conftest import BACKEND, Load


def changes(folder: Path, rule: str) -> list[str]:
    path = folder / "m.yaml"
    path.write_text(f"policy: m\nrules:\n  - {{id: r, {rule}}}\n", encoding="utf-8")
    (policy,) = load_policies([(path, "m.yaml")], {})
    return [mutant.rule.sentence for mutant in mutate(policy, policy.rules[0])]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("rule: no EXPIRED jobs within 24h", "no EXPIRED jobs within 43200s|no EXPIRED jobs within 172800s|no EXPIRED or FAILED jobs within 24h"),
        ("rule: no EC2 jobs in vault legacy", 'no "EC2" jobs|no jobs in vault legacy'),
        ("rule: 'duration must be at most 4h'", "duration must be less than 4h|duration must be at most 7200s|duration must be at most 28800s"),
        ("rule: ResourceName must start with prod-", "ResourceName must contain prod-"),
        ("rule: 'vault must be one of a, b'", "vault must be a|vault must be b"),
        ("rule: no FAILED jobs within 24h unless recovered within 6h", "no FAILED jobs within 24h|no FAILED jobs within 24h unless recovered within 10800s"),
        ("jobs: top_level, none: {State: PARTIAL}", "no PARTIAL jobs"),
    ],
)
def test_windows_states_operators_and_parts_are_changed_one_at_a_time(rule: str, expected: str, tmp_path: Path) -> None:
    made = changes(tmp_path, rule)
    assert [sentence for sentence in expected.split("|") if sentence.replace('"', "") not in {one.replace('"', "") for one in made}] == []
    assert len(set(made)) == len(made)


def test_a_mutant_is_killed_by_a_test_that_tells_it_from_the_rule(load: Load) -> None:
    weak = load("jobs: [{ResourceArn: i-1, State: FAILED}]\nexpect: {failed: {verdict: fail, findings: [i-1]}}\n")
    strong = load(
        "jobs:\n  - {ResourceArn: i-1, State: FAILED}\n  - {ResourceArn: i-2, State: EXPIRED, CreationDate: -22h}\n"
        "  - {ResourceArn: i-3, State: FAILED, CreationDate: -30h, CompletionDate: -29h}\n  - {ResourceArn: i-4, State: ABORTED}\n"
        "expect: {failed: {verdict: fail, findings: [i-1, i-2]}}\n"
    )
    few, many = judge_mutants(weak, BACKEND), judge_mutants(strong, BACKEND)
    assert few.total == many.total
    survived = {mutant.rule.sentence for mutant in few.survivors} - {mutant.rule.sentence for mutant in many.survivors}
    assert "no FAILED EC2 jobs in vault prod within 24h" in survived
    assert "no FAILED, EXPIRED or ABORTED EC2 jobs in vault prod within 24h" in survived
    assert "no FAILED or EXPIRED EC2 jobs in vault prod within 172800s" in survived


def test_parameters_of_a_test_do_not_hide_a_change(load: Load) -> None:
    tests = load(
        "tests:\n  - {name: a, jobs: [{ResourceArn: i-1, State: FAILED}], expect: {failed: {verdict: fail, findings: [i-1]}}}\n"
        "  - name: b\n    params: {window: 7d}\n    jobs: [{ResourceArn: i-1, State: EXPIRED, CreationDate: -100h}]\n"
        "    expect: {failed: {verdict: fail, findings: [i-1]}}\n"
    )
    survived = {mutant.change.partition(": ")[2] for mutant in judge_mutants(tests, BACKEND).survivors}
    assert "State without EXPIRED" not in survived
