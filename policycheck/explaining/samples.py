"""A small job list that a rule finds fault with, and one that it does not: made from its conditions, and judged before anyone sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, assert_never

from policycheck.datasets import Presence
from policycheck.engine.backends.interface import Backend
from policycheck.engine.kinds.registry import measurement_of
from policycheck.engine.links.definitions import LINKS
from policycheck.engine.measurement import SampleJobs
from policycheck.errors import Location
from policycheck.explaining.solutions import SAMPLED_AT, Guess, When, build_job, list_resource, solve, something, spell_age
from policycheck.finding import NO_JOBS
from policycheck.pipeline import run
from policycheck.policy.conditions import Condition, Literal
from policycheck.policy.document import Document, Entries, Items, Node, Text
from policycheck.policy.model import LISTED_INVENTORY, AllMatch, Expectation, Following, JobChoice, NoneMatch, Policy, Rule, Scope
from policycheck.policy.shape import check_shape
from policycheck.result import RuleResult, Verdict
from policycheck.testing.document import REACH, read_evidence
from policycheck.testing.jobs import ACCOUNT, REGION, resource_arn
from policycheck.testing.schema import LISTS, TestsEntry
from policycheck.units import DAY, HOUR, round_down

AS_OF = SAMPLED_AT
"""When samples are judged."""
_MOST_TRIED = 60
_KEYS = {dataset: key for key, dataset in LISTS.items()}
_NOWHERE = Location("sample")

Entry = dict[str, Any]
"""A test of a policy, as a test file has it, without what it expects."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A job list, and what the engine says of it."""

    entry: Mapping[str, Any]
    """Lists, inventories and coverage, as they stand in a test file."""
    result: RuleResult
    scope: Scope
    """What was declared when it was judged: of the policy's scope, the place of its jobs."""


def find_sample(policy: Policy, rule: Rule, backend: Backend, wanted: Verdict) -> Sample | None:
    """A sample that the engine gives this verdict, `fail` or `pass`, on account of its jobs; None where none was found."""
    makers = {Verdict.FAIL: _failing, Verdict.PASS: _passing}
    for entry in islice(_with_companions(makers[wanted](rule), rule), _MOST_TRIED):
        sample = judge_sample(policy, rule, _in_scope(entry, policy.scope), backend)
        if sample is not None and _is_wanted(sample.result, wanted) and _can_stand(sample.entry):
            return sample
    return None


def _can_stand(entry: Mapping[str, Any]) -> bool:
    """Whether a test file can hold it: no inventory of a run is called `:`."""
    return not check_shape(TestsEntry, as_node({**entry, "as_of": "now", "expect": {"rule": "pass"}}))


def _is_wanted(result: RuleResult, wanted: Verdict) -> bool:
    if result.verdict is not wanted:
        return False
    # What `no_data` makes of an empty list is no sample of anything.
    return all(finding.subject != NO_JOBS for finding in result.findings) if wanted is Verdict.FAIL else bool(result.examined or result.subjects)


def judge_sample(policy: Policy, rule: Rule, entry: Mapping[str, Any], backend: Backend) -> Sample | None:
    """What the engine says of a rule and a sample; None where no job could be so."""
    node = as_node(entry)
    if not isinstance(node, Entries):
        return None
    document = Document("sample", [], node)
    scope = _narrowed(policy.scope, entry)
    alone = replace(policy, rules=(rule,), waivers=(), scope=scope)
    evidence = read_evidence(node, node, alone, AS_OF, document)
    if document.diagnostics:
        return None
    (result,) = run([alone], evidence, as_of=AS_OF, fail_on=None, backend=backend).rules
    return Sample(entry, result, scope)


def as_node(value: Any) -> Node:
    """Plain values as what a file of the same text reads as."""
    if isinstance(value, Mapping):
        return Entries({str(key): (Text(str(key), _NOWHERE), as_node(item)) for key, item in value.items()}, _NOWHERE)
    if isinstance(value, list | tuple):
        return Items(tuple(as_node(item) for item in value), _NOWHERE)
    return Text(str(value), _NOWHERE)


