"""A run whose findings are in files says, writes and returns what it would with all of them in memory."""

from __future__ import annotations

import errno
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from policycheck.api import check
from policycheck.baseline import compare
from policycheck.cli.app import run
from policycheck.column_records import MANY
from policycheck.errors import ExitCode
from policycheck.finding_list import FindingList
from policycheck.formats.interface import DEFAULTS, Options, clean_result
from policycheck.formats.json_reading import load_result
from policycheck.formats.redaction import redact
from policycheck.formats.registry import FORMATS
from policycheck.result import Result
from tests.cli.conftest import job, save
from tests.evidence.bundles import POLICY, unpacked
from tests.formats.results import compared, hostile, mixed, results
from tests.many_findings import held_in_memory, spilled
from tests.properties import examples
from tests.random_estate import AS_OF, write_random_estate

KEY = b"a key of thirty-two characters .."
WHOLE = Options(verbose=True, show_passed=True, junit_strict=True)
_SEEDS = st.integers(0, 10**6)


def documents(result: Result, options: Options = DEFAULTS) -> dict[str, str]:
    """What every format writes; what files beside it hold has no findings."""
    shown = clean_result(result)
    return {form.name: "".join(form.pieces(shown, options)) for form in FORMATS.values()}


def facts(result: Result) -> list[Any]:
    return [result.verdict, result.exit_code, result.summary, [rule.worst for rule in result.rules], [len(rule.open_findings) for rule in result.rules]]


def against_itself(result: Result) -> Result:
    """The result held against its first rules a day before, without their first findings."""
    then = replace(result, as_of=result.as_of - timedelta(days=1), baseline=None)
    return compare(result, replace(then, rules=tuple(replace(rule, findings=rule.findings[1:]) for rule in then.rules)))


def require_alike(result: Result, other: Result) -> None:
    assert other == result
    assert facts(other) == facts(result)
    assert documents(other) == documents(result)
    assert documents(redact(other, KEY)) == documents(redact(result, KEY))


@pytest.mark.parametrize(("make", "most"), [(mixed, 0), (hostile, 1), (compared, 1)])
def test_results_with_findings_in_files_are_told_alike(make: Any, most: int) -> None:
    result = make()
    with held_in_memory(most):
        other = spilled(result)
        assert any(isinstance(rule.findings, FindingList) for rule in other.rules)
        require_alike(result, other)
        assert documents(other, WHOLE) == documents(result, WHOLE)
        assert load_result(FORMATS["json"].render(other).encode()) == load_result(FORMATS["json"].render(result).encode())


@examples(results, st.integers(0, 2), few=2, many=300)
def test_arbitrary_results_with_findings_in_files_are_told_alike(result: Result, most: int) -> None:
    with held_in_memory(most):
        require_alike(result, spilled(result))


@examples(_SEEDS, st.integers(0, 2), few=1, many=60)
def test_runs_with_findings_in_files_find_alike(tmp_path: Path, seed: int, most: int) -> None:
    """On lists of backups and copies, rules of many kinds, waivers, an inventory with names of accounts, and a baseline."""
    estate = write_random_estate(tmp_path, seed)
    result = estate.check()
    with held_in_memory(most):
        other = estate.check()
        require_alike(result, other)
        compared_, told = against_itself(other), documents(redact(other, KEY))
    assert compared_ == against_itself(result) and facts(compared_) == facts(against_itself(result))
    assert documents(compared_) == documents(against_itself(result))
    assert not [(name, secret) for name, document in told.items() for secret in estate.secrets if secret in document]


def test_columns_with_findings_in_files_find_alike(tmp_path: Path) -> None:
    """On a list long enough to be read as columns, whose records are made when they are asked for."""
    policy, jobs = tmp_path / "policy.yaml", tmp_path / "jobs.json"
    policy.write_text(POLICY.replace("${age}", "2h").replace("params: {age: 26h}\n", ""), encoding="utf-8")
    states = ["FAILED" if count % 40 == 0 else "COMPLETED" for count in range(MANY + 1)]
    save(jobs, *(job(count, state, IamRoleArn="x" if count % 50 == 0 else "backup") for count, state in enumerate(states)))
    result = check(policy, jobs, as_of=AS_OF, answers=True)
    assert [len(rule.findings) > 10 for rule in result.rules] == [True, True, False, True]
    with held_in_memory(10):
        other = check(policy, jobs, as_of=AS_OF, answers=True)
        assert isinstance(other.rules[0].findings, FindingList)
        assert all(FORMATS[name].render(other) == FORMATS[name].render(result) for name in ("json", "text", "junit"))


@pytest.fixture
def estate(tmp_path: Path) -> list[str]:
    """A command line of a check that fails."""
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    save(tmp_path / "jobs.json", *(job(number, "FAILED") for number in range(9)))
    return ["check", str(tmp_path / "policy.yaml"), "--jobs", str(tmp_path / "jobs.json"), "--as-of", AS_OF.isoformat()]


def test_a_bundle_of_findings_in_files_is_the_same(estate: list[str], tmp_path: Path) -> None:
    assert run([*estate, "--bundle", str(tmp_path / "whole.zip")]) == ExitCode.FINDINGS
    with held_in_memory(2):
        assert run([*estate, "--bundle", str(tmp_path / "spilled.zip")]) == ExitCode.FINDINGS
        assert run(["verify", str(tmp_path / "spilled.zip")]) == ExitCode.OK
    kept, made = unpacked(tmp_path / "whole.zip"), unpacked(tmp_path / "spilled.zip")
    assert made.keys() == kept.keys()
    assert [name for name in kept if made[name] != kept[name]] in ([], ["bundle.json", "SHA256SUMS"])


def test_a_disk_without_space_is_one_error_and_no_pass(estate: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(**_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with held_in_memory(2):
        assert run([*estate, "-o", "json"]) == ExitCode.EVIDENCE
    told = capsys.readouterr()
    assert told.out == ""
    (error,) = [line for line in told.err.splitlines() if line.startswith("error")]
    assert "no temporary file can be made for the findings of a rule: No space left on device" in error
