"""Statements for property tests: every field of every list with every operator it takes, nested as deep as one likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS, DATASETS, TAGS, Dataset, Field, Kind
from policycheck.policy.calendars import CalendarUnit
from policycheck.policy.conditions import (
    Comparison,
    Condition,
    Literal,
    Or,
    conjunction,
    negation,
)
from policycheck.policy.grouping import PER_FIELDS
from policycheck.policy.local_times import DAY_MINUTES, EVERY_DAY, LocalTime
from policycheck.policy.measures import SHAPES, Limit, Measure, Window
from policycheck.policy.model import EVERY_JOB, FOLLOWERS, RESOURCE, AllMatch, Calendar, Expectation, Following, NoneMatch, Requirement, Statement, SubjectShare
from policycheck.policy.operators import AGE_OPERATORS, CLOCK_OPERATORS, OPERATORS, TEXT_OPERATORS, Operator, Part
from policycheck.policy.vocabulary import FIELDS, KEYWORDS, KINDS, PLACES, QUOTED_WORDS, STATES, SUBJECTS
from policycheck.text import clean

HARD_TEXTS = (
    "", " ", "a b", "  a  ", 'say "hi"', '"', '""', "it's", "a, b", "a or b", "prod.", "prod-*", "*", "#1", "a #1", "a: b", "{a}", "[a]", "(a)", "a\\b", "\\d+",
    "(EC2)", "^prod-\\d+$", "-dr", "--", "/", "0", "012345678901", "11.10", "1e3", "true", "~", "null", "%", "50%", "24h", "0x10", "é", "prodé", "日本", "😀",
    "\u017fize", "\u212a", "İ", "a\tb", "\xa0", "arn:aws:iam::123456789012:role/service-role/AWSBackupDefaultServiceRole", "arn:aws:s3:::a b",
    "clean", "issues", "ec2", "failed",
)  # fmt: skip
_WORDS = sorted({*HARD_TEXTS, *KEYWORDS, *QUOTED_WORDS, *FIELDS, *KINDS, *PLACES, *STATES, *SUBJECTS})

# A dollar sign and a brace begin a parameter, and nothing else.
texts = st.one_of(
    st.sampled_from(_WORDS),
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=12).filter(lambda text: clean(text) == text and "${" not in text),
)
names = texts.filter(str.strip)
tags = st.one_of(st.sampled_from(["Environment", "Cost Center", "aws:backup:plan", 'a"b', "a.b.", "a, b", "a%b", "must", "é"]), names).map(
    lambda key: f"{TAGS}{key}"
)
words = texts.filter(lambda text: "*" not in text)
accounts = st.integers(0, 10**12 - 1).map("{:012}".format)
arns = words.map(lambda text: f"arn:aws:backup:eu-west-1:123456789012:{text}")
numbers = st.one_of(st.integers(0, 10_000).map(str), st.integers(0, 10_000).map(lambda tenths: f"{tenths / 10:.1f}"))
durations = st.builds("{}{}".format, st.integers(0, 1000), st.sampled_from("smhdw"))
windows = st.builds("{}{}".format, st.integers(1, 1000), st.sampled_from("smhdw"))
sizes = st.builds("{}{}".format, st.integers(0, 1000), st.sampled_from(["", "B", "kB", "KB", "MB", "GiB", "TB", "PiB"]))
times = st.one_of(st.dates().map(str), st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"))
patterns = st.sampled_from(["^prod-", r"^prod-\d+$", "a|b", "[*+]x", r"\++", "it's", 'say "hi"', "[Pp]rod", "日本", "a{2,3}", " ", ""])
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "Asia/Kathmandu"])


@st.composite
def _local_times(draw: st.DrawFn) -> str:
    days = tuple(sorted(draw(st.sets(st.integers(0, 6), min_size=1, max_size=6)))) if draw(st.booleans()) else EVERY_DAY
    start, end = draw(st.tuples(st.integers(0, DAY_MINUTES - 1), st.integers(1, DAY_MINUTES)).filter(lambda hours: hours[0] != hours[1]))
    if days != EVERY_DAY and (start > end or draw(st.booleans())):
        start, end = 0, DAY_MINUTES
    elif days == EVERY_DAY and (start, end) == (0, DAY_MINUTES):
        end = 1
    return str(LocalTime(draw(zones), days, start, end))


local_times = _local_times()
booleans = st.sampled_from(["true", "false"])
factors = st.integers(1, 99).map(lambda tenths: f"{tenths / 10:g}x")


@cache
def _literals_of(field: Field, operator: Operator) -> st.SearchStrategy[str]:
    if operator is Operator.PRESENT:
        return booleans
    if operator in AGE_OPERATORS:
        return durations
    if operator in CLOCK_OPERATORS:
        return local_times
    if operator is Operator.IN_INVENTORY:
        return names
    if operator in TEXT_OPERATORS:
        return (patterns if OPERATORS[operator].part is Part.PATTERN else texts).filter(bool)
    match field.kind:
        case Kind.TEXT:
            return words if field.name in PLACES.values() else texts
        case Kind.WORD:
            return words
        case Kind.ENUM:
            return st.sampled_from(field.values)
        case Kind.ARN:
            return arns
        case Kind.ACCOUNT:
            return accounts
        case Kind.TIME:
            return times
        case Kind.DURATION:
            return durations
        case Kind.SIZE:
            return sizes
        case Kind.INTEGER:
            return st.integers(-10, 10**6).map(str)
        case Kind.BOOLEAN:
            return booleans
        case Kind.NAME:
            return words
        case Kind.SPAN:
            raise AssertionError("no operator compares a span with a value of its own")


def operators_of(field: Field, dataset: Dataset) -> list[Operator]:
    """Every operator a policy may use with this field of a list."""
    able = [operator for operator, definition in OPERATORS.items() if definition.applies(field.kind)]
    return [operator for operator in able if operator is not Operator.IN_INVENTORY or field.name not in {"ResourceArn", dataset.resource_field}]


@st.composite
def comparisons(draw: st.DrawFn, dataset: Dataset) -> Comparison:
    # The fields that have words of their own in a sentence are drawn more often than chance would.
    favourites = [name for name in (*PLACES.values(), dataset.state_field, "Outcome", "Overdue", "ResourceType", "Duration") if name in dataset.fields]
    field = dataset.field(draw(st.one_of(st.sampled_from(favourites), st.sampled_from(sorted(dataset.fields)), tags)))
    assert field is not None
    operator = draw(st.sampled_from(operators_of(field, dataset)))
    found = draw(st.lists(_literals_of(field, operator), min_size=1, max_size=3 if OPERATORS[operator].family.lists else 1))
    return Comparison(field.name, operator, tuple(Literal(text) for text in found))


@cache
def conditions(dataset: Dataset) -> st.SearchStrategy[Condition]:
    """Conjunctions, disjunctions and negations, as `conjunction` and `negation` make them; never an empty one."""
    return st.recursive(
        comparisons(dataset),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=4).map(conjunction),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
            inner.map(negation),
        ),
        max_leaves=8,
    )


@cache
def _bounded(measure: Measure) -> st.SearchStrategy[tuple[Operator, str]]:
    """An operator and a limit that a rule of this measure can fail and pass."""
    whole = st.integers(1, 10_000).map(str)
    shares = st.one_of(st.integers(1, 99).map("{}%".format), st.integers(1, 999).map(lambda tenths: f"{tenths / 10:.1f}%"))
    kinds = {Limit.NUMBER: whole, Limit.SHARE: shares, Limit.DURATION: windows, Limit.PERCENTAGE: whole.map("{}%".format), Limit.FACTOR: factors}
    limits = kinds[SHAPES[measure].limit]
    # No more than none is a limit like any other.
    none = st.just((Operator.AT_MOST, "0")) if SHAPES[measure].limit is Limit.NUMBER else st.nothing()
    return st.one_of(st.tuples(st.sampled_from(SHAPES[measure].operators), limits), none)


@st.composite
def expectations(draw: st.DrawFn, dataset: Dataset, measure: Measure) -> Expectation:
    """What one measure asks of groups of this list."""
    if measure is Measure.MISSED_RUNS:
        operator, limit = draw(_bounded(measure))
        return Expectation(measure, operator=operator, limit=Literal(limit))
    fields = [name for name in PER_FIELDS if name in dataset.fields]
    resource = [st.just([RESOURCE])] if RESOURCE in fields else []
    per = tuple(draw(st.one_of(st.just([]), *resource, st.lists(st.sampled_from(fields), max_size=3, unique=True))))
    if SHAPES[measure].each_resource and RESOURCE not in per:
        per = (RESOURCE, *per[:2])
    inventory = draw(st.none() | names.map(Literal)) if RESOURCE in per else None
    condition = draw(st.just(EVERY_JOB) | conditions(dataset)) if SHAPES[measure].of_any else draw(conditions(dataset))
    if measure is Measure.LATEST:
        return Expectation(measure, condition, per=per, inventory=inventory)
    if measure is Measure.CALENDAR:
        last = draw(st.integers(1, 400))
        calendar = Calendar(draw(st.sampled_from(CalendarUnit)), Literal(str(last)), Literal(draw(st.sampled_from(["UTC", "Europe/Berlin", "Etc/GMT+5"]))))
        least = draw(st.sampled_from([last, draw(st.integers(1, last))]))
        return Expectation(measure, condition, Operator.AT_LEAST, Literal(str(least)), per, inventory, calendar)
    operator, limit = draw(_bounded(measure))
    asked = Expectation(measure, condition, operator, Literal(limit), per, inventory)
    if per and SHAPES[measure].of_share and draw(st.booleans()):
        share = draw(st.integers(1, 99).map("{}%".format))
        return replace(asked, share=SubjectShare(draw(st.sampled_from([Operator.AT_LEAST, Operator.MORE_THAN])), Literal(share)))
    if SHAPES[measure].limit is Limit.DURATION and draw(st.booleans()):
        # Softer than any limit that is drawn.
        return replace(asked, limit=Literal(f"{limit[:-1]}w"), warning=Literal(draw(st.integers(1, 6).map("{}s".format))))
    return asked


@cache
def _requirements(dataset: Dataset) -> st.SearchStrategy[Requirement]:
    # Restore jobs have no outcome that could recover one.
    recoveries = st.none() | windows.map(Literal) if "Outcome" in dataset.fields else st.none()
    measures = [measure for measure in Measure if measure is not Measure.MISSED_RUNS or dataset is BACKUP_JOBS]
    measures = [measure for measure in measures if not SHAPES[measure].lists or dataset.name in SHAPES[measure].lists]
    if not dataset.dated:
        measures = [measure for measure in measures if SHAPES[measure].window is Window.OPTIONAL]
    followings = [
        st.builds(Following, st.just(name), st.just(EVERY_JOB) | conditions(DATASETS[name]), windows.map(Literal)) for name in FOLLOWERS.get(dataset.name, ())
    ]
    return st.one_of(
        st.builds(NoneMatch, conditions(dataset), recoveries),
        st.builds(AllMatch, conditions(dataset)),
        st.sampled_from(measures).flatmap(lambda measure: expectations(dataset, measure)),
        *followings,
    )


@st.composite
def statements(draw: st.DrawFn, datasets: Sequence[Dataset] = tuple(DATASETS.values())) -> Statement:
    """A statement of any kind about any list."""
    dataset = draw(st.sampled_from(datasets))
    requirement = draw(_requirements(dataset))
    where = conjunction(draw(st.lists(conditions(dataset), max_size=3)))
    within = draw(st.none() | windows.map(Literal)) if dataset.dated else None
    match requirement:
        case Expectation(measure=Measure.NEWEST | Measure.CALENDAR):
            within = None
        case Expectation(measure=Measure.LONGEST_GAP):
            # A window longer than any gap.
            within = Literal(draw(st.integers(1001, 3000).map("{}w".format)))
        case Expectation(measure=Measure.MISSED_RUNS):
            within = Literal(draw(windows))
        case _:
            pass
    return Statement(requirement, where, within, dataset.name)
