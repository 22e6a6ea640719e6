"""Policies for tests: texts made out of statements, loaded in one call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from policycheck.cli.diagnostics import render_diagnostic
from policycheck.errors import Location, PolicyError
from policycheck.policy.conditions import structured
from policycheck.policy.document import Text
from policycheck.policy.load import load_policies
from policycheck.policy.model import AllMatch, Expectation, Following, Measure, NoneMatch, Policy, Statement


def sentence(text: str) -> Text:
    """A sentence as the only line of a file."""
    return Text(text, Location("policy.yaml", 1, 1, 1, len(text) + 1))


def load(path: Path, params: Mapping[str, str] | None = None) -> Policy:
    """The one policy of a file."""
    (policy,) = load_policies([(path, path.name)], params or {})
    return policy


def diagnose(path: Path, params: Mapping[str, str] | None = None) -> str:
    """What a person reads of a file with mistakes; empty for a good one."""
    try:
        load(path, params)
    except PolicyError as error:
        return "".join(f"{render_diagnostic(diagnostic)}\n" for diagnostic in error.diagnostics)
    return ""


def structured_rule(statement: Statement) -> dict[str, object]:
    """A statement in the structured form of a policy file, defaults left out."""
    keys: dict[str, object] = {"dataset": statement.dataset} if statement.dataset != "backup_jobs" else {}
    where = structured(statement.where)
    keys |= {"where": where} if where else {}
    keys |= {"within": statement.within.text} if statement.within else {}
    match statement.requirement:
        case NoneMatch(condition=condition, recovery=recovery):
            keys["none"] = structured(condition)
            keys |= {"unless_recovered_within": recovery.text} if recovery else {}
        case AllMatch(condition=condition):
            keys["all"] = structured(condition)
        case Expectation() as expected:
            keys |= {"per": list(expected.per) if len(expected.per) > 1 else expected.per[0]} if expected.per else {}
            keys |= {"inventory": expected.inventory.text} if expected.inventory else {}
            of = {} if expected.measure is Measure.MISSED_RUNS else {"of": structured(expected.condition)}
            limit = {expected.operator.value: expected.limit.text} if expected.operator and expected.limit else {}
            keys["expect"] = {expected.measure.value: {**of, **limit}}
        case Following(dataset=dataset, condition=condition, within=within):
            condition_keys = structured(condition)
            keys["followed_by"] = {"dataset": dataset, **({"where": condition_keys} if condition_keys else {}), "within": within.text}
    return keys


def as_yaml(node: object) -> str:
    """Texts, lists and dicts in flow style, every scalar in double quotes with everything but plain ASCII escaped."""
    match node:
        case dict():
            return "{" + ", ".join(f"{as_yaml(key)}: {as_yaml(value)}" for key, value in node.items()) + "}"
        case list():
            return "[" + ", ".join(as_yaml(item) for item in node) + "]"
        case _:
            return (
                '"'
                + "".join(character if 0x20 <= ord(character) < 0x7F and character not in '"\\' else f"\\U{ord(character):08X}" for character in str(node))
                + '"'
            )
