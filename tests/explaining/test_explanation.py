"""Explanations of rules of every kind: golden texts, and a structured form that loads as the same rule."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from policycheck.explaining.explanation import Explanation, explain, write_yaml
from policycheck.explaining.report import ExplanationPage, explanation_document, write_json
from policycheck.policy.document import Entries, Items, Node, Text, parse_document
from policycheck.result import Verdict
from tests.backends import BACKEND
from tests.explaining.explained import RULES, load, write_policy
from tests.policy.goldens import assert_equals_golden
from tests.properties import examples

GOLDEN = Path(__file__).parents[1] / "golden"


Explain = Callable[[str], Explanation]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explain]:
    """Explains a rule, each once, in the folder of its policy."""
    folder = tmp_path_factory.mktemp("explained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        path = Path(write_policy(folder).name)
        policy, rules = load(path)
        yield cache(lambda name: explain(policy, rules[name], path, BACKEND))


@pytest.mark.parametrize("name", list(RULES))
def test_an_explanation_reads_as_the_golden_text(name: str, made: Explain) -> None:
    page = ExplanationPage(width=100, color=False)
    page.add_explanation(made(name), expression=False)
    assert_equals_golden(page.text(), GOLDEN / f"explain-{name}.txt")


@pytest.mark.parametrize("name", list(RULES))
def test_the_structured_form_loads_as_the_same_rule(name: str, made: Explain, tmp_path: Path) -> None:
    explained = made(name)
    path = tmp_path / "again.yaml"
    path.write_text(f"policy: again\n{explained.structured}", encoding="utf-8")
    _, rules = load(path)
    again = rules[name]
    assert (again.statement, again.qualifiers, again.sentence) == (explained.rule.statement, explained.rule.qualifiers, explained.rule.sentence)


def test_json_says_the_same(made: Explain) -> None:
    explained = made("none")
    document = json.loads(write_json(explanation_document(explained)))
    assert document["schema"] == "policycheck/explanation/1"
    assert document["structured"] == explained.structured
    assert document["samples"]["fail"]["verdict"] == "fail"
    assert document["samples"]["fail"]["test"]["jobs"][0]["State"] == "FAILED"
    assert document["tests"]["seen_to_fail"] is True
    assert [waiver["owner"] for waiver in document["waivers"]] == ["ops"]
    assert set(document["expressions"]) == {"where", "window", "none"}


def test_tests_are_run_and_those_that_name_the_rule_are_listed(made: Explain) -> None:
    tests = made("none").tests
    assert [(test.name, test.expected, test.verdict, test.passed) for test in tests.naming] == [("a failed job is found", Verdict.FAIL, Verdict.FAIL, True)]
    latest = made("latest").tests
    # Seen to fail by the test that names only the other rules.
    assert [test.name for test in latest.naming] == ["wrong on purpose"]
    assert latest.fired


def test_tests_that_cannot_be_read_are_said_to_be_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_policy(tmp_path)
    (tmp_path / "explained.more.test.yaml").write_text("as_of: never\nexpect: {none: pass}\n", encoding="utf-8")
    policy, rules = load(Path(path.name))
    problem = explain(policy, rules["none"], Path(path.name), BACKEND).tests.problem
    assert problem.startswith("explained.more.test.yaml:1:")


@pytest.mark.parametrize("text", ["\x1b[2J", "\u202e", "a\x9bb"])
def test_what_a_terminal_would_obey_is_not_printed(text: str) -> None:
    page = ExplanationPage(width=100, color=False)
    page._block(write_yaml({"x": text}))  # the block is the one part that is not a clean line already
    assert text not in page.text()


def test_commands_of_ci_runners_are_not_printed() -> None:
    page = ExplanationPage(width=100, color=False)
    page._block("::error::x\n")
    assert "::error" not in page.text()


TEXTS = st.text(st.sampled_from(""":-?,[]{}#&*!|>'"%@` a0~=.<\\/\té\u2028"""), max_size=4)


def plain(node: Node) -> Any:
    match node:
        case Entries():
            return {key.text: plain(item) for key, item in node.entries.values()}
        case Items():
            return [plain(item) for item in node.items]
        case Text():
            return node.text


@examples(st.recursive(TEXTS, lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3)), few=60, many=3000)
def test_what_is_written_as_yaml_reads_back(value: Any) -> None:
    document = parse_document(write_yaml({"written": value}), "written.yaml")
    assert document.diagnostics == []
    assert plain(document.root) == {"written": value}
