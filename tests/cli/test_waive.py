"""`policycheck waive`: from a saved result to waivers that a run accepts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from policycheck.policy.load import load_policies
from policycheck.policy.waivers import load_waivers
from tests.cli.conftest import AS_OF, Cli, job, save

SIGNED = ("--owner", "ops", "--reason", "known: see the ticket", "--expires", "30d")


@pytest.fixture
def result(cli: Cli, folder: Path) -> str:
    save(folder / "jobs.json", job(1, "FAILED"), job(2, "FAILED"), job(3, "EXPIRED"))
    cli("check", "policy.yaml", "--jobs", "jobs.json", "--as-of", AS_OF, "--output", "json=result.json")
    return "result.json"


def test_each_open_finding_gets_a_waiver_that_names_its_resource(cli: Cli, folder: Path, result: str) -> None:
    done = cli("waive", result, *SIGNED, "--output", "waivers.yaml")
    assert (done.code, done.err) == (0, "policycheck: 3 waivers in waivers.yaml\n")
    (policy,) = load_waivers([(folder / "waivers.yaml", "waivers.yaml")], load_policies([(folder / "policy.yaml", "policy.yaml")], {}))
    assert [(grant.rule, str(grant.granted), str(grant.expires)) for grant in policy.waivers] == [
        ("none-failed", "2026-11-20", "2026-12-20"),
        ("none-failed", "2026-11-20", "2026-12-20"),
        ("none-expired", "2026-11-20", "2026-12-20"),
    ]
    assert {grant.waiver.reason for grant in policy.waivers} == {"known: see the ticket"}


def test_the_waiver_of_a_vault_names_the_vault(cli: Cli, folder: Path) -> None:
    arn = "arn:aws:backup:eu-west-1:111122223333:backup-vault:legacy"
    (folder / "vaults.json").write_text(json.dumps({"BackupVaultList": [{"BackupVaultArn": arn, "BackupVaultName": "legacy", "Locked": False}]}))
    (folder / "vaults.yaml").write_text("policy: v\nrules: [{id: locked, rule: every backup vault must have Locked true}]\n")
    check = ("check", "vaults.yaml", "--jobs", "vaults.json", "--as-of", AS_OF, "--covers", f"2026-11-01..{AS_OF}")
    assert cli(*check, "--output", "json=vaults-result.json").code == 1
    cli("waive", "vaults-result.json", *SIGNED, "--output", "waivers.yaml")
    assert cli(*check, "--waivers", "waivers.yaml").code == 0


def test_rules_and_subjects_are_chosen(cli: Cli, result: str) -> None:
    done = cli("waive", result, *SIGNED, "--select", "p/none-failed", "--subject", "i-2", "--ticket", "OPS-1", "--granted", "2026-11-19")
    assert done.out.count("rule:") == 1
    assert "ResourceArn: arn:aws:ec2:eu-west-1:111122223333:instance/i-2" in done.out
    assert "granted: '2026-11-19'" in done.out
    assert "ticket: OPS-1" in done.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--select", "none-faild"), 2, "the result has no rule none-faild"),
        (("--subject", "i-9"), 2, "no open finding to waive"),
        (("--owner", " "), 2, "--owner is empty"),
        (("--granted", "9999-12-31"), 2, "--expires: 30d after 9999-12-31 is not a date"),
        (("--expires", "2026-02-30"), 2, "--expires: 2026-02-30 is not a date"),
        (("--expires", "2026-11-19"), 2, "--expires: 2026-11-19 is before the waivers are granted"),
        (("--expires", "400d"), 2, "--expires: the waivers would be in force for 400 days, more than a year"),
        (("--output", "policy.yaml"), 2, "policy.yaml already exists"),
    ],
)
def test_a_mistake_writes_nothing(arguments: tuple[str, ...], code: int, message: str, cli: Cli, result: str) -> None:
    option = arguments[0]
    signed = [part for name, value in zip(SIGNED[::2], SIGNED[1::2], strict=True) if name != option for part in (name, value)]
    done = cli("waive", result, *signed, *arguments)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_a_result_that_is_not_there_is_missing_evidence(cli: Cli, folder: Path) -> None:
    done = cli("waive", "no.json", *SIGNED)
    assert done.code == 3
    assert "cannot read the result" in done.err


def test_a_result_of_the_last_days_of_time_is_a_mistake(cli: Cli, folder: Path, result: str) -> None:
    saved = folder / result
    saved.write_text(saved.read_text(encoding="utf-8").replace(AS_OF, "9999-12-30T06:00:00Z"), encoding="utf-8")
    done = cli("waive", result, *SIGNED)
    assert (done.code, done.out) == (2, "")
    assert "--expires: 30d after 9999-12-30 is not a date" in done.err
