"""`check` of many accounts and Regions: one that fails is named, keeps what needs it from passing, and hides no other. And no output holds a credential."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from policycheck.cli.app import run
from policycheck.emulator.clock import Clock
from policycheck.emulator.faults import Kind
from policycheck.emulator.members import Member
from policycheck.emulator.server import Endpoint, serve
from policycheck.emulator.store import Store
from policycheck.errors import ExitCode
from policycheck.sources.aws import fetch_jobs
from policycheck.sources.connection import Connection
from policycheck.sources.plan import FetchPlan
from tests.sources.conftest import no_aws, pauses  # noqa: F401 - fixtures
from tests.sources.loopback import Answer, endpoint

pytestmark = pytest.mark.usefixtures("no_aws", "pauses")

PROD, SHOP, SANDBOX = "111122223333", "444455556666", "555566667777"
HOME, AWAY = "eu-west-1", "us-east-1"
KEY, SECRET, TOKEN = "AKIAMARKEDKEYID56789", "MARKED/secret+access/key/0123456789abcdef", "IQoJMARKEDTOKEN" + "x" * 60
EXTERNAL_ID = "marked-external-id"


def job(number: int, account: str, region: str, state: str = "COMPLETED") -> dict[str, Any]:
    created = datetime.now(UTC) - timedelta(hours=number + 1)
    return {
        "AccountId": account,
        "BackupJobId": f"job-{account}-{region}-{number}",
        "BackupVaultName": "prod",
        "BackupVaultArn": f"arn:aws:backup:{region}:{account}:backup-vault:prod",
        "ResourceArn": f"arn:aws:ec2:{region}:{account}:volume/vol-{number}",
        "ResourceType": "EBS",
        "State": state,
        "PercentDone": "100.0",
        "CreationDate": created,
        "CompletionDate": created + timedelta(minutes=5),
        "StartBy": created + timedelta(hours=8),
        "IamRoleArn": f"arn:aws:iam::{account}:role/AWSBackupDefaultServiceRole",
    }


@contextmanager
def served(*faults: str, failed: bool = False) -> Iterator[Endpoint]:
    """Three accounts with three jobs in each of two Regions; `failed`: one job of the first is FAILED."""
    store = Store(Clock(datetime.now(UTC), running=True), management=PROD)
    store.organization = (Member(PROD, "production"), Member(SHOP, "shop"), Member(SANDBOX, "sandbox"))
    for account in (PROD, SHOP, SANDBOX):
        for region in (HOME, AWAY):
            found = [job(number, account, region) for number in range(3)]
            if failed and (account, region) == (PROD, HOME):
                found[0] |= {"State": "FAILED"}
            store.add(account, region, "backup_jobs", found)
    with serve(store, faults=faults) as endpoint, pytest.MonkeyPatch.context() as patch:
        for name, value in endpoint.environment.items():
            patch.setenv(name, value)
        yield endpoint


@dataclass(frozen=True)
class Way:
    """A way to ask for several places: the options, what fails in one of them, and which that is."""

    options: tuple[str, ...]
    place: tuple[str, str]
    """Account and Region of what fails."""
    good: tuple[tuple[str, str], ...]
    called: str
    """What the failing place is called."""


def write_profiles(config: Path) -> None:
    """Two profiles, of two accounts: the emulator takes an account for a key id."""
    config.write_text("".join(f"[profile {name}]\naws_access_key_id={key}\naws_secret_access_key=x\n" for name, key in (("prod", PROD), ("shop", SHOP))))


ROLES = tuple(f"--role-arn=arn:aws:iam::{account}:role/AWSBackupAudit" for account in (PROD, SHOP, SANDBOX))
WAYS = {
    "Regions": Way((f"--region={HOME}", f"--region={AWAY}"), (PROD, AWAY), ((PROD, HOME),), AWAY),
    "roles": Way((f"--region={HOME}", *ROLES), (SHOP, HOME), ((PROD, HOME), (SANDBOX, HOME)), f"{SHOP}/{HOME}"),
    "profiles": Way((f"--region={HOME}", "--profile=prod", "--profile=shop"), (SHOP, HOME), ((PROD, HOME),), f"profile shop/{HOME}"),
}
# Faults that pass by, or that leave the list whole.
HARMLESS = {Kind.LATENCY: "latency:0.01", Kind.ADVANCE: "advance:1", Kind.CHANGE: "change:RUNNING:COMPLETED", Kind.SHORT: "short:1"}
QUICK = [("Regions", Kind.DENIED), ("roles", Kind.TRUNCATED), ("profiles", Kind.EXPIRED), ("roles", Kind.THROTTLING)]
FATAL = [(way, kind) for way in WAYS for kind in Kind if kind not in HARMLESS]


def policies(folder: Path, bad: tuple[str, str], good: tuple[str, str]) -> list[str]:
    """A policy of a place that is read, one of the place that fails, and one of all."""
    scopes = {"good": good, "bad": bad, "all": None}
    paths = []
    for name, place in scopes.items():
        scope = "" if place is None else f"scope: {{accounts: [{place[0]}], regions: [{place[1]}]}}\n"
        path = folder / f"{name}.yaml"
        path.write_text(f"policy: {name}\n{scope}rules:\n  - {{id: none-failed, rule: no FAILED jobs within 24h}}\n", encoding="utf-8")
        paths.append(str(path))
    return paths


@pytest.mark.parametrize(("name", "kind"), [pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow) for case in FATAL], ids=str)
def test_a_place_that_fails_is_named_and_keeps_what_needs_it_from_passing_and_hides_no_other(
    name: str,
    kind: Kind,
    no_aws: Path,  # noqa: F811
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    way = WAYS[name]
    write_profiles(no_aws)
    paths = policies(tmp_path, way.place, way.good[0])
    with served(f"ListBackupJobs@{'/'.join(way.place)}:*={kind}") as endpoint:
        options = [*way.options, "--endpoint-url", endpoint.url, "--output", "json"]
        assert run(["check", *paths, *options]) == ExitCode.EVIDENCE
        result = json.loads(capfd.readouterr().out)
        verdicts = {rule["policy"]: rule["verdict"] for rule in result["rules"]}
        assert verdicts == {"good": "pass", "bad": "inconclusive", "all": "inconclusive"}
        complete = {(entry["account"], entry["region"]): entry["jobs"] for entry in result["coverage"] if entry["complete"]}
        assert complete == dict.fromkeys(way.good, 3)
        (failed,) = [entry for entry in result["coverage"] if not entry["complete"]]
        assert way.called in failed["reason"]
    with served(f"ListBackupJobs@{'/'.join(way.place)}:*={kind}", failed=True) as endpoint:
        assert run(["check", paths[2], *way.options, "--endpoint-url", endpoint.url, "--quiet"]) == ExitCode.FINDINGS


@pytest.mark.parametrize("kind", [pytest.param(Kind.SHORT), *(pytest.param(kind, marks=pytest.mark.slow) for kind in HARMLESS if kind is not Kind.SHORT)])
def test_a_fault_that_leaves_the_list_whole_leaves_every_verdict(kind: Kind, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    way = WAYS["roles"]
    with served(f"ListBackupJobs@{'/'.join(way.place)}:*={HARMLESS[kind]}") as endpoint:
        assert run(["check", *policies(tmp_path, way.place, way.good[0]), *way.options, "--endpoint-url", endpoint.url, "--quiet"]) == ExitCode.OK
    capfd.readouterr()


def test_a_role_of_three_that_cannot_be_assumed_is_one_account_less(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    accounts = tmp_path / "accounts.yaml"
    accounts.write_text(f"- {PROD}\n- {{account: {SHOP}, name: shop}}\n- {SANDBOX}\n", encoding="utf-8")
    paths = policies(tmp_path, (SHOP, HOME), (SANDBOX, HOME))
    with served(f"AssumeRole@{SHOP}:*=denied") as endpoint:
        options = ["--accounts", str(accounts), f"--region={HOME}", "--endpoint-url", endpoint.url]
        assert run(["check", *paths, *options, "--output", "json"]) == ExitCode.EVIDENCE
        result = json.loads(capfd.readouterr().out)
    assert {rule["policy"]: rule["verdict"] for rule in result["rules"]} == {"good": "pass", "bad": "inconclusive", "all": "inconclusive"}
    (failed,) = [entry for entry in result["coverage"] if not entry["complete"]]
    assert (failed["account"], failed["account_name"]) == (SHOP, "shop")
    assert "sts:AssumeRole is not allowed" in failed["reason"] and "(shop)" in failed["reason"]


EXPIRED = {
    "no credentials": "",
    "a login that has ended": "sso_session=s\nsso_account_id=444455556666\nsso_role_name=r\n[sso-session s]\nsso_region=eu-west-1\nsso_start_url=https://x.test/\n",
}


@pytest.mark.parametrize("expired", EXPIRED)
def test_a_profile_of_two_that_gives_no_credentials_is_one_account_less(
    expired: str,
    no_aws: Path,  # noqa: F811
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_aws.write_text(f"[profile prod]\naws_access_key_id={PROD}\naws_secret_access_key=x\n[profile shop]\n{EXPIRED[expired]}", encoding="utf-8")
    paths = policies(tmp_path, (SHOP, HOME), (PROD, HOME))
    with served() as endpoint:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        options = ["--profile=prod", "--profile=shop", f"--region={HOME}", "--endpoint-url", endpoint.url]
        assert run(["check", *paths, *options, "--output", "json"]) == ExitCode.EVIDENCE
        result = json.loads(capfd.readouterr().out)
        assert run(["check", paths[0], "--profile=shop", f"--region={HOME}", "--endpoint-url", endpoint.url]) == ExitCode.EVIDENCE
    # Of a profile without credentials the configuration may know the account. Otherwise it may be any, and no rule can pass.
    known = bool(EXPIRED[expired])
    assert {rule["policy"]: rule["verdict"] for rule in result["rules"]} == {
        "good": "pass" if known else "inconclusive",
        "bad": "inconclusive",
        "all": "inconclusive",
    }
    (failed,) = [entry for entry in result["coverage"] if not entry["complete"]]
    assert failed["account"] == (SHOP if known else None)
    assert failed["reason"].startswith("profile shop: ")


def test_a_declared_organization_names_the_accounts_without_a_job(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.yaml"
    for scope, code in (
        ("accounts: organization", ExitCode.EVIDENCE),
        ("accounts: organization, may_be_empty: ['777788889999']", ExitCode.OK),
        (f"accounts: [{PROD}]", ExitCode.OK),
    ):
        path.write_text(f"policy: p\nscope: {{{scope}}}\nrules:\n  - {{id: a, rule: no FAILED jobs within 24h}}\n", encoding="utf-8")
        with served() as endpoint:
            store = endpoint.service.store
            store.organization = (*store.organization, Member("777788889999", "forgotten"))
            assert run(["check", str(path), f"--region={HOME}", "--account-id=*", "--endpoint-url", endpoint.url, "--output=json"]) == code
        told = " ".join(json.loads(capfd.readouterr().out)["not_seen"])
        assert "silent: of 1 account of the organization no job was listed: 777788889999 (forgotten)" in told
        assert ("p: 777788889999" in told) is (code == ExitCode.EVIDENCE)
        # Accounts that the scope does not declare are named as well.
        assert (f"outside the declared scope and were not evaluated: {SHOP} (shop)/{HOME}" in told) is (scope == f"accounts: [{PROD}]")


# --- explaining a fetch ---


def test_a_fetch_is_explained_before_and_afterwards(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    way = WAYS["roles"]
    (_, _, path) = policies(tmp_path, way.place, way.good[0])
    with served(f"ListBackupJobs@{SHOP}:1=throttling", f"ListBackupJobs@{SANDBOX}:*=denied") as endpoint:
        assert run(["check", path, *way.options, "--endpoint-url", endpoint.url, "--explain-fetch", "--quiet"]) == ExitCode.EVIDENCE
    err = capfd.readouterr().err
    assert "fetch: ListBackupJobs with MaxResults 1000" in err
    assert f"fetch: 3 accounts: {PROD}, {SHOP}, {SANDBOX}" in err
    assert "fetch: 1 Region: eu-west-1" in err
    assert "fetch: 3 or more calls" in err
    assert "fetch: permissions: sts:AssumeRole on every role" in err
    # The one that was refused stands first.
    assert [line for line in err.splitlines() if line.startswith("fetched: ")][1].startswith(
        f"fetched: {SHOP}/{HOME}: 2 calls, 1 page, 3 jobs, 1 retry, 1 throttled"
    )
    assert "fetched: 4 calls, 2 pages, 6 jobs, 1 retry, 1 throttled" in err
    assert err.index("fetch: permissions") < err.index("fetched:")


def test_a_fetch_that_fails_is_explained_all_the_same(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (_, _, path) = policies(tmp_path, (PROD, AWAY), (PROD, HOME))
    with served("ListBackupJobs:*=denied") as endpoint:
        assert run(["check", path, f"--region={HOME}", "--endpoint-url", endpoint.url, "--explain-fetch"]) == ExitCode.EVIDENCE
    assert "fetched: 1 call, 0 pages" in capfd.readouterr().err


@pytest.mark.parametrize("options", [["--jobs", "x.json", "--as-of", "now"], ["--wait", "1m"]])
def test_only_one_fetch_can_be_explained(options: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (_, _, path) = policies(tmp_path, (PROD, AWAY), (PROD, HOME))
    assert run(["check", path, "--explain-fetch", *options]) == ExitCode.USAGE
    assert "--explain-fetch requires one fetch from AWS:" in capfd.readouterr().err


# --- credentials ---


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What no output may hold: the caller's credentials, those that AssumeRole gives, and the external ID."""
    for name, value in (("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_SESSION_TOKEN", TOKEN)):
        monkeypatch.setenv(name, value)
    return [KEY, SECRET, TOKEN, TOKEN[:20], "MARKED", EXTERNAL_ID]


