"""`policycheck check`: its options, its exit codes, and what goes where."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from policycheck.cli.app import run
from policycheck.formats.registry import FORMATS
from tests.cli.conftest import AS_OF, HOSTILE, Cli, job, save, standard_output
from tests.formats.runner_commands import commands

FILES = {"json": "r.json", "sarif": "r.sarif", "junit": "r.xml", "markdown": "r.md", "text": "r.txt"}


def result(check: Cli, jobs: str, *arguments: str, **options: Any) -> Any:
    """The JSON result on stdout."""
    return json.loads(check(jobs, "--output", "json", *arguments, **options).out)


def verdicts(document: Any) -> dict[str, str]:
    return {rule["id"]: rule["verdict"] for rule in document["rules"]}


# Exit codes


@pytest.mark.parametrize(
    ("jobs", "arguments", "code"),
    [
        ("ok.json", (), 0),
        ("bad.json", (), 1),
        ("bad.json", ("--fail-on", "high"), 1),
        ("bad.json", ("--fail-on", "critical"), 0),
        ("bad.json", ("--fail-on", "HIGH"), 1),
        ("bad.json", ("--fail-on", "never"), 0),
        ("bad.json", ("--fail-on", "Never"), 0),
        ("bad.json", ("--min-severity", "critical"), 1),
        ("bad.json", ("--quiet", "--no-color", "--show-passed", "--junit-strict"), 1),
        ("bad.json", ("--select", "none-expired"), 0),
        ("bad.json", ("--select", "p/none-failed", "--select", "none-expired"), 1),
        ("bad.json", ("--ignore", "p/none-failed"), 0),
        ("ok.json", ("--scope", "scope.yaml"), 3),
        ("ok.json", ("--scope", "scope.yaml", "--fail-on", "never"), 3),
        ("bad.json", ("--scope", "scope.yaml"), 1),
        ("empty.json", (), 3),
        ("empty.json", ("--fail-on", "never"), 3),
        ("nothing.json", (), 3),
    ],
)
def test_exit_code(jobs: str, arguments: tuple[str, ...], code: int, check: Cli, folder: Path) -> None:
    (folder / "scope.yaml").write_text("accounts: [111122223333, 444455556666]\n")
    save(folder / "empty.json")
    assert check(jobs, *arguments).code == code


@pytest.mark.parametrize("name", FORMATS)
def test_exit_code_does_not_depend_on_the_format(name: str, check: Cli) -> None:
    assert [check(jobs, "--output", name).code for jobs in ("ok.json", "bad.json")] == [0, 1]


def test_usage_comes_before_missing_evidence(check: Cli) -> None:
    assert check("nothing.json", "--select", "nothing").code == 2


# Where things go


def test_text_goes_to_stdout_and_nothing_to_stderr(check: Cli) -> None:
    outcome = check("bad.json")
    assert outcome.out.startswith("FAIL: p, as of 2026-11-20T06:00:00Z: 1 of 2 rules failed, 1 passed; 1 of 2 resources violates a\n  rule.\n")
    assert "1 backup job: State FAILED" in outcome.out
    assert outcome.err == ""
    verbose = check("bad.json", "--verbose")
    assert "\nerror[none-failed]: 1 finding (high); 2 jobs examined\n --> policy.yaml:3:5\n" in verbose.out
    assert (verbose.code, verbose.err) == (1, "")


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "text"])
def test_stdout_carries_the_document_only(name: str, check: Cli, folder: Path) -> None:
    outcome = check("bad.json", "--output", name)
    check("bad.json", "--output", f"{name}=file")
    assert outcome.out == (folder / "file").read_bytes().decode()
    assert outcome.err == "policycheck: fail: 1 finding in 1 of 2 rules, 2 jobs; open: 1 high; rules: 1 passed, 1 failed\n"


def test_hyphen_is_stdout(check: Cli, folder: Path) -> None:
    assert json.loads(check("ok.json", "--output", "json=-").out)["verdict"] == "pass"
    assert not (folder / "-").exists()


def test_several_outputs_are_all_written_before_the_exit(check: Cli, folder: Path) -> None:
    (folder / "deep/er").mkdir(parents=True)
    outputs = [part for name, file in FILES.items() for part in ("--output", f"{name}=deep/er/{file}")]
    outcome = check("bad.json", *outputs, "-o", "text", "--verbose")
    assert outcome.code == 1
    assert outcome.out == (folder / "deep/er/r.txt").read_text(encoding="utf-8")
    assert outcome.err == ""
    assert sorted(path.name for path in (folder / "deep/er").iterdir()) == sorted(FILES.values())
    assert json.loads((folder / "deep/er/r.json").read_text(encoding="utf-8"))["exit_code"] == 1


def test_files_alone_leave_stdout_empty(check: Cli, folder: Path) -> None:
    outcome = check("bad.json", "--output", "json=r.json")
    assert outcome.out == ""
    assert outcome.err.startswith("policycheck: fail: 1 finding")
    assert check("bad.json", "--output", "json=r.json", "--quiet").err == ""


NO_PLACE = [
    ("reprots/r.json", "the folder reprots does not exist"),
    ("old.json/new.json", "the folder old.json is not a folder"),
    ("reports", "reports is a folder"),
    ("lost/r.json", "the folder lost does not exist"),
]


@pytest.mark.parametrize(("path", "problem"), NO_PLACE)
def test_an_output_without_a_place_is_refused_before_anything_is_read(path: str, problem: str, check: Cli, folder: Path) -> None:
    (folder / "old.json").write_text("old")
    (folder / "reports").mkdir()
    (folder / "lost").symlink_to("nowhere")
    before = {path.name for path in folder.iterdir()}
    outcome = check("there-is-no-list.json", "--output", "junit=junit.xml", "--output", f"json={path}")
    assert (outcome.code, outcome.out) == (2, "")
    assert problem in outcome.err
    assert outcome.err.count("error: ") == 1
    assert ({path.name for path in folder.iterdir()}, (folder / "old.json").read_text()) == (before, "old")


@pytest.mark.parametrize(
    "command",
    [
        ("init", "--jobs", "none.json", "--as-of", "now"),
        ("waive", "none.json", "--owner", "a", "--reason", "b", "--expires", "1d"),
        ("test", "none.yaml"),
        ("lint", "policy.yaml"),
    ],
    ids=lambda command: command[0],
)
def test_so_is_that_of_every_other_command(command: tuple[str, ...], cli: Cli) -> None:
    form = {"test": "junit=", "lint": "json="}.get(command[0], "")
    outcome = cli(*command, "--output", f"{form}reprots/file")
    assert outcome.code == 2
    assert "the folder reprots does not exist" in outcome.err


def test_a_report_that_cannot_be_written_keeps_no_other_from_being(check: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace_some(target: Path, pieces: Iterable[bytes]) -> None:
        if target.name == "full.json":
            raise OSError(28, "No space left on device")
        target.write_bytes(b"".join(pieces))

    monkeypatch.setattr("policycheck.formats.output._replace", replace_some)
    outcome = check("bad.json", "--output", "json=full.json", "--output", "junit=junit.xml", "--output", "text")
    assert outcome.code == 2
    assert "cannot write" in outcome.err
    assert "<testsuites" in (folder / "junit.xml").read_text()
    assert "Exit code 1." in outcome.out


def test_answers_are_found_out_only_for_a_report_that_shows_them(check: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = json.loads(check("bad.json", "--output", "json").out)
    assert all(rule["answers"] for rule in asked["rules"])

    def refuse(*_arguments: object) -> None:
        raise AssertionError("nobody asked")

    monkeypatch.setattr("policycheck.engine.kinds.none_all.collect_answers", refuse)
    assert check("bad.json", "--output", "text").code == asked["exit_code"] == 1


@pytest.mark.parametrize("target", ["ok.json", "./ok.json", "link.json", "policy.yaml", "scope.yaml"])
def test_output_never_overwrites_what_the_run_reads(target: str, check: Cli, folder: Path) -> None:
    (folder / "scope.yaml").write_text("accounts: [111122223333]\n")
    (folder / "link.json").symlink_to("ok.json")
    before = (folder / "ok.json").read_bytes()
    outcome = check("ok.json", "--scope", "scope.yaml", "--output", f"json={target}")
    assert (outcome.code, outcome.out) == (2, "")
    assert "which this run reads" in outcome.err
    assert (folder / "ok.json").read_bytes() == before


def test_output_into_a_folder_of_job_lists_is_refused(check: Cli, folder: Path) -> None:
    """The next run would take the report for a job list."""
    (folder / "lists").mkdir()
    shutil.copy(folder / "ok.json", folder / "lists")
    outcome = check("lists", "--output", "json=lists/result.json")
    assert outcome.code == 2
    assert "into a folder of job lists" in outcome.err
    assert check("lists", "--output", "json=lists.result.json").code == 0


# What the options do


def test_select_and_ignore(check: Cli) -> None:
    assert verdicts(result(check, "bad.json", "--select", "none-failed")) == {"none-failed": "fail"}
    assert verdicts(result(check, "bad.json", "--select", "p/none-expired")) == {"none-expired": "pass"}
    assert verdicts(result(check, "bad.json", "--ignore", "none-failed")) == {"none-expired": "pass"}


def test_the_engine_changes_nothing_that_is_reported(check: Cli) -> None:
    assert check("bad.json", "--output", "json", "--engine", "duckdb") == check("bad.json", "--output", "json")
    refused = check("bad.json", "--engine", "pandas")
    assert (refused.code, refused.out) == (2, "")
    assert "there is no engine pandas" in refused.err


def test_show_passed_and_min_severity_change_the_display_only(check: Cli) -> None:
    assert "pass[none-expired]" not in check("bad.json", "--verbose").out
    assert "pass[none-expired]: nothing found; 2 jobs examined" in check("bad.json", "--show-passed", "--verbose").out
    assert re.search(r"^pass +none-expired +2 jobs +no EXPIRED", check("bad.json", "--show-passed").out, re.MULTILINE)
    hidden = check("bad.json", "--min-severity", "critical")
    assert "none-failed" not in hidden.out
    assert "1 rule below severity critical" in " ".join(hidden.out.split())
    assert result(check, "bad.json") == result(check, "bad.json", "--min-severity", "critical", "--show-passed")


def test_param_reaches_the_rule(check: Cli, folder: Path) -> None:
    text = "policy: p\nparams: {state: FAILED}\nrules:\n  - {id: r, within: 24h, none: {State: '${state}'}}\n"
    (folder / "param.yaml").write_text(text)
    assert check("bad.json", policy="param.yaml").code == 1
    assert check("bad.json", "--param", "state=ABORTED", policy="param.yaml").code == 0


def test_covers_widens_the_coverage(check: Cli, folder: Path) -> None:
    (folder / "month.yaml").write_text("policy: p\nrules:\n  - {id: r, rule: no FAILED jobs within 30d}\n")
    assert check("ok.json", policy="month.yaml").code == 3
    assert check("ok.json", "--covers", "2026-10-20..2026-11-21", policy="month.yaml").code == 0


def test_scope_replaces_the_policys_own(check: Cli, folder: Path) -> None:
    (folder / "scoped.yaml").write_text("policy: p\nscope: {accounts: [444455556666]}\nrules:\n  - {id: r, rule: no FAILED jobs within 24h}\n")
    (folder / "scope.yaml").write_text("accounts: [111122223333]\nregions: [eu-west-1]\n")
    assert check("ok.json", policy="scoped.yaml").code == 3
    assert check("ok.json", "--scope", "scope.yaml", policy="scoped.yaml").code == 0


def test_junit_strict_leaves_out_what_the_common_schemas_refuse(check: Cli) -> None:
    loose, strict = check("bad.json", "-o", "junit").out, check("bad.json", "-o", "junit", "--junit-strict").out
    assert 'line="' in loose
    assert 'line="' not in strict


def test_as_of_now_reads_the_clock_and_nothing_else_does(check: Cli, cli: Cli) -> None:
    document = json.loads(cli("check", "policy.yaml", "--jobs", "ok.json", "--as-of", "now", "-o", "json").out)
    assert document["as_of"] != AS_OF
    assert check("bad.json", "-o", "json").out == check("bad.json", "-o", "json").out


def test_jobs_repeat_and_may_be_standard_input(check: Cli, cli: Cli, folder: Path) -> None:
    piped = check("-", "--output", "json", stdin=(folder / "bad.json").read_bytes())
    assert piped.code == 1
    assert json.loads(piped.out)["coverage"][0]["source"] == "-"
    both = cli("check", "policy.yaml", "--jobs", "ok.json", "--jobs", "bad.json", "--as-of", AS_OF)
    assert both.code == 1
    assert "warning: 1 record repeats a BackupJobId; each job counts once\n" in both.err


def test_several_policies_and_folders(cli: Cli, folder: Path) -> None:
    (folder / "policies").mkdir()
    (folder / "policies/q.yaml").write_text("policy: q\nrules:\n  - {id: r, rule: no ABORTED jobs within 24h}\n")
    (folder / "policies/q.test.yaml").write_text("not: a policy\n")
    outcome = cli("check", "policy.yaml", "policies", "--jobs", "bad.json", "--as-of", AS_OF, "-o", "json")
    assert [(rule["policy"], rule["id"]) for rule in json.loads(outcome.out)["rules"]] == [("p", "none-failed"), ("p", "none-expired"), ("q", "r")]


def test_shipped_pack_by_name(cli: Cli) -> None:
    outcome = cli("check", "first-steps", "--jobs", "ok.json", "--as-of", AS_OF, "-o", "json")
    assert outcome.code == 0
    assert {rule["policy"] for rule in json.loads(outcome.out)["rules"]} == {"first-steps"}


# Talk


def test_warnings_go_to_stderr_and_quiet_silences_them(check: Cli, folder: Path) -> None:
    save(folder / "same.json", job(1), job(2))
    assert check("same.json").err.startswith("warning: all 2 backup jobs are COMPLETED")
    assert check("same.json", "--quiet").err == ""


@pytest.mark.parametrize(
    ("variables", "arguments", "colour"),
    [
        ({}, (), False),
        ({"FORCE_COLOR": "1"}, (), True),
        ({"CLICOLOR_FORCE": "1"}, (), True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, (), False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, (), True),
        ({"FORCE_COLOR": "1"}, ("--no-color",), False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, (), True),
        ({"TERM": "xterm-256color"}, (), False),
    ],
)
def test_colour(variables: dict[str, str], arguments: tuple[str, ...], colour: bool, check: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    outcome = check("bad.json", "-o", "text", "-o", "text=file", *arguments)
    assert ("\x1b[" in outcome.out) is colour
    assert "\x1b" not in (folder / "file").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FORMATS)
def test_records_cannot_speak_to_a_runner(name: str, check: Cli, folder: Path) -> None:
    save(folder / "hostile.json", job(1, "FAILED", StatusMessage=HOSTILE, MessageCategory=HOSTILE), job(2, "FAILED", BackupJobId=HOSTILE, ResourceArn=HOSTILE))
    outcome = check("hostile.json", "-o", name, "-o", f"{name}=kept", "--verbose")
    assert outcome.code == 1
    assert commands(outcome.err) == []
    found = commands(outcome.out)
    assert {command.name for command in found} == ({"error", "notice"} if name == "github" else set())
    assert not set(outcome.out + outcome.err) & {"\x1b", "\u202e"}
    kept = (folder / "kept").read_bytes().decode()
    assert outcome.out == FORMATS[name].printed(kept)
    if name in {"json", "sarif", "gitlab"}:
        assert json.loads(outcome.out) == json.loads(kept)
    if name in {"json", "gitlab", "junit", "markdown"}:
        assert "##[" in kept, "a file holds the text as it is"


@pytest.mark.parametrize("variable", ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"])
@pytest.mark.parametrize(("top", "place"), [("..", "{name}/policy.yaml"), (".", "policy.yaml"), ("elsewhere", "policy.yaml")])
def test_annotations_stand_where_the_checkout_has_the_policy(
    variable: str, top: str, place: str, check: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step may run in a folder of the checkout: places count from its top all the same."""
    monkeypatch.setenv(variable, str((folder / top).resolve()))
    expected = place.format(name=folder.name)
    for named in ("policy.yaml", str(folder / "policy.yaml") if top != "elsewhere" else "./policy.yaml"):
        assert check("bad.json", "-o", "gitlab", "-o", "sarif=r.sarif", "-o", "github=r.txt", "-o", "junit=r.xml", policy=named).code == 1
        (result,) = [one for run in json.loads((folder / "r.sarif").read_text(encoding="utf-8"))["runs"] for one in run["results"]]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == expected
        assert f'file="{expected}"' in (folder / "r.xml").read_text(encoding="utf-8")
        assert f"file={expected}," in (folder / "r.txt").read_text(encoding="utf-8")
        assert json.loads(check("bad.json", "-o", "gitlab", policy=named).out)[0]["location"]["path"] == expected


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="no such device here")
@pytest.mark.parametrize("output", ["json", "json=/dev/stdout"])
def test_what_a_pipe_gets_is_defused_and_what_a_file_gets_is_not(output: str, folder: Path) -> None:
    save(folder / "hostile.json", job(1, "FAILED", ResourceArn=HOSTILE))
    arguments = ["check", "policy.yaml", "--jobs", "hostile.json", "--as-of", AS_OF, "-q", "-o", output]
    reader, writer = os.pipe()
    with open(reader, encoding="utf-8") as pipe:  # noqa: PTH123 - a descriptor
        with open(writer, "wb") as stream, standard_output(stream.fileno()):  # noqa: PTH123
            assert run(arguments) == 1
        piped = pipe.read()
    with (folder / "redirected").open("wb") as stream, standard_output(stream.fileno()):
        assert run(arguments) == 1
    redirected = (folder / "redirected").read_text(encoding="utf-8")
    assert "##[" in redirected
    assert "##[" not in piped
    assert json.loads(piped) == json.loads(redirected)