def _narrowed(scope: Scope, entry: Mapping[str, Any]) -> Scope:
    """The declared place of the sample's first job: a sample of every account would be no small one."""
    job: Mapping[str, Any] = next((job for key in LISTS for job in entry.get(key, ())), {})
    accounts = tuple(name for name in scope.accounts if name == job.get("Account", ACCOUNT)) or scope.accounts[:1]
    regions = tuple(name for name in scope.regions if name == job.get("Region", REGION)) or scope.regions[:1]
    return Scope(accounts, regions, scope.may_be_empty)


def _with_companions(entries: Iterator[Entry], rule: Rule) -> Iterator[Entry]:
    """Each sample, and the same beside a job that has what only newer clients save and the sample's jobs lack: where no job has it, it is unknown."""
    dataset, key = rule.statement.list, _KEYS[rule.statement.dataset]
    for entry in entries:
        yield entry
        lacking = [name for job in entry.get(key, ()) for name in job.get("without", ()) if name in dataset.fields]
        since = {name: something(dataset.fields[name]) for name in lacking if dataset.fields[name].presence is Presence.SINCE}
        if since:
            yield {**entry, key: [*entry[key], {**since, "CreationDate": "-30d"}]}


# What fails


def _failing(rule: Rule) -> Iterator[Entry]:
    statement = rule.statement
    match statement.requirement:
        case NoneMatch(condition=condition):
            yield from _single(rule, [(statement.where, True), (condition, True)])
        case AllMatch(condition=condition):
            yield from _single(rule, [(statement.where, True), (condition, False)])
        case Expectation() as expected:
            yield from _measured(rule, expected, keeps=False)
        case Following() as following:
            yield from _followed(rule, following, follows=False)
        case _:
            assert_never(statement.requirement)


def _passing(rule: Rule) -> Iterator[Entry]:
    statement = rule.statement
    match statement.requirement:
        case NoneMatch(condition=condition):
            yield from _single(rule, [(statement.where, True), (condition, False)])
        case AllMatch(condition=condition):
            yield from _single(rule, [(statement.where, True), (condition, True)])
        case Expectation() as expected:
            yield from _measured(rule, expected, keeps=True)
        case Following() as following:
            yield from _followed(rule, following, follows=True)
        case _:
            assert_never(statement.requirement)


def _length(literal: Literal | None) -> int | None:
    return int(literal.value) if literal is not None and literal.value is not None else None


