"""Hypothesis strategies of the rules of groups, schedules and following jobs, bound and ready to be judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache

from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS, JOB_LISTS, Dataset
from policycheck.errors import Location
from policycheck.policy.calendars import CalendarUnit
from policycheck.policy.conditions import And, Comparison, Condition, Literal, Not, Operator, Or, bind, conjunction
from policycheck.policy.literals import parse_duration, parse_factor, parse_share
from policycheck.policy.measures import SHAPES, Limit, Measure
from policycheck.policy.model import (
    EVERY_JOB,
    RESOURCE,
    AllMatch,
    Calendar,
    Expectation,
    Following,
    JobChoice,
    NoData,
    NoneMatch,
    Qualifiers,
    Requirement,
    Rule,
    Scope,
    Statement,
    SubjectShare,
    WaiverGrant,
)
from policycheck.policy.waivers import waivable_fields
from policycheck.result import Waiver
from tests.evidence.agreement import AS_OF_TIME
from tests.evidence.jobs import conditions as any_conditions
from tests.evidence.jobs import optional_conditions

CLEAN = bind(Comparison("Outcome", Operator.IS, (Literal("clean"),)), BACKUP_JOBS, lambda *_: None)
_DURATIONS = ["12h", "24h", "2d", "5d", "9d"]


_SAID = [choice for choice in JobChoice if choice.value in {"all", "top_level", "members"}]
"""What a rule can say of `jobs`; only those that count can leave it open."""


def _refuse(place: Location, message: str, hint: str) -> None:
    raise AssertionError(f"{message} {hint}")


def _is(name: str, *texts: str) -> Condition:
    return Comparison(name, Operator.IS, tuple(Literal(text) for text in texts))


def _leaves(dataset: Dataset) -> list[Condition]:
    """Conditions that these lists meet and miss."""
    state = dataset.state_field
    leaves = [_is(state, "COMPLETED"), _is(state, "FAILED"), _is("ResourceType", "EC2"), _is("Account", "111122223333"), _is("Region", "eu-west-1")]
    leaves += [_is("Duration", "1h"), Comparison("Duration", Operator.AT_MOST, (Literal("8h"),)), Comparison("ResourceArn", Operator.CONTAINS, (Literal("1"),))]
    leaves += [
        _is("in_inventory", "prod"),
        _is("Tags.env", "prod"),
        _is("AccountName", "Prod"),
        Comparison("in_inventory", Operator.PRESENT, (Literal("true"),)),
        Comparison("IamRoleArn", Operator.IN_INVENTORY, (Literal("prod"),)),
        Comparison("Running", Operator.LOCAL_TIME, (Literal("after 05:00 in Europe/Berlin"),)),
        Comparison("CompletionDate", Operator.LOCAL_TIME, (Literal("on Monday or Sunday in America/New_York"),)),
    ]
    return leaves if state == "Status" else [*leaves, _is("Outcome", "clean")] * 2


@cache
def conditions(dataset: Dataset) -> st.SearchStrategy[Condition]:
    """One of the leaves, denied, or two of them; bound."""
    leaves = st.sampled_from(_leaves(dataset))
    pairs = st.lists(leaves, min_size=2, max_size=2)
    made = leaves | leaves | leaves.map(Not) | pairs.map(conjunction) | pairs.map(lambda parts: Or(tuple(parts)))
    return made.map(lambda condition: bind(condition, dataset, _refuse))


@cache
def _optional_conditions(dataset: Dataset) -> st.SearchStrategy[Condition]:
    return st.just(And()) | st.just(And()) | conditions(dataset)


def _duration(text: str) -> Literal:
    return Literal(text, value=parse_duration(text))


_BOTH = [Operator.AT_LEAST, Operator.AT_MOST, Operator.MORE_THAN, Operator.LESS_THAN]
_UPPER = [Operator.AT_MOST, Operator.LESS_THAN]


@st.composite
def _limits(draw: st.DrawFn, measure: Measure) -> tuple[Operator | None, Literal | None]:
    match measure:
        case Measure.LATEST:
            return None, None
        case Measure.SHARE:
            operator = draw(st.sampled_from(_BOTH))
            # A limit that any share keeps, or none, is refused.
            ends = {Operator.AT_LEAST: "100%", Operator.LESS_THAN: "100%", Operator.AT_MOST: "0%", Operator.MORE_THAN: "0%"}
            text = draw(st.sampled_from([ends[operator], "33.3%", "50%", "99%"]))
            return operator, Literal(text, value=parse_share(text))
        case Measure.SIZE_DROP | Measure.SIZE_GROWTH:
            text = draw(st.sampled_from(["10%", "50%", "90%"]))
            return draw(st.sampled_from(_UPPER)), Literal(text, value=parse_share(text))
        case Measure.SLOWDOWN:
            text = draw(st.sampled_from(["1x", "1.5x", "2x", "3x"]))
            return draw(st.sampled_from(_UPPER)), Literal(text, value=parse_factor(text))
        case Measure.NEWEST | Measure.LONGEST_GAP:
            return draw(st.sampled_from(_UPPER)), _duration(draw(st.sampled_from(_DURATIONS)))
        case _:
            operator = draw(st.sampled_from(_UPPER if measure is Measure.MISSED_RUNS else _BOTH))
            # Fewer than none, and none at least, are refused.
            number = draw(st.integers(operator in {Operator.LESS_THAN, Operator.AT_LEAST}, 3))
            return operator, Literal(str(number), value=number)


@st.composite
def _calendars(draw: st.DrawFn) -> tuple[Operator, Literal, Calendar]:
    """Some of the last days or weeks; the estates are of ten days, so that a month is never there."""
    unit = draw(st.sampled_from([CalendarUnit.DAYS, CalendarUnit.DAYS, CalendarUnit.DAYS, CalendarUnit.WEEKS]))
    last = draw(st.integers(1, 8 if unit is CalendarUnit.DAYS else 1))
    least = draw(st.integers(1, last))
    zone = draw(st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati"]))
    calendar = Calendar(unit, Literal(str(last), value=last), Literal(zone, value=zone))
    return Operator.AT_LEAST, Literal(str(least), value=least), calendar


@st.composite
def expectations(draw: st.DrawFn, dataset: Dataset, measure: Measure) -> Expectation:
    others = ["BackupVaultArn", "ResourceType", "Account", "Region", "CreatedBy.BackupPlanId", "DestinationBackupVaultArn"]
    own = [name for name in others if dataset.field(name) is not None]
    per = draw(st.sampled_from([(), (RESOURCE,), (RESOURCE,), (RESOURCE,), *((name,) for name in own), *((RESOURCE, name) for name in own), tuple(own[:2])]))
    calendar: Calendar | None = None
    operator: Operator | None
    limit: Literal | None
    if measure is Measure.CALENDAR:
        operator, limit, calendar = draw(_calendars())
    else:
        operator, limit = draw(_limits(measure))
    if measure is Measure.MISSED_RUNS:
        return Expectation(measure, operator=operator, limit=limit)
    if SHAPES[measure].each_resource and RESOURCE not in per:
        per = (RESOURCE,)
    inventory = draw(st.sampled_from([None, None, None, Literal("prod", value="prod"), Literal("gone", value="gone")])) if RESOURCE in per else None
    usual = [EVERY_JOB] if SHAPES[measure].of_any else [CLEAN] if SHAPES[measure].each_resource else []
    chosen = draw(st.sampled_from(usual) | conditions(dataset) if usual else conditions(dataset))
    asked = Expectation(measure, chosen, operator, limit, per, inventory, calendar)
    return draw(_shared_or_warned(asked))


@st.composite
def _shared_or_warned(draw: st.DrawFn, asked: Expectation) -> Expectation:
    """Sometimes of a share of its subjects alone, or with a softer limit."""
    shape = SHAPES[asked.measure]
    if shape.of_share and asked.per and draw(st.integers(0, 2)) == 0:
        text = draw(st.sampled_from(["33.3%", "50%", "95%"]))
        return replace(asked, share=SubjectShare(draw(st.sampled_from([Operator.AT_LEAST, Operator.MORE_THAN])), Literal(text, value=parse_share(text))))
    softer = [
        text for text in ("1h", *_DURATIONS) if asked.limit is not None and shape.limit is Limit.DURATION and parse_duration(text) < int(asked.limit.value or 0)
    ]
    if softer and draw(st.integers(0, 2)) == 0:
        return replace(asked, warning=_duration(draw(st.sampled_from(softer))))
    return asked


@st.composite
def job_rules(draw: st.DrawFn, number: int = 0) -> Rule:
    """`none` and `all` over backup jobs."""
    condition, where = bind(draw(any_conditions()), BACKUP_JOBS, _refuse), bind(draw(optional_conditions()), BACKUP_JOBS, _refuse)
    recovery = draw(st.sampled_from([None, None, "1h", "24h", "2d"]))
    kinds: list[Requirement] = [NoneMatch(condition, None if recovery is None else _duration(recovery)), NoneMatch(condition), AllMatch(condition)]
    requirement = draw(st.sampled_from(kinds))
    limit = draw(st.sampled_from([None, "24h", "1h", "2d"]))
    within = None if limit is None else _duration(limit)
    recovers = isinstance(requirement, NoneMatch) and requirement.recovery is not None
    clock = draw(st.sampled_from([None, None, "CreationDate", "CompletionDate", "StartBy"])) if within and not recovers else None
    qualifiers = Qualifiers(clock, draw(st.sampled_from(_SAID)), draw(st.sampled_from(NoData)))
    return Rule(f"r{number}", "p", Statement(requirement, where, within), qualifiers, "", Location("p.yaml"))


@cache
def scopes() -> st.SearchStrategy[Scope]:
    accounts = st.sampled_from([(), ("111122223333",), ("111122223333", "444455556666")])
    regions = st.sampled_from([(), ("eu-west-1",), ("eu-west-1", "us-east-1")])
    excused = st.sampled_from([(), ("444455556666",), ("444455556666/us-east-1", "111122223333/us-east-1"), ("111122223333",)])
    return st.builds(Scope, accounts, regions, excused)


WIDE = (AS_OF_TIME - timedelta(days=40), AS_OF_TIME)
CLAIMS = st.sampled_from([None, WIDE, (AS_OF_TIME - timedelta(hours=3), AS_OF_TIME + timedelta(hours=3))])


FOLLOWERS = [("backup_jobs", "copy_jobs"), ("backup_jobs", "restore_jobs"), ("copy_jobs", "copy_jobs"), ("copy_jobs", "restore_jobs")]


@st.composite
def group_rules(draw: st.DrawFn, measure: Measure, number: int = 0) -> Rule:
    """A rule of that measure on any list it can be of."""
    lists = SHAPES[measure].lists or tuple(JOB_LISTS)
    dataset = JOB_LISTS["backup_jobs" if measure is Measure.MISSED_RUNS else draw(st.sampled_from(["backup_jobs", "backup_jobs", *lists]))]
    needed, refused = measure in {Measure.LONGEST_GAP, Measure.MISSED_RUNS}, measure in {Measure.NEWEST, Measure.CALENDAR}
    within = None if refused or not (needed or draw(st.booleans())) else _duration(draw(st.sampled_from(_DURATIONS)))
    clock = draw(st.sampled_from([None, None, "CreationDate", "CompletionDate"])) if within and not needed else None
    return _rule(draw, number, draw(expectations(dataset, measure)), dataset, within, clock)


@st.composite
def following_rules(draw: st.DrawFn, number: int = 0) -> Rule:
    dataset, other = draw(st.sampled_from(FOLLOWERS))
    condition = draw(st.just(And()) | conditions(JOB_LISTS[other]))
    within = _duration(draw(st.sampled_from(_DURATIONS))) if draw(st.booleans()) else None
    return _rule(draw, number, Following(other, condition, _duration(draw(st.sampled_from(_DURATIONS)))), JOB_LISTS[dataset], within, None)


def _rule(draw: st.DrawFn, number: int, requirement: Requirement, dataset: Dataset, within: Literal | None, clock: str | None) -> Rule:
    where = draw(_optional_conditions(dataset))
    counts = isinstance(requirement, Expectation) and requirement.measure in {Measure.COUNT, Measure.SHARE}
    said = [JobChoice.ALL, JobChoice.ALL, *_SAID]
    qualifiers = Qualifiers(clock, draw(st.sampled_from(sorted(JobChoice) if counts else said)), draw(st.sampled_from(NoData)))
    return Rule(f"r{number}", "p", Statement(requirement, where, within, dataset.name), qualifiers, "", Location("p.yaml"))


_WAIVABLE = {
    RESOURCE: (Operator.CONTAINS, "i-1", "rds"),
    "Account": (Operator.IS, "111122223333", "444455556666"),
    "Region": (Operator.IS, "eu-west-1", "us-east-1"),
    "ResourceType": (Operator.IS, "ec2", "RDS"),
    "State": (Operator.IS, "FAILED", "RUNNING"),
    "Status": (Operator.IS, "FAILED", "RUNNING"),
    "BackupVaultArn": (Operator.ENDS_WITH, "prod", "dr"),
    "DestinationBackupVaultArn": (Operator.ENDS_WITH, "prod", "dr"),
    "CreatedBy.BackupPlanId": (Operator.IS, "p", "q"),
    "CreatedBy.BackupPlanArn": (Operator.ENDS_WITH, "p", "q"),
    "Tags.env": (Operator.IS, "prod", "test"),
    "Duration": (Operator.AT_MOST, "1h", "30h"),
}
"""Operators and values with which a waiver names a field."""


def _matches(rule: Rule) -> st.SearchStrategy[Condition | None]:
    dataset, fields = JOB_LISTS[rule.statement.dataset], waivable_fields(rule)
    return _matches_of(dataset, tuple(name for name in _WAIVABLE if dataset.field(name) is not None and (fields is None or name in fields)))


@cache
def _matches_of(dataset: Dataset, named: tuple[str, ...]) -> st.SearchStrategy[Condition | None]:
    compared = [Comparison(name, operator, (Literal(text),)) for name in named for operator, *texts in [_WAIVABLE[name]] for text in texts]
    told = [Comparison(name, Operator.PRESENT, (Literal(text),)) for name in named for text in ("true", "false")]
    # Many waivers must meet a finding, or nothing is told of them.
    leaves = st.sampled_from(compared) | st.sampled_from(compared).map(Not) | st.sampled_from(told)
    pairs = st.lists(leaves, min_size=2, max_size=2)
    made = leaves | leaves | pairs.map(conjunction) | pairs.map(lambda parts: Or(tuple(parts)))
    match = made.map(lambda condition: bind(condition, dataset, _refuse))
    return st.none() | match | match | match


@st.composite
def waivers(draw: st.DrawFn, rule: Rule) -> WaiverGrant:
    """A waiver of that rule, mostly in force: from today, until today, expired yesterday, or not before tomorrow."""
    match = draw(_matches(rule))
    first, last = draw(st.sampled_from([(0, 30), (-30, 0), (0, 0), (-3, 3), (-30, -1), (1, 30)]))
    granted, expires = ((AS_OF_TIME + timedelta(days=days)).date() for days in (first, last))
    signed = Waiver("known", "ops", granted.isoformat(), expires.isoformat())
    return WaiverGrant(rule.policy, rule.id, match, signed, granted, expires, Location("p.yaml"))


@st.composite
def waiver_lists(draw: st.DrawFn, rules: tuple[Rule, ...]) -> list[WaiverGrant]:
    """Up to two waivers of each rule."""
    return [waiver for rule in rules for waiver in draw(st.lists(waivers(rule), max_size=2))]
