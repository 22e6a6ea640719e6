"""What a policy file says twice, not at all, or to nobody."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import replace

from policycheck.policy.conditions import And, Comparison, Condition, Literal, Not, Or
from policycheck.policy.controls import FRAMEWORKS
from policycheck.policy.document import Entries
from policycheck.policy.lint.finding import Place, Run
from policycheck.policy.lint.source import find_key, read_source
from policycheck.policy.model import AllMatch, Expectation, Following, NoneMatch, Policy, Requirement, Rule, Statement
from policycheck.text import clean_line

_PARAMETER = re.compile(r"\$\{([A-Za-z0-9][A-Za-z0-9._-]*)\}", re.ASCII)
_NEAR = 0.75


def find_unused_param(run: Run) -> Iterator[Place]:
    """A parameter that no value of the file uses."""
    for policy in run.policies:
        source = read_source(policy)
        params = source.root.get("params") if source and isinstance(source.root, Entries) else None
        if source is None or not isinstance(params, Entries):
            continue
        used = {name for text in source.texts() for name in _PARAMETER.findall(text.text)}
        for name, (key, _) in params.entries.items():
            if name not in used:
                message = f"the parameter {clean_line(name)} is not used: setting it changes nothing"
                near = difflib.get_close_matches(name, used, n=1)
                yield Place(
                    policy, key.location, message, f"Write ${{{clean_line(name)}}} where you need it, or remove it." if not near else f"Was {near[0]} meant?"
                )


def find_typed_sentence(run: Run) -> Iterator[Place]:
    """A sentence that is read as another: a reviewer sees what is evaluated."""
    for policy, rule in run.rules():
        if rule.typed is not None:
            canonical = clean_line(rule.typed.canonical)
            yield Place(
                policy, rule.typed.location, f"read as: {canonical}", "Write it this way, or run policycheck lint --fix.", rule, (rule.typed.canonical,)
            )


def find_duplicate_rule(run: Run) -> Iterator[Place]:
    """Two rules of the run that say the same of the same jobs."""
    seen: dict[object, tuple[Policy, Rule]] = {}
    for policy, rule in run.rules():
        key = repr((_meaning(rule.statement), rule.qualifiers, policy.scope))
        if key in seen:
            other_policy, other = seen[key]
            where = clean_line(f"{other_policy.path}:{other.location.line}")
            message = f"the rule says the same as {other_policy.id}/{other.id}: one violation has two findings"
            yield Place(policy, rule.location, message, f"Keep one of them, with the controls and tags of both; the other stands at {where}.", rule)
        else:
            seen[key] = (policy, rule)


def _meaning(statement: Statement) -> Statement:
    """The statement with values in place of how they are written: 24h and 1d are the same."""
    requirement: Requirement
    match statement.requirement:
        case NoneMatch(condition=condition, recovery=recovery):
            requirement = NoneMatch(_valued(condition), _value(recovery))
        case AllMatch(condition=condition):
            requirement = AllMatch(_valued(condition))
        case Expectation(condition=condition, limit=limit):
            requirement = replace(statement.requirement, condition=_valued(condition), limit=_value(limit))
        case Following(condition=condition, within=within):
            requirement = replace(statement.requirement, condition=_valued(condition), within=_value(within) or within)
    return replace(statement, requirement=requirement, where=_valued(statement.where), within=_value(statement.within))


def _value(literal: Literal | None) -> Literal | None:
    return None if literal is None or literal.value is None else Literal(str(literal.value))


def _valued(condition: Condition) -> Condition:
    match condition:
        case Comparison():
            # Which of several values stands first says nothing.
            texts = sorted({str(literal.text if literal.value is None else literal.value) for literal in condition.literals})
            return Comparison(condition.field, condition.operator, tuple(map(Literal, texts)))
        case And(parts=parts):
            return And(tuple(sorted(map(_valued, parts), key=repr)))
        case Or(parts=parts):
            return Or(tuple(sorted(map(_valued, parts), key=repr)))
        case Not(part=part):
            return Not(_valued(part))


def find_unexplained_rule(run: Run) -> Iterator[Place]:
    """A rule without `why` or `fix`: whoever gets the finding has nothing to go on."""
    for policy, rule in run.rules():
        lacking = [name for name in ("why", "fix") if not getattr(rule, name)]
        if lacking:
            message = f"the rule has no {' and no '.join(lacking)}: its findings do not say why they matter or what to do"
            yield Place(policy, rule.location, message, "Add one sentence each; reports show them with every finding.", rule)


def find_undeclared_scope(run: Run) -> Iterator[Place]:
    """A policy that does not say which accounts and Regions must be there."""
    for policy in run.policies:
        scope = policy.scope
        if not scope.declared:
            message = "the policy declares no scope: a missing account or Region goes unnoticed"
            yield Place(policy, find_key(policy, "policy"), message, "Add scope: {accounts: [...], regions: [...]}, or pass --scope FILE.")
        elif not scope.regions or not (scope.accounts or scope.organization):
            lacking = "regions" if not scope.regions else "accounts"
            message = f"the scope declares no {lacking}: a missing one goes unnoticed"
            yield Place(policy, find_key(policy, "scope"), message, f"Add {lacking} to the scope.")


def find_idle_exception(run: Run) -> Iterator[Place]:
    """A place that may be empty and need not be there at all."""
    for policy in run.policies:
        scope = policy.scope
        for place in scope.may_be_empty:
            account, _, region = place.partition("/")
            outside = bool(scope.accounts) and account not in scope.accounts
            if outside or (bool(region) and bool(scope.regions) and region not in scope.regions):
                message = f"may_be_empty names {clean_line(place)}, which the scope does not declare: it excuses nothing"
                yield Place(policy, find_key(policy, "scope", "may_be_empty"), message, "Declare it, or remove it.")


def find_malformed_control(run: Run) -> Iterator[Place]:
    """A control id that its framework cannot have."""
    for policy, rule, framework, control in _controls(run):
        if not FRAMEWORKS[framework].looks_right(control):
            example = FRAMEWORKS[framework].ids[0]
            message = f"{clean_line(control)} is not a control of {FRAMEWORKS[framework].title}: its ids look like {example}"
            yield Place(policy, rule.location, message, _suggestion(control, FRAMEWORKS[framework].ids), rule)


def find_unlisted_control(run: Run) -> Iterator[Place]:
    """A control that is not known to ask about backups."""
    for policy, rule, framework, control in _controls(run):
        known = FRAMEWORKS[framework]
        if known.looks_right(control) and control not in known.ids:
            message = f"{clean_line(control)} of {known.title} is not known to be about backups, but the rule claims to test it"
            yield Place(policy, rule.location, message, _suggestion(control, known.ids) or f"Known are {', '.join(known.ids)}.", rule)


def find_misspelt_framework(run: Run) -> Iterator[Place]:
    """A framework that is a known one but for its spelling: `--framework` would leave the rule out."""
    plain = {_plain(name): name for name in FRAMEWORKS}
    for policy, rule in run.rules():
        for name in rule.controls:
            if name in FRAMEWORKS:
                continue
            near = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.85)
            if near:
                message = f"the framework {clean_line(name)} is spelled {plain[near[0]]} elsewhere: --framework {plain[near[0]]} excludes this rule"
                yield Place(policy, rule.location, message, f"Write {plain[near[0]]}.", rule)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _controls(run: Run) -> Iterator[tuple[Policy, Rule, str, str]]:
    for policy, rule in run.rules():
        for framework, ids in rule.controls.items():
            if framework in FRAMEWORKS:
                yield from ((policy, rule, framework, control) for control in ids)


def _suggestion(control: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(control, known, n=1, cutoff=_NEAR)
    return f"Did you mean {near[0]}?" if near else ""
