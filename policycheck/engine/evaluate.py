"""Rules to verdicts: the rules of a family of kinds are evaluated together, in one pass over one frame a list; nothing in here reads a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from policycheck.engine.answers import settle_answers
from policycheck.engine.backends.interface import Backend
from policycheck.engine.case import Case
from policycheck.engine.context import Context
from policycheck.engine.entries import entry_notes
from policycheck.engine.kinds.registry import open_cases
from policycheck.engine.nearness import apply_nearness
from policycheck.engine.populations import take_population
from policycheck.engine.waivers import apply_waivers
from policycheck.inventory import Inventory
from policycheck.job_lists import JobList
from policycheck.policy.model import Policy, WaiverGrant
from policycheck.population import Population
from policycheck.result import Coverage, RuleResult


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
    """Judge every rule of every policy.

    Args:
        policies: rules are judged in their order; ids are unique in a policy.
        lists: by dataset name, de-duplicated; a dataset that was not read is absent.
        coverage: what was read of each list in each account and Region.
        as_of: the aware instant that ages and windows are measured from.
        inventories: by the names that rules give them.
        answers: whether the results list what each subject came to; it changes nothing else.

    Returns:
        One result a rule, in rule order; findings sorted by account, Region and subject.
    """
    return _judge(policies, Context(lists, coverage, as_of, backend, inventories or {}, answers))


def judge_population(
    policies: Sequence[Policy],
    lists: Mapping[str, JobList],
    coverage: Sequence[Coverage],
    as_of: datetime,
    backend: Backend,
    *,
    inventories: Mapping[str, Inventory],
) -> tuple[tuple[RuleResult, ...], Population]:
    """The results of `judge` with what each subject came to, and the population that they are about."""
    context = Context(lists, coverage, as_of, backend, inventories, answers=True)
    for name, found in lists.items():
        context.facts.expect(name, {"ResourceType", "ResourceName"} & found.dataset.fields.keys())
    results = _judge(policies, context)
    return results, take_population(context, results)


def _judge(policies: Sequence[Policy], context: Context) -> tuple[RuleResult, ...]:
    cases = open_cases(policies)
    for case in cases:
        for name, fields in case.kind.fields_asked(case).items():
            context.facts.expect(name, fields)
    families: dict[str, list[Case]] = {}
    for case in cases:
        families.setdefault(case.kind.family, []).append(case)
    results: dict[int, RuleResult] = {}
    for together in families.values():
        results |= together[0].kind.judge(together, context)
    results = {case.number: replace(results[case.number], notes=(*results[case.number].notes, *entry_notes(case, context))) for case in cases}
    results = apply_nearness(results, cases, context)
    grants: dict[tuple[str, str], list[WaiverGrant]] = {}
    for grant in (grant for policy in policies for grant in policy.waivers):
        grants.setdefault((grant.policy, grant.rule), []).append(grant)
    waived = apply_waivers(results, cases, {case.number: grants.get((case.rule.policy, case.rule.id), []) for case in cases}, context)
    return tuple(map(settle_answers, waived))
