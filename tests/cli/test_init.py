"""`policycheck init`: what it writes where, what it says, and what it never writes over."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policycheck.cli.app import run
from policycheck.emulator.clock import Clock
from policycheck.emulator.organization import organization, write
from policycheck.emulator.server import Endpoint, serve
from policycheck.emulator.store import Store
from tests.cli.conftest import AS_OF, Cli
from tests.samples import sample
from tests.sources.conftest import no_aws  # noqa: F401 - a fixture
from tests.test_readme import blocks_of, execute, matches

PAGE = (Path(__file__).parents[2] / "docs" / "init.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample organization's lists."""
    folder = tmp_path_factory.mktemp("organization")
    write(sample(datetime.fromisoformat(AS_OF)), folder)
    return folder


@pytest.fixture
def lists(folder: Path, written: Path) -> Path:
    """A folder with the sample organization's lists in jobs/."""
    shutil.copytree(written, folder / "jobs")
    return folder


@pytest.fixture
def init_small(cli: Cli) -> Cli:
    """`init` from the list of one job, where what it drafts does not matter."""
    return lambda *arguments: cli("init", "--jobs", "ok.json", "--as-of", AS_OF, *arguments)


@pytest.fixture
def init(cli: Cli, lists: Path) -> Cli:
    return lambda *arguments: cli("init", "--jobs", "jobs", "--as-of", AS_OF, *arguments)


def test_the_policy_goes_to_stdout_and_the_summary_to_stderr(init_small: Cli) -> None:
    outcome = init_small()
    assert outcome.code == 0
    assert outcome.out.startswith("# Drafted from 1 backup job as of 2026-11-20T06:00:00Z")
    assert re.search(r"^policycheck: no findings with these lists", outcome.err, re.MULTILINE)


def test_what_is_written_is_linted_and_finds_what_the_summary_says(init: Cli, cli: Cli, folder: Path) -> None:
    (folder / "policies").mkdir()
    told = init("--output", "policies/first.yaml", "--policy-id", "first")
    assert told.code == 0
    assert told.out == ""
    assert "no-failed-jobs: 10 findings (no FAILED, ABORTED, EXPIRED or PARTIAL jobs within 24h)" in told.err
    written = (folder / "policies" / "first.yaml").read_text(encoding="utf-8")
    assert written.startswith("# Drafted from 1,999 backup jobs, 240 copy jobs, 186 restore jobs as of 2026-11-20T06:00:00Z")
    assert cli("lint", "policies/first.yaml").code == 0
    checked = cli("check", "policies/first.yaml", "--jobs", "jobs", "--as-of", AS_OF, "--output", "json")
    assert checked.code == 1
    result = json.loads(checked.out)
    assert f"{result['summary']['findings']} findings in {result['summary']['failed']} rules" in told.err
    assert result["summary"]["inconclusive"] == 0
    assert f"{result['summary']['rules']} rules in policies/first.yaml" in told.err
    assert [rule["id"] for rule in result["rules"] if not rule["examined"]] == []
    assert {rule["policy"] for rule in result["rules"]} == {"first"}


def test_a_file_is_written_over_only_with_force(init_small: Cli, folder: Path) -> None:
    (folder / "mine.yaml").write_text("mine\n", encoding="utf-8")
    refused = init_small("--output", "mine.yaml")
    assert (refused.code, refused.out) == (2, "")
    assert "mine.yaml already exists" in refused.err
    assert "--force" in refused.err
    assert (folder / "mine.yaml").read_text(encoding="utf-8") == "mine\n"
    assert init_small("--output", "mine.yaml", "--force").code == 0
    assert (folder / "mine.yaml").read_text(encoding="utf-8").startswith("# Drafted from")


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_job_list_is_never_written_over_nor_a_policy_put_among_them(force: list[str], init: Cli, init_small: Cli) -> None:
    among = init("--output", "jobs/policy.yaml", *force)
    assert among.code == 2
    assert "into a folder of job lists" in among.err
    over = init_small("--output", "ok.json", *force)
    assert over.code == 2
    assert "would overwrite ok.json" in over.err


def test_quiet_says_nothing_beside_the_policy(init_small: Cli) -> None:
    assert init_small().err != ""
    assert init_small("--quiet").err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--jobs", "ok.json"], 2, "--as-of is required: a saved job list does not record when it was saved"),
        (["--jobs", "ok.json", "--as-of", AS_OF, "--policy-id", "a b"], 2, "--policy-id a b is no id"),
        (["--jobs", "ok.json", "--as-of", AS_OF, "--region", "eu-west-1"], 2, "--jobs reads saved job lists"),
        (["--jobs", "none.json", "--as-of", AS_OF], 3, "does not exist"),
        (["--jobs", "empty.json", "--as-of", AS_OF], 3, "no backup job to draft a policy from"),
    ],
)
def test_a_mistake_is_one_message_and_no_policy(arguments: list[str], code: int, said: str, cli: Cli, folder: Path) -> None:
    (folder / "empty.json").write_text('{"BackupJobs": []}', encoding="utf-8")
    outcome = cli("init", *arguments)
    assert (outcome.code, outcome.out) == (code, "")
    assert said in outcome.err


@pytest.fixture
def endpoint(no_aws: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:  # noqa: F811
    """A healthy organization, served; the clocks of endpoint and client agree."""
    now = datetime.now(UTC).replace(microsecond=0)
    with serve(Store.of_organization(organization(now, healthy=True), Clock(now, running=True))) as served:
        for name, value in served.environment.items():
            monkeypatch.setenv(name, value)
        yield served


def test_from_aws_every_list_is_fetched(endpoint: Endpoint, cli: Cli) -> None:
    outcome = cli("init", "--region", "eu-west-1", "--region", "us-east-1", "--endpoint-url", endpoint.url)
    assert outcome.code == 0
    assert {"ListBackupJobs", "ListCopyJobs", "ListRestoreJobs"} <= {request.operation for request in endpoint.requests}
    assert "policycheck: no findings with these lists" in outcome.err
    assert "restore jobs" in outcome.out


@pytest.mark.usefixtures("lists")
def test_the_documentation_shows_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shown = [part for block in blocks_of(PAGE, "console") for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    assert shown
    for part in shown:
        command, _, output = part.partition("\n")
        _, printed = execute(command)
        assert matches(output, printed), printed


def test_run_needs_no_more_than_its_arguments(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "policycheck.yaml").write_text("not: a run file\n", encoding="utf-8")
    assert run(["init", "--jobs", "ok.json", "--as-of", AS_OF, "--quiet"]) == 0
    assert capfd.readouterr().out.startswith("# Drafted")
