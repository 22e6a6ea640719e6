"""The policies a command line names: found, loaded, and narrowed to the chosen rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policycheck.datasets import BY_RESULT_KEY
from policycheck.errors import PolicyError, UsageError
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.policy.model import Policy, Rule, Scope

Params = Annotated[list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="Set a policy's parameter. Repeat for more.")]
ScopeFile = Annotated[
    Path | None, typer.Option("--scope", metavar="FILE", help="The accounts and Regions that must be covered; replaces the policies' own scope.")
]
Select = Annotated[list[str] | None, typer.Option("--select", metavar="ID", help="Judge these rules only (RULE or POLICY/RULE). Repeat for more.")]
Ignore = Annotated[list[str] | None, typer.Option("--ignore", metavar="ID", help="Leave these rules out (RULE or POLICY/RULE). Repeat for more.")]


def load(policies: Sequence[str], params: Sequence[str], scope: Path | None) -> tuple[Policy, ...]:
    """The policies that the command line names, parameters and scope applied."""
    from policycheck.policy.catalogue import find_policies
    from policycheck.policy.load import load_policies, load_scope

    files = find_policies(policies)
    try:
        loaded = load_policies(files, parse_params(params))
    except PolicyError:
        _refuse_job_lists(files)
        raise
    if scope is None:
        return loaded
    declared: Scope = load_scope(scope, scope.as_posix())
    return tuple(replace(policy, scope=declared) for policy in loaded)


def _refuse_job_lists(files: Sequence[tuple[Path, str]]) -> None:
    """One sentence where a job list stands in a policy's place, rather than all the keys it lacks."""
    for path, name in files:
        with path.open("rb") as stream:
            start = stream.read(4096).lstrip()
        if start.startswith(b"{") and any(f'"{key}"'.encode() in start for key in BY_RESULT_KEY):
            raise UsageError(f"{clean_line(name)} is a job list, not a policy", hint="Name it with --jobs.") from None


def policy_files(policies: Sequence[str]) -> list[Path]:
    """The files that POLICY arguments name."""
    from policycheck.policy.catalogue import find_policies

    return [path for path, _ in find_policies(policies)]


def select_rules(policies: Sequence[Policy], select: Sequence[str], ignore: Sequence[str]) -> tuple[Policy, ...]:
    """The policies with the chosen rules; a choice that matches nothing is an error, and so is one that leaves nothing."""
    known = {name for policy in policies for rule in policy.rules for name in _names(policy, rule)}
    for choice in (*select, *ignore):
        if choice not in known:
            from policycheck.policy.conditions import nearest

            near = nearest(choice, known)
            raise UsageError(f"no rule is called {choice}", hint=f"Did you mean {near}?" if near else "")
    chosen = tuple(replace(policy, rules=tuple(rule for rule in policy.rules if _chosen(policy, rule, select, ignore))) for policy in policies)
    if not any(policy.rules for policy in chosen):
        raise UsageError("the selection leaves no rule to judge")
    return tuple(policy for policy in chosen if policy.rules)


def _names(policy: Policy, rule: Rule) -> tuple[str, str]:
    return rule.id, f"{policy.id}/{rule.id}"


def _chosen(policy: Policy, rule: Rule, select: Sequence[str], ignore: Sequence[str]) -> bool:
    names = _names(policy, rule)
    return (not select or any(name in select for name in names)) and not any(name in ignore for name in names)


def source_lines(policies: Sequence[Policy]) -> Mapping[tuple[str, int], str]:
    """The text of each rule's line, for carets in reports."""
    return {
        (policy.path, rule.location.line): policy.lines[rule.location.line - 1]
        for policy in policies
        for rule in policy.rules
        if rule.location.line <= len(policy.lines)
    }


def parse_params(texts: Sequence[str]) -> dict[str, str]:
    params: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name or not value:
            raise UsageError(f"--param {text}: a parameter is NAME=VALUE")
        if name in params:
            raise UsageError(f"--param {name} is given twice")
        params[name] = value
    return params
