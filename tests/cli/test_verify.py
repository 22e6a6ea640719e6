"""`check --bundle` and `policycheck verify` on the command line: what is asked, said and returned."""

from __future__ import annotations

from pathlib import Path

import pytest

from policycheck.errors import ExitCode
from tests.cli.conftest import AS_OF, Cli
from tests.evidence.bundles import forged, packed, unpacked


@pytest.fixture
def bundle(check: Cli, folder: Path) -> Path:
    told = check("bad.json", "--bundle", "evidence.zip", "--output", "json=result.json")
    assert told.code == ExitCode.FINDINGS
    assert "evidence bundle evidence.zip, sha256:" in told.err
    return folder / "evidence.zip"


def test_a_person_sees_what_was_checked_what_it_says_and_by_whom(bundle: Path, cli: Cli) -> None:
    told = cli("verify", str(bundle.name))
    assert (told.code, told.err) == (ExitCode.OK, "")
    assert told.out.startswith("verified: evidence.zip\n")
    for part in (
        "14, each as SHA256SUMS says",
        "the same result, byte for byte",
        "FAIL as of 2026-11-20T06:00:00Z: 1 finding",
        "bad.json",
        "asserted by the user",
    ):
        assert part in told.out
    assert len(told.out.splitlines()) <= 24
    assert max(map(len, told.out.splitlines())) <= 100


def test_the_digest_that_check_prints_is_the_one_that_verify_asks_for(check: Cli, cli: Cli, folder: Path) -> None:
    digest = check("bad.json", "--bundle", "evidence.zip", "--output", "json=result.json").err.split("sha256:")[1][:64]
    assert cli("verify", "evidence.zip", "--digest", f"sha256:{digest}").code == ExitCode.OK
    told = cli("verify", "evidence.zip", "--digest", f"sha256:{digest[::-1]}")
    assert told.code == ExitCode.EVIDENCE
    assert told.out.startswith("damaged: evidence.zip\n  - it is not the bundle of --digest")
    assert (folder / "evidence.zip").exists()


def test_what_does_not_follow_is_named_with_exit_code_1(bundle: Path, cli: Cli, folder: Path) -> None:
    before = unpacked(bundle)
    changed = {**before, "lists/0001-bad.json": before["lists/0001-bad.json"].replace(b"FAILED", b"COMPLETED")}
    packed(folder / "forged.zip", forged(before, changed))
    told = cli("verify", "forged.zip")
    assert told.code == ExitCode.FINDINGS
    assert told.out.startswith("does not re-perform: forged.zip\n  - reperform.py: rule p/none-failed: verdict fail, evaluated again pass\n")
    assert "  - result.json is not what the run comes to: line " in told.out
    assert "reperform.py does not agree" in told.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["verify"], ExitCode.USAGE, "BUNDLE"),
        (["verify", "none.zip"], ExitCode.USAGE, "the bundle does not exist"),
        (["verify", "evidence.zip", "--digest", "md5:1"], ExitCode.USAGE, "not a SHA-256 digest"),
        (["verify", "evidence.zip", "--attestation", "none"], ExitCode.USAGE, "cannot read the attestation"),
        (["verify", "evidence.zip", "--attestation", "ok.json"], ExitCode.EVIDENCE, "is not an attestation:"),
    ],
)
@pytest.mark.usefixtures("bundle")
def test_mistakes_are_told_in_a_sentence(arguments: list[str], code: int, said: str, cli: Cli) -> None:
    told = cli(*arguments)
    assert told.code == code
    assert said in told.err


def test_what_is_no_bundle_is_damaged(cli: Cli) -> None:
    told = cli("verify", "ok.json")
    assert told.code == ExitCode.EVIDENCE
    assert told.out.startswith("damaged: ok.json\n  - ok.json: is not a bundle")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bundle", "none/evidence.zip"], "--bundle none/evidence.zip: the folder none does not exist"),
        (["--bundle", "x", "--output", "json=x"], "--bundle and --output would write the same file"),
        (["--bundle", "ok.json"], "--bundle would overwrite ok.json, which this run reads"),
        (["--bundle", "policy.yaml"], "which this run reads"),
    ],
)
def test_a_bundle_that_cannot_be_written_there_is_refused_before_anything_is_read(arguments: list[str], said: str, check: Cli) -> None:
    told = check("ok.json", *arguments)
    assert told.code == ExitCode.USAGE
    assert said in told.err


def test_what_a_bundle_cannot_hold_is_refused_before_anything_is_read(check: Cli, folder: Path) -> None:
    (folder / "held.yaml").write_text("policy: held\nrules:\n  - {id: locked, rule: every backup vault must have Locked true}\n", encoding="utf-8")
    told = check("gone.json", "--bundle", "evidence.zip", policy="held.yaml")
    assert (told.code, told.out) == (ExitCode.USAGE, "")
    assert "a bundle cannot hold backup vaults: reperform.py does not read them" in told.err
    assert "--ignore locked" in told.err


def test_a_gate_makes_no_bundle(cli: Cli) -> None:
    told = cli("check", "policy.yaml", "--wait", "1m", "--bundle", "evidence.zip")
    assert told.code == ExitCode.USAGE
    assert "--bundle and --wait exclude each other" in told.err


def test_the_run_file_names_a_bundle_and_its_scope_is_evaluated_again(cli: Cli, folder: Path) -> None:
    scope = "scope: {accounts: [111122223333], regions: [eu-west-1]}"
    sources = f"sources: {{jobs: [bad.json], as_of: {AS_OF}}}"
    (folder / "policycheck.yaml").write_text(f"policies: [policy.yaml]\n{scope}\n{sources}\nbundle: out/evidence.zip\n", encoding="utf-8")
    assert cli("check").code == ExitCode.FINDINGS
    assert cli("verify", "out/evidence.zip").code == ExitCode.OK
    assert "run-file/0001-policycheck.yaml" in unpacked(folder / "out" / "evidence.zip")


def test_an_unreadable_list_leaves_no_bundle(check: Cli, folder: Path) -> None:
    (folder / "bad.json").write_text("{", encoding="utf-8")
    assert check("bad.json", "--bundle", "evidence.zip").code == ExitCode.EVIDENCE
    assert not (folder / "evidence.zip").exists()
