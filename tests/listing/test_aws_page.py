"""docs/aws-cli.md holds every line of the AWS CLI's page, with tests that exist and sentences that are valid."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from policycheck.datasets import BACKUP_JOBS
from policycheck.policy.load import load_policies
from tests.listing.combinations import combinations
from tests.tables import each

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "aws-cli.md").read_text(encoding="utf-8")
KNOWN: dict[str, list[str]] = YAML(typ="safe", pure=True).load(HERE / "aws-page.yaml")
ERRORS: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(HERE / "errors.yaml")
GROUPS: dict[str, list[str]] = {}
for _entry in combinations():
    GROUPS.setdefault(_entry.group, []).append(_entry.options)
GROUPS["errors"] = [entry["options"] for entry in ERRORS]
GENERAL = {"list-backup-jobs", "--endpoint-url", "--output"}
"""They stand on every command line that is compared."""


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading, their cells without the marks of code."""
    section = re.split(rf"^## {heading}$", PAGE, flags=re.MULTILINE)[1].split("\n## ")[0]
    rows = [line.strip("|") for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)] for row in rows]


OPTIONS = {row[0].strip("`"): row for row in table("Look up an option")}
FIELDS = {row[0].strip("`"): row for row in table("Use a field in a rule")}


def fields_of_the_model() -> Iterator[str]:
    """Each field of ListBackupJobs' output, in botocore's model of the API; structures by their fields (CreatedBy, a line of the page, also by itself)."""
    import botocore.session

    operation = botocore.session.get_session().get_service_model("backup").operation_model(BACKUP_JOBS.operation)
    for name, shape in operation.output_shape.members.items():
        yield name
        for member, inner in shape.member.members.items() if shape.type_name == "list" else ():
            if inner.type_name != "structure" or member in KNOWN["output"]:
                yield member
            if inner.type_name == "structure":
                yield from (f"{member}.{deep}" for deep in inner.members)


@cache
def names_of_tests() -> frozenset[str]:
    return frozenset(
        node.name
        for path in HERE.glob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


def test_the_table_has_every_line_of_the_synopsis_in_its_order() -> None:
    assert list(OPTIONS) == KNOWN["synopsis"]


def test_the_table_has_every_field_of_the_page_and_of_the_model() -> None:
    assert set(KNOWN["output"]) <= set(FIELDS)
    assert set(FIELDS) == set(fields_of_the_model())


@each("line", KNOWN["synopsis"])
def test_every_test_that_is_named_exists_and_uses_the_option(line: str) -> None:
    told = OPTIONS[line][2]
    # The name of a group may hold a comma.
    groups, functions = re.findall(r"\*([^*]+)\*", told), re.findall(r"`(\w+)`", told)
    assert re.sub(r"\*[^*]+\*|`\w+`|[, ]", "", told) == ""
    assert groups or functions
    assert set(functions) <= names_of_tests()
    assert set(groups) <= set(GROUPS)
    for option in line.replace(" <value>", "").split(" | "):
        held = functions or option in GENERAL or any(re.search(rf"(^| ){option}\b", options) for group in groups for options in GROUPS[group])
        assert held, f"{option} is in no command line of {groups}"


def test_every_group_that_is_named_for_an_option_has_it() -> None:
    for line, row in OPTIONS.items():
        names = line.replace(" <value>", "").split(" | ")
        for group in re.findall(r"\*([^*]+)\*", row[2]):
            assert any(name in GENERAL or re.search(rf"(^| ){name}\b", options) for name in names for options in GROUPS[group]), f"{group} has no {line}"


IN_OTHER_WORDS = {
    "BackupJobs": "jobs",
    "AccountId": "account",
    "BackupVaultName": "vault",
    "ResourceArn": "resource",
    "State": "FAILED",
    "StatusMessage": "status message",
    "BackupSizeInBytes": "size",
    "IamRoleArn": "IAM role",
    "CreatedBy.BackupPlanName": "plan",
    "CreatedBy.BackupRuleCron": "scheduled run",
    "ExpectedCompletionDate": "overdue",
    "ResourceType": "EC2",
    "MessageCategory": "with issues",
}
"""What stands for a field in its sentence, where its name does not."""


def test_every_sentence_is_a_valid_rule(tmp_path: Path) -> None:
    rules = [f"  - id: rule-{number}\n    rule: {row[2].strip('`')!r}\n" for number, row in enumerate(FIELDS.values()) if row[2]]
    path = tmp_path / "policy.yaml"
    path.write_text(f"policy: page\nrules:\n{''.join(rules)}", encoding="utf-8")
    (policy,) = load_policies([(path, path.name)], {})
    assert len(policy.rules) == len(rules) == len(FIELDS) - 1


def test_every_sentence_speaks_of_its_field() -> None:
    sentences = {name: row[2] for name, row in FIELDS.items() if name != "NextToken"}
    silent = [name for name, sentence in sentences.items() if not re.search(rf"(?<![\w.]){IN_OTHER_WORDS.get(name, name)}(?!\w)", sentence)]
    assert silent == []
