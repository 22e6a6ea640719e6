"""Every recipe of docs/cookbook.md is run: its policy loads, its jobs are judged as its test says, and each rule is seen to fail and to pass."""

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

PAGE = (Path(__file__).parents[2] / "docs" / "cookbook.md").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One question of the page, with its blocks of YAML."""

    question: str
    text: str

    @property
    def blocks(self) -> list[str]:
        return re.findall(r"^```yaml\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)


def recipes() -> list[Recipe]:
    parts = re.split(r"^### (.+)\n", PAGE, flags=re.MULTILINE)
    return [Recipe(question, re.split(r"^## ", text, flags=re.MULTILINE)[0]) for question, text in zip(parts[1::2], parts[2::2], strict=True)]


RECIPES = recipes()


def test_there_are_as_many_as_the_page_needs() -> None:
    assert len(RECIPES) >= 25
    ids = [re.findall(r"^policy: (.+)$", recipe.blocks[0], re.MULTILINE) for recipe in RECIPES]
    assert len({name for (name,) in ids}) == len(RECIPES)


def test_no_yaml_of_the_page_is_outside_a_recipe() -> None:
    assert PAGE.count("```yaml\n") == 2 * len(RECIPES)


@each("recipe", RECIPES, ids=lambda recipe: recipe.question)
def test_recipe_says_why_and_what_missing_data_does(recipe: Recipe) -> None:
    assert re.findall(r"^\*\*([\w ]+)\.\*\* \S", recipe.text, re.MULTILINE) == ["Why so", "Missing data"]
    assert re.search(r"^<details><summary>Its test</summary>\n\n```yaml\n.*?^```\n\n</details>$", recipe.text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.question)
def test_recipe_judges_its_jobs_as_it_says(recipe: Recipe, tmp_path: Path) -> None:
    policy, test = recipe.blocks
    (tmp_path / "recipe.yaml").write_text(policy, encoding="utf-8")
    (tmp_path / "recipe.test.yaml").write_text(test, encoding="utf-8")
    tests = load_tests([(tmp_path / "recipe.test.yaml", "recipe.test.yaml")])
    outcomes = run_tests(tests, BACKEND)
    unfired = unfired_rules(outcomes)
    assert all(outcome.passed for outcome in outcomes), render_text(outcomes, unfired, None)
    assert [rule.id for _, rule in unfired] == []
    passed = {name for outcome in outcomes for name, verdict in outcome.verdicts if verdict is Verdict.PASS}
    assert {rule.id for rule in tests[0].policy.rules} - passed <= ({"no-issues"} if "waivers:" in policy else set())
