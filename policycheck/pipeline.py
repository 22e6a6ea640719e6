"""Evidence and policies to a result. It prints nothing and reads no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from policycheck.control_matrix import ControlMatrix
from policycheck.datasets import DATASETS, TAGS
from policycheck.engine.backends.interface import Backend
from policycheck.engine.evaluate import evaluate
from policycheck.engine.populations import name_accounts
from policycheck.engine.scope import assumed_empty, in_scope, uncovered_scope
from policycheck.engine.series import Series
from policycheck.finding_list import map_text
from policycheck.policy.conditions import Operator, comparisons
from policycheck.policy.model import Expectation, Policy
from policycheck.population import Population
from policycheck.result import LeftOutRule, PolicyInfo, Result, RuleResult, Severity, Verdict
from policycheck.sources.interface import Evidence
from policycheck.text import clean, clean_line
from policycheck.version import __version__


def run(
    policies: Sequence[Policy],
    evidence: Evidence,
    *,
    as_of: datetime,
    fail_on: Severity | None,
    backend: Backend,
    answers: bool = False,
    frameworks: Sequence[str] = (),
    series: Series | None = None,
    matrices: Sequence[ControlMatrix] = (),
) -> Result:
    """Judge the evidence.

    Args:
        policies: with the rules that were selected; a policy without rules is judged by its scope alone.
        as_of: the aware instant everything is measured from.
        fail_on: the least severity that fails the run; None: never.
        answers: whether the result lists what each subject came to, and what became of resources day by day, for the formats that show it; it changes no
            verdict and no finding.
        frameworks: the frameworks of controls that the rules were selected by.
        series: the evaluations of the same policies at earlier instants.
        matrices: the user's own matrices of controls, as reports show them; rules name the controls already.
    """
    policies = [resolve_scope(policy, evidence.members) for policy in policies]
    asked = policies, evidence.lists, evidence.coverage, as_of, backend
    rules, history, population, resources = evaluate(*asked, inventories=evidence.inventories, answers=answers, series=series)
    return Result(
        as_of=as_of,
        tool_version=__version__,
        policies=tuple(PolicyInfo(policy.id, policy.title, policy.path, policy.sha256) for policy in policies),
        rules=_with_lines(_named(rules, evidence), policies),
        coverage=evidence.coverage,
        not_seen=tuple(dict.fromkeys((*evidence.not_seen, *_unseen(policies, evidence), *_reserved(rules), *evidence.warnings))),
        jobs=sum(len(job_list) for job_list in evidence.lists.values()),
        fail_on=fail_on,
        scope_uncovered=any(uncovered_scope(policy.scope, evidence.coverage, name) for policy in policies for name in _datasets(policy)),
        population=Population() if population is None else replace(population, inputs=evidence.inputs),
        frameworks=tuple(dict.fromkeys(map(clean_line, frameworks))),
        left_out=tuple(LeftOutRule(rule.policy, rule.id, rule.controls) for policy in policies for rule in policy.unchosen),
        matrices=tuple(matrices),
        history=history,
        resources=resources,
    )


def _reserved(rules: Sequence[RuleResult]) -> list[str]:
    """What was left open by rules that no report lists, since they pass: a run that was not judged, a deadline to come."""
    return [f"{rule.policy}/{rule.id}: {note}" for rule in rules if rule.verdict is Verdict.PASS for note in rule.notes]


def resolve_scope(policy: Policy, members: frozenset[str] | None) -> Policy:
    """The policy with the accounts of the organization in its scope, where it declares them and they are known."""
    if not policy.scope.organization or not members:
        return policy
    return replace(policy, scope=replace(policy.scope, accounts=tuple(sorted(members)), organization=False))


def _named(rules: Sequence[RuleResult], evidence: Evidence) -> tuple[RuleResult, ...]:
    """The rules with the names of the accounts of their findings: of several the first by inventory and entry, else what the source calls them."""
    names = name_accounts(evidence.inventories)
    for covered in evidence.coverage:
        if covered.account is not None and covered.account_name is not None:
            names.setdefault(covered.account, covered.account_name)
    if not names:
        return tuple(rules)
    return tuple(replace(rule, findings=map_text(lambda found: replace(found, account_name=names.get(found.account or "")), rule.findings)) for rule in rules)


def _with_lines(rules: Sequence[RuleResult], policies: Sequence[Policy]) -> tuple[RuleResult, ...]:
    """The rules with the lines of their policies that they stand at."""
    lines = {policy.path: policy.lines for policy in policies}
    told = ((rule, lines.get(rule.location.path, ()), rule.location.line) for rule in rules)
    return tuple(replace(rule, source_line=clean(found[number - 1])) if 0 < number <= len(found) else rule for rule, found, number in told)


def _datasets(policy: Policy) -> list[str]:
    """The names of all lists that its rules need."""
    return sorted({name for rule in policy.rules for name in rule.statement.lists_needed})


def _named_inventories(policy: Policy) -> set[str]:
    """The inventories that its rules ask about."""
    names: set[str] = set()
    for rule in policy.rules:
        requirement = rule.statement.requirement
        if isinstance(requirement, Expectation) and requirement.given_inventory is not None:
            names.add(clean_line(requirement.given_inventory.text))
        for comparison in (*comparisons(rule.statement.where), *comparisons(requirement.condition)):
            if comparison.operator is Operator.IN_INVENTORY or (comparison.field == "in_inventory" and comparison.operator is Operator.IS):
                names |= {clean_line(literal.text) for literal in comparison.literals}
    return names


def asked_inventories(policies: Sequence[Policy]) -> set[str] | None:
    """The inventories that rules and waivers ask about by name; None: some ask what any inventory says (Tags.NAME, AccountName, in_inventory present)."""
    names = {name for policy in policies for name in _named_inventories(policy)}
    rules = [rule for policy in policies for rule in policy.rules]
    conditions = [condition for rule in rules for condition in (rule.statement.where, rule.statement.requirement.condition)]
    conditions += [grant.match for policy in policies for grant in policy.waivers if grant.match is not None]
    groups = {name for rule in rules if isinstance(rule.statement.requirement, Expectation) for name in rule.statement.requirement.per}
    compared = [comparison for condition in conditions for comparison in comparisons(condition)]
    if any(name == "AccountName" or name.startswith(TAGS) for name in groups | {comparison.field for comparison in compared}):
        return None
    for comparison in compared:
        if comparison.field == "in_inventory":
            if comparison.operator is not Operator.IS:
                return None
            names |= {clean_line(literal.text) for literal in comparison.literals}
        if comparison.operator is Operator.IN_INVENTORY:
            names |= {clean_line(literal.text) for literal in comparison.literals}
    return names


def _unseen(policies: Sequence[Policy], evidence: Evidence) -> list[str]:
    """What these policies ask about and this evidence cannot show."""
    notes = []
    undeclared = [policy.id for policy in policies if not policy.scope.declared]
    if undeclared:
        declare = "declares" if len(undeclared) == 1 else "declare"
        notes.append(f"membership not verified: {', '.join(undeclared)} {declare} no scope, so a missing account or Region goes unnoticed")
    for policy in policies:
        for name in _datasets(policy):
            entries = [entry for entry in evidence.coverage if entry.dataset == name]
            notes += [f"{policy.id}: {problem}" for problem in uncovered_scope(policy.scope, evidence.coverage, name)]
            assumed = ["/".join(filter(None, place)) for place in assumed_empty(policy.scope, evidence.coverage, name)]
            if assumed:
                notes.append(f"{policy.id}: assumed to have no {DATASETS[name].noun} (may_be_empty), which saved lists cannot show: {', '.join(assumed)}")
            strangers = [entry for entry in entries if entry.jobs and not in_scope(policy.scope, entry.account, entry.region)]
            outside = sum(entry.jobs for entry in strangers)
            if outside:
                noun = DATASETS[name].noun
                jobs = f"{noun} is outside the declared scope and was" if outside == 1 else f"{noun}s are outside the declared scope and were"
                places = ", ".join(dict.fromkeys(entry.place for entry in strangers))
                notes.append(f"{policy.id}: {outside:,} {jobs} not evaluated: {places}")
    notes += [f"inventory {name}: {note}" for name, inventory in sorted(evidence.inventories.items()) for note in inventory.notes]
    for policy in policies:
        missing = sorted(_named_inventories(policy) - set(evidence.inventories))
        notes += [f"{policy.id}: no inventory {name} was given (--inventory {name}=PATH)" for name in missing]
    rewound = sum(entry.complete and entry.rewound > 0 for entry in evidence.coverage)
    if rewound:
        lists = "1 list holds" if rewound == 1 else f"{rewound} lists hold"
        notes.append(f"reconstructed: {lists} jobs that ended after as_of; they were evaluated as in progress, and their earlier fields are unknown")
    # Two lists may lack the same account.
    return list(dict.fromkeys(notes))
