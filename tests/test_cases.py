"""End-to-end cases as data: tests/cases/checks/NAME holds policies, job lists, inventories (`inventory-NAME.csv`), and `case.yaml` with what must come of them.

`case.yaml` says in one sentence what the case shows, gives as_of and the options of the command line that matter, and expects the exit code, the run's
verdict and, for every rule, its verdict, a part of its reason, what was counted, and the subjects of its findings: all of them, in order, or how many.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ruamel.yaml import YAML

from policycheck.cli.evidence import parse_covers
from policycheck.cli.policies import select_rules
from policycheck.cli.reports import parse_fail_on
from policycheck.emulator.organization import write
from policycheck.engine.backends.interface import Backend
from policycheck.engine.backends.registry import DEFAULT_ENGINE
from policycheck.pipeline import run
from policycheck.policy.catalogue import find_policies
from policycheck.policy.literals import parse_time
from policycheck.policy.load import load_policies, load_scope
from policycheck.policy.measures import Measure
from policycheck.policy.model import Expectation, Following, NoData
from policycheck.result import Result, RuleResult
from policycheck.sources.files import read_job_files
from policycheck.sources.inventories import read_inventories
from tests.backends import BACKEND, BACKENDS
from tests.samples import sample
from tests.unordered import UnorderedBackend

SLICE = 12
"""Of the cases that other engines judge, every so many; `make conformance` runs all."""
CASES = sorted(Path(__file__).parent.joinpath("cases", "checks").iterdir())


class Options(msgspec.Struct, forbid_unknown_fields=True):
    covers: str = ""
    fail_on: str = "low"
    select: list[str] = []
    ignore: list[str] = []
    param: dict[str, str] = {}


class ExpectedRule(msgspec.Struct, forbid_unknown_fields=True):
    verdict: str
    reason: str = ""
    """A part of it; empty: there is none."""
    examined: int = 0
    undecided: int = 0
    possible: int = 0
    pending: int = 0
    subjects: list[str] = []
    """Of all findings, in order."""
    found: int | None = None
    """How many findings there are, in place of naming the subject of each."""
    jobs: list[list[str]] | None = None
    causes: list[str | None] | None = None
    message: str = ""
    """A part of some finding's message."""
    details: list[str] | None = None
    """Of all findings, in order."""
    note: str = ""
    """A part of some note."""
    sentence: str = ""


class Expected(msgspec.Struct, forbid_unknown_fields=True):
    exit_code: int
    verdict: str
    rules: dict[str, ExpectedRule]
    """By rule id, or POLICY/RULE; every rule judged is here."""
    not_seen: list[str] = []
    """Parts of sentences."""
    coverage: str = ""
    """A part of the reason of some entry."""


class Case(msgspec.Struct, forbid_unknown_fields=True):
    says: str
    as_of: str
    expect: Expected
    options: Options = msgspec.field(default_factory=Options)


@cache
def read_case(folder: Path) -> Case:
    loaded: Any = YAML(typ="safe", pure=True).load(folder / "case.yaml")
    return msgspec.convert(loaded, Case)


def judge(folder: Path, case: Case, backend: Backend = BACKEND) -> Result:
    policies = load_policies(find_policies([str(path) for path in sorted(folder.glob("policy*.yaml"))]), case.options.param)
    if (folder / "scope.yaml").exists():
        scope = load_scope(folder / "scope.yaml", "scope.yaml")
        policies = tuple(replace(policy, scope=scope) for policy in policies)
    lists = sorted(path for path in folder.iterdir() if path.suffix == ".json" or path.name == "jobs.yaml")
    as_of = parse_time(case.as_of)
    covers = parse_covers(case.options.covers) if case.options.covers else None
    evidence = read_job_files([str(path) for path in lists], as_of=as_of, covers=covers, stdin=io.BytesIO())
    inventories = read_inventories([f"{path.stem.removeprefix('inventory-')}={path}" for path in sorted(folder.glob("inventory-*.csv"))])
    evidence = replace(evidence, inventories=inventories)
    chosen = select_rules(policies, case.options.select, case.options.ignore)
    return run(chosen, evidence, as_of=as_of, fail_on=parse_fail_on(case.options.fail_on), backend=backend)


def described(rule: RuleResult, expected: ExpectedRule) -> dict[str, object]:
    """The part of a result that an expectation speaks of."""
    told: dict[str, object] = {
        "verdict": str(rule.verdict),
        "reason": expected.reason if expected.reason and expected.reason in rule.reason else rule.reason,
        "examined": rule.examined,
        "undecided": rule.undecided,
        "possible": rule.possible,
        "pending": rule.pending,
        "subjects": [finding.subject for finding in rule.findings],
    }
    if expected.found is not None:
        told |= {"found": len(rule.findings), "subjects": []}
    if expected.details is not None:
        told["details"] = [line for finding in rule.findings for line in finding.details]
    if expected.note:
        told["note"] = expected.note if any(expected.note in note for note in rule.notes) else list(rule.notes)
    if expected.jobs is not None:
        told["jobs"] = [list(finding.jobs) for finding in rule.findings]
    if expected.causes is not None:
        told["causes"] = [finding.cause for finding in rule.findings]
    if expected.message:
        messages = [finding.message for finding in rule.findings]
        told["message"] = expected.message if any(expected.message in message for message in messages) else messages
    if expected.sentence:
        told["sentence"] = rule.sentence
    return told