def _single(rule: Rule, wanted: Sequence[tuple[Condition, bool]]) -> Iterator[Entry]:
    """Samples of one job."""
    requirement, window = rule.statement.requirement, _length(rule.statement.window)
    recovery = _length(requirement.recovery) if isinstance(requirement, NoneMatch) else None
    if recovery is not None:
        when = When(ended=recovery + (HOUR if window is None else round_down(min(window // 2, HOUR))))
    else:
        when = When(created=2 * HOUR if window is None else round_down(min(window // 2, 2 * HOUR)))
    for guess in solve(wanted, rule.statement.list):
        yield _entry(rule, [_job(rule, guess, when)], guess)


def _job(rule: Rule, guess: Guess, when: When, **more: Any) -> dict[str, Any]:
    """A job of the rule's list, with what `jobs` and `clock` ask of it."""
    job = build_job(guess, rule.statement.list, when)
    if rule.qualifiers.jobs is JobChoice.MEMBERS:
        job.setdefault("ParentJobId", "parent-1")
    clock, window = rule.qualifiers.clock, _length(rule.statement.window)
    if clock and window is not None and clock not in {"CreationDate", "InitiationDate", "CompletionDate"}:
        job.setdefault(clock, f"-{spell_age(round_down(window // 2))}")
    return job | more


def _entry(rule: Rule, jobs: Sequence[Mapping[str, Any]], guess: Guess, *, reach: int = 0, others: Mapping[str, list[dict[str, Any]]] | None = None) -> Entry:
    """A sample of these jobs, all in scope where they do not say where they are, with the inventories it needs."""
    dataset, requirement = rule.statement.list, rule.statement.requirement
    needed = max(reach, 2 * (_length(rule.statement.window) or 0))
    entry: Entry = {"covers": f"{needed // DAY + 2}d"} if needed >= REACH.days * DAY else {}
    named = requirement.given_inventory.text if isinstance(requirement, Expectation) and requirement.given_inventory is not None else None
    place = f"{guess.get('Region', REGION)}:{guess.get('Account', ACCOUNT)}"
    arn = guess.get(dataset.resource_field) or resource_arn(guess.get("ResourceType") or "EC2", "sample", place)
    inventories = list_resource(guess, arn, named)
    alike = [dict(job) for job in jobs]
    if len(alike) > 1 or inventories:
        for job in alike:
            job.setdefault(dataset.resource_field, arn)
    if isinstance(requirement, Expectation) and requirement.inventory != requirement.given_inventory:
        for job in alike:
            job.setdefault(dataset.resource_field, arn)
        entry |= {_KEYS[LISTED_INVENTORY]: [{"ResourceArn": arn}]}
    for name, more in (others or {}).items():
        alike += more if name == _KEYS[dataset.name] else []
        entry |= {name: more}
    return entry | {_KEYS[dataset.name]: alike} | ({"inventories": inventories} if inventories else {})


def _in_scope(entry: Entry, scope: Scope) -> Entry:
    """The same sample, in a place that the policy declares."""
    place = {
        name: declared[0]
        for name, declared, own in (("Account", scope.accounts, ACCOUNT), ("Region", scope.regions, REGION))
        if declared and own not in declared
    }
    return {key: [place | job for job in value] if key in LISTS else value for key, value in entry.items()} if place else entry


# Groups


def _measured(rule: Rule, expected: Expectation, *, keeps: bool) -> Iterator[Entry]:
    wanted = measurement_of(expected).sample(expected, _length(rule.statement.window), keeps=keeps)
    conditions = [(rule.statement.where, True), (expected.condition, wanted.matching)]
    if wanted.created is None:
        yield from _single(rule, conditions)
        return
    repeat = {"repeat": {"every": spell_age(wanted.every), "times": str(wanted.times)}} if wanted.every is not None and wanted.times > 1 else {}
    told = _spelled(wanted.members, rule)
    for guess in solve(conditions, rule.statement.list):
        jobs = [told | _job(rule, guess, When(created=wanted.created)) | repeat]
        if wanted.before:
            jobs = [*jobs, *_before(wanted, rule, jobs[0])]
        yield _entry(rule, jobs, guess, reach=wanted.reach)


def _spelled(members: Mapping[str, str | int], rule: Rule) -> dict[str, Any]:
    own = rule.statement.list.fields
    return {name: value if isinstance(value, str) else f"-{spell_age(value)}" for name, value in members.items() if name in own}


def _before(wanted: SampleJobs, rule: Rule, job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The jobs that one is compared with: as it, but for what is said of them, a day from one to the next."""
    for number in range(wanted.before_times):
        moved = {name: value if isinstance(value, str) else value + number * DAY for name, value in wanted.before.items()}
        yield {**job, **_spelled(moved, rule)}


# Following jobs


def _followed(rule: Rule, following: Following, *, follows: bool) -> Iterator[Entry]:
    window, allowance = _length(rule.statement.window), _length(following.within) or HOUR
    # So soon that what follows need not be followed itself, where it is of the same list.
    past = round_down(min(HOUR if window is None else window // 2, HOUR, allowance // 4))
    link = LINKS[rule.statement.dataset, following.dataset][0]
    name = "job-1" if link.placed else f"arn:aws:backup:{REGION}:{ACCOUNT}:recovery-point:point-1"
    for guess in solve([(rule.statement.where, True)], rule.statement.list):
        job = _job(rule, guess, When(ended=past + allowance), **{link.job: name})
        if not follows:
            yield _entry(rule, [job], guess)
            continue
        for other in islice(solve([(following.condition, True)], following.list), 10):
            done = past + allowance // 2
            follower = build_job(other, following.list, When(ended=round_down(done)))
            follower |= {"CreationDate": f"-{spell_age(past + allowance)}", "CompletionDate": f"-{spell_age(done)}", link.follower: name}
            yield _entry(rule, [job], guess, others={_KEYS[following.dataset]: [follower]})