def test_errors_cannot_speak_to_a_runner(cli: Cli, folder: Path) -> None:
    lines = [
        ("check", "\n::error::x\x1b[2J", "--jobs", "ok.json", "--as-of", AS_OF),
        ("check", "policy.yaml", "--jobs", "##[error]\n::error::x", "--as-of", AS_OF),
        ("check", "policy.yaml", "--jobs", "ok.json", "--as-of", AS_OF, "--select", "\n::error::x##[group]"),
        ("check", "policy.yaml", "--jobs", "ok.json", "--as-of", "\n::error::x"),
        ("check", "policy.yaml", "--jobs", "ok.json", "--as-of", AS_OF, "-o", "\n::error::x"),
        ("check", "policy.yaml", "--jobs", "ok.json", "--as-of", AS_OF, "-o", "json=ok.json/\n::error::x"),
        ("\n::error::x##[group]",),
        ("check", "--\n::error::x##[group]"),
        ("lint", "hostile.yaml"),
    ]
    (folder / "hostile.yaml").write_text("policy: p\nrules:\n  - id: a\n    rule: '##[error] ::error::'\n::error::: x\n")
    for command in lines:
        outcome = cli(*command)
        assert outcome.code in {2, 3}, command
        assert outcome.err
        assert commands(outcome.err) == [], command
        assert "\x1b" not in outcome.err


