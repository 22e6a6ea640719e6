from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policycheck.errors import Location
from policycheck.formats.escape import command_data, command_property, command_text
from policycheck.formats.interface import Options
from policycheck.formats.registry import FORMATS
from policycheck.result import Result, RuleResult, Severity, Verdict
from tests.formats.results import CASES, clean_run, empty, make_coverage, make_finding, make_result, make_rule, mixed, results
from tests.formats.runner_commands import REGISTERED, Command, commands, lines, parse
from tests.hostile import CORPUS
from tests.properties import examples
from tests.tables import each

GITHUB = FORMATS["github"]


def read(result: Result, options: Options | None = None) -> list[Command]:
    """What the runner makes of the document; every line must be a command."""
    text = GITHUB.render(result, options or Options())
    found = commands(text, registered=REGISTERED)
    assert len(found) == len(lines(text.removesuffix("\n")))
    assert {command.name for command in found} <= {"error", "warning", "notice"}
    return found


def named(result: Result, name: str) -> list[Command]:
    return [command for command in read(result) if command.name == name]


# The reading of the runner's rules that these tests rest on


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("::error::x", Command("error", "x")),
        ("  \u3000::error::x", Command("error", "x")),
        ("::error file=a%3Ab,line=1,,col=,title=%2525::x%0Ay%25", Command("error", "x\ny%", {"file": "a:b", "line": "1", "title": "%25"})),
        ("a ##[group]b", Command("group", "b")),
        ("##[set-output name=a;x=%5D]b%3B", Command("set-output", "b;", {"name": "a", "x": "]"})),
        ("a ::error::x", None),
        (":: error::x", None),
        ("::unknown::x", None),
        ("::unknown::##[error]x", Command("error", "x")),
        ("::error", None),
        ("##[error", None),
        ("# #[error]x", None),
    ],
)
def test_the_runner_reads_commands_so(line: str, command: Command | None) -> None:
    assert parse(line, registered=REGISTERED) == command


@each("name", CORPUS)
def test_the_runner_gets_back_what_was_escaped(name: str) -> None:
    value = CORPUS[name]
    # Between brackets: the runner trims properties, drops empty ones, and equals signs in front of a value.
    line = f"::error title={command_property(f'<{value}>')},line=1::{command_data(value)}"
    assert lines(line) == [line]
    assert parse(line) == Command("error", command_text(value), {"title": command_text(f"<{value}>"), "line": "1"})


# Annotations


@examples(results, few=4, many=100)
def test_every_line_is_a_command_within_the_limits_whatever_the_text(result: Result) -> None:
    found = read(result)
    assert [command.name for command in found] == sorted((command.name for command in found), key=["error", "warning", "notice"].index)
    for name, most in (("error", 10), ("warning", 10), ("notice", 1)):
        assert sum(command.name == name for command in found) <= most
    for command in found:
        assert len(command.data.encode("utf-16-le")) // 2 <= 4096
        assert command.data.strip()
        assert command.properties["title"].strip()
        assert set(command.properties) <= {"title", "file", "line", "endLine", "col", "endColumn"}
        assert int(command.properties.get("endLine", 1)) >= int(command.properties.get("line", 1)) >= 1
        # What the runner refuses: columns without a line, or of a range of several lines.
        assert "col" not in command.properties or command.properties["line"] == command.properties["endLine"]


@examples(results, few=4, many=100)
def test_a_step_that_fails_on_findings_has_an_error_and_one_that_passes_has_none(result: Result) -> None:
    errors = named(result, "error")
    if result.exit_code == 0:
        assert errors == []
    assert len(errors) == min(
        10,
        sum(rule.verdict is Verdict.FAIL and result.fail_on is not None and rule.severity.at_least(result.fail_on) for rule in result.rules)
        + result.scope_uncovered
        + (not any(rule.verdict is not Verdict.SKIPPED for rule in result.rules)),
    )


def test_a_failed_rule_is_an_error_at_its_line() -> None:
    error = read(mixed())[0]
    assert error.name == "error"
    assert error.properties == {
        "file": "policies/production.yaml", "line": "12", "endLine": "12", "col": "5", "endColumn": "22", "title": "no-failed-ec2 (high)",
    }  # fmt: skip
    assert error.data.split("\n")[:3] == [
        "2 findings, 1 more waived; 41 jobs examined.",
        "Rule prod-backups/no-failed-ec2: no FAILED EC2 jobs in vault prod within 24h",
        "- arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc (111122223333/eu-west-1): 1 FAILED job, the last 3 h ago",
    ]
    assert "Fix: Grant the backup role kms:CreateGrant on the key" in error.data


def test_an_inconclusive_rule_is_a_warning_that_says_why() -> None:
    (warning,) = named(mixed(), "warning")
    assert warning.properties["title"] == "iam-role (inconclusive, low)"
    assert warning.properties["line"] == "25"
    assert warning.data.startswith("Inconclusive: the coverage of 444455556666/us-east-1 ends at ")


@pytest.mark.parametrize(
    ("fail_on", "names"), [(Severity.LOW, "error error"), (Severity.HIGH, "error warning"), (Severity.CRITICAL, "warning warning"), (None, "warning warning")]
)
def test_what_does_not_fail_the_run_is_a_warning(fail_on: Severity | None, names: str) -> None:
    rules = [make_rule(id=severity, severity=severity, verdict=Verdict.FAIL, findings=(make_finding(),)) for severity in (Severity.HIGH, Severity.LOW)]
    assert " ".join(command.name for command in read(make_result(*rules, fail_on=fail_on))[:-1]) == names


