"""Policy files: what a good one says, and every mistake of a bad one as a person reads it."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from policycheck.cli.diagnostics import render_diagnostic
from policycheck.errors import Location, PolicyError
from policycheck.policy.load import load_policies, load_scope
from policycheck.policy.model import JobChoice, NoData, Scope
from policycheck.result import Severity
from tests.policy.goldens import assert_equals_golden
from tests.policy.policies import as_yaml, diagnose, load
from tests.tables import each

CASES = Path(__file__).parents[1] / "cases" / "policies"
BAD = sorted((CASES / "bad").glob("*.yaml"))
GOOD = sorted((CASES / "good").glob("*.yaml"))
RULES = "rules:\n- id: first\n  rule: no FAILED jobs within 24h\n"


def name_of(path: Path) -> str:
    return path.stem


@each("path", BAD, ids=name_of)
def test_bad_policy_says_what_is_wrong(path: Path) -> None:
    said = diagnose(path)
    assert said
    assert_equals_golden(said, path.with_suffix(".expected"))


@each("path", BAD, ids=name_of)
def test_no_diagnostic_holds_a_control_character(path: Path) -> None:
    assert {character for character in diagnose(path) if character != "\n" and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} == set()


@pytest.mark.parametrize("path", GOOD, ids=name_of)
def test_good_policy_says_what_is_judged(path: Path) -> None:
    assert_equals_golden("".join(f"{rule.id}: {rule.sentence}\n" for rule in load(path).rules), path.with_suffix(".expected"))


def test_every_case_has_one_expected_text() -> None:
    for folder in ("bad", "good"):
        files = list((CASES / folder).iterdir())
        assert {path.stem for path in files if path.suffix == ".expected"} == {path.stem for path in files if path.suffix == ".yaml"}
        assert {path.suffix for path in files} == {".expected", ".yaml"}


def test_there_is_one_diagnostic_a_mistake() -> None:
    several = {"several-mistakes": 7, "no-cascade": 3, "bad-scope": 2, "expect-calendar": 9, "share-and-warning": 10}
    counts = {path.stem: diagnose(path).count("error: ") for path in BAD}
    assert {name: count for name, count in counts.items() if count != 1} == several


def test_rule_carries_what_the_file_says_of_it() -> None:
    policy = load(CASES / "good" / "sentences.yaml")
    rule = policy.rules[0]
    assert (policy.id, policy.title, policy.path) == ("prod-backups", "Production backups", "sentences.yaml")
    assert policy.scope == Scope(("111122223333", "012345678901"), ("eu-west-1", "us-east-1"), ("012345678901/us-east-1",))
    assert rule.policy == "prod-backups"
    assert (rule.severity, rule.title, rule.tags) == (Severity.CRITICAL, "No failed EC2 backups", ("ec2",))
    assert rule.controls == {"nist-800-53": ("CP-9",), "soc2": ("A1.2",), "iso-27001": ("A.8.13",), "pci": ("10.5.1",)}
    assert rule.why.startswith("A failed job")
    assert rule.fix.startswith("Read the job's")
    assert rule.url.startswith("https://docs.aws")
    assert rule.location == Location("sentences.yaml", 12, 5, 12, 22)
    assert policy.lines[rule.location.line - 1] == "  - id: no-failed-ec2"


def test_defaults_stand_where_a_rule_says_nothing() -> None:
    first, second, third, fourth = load(CASES / "good" / "sentences.yaml").rules
    assert [rule.severity for rule in (second, third, fourth)] == [Severity.HIGH] * 3
    assert (first.qualifiers.no_data, third.qualifiers.no_data) == (NoData.QUIET, NoData.SKIP)
    assert (fourth.qualifiers.clock, fourth.qualifiers.jobs) == ("CreationDate", JobChoice.TOP_LEVEL)


def test_without_defaults_severity_is_medium_and_no_data_inconclusive() -> None:
    (rule,) = load(CASES / "good" / "byte-order-mark.yaml").rules
    assert (rule.severity, rule.qualifiers.no_data, rule.qualifiers.jobs, rule.qualifiers.clock) == (Severity.MEDIUM, NoData.INCONCLUSIVE, JobChoice.ALL, None)


def test_scope_of_an_organization() -> None:
    scope = load(CASES / "good" / "organization.yaml").scope
    assert scope.organization
    assert scope.declared
    assert scope.accounts == ()


def test_explicit_keys_win_over_merged_ones() -> None:
    _, second, third, fourth = load(CASES / "good" / "merge-keys.yaml").rules
    assert (second.id, second.severity) == ("second", Severity.LOW)
    assert third.statement.within is not None
    assert third.statement.within.text == "7d"
    assert fourth.statement.within is not None
    assert fourth.statement.within.text == "1h"


def test_parameter_is_overridden_and_reported_as_evaluated() -> None:
    policy = load(CASES / "good" / "sentences.yaml", {"vault": "dr vault", "rpo": "2d"})
    assert policy.rules[0].sentence == 'no FAILED EC2 jobs in vault "dr vault" within 2d [no_data quiet]'


def test_bad_override_points_at_the_option_and_says_where_it_is_used() -> None:
    said = diagnose(CASES / "good" / "sentences.yaml", {"rpo": "soon"})
    assert said == (
        "error: soon is not a duration\n  --> --param rpo\n"
        "   = help: A duration is one number and one unit: 90s, 90m, 24h, 7d or 2w. It is used at sentences.yaml:13:55.\n"
    )


def test_parameter_is_checked_at_each_place_it_stands_in(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    sentences = [
        "no FAILED jobs within ${v}",
        "at least ${v} of jobs must be clean",
        "IsEncrypted must be ${v}",
        "vault must be ${v}",
        "no PARTIAL jobs within ${v}",
    ]
    rules = [{"id": f"r{number}", "rule": text} for number, text in enumerate(sentences)]
    path.write_text(f"policy: p\nparams: {{v: 7d}}\nrules: {as_yaml(rules)}\n", encoding="utf-8")
    said = ["1 is not a duration", "1: a share is written with %", "1: this field is true or false"]
    with pytest.raises(PolicyError) as caught:
        load(path, {"v": "1"})
    assert [(diagnostic.location.path, diagnostic.message) for diagnostic in caught.value.diagnostics] == [("--param v", message) for message in said]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("most", "a few", "a few: a number of jobs or runs is a whole number"),
        ("most", "-1", "-1: a number of jobs or runs is a whole number"),
        ("least", "0%", "0%: the rule could not fail, whatever the jobs"),
        ("least", "99", "99: a share is written with %"),
        ("days", "0d", "0d: a window must be longer than 0"),
        ("days", "24h", "no gap within 24h is longer than 36h: the rule could not fail"),
        ("age", "8d", "no gap within 7d is longer than 8d: the rule could not fail"),
        ("list", "", '"" is not the name of an inventory'),
        ("list", "${age}", "the parameter list names another one"),
    ],
)
def test_override_is_typed_by_its_place(name: str, value: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load(CASES / "good" / "groups.yaml", {name: value})
    assert (f"--param {name}", message) in [(diagnostic.location.path, diagnostic.message) for diagnostic in caught.value.diagnostics]


def test_override_of_no_parameter_names_the_nearest() -> None:
    with pytest.raises(PolicyError) as caught:
        load(CASES / "good" / "sentences.yaml", {"vualt": "dr"})
    assert [(diagnostic.message, diagnostic.hint) for diagnostic in caught.value.diagnostics] == [("no policy has a parameter vualt", "Did you mean vault?")]


def test_mistakes_of_all_files_come_in_one_error(tmp_path: Path) -> None:
    files = [CASES / "bad" / "unknown-state.yaml", CASES / "bad" / "not-yaml.yaml", CASES / "good" / "crlf.yaml", tmp_path / "absent.yaml"]
    with pytest.raises(PolicyError, match="3 errors in policy files") as caught:
        load_policies([(path, path.name) for path in files], {})
    assert [diagnostic.location.path for diagnostic in caught.value.diagnostics] == ["absent.yaml", "not-yaml.yaml", "unknown-state.yaml"]


def test_policy_id_used_twice_points_at_the_second(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(f"title: t\npolicy: prod\n{RULES}", encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_policies([(tmp_path / name, name) for name in ("a.yaml", "b.yaml")], {})
    (diagnostic,) = caught.value.diagnostics
    assert render_diagnostic(diagnostic) == (
        "error: the policy id prod is used twice in this run\n  --> b.yaml:2:1\n  |\n2 | policy: prod\n  | ^^^^^^^^^^^^\n   = help: Also the id of a.yaml."
    )


def test_policies_keep_their_order(tmp_path: Path) -> None:
    names = ["b", "c", "a"]
    for name in names:
        (tmp_path / f"{name}.yaml").write_text(f"policy: {name}\n{RULES}", encoding="utf-8")
    assert [policy.id for policy in load_policies([(tmp_path / f"{name}.yaml", name) for name in names], {})] == names


def test_deep_conditions_load(tmp_path: Path) -> None:
    condition: object = {"State": "FAILED"}
    for _ in range(12):
        condition = {"not": {"any": [condition, {"Region": "eu-west-1"}]}}
    path = tmp_path / "policy.yaml"
    path.write_text(f"policy: p\nrules: {as_yaml([{'id': 'deep', 'none': condition}])}\n", encoding="utf-8")
    assert load(path).rules[0].sentence.count("(") == 12 * 2


def test_long_sentence_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(f"policy: p\nrules: {as_yaml([{'id': 'long', 'rule': 'vault must be ' + 'a' * 10_000}])}\n", encoding="utf-8")
    assert "error: rule is longer than 10,000 characters" in diagnose(path)


def test_scope_file(tmp_path: Path) -> None:
    path = tmp_path / "scope.yaml"
    path.write_text("accounts: [012345678901]\nmay_be_empty: [012345678901/eu-west-1]\n", encoding="utf-8")
    assert load_scope(path, "scope.yaml") == Scope(("012345678901",), (), ("012345678901/eu-west-1",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("account: [012345678901]\n", "there is no key account here"),
        ("accounts: [12345678901]\n", "12345678901 is not an account id of exactly 12 digits"),
        ("[a]\n", "the file takes a mapping of keys to values"),
        ("accounts: [a]\naccounts: [b]\n", "the key accounts appears twice; first on line 1"),
    ],
)
def test_bad_scope_file(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "scope.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_scope(path, "scope.yaml")
    assert message in [diagnostic.message for diagnostic in caught.value.diagnostics]
