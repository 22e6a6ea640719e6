"""`policycheck init --directory`: a policy, its tests, a run file and a pipeline in one command; run again, what would change and nothing else."""

from __future__ import annotations

import shlex
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from policycheck.drafting.project import PIPELINES
from policycheck.emulator.organization import write
from tests.cli.conftest import AS_OF, Cli
from tests.samples import sample
from tests.test_readme import blocks_of, matches

TOP = Path(__file__).parents[2]
FILES = {"policies/baseline.yaml", "policies/baseline.test.yaml", "policycheck.yaml", ".github/workflows/policycheck.yml"}


@pytest.fixture
def init(cli: Cli) -> Cli:
    """`init` of a project from a list of one job, beside which the project stands."""
    return lambda *arguments: cli("init", "--jobs", "ok.json", "--as-of", AS_OF, "--directory", ".", *arguments)


def written(folder: Path, before: set[str]) -> set[str]:
    return names(folder) - before


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_one_command_writes_a_project_that_is_checked_linted_and_tested_by_its_run_file(init: Cli, cli: Cli, folder: Path) -> None:
    before = names(folder)
    outcome = init()
    assert (outcome.code, outcome.out) == (0, "")
    assert written(folder, before) == FILES
    assert [line for line in outcome.err.splitlines() if "wrote" in line] == [
        f"policycheck: wrote {name}"
        for name in ("policies/baseline.yaml", "policies/baseline.test.yaml", "policycheck.yaml", ".github/workflows/policycheck.yml")
    ]
    assert "Run policycheck check" in outcome.err.split("Next:")[1]
    assert cli("lint").code == 0
    tested = cli("test")
    assert tested.code == 0
    assert "no test has seen" not in tested.out
    assert cli("check").code == 0
    assert (folder / ".github/workflows/policycheck.yml").read_bytes() == (TOP / "examples/ci/github.yml").read_bytes()


def test_run_again_it_writes_nothing_and_prints_a_difference_that_patch_applies(init: Cli, folder: Path) -> None:
    assert init("--ci", "none").code == 0
    assert init("--ci", "none").out == ""
    policy = folder / "policies" / "baseline.yaml"
    drafted = policy.read_text(encoding="utf-8")
    mine = drafted.replace("severity: high", "severity: low", 1).rstrip("\n")
    policy.write_text(mine, encoding="utf-8")
    before = names(folder)
    again = init("--ci", "none")
    assert again.code == 0
    assert policy.read_text(encoding="utf-8") == mine
    assert names(folder) == before
    assert "policycheck: kept, the difference is on stdout: policies/baseline.yaml" in again.err
    assert "policycheck: unchanged: policycheck.yaml" in again.err
    subprocess.run(["patch", "-p1", "--silent"], cwd=folder, input=again.out, text=True, check=True, timeout=60)
    assert policy.read_text(encoding="utf-8") == drafted


@pytest.mark.parametrize("ci", [*PIPELINES, "none"])
def test_the_pipeline_of_each_system_is_where_it_looks_for_it(ci: str, init: Cli, folder: Path) -> None:
    before = names(folder)
    assert init("--ci", ci, "--policy-id", "mine", "--quiet").err == ""
    rest = {"policies/mine.yaml", "policies/mine.test.yaml", "policycheck.yaml"}
    assert written(folder, before) - rest == ({PIPELINES[ci][1]} if ci in PIPELINES else set())


def test_lists_elsewhere_are_named_in_a_comment_since_a_run_file_cannot_lead_out_of_its_folder(cli: Cli, folder: Path) -> None:
    outcome = cli("init", "--jobs", "ok.json", "--as-of", AS_OF, "--directory", "new", "--ci", "none")
    assert outcome.code == 0
    assert "Go to new. Run policycheck check" in outcome.err
    text = (folder / "new" / "policycheck.yaml").read_text(encoding="utf-8")
    assert "so name them on the command line: --jobs ok.json" in text
    assert "sources" not in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--output", "x.yaml"], "--directory and --output exclude each other"),
        (["--force"], "a file of a project is never replaced"),
        (["--ci", "githib"], "Did you mean github?"),
        (["--directory", "ok.json"], "ok.json is not a folder"),
    ],
)
def test_a_mistake_is_one_message_and_no_file(arguments: list[str], said: str, cli: Cli, folder: Path) -> None:
    before = names(folder)
    base = ["init", "--jobs", "ok.json", "--as-of", AS_OF]
    outcome = cli(*base, *([] if "--directory" in arguments else ["--directory", "."]), *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert names(folder) == before


def test_a_project_is_not_written_among_the_job_lists(cli: Cli, folder: Path) -> None:
    (folder / "lists").mkdir()
    (folder / "ok.json").rename(folder / "lists" / "ok.json")
    outcome = cli("init", "--jobs", "lists", "--as-of", AS_OF, "--directory", "lists")
    assert outcome.code == 2
    assert "into a folder of job lists" in outcome.err


@pytest.mark.slow
def test_the_page_shows_what_is_printed_for_the_sample_organization(cli: Cli, folder: Path) -> None:
    (shown,) = (block for block in blocks_of((TOP / "docs" / "init.md").read_text(encoding="utf-8"), "text") if block.startswith("$ policycheck init"))
    command, _, output = shown.partition("\n")
    write(sample(datetime.fromisoformat(AS_OF)), folder / "jobs")
    outcome = cli(*shlex.split(command)[2:])
    assert outcome.code == 0
    assert matches(output, outcome.err), outcome.err
    assert "56 tests: 56 passed, 0 failed" in cli("test").out
    assert cli("lint").code == 0
    assert cli("check").code == 1