def test_the_worst_come_first_and_the_rest_is_counted() -> None:
    failed = [make_rule(id=f"{severity}-{number}", severity=severity, verdict=Verdict.FAIL) for number in range(4) for severity in reversed(Severity)]
    unsure = [make_rule(id=f"unsure-{number}", verdict=Verdict.INCONCLUSIVE) for number in range(12)]
    result = make_result(*unsure, *failed)
    titles = [error.properties["title"] for error in named(result, "error")]
    assert titles == [f"{severity}-{number} ({severity})" for severity in ("critical", "high") for number in range(4)] + [
        "medium-0 (medium)",
        "medium-1 (medium)",
    ]
    assert len(named(result, "warning")) == 10
    (notice,) = named(result, "notice")
    assert "12 more are not annotated, since GitHub shows 10 errors and 10 warnings a step." in notice.data


def test_of_two_rules_as_severe_the_violated_one_comes_before_the_inconclusive() -> None:
    rules = make_rule(id="unsure", verdict=Verdict.INCONCLUSIVE), make_rule(id="failed", verdict=Verdict.FAIL)
    assert [command.properties["title"] for command in named(make_result(*rules, fail_on=None), "warning")] == ["failed (high)", "unsure (inconclusive, high)"]


def test_waived_findings_are_counted_and_are_no_annotation() -> None:
    result = make_result(next(rule for rule in mixed().rules if rule.verdict is Verdict.WAIVED))
    (notice,) = read(result)
    assert notice.name == "notice"
    assert "1 finding (1 waived) in 1 of 1 rule" in notice.data


def test_many_subjects_are_listed_in_whole_lines_and_the_rest_is_counted() -> None:
    findings = tuple(make_finding(f"i-{number}") for number in range(500))
    (error,) = named(make_result(make_rule(verdict=Verdict.FAIL, findings=findings, fix="Read the job's StatusMessage.")), "error")
    rows = [row for row in error.data.split("\n") if row.startswith("- arn:")]
    assert 20 < len(rows) < 500
    assert all(row.endswith("1 FAILED job, the last 3 h ago") for row in rows)
    assert error.data.endswith(f"- and {500 - len(rows)} more: see the JSON result\nFix: Read the job's StatusMessage.")
    assert len(error.data) > 3900


def test_a_message_is_measured_as_the_runner_does() -> None:
    """In UTF-16 units, of which an emoji has two."""
    findings = tuple(make_finding(f"i-{number}", message="\U0001f4a5" * 20) for number in range(500))
    (error,) = named(make_result(make_rule(verdict=Verdict.FAIL, findings=findings)), "error")
    units = len(error.data.encode("utf-16-le")) // 2
    row = len(error.data.split("\n")[2].encode("utf-16-le")) // 2 + 1
    assert 4096 - row <= units <= 4096
    assert error.data.endswith(" more: see the JSON result")


def test_a_pass_says_what_it_rests_on() -> None:
    (notice,) = read(clean_run())
    assert notice.properties == {"title": "policycheck: pass"}
    assert notice.data.startswith("Pass on asserted coverage: 2 of 2 rules passed.")


def test_a_run_that_judged_nothing_is_an_error() -> None:
    error, notice = read(empty())
    assert (error.name, error.properties) == ("error", {"title": "policycheck: nothing was evaluated"})
    assert notice.properties == {"title": "policycheck: inconclusive"}


def test_a_scope_that_is_not_covered_is_an_error_that_names_the_gap() -> None:
    gap = make_coverage(region="us-east-1", complete=False, reason="AccessDeniedException")
    error, _ = read(make_result(make_rule(), coverage=(make_coverage(), gap), scope_uncovered=True))
    assert error.properties == {"title": "policycheck: scope not covered"}
    assert "- backup_jobs 111122223333/us-east-1: AccessDeniedException" in error.data


@pytest.mark.parametrize(
    ("location", "place"),
    [
        (Location("a.yaml", 3, 5, 4, 2), {"file": "a.yaml", "line": "3", "endLine": "4"}),
        (Location("a.yaml", 3, 5, 3, 5), {"file": "a.yaml", "line": "3", "endLine": "3"}),
        (Location("a.yaml", 3, 5, 1, 9), {"file": "a.yaml", "line": "3", "endLine": "3", "col": "5", "endColumn": "9"}),
        (Location("/checkout/b,c:d.yaml", 3, 5, 3, 9), {"file": "b,c:d.yaml", "line": "3", "endLine": "3", "col": "5", "endColumn": "9"}),
        (Location("/home/someone/a.yaml"), {"file": "outside-the-repository/a.yaml", "line": "1", "endLine": "1"}),
    ],
)
def test_places_are_what_the_runner_accepts(location: Location, place: dict[str, str]) -> None:
    rule: RuleResult = make_rule(verdict=Verdict.INCONCLUSIVE, location=location)
    warning = read(make_result(rule), Options(root="/checkout"))[0]
    assert {name: value for name, value in warning.properties.items() if name != "title"} == place


@pytest.mark.parametrize("case", CASES)
def test_another_runner_that_knows_no_such_command_finds_none_in_its_text(case: str) -> None:
    assert commands(GITHUB.render(CASES[case]()), registered=REGISTERED - {"error", "warning", "notice"}) == []


@given(st.text(st.sampled_from("##[a]")))
def test_text_in_a_command_holds_no_other(text: str) -> None:
    assert "##[" not in command_text(text)
