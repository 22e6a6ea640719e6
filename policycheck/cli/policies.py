"""The policies a command line names: found, loaded, and narrowed to the chosen rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from policycheck.cli.diagnostics import show_note
from policycheck.datasets import BY_RESULT_KEY
from policycheck.errors import PolicyError, RunFileError, UsageError
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.control_matrix import ControlMatrix
    from policycheck.errors import Diagnostic
    from policycheck.policy.model import Policy, Rule
    from policycheck.settings.merging import Settings

_USUAL = "policies"


def usual_policies() -> tuple[str, ...]:
    """What `lint` and `test` read where neither the command line nor a run file names policies: the folder `policies`, if there is one."""
    return (_USUAL,) if Path(_USUAL).is_dir() else ()


def load(settings: Settings) -> tuple[Policy, ...]:
    """The policies of a run with the rules that are chosen; raises as `load_all` and `select_rules` do."""
    loaded = load_all(settings)
    chosen = _select(loaded, settings)
    if settings.run_file and settings.file_choices and not settings.quiet:
        _tell_left_out(loaded, chosen, settings.run_file.name)
    return chosen


def load_all(settings: Settings) -> tuple[Policy, ...]:
    """The policies of a run with all their rules, parameters and scope applied; raises PolicyError, RunFileError or UsageError."""
    from policycheck.policy.load import load_policies, load_scope

    spare = settings.file_params if settings.foreign else ()
    try:
        loaded = load_policies(settings.files, settings.params, spare=spare, places=settings.file_params)
    except PolicyError:
        _refuse_job_lists(settings.files)
        raise
    scope = settings.declared_scope
    if isinstance(scope, Path):
        scope = load_scope(scope, scope.as_posix())
    if scope is not None:
        loaded = tuple(replace(policy, scope=scope) for policy in loaded)
    if settings.waivers:
        from policycheck.policy.waivers import load_waivers

        loaded = load_waivers([(Path(text), Path(text).as_posix()) for text in settings.waivers], loaded, foreign=settings.foreign)
    if settings.controls:
        from policycheck.policy.control_matrices import map_controls

        loaded = map_controls(loaded, read_matrices(settings))
    return loaded


def read_matrices(settings: Settings) -> tuple[ControlMatrix, ...]:
    """The user's own matrices of controls; raises PolicyError."""
    if not settings.controls:
        return ()
    from policycheck.policy.control_matrices import load_matrices

    return load_matrices([(Path(text), Path(text).as_posix()) for text in settings.controls])


def _select(policies: Sequence[Policy], settings: Settings) -> tuple[Policy, ...]:
    places = settings.file_choices
    spare = places if settings.foreign else ()
    return select_rules(policies, settings.select or (), settings.ignore or (), settings.framework or (), spare=spare, places=places)


def _tell_left_out(loaded: Sequence[Policy], chosen: Sequence[Policy], name: str) -> None:
    """Nobody who reads a report sees what a file in a folder has taken out of it."""
    rules, judged = (sum(len(policy.rules) for policy in policies) for policies in (loaded, chosen))
    if judged < rules:
        show_note(f"policycheck: {rules - judged} of {rules} rules are omitted, as {name} says")


def _refuse_job_lists(files: Sequence[tuple[Path, str]]) -> None:
    """One sentence where a job list stands in a policy's place, rather than all the keys it lacks."""
    for path, name in files:
        with path.open("rb") as stream:
            start = stream.read(4096).lstrip()
        if start.startswith(b"{") and any(f'"{key}"'.encode() in start for key in BY_RESULT_KEY):
            raise UsageError(f"{clean_line(name)} is a job list, not a policy", hint="Name it with --jobs.") from None


def select_rules(
    policies: Sequence[Policy],
    select: Sequence[str],
    ignore: Sequence[str],
    frameworks: Sequence[str] = (),
    *,
    spare: Collection[str] = (),
    places: Mapping[str, Diagnostic] = MappingProxyType({}),
) -> tuple[Policy, ...]:
    """The policies with the chosen rules.

    Args:
        select: rules to judge; with none, all.
        ignore: rules to leave out.
        frameworks: of those, only rules that name a control of one of these; with none, all.
        spare: choices that need not match anything.
        places: where a choice was made, unless on the command line.

    Raises:
        UsageError, RunFileError: a choice matches nothing, or the choices leave nothing.
    """
    rules = {name for policy in policies for rule in policy.rules for name in _names(policy, rule)}
    controlled = {framework for policy in policies for rule in policy.rules for framework, ids in rule.controls.items() if ids}
    wrong = [_unknown(choice, rules, "no rule is called") for choice in (*select, *ignore) if choice not in rules and choice not in spare]
    wrong += [_unknown_framework(name, controlled) for name in frameworks if name not in controlled and name not in spare]
    if wrong:
        choice, message, hint = wrong[0]
        if choice in places:
            raise RunFileError([replace(places[text], message=said, hint=help) for text, said, help in wrong if text in places])
        raise UsageError(message, hint=hint)
    from policycheck.policy.selection import keep_rules

    kept = keep_rules(policies, lambda policy, rule: _chosen(policy, rule, select, ignore, frameworks))
    if not kept:
        raise UsageError("the selection leaves no rule to evaluate")
    return kept


def _names(policy: Policy, rule: Rule) -> tuple[str, str]:
    return rule.id, f"{policy.id}/{rule.id}"


def _unknown(choice: str, known: Collection[str], says: str) -> tuple[str, str, str]:
    from policycheck.policy.conditions import nearest

    near = nearest(choice, known)
    return choice, f"{says} {clean_line(choice)}", f"Did you mean {near}?" if near else ""


def _unknown_framework(name: str, known: Collection[str]) -> tuple[str, str, str]:
    choice, message, hint = _unknown(name, known, "no rule names a control of")
    # A framework is often named without its number: iso.
    begun = [framework for framework in sorted(known) if name and framework.lower().startswith(name.lower())]
    listed = f"The rules name controls of {', '.join(sorted(known))}." if known else "No rule names a control. Name them with the key controls."
    return choice, message, hint or (f"Did you mean {' or '.join(begun)}?" if begun else listed)


def _chosen(policy: Policy, rule: Rule, select: Sequence[str], ignore: Sequence[str], frameworks: Sequence[str]) -> bool:
    names = _names(policy, rule)
    if frameworks and not any(rule.controls.get(name) for name in frameworks):
        return False
    return (not select or any(name in select for name in names)) and not any(name in ignore for name in names)


def source_lines(policies: Sequence[Policy]) -> Mapping[tuple[str, int], str]:
    """The text of each rule's line, for carets in reports."""
    return {
        (policy.path, rule.location.line): policy.lines[rule.location.line - 1]
        for policy in policies
        for rule in policy.rules
        if rule.location.line <= len(policy.lines)
    }