FORMATS = ("text", "json", "junit", "sarif", "markdown", "github", "gitlab")


def everything_said(folder: Path, capfd: pytest.CaptureFixture[str]) -> str:
    captured = capfd.readouterr()
    return captured.out + captured.err + "".join(path.read_text(encoding="utf-8") for path in folder.glob("report-*"))


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=() if kind in (Kind.DENIED, Kind.HTML) else pytest.mark.slow) for kind in Kind], ids=str)
def test_no_output_holds_a_credential_whatever_fails(
    kind: Kind, marked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from policycheck.sources.session import AwsSession

    assume = AwsSession._assume

    def assume_and_mark(self: AwsSession, *arguments: Any) -> Any:
        given = assume(self, *arguments)
        marked.extend(given.values())
        return given

    monkeypatch.setattr(AwsSession, "_assume", assume_and_mark)
    (_, _, path) = policies(tmp_path, (SHOP, HOME), (PROD, HOME))
    outputs = [f"--output={name}={tmp_path / f'report-{name}'}" for name in FORMATS]
    fault = HARMLESS.get(kind, str(kind))
    with served(f"ListBackupJobs@{SHOP}:*={fault}", *([f"AssumeRole@{SANDBOX}:*=denied"] if kind is Kind.DENIED else [])) as endpoint:
        for name, value in (("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET)):
            monkeypatch.setenv(name, value)
        options = ["--endpoint-url", endpoint.url, "--explain-fetch", "--role-external-id", EXTERNAL_ID]
        run(["check", path, *WAYS["roles"].options, *options, *outputs])
        assert {asked.token for asked in endpoint.requests if asked.operation == "ListBackupJobs"} <= set(marked)
    said = everything_said(tmp_path, capfd)
    assert "ListBackupJobs" in said
    assert len(marked) > 6
    assert [secret for secret in marked if secret in said] == []


def test_an_error_that_repeats_credentials_is_told_without_them(marked: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (_, _, path) = policies(tmp_path, (SHOP, HOME), (PROD, HOME))
    for code in ("SignatureDoesNotMatch", "ValidationException", "AccessDeniedException", "ExpiredTokenException", "InternalFailure"):
        error = Answer.of({"__type": code, "message": f"key {KEY} secret {SECRET} token {TOKEN}"}, 500 if code == "InternalFailure" else 403)
        with endpoint([error]) as echoing:
            options = [f"--region={HOME}", f"--region={AWAY}", "--endpoint-url", echoing.url, "--explain-fetch"]
            assert run(["check", path, *options]) == ExitCode.EVIDENCE
        said = everything_said(tmp_path, capfd)
        assert "ListBackupJobs" in said
        assert [secret for secret in marked if secret in said] == []


def test_neither_kept_answers_nor_progress_hold_a_credential(marked: list[str]) -> None:
    told: list[str] = []
    with served() as endpoint, pytest.MonkeyPatch.context() as patch:
        for name, value in (("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET)):
            patch.setenv(name, value)
        roles = tuple(role.partition("=")[2] for role in ROLES)
        connection = Connection(regions=(HOME,), role_arns=roles, role_external_id=EXTERNAL_ID, endpoint_url=endpoint.url)
        evidence = fetch_jobs(connection, FetchPlan(("backup_jobs",)), as_of=datetime.now(UTC), progress=lambda one: told.append(repr(one)))
    assert evidence.pages is not None
    told += map(repr, evidence.pages)
    evidence.pages.close()
    assert len(told) == 6
    assert [secret for secret in marked if secret in "".join([*told, repr(connection), repr(evidence)])] == []
