"""Rules to verdicts: the rules of a family of kinds are evaluated together, in one pass over one frame a list; nothing in here reads a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from policycheck.engine.answers import settle_answers
from policycheck.engine.backends.interface import Backend
from policycheck.engine.case import Case
from policycheck.engine.context import Context
from policycheck.engine.entries import entry_notes
from policycheck.engine.history import expect_history, tell_history
from policycheck.engine.kinds.registry import open_cases
from policycheck.engine.nearness import apply_nearness
from policycheck.engine.populations import take_population
from policycheck.engine.series import Series
from policycheck.engine.waivers import apply_waivers
from policycheck.history import History
from policycheck.inventory import Inventory
from policycheck.job_lists import JobList
from policycheck.policy.model import Expectation, Following, Policy, WaiverGrant
from policycheck.population import Population
from policycheck.records import micros
from policycheck.result import Coverage, RuleResult


class Evaluation(NamedTuple):
    """What a run comes to: one result a rule, in rule order, and what became of resources day by day where answers were asked for."""

    rules: tuple[RuleResult, ...]
    history: History | None
    population: Population | None
    """What became of every record, likewise."""
    resources: int
    """Resources that the lists of the rules have records of, each once."""


def judge(
    policies: Sequence[Policy],
    lists: Mapping[str, JobList],
    coverage: Sequence[Coverage],
    as_of: datetime,
    backend: Backend,
    *,
    inventories: Mapping[str, Inventory] | None = None,
    answers: bool = False,
) -> tuple[RuleResult, ...]:
    """Judge every rule of every policy, as `evaluate` does.

    Returns:
        One result a rule, in rule order; findings sorted by account, Region and subject.
    """
    return evaluate(policies, lists, coverage, as_of, backend, inventories=inventories, answers=answers).rules


def evaluate(
    policies: Sequence[Policy],
    lists: Mapping[str, JobList],
    coverage: Sequence[Coverage],
    as_of: datetime,
    backend: Backend,
    *,
    inventories: Mapping[str, Inventory] | None = None,
    answers: bool = False,
    series: Series | None = None,
) -> Evaluation:
    """Judge every rule of every policy.

    Args:
        policies: rules are judged in their order; ids are unique in a policy.
        lists: by dataset name, de-duplicated; a dataset that was not read is absent.
        coverage: what was read of each list in each account and Region.
        as_of: the aware instant that ages and windows are measured from.
        inventories: by the names that rules give them.
        answers: whether the results list what each subject came to, and history and population are told; it changes nothing else.
        series: the evaluations at earlier instants that this one goes on from, of the same policies.
    """
    context = Context(lists, coverage, as_of, backend, inventories or {}, answers, series)
    if answers:
        for name, found in lists.items():
            context.facts.expect(name, {"ResourceType", "ResourceName"} & found.dataset.fields.keys())
    return _evaluate(policies, context)


def _warns(case: Case) -> bool:
    requirement = case.rule.statement.requirement
    return isinstance(requirement, Expectation) and requirement.warning is not None


def _evaluate(policies: Sequence[Policy], context: Context) -> Evaluation:
    cases = open_cases(policies, micros(context.as_of))
    of_policies: dict[tuple[str, str], list[WaiverGrant]] = {}
    for grant in (grant for policy in policies for grant in policy.waivers):
        of_policies.setdefault((grant.policy, grant.rule), []).append(grant)
    grants = {case.number: of_policies.get((case.rule.policy, case.rule.id), []) for case in cases}
    if context.series is not None:
        context.series.anew = frozenset(case.number for case in cases if grants[case.number] or _warns(case))
    for case in cases:
        for name, fields in case.kind.fields_asked(case).items():
            context.facts.expect(name, fields)
        if context.series is not None:
            statement = case.rule.statement
            requirement = statement.requirement
            of = requirement.dataset if isinstance(requirement, Following) else statement.dataset
            context.series.ask(statement.dataset, statement.where)
            context.series.ask(of, requirement.condition, case.per)
    if context.answers:
        expect_history(cases, context)
    families: dict[str, list[Case]] = {}
    for case in cases:
        families.setdefault(case.kind.family, []).append(case)
    results: dict[int, RuleResult] = {}
    for together in families.values():
        results |= together[0].kind.judge(together, context)
    results = {case.number: replace(results[case.number], notes=(*results[case.number].notes, *entry_notes(case, context))) for case in cases}
    results = apply_nearness(results, cases, context)
    if context.series is not None:
        context.series.note(results)
    waived = apply_waivers(results, cases, grants, context)
    told = tuple(map(settle_answers, waived))
    resources = context.facts.count_resources()
    if not context.answers:
        return Evaluation(told, None, None, resources)
    return Evaluation(told, tell_history(cases, told, context), take_population(context, told), resources)
