"""A bare command with a run file, and what wins where both say something."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from policycheck.cli import check as check_module
from policycheck.cli import explain as explain_module
from policycheck.engine.backends.registry import DEFAULT_ENGINE
from policycheck.settings.merging import Settings
from tests.backends import BACKEND
from tests.cli.conftest import AS_OF, ROOT, Cli, Outcome, job, save

RUN_FILE = f"""\
policies: [policies/]
sources:
  jobs: [jobs/bad.json]
  as_of: {AS_OF}
"""
CONTROLLED = """\
policy: c
params: {state: FAILED}
rules:
  - {id: soc, none: {State: '${state}'}, within: 24h, controls: {soc2: [A1.2]}}
  - {id: pci, rule: no EXPIRED jobs within 24h, controls: {pci: ['10.5.1']}}
  - {id: own, rule: no ABORTED jobs within 24h}
"""


@pytest.fixture
def project(folder: Path) -> Path:
    """policies/p.yaml, jobs/ok.json and jobs/bad.json, and a run file that judges the bad ones, at the root of a repository."""
    for name in (".git", "policies", "jobs", "deep/er"):
        (folder / name).mkdir(parents=True)
    (folder / "policy.yaml").rename(folder / "policies/p.yaml")
    for name in ("ok.json", "bad.json"):
        (folder / name).rename(folder / "jobs" / name)
    write(folder)
    return folder


def write(project: Path, more: str = "", text: str = RUN_FILE) -> None:
    (project / "policycheck.yaml").write_text(text + more, encoding="utf-8")


def judged(outcome: Outcome) -> dict[str, str]:
    """The verdicts of a JSON result, by rule."""
    return {rule["id"]: rule["verdict"] for rule in json.loads(outcome.out)["rules"]}


# What it does


def test_a_bare_check_judges_what_the_run_file_says(cli: Cli, project: Path) -> None:
    outcome = cli("check", "-v")
    assert outcome.code == 1
    assert "\nerror[none-failed]: 1 finding (high); 2 jobs examined\n --> policies/p.yaml:3:5\n" in outcome.out
    assert "source jobs/bad.json" in outcome.out
    assert outcome.err == ""
    named = cli("check", "policies/", "--jobs", "jobs/bad.json", "--as-of", AS_OF, "--no-config", "-v")
    assert named == outcome


def test_a_run_file_above_is_found_named_and_read_from_there(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, "outputs: {json: reports/result.json, text: stdout}\nverbose: true\n")
    monkeypatch.chdir(project / "deep/er")
    outcome = cli("check")
    assert outcome.code == 1
    assert " --> ../../policies/p.yaml:3:5\n" in outcome.out
    assert outcome.err == "policycheck: the run file is ../../policycheck.yaml\n"
    assert json.loads((project / "reports/result.json").read_text())["exit_code"] == 1
    assert list((project / "deep/er").iterdir()) == []
    assert cli("check", "--quiet").err == ""


def test_a_pack_is_not_a_folder_that_happens_to_be_here(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, text=RUN_FILE.replace("policies/", "first-steps"))
    (project / "deep/first-steps").mkdir()
    (project / "deep/first-steps/x.yaml").write_text("policy: x\nrules: [{id: x, rule: no FAILED jobs}]\n")
    monkeypatch.chdir(project / "deep")
    assert "x" not in judged(cli("check", "-o", "json"))


def test_a_run_file_is_named_from_elsewhere(cli: Cli, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "deep")
    (project / "deep/policycheck.yaml").write_text("polices: [a]\n")
    outcome = cli("check", "--config", "../policycheck.yaml")
    assert (outcome.code, outcome.err) == (1, "")
    assert cli("check").code == 2


def test_no_config_reads_no_run_file(cli: Cli, project: Path) -> None:
    write(project, "ignore: [none-failed]\n")
    assert cli("check", "--no-config").err.startswith(
        "error: no policy is named\n  = help: policycheck check POLICY, or name the policies in policycheck.yaml."
    )
    assert cli("check", "policies/p.yaml", "--jobs", "jobs/bad.json", "--as-of", AS_OF, "--no-config").code == 1
    assert cli("check", "--no-config", "--config", "policycheck.yaml").err == "error: --config and --no-config exclude each other\n"


def test_lint_and_permissions_take_the_policies_of_the_run_file(cli: Cli, project: Path) -> None:
    assert cli("lint", "--select", "PC0") == (0, "1 policy, 2 rules: no errors, no warnings\n", "")
    assert json.loads(cli("permissions").out)["Statement"][0]["Action"] == ["backup:ListBackupJobs"]
    (project / "policies/copies.yaml").write_text("policy: c\nrules: [{id: copies, rule: no FAILED copy jobs}]\n")
    assert json.loads(cli("permissions").out)["Statement"][0]["Action"] == ["backup:ListBackupJobs", "backup:ListCopyJobs"]
    write(project, "ignore: [copies]\n")
    assert json.loads(cli("permissions", "--no-config", "policies").out)["Statement"][0]["Action"] == ["backup:ListBackupJobs", "backup:ListCopyJobs"]
    assert json.loads(cli("permissions").out)["Statement"][0]["Action"] == ["backup:ListBackupJobs"]
    assert cli("lint", "--select", "PC0").out == "2 policies, 3 rules: no errors, no warnings\n"


def test_a_run_file_is_no_policy_of_its_folder(cli: Cli, project: Path) -> None:
    (project / "policies/policycheck.yaml").write_text(RUN_FILE)
    assert cli("lint", "policies", "--select", "PC0").out == "1 policy, 2 rules: no errors, no warnings\n"


# The command line wins: what the run file says, what the command line says, and what comes of it

PRECEDENCE: list[tuple[str, tuple[str, ...], int | dict[str, str]]] = [
    ("fail_on: critical\n", (), 0),
    ("fail_on: critical\n", ("--fail-on", "low"), 1),
    ("fail_on: never\n", ("--fail-on", "high"), 1),
    ("fail_on: high\n", ("--fail-on", "never"), 0),
    ("select: [none-expired]\n", (), {"none-expired": "pass"}),
    ("select: [none-expired]\n", ("--select", "p/none-failed"), {"none-failed": "fail"}),
    ("ignore: [none-failed]\n", (), {"none-expired": "pass"}),
    ("ignore: [none-failed]\n", ("--ignore", "none-expired"), {"none-failed": "fail"}),
    ("ignore: [none-failed]\n", ("--select", "none-failed"), 2),
    ("", ("policies/p.yaml", "c.yaml"), {"none-failed": "fail", "none-expired": "pass", "soc": "fail", "pci": "pass", "own": "pass"}),
    ("", ("c.yaml", "--param", "state=EXPIRED"), {"soc": "pass", "pci": "pass", "own": "pass"}),
    ("params: {state: EXPIRED}\n", ("c.yaml",), {"soc": "pass", "pci": "pass", "own": "pass"}),
    ("params: {state: EXPIRED}\n", ("c.yaml", "--param", "state=FAILED"), {"soc": "fail", "pci": "pass", "own": "pass"}),
    ("frameworks: [pci]\n", ("c.yaml",), {"pci": "pass"}),
    ("frameworks: [pci]\n", ("c.yaml", "--framework", "soc2"), {"soc": "fail"}),
    ("frameworks: [pci, soc2]\n", ("c.yaml",), {"soc": "fail", "pci": "pass"}),
    ("scope: {accounts: [444455556666]}\n", ("--select", "none-expired"), {"none-expired": "inconclusive"}),
    ("scope: {accounts: [444455556666]}\n", ("--select", "none-expired", "--scope", "scope.yaml"), {"none-expired": "pass"}),
    ("", ("--jobs", "jobs/ok.json", "--as-of", AS_OF), {"none-failed": "pass", "none-expired": "pass"}),
    ("", ("--as-of", "2026-11-19T06:00:00Z", "--select", "none-failed"), {"none-failed": "inconclusive"}),
]


@pytest.mark.parametrize(("said", "arguments", "outcome"), PRECEDENCE)
def test_the_command_line_wins(said: str, arguments: tuple[str, ...], outcome: int | dict[str, str], cli: Cli, project: Path) -> None:
    (project / "c.yaml").write_text(CONTROLLED)
    (project / "scope.yaml").write_text("accounts: [111122223333]\n")
    write(project, said)
    done = cli("check", *arguments, "-o", "json")
    assert (done.code if isinstance(outcome, int) else judged(done)) == outcome, done.err


@pytest.mark.parametrize(
    ("outputs", "arguments", "files", "document"),
    [
        ("{json: r.json, markdown: r.md}", (), {"r.json", "r.md"}, ""),
        ("{json: r.json, text: stdout}", (), {"r.json"}, "FAIL: "),
        ("{json: r.json, text: stdout}", ("-o", "json"), set(), "{"),
        ("{json: r.json}", ("-o", "sarif=r.sarif", "-o", "junit=r.xml"), {"r.sarif", "r.xml"}, ""),
    ],
)
def test_outputs_are_replaced_as_a_whole(outputs: str, arguments: tuple[str, ...], files: set[str], document: str, cli: Cli, project: Path) -> None:
    write(project, f"outputs: {outputs}\n")
    before = {path.name for path in project.iterdir()}
    outcome = cli("check", *arguments)
    assert outcome.code == 1
    assert {path.name for path in project.iterdir()} - before == files
    assert outcome.out.startswith(document)
    assert bool(outcome.out) == bool(document)


def test_an_added_report_stands_beside_those_of_the_file_and_of_the_command_line(cli: Cli, project: Path) -> None:
    (project / "policycheck.yaml").write_text(f"{RUN_FILE}outputs: {{json: made/r.json}}\n", encoding="utf-8")
    assert cli("check", "--add-output", "csv=all.csv").out == ""
    assert (project / "made" / "r.json").is_file()
    assert (project / "all.csv").is_file()
    (project / "policycheck.yaml").write_text(RUN_FILE, encoding="utf-8")
    assert cli("check", "--add-output", "junit=j.xml").out.startswith("FAIL: ")
    assert cli("check", "--output", "json", "--add-output", "junit=j.xml").out.startswith("{")
    for added, said in (("csv", "--add-output names no file"), ("csv=none/all.csv", "the folder none does not exist"), ("csvv=x", "Did you mean csv?")):
        outcome = cli("check", "--add-output", added)
        assert (outcome.code, said in outcome.err) == (2, True), outcome.err


def test_min_severity_is_display_only(cli: Cli, project: Path) -> None:
    write(project, "min_severity: critical\n")
    assert "none-failed" not in cli("check").out
    assert cli("check").code == 1
    assert "none-failed" in cli("check", "--min-severity", "low").out


def test_a_claim_about_the_file_s_lists_says_nothing_of_others(cli: Cli, project: Path) -> None:
    """Else `covers` would vouch for lists nobody made that claim about."""
    (project / "policies/p.yaml").write_text("policy: p\nrules: [{id: r, rule: no ABORTED jobs within 30d}]\n")
    write(project, "  covers: 2026-10-20..2026-11-21\n")
    assert cli("check").code == 0
    assert cli("check", "--jobs", "jobs/ok.json", "--as-of", AS_OF).code == 3
    outcome = cli("check", "--jobs", "jobs/ok.json")
    assert outcome.code == 2
    assert "--as-of is required: a saved job list does not record when it was saved" in outcome.err


def test_the_engine_is_the_file_s_unless_the_command_line_names_one(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Settings] = []
    monkeypatch.setattr(check_module, "judge", kept.append)
    for more, arguments in [("engine: duckdb\n", ()), ("engine: duckdb\n", ("--engine", DEFAULT_ENGINE)), ("", ())]:
        write(project, more)
        assert cli("check", *arguments).code == 0
    assert [settings.engine for settings in kept] == ["duckdb", DEFAULT_ENGINE, DEFAULT_ENGINE]
    write(project, "engine: polar\n")
    outcome = cli("check")
    assert outcome.code == 2
    assert outcome.err.startswith("error: polar is not one of polars or duckdb\n  --> policycheck.yaml:5:9\n")
    assert "Did you mean polars?" in outcome.err


def test_the_engine_of_the_file_is_that_of_explain(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(explain_module, "open_backend", lambda name: opened.append(name) or BACKEND)  # type: ignore[func-returns-value]  # None, hence the backend
    write(project, "engine: duckdb\n")
    assert cli("explain", "none-failed").code == 0
    assert opened == ["duckdb"]


# It never makes a run smaller without a word


def test_rules_that_the_run_file_leaves_out_are_counted_on_stderr(cli: Cli, project: Path) -> None:
    write(project, "ignore: [none-failed]\n")
    assert cli("check").err == "policycheck: 1 of 2 rules are omitted, as policycheck.yaml says\n"
    assert cli("check", "--ignore", "none-failed").err == ""
    assert cli("check", "--quiet").err == ""


@pytest.mark.parametrize(
    ("more", "place", "said"),
    [
        ("ignore: [none-faild]\n", "policycheck.yaml:5:10", "no rule is called none-faild"),
        ("select: [none-expired, q/none-failed]\n", "policycheck.yaml:5:24", "no rule is called q/none-failed"),
        ("frameworks: [soc2]\n", "policycheck.yaml:5:14", "no rule names a control of soc2"),
        ("params: {vault: prod}\n", "policycheck.yaml:5:10", "no policy has a parameter vault"),
    ],
)
def test_what_matches_nothing_is_a_mistake_with_its_place(more: str, place: str, said: str, cli: Cli, project: Path) -> None:
    write(project, more)
    outcome = cli("check")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {said}\n  --> {place}\n")


@pytest.mark.parametrize(("more", "rules"), [("ignore: [none-expired]\n", 3), ("params: {vault: prod}\n", 3), ("select: [none-expired, own]\n", 1)])
def test_other_policies_need_not_know_what_the_run_file_says_of_its_own(more: str, rules: int, cli: Cli, project: Path) -> None:
    (project / "c.yaml").write_text(CONTROLLED)
    write(project, more)
    assert len(judged(cli("check", "c.yaml", "-o", "json"))) == rules


@pytest.mark.parametrize("more", ["select: [none-expired]\n", "frameworks: [iso]\n"])
def test_a_selection_that_leaves_nothing_of_other_policies_is_no_run(more: str, cli: Cli, project: Path) -> None:
    """Dropping the selection would judge everything, and judging nothing would pass."""
    (project / "c.yaml").write_text(CONTROLLED)
    write(project, more)
    assert cli("check", "c.yaml") == (2, "", "error: the selection leaves no rule to evaluate\n")


def test_every_policy_that_is_not_there_is_a_mistake(cli: Cli, project: Path) -> None:
    write(project, text=RUN_FILE.replace("policies/", "policies/, policis/, first-step"))
    outcome = cli("check")
    assert outcome.code == 2
    assert [line for line in outcome.err.splitlines() if line.startswith("  --> ")] == ["  --> policycheck.yaml:1:23", "  --> policycheck.yaml:1:33"]
    assert "Did you mean first-steps?" in outcome.err
    assert outcome.err.endswith("2 errors in the run file; nothing was evaluated\n")


def test_no_policy_anywhere_is_an_error(cli: Cli, project: Path) -> None:
    write(project, text="fail_on: high\n")
    assert cli("check") == (2, "", "error: policycheck.yaml: no policy is named, here or in the run file\n  = help: Add the key policies.\n")


@pytest.mark.parametrize("jobs", ["jobs/gone.json", "jobs/empty"])
def test_jobs_that_are_not_there_are_missing_evidence(jobs: str, cli: Cli, project: Path) -> None:
    (project / "jobs/empty").mkdir()
    write(project, text=RUN_FILE.replace("jobs/bad.json", jobs))
    assert cli("check").code == 3


def test_waivers_and_inventories_that_are_not_there_stop_the_run(cli: Cli, project: Path) -> None:
    write(project, "waivers: [w.yaml]\n")
    assert cli("check").code == 2
    write(project, "inventories: {prod: i.csv}\n")
    assert cli("check").code == 3


# What it cannot do to who runs it


@pytest.mark.parametrize("key", ["endpoint_url: http://127.0.0.1:1", "ca_bundle: jobs/ok.json", "no_verify_ssl: true", "no_sign_request: true"])
def test_a_run_file_does_not_choose_who_answers_for_aws(key: str, cli: Cli, project: Path) -> None:
    write(project, text=f"policies: [policies]\nsources:\n  {key}\n")
    outcome = cli("check", "--region", "eu-west-1")
    assert outcome.code == 2
    assert f"error: {key.partition(':')[0]} is not taken from a file\n  --> policycheck.yaml:3:3\n" in outcome.err


@pytest.mark.parametrize("target", ["../x.json", "deep/../../x.json", "out/x.json", ".git/hooks/post-commit", "/dev/null"])
def test_a_run_file_writes_in_its_own_folder_only(target: str, cli: Cli, project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (project / "out").symlink_to(elsewhere)
    write(project, f"outputs: {{json: '{target}'}}\n")
    outcome = cli("check")
    assert (outcome.code, outcome.out) == (2, "")
    assert "  --> policycheck.yaml:5:17\n" in outcome.err
    assert list(elsewhere.iterdir()) == []
    assert not (project.parent / "x.json").exists()
    assert list((project / ".git").iterdir()) == []


@pytest.mark.parametrize("target", ["policycheck.yaml", "policies/p.yaml", "jobs/bad.json"])
def test_a_report_never_overwrites_what_the_run_reads(target: str, cli: Cli, project: Path) -> None:
    write(project, f"outputs: {{json: {target}}}\n")
    before = (project / target).read_bytes()
    outcome = cli("check")
    assert outcome.code == 2
    assert "which this run reads" in outcome.err
    assert (project / target).read_bytes() == before


def test_hostile_text_of_a_run_file_is_text(cli: Cli, project: Path) -> None:
    write(project, 'select: ["none\\e[31m\\n::error::x", "##[group]y"]\n')
    outcome = cli("check")
    assert outcome.code == 2
    assert "\x1b" not in outcome.err
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in outcome.err.splitlines())


# --framework


@pytest.fixture
def controlled(folder: Path) -> str:
    (folder / "c.yaml").write_text(CONTROLLED)
    return "c.yaml"


def test_framework_judges_rules_that_name_one_of_its_controls(check: Cli, controlled: str) -> None:
    assert judged(check("bad.json", "--framework", "soc2", "-o", "json", policy=controlled)) == {"soc": "fail"}
    assert judged(check("bad.json", "--framework", "soc2", "--framework", "pci", "-o", "json", policy=controlled)) == {"soc": "fail", "pci": "pass"}
    assert judged(check("bad.json", "--framework", "soc2", "--select", "soc", "-o", "json", policy=controlled)) == {"soc": "fail"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--framework", "soc"), "no rule names a control of soc\n  = help: Did you mean soc2?"),
        (("--framework", "pc"), "no rule names a control of pc\n  = help: Did you mean pci?"),
        (("--framework", "so"), "no rule names a control of so\n  = help: Did you mean soc2?"),
        (("--framework", "iso"), "no rule names a control of iso\n  = help: The rules name controls of pci, soc2."),
        (("--framework", "pci", "--select", "soc"), "the selection leaves no rule to evaluate\n"),
    ],
)
def test_a_framework_that_leaves_nothing_is_an_error(arguments: tuple[str, ...], said: str, check: Cli, controlled: str) -> None:
    outcome = check("bad.json", *arguments, policy=controlled)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {said}")


# schema, documentation


def test_schema_of_the_run_file_is_the_documented_one(cli: Cli) -> None:
    outcome = cli("schema", "--run-file")
    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads(outcome.out) == json.loads((ROOT / "docs/run-file.schema.json").read_text(encoding="utf-8"))


def documented(page: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_documented_run_file_runs(cli: Cli, project: Path) -> None:
    save(project / "jobs/ok.json", job(1, BackupVaultName="prod"))
    save(project / "jobs/bad.json", job(2, "FAILED", BackupVaultName="prod"))
    (project / "policies/p.yaml").write_text(
        "policy: backups\nparams: {vault: any}\ndefaults: {severity: high}\nrules:\n"
        "  - {id: no-failed, rule: 'no FAILED jobs in vault ${vault} within 24h', controls: {soc2: [A1.2]}}\n"
        "  - {id: not-for-us, rule: no FAILED copy jobs, controls: {soc2: [A1.2]}}\n"
    )
    write(project, text=documented("docs/run-file.md")[0])
    outcome = cli("check", "--as-of", AS_OF)
    assert outcome.code == 1, outcome.err
    assert outcome.out.startswith("FAIL: backups, ")
    assert {path.name for path in (project / "reports").iterdir()} == {"policycheck.sarif", "junit.xml"}


def test_the_readme_s_run_file_runs(cli: Cli, project: Path) -> None:
    write(project, text=next(block for block in documented("README.md") if block.startswith("policies:")))
    assert cli("check", "--jobs", "jobs/bad.json", "--as-of", AS_OF).code == 1


def test_every_key_has_a_row_in_the_documentation() -> None:
    from policycheck.settings.schema import RunFileEntry, SourcesEntry

    page = (ROOT / "docs/run-file.md").read_text(encoding="utf-8")
    assert [name for model in (RunFileEntry, SourcesEntry) for name in model.model_fields if f"| `{name}` |" not in page] == []
