"""Policies for tests: texts made out of statements, loaded in one call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from policycheck.cli.diagnostics import render_diagnostic
from policycheck.errors import Location, PolicyError
from policycheck.policy.document import Text
from policycheck.policy.load import load_policies
from policycheck.policy.model import Policy


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
