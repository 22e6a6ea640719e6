"""What a user's mistakes look like: one message with place, cause and hint, an exit code, and never a traceback."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from policycheck.cli.app import build_app
from policycheck.formats.registry import FORMATS
from tests.cli.conftest import AS_OF, Cli, job, save
from tests.formats.runner_commands import commands
from tests.tables import each

OPTIONS = [
    (("--output", "jsn"), "there is no format jsn", "Did you mean json?"),
    (("--output", "pdf"), "there is no format pdf", f"The formats are {', '.join(FORMATS)}."),
    (("--output", "json="), "--output json= names no file", "Write json=report.json, or json alone for stdout."),
    (("--output", "json", "--output", "text"), "only one format can go to stdout", "Write the others to files: --output sarif=results.sarif"),
    (("--output", "json=a", "--output", "sarif=./b/../a"), "two formats would write the same file", ""),
    (("--fail-on", "hihg"), "--fail-on: there is no severity hihg", "Did you mean high?"),
    (("--fail-on", "nevr"), "--fail-on: there is no severity nevr", "Did you mean never?"),
    (("--fail-on", "x"), "--fail-on: there is no severity x", "The severities are critical, high, medium, low, info, never."),
    (("--min-severity", "never"), "--min-severity: there is no severity never", "The severities are critical, high, medium, low, info."),
    (("--select", "none-faild"), "no rule is called none-faild", "Did you mean none-failed?"),
    (("--ignore", "q/none-failed"), "no rule is called q/none-failed", "Did you mean p/none-failed?"),
    (("--select", "none-failed", "--ignore", "p/none-failed"), "the selection leaves no rule to evaluate", ""),
    (("--param", "vault"), "--param vault: a parameter is NAME=VALUE", ""),
    (("--param", "a=1", "--param", "a=2"), "--param a is given twice", ""),
    (("--covers", "2026-11-01"), "--covers 2026-11-01: it takes two times, FROM..TO", "--covers 2026-10-20..2026-11-20T06:00:00Z"),
    (("--covers", "2026-11-02..2026-11-01"), "--covers 2026-11-02..2026-11-01: it ends before it begins", "--covers 2026-10-20..2026-11-20T06:00:00Z"),
    (("--covers", "..2026-11-01"), "--covers ..2026-11-01: a time is ISO 8601", ""),
    (("--nope",), "No such option: --nope", "See policycheck check --help."),
    (("--region", "eu-west-1"), "--jobs reads saved job lists", "Use one of the two."),
]


@pytest.mark.parametrize(("arguments", "message", "hint"), OPTIONS)
def test_wrong_option(arguments: tuple[str, ...], message: str, hint: str, check: Cli) -> None:
    outcome = check("ok.json", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {message}")
    assert (f"  = help: {hint}\n" in outcome.err) if hint else True
    assert outcome.err.count("error: ") == 1


TIMES = [
    ("yesterday", "--as-of yesterday: a time is ISO 8601 with an offset"),
    ("2026-11-20T06:00:00", "--as-of 2026-11-20T06:00:00: a time is ISO 8601 with an offset"),
    ("0001-01-01", "--as-of 0001-01-01: the year is from 1971 to 2299"),
]


@pytest.mark.parametrize(("time", "message"), TIMES)
def test_wrong_time(time: str, message: str, cli: Cli) -> None:
    outcome = cli("check", "policy.yaml", "--jobs", "ok.json", "--as-of", time)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {message}")


def single_options() -> list[tuple[str, str]]:
    """(command, option) for each option that takes one value."""
    commands = getattr(typer.main.get_command(build_app()), "commands", {})
    return [
        (name, option)
        for name, command in sorted(commands.items())
        for parameter in command.params
        if parameter.param_type_name == "option" and not parameter.multiple and not parameter.is_flag
        for option in parameter.opts
    ]


@each(("command", "option"), single_options(), ids=" ".join)
def test_an_option_of_one_value_is_given_once(command: str, option: str, cli: Cli) -> None:
    other = {"-o": "--output", "-q": "--quiet"}.get(option, option)
    outcome = cli(command, option, "1", f"{other}=1" if other.startswith("--") else other)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{other} is given 2 times and takes one value" in outcome.err


def test_options_of_many_values_and_flags_are_given_as_often_as_one_likes(check: Cli) -> None:
    assert check("ok.json", "--quiet", "--quiet", "--select", "none-failed", "--select", "none-expired").code == 0
    assert ("check", "--account-id") in single_options()


def test_unknown_parameter_is_named_with_the_nearest(check: Cli, folder: Path) -> None:
    (folder / "param.yaml").write_text("policy: p\nparams: {vault: prod}\nrules:\n  - {id: r, rule: 'no FAILED jobs in vault ${vault} within 24h'}\n")
    outcome = check("ok.json", "--param", "vult=x", policy="param.yaml")
    assert outcome.code == 2
    assert (
        outcome.err == "error: no policy has a parameter vult\n  --> --param\n   = help: Did you mean vault?\n1 error in policy files; nothing was evaluated\n"
    )


COMMANDS = [
    (("chekc",), "No such command 'chekc'. Did you mean 'check'?"),
    (("check",), "no policy is named"),
    (("check", "policy.yaml", "--jobs"), "Option '--jobs' requires an argument."),
    (("check", "policy.yaml", "--jobs", "ok.json"), "--as-of is required: a saved job list does not record when it was saved"),
    (("check", "policy.yaml", "--covers", "2026-11-01..2026-11-02"), "--covers is for saved job lists: fetched lists record what they cover"),
    (("lint",), "no policy is named"),
    (("schema", "more"), "Got unexpected extra argument"),
]


@pytest.mark.parametrize(("arguments", "message"), COMMANDS)
def test_wrong_command(arguments: tuple[str, ...], message: str, cli: Cli) -> None:
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {message}")


def test_no_command_is_no_success(cli: Cli) -> None:
    """A pipeline whose variable is empty judged nothing."""
    outcome = cli()
    assert outcome.code == 2
    assert "check" in outcome.out + outcome.err


# Policies


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nothing.yaml", None, "there is no policy file, folder or shipped pack nothing.yaml"),
        ("polcy.yaml", None, "there is no policy file, folder or shipped pack polcy.yaml\n  = help: Did you mean policy.yaml?"),
        ("dmo", None, "there is no policy file, folder or shipped pack dmo\n  = help: Did you mean demo?"),
        ("x" * 5000, None, ""),
        ("binary.yaml", bytes(range(256)), ""),
        ("elf", b"\x7fELF\x02\x01\x01\x00\xff\xfe", ""),
        ("empty.yaml", b"", ""),
        ("list.yaml", b"- a\n", "a policy is a mapping with the keys policy and rules"),
        ("broken.yaml", b"policy: [", ""),
        (
            "two.yaml",
            b"policy: p\nrules:\n  - {id: a, rule: no FALED jobs}\n  - {id: b, rule: no jobs whithin 24h}\n",
            "'FALED' is not known; did you mean failed?",
        ),
        ("pattern.yaml", b"policy: p\nrules:\n  - {id: a, none: {ResourceName: {matches: '\\pL{99999}'}}}\n", ""),
    ],
)
def test_wrong_policy(name: str, content: bytes | None, message: str, check: Cli, folder: Path) -> None:
    if content is not None:
        (folder / name).write_bytes(content)
    outcome = check("ok.json", policy=name)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {message}")
    assert "Traceback" not in outcome.err
    assert "has a bug" not in outcome.err


def test_all_mistakes_are_shown_with_place_and_caret(check: Cli, folder: Path) -> None:
    (folder / "two.yaml").write_text("policy: p\nrules:\n  - {id: a, rule: no FALED jobs}\n  - {id: b, all: {State: DONE}}\n")
    outcome = check("ok.json", policy="two.yaml")
    assert "  --> two.yaml:3:22\n  |\n3 |   - {id: a, rule: no FALED jobs}\n  |                      ^^^^^\n" in outcome.err
    assert "  --> two.yaml:4:26\n" in outcome.err
    assert outcome.err.endswith("2 errors in policy files; nothing was evaluated\n")


def test_a_file_full_of_mistakes_is_not_shown_to_its_end(check: Cli, folder: Path) -> None:
    (folder / "many.yaml").write_text("policy: p\nrules:\n" + "".join(f"  - {{id: r{number}, rule: nonsense}}\n" for number in range(300)))
    outcome = check("ok.json", policy="many.yaml")
    assert outcome.err.count("\nerror: ") + 1 == 50
    assert outcome.err.endswith("and 250 more\n300 errors in policy files; nothing was evaluated\n")


def test_job_list_as_policy(check: Cli) -> None:
    assert check("ok.json", policy="ok.json") == (2, "", "error: ok.json is a job list, not a policy\n  = help: Name it with --jobs.\n")


def test_a_policy_without_a_name_is_not_the_working_directory(check: Cli) -> None:
    outcome = check("ok.json", policy="")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: the name of a policy is empty\n")


def test_folder_without_a_policy(check: Cli, folder: Path) -> None:
    (folder / "empty").mkdir()
    assert check("ok.json", policy="empty").err == "error: the folder empty holds no policy\n  = help: A policy is a .yaml file; NAME.test.yaml is a test.\n"


# Job lists


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nothing.json", None, "nothing.json: does not exist"),
        ("", None, "the name of a job list is empty\n  = help: Name a file, a folder, or - for standard input."),
        ("policy.yaml", None, "policy.yaml: is not a job list"),
        ("cut.json", b'{"BackupJobs": [{"State": "COMPL', "cut.json: is cut off"),
        ("binary.json", bytes(range(256)), "binary.json: "),
        ("short.json", b'{"BackupJobs": [], "NextToken": "x"}', "short.json: is incomplete"),
        ("state.json", b'{"BackupJobs": [{"State": 3}]}', "state.json: "),
    ],
)
def test_wrong_job_list_is_missing_evidence(name: str, content: bytes | None, message: str, check: Cli, folder: Path) -> None:
    if content is not None:
        (folder / name).write_bytes(content)
    outcome = check(name)
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err.startswith(f"error: {message}")
    assert "has a bug" not in outcome.err


def test_nothing_on_standard_input(check: Cli) -> None:
    assert check("-").code == 3


def test_every_file_that_cannot_be_used_is_named(cli: Cli, folder: Path) -> None:
    (folder / "cut.json").write_bytes(b'{"BackupJobs": [')
    outcome = cli("check", "policy.yaml", "--jobs", "cut.json", "--jobs", "nothing.json", "--as-of", AS_OF)
    assert outcome.code == 3
    assert outcome.err.startswith("error: 2 files or folders cannot be used:\ncut.json: is cut off")


# Names that are no text


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_names_that_are_not_utf_8(check: Cli, folder: Path) -> None:
    name = os.fsdecode(b"p\xff.yaml")
    (folder / name).write_bytes((folder / "policy.yaml").read_bytes())
    (folder / os.fsdecode(b"l\xff.json")).write_bytes((folder / "bad.json").read_bytes())
    for format_ in ("text", "json", "sarif", "junit", "markdown"):
        outcome = check(os.fsdecode(b"l\xff.json"), "-o", format_, "-v", policy=name)
        assert outcome.code == 1, outcome.err
        if format_ == "text":
            assert "--> p\ufffd.yaml:3:5" in outcome.out


# Bugs


class Panic(BaseException):
    """As a dataframe engine raises it."""


@pytest.mark.parametrize("error", [RuntimeError("boom\n::error::\x1b[2J"), Panic("boom"), SystemExit(0), RecursionError("deep")])
def test_bug_is_one_line_and_a_code_of_its_own(error: BaseException, check: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("policycheck.pipeline.run", broken)
    outcome = check("ok.json")
    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err.startswith("policycheck 0.1.0 has a bug: ")
    assert outcome.err.count("\n") == 1
    assert "test_errors.py:" in outcome.err
    assert "\x1b" not in outcome.err
    monkeypatch.setenv("POLICYCHECK_TRACEBACK", "1")
    traced = check("ok.json").err
    assert "Traceback (most recent call last)" in traced
    assert commands(traced) == []
    assert "\x1b" not in traced


def test_bug_in_a_report_writes_nothing(check: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that cannot be rendered leaves no other half of a run behind."""

    def broken(*_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr("policycheck.formats.sarif.FORMAT", replace(FORMATS["sarif"], writer=broken))
    assert check("ok.json", "-o", "json=a.json", "-o", "sarif=b.sarif").code == 4
    assert not (folder / "a.json").exists()


def test_surprise_of_the_operating_system_is_no_bug(check: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/x")

    monkeypatch.setattr("policycheck.pipeline.run", broken)
    assert check("ok.json") == (2, "", "error: /x: No space left on device\n")


def test_hostile_record_of_every_kind_is_survived(check: Cli, folder: Path) -> None:
    save(folder / "odd.json", job(1, "FAILED", BackupSizeInBytes=2**63 - 1, StatusMessage="x" * 100_000), {"BackupJobId": ""}, {})
    assert check("odd.json").code in {1, 3}
