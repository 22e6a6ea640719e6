"""The JSON Schema of policy files: valid itself, and of one mind with the loader where a schema can be."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from policycheck.datasets import DATASETS
from policycheck.policy.conditions import Operator
from policycheck.policy.schema import DefaultsEntry, PolicyEntry, RuleEntry, ScopeEntry, json_schema
from policycheck.policy.sentence import parse_sentence
from policycheck.policy.statements import structured_rule
from tests.policy.policies import sentence
from tests.policy.sentences import ACCEPTED, SENTENCE_FILE
from tests.tables import each

CASES = Path(__file__).parents[1] / "cases" / "policies"
SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

# What a schema of single values cannot know: relations between keys, sentences, literals of open kinds, what YAML itself refuses.
SEEN_BY_THE_SCHEMA = """
    bad-defaults bad-id bad-jobs bad-no-data bad-scope bad-severity bad-url conditions-in-a-list count-not-whole empty-any
    empty-list empty-operators empty-rules empty-text expect-a-text expect-empty expect-two-measures expect-unknown-measure expect-unknown-measure-far
    followed-by-a-text followed-by-backup-jobs followed-by-unknown-key followed-by-unknown-list followed-by-without-list followed-by-without-window
    inventory-a-list latest-with-a-limit list-at-the-top measure-misspelt-operator measure-of-nothing measure-takes-no-such-operator
    measure-with-a-list measure-with-two-limits measure-without-a-mapping measure-without-limit missed-runs-with-of missing-id missing-policy
    missing-rules near-no-data near-severity
    operator-does-not-apply parameters-in-a-list per-a-mapping per-empty per-no-group per-twice per-unknown per-word-of-a-sentence
    rule-in-a-list rule-without-a-mapping rules-in-a-mapping scope-accounts-word share-without-percent tag-without-a-name two-values-for-one
    unknown-dataset unknown-field unknown-key-far unknown-key-near unknown-operator unknown-state unknown-state-in-list unknown-top-key
    value-in-a-mapping
""".split()


def plain(path: Path) -> Any:
    """What an editor makes of a file: YAML resolved as YAML, dates left as texts."""
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(path.read_bytes().decode("utf-8-sig")), default=str))


def test_schema_is_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


def test_every_reference_leads_somewhere() -> None:
    references = set(re.findall(r"'\$ref': '([^']+)'", repr(SCHEMA)))
    assert references == {f"#/$defs/{name}" for name in SCHEMA["$defs"]}


# Plain YAML makes 11.10 a number, 1:30 in YAML 1.1 another, and takes ~ for nothing: an editor rightly asks for quotes there.
@each("path", sorted(path for path in (CASES / "good").glob("*.yaml") if path.stem != "literals"), ids=lambda path: path.stem)
def test_good_policy_is_valid(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(plain(path))] == []


@each("name", SEEN_BY_THE_SCHEMA)
def test_bad_policy_is_not_valid(name: str) -> None:
    assert not VALIDATOR.is_valid(plain(CASES / "bad" / f"{name}.yaml"))


def test_every_meaning_is_valid() -> None:
    rows = plain(SENTENCE_FILE)["accepted"]
    assert rows
    assert [row["sentence"] for row in rows if not VALIDATOR.is_valid({"policy": "p", "rules": [{"id": "r", **row["means"]}]})] == []


def test_no_key_takes_null() -> None:
    rule: dict[str, Any] = {"id": "r", "rule": "no FAILED jobs"}
    valid: dict[str, Any] = {"policy": "p", "rules": [rule]}
    assert VALIDATOR.is_valid(valid)
    policies = [{**valid, key: None} for key in PolicyEntry.model_fields]
    policies += [{**valid, "rules": [{**rule, key: None}]} for key in RuleEntry.model_fields]
    policies += [{**valid, "scope": {key: None}} for key in ScopeEntry.model_fields]
    policies += [{**valid, "defaults": {key: None}} for key in DefaultsEntry.model_fields]
    assert [policy for policy in policies if VALIDATOR.is_valid(policy)] == []


def test_every_key_of_a_rule_is_documented() -> None:
    undocumented = [name for name, field in RuleEntry.model_fields.items() if not (field.description or "").strip()]
    assert undocumented == []


def test_every_field_and_operator_can_be_written() -> None:
    conditions = SCHEMA["$defs"]["Conditions"]["properties"]
    names = {name for dataset in DATASETS.values() for name in dataset.fields}
    assert set(conditions) == names | {"any", "not"}
    assert VALIDATOR.is_valid({"policy": "p", "rules": [{"id": "r", "none": {"Tags.Cost Center": {"starts_with": "x"}}}]})
    assert not VALIDATOR.is_valid({"policy": "p", "rules": [{"id": "r", "none": {"Tags.": "x"}}]})
    written = {
        operator
        for name in names
        for choice in conditions[name]["anyOf"]
        if choice["type" if "type" in choice else "enum"] == "object"
        for operator in choice["properties"]
    }
    assert written == {operator.value for operator in Operator}


def test_requirements_are_closed() -> None:
    assert SCHEMA["additionalProperties"] is False
    assert all(definition["additionalProperties"] is False for name, definition in SCHEMA["$defs"].items() if definition.get("type") == "object")


def test_structured_rules_of_the_tests_are_rules() -> None:
    for row in ACCEPTED:
        RuleEntry.model_validate({"id": "r", **structured_rule(parse_sentence(sentence(row.sentence)))})
