"""Statements for property tests: every field of every list with every operator it takes, nested as deep as one likes."""

from __future__ import annotations

from hypothesis import strategies as st

from policycheck.datasets import DATASETS, Dataset, Field, Kind
from policycheck.policy.conditions import (
    AGE_OPERATORS,
    ORDER_OPERATORS,
    TEXT_KINDS,
    TEXT_OPERATORS,
    Comparison,
    Condition,
    Literal,
    Operator,
    Or,
    conjunction,
    negation,
)
from policycheck.policy.model import AllMatch, NoneMatch, Requirement, Statement
from policycheck.policy.vocabulary import FIELDS, KEYWORDS, KINDS, PLACES, QUOTED_WORDS, STATES
from policycheck.text import clean

HARD_TEXTS = (
    "", " ", "a b", "  a  ", 'say "hi"', '"', '""', "it's", "a, b", "a or b", "prod.", "prod-*", "*", "#1", "a #1", "a: b", "{a}", "[a]", "(a)", "a\\b", "\\d+",
    "(EC2)", "^prod-\\d+$", "-dr", "--", "/", "0", "012345678901", "11.10", "1e3", "true", "~", "null", "%", "50%", "24h", "0x10", "é", "prodé", "日本", "😀",
    "\u017fize", "\u212a", "İ", "a\tb", "\xa0", "arn:aws:iam::123456789012:role/service-role/AWSBackupDefaultServiceRole", "arn:aws:s3:::a b",
    "clean", "issues", "ec2", "failed",
)  # fmt: skip
_WORDS = sorted({*HARD_TEXTS, *KEYWORDS, *QUOTED_WORDS, *FIELDS, *KINDS, *PLACES, *STATES})

# A dollar sign and a brace begin a parameter, and nothing else.
texts = st.one_of(
    st.sampled_from(_WORDS),
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=12).filter(lambda text: clean(text) == text and "${" not in text),
)
words = texts.filter(lambda text: "*" not in text)
accounts = st.integers(0, 10**12 - 1).map("{:012}".format)
arns = words.map(lambda text: f"arn:aws:backup:eu-west-1:123456789012:{text}")
numbers = st.one_of(st.integers(0, 10_000).map(str), st.integers(0, 10_000).map(lambda tenths: f"{tenths / 10:.1f}"))
durations = st.builds("{}{}".format, st.integers(0, 1000), st.sampled_from("smhdw"))
windows = st.builds("{}{}".format, st.integers(1, 1000), st.sampled_from("smhdw"))
sizes = st.builds("{}{}".format, st.integers(0, 1000), st.sampled_from(["", "B", "kB", "KB", "MB", "GiB", "TB", "PiB"]))
times = st.one_of(st.dates().map(str), st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"))
patterns = st.sampled_from(["^prod-", r"^prod-\d+$", "a|b", "[*+]x", r"\++", "it's", 'say "hi"', "(?i)prod", "日本", "a{2,3}", " ", ""])
booleans = st.sampled_from(["true", "false"])


def _literals_of(field: Field, operator: Operator) -> st.SearchStrategy[str]:
    if operator is Operator.PRESENT:
        return booleans
    if operator in AGE_OPERATORS:
        return durations
    if operator is Operator.MATCHES:
        return patterns.filter(bool)
    if operator in TEXT_OPERATORS:
        return texts.filter(bool)
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


def operators_of(field: Field) -> list[Operator]:
    """Every operator a policy may use with this field."""
    operators = [Operator.IS, Operator.PRESENT]
    if field.kind in TEXT_KINDS:
        operators += sorted(TEXT_OPERATORS)
    if field.kind in {Kind.TIME, Kind.DURATION, Kind.SIZE, Kind.INTEGER}:
        operators += sorted(ORDER_OPERATORS)
    if field.kind is Kind.TIME:
        operators += sorted(AGE_OPERATORS)
    return operators


@st.composite
def comparisons(draw: st.DrawFn, dataset: Dataset) -> Comparison:
    # The fields that have words of their own in a sentence are drawn more often than chance would.
    favourites = [name for name in (*PLACES.values(), dataset.state_field, "Outcome", "Overdue", "ResourceType", "Duration") if name in dataset.fields]
    field = dataset.fields[draw(st.one_of(st.sampled_from(favourites), st.sampled_from(sorted(dataset.fields))))]
    operator = draw(st.sampled_from(operators_of(field)))
    many = operator is Operator.IS or operator in TEXT_OPERATORS
    found = draw(st.lists(_literals_of(field, operator), min_size=1, max_size=3 if many else 1))
    return Comparison(field.name, operator, tuple(Literal(text) for text in found))


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


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    """A `none` or `all` statement about any list."""
    dataset = draw(st.sampled_from(list(DATASETS.values())))
    condition = draw(conditions(dataset))
    window = st.none() | windows.map(Literal)
    # Restore jobs have no outcome that could recover one.
    recovery = draw(window) if "Outcome" in dataset.fields else None
    requirement: Requirement = NoneMatch(condition, recovery) if draw(st.booleans()) else AllMatch(condition)
    where = conjunction(draw(st.lists(conditions(dataset), max_size=3)))
    return Statement(requirement, where, draw(window), dataset.name)
