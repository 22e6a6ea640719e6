"""`policycheck lint` at the command line: what is shown, where it goes, and what the exit code says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from policycheck.policy.lint.registry import CHECKS
from tests.cli.conftest import Cli
from tests.formats.conftest import schemas

__all__ = ["schemas"]

AT = ("--as-of", "2026-11-20T06:00:00Z")
FAILED = "policy: q\nrules:\n  - id: failed\n    rule: no FAILED jobs within 24h\n"
TEXT = """\
warning[PC101]: the rule forbids FAILED backup jobs alone, and no rule of this run evaluates those
  that end EXPIRED, ABORTED and PARTIAL
 --> failed.yaml:4:14
  |
4 |     rule: no FAILED jobs within 24h
  |              ^^^^^^
  = help: no FAILED, EXPIRED, ABORTED or PARTIAL jobs ..., or a rule that every resource must have a
          clean job.
  = see: docs/lint/PC101.md (failed-alone)

1 policy, 1 rule: no errors, 1 warning, 4 infos
4 findings below warning not shown: --min-severity info
"""


@pytest.fixture
def lint(cli: Cli, folder: Path) -> Cli:
    """`policycheck lint failed.yaml --as-of ...` and more."""
    (folder / "failed.yaml").write_text(FAILED, encoding="utf-8")
    return lambda *arguments: cli("lint", *(arguments or ("failed.yaml",)), *AT)


def test_a_finding_shows_its_line_what_to_do_and_its_page(lint: Cli) -> None:
    assert lint() == (1, TEXT, "")


def test_findings_below_the_level_are_counted_and_shown_on_request(lint: Cli) -> None:
    outcome = lint("failed.yaml", "--min-severity", "info")
    assert len(re.findall(r"^info\[", outcome.out, re.MULTILINE)) == 4
    assert outcome.out.endswith("1 policy, 1 rule: no errors, 1 warning, 4 infos\n")
    assert "not shown" not in outcome.out


@pytest.mark.parametrize(("level", "code"), [("error", 0), ("warning", 1), ("info", 1), ("never", 0), ("ERROR", 0)])
def test_the_exit_code_follows_the_level_alone(level: str, code: int, lint: Cli) -> None:
    for more in ((), ("--output", "json"), ("--output", "github"), ("--min-severity", "error")):
        assert lint("failed.yaml", "--fail-on", level, *more).code == code


def test_what_fails_the_run_is_shown(lint: Cli) -> None:
    assert "info[PC303]" in lint("failed.yaml", "--fail-on", "info").out


def test_codes_are_selected_and_ignored(lint: Cli) -> None:
    assert lint("failed.yaml", "--ignore", "PC101").code == 0
    assert lint("failed.yaml", "--ignore", "failed-alone", "--ignore", "PC3", "--min-severity", "info").out.count("info[") == 2
    assert lint("failed.yaml", "--select", "PC0").out == "1 policy, 1 rule: no errors, no warnings\n"


def test_a_suppressed_finding_is_counted_and_kept_in_json_alone(lint: Cli, folder: Path) -> None:
    (folder / "failed.yaml").write_text(FAILED.replace("failed\n", "failed  # policycheck: ignore[PC101] judged elsewhere\n"), encoding="utf-8")
    outcome = lint()
    assert (outcome.code, "PC101" in outcome.out) == (0, False)
    assert outcome.out.splitlines()[0] == "1 policy, 1 rule: no errors, no warnings, 4 infos; 1 suppressed"
    document = json.loads(lint("failed.yaml", "--output", "json").out)
    assert [finding["suppressed"] for finding in document["findings"] if finding["code"] == "PC101"] == ["judged elsewhere"]
    assert document["summary"]["suppressed"] == 1
    (run,) = json.loads(lint("failed.yaml", "--output", "sarif").out)["runs"]
    assert "PC101" not in {result["ruleId"] for result in run["results"]}
    assert "PC101" not in lint("failed.yaml", "--output", "github").out


def test_mistakes_are_exit_2_and_the_only_findings(lint: Cli, folder: Path) -> None:
    (folder / "bad.yaml").write_text("policy: b\nrules:\n  - {id: x, rule: no FALED jobs}\n", encoding="utf-8")
    outcome = lint("failed.yaml", "bad.yaml", "--output", "json=lint.json")
    assert (outcome.code, outcome.out) == (2, "")
    assert "bad.yaml:3:22" in outcome.err
    document = json.loads((folder / "lint.json").read_text(encoding="utf-8"))
    assert [(finding["code"], finding["proposals"]) for finding in document["findings"]] == [("policy-error", ["no FAILED jobs"])]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--select", "PC999"], "there is no check PC999"),
        (["--ignore", "PC"], "the selection leaves nothing to check"),
        (["--fail-on", "warn"], "--fail-on: there is no level warn"),
        (["--min-severity", "high"], "--min-severity: there is no level high"),
        (["--output", "junit"], "there is no format junit"),
        (["--output", "json=policy.yaml"], "--output would overwrite policy.yaml"),
        (["--as-of", "yesterday"], "--as-of yesterday: "),
        (["--param", "nope=1"], "no policy has a parameter nope"),
    ],
)
def test_a_wrong_command_line_is_exit_2(arguments: list[str], message: str, cli: Cli) -> None:
    outcome = cli("lint", "policy.yaml", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert "has a bug" not in outcome.err


def test_the_json_document_says_all_that_is_documented(lint: Cli) -> None:
    document = json.loads(lint("failed.yaml", "--output", "json").out)
    page = Path(__file__).parents[2].joinpath("docs/lint/README.md").read_text(encoding="utf-8").partition("## The JSON document")[2]
    keys: set[str] = {*document, *document["tool"], *document["summary"], *document["findings"][0], *document["findings"][0]["location"]}
    assert {key for key in keys if f"`{key}`" not in page} == set()
    assert (document["schema"], document["as_of"], document["fail_on"], document["failed"]) == ("policycheck/lint/1", "2026-11-20T06:00:00Z", "warning", True)
    assert document["codes"] == sorted(CHECKS)
    (finding,) = [finding for finding in document["findings"] if finding["code"] == "PC101"]
    assert finding["location"] == {"path": "failed.yaml", "line": 4, "column": 14, "end_line": 4, "end_column": 20}
    assert (finding["policy"], finding["rule"], finding["level"]) == ("q", "failed", "warning")


@pytest.mark.parametrize("schema", ["sarif-2.1.0-oasis.json", "sarif-2.1.0-codeql-action.json"])
def test_sarif_fits_the_published_schemas(schema: str, schemas: Callable[[str], Path], lint: Cli) -> None:
    rules = json.loads(schemas(schema).read_bytes())
    validator = jsonschema.validators.validator_for(rules)(rules, format_checker=jsonschema.FormatChecker())
    log = json.loads(lint("failed.yaml", "policy.yaml", "--output", "sarif").out)
    assert [error.message for error in validator.iter_errors(log)] == []


def test_sarif_has_what_code_scanning_needs(lint: Cli) -> None:
    (run,) = json.loads(lint("failed.yaml", "--output", "sarif").out)["runs"]
    results: list[dict[str, Any]] = run["results"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted(CHECKS)
    assert len(results) == 5
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in results)
    assert len({result["partialFingerprints"]["primaryLocationLineHash"] for result in results}) == 5
    (place,) = [result["locations"][0]["physicalLocation"] for result in results if result["ruleId"] == "PC101"]
    assert place == {"artifactLocation": {"uri": "failed.yaml"}, "region": {"startLine": 4, "startColumn": 14, "endLine": 4, "endColumn": 20}}


def test_a_fingerprint_stays_while_lines_move_and_days_pass(lint: Cli, folder: Path, cli: Cli) -> None:
    waiver = "waivers: [{rule: failed, match: any, reason: x, owner: o, granted: 2026-11-01, expires: 2026-11-30}]\n"

    def fingerprints(day: str) -> set[str]:
        (run,) = json.loads(cli("lint", "failed.yaml", "--output", "sarif", "--as-of", day).out)["runs"]
        return {result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]}

    (folder / "failed.yaml").write_text(FAILED + waiver, encoding="utf-8")
    before = fingerprints("2026-11-20")
    (folder / "failed.yaml").write_text("\n\n" + FAILED + waiver, encoding="utf-8")
    assert fingerprints("2026-11-22") == before


def test_github_annotations_are_at_the_line_the_worst_first(lint: Cli) -> None:
    lines = lint("failed.yaml", "--output", "github", "--min-severity", "info").out.splitlines()
    assert lines[0].startswith(
        "::warning file=failed.yaml,line=4,endLine=4,col=14,endColumn=20,title=PC101 failed-alone::the rule forbids FAILED backup jobs alone, "
    )
    assert [line.partition(" ")[0] for line in lines] == ["::warning", *["::notice"] * 5]
    assert lines[-1] == "::notice title=policycheck lint::1 policy, 1 rule: no errors, 1 warning, 4 infos"


def test_no_more_is_annotated_than_github_shows(cli: Cli, folder: Path) -> None:
    rules = "".join(f"  - {{id: r{number}, rule: 'no FAILED jobs in vault v{number} within 24h'}}\n" for number in range(30))
    (folder / "many.yaml").write_text(f"policy: many\nrules:\n{rules}", encoding="utf-8")
    lines = cli("lint", "many.yaml", "--output", "github", *AT).out.splitlines()
    assert sum(line.startswith("::warning ") for line in lines) == 10
    assert lines[-1].endswith("; 20 more are not annotated, since GitHub shows 10 of each kind a step")


def test_files_are_written_and_a_line_is_told(lint: Cli, folder: Path) -> None:
    (folder / "out").mkdir()
    outcome = lint("failed.yaml", "--output", "sarif=out/lint.sarif", "--output", "json=out/lint.json")
    assert (outcome.code, outcome.out, outcome.err) == (1, "", "policycheck: 1 policy, 1 rule: no errors, 1 warning, 4 infos\n")
    assert json.loads((folder / "out/lint.json").read_text(encoding="utf-8"))["failed"] is True
    assert json.loads((folder / "out/lint.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"


def test_hostile_text_of_a_policy_is_no_command_and_no_escape(cli: Cli, folder: Path) -> None:
    text = "policy: h\nrules:\n  - id: r\n    rule: 'no FAILED \"::error::x ##[group]y [a](b) {0}\" jobs within 24h'\n"
    text += "    controls: {soc2: ['##[error]x%0A::set-env']}\n"
    (folder / "hostile.yaml").write_text(text, encoding="utf-8")
    for form in ("text", "json", "github", "sarif"):
        printed = cli("lint", "hostile.yaml", "--output", form, "--min-severity", "info", *AT).out
        assert "##[" not in printed
        assert "\x1b" not in printed
        if form != "github":
            assert not re.search(r"^\s*::", printed, re.MULTILINE)
        else:
            assert all(re.match(r"::(warning|notice|error) [^:]*::", line) for line in printed.splitlines())
    assert "](b)" not in cli("lint", "hostile.yaml", "--output", "sarif", *AT).out


def test_waivers_of_other_files_are_looked_at_where_they_stand(cli: Cli, folder: Path) -> None:
    entry = "  - {rule: none-failed, match: {ResourceArn: {contains: i-1}}, reason: x, owner: o, granted: 2026-10-01, expires: 2026-11-01}\n"
    (folder / "waivers.yaml").write_text(f"waivers:\n{entry}", encoding="utf-8")
    outcome = cli("lint", "policy.yaml", "--waivers", "waivers.yaml", *AT)
    assert outcome.code == 1
    assert "warning[PC201]: the waiver of none-failed expired on 2026-11-01" in outcome.out
    assert " --> waivers.yaml:2:6\n" in outcome.out
    assert "2 |   - {rule: none-failed, match" in outcome.out


def test_the_run_file_says_which_policies_which_waivers_and_when(cli: Cli, folder: Path) -> None:
    entry = "  - {rule: none-failed, match: {ResourceArn: {contains: i-1}}, reason: x, owner: o, granted: 2026-10-01, expires: 2026-11-01}\n"
    (folder / "waivers.yaml").write_text(f"waivers:\n{entry}", encoding="utf-8")
    run_file = "policies: [policy.yaml]\nwaivers: [waivers.yaml]\nsources: {jobs: [ok.json], as_of: 2026-10-15}\nselect: [none-failed]\nfail_on: critical\n"
    (folder / "policycheck.yaml").write_text(run_file, encoding="utf-8")
    assert cli("lint", "--ignore", "PC101").code == 0
    assert cli("lint", "--ignore", "PC101", *AT).code == 1


def test_tests_beside_a_policy_are_run(cli: Cli, folder: Path) -> None:
    test = "as_of: 2026-11-20T06:00:00Z\nname: x\njobs: [{State: FAILED, ResourceArn: i-1}]\nexpect: {none-failed: {verdict: fail, findings: [i-1]}}\n"
    (folder / "policy.test.yaml").write_text(test, encoding="utf-8")
    outcome = cli("lint", "policy.yaml", "--ignore", "PC101", *AT)
    assert outcome.code == 1
    assert re.findall(r"no test makes (\S+) fail", outcome.out) == ["none-expired"]
    assert cli("lint", "policy.yaml", "--ignore", "PC101", "--ignore", "PC4", *AT).code == 0


TYPED = "policy: t\nrules:\n  - id: r\n    rule: no failed, expired, aborted or partial backups in the last 24 hours # why\n"


def test_fix_writes_the_sentence_that_was_read_and_says_so(cli: Cli, folder: Path) -> None:
    (folder / "typed.yaml").write_text(TYPED, encoding="utf-8")
    shown = cli("lint", "typed.yaml", *AT)
    assert (shown.code, shown.err) == (0, "")
    assert "info[PC309]: read as: no FAILED, EXPIRED, ABORTED or PARTIAL jobs within 24h\n" in shown.out
    fixed = cli("lint", "typed.yaml", "--fix", *AT)
    assert (fixed.code, "PC309" in fixed.out) == (0, False)
    assert fixed.err == (
        "policycheck: typed.yaml:4: wrote 'no FAILED, EXPIRED, ABORTED or PARTIAL jobs within 24h'"
        " for 'no failed, expired, aborted or partial backups in the last 24 hours'\n"
    )
    text = (folder / "typed.yaml").read_text(encoding="utf-8")
    assert text == TYPED.replace(
        "no failed, expired, aborted or partial backups in the last 24 hours", "no FAILED, EXPIRED, ABORTED or PARTIAL jobs within 24h"
    )
    assert cli("lint", "typed.yaml", "--fix", *AT).err == ""


BROKEN = "policy: b\nrules:\n  - id: r\n    rule: 'every resource must be backed up daily'\n  - {id: s, rule: [x]}\n"


def test_errors_of_a_file_that_does_not_load_are_data(cli: Cli, folder: Path, schemas: Callable[[str], Path]) -> None:
    (folder / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    plain = cli("lint", "broken.yaml", *AT)
    assert (plain.code, plain.out) == (2, "")
    outcome = cli("lint", "broken.yaml", "--output", "json", *AT)
    assert (outcome.code, outcome.err) == (2, plain.err)
    document = json.loads(outcome.out)
    assert (document["failed"], document["summary"]["errors"]) == (True, 2)
    first, second = document["findings"]
    assert (first["code"], first["level"], first["message"]) == ("policy-error", "error", "the sentence can mean three things")
    proposals = [
        "every resource must have a clean job within 24h",
        "no resource may go longer than 24h without a clean job within 7d",
        "every resource must have a clean job on each of the last 7 days in UTC",
    ]
    assert (first["proposals"], second["proposals"]) == (proposals, [])
    outcome = cli("lint", "broken.yaml", "--output", "sarif", *AT)
    jsonschema.validate(json.loads(outcome.out), json.loads(schemas("sarif-2.1.0-oasis.json").read_bytes()))
    (run,) = json.loads(outcome.out)["runs"]
    assert run["invocations"] == [{"executionSuccessful": False, "exitCode": 2}]
    changes = [fix["artifactChanges"][0]["replacements"][0] for fix in run["results"][0]["fixes"]]
    assert [change["insertedContent"]["text"] for change in changes] == [f"'{text}'" for text in proposals]
    assert {tuple(change["deletedRegion"].values()) for change in changes} == {(51, 4, 11, 4)}
    assert "fixes" not in run["results"][1]
    assert "::error " in cli("lint", "broken.yaml", "--output", "github", *AT).out
