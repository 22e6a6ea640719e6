"""What a rule means, in words: whom it judges, what would make it fail, what it needs to know, and when it cannot tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from policycheck.datasets import DATASETS, DEFAULT, Dataset, Presence
from policycheck.engine.case import fields_decisive
from policycheck.engine.kinds.registry import measurement_of, open_case
from policycheck.engine.measurement import Asked
from policycheck.policy.conditions import Condition, comparisons, fields_of
from policycheck.policy.model import EVERY_JOB, RESOURCE, AllMatch, Expectation, Following, JobChoice, NoData, NoneMatch, Rule, Scope, Statement
from policycheck.policy.operators import CLOCK_OPERATORS, OPERATORS, Operator
from policycheck.policy.phrases import grouped, spell_conditions
from policycheck.text import clean_line

Lines = list[tuple[str, str]]
"""(heading, text)."""


def describe_population(rule: Rule, scope: Scope) -> Lines:
    """Which jobs a rule judges: the list, the conditions, the window, composite jobs, the scope, and who the subjects are."""
    statement = rule.statement
    dataset = statement.list
    where = "every job" if statement.where == EVERY_JOB else f"with {_said(statement.where)}"
    lines = [("list", f"{dataset.noun}s ({dataset.operation})"), ("where", where), ("window", _window(rule)), ("jobs", _JOBS[rule.qualifiers.jobs])]
    lines.append(("scope", _scope(scope)))
    if isinstance(statement.requirement, Expectation):
        lines.append(("subjects", _subjects(statement.requirement, dataset)))
    return lines


def _said(condition: Condition) -> str:
    return clean_line(spell_conditions(condition))


_JOBS = {
    JobChoice.ALL: "all records: plain jobs, composite jobs and their child jobs",
    JobChoice.TOP_LEVEL: "records without ParentJobId, so a composite job counts once",
    JobChoice.ONCE: "all records; a child job is left out if its parent counts and has the same result",
    JobChoice.MEMBERS: "only child jobs (records with a ParentJobId)",
}


def _window(rule: Rule) -> str:
    statement, length = rule.statement, rule.statement.window
    allowance = allowance_of(rule)
    begins = f"{_start(statement)} to as_of, both included" if length else "up to as_of"
    if allowance:
        return f"jobs whose deadline, {allowance} after their end, lies {begins}; a job in progress has none yet"
    if length is None:
        return "none: the whole coverage"
    if rule.qualifiers.clock:
        return f"{rule.qualifiers.clock} {begins}"
    if isinstance(statement.requirement, Expectation) and open_case(0, rule, Scope()).by_creation:
        return measurement_of(statement.requirement).describe_window(begins)
    return f"created, ended or still running {begins}, so a job that began before the window and ended in it counts"


def allowance_of(rule: Rule) -> str:
    """How long after its end a job's deadline is, as the author wrote it; empty where it has none."""
    match rule.statement.requirement:
        case NoneMatch(recovery=recovery):
            return recovery.text if recovery else ""
        case Following(within=within):
            return within.text
        case AllMatch() | Expectation():
            return ""
        case _:
            assert_never(rule.statement.requirement)


def _scope(scope: Scope) -> str:
    if not scope.declared:
        return "none declared: all accounts and Regions in the lists"
    accounts = "the accounts of the organization" if scope.organization else ", ".join(scope.accounts)
    declared = " in ".join(filter(None, [accounts, ", ".join(scope.regions)]))
    return clean_line(f"{declared}; each must be covered" + (f", can be empty: {', '.join(scope.may_be_empty)}" if scope.may_be_empty else ""))


def _subjects(expected: Expectation, dataset: Dataset) -> str:
    return measurement_of(expected).describe_subjects(_named_subjects(expected, dataset))


def _named_subjects(expected: Expectation, dataset: Dataset) -> str:
    if not expected.per:
        return "all these jobs as one group"
    if expected.inventory is not None:
        return f"every entry of the inventory {clean_line(expected.inventory.text)} that these conditions do not rule out, whether or not a job names it"
    every = f"every {grouped(expected.per, None, dataset)}"
    return f"{every} that a backup job names, at any time of the coverage" if RESOURCE in expected.per else f"{every} that a {dataset.noun} names"


def describe_failure(rule: Rule) -> Iterator[str]:
    """What would make it fail, a sentence each."""
    requirement, noun = rule.statement.requirement, rule.statement.list.noun
    match requirement:
        case NoneMatch(condition=condition, recovery=recovery):
            yield f"one {noun} of these that has {_said(condition)}"
            if recovery is not None:
                yield f"unless a clean {noun} of the same resource and vault was created after it, and completed at most {recovery.text} after its end"
        case AllMatch(condition=condition):
            yield f"one {noun} of these that does not have {_said(condition)}"
            if open_case(0, rule, Scope()).leaves_out_progress:
                yield "a job in progress is undecided and left out, unless it is overdue"
        case Expectation():
            if requirement.share is not None:
                allowed = f"{OPERATORS[requirement.share.operator].test} {requirement.share.limit.text}"
                yield f"too many of these, so that not {allowed} of all {grouped(requirement.per, None, rule.statement.list, several=True)} keep it:"
            yield _failing_measure(requirement, rule.statement.list)
            if requirement.warning is not None:
                yield f"between {requirement.warning.text} and the limit, the finding has severity low"
            if open_case(0, rule, Scope()).excuses_new and rule.statement.window is not None:
                yield "a resource whose first backup job was created in the window is new; below the limit it is pending if every job matches"
        case Following(condition=condition, within=within):
            with_ = "" if condition == EVERY_JOB else f" with {_said(condition)}"
            yield f"one {noun} of these without a {requirement.list.noun}{with_} that names it and has COMPLETED at most {within.text} after its end"
            yield "a job is pending until its deadline"
        case _:
            assert_never(requirement)
    if "Duration" in fields_of(requirement.condition) and not isinstance(requirement, Expectation | Following):
        yield "a job in progress violates as soon as its time so far exceeds the limit"
    asked = {one.field for one in comparisons(requirement.condition) if one.operator in CLOCK_OPERATORS}
    if not isinstance(requirement, Expectation | Following) and asked & {"InitiationDate", "CompletionDate", "Running"}:
        yield "a job in progress might still start or end at the right time"


