"""`policycheck packs`: the policies that ship with policycheck, to use by name or to start one's own from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from policycheck.cli import completion
from policycheck.cli.terminal import write_document
from policycheck.errors import UsageError
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.policy.model import Policy, Rule

_FORMATS = ("text", "json")


def packs(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", autocompletion=completion.packs, help="Print this pack, as a start for your own policy.")
    ] = None,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FORMAT", help="text or json.")] = "text",
    tests: Annotated[bool, typer.Option("--tests", help="With NAME: print the pack's tests instead.")] = False,
) -> None:
    """List the policies that ship with policycheck, or print one as YAML.

    A pack is used by name: policycheck check NAME evaluates it, policycheck test NAME runs its tests.

    policycheck packs NAME > mine.yaml starts your own policy. To use part of a pack, see --select, --ignore and --param of check.
    """
    from policycheck.policy.catalogue import find_pack, shipped_packs

    if output not in _FORMATS:
        raise UsageError(f"there is no format {clean_line(output)} of packs", hint=f"The formats are {', '.join(_FORMATS)}.")
    if name is None and tests:
        raise UsageError("--tests requires the name of a pack", hint=f"The shipped packs are {', '.join(shipped_packs())}.")
    pack = None if name is None else find_pack(name)
    if pack is not None and output == "text":
        write_document((pack.with_name(f"{pack.stem}.test.yaml") if tests else pack).read_bytes())
        return
    if tests:
        raise UsageError("tests are printed as they are", hint="Omit --output.")
    loaded = _load([name] if name is not None else list(shipped_packs()))
    write_document((_listed(loaded) if output == "text" else _described(loaded, one=name is not None)).encode())


def _load(names: Sequence[str]) -> list[tuple[str, Policy]]:
    from policycheck.policy.catalogue import shipped_packs
    from policycheck.policy.load import load_policies

    known = shipped_packs()
    return list(zip(names, load_policies([(known[name], f"policies/{name}.yaml") for name in names], {}), strict=True))


def _listed(loaded: Sequence[tuple[str, Policy]]) -> str:
    width = max(len(name) for name, _ in loaded)
    lines = [f"{name:<{width}}  {len(policy.rules):>2} rules  {policy.title}" for name, policy in loaded]
    return "".join(f"{line}\n" for line in lines)


def _described(loaded: Sequence[tuple[str, Policy]], *, one: bool) -> str:
    """JSON: one pack as an object, or all of them as an array."""
    described = [_pack(name, policy) for name, policy in loaded]
    return f"{json.dumps(described[0] if one else described, indent=2, ensure_ascii=False)}\n"


def _pack(name: str, policy: Policy) -> dict[str, Any]:
    lists = sorted({needed for rule in policy.rules for needed in rule.statement.lists_needed})
    return {"name": name, "title": policy.title, "lists": lists, "rules": [_rule(rule) for rule in policy.rules]}


def _rule(rule: Rule) -> dict[str, Any]:
    controls = {framework: list(ids) for framework, ids in rule.controls.items()}
    told = {"id": rule.id, "title": rule.title, "sentence": rule.sentence, "severity": str(rule.severity), "why": rule.why, "fix": rule.fix, "url": rule.url}
    return {**told, "controls": controls, "tags": list(rule.tags)}
