"""Whether waiting can help: which rules that do not pass now may pass by a later moment, and which cannot, whatever happens until then.

Only what is certain to stay makes a rule hopeless: a job that has ended and violates it, and that is still in the rule's window at the later moment. To find
these, the rules are judged once more as of now with windows that begin as late as they will begin then. Everything else may pass: what is in progress may end
well, a later job may be the one that is missing, a list that could not be read may be read. Where this module cannot tell, waiting may help.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from policycheck.datasets import DATASETS, Dataset
from policycheck.engine.case import Staying
from policycheck.engine.context import Context
from policycheck.engine.evaluate import judge
from policycheck.engine.kinds.registry import kind_of
from policycheck.engine.scope import in_scope
from policycheck.finding import NO_JOBS
from policycheck.policy.conditions import Condition, Literal, comparisons, fields_of
from policycheck.policy.model import RESOURCE, Expectation, Following, NoneMatch, Policy, Rule, Scope
from policycheck.policy.operators import AGE_OPERATORS
from policycheck.reasons import ReasonKind, has_kind
from policycheck.records import MICROSECOND, end_of, iso, micros, moment
from policycheck.result import Coverage, Finding, RuleResult, Verdict
from policycheck.text import clean_line, counted

Refused = Collection[tuple[str, str | None, str | None]]
"""(dataset, account, Region) of lists that AWS keeps refusing."""

_FIXED = frozenset(
    "AccountId Account Region BackupJobId CopyJobId RestoreJobId BackupVaultName BackupVaultArn SourceBackupVaultArn SourceRecoveryPointArn "
    "DestinationBackupVaultArn DestinationAccount DestinationRegion CrossAccount CrossRegion ResourceArn SourceResourceArn ResourceType IamRoleArn IamRoleName "
    "CreationDate StartBy CreatedBy.BackupPlanId CreatedBy.BackupPlanArn CreatedBy.BackupPlanName CreatedBy.BackupPlanVersion CreatedBy.BackupRuleId "
    "CreatedBy.BackupRuleName AccountName in_inventory".split()
)
"""What a job is created with and keeps: a job in progress that violates by these alone will violate when it has ended."""
_FIXED_CLOCKS = frozenset({None, "CreationDate", "InitiationDate", "StartBy"})


@dataclass(frozen=True, slots=True)
class Prospect:
    """What may become of a rule that does not pass."""

    policy: str
    rule: str
    may_pass: bool
    reason: str
    """What may make it pass, or why nothing can; one clean line."""


def foresee(policies: Sequence[Policy], results: Sequence[RuleResult], context: Context, until: datetime, refused: Refused = ()) -> tuple[Prospect, ...]:
    """The prospects of every rule whose verdict is fail or inconclusive, in rule order.

    Args:
        policies: the rules that gave `results`.
        context: what they were judged on.
        until: the aware moment at which the last judgement will be made; not before as_of.
        refused: lists that AWS refuses for a reason that waiting cannot fix.
    """
    ahead = max(until - context.as_of, timedelta())
    rules = {(policy.id, rule.id): (policy, rule) for policy in policies for rule in policy.rules}
    open_ = [(*rules[result.policy, result.id], result) for result in results if result.verdict in {Verdict.FAIL, Verdict.INCONCLUSIVE}]
    later = _Later(policies, context, ahead, frozenset((result.policy, result.id) for *_, result in open_))
    return tuple(_foresee(policy, rule, result, later, refused) for policy, rule, result in open_)


def _foresee(policy: Policy, rule: Rule, result: RuleResult, later: _Later, refused: Refused) -> Prospect:
    stays = _hopeless_evidence(policy.scope, rule, later.context, refused) if result.verdict is Verdict.INCONCLUSIVE else ""
    if not stays and not _is_mendable(rule) and not _tells_age(rule):
        stays = _staying(rule, result, later)
    if stays:
        return Prospect(policy.id, rule.id, False, clean_line(stays))
    return Prospect(policy.id, rule.id, True, clean_line(_hope(rule, result, later)))


# --- what later jobs can do ---


def _is_mendable(rule: Rule) -> bool:
    """Whether a later job alone can make the rule pass, whatever happened before; and what there is may be changed until the next fetch."""
    return rule.statement.list.of_state or kind_of(rule.statement.requirement).is_mendable(rule.statement.requirement)


def _tells_age(rule: Rule) -> bool:
    """Whether a condition compares an age: what it says of a job changes as time goes by."""
    conditions: tuple[Condition, ...] = (rule.statement.where, rule.statement.requirement.condition)
    return any(comparison.operator in AGE_OPERATORS for condition in conditions for comparison in comparisons(condition))


def _hope(rule: Rule, result: RuleResult, later: _Later) -> str:
    """What may make a rule pass."""
    if any(not entry.complete for entry in _entries(rule, later.context)):
        return "a list that could not be read might be read next time"
    noun = rule.statement.list.noun
    if has_kind(result.reasons, ReasonKind.NOTHING_TO_JUDGE):
        return f"no {noun} matches it yet: check the names in the rule"
    progress = sum(not later.is_settled(dataset, record) for dataset, record in later.records(rule))
    running = f"{counted(progress, noun)} {'is' if progress == 1 else 'are'} in progress" if progress else ""
    if _is_mendable(rule) or result.verdict is Verdict.INCONCLUSIVE:
        return f"{running}, and a later one might come" if running else f"a later {noun} may make it pass"
    return f"{running} and might complete" if running else "what violates it leaves the window before the gate ends"


# --- evidence that does not come ---


def _entries(rule: Rule, context: Context) -> list[Coverage]:
    return [entry for entry in context.coverage if entry.dataset in rule.statement.lists_needed]


def _hopeless_evidence(scope: Scope, rule: Rule, context: Context, refused: Refused) -> str:
    """Why no later fetch brings what the rule needs; empty where one may."""
    missing = sorted(rule.statement.lists_needed - set(context.lists))
    if missing:
        return f"this run has no list of {DATASETS[missing[0]].noun}s"
    requirement = rule.statement.requirement
    if isinstance(requirement, Expectation) and (inventory := requirement.given_inventory) is not None and inventory.text not in context.inventories:
        return f"this run has no inventory {inventory.text}"
    if scope.organization:
        return "the accounts of the organization are unknown to this run, and waiting does not change that"
    start = _window_start(rule, context.as_of)
    for entry in _entries(rule, context):
        if not in_scope(scope, entry.account, entry.region):
            continue
        if not entry.complete and (entry.dataset, entry.account, entry.region) in refused:
            return f"{entry.place} was rejected again, which waiting cannot fix: {entry.reason}"
        reaches = start is None or entry.dataset != rule.statement.dataset or entry.start is None or entry.start <= start
        if entry.complete and not reaches and entry.start is not None and start is not None:
            return f"{entry.place} is covered from {iso(entry.start)} only, the window begins at {iso(start)}, and both move on together"
    return ""


def _window_start(rule: Rule, as_of: datetime) -> datetime | None:
    length = rule.statement.window_length(micros(as_of))
    return None if length is None else as_of - (length + _allowance(rule)) * MICROSECOND


def _allowance(rule: Rule) -> int:
    """Microseconds from the end of a job to the moment at which the rule judges it."""
    match rule.statement.requirement:
        case NoneMatch(recovery=Literal(value=int(allowance))) | Following(within=Literal(value=int(allowance))):
            return allowance
        case _:
            return 0


# --- what stays ---


@dataclass(frozen=True)
class _Later:
    """The open rules judged by what of the past will still be in their windows."""

    policies: Sequence[Policy]
    context: Context
    ahead: timedelta
    chosen: frozenset[tuple[str, str]]

    @cached_property
    def results(self) -> dict[tuple[str, str], RuleResult]:
        """Of the open rules with a window that does not pass by altogether, and those without one."""
        return self._judge(self.context)

    @cached_property
    def settled_results(self) -> dict[tuple[str, str], RuleResult]:
        """The same, by the jobs that have ended alone."""
        lists = {
            name: found.chosen([row for row, record in enumerate(found.records) if self.is_settled(found.dataset, record)])
            for name, found in self.context.lists.items()
        }
        return self._judge(replace(self.context, lists=lists))

    def _judge(self, context: Context) -> dict[tuple[str, str], RuleResult]:
        policies = [replace(policy, rules=tuple(self._shortened(policy))) for policy in self.policies]
        results = judge(policies, context.lists, context.coverage, context.as_of, context.backend, inventories=context.inventories)
        return {(result.policy, result.id): result for result in results}

    def _shortened(self, policy: Policy) -> Iterable[Rule]:
        ahead = self.ahead // MICROSECOND
        for rule in policy.rules:
            within = rule.statement.within
            if (policy.id, rule.id) not in self.chosen or _is_mendable(rule):
                continue
            if within is None or within.value is None:
                yield rule
            elif int(within.value) > ahead:
                yield replace(rule, statement=replace(rule.statement, within=replace(within, value=int(within.value) - ahead)))

    @staticmethod
    def is_settled(dataset: Dataset, record: Any) -> bool:
        return getattr(record, dataset.state_field) in dataset.finished

    def records(self, rule: Rule) -> list[tuple[Dataset, Any]]:
        found = self.context.lists.get(rule.statement.dataset)
        return [(found.dataset, record) for record in found.records] if found is not None else []

    @cached_property
    def _by_id(self) -> dict[tuple[str, str], list[tuple[str | None, str | None, Any]]]:
        """(account, Region, record) by dataset and id as findings state it."""
        named: defaultdict[tuple[str, str], list[tuple[str | None, str | None, Any]]] = defaultdict(list)
        for name, found in self.context.lists.items():
            for record, place in zip(found.records, found.places(), strict=True):
                if job_id := getattr(record, found.dataset.id_field):
                    named[name, clean_line(job_id)].append((*place, record))
        return named

    def jobs_of(self, rule: Rule, finding: Finding) -> list[Any]:
        """The records of the jobs of a finding, all of any one id."""
        found = []
        for job_id in finding.jobs:
            for account, region, record in self._by_id[rule.statement.dataset, job_id]:
                if finding.account in (None, account) and finding.region in (None, region):
                    found.append(record)
        return found


def _staying(rule: Rule, result: RuleResult, later: _Later) -> str:
    """What violates the rule, or may, now and until the later moment whatever happens; empty where nothing is certain to."""
    key = (rule.policy, rule.id)
    then = later.results.get(key)
    if then is None:
        return ""
    if result.verdict is Verdict.FAIL:
        return next(filter(None, (_stays(rule, finding, later) for finding in then.open_findings if finding.subject != NO_JOBS)), "")
    if _may_be_filled(rule, later, None):
        return ""
    unknown = min(then.possible, later.settled_results[key].possible)
    return f"what {counted(unknown, 'job or group')} that could violate it lacks will not be recorded later: {result.reason}" if unknown else ""


def _stays(rule: Rule, finding: Finding, later: _Later) -> str:
    """Why a finding stays; empty where it may go."""
    jobs = later.jobs_of(rule, finding)
    sure = [record for record in jobs if _is_sure(rule, record, later)]
    staying = Staying(
        rule,
        finding,
        len(jobs),
        len(sure),
        tell_job=lambda: _tell_job(rule, finding, sure[0], later),
        may_be_filled=lambda: _may_be_filled(rule, later, finding),
    )
    return kind_of(rule.statement.requirement).tell_staying(staying)


def _is_sure(rule: Rule, record: Any, later: _Later) -> bool:
    """Whether what the rule says of a job is final: it has ended, or the rule asks for nothing that changes."""
    dataset = rule.statement.list
    if later.is_settled(dataset, record):
        return True
    requirement = rule.statement.requirement
    if _allowance(rule) or rule.qualifiers.clock not in _FIXED_CLOCKS or not _are_fixed(fields_of(rule.statement.where)):
        return False
    names = fields_of(requirement.condition)
    if isinstance(requirement, Expectation) or "Duration" not in names:
        return _are_fixed(names)
    # What is past its limit so far stays past it, once it counts from where it will count.
    return _are_fixed(names - {"Duration"}) and ("InitiationDate" not in dataset.fields or record.InitiationDate is not None)


def _are_fixed(names: Iterable[str]) -> bool:
    return all(name in _FIXED or name.startswith("Tags.") for name in names)


def _may_be_filled(rule: Rule, later: _Later, finding: Finding | None) -> bool:
    """Whether a job in progress may yet fill a gap, or break a streak: one of the subject, where the groups are resources."""
    requirement = rule.statement.requirement
    if not kind_of(requirement).may_be_filled:
        return False
    own = finding is not None and isinstance(requirement, Expectation) and RESOURCE in requirement.per
    return any(
        not later.is_settled(dataset, record) and (not own or finding is None or clean_line(getattr(record, dataset.resource_field) or "") == finding.subject)
        for dataset, record in later.records(rule)
    )


def _tell_job(rule: Rule, finding: Finding, record: Any, later: _Later) -> str:
    """`FAILED backup job j2 of arn:... stays in the window until 2026-11-20T07:00:00Z`."""
    dataset = rule.statement.list
    state = getattr(record, dataset.state_field) or ""
    job = f"{state} {dataset.noun} {getattr(record, dataset.id_field)} of {finding.subject}"
    if not later.is_settled(dataset, record):
        return f"{job} violates it, however the job ends"
    within = rule.statement.within
    if within is None or within.value is None:
        return f"{job} stays: the rule has no window that it could leave"
    leaves = _leaves_at(rule, record, int(within.value))
    return f"{job} stays in the window" + (f" until {iso(moment(leaves).replace(microsecond=0))}" if leaves is not None else "") + ", and the gate ends before"


def _leaves_at(rule: Rule, record: Any, length: int) -> int | None:
    """When a job leaves the rule's window, in microseconds; None where its record does not say."""
    clock = rule.qualifiers.clock
    told = getattr(record, clock, None) if clock is not None else end_of(rule.statement.list, record)
    return None if told is None else int(told) + _allowance(rule) + length
