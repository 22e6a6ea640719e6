"""Every recipe of docs/cookbook.md is run: its policy is the file in examples/cookbook, its test passes, and each rule is seen to fail and to pass."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from policycheck.result import Verdict
from policycheck.testing.document import load_tests
from policycheck.testing.report import render_text
from policycheck.testing.runner import run_tests, unfired_rules
from tests.backends import BACKEND
from tests.tables import each

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "cookbook.md").read_text(encoding="utf-8")
FOLDER = TOP / "examples" / "cookbook"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One question of the page, with its policy."""

    question: str
    text: str

    @property
    def policy(self) -> str:
        blocks: list[str] = re.findall(r"^```yaml\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)
        assert len(blocks) == 1
        return blocks[0]

    @property
    def name(self) -> str:
        return self.policy.partition("\n")[0].removeprefix("policy: ")


def recipes() -> list[Recipe]:
    parts = re.split(r"^### (.+)\n", PAGE, flags=re.MULTILINE)
    return [Recipe(question, re.split(r"^## ", text, flags=re.MULTILINE)[0]) for question, text in zip(parts[1::2], parts[2::2], strict=True)]


RECIPES = recipes()


def test_there_are_as_many_as_the_page_needs() -> None:
    assert len(RECIPES) >= 25
    assert len({recipe.name for recipe in RECIPES}) == len(RECIPES)


def test_no_yaml_of_the_page_and_no_file_is_outside_a_recipe() -> None:
    assert PAGE.count("```yaml\n") == len(RECIPES)
    assert {path.name for path in FOLDER.iterdir()} == {f"{recipe.name}{suffix}" for recipe in RECIPES for suffix in (".yaml", ".test.yaml")}


@each("recipe", RECIPES, ids=lambda recipe: recipe.question)
def test_recipe_says_how_it_works_and_what_missing_data_does(recipe: Recipe) -> None:
    assert re.findall(r"^\*\*([\w ]+)\.\*\* \S", recipe.text, re.MULTILINE) == ["How it works", "Missing data"]
    assert re.search(rf"^\*\*Missing data\.\*\* .* \[Test\]\(\.\./examples/cookbook/{recipe.name}\.test\.yaml\)$", recipe.text, re.MULTILINE)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.question)
def test_recipe_does_with_its_jobs_what_its_test_says(recipe: Recipe) -> None:
    assert (FOLDER / f"{recipe.name}.yaml").read_text(encoding="utf-8") == recipe.policy
    path = FOLDER / f"{recipe.name}.test.yaml"
    tests = load_tests([(path, path.name)])
    outcomes = run_tests(tests, BACKEND)
    unfired = unfired_rules(outcomes)
    assert all(outcome.passed for outcome in outcomes), render_text(outcomes, unfired, None)
    assert [rule.id for _, rule in unfired] == []
    passed = {name for outcome in outcomes for name, verdict in outcome.verdicts if verdict is Verdict.PASS}
    assert {rule.id for rule in tests[0].policy.rules} - passed <= ({"no-issues"} if "waivers:" in recipe.policy else set())