def _failing_measure(expected: Expectation, dataset: Dataset) -> str:
    one = f"one {grouped(expected.per, None, dataset)}" if expected.per else "the group"
    limit = OPERATORS[expected.operator].broken.format(expected.limit.text) if expected.operator and expected.limit else ""
    limit += f" of {clean_line(expected.calendar.words)}" if expected.calendar else ""
    return measurement_of(expected).describe_failure(Asked(one, dataset.noun, _said(expected.condition), limit))


def _start(statement: Statement, allowance: str = "") -> str:
    """`from as_of - 24h`."""
    requirement = statement.requirement
    if isinstance(requirement, Expectation) and requirement.calendar is not None:
        return clean_line(f"from the start of {requirement.calendar.words}")
    return f"from {' - '.join(filter(None, ['as_of', statement.window.text if statement.window else '', allowance]))}"


def describe_needs(rule: Rule) -> Iterator[str]:
    """The evidence without which it cannot pass."""
    statement, length, allowance = rule.statement, rule.statement.window, allowance_of(rule)
    for name in DATASETS:
        if name not in statement.lists_needed:
            continue
        noun, actions = DATASETS[name].noun, f"backup:{DATASETS[name].operation}"
        if name != statement.dataset and isinstance(statement.requirement, Following):
            yield f"the list of {noun}s ({actions}), complete where a following job would run, from each job's end to its deadline"
        elif name != statement.dataset:
            yield f"the list of {noun}s ({actions}), complete in every account and Region in scope: it gives the resources"
        else:
            reach = f"{_start(statement, allowance)} to as_of" if length else "for any time"
            reach = "as it is at as_of" if statement.list.of_state else reach
            yield f"the list of {noun}s ({actions}), complete in every account and Region in scope, {reach}"
    inventories = [text for text in [_inventory(statement.requirement)] if text]
    inventories += sorted(set(_inventories_compared(statement)) - set(inventories))
    yield from (f"the inventory {name}: --inventory {name}=PATH" for name in inventories)
    asked = {name.partition(".")[0] for name in fields_of(statement.where) | fields_of(statement.requirement.condition)} & {
        "Tags",
        "AccountName",
        "in_inventory",
    }
    if asked:
        yield f"an inventory with {' and '.join(sorted(asked))}, which job lists do not have"


def _inventories_compared(statement: Statement) -> Iterator[str]:
    """The names of those that ARNs are looked up in."""
    for condition in (statement.where, statement.requirement.condition):
        for comparison in comparisons(condition):
            if comparison.operator is Operator.IN_INVENTORY:
                yield from (clean_line(literal.text) for literal in comparison.literals)


def _inventory(requirement: object) -> str:
    return clean_line(requirement.given_inventory.text) if isinstance(requirement, Expectation) and requirement.given_inventory is not None else ""


def describe_doubt(rule: Rule) -> Iterator[str]:
    """When it is inconclusive."""
    yield "any of that evidence is missing or incomplete, and no observed job violates"
    dataset = rule.statement.list
    case = open_case(0, rule, Scope())
    windowed = case.window_length is not None and not rule.qualifiers.clock and not case.by_creation
    fields = fields_decisive(case) | ({dataset.state_field} if windowed or case.leaves_out_progress else set())
    always = sorted(name for name in fields if (dataset.field(name) or _NO_FIELD).presence in {Presence.ALWAYS, Presence.ALWAYS_SINCE, Presence.WHEN_ENDED})
    since = sorted(name for name in fields if (dataset.field(name) or _NO_FIELD).presence is Presence.SINCE or name in {"Outcome", "Retention"})
    if always:
        yield f"a job that lacks one of these could violate: {', '.join(always)}"
    if since:
        yield f"no job in the list has one of these (old clients omit them), and a job could violate: {', '.join(since)}"
    requirement = rule.statement.requirement
    if isinstance(requirement, Expectation) and requirement.per:
        yield f"a job that might belong to it does not record its {' or '.join(requirement.per)}"
    if isinstance(requirement, Following):
        yield f"a {requirement.list.noun} that might follow lacks the job it follows, its completion time, or a field that it must match"
    if isinstance(requirement, Expectation):
        yield from measurement_of(requirement).describe_doubt()


_NO_FIELD = DEFAULT.fields["ParentJobId"]


def describe_no_data(rule: Rule) -> str:
    """What becomes of it where nothing is to be judged."""
    match rule.qualifiers.no_data:
        case NoData.INCONCLUSIVE:
            return "inconclusive: an empty population is not evidence"
        case NoData.QUIET:
            return "quiet: passes if these conditions match a job outside the window, otherwise inconclusive (a misspelled name matches none)"
        case NoData.PASS:
            return "pass: no such job is required"
        case NoData.FAIL:
            return "fail: such a job is required"
        case NoData.SKIP:
            return "skip: the rule is skipped"
        case _:
            assert_never(rule.qualifiers.no_data)
