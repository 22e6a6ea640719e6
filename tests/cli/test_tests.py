"""`policycheck test`: what it says of options that do nothing and of policies that nothing tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import AS_OF, POLICY, Cli

TEST = f"as_of: {AS_OF}\njobs: [{{ResourceArn: i-1, State: FAILED}}]\nexpect: {{none-failed: {{verdict: fail, findings: [i-1]}}, none-expired: pass}}\n"


@pytest.fixture
def policies(folder: Path) -> Path:
    made = folder / "policies"
    made.mkdir()
    (made / "tested.yaml").write_text(POLICY, encoding="utf-8")
    (made / "tested.test.yaml").write_text(TEST, encoding="utf-8")
    return made


def test_a_share_of_killed_mutants_is_no_claim_without_mutants(cli: Cli, policies: Path) -> None:
    done = cli("test", "policies", "--killed", "100")
    assert (done.code, done.out) == (2, "")
    assert "--killed requires --mutate" in done.err
    assert cli("test", "policies", "--mutate", "--killed", "100").code == 1
    assert cli("test", "policies", "--mutate", "--killed", "1").code == 0


def test_policies_of_a_folder_that_no_test_is_of_are_named(cli: Cli, policies: Path) -> None:
    assert "no tests" not in cli("test", "policies").out
    (policies / "untested.yaml").write_text(POLICY, encoding="utf-8")
    (policies / "ci.yml").write_text("job:\n  rules: [{if: x}]\n", encoding="utf-8")
    (policies / "other.yaml").write_text(POLICY, encoding="utf-8")
    (policies / "elsewhere.test.yaml").write_text(f"policy: ../policies/other.yaml\n{TEST}", encoding="utf-8")
    done = cli("test", "policies")
    assert done.code == 0
    assert [line for line in done.out.splitlines() if line.startswith("no tests")] == ["no tests: policies/untested.yaml"]
    assert "no tests" not in cli("test", "policies/tested.yaml").out


def test_without_names_the_tests_are_those_of_the_run_file_or_of_the_folder_policies(cli: Cli, folder: Path) -> None:
    assert cli("test").code == 2
    (folder / "policies").mkdir()
    (folder / "policies" / "a.yaml").write_text("policy: a\nrules:\n  - {id: r, rule: no FAILED jobs within 24h}\n", encoding="utf-8")
    tests = "name: all is well\nas_of: 2026-11-20T06:00:00Z\njobs: [{}]\nexpect: {r: pass}\n"
    (folder / "policies" / "a.test.yaml").write_text(tests, encoding="utf-8")
    assert "1 test: 1 passed, 0 failed" in cli("test").out
    (folder / "policycheck.yaml").write_text("policies: [first-steps, policies/a.yaml]\n", encoding="utf-8")
    assert "5 tests: 5 passed, 0 failed" in cli("test").out
    assert "1 test: 1 passed, 0 failed" in cli("test", "--no-config").out
    (folder / "policycheck.yaml").write_text("policies: [nowhere.yaml]\n", encoding="utf-8")
    outcome = cli("test")
    assert (outcome.code, "nowhere.yaml" in outcome.err) == (2, True)
