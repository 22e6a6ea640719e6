"""action.yml, its script and its page of documentation name the same inputs and outputs. No validator sees an input that nothing reads."""

from __future__ import annotations

import re

import pytest

from action import run as script
from tests.action.runner import ACTION, EXPRESSION, INPUTS, OUTPUTS, ROOT, STEPS

PAGE = (ROOT / "docs" / "github-action.md").read_text(encoding="utf-8")
(CHECK,) = (step for step in STEPS if step.get("id") == "check")
PUBLISHED = {"comment", "code-scanning", "token"}
"""Inputs of the steps that tell GitHub."""
BESIDE = {"policies", "commands", "working-directory", "output-directory"}
"""Inputs of the check that are not one option each."""
TAKEN = {name: f"INPUT_{name.upper().replace('-', '_')}" for name in INPUTS if name not in {"python-version", *PUBLISHED}}


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of the table under a heading, by the name in their first cell."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_every_input_reaches_the_script_by_a_variable_of_its_own() -> None:
    given = {name: text for name, text in CHECK["env"].items() if name.startswith("INPUT_")}
    assert given == {variable: f"${{{{ inputs.{name} }}}}" for name, variable in TAKEN.items()}


def test_the_script_reads_every_input_and_no_other() -> None:
    options = [name for table in script.INPUTS.values() for name in table]
    assert sorted([*options, *BESIDE]) == sorted(TAKEN)
    assert len({option for table in script.INPUTS.values() for option in table.values()}) == len(options)


def test_the_name_of_a_check_hangs_on_the_same_inputs_in_every_step() -> None:
    (name,) = (step for step in STEPS if step.get("id") == "name")
    assert {key: text for key, text in name["env"].items() if key.startswith("INPUT_")}.items() <= CHECK["env"].items()


def test_publishing_takes_its_switches_and_the_token() -> None:
    steps = [step for step in STEPS if "publish.py" in step.get("run", "")]
    assert [step["env"]["INPUT_TOKEN"] for step in steps] == ["${{ inputs.token }}"] * 2
    assert [f"inputs.{name} == 'true'" in step["if"] for name, step in zip(("comment", "code-scanning"), steps, strict=True)] == [True, True]


def test_the_installation_knows_the_engine() -> None:
    (install,) = (step for step in STEPS if step.get("name") == "Install policycheck")
    assert install["env"]["INPUT_ENGINE"] == CHECK["env"]["INPUT_ENGINE"]


@pytest.mark.parametrize("number", range(len(STEPS)))
def test_no_expression_stands_in_a_script(number: int) -> None:
    assert not EXPRESSION.search(STEPS[number].get("run", ""))


def test_every_output_is_that_of_the_check() -> None:
    assert {name: entry["value"] for name, entry in OUTPUTS.items()} == {name: f"${{{{ steps.check.outputs.{name} }}}}" for name in OUTPUTS}


def test_other_actions_are_pinned_to_a_commit() -> None:
    used = re.findall(r"uses: (.*)", (ROOT / "action.yml").read_text(encoding="utf-8"))
    assert used
    assert [line for line in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_the_page_lists_every_input_with_its_default() -> None:
    listed = rows("Inputs")
    assert {name: row[0] for name, row in listed.items()} == {name: f"`{entry['default']}`" if entry["default"] else "" for name, entry in INPUTS.items()}
    assert all(row[1] for row in listed.values())


def test_the_page_lists_every_output() -> None:
    listed = rows("Outputs")
    assert list(listed) == list(OUTPUTS)
    assert all(row[0] for row in listed.values())


def test_the_action_describes_itself() -> None:
    assert all(entry["description"] for entry in (ACTION, *INPUTS.values(), *OUTPUTS.values()))


def test_the_dependencies_are_the_projects_own_at_its_versions_and_hashes() -> None:
    def pins(name: str) -> dict[str, str]:
        blocks = re.split(r"^(?=\S)", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
        # The extras that a pin names, and the platforms that it is for, are no matter of versions.
        plain = (re.sub(r" ;.*? \\$", r" \\", re.sub(r"^([\w.-]+)\[[\w,-]+\]==", r"\1==", block), flags=re.MULTILINE) for block in blocks)
        return {re.split(r"==", block)[0]: block for block in plain}

    project, action, duckdb = pins("constraints.txt"), pins("action/requirements.txt"), pins("action/requirements-duckdb.txt")
    assert {"boto3", "polars", "typer", "hatchling"} <= action.keys()
    assert [*duckdb] == ["duckdb"]
    assert {name: project.get(name) for name in duckdb} == duckdb
    # Spark is nowhere else.
    assert [*pins("action/requirements-spark.txt")] == ["py4j", "pyarrow", "pyspark"]
    assert {name: project.get(name) for name in action} == action
