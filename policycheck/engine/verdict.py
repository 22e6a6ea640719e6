"""What every kind of rule's verdict is made of: whether the evidence reaches, what an empty population means, and the result's common part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from policycheck.datasets import DATASETS, Dataset, is_naming
from policycheck.engine.limits import spell_limit
from policycheck.engine.scope import in_scope, uncovered_scope, unreached_window
from policycheck.policy.conditions import comparisons
from policycheck.policy.model import NoData, Rule, Scope
from policycheck.reasons import Reason, ReasonKind, Reasons, cap_reasons
from policycheck.records import micros, moment
from policycheck.result import Coverage, RuleResult, Verdict
from policycheck.text import clean_line


def short_evidence(scope: Scope, coverage: Sequence[Coverage], dataset: str, reach: int | None, as_of: datetime, read: int) -> Reasons:
    """Why the coverage of a list does not reach a rule; nothing where it does.

    Args:
        coverage: of every list of the run.
        dataset: the list's name.
        reach: microseconds before as_of that the coverage must reach back; None: nothing to reach.
        read: how many records the list has.
    """
    short = uncovered_scope(scope, coverage, dataset)
    entries = [entry for entry in coverage if entry.dataset == dataset]
    start = None if reach is None else moment(micros(as_of) - reach)
    short += unreached_window(scope, entries, start, as_of)
    if not any(in_scope(scope, entry.account, entry.region) for entry in entries) and not short:
        short = [Reason(ReasonKind.NOTHING_IN_SCOPE if read else ReasonKind.LIST_EMPTY, (DATASETS[dataset].noun,))]
    return cap_reasons(short)


def of_another_moment(rule: Rule, scope: Scope, coverage: Sequence[Coverage], as_of: datetime) -> RuleResult | None:
    """The result of a rule on what there is, where the list is of another moment than as_of, or of none that is known; None where it is of that moment.

    What a job did stays done. A vault that is locked now may have been open then, and the other way round: nothing of such a list is evidence, a violation
    neither.
    """
    dataset = rule.statement.list
    if not dataset.of_state:
        return None
    # What was read of a list that is not complete is of some moment, too; what was not read at all is of none.
    entries = [replace(entry, complete=True) for entry in coverage if entry.dataset == dataset.name and (entry.complete or entry.jobs or entry.start)]
    problems = unreached_window(scope, entries, None, as_of)
    return rule_result(rule, Verdict.INCONCLUSIVE, cap_reasons(problems)) if problems else None


def decide_empty(rule: Rule, elsewhere: int, read: int) -> tuple[Verdict, Reasons]:
    """What `no_data` makes of an empty population under complete coverage, and why it is empty.

    Args:
        elsewhere: how many records would be in it in another window.
        read: how many records the list has.
    """
    noun = rule.statement.list.noun
    if elsewhere:
        why = Reason(ReasonKind.OUTSIDE_WINDOW, (noun,), (elsewhere, read))
    else:
        why = Reason(ReasonKind.NONE_MATCHES, (noun,), (read,)) if read else Reason(ReasonKind.LIST_EMPTY, (noun,))
    return judge_nothing(rule, quiet=elsewhere > 0), nothing_to_judge(why)


def nothing_to_judge(why: Reason) -> Reasons:
    """That there is nothing to judge, and why."""
    return (Reason(ReasonKind.NOTHING_TO_JUDGE, because=(why,)),)


def judge_nothing(rule: Rule, *, quiet: bool) -> Verdict:
    """What `no_data` makes of an empty population.

    Args:
        quiet: whether it is not empty in another window.
    """
    match rule.qualifiers.no_data:
        case NoData.INCONCLUSIVE:
            return Verdict.INCONCLUSIVE
        case NoData.QUIET:
            return Verdict.PASS if quiet else Verdict.INCONCLUSIVE
        case NoData.PASS:
            return Verdict.PASS
        case NoData.FAIL:
            return Verdict.FAIL
        case NoData.SKIP:
            return Verdict.SKIPPED
        case _:
            assert_never(rule.qualifiers.no_data)


def not_read(rule: Rule, dataset: Dataset) -> RuleResult:
    """The result of a rule whose list this run does not have."""
    return rule_result(rule, Verdict.INCONCLUSIVE, (Reason(ReasonKind.LIST_NOT_GIVEN, (dataset.noun, dataset.operation)),))


def rule_result(rule: Rule, verdict: Verdict, reasons: Reasons, **counts: Any) -> RuleResult:
    """A result with everything that the rule itself says."""
    return RuleResult(
        id=rule.id,
        policy=rule.policy,
        sentence=rule.sentence,
        severity=rule.severity,
        verdict=verdict,
        location=rule.location,
        reasons=reasons,
        title=rule.title,
        why=rule.why,
        fix=rule.fix,
        url=rule.url,
        controls=rule.controls,
        tags=rule.tags,
        limit=spell_limit(rule.statement.requirement),
        names=_names(rule),
        lists=tuple(sorted(rule.statement.lists_needed)),
        read_from=rule.typed.text if rule.typed else "",
        **counts,
    )


def _names(rule: Rule) -> tuple[str, ...]:
    """The names that its conditions compare with."""
    compared = (*comparisons(rule.statement.where), *comparisons(rule.statement.requirement.condition))
    literals = (literal for one in compared if is_naming(one.field) for literal in one.literals)
    return tuple(dict.fromkeys(name for literal in literals if (name := clean_line(literal.text))))
