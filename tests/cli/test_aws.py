"""`check` against a local AWS Backup endpoint: what it asks for, what it says when AWS does not answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from policycheck.cli.app import run
from policycheck.emulator.clock import Clock
from policycheck.emulator.server import Endpoint, serve
from policycheck.emulator.store import Store
from policycheck.errors import ExitCode
from tests.samples import STARTED, sample
from tests.sources.conftest import few_regions, no_aws  # noqa: F401 - fixtures

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


Serve = Callable[..., AbstractContextManager[Endpoint]]


@cache
def sample_store() -> Store:
    """The sample organization, by a clock that agrees with the client's. No test changes it."""
    return Store.of_organization(sample(STARTED), Clock(datetime.now(UTC), running=True))


@pytest.fixture
def serve_sample(no_aws: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:  # noqa: F811
    """Serves the sample organization, with faults where they are given."""

    @contextmanager
    def served(*faults: str) -> Iterator[Endpoint]:
        with serve(sample_store(), faults=faults) as endpoint:
            for name, value in endpoint.environment.items():
                monkeypatch.setenv(name, value)
            yield endpoint

    return served


@pytest.fixture
def endpoint(serve_sample: Serve) -> Iterator[Endpoint]:
    with serve_sample() as served:
        yield served


def policy(folder: Path, rules: str) -> str:
    path = folder / "policy.yaml"
    path.write_text(f"policy: p\nrules:\n{rules}", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("rules", "actions"),
    [
        ("  - {id: a, rule: no FAILED jobs within 24h}\n", {"backup:ListBackupJobs"}),
        ("  - {id: a, rule: no FAILED copy jobs within 24h}\n", {"backup:ListCopyJobs"}),
        (
            "  - {id: a, rule: no FAILED jobs}\n  - {id: b, rule: no FAILED copy jobs}\n  - {id: c, rule: no FAILED restore jobs}\n",
            {"backup:ListBackupJobs", "backup:ListCopyJobs", "backup:ListRestoreJobs"},
        ),
    ],
)
def test_a_check_asks_for_what_permissions_prints_and_for_nothing_else(
    rules: str, actions: set[str], endpoint: Endpoint, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = policy(tmp_path, rules)
    assert run(["permissions", path]) == ExitCode.OK
    printed = json.loads(capfd.readouterr().out)
    assert {action for statement in printed["Statement"] for action in statement["Action"]} == actions
    run(["check", path, "--region", "eu-west-1", "--region", "us-east-1", "--quiet"])
    # Who the caller is needs no permission; the emulator notes only the operations it answers itself.
    asked = {f"backup:{request.operation}" for request in endpoint.requests if request.operation not in {"GetCallerIdentity", "AssumeRole"}}
    assert asked == actions


def test_with_roles_the_caller_needs_to_take_them_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    role = "arn:aws:iam::111122223333:role/Audit"
    assert run(["permissions", policy(tmp_path, "  - {id: a, rule: no FAILED jobs}\n"), "--role-arn", role]) == ExitCode.OK
    (statement,) = json.loads(capfd.readouterr().out)["Statement"]
    assert (statement["Action"], statement["Resource"]) == (["sts:AssumeRole"], [role])


OPTIONAL = [
    ([], set()),
    (["--region", "eu-west-1"], set()),
    (["--region", "all"], {"account:ListRegions"}),
    (["--account-id", "*"], {"organizations:DescribeOrganization", "organizations:ListAccounts"}),
    (["--account-id", "444455556666", "--region", "all"], {"account:ListRegions", "organizations:DescribeOrganization"}),
]


@pytest.mark.parametrize(("options", "actions"), OPTIONAL)
def test_what_tells_an_empty_list_from_an_unread_one_is_printed_where_it_is_of_use(
    options: list[str], actions: set[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["permissions", policy(tmp_path, "  - {id: a, rule: no FAILED jobs}\n"), *options]) == ExitCode.OK
    printed = {action for statement in json.loads(capfd.readouterr().out)["Statement"] for action in statement["Action"]}
    assert printed == {"backup:ListBackupJobs", *actions}


LONG = [([], ExitCode.FINDINGS), (["--longest-job", "30d"], ExitCode.FINDINGS), (["--longest-job", "8d"], ExitCode.OK)]


@pytest.mark.usefixtures("no_aws")
@pytest.mark.parametrize(("options", "code"), LONG)
def test_a_job_of_twelve_days_is_seen_to_fail_unless_the_user_claims_that_there_is_none(
    options: list[str], code: ExitCode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = policy(tmp_path, "  - {id: a, rule: no FAILED jobs within 24h}\n")
    now = datetime.now(UTC).replace(microsecond=0)
    store = Store(Clock(now, running=True), management="111122223333")
    made = {"BackupVaultArn": "arn:aws:backup:eu-west-1:111122223333:backup-vault:prod", "ResourceArn": "arn:aws:ec2:eu-west-1:111122223333:volume/vol-1"}
    ended = {"CompletionDate": now - timedelta(hours=3)}
    store.add("111122223333", "eu-west-1", "backup_jobs", [
        {"BackupJobId": "long", "State": "FAILED", "CreationDate": now - timedelta(days=12), **made, **ended},
        {"BackupJobId": "short", "State": "COMPLETED", "CreationDate": now - timedelta(hours=4), **made, **ended},
    ])  # fmt: skip
    with serve(store) as endpoint:
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        assert run(["check", path, "--region", "eu-west-1", *options, "--output", "json"]) == code
        (asked,) = [request for request in endpoint.requests if request.operation == "ListBackupJobs"]
    result = json.loads(capfd.readouterr().out)
    claimed = code == ExitCode.OK
    assert ("ByCreatedAfter" in asked.parameters) is claimed
    assert {entry["basis"] for entry in result["coverage"]} == {"asserted" if claimed else "observed"}
    assert any("no job takes longer than 8 d" in note for note in result["not_seen"]) is claimed


def test_the_readme_s_check_from_aws_runs(endpoint: Endpoint, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    commands = [
        line for block in re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL) for line in block.splitlines() if line.startswith("policycheck")
    ]
    assert commands
    for command in commands:
        assert run(command.split()[1:]) == ExitCode.FINDINGS
    assert "fetched by policycheck" in " ".join(capfd.readouterr().out.split())


def test_a_run_file_names_what_is_fetched(endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    policy(tmp_path, "  - {id: a, rule: no FAILED jobs}\n")
    role = "arn:aws:iam::444455556666:role/AWSBackupAudit"
    (tmp_path / "policycheck.yaml").write_text(f"policies: [policy.yaml]\nsources: {{regions: [eu-west-1, us-east-1], role_arns: ['{role}']}}\n")
    monkeypatch.chdir(tmp_path)
    assert run(["check", "--output", "json"]) == ExitCode.FINDINGS
    coverage = json.loads(capfd.readouterr().out)["coverage"]
    assert {(entry["account"], entry["region"]) for entry in coverage} == {("444455556666", "eu-west-1"), ("444455556666", "us-east-1")}
    assert run(["check", "--output", "json", "--region", "eu-west-1"]) == ExitCode.FINDINGS
    assert {entry["region"] for entry in json.loads(capfd.readouterr().out)["coverage"]} == {"eu-west-1"}


FAILURES = [
    ([], {}, ExitCode.EVIDENCE, "no Region is named"),
    (["--region", "eu-west-1"], {"AWS_ACCESS_KEY_ID": ""}, ExitCode.EVIDENCE, "no AWS credentials were found"),
    (["--profile", "nope"], {}, ExitCode.EVIDENCE, "there is no profile nope"),
    (["--region", "eu west"], {}, ExitCode.USAGE, "is not the name of a Region"),
    (["--region", "eu-west-1", "--endpoint-url", "nonsense"], {}, ExitCode.USAGE, "not a URL"),
    (["--region", "eu-west-1", "--role-arn", "nonsense"], {}, ExitCode.USAGE, "not the ARN of a role"),
    (["--region", "eu-west-1", "--account-id", "12"], {}, ExitCode.USAGE, "an account id is exactly 12 digits"),
    (["--region", "eu-west-1", "--ca-bundle", "nowhere.pem"], {}, ExitCode.USAGE, "there is no such file"),
    (["--region", "eu-west-1", "--cli-read-timeout", "-1"], {}, ExitCode.USAGE, "0 or more seconds"),
    (["--region", "eu-west-1", "--covers", "2026-01-01..2026-02-01"], {}, ExitCode.USAGE, "is for saved job lists"),
    (
        ["--region", "eu-west-1", "--jobs", "jobs.json", "--as-of", "now"],
        {},
        ExitCode.USAGE,
        "--jobs reads saved job lists, so connection options cannot be used",
    ),
    (["--longest-job", "8d", "--jobs", "jobs.json", "--as-of", "now"], {}, ExitCode.USAGE, "narrows what is fetched"),
    (["--region", "eu-west-1", "--longest-job", "0d"], {}, ExitCode.USAGE, "--longest-job 0d"),
    (["--region", "eu-west-1", "--longest-job", "eight"], {}, ExitCode.USAGE, "--longest-job eight"),
    (["--region", "eu-west-1", "--longest-job", "9999999999d"], {}, ExitCode.USAGE, "--longest-job 9999999999d"),
]


@pytest.mark.usefixtures("no_aws")
@pytest.mark.parametrize(("options", "environment", "code", "said"), FAILURES)
def test_what_cannot_be_reached_is_one_line_and_a_hint(
    options: list[str],
    environment: dict[str, str],
    code: ExitCode,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "111122223333", "AWS_SECRET_ACCESS_KEY": "not-a-secret", **environment}.items():
        if value:
            monkeypatch.setenv(name, value)
    assert run(["check", policy(tmp_path, "  - {id: a, rule: no FAILED jobs}\n"), *options]) == code
    captured = capfd.readouterr()
    assert captured.out == ""
    errors = [line for line in captured.err.splitlines() if not line.startswith("  = help: ")]
    assert len(errors) == 1
    assert said in errors[0]
    assert "not-a-secret" not in captured.err


def test_a_region_that_is_denied_keeps_the_run_from_passing(serve_sample: Serve, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = policy(tmp_path, "  - {id: a, rule: 'no jobs in vault nowhere within 24h', no_data: pass}\n")
    with serve_sample("ListBackupJobs@111122223333/us-east-1:*=denied"):
        assert run(["check", path, "--region", "eu-west-1"]) == ExitCode.OK
        assert run(["check", path, "--region", "eu-west-1", "--region", "us-east-1"]) == ExitCode.EVIDENCE
    assert "backup:ListBackupJobs" in capfd.readouterr().out


HALF = "ListBackupJobs@111122223333/eu-west-1:1=short:10"


@pytest.mark.parametrize(
    "faults",
    [
        [HALF, "ListBackupJobs@111122223333/eu-west-1:2-=disabled"],  # refused after a page
        ["ListBackupJobs@111122223333/us-east-1:*=disabled"],  # a Region that nobody can disable
        ["ListBackupJobs:5-=disabled", "GetCallerIdentity:*=expired"],  # the key was taken away in the middle
    ],
)
@pytest.mark.usefixtures("few_regions")
def test_a_region_that_failed_is_never_one_that_is_not_enabled(
    faults: list[str], serve_sample: Serve, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = policy(tmp_path, "  - {id: a, rule: no jobs in vault nowhere within 24h, no_data: pass}\n")
    with serve_sample(*faults):
        assert run(["check", path, "--region", "all"]) == ExitCode.EVIDENCE
    assert "Pass" not in capfd.readouterr().out


def test_a_region_that_is_not_enabled_is_named_and_is_no_failure(serve_sample: Serve, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = policy(tmp_path, "  - {id: a, rule: no jobs in vault nowhere within 24h, no_data: pass}\n")
    with serve_sample("ListBackupJobs@111122223333/af-south-1:*=disabled"):
        assert run(["check", path, "--region", "all", "--output", "json"]) == ExitCode.OK
    result = json.loads(capfd.readouterr().out)
    assert [note for note in result["not_seen"] if note.startswith("not enabled") and "af-south-1" in note]
    # Evidence that another host than AWS gave says so.
    assert all("at 127.0.0.1" in entry["source"] for entry in result["coverage"])


@pytest.mark.usefixtures("no_aws")
def test_a_broken_token_is_refused_and_not_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hush", "AWS_SESSION_TOKEN": "FIRSTPART\nSECONDPART"}.items():
        monkeypatch.setenv(name, value)
    assert run(["check", policy(tmp_path, "  - {id: a, rule: no FAILED jobs}\n"), "--region", "eu-west-1"]) == ExitCode.EVIDENCE
    told = capfd.readouterr().err
    assert "the session token that was found" in told
    assert "PART" not in told