def wanted(expected: ExpectedRule) -> dict[str, object]:
    optional = {"jobs": None, "causes": None, "found": None, "details": None, "message": "", "note": "", "sentence": ""}
    fields = msgspec.structs.asdict(expected)
    return {name: value for name, value in fields.items() if name not in optional or value != optional[name]}


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_case(folder: Path) -> None:
    case = read_case(folder)
    result = judge(folder, case)
    ids = [f"{rule.policy}/{rule.id}" if f"{rule.policy}/{rule.id}" in case.expect.rules else rule.id for rule in result.rules]
    assert ids == list(case.expect.rules)
    for name, rule in zip(ids, result.rules, strict=True):
        expected = case.expect.rules[name]
        assert {name: described(rule, expected)} == {name: wanted(expected)}
    assert (int(result.exit_code), str(result.verdict)) == (case.expect.exit_code, case.expect.verdict)
    for part in case.expect.not_seen:
        assert any(part in note for note in result.not_seen), (part, result.not_seen)
    assert case.expect.coverage in " | ".join(entry.reason for entry in result.coverage)


def differing(folders: Iterable[Path], backend: Backend) -> list[str]:
    """The cases of which an engine finds anything else than the default."""
    default = BACKENDS[DEFAULT_ENGINE]
    return [folder.name for folder in folders if judge(folder, read_case(folder), backend) != judge(folder, read_case(folder), default)]


def test_other_engines_find_the_same() -> None:
    for name in BACKENDS.keys() - {DEFAULT_ENGINE}:
        assert differing(CASES[::SLICE], BACKENDS[name]) == [], name


@pytest.mark.parametrize("seed", [100, 300])
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    # What an inventory lists is answered in its order.
    listed = [folder for folder in CASES if "inventory" in folder.name]
    assert differing(listed, UnorderedBackend(seed)) + differing(CASES[seed % SLICE :: SLICE], UnorderedBackend(seed)) == []


def test_cases_are_many_and_say_what_they_show() -> None:
    said = [read_case(folder).says for folder in CASES]
    assert len(said) >= 145
    assert len(set(said)) == len(said)
    assert all(text.endswith(".") for text in said)


def test_every_measure_and_every_answer_to_no_data_has_cases() -> None:
    policies = [
        policy
        for folder in CASES
        for policy in load_policies([(path, path.name) for path in sorted(folder.glob("policy*.yaml"))], read_case(folder).options.param)
    ]
    rules = [rule for policy in policies for rule in policy.rules]
    measures = Counter(rule.statement.requirement.measure for rule in rules if isinstance(rule.statement.requirement, Expectation))
    assert {measure: measures[measure] for measure in Measure if measures[measure] < 3} == {}
    assert sum(isinstance(rule.statement.requirement, Following) for rule in rules) >= 4
    assert {(no_data, grouped) for no_data in NoData for grouped in (False, True)} == {
        (rule.qualifiers.no_data, isinstance(rule.statement.requirement, Expectation)) for rule in rules
    }


class Judged(msgspec.Struct, forbid_unknown_fields=True):
    """What the sample organization makes of one sentence of the design."""

    sentence: str
    verdict: str
    examined: int
    findings: int = 0


FOLDER = Path(__file__).parent / "cases"


def test_every_sentence_of_the_design_is_judged_on_the_sample_organization(tmp_path: Path) -> None:
    written: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(FOLDER / "sentences.yaml")["accepted"]
    sentences = [row["sentence"] for row in written if row.get("design")]
    expected = msgspec.convert(YAML(typ="safe", pure=True).load(FOLDER / "design.yaml"), list[Judged])
    assert [row.sentence for row in expected] == sentences
    as_of = parse_time("2026-11-20T06:00:00Z")
    write(sample(as_of), tmp_path / "jobs")
    evidence = read_job_files([str(tmp_path / "jobs")], as_of=as_of, covers=parse_covers("2026-08-01..2026-11-20T06:00:00Z"), stdin=io.BytesIO())
    evidence = replace(evidence, inventories=read_inventories([f"prod={FOLDER / 'design-inventory.csv'}"]))
    rules = [{"id": f"r{number}", "rule": sentence} for number, sentence in enumerate(sentences)]
    # JSON is YAML.
    (tmp_path / "design.yaml").write_text(json.dumps({"policy": "design", "params": {"rpo": "36h"}, "rules": rules}), encoding="utf-8")
    policies = load_policies([(tmp_path / "design.yaml", "design.yaml")], {})
    result = run(policies, evidence, as_of=as_of, fail_on=parse_fail_on("low"), backend=BACKEND)
    judged = zip(sentences, result.rules, strict=True)
    assert [Judged(sentence, str(rule.verdict), rule.examined, len(rule.findings)) for sentence, rule in judged] == expected
