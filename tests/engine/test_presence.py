"""What it means that a record lacks a member, for every member of every list: in a whole list, a reduced one, a damaged record.

Each source says so for itself (docs/verdicts.md, Missing members).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from typing import Any

import pytest

from policycheck.dataset_types import SCAN_FINDINGS
from policycheck.datasets import DATASETS, JOB_LISTS, Dataset, Field, Kind, Presence
from policycheck.engine.compile import compile_condition
from policycheck.engine.frame import ROW, build_frame
from policycheck.job_lists import JobList
from policycheck.policy.conditions import Not, Operator
from policycheck.records import micros
from policycheck.sources.observations import merge_sources
from tests.backends import BACKEND
from tests.engine.cases import compare
from tests.engine.lists import AS_OF, ago, job_list

Record = dict[str, Any]
Answer = tuple[bool | None, ...]
MEMBERS = [pytest.param(dataset, field, id=f"{dataset.name}-{field.name}") for dataset in DATASETS.values() for field in dataset.members]
TIMES = {"CreationDate": ago(hours=3), "InitiationDate": ago(hours=2.5), "CompletionDate": ago(hours=2), "StartBy": ago(hours=1)}
OTHER_TIME = ago(hours=100)
TEXTS = {Kind.ACCOUNT: ("111122223333", "444455556666"), Kind.ARN: ("arn:aws:backup:eu-west-1:111122223333:x:y", "arn:z")}


def values(field: Field) -> tuple[Any, str]:
    """What a record says, and another value as an author writes it."""
    match field.kind:
        case Kind.TIME:
            return TIMES.get(field.name, OTHER_TIME), "2026-01-01"
        case Kind.SIZE | Kind.INTEGER:
            return 7, "8"
        case Kind.BOOLEAN:
            return True, "false"
        case Kind.ENUM:
            # A finished job is COMPLETED.
            return field.values[-1], next(value for value in field.values if value != "COMPLETED")
        case _ if field.name == SCAN_FINDINGS:
            return ("told",), "other"
        case kind:
            return TEXTS.get(kind, ("told", "other"))


@cache
def whole(dataset: Dataset) -> tuple[tuple[str, Any], ...]:
    """A finished job with every member, by dotted name."""
    state = {dataset.state_field: "COMPLETED", dataset.id_field: "j"}
    return tuple((field.name, state.get(field.name, values(field)[0])) for field in dataset.members)


def record(dataset: Dataset, *gone: str, **changes: Any) -> Record:
    """That job without some members, and with changes (None takes a member away); members of objects by dotted names."""
    said = {**dict(whole(dataset)), **changes}
    made: Record = {}
    for name, value in said.items():
        head, _, tail = name.partition(".")
        if tail:
            made.setdefault(head, {})
        if name not in gone and value is not None:
            (made[head] if tail else made).update({tail or name: value})
    return made


KNOWN, UNKNOWN, RECORDED = (False, False, True), (None, None, None), (True, False, True)
NEVER_LEFT_OUT = {Presence.ALWAYS, Presence.ALWAYS_SINCE, Presence.WHEN_ENDED}
"""Missing from a finished job, these are unknown in any list."""


def answers(dataset: Dataset, asked: Sequence[tuple[int, Field]], jobs: JobList) -> list[Answer]:
    """What a row says of a field: to `present: true`, to equality with what it does not say, and to the negation of that."""
    names = sorted({field.name for _, field in asked})
    frame = build_frame(jobs, names, micros(AS_OF), BACKEND)
    columns: dict[str, Any] = {}
    for name in names:
        equal = compare(name, values(dataset.fields[name])[1], dataset=dataset)
        for number, condition in enumerate([compare(name, "true", operator=Operator.PRESENT, dataset=dataset), equal, Not(equal)]):
            columns[f"{name}/{number}"] = compile_condition(condition, frame)
    rows = sorted(BACKEND.rows(frame.columns.select(ROW, **columns)))
    places = {name: 1 + 3 * number for number, name in enumerate(names)}
    return [tuple(rows[row][places[field.name] : places[field.name] + 3]) for row, field in asked]


def dropped(dataset: Dataset, field: Field) -> str:
    """A member that AWS always records, other than this one and what tells jobs apart."""
    return [other.name for other in dataset.members if other.presence is Presence.ALWAYS and other.name not in {field.name, dataset.id_field}][-1]


def _less(made: Record, name: str) -> Record:
    return {member: value for member, value in made.items() if member != name}


def _put(made: Record, name: str, value: Any) -> Record:
    head, _, tail = name.partition(".")
    return {**made, head: {**made.get(head, {}), tail: value}} if tail else {**made, name: value}


def cases(dataset: Dataset, field: Field) -> list[tuple[str, list[Record], Answer]]:
    """Sources that show what it means that their first record lacks a member, and what that record says."""
    name, always = field.name, dropped(dataset, field)
    mine, other = {dataset.id_field: f"{name}-0"}, {dataset.id_field: f"{name}-1"}
    here, beside, alone = record(dataset, name, **mine), record(dataset, **other), record(dataset, name, **other)
    # These jobs completed with issues, and AWS says of such a job what they are.
    silent = name == "StatusMessage" and "MessageCategory" in dataset.fields
    usual = UNKNOWN if field.presence in NEVER_LEFT_OUT else KNOWN
    found: list[tuple[str, list[Record], Answer]] = [
        ("recorded", [record(dataset, **mine), beside], RECORDED),
        ("a whole list that records it", [here, beside], usual),
        ("a whole list that lacks it", [here, alone], KNOWN if field.presence is Presence.BY_MEANING and not silent else UNKNOWN),
        ("a reduced list that records it", [_less(here, always), _less(beside, always)], usual),
        ("a reduced list that lacks it", [_less(here, always), _less(alone, always)], UNKNOWN),
        ("a damaged record", [_less(here, always), beside], UNKNOWN),
        ("null", [_put(here, name, None), beside], usual),
    ]
    if name != SCAN_FINDINGS and (field.kind in {Kind.TEXT, Kind.WORD, Kind.ARN, Kind.ACCOUNT} or name == dataset.state_field):
        found.append(("the empty text", [_put(here, name, ""), beside], usual))
    if field.kind is Kind.TIME:
        found.append(("a time before AWS Backup", [_put(here, name, 0), beside], UNKNOWN))
    return found


def renamed(records: Sequence[Record], dataset: Dataset, prefix: int) -> list[Record]:
    """The records under ids of their own."""
    return [{**made, dataset.id_field: f"{prefix}:{made[dataset.id_field]}"} if made.get(dataset.id_field) else made for made in records]


@pytest.mark.parametrize("dataset", list(DATASETS.values()), ids=lambda dataset: dataset.name)
@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "backwards"])
def test_each_source_tells_for_itself_what_a_missing_member_means(dataset: Dataset, backwards: bool) -> None:
    """Every source of every member in one run: none changes anything about another."""
    wanted = [(field, *case) for field in dataset.members for case in cases(dataset, field)]
    wanted = wanted[::-1] if backwards else wanted
    sources = [job_list(renamed(records, dataset, number), dataset) for number, (_, _, records, _) in enumerate(wanted)]
    jobs = merge_sources(sources).jobs
    firsts = list(accumulate((len(source) for source in sources[:-1]), initial=0))
    assert len(jobs) == sum(map(len, sources))
    said = answers(dataset, [(row, field) for row, (field, *_) in zip(firsts, wanted, strict=True)], jobs)
    wrong = [(field.name, what, got, right) for got, (field, what, _, right) in zip(said, wanted, strict=True) if got != right]
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "field"), MEMBERS)
def test_a_source_alone_tells_the_same(dataset: Dataset, field: Field) -> None:
    for what, records, right in cases(dataset, field):
        assert answers(dataset, [(0, field)], merge_sources([job_list(records, dataset)]).jobs) == [right], what


@pytest.mark.parametrize("dataset", list(JOB_LISTS.values()), ids=lambda dataset: dataset.name)
def test_an_end_that_is_missing_goes_by_the_state(dataset: Dataset) -> None:
    field = dataset.fields["CompletionDate"]
    beside, always = record(dataset, **{dataset.id_field: "k"}), dropped(dataset, field)
    for state in (*dataset.states, "NEWSTATE"):
        here = record(dataset, "CompletionDate", **{dataset.state_field: state})
        right = KNOWN if state in dataset.in_progress or state == "EXPIRED" else UNKNOWN
        for records, expected in (
            ([here, beside], right),
            ([_less(here, always), _less(beside, always)], right),
            ([_less(here, always)], UNKNOWN),
            ([_less(here, always), beside], UNKNOWN),
        ):
            assert answers(dataset, [(0, field)], job_list(records, dataset)) == [expected], state
