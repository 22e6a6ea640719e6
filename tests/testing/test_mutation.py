"""Mutants: a rule with one change, which a good test notices."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policycheck.policy.catalogue import shipped_packs
from policycheck.policy.load import load_policies
from policycheck.testing.catalogue import find_tests
from policycheck.testing.document import load_tests
from policycheck.testing.mutation import judge_mutants, mutate
from tests.backends import BACKEND
from tests.testing.conftest import Load


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
        ("rule: no FAILED jobs", "no FAILED jobs [jobs top_level]|no FAILED jobs [no_data pass]"),
        ("rule: no FAILED jobs, no_data: pass", "no FAILED jobs [no_data fail]"),
        ("rule: no FAILED jobs within 24h, clock: CompletionDate", "no FAILED jobs within 24h"),
        ("rule: no clean jobs with IsEncrypted false", "no jobs with Outcome clean or with_issues and IsEncrypted false"),
        (
            "rule: every resource must have a clean job within 24h",
            "there must be a clean job within 24h|every resource must have a clean job within less than 24h",
        ),
        (
            "rule: every resource and vault must have a clean job within 24h",
            "every vault must have a clean job within 24h|every resource must have a clean job within 24h",
        ),
        ("rule: every resource in inventory prod must have a clean job within 24h", "there must be a clean job within 24h"),
        ("rule: at most 2 FAILED jobs per resource within 7d", "at most 1 FAILED job per resource within 7d|at most 3 FAILED jobs per resource within 7d"),
        (
            "rule: at least 99% of jobs must be COMPLETED within 7d",
            "at least 98% of jobs must be COMPLETED within 7d|more than 99% of jobs must be COMPLETED within 7d",
        ),
        ("rule: no scheduled run may be missed within 7d", "at most 1 scheduled run may be missed within 7d"),
        ("rule: every clean job within 7d must be followed by a copy job within 6h", "every clean job within 7d must be followed by a copy job within 43200s"),
    ],
)
def test_windows_states_operators_and_parts_are_changed_one_at_a_time(rule: str, expected: str, tmp_path: Path) -> None:
    made = changes(tmp_path, rule)
    assert [sentence for sentence in expected.split("|") if sentence.replace('"', "") not in {one.replace('"', "") for one in made}] == []
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    ("rule", "equivalent"),
    [
        # A job in progress has not ended, and is neither recovered from nor the latest.
        ("rule: no FAILED jobs within 24h unless recovered within 6h", "no FAILED or RUNNING jobs within 24h unless recovered within 6h"),
        ("rule: the latest job of every resource must be COMPLETED", "the latest job of every resource must be COMPLETED or RUNNING"),
        ("rule: at most 2 consecutive FAILED jobs per resource within 7d", "at most 2 consecutive FAILED or RUNNING jobs per resource within 7d"),
        # A job that follows must have COMPLETED in any case.
        (
            "rule: every clean job must be followed by a COMPLETED copy job within 6h",
            "every clean job must be followed by a COMPLETED or FAILED copy job within 6h",
        ),
        (
            "rule: every clean job must be followed by a COMPLETED copy job with CrossRegion true within 6h",
            "every clean job must be followed by a copy job with CrossRegion true within 6h",
        ),
        # The next whole number says the same.
        ("rule: at most 2 FAILED jobs per resource within 7d", "fewer than 2 FAILED jobs per resource within 7d"),
        ("rule: size must be at least 10", "size must be more than 10"),
    ],
)
def test_no_change_is_made_that_changes_nothing_or_is_made_already(rule: str, equivalent: str, tmp_path: Path) -> None:
    made = changes(tmp_path, rule)
    assert made
    assert equivalent not in made
    # Not for another spelling: the sentence is one that could be made.
    (tmp_path / "e.yaml").write_text(f"policy: e\nrules:\n  - {{id: r, rule: {equivalent}}}\n", encoding="utf-8")
    (policy,) = load_policies([(tmp_path / "e.yaml", "e.yaml")], {})
    assert policy.rules[0].sentence == equivalent


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


@pytest.mark.slow
def test_tests_of_shipped_packs_notice_nine_changes_in_ten_and_the_page_argues_the_others() -> None:
    verdicts = judge_mutants(load_tests(find_tests(list(shipped_packs()))), BACKEND)
    assert verdicts.total > 300
    assert verdicts.killed >= 0.9 * verdicts.total
    page = Path(__file__).parents[2].joinpath("docs", "packs.md").read_text(encoding="utf-8").partition("<!-- survivors -->")[2].partition("<!-- end -->")[0]
    argued = set(re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \| \S.*\|$", page, re.MULTILINE))
    assert argued == {(mutant.policy.id, mutant.original.id, mutant.change.partition(": ")[2]) for mutant in verdicts.survivors}