@pytest.mark.parametrize(
    ("rule", "more", "warning"),
    [
        ("rule: every resource in inventory prod must have a COMPLETED job within 24h", (), "but no rule uses it; did you mean prod?"),
        ("rule: no FAILED jobs within 24h", (), "but no rule uses it\n"),
        ("rule: no FAILED jobs within 24h", ("--quiet",), ""),
        ("rule: no FAILED jobs within 24h", ("--select", "r"), ""),
        ("none: {State: FAILED, in_inventory: prdo}", (), ""),
        ("none: {State: FAILED, in_inventory: {present: true}}", (), ""),
        ("none: {State: FAILED, Tags.Env: prod}", (), ""),
        ("none: {State: FAILED, AccountName: Shop}", (), ""),
    ],
)
def test_an_inventory_that_no_rule_asks_for_is_told(rule: str, more: tuple[str, ...], warning: str, check: Cli, folder: Path) -> None:
    (folder / "inventory.csv").write_text("arn\narn:aws:ec2:eu-west-1:111122223333:instance/i-1\n", encoding="utf-8")
    (folder / "mine.yaml").write_text(f"policy: q\nrules:\n  - id: r\n    {rule}\n", encoding="utf-8")
    done = check("ok.json", "--inventory", "prdo=inventory.csv", *more, policy="mine.yaml")
    assert done.code in {0, 1, 3}
    assert (f"warning: the inventory prdo was given, {warning}" in done.err) if warning else ("warning: the inventory" not in done.err)


def test_a_waiver_asks_for_an_inventory_as_well(check: Cli, folder: Path) -> None:
    (folder / "inventory.csv").write_text("arn\narn:aws:ec2:eu-west-1:111122223333:instance/i-1\n", encoding="utf-8")
    signed = "reason: known, owner: ops, granted: 2026-11-01, expires: 2026-12-01"
    waivers = f"waivers: [{{rule: p/none-failed, match: {{in_inventory: known}}, {signed}}}]\n"
    (folder / "waivers.yaml").write_text(waivers, encoding="utf-8")
    done = check("ok.json", "--inventory", "known=inventory.csv", "--waivers", "waivers.yaml")
    assert (done.code, "warning: the inventory" in done.err) == (0, False)
