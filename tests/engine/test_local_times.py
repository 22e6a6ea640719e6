"""Days of the week and times of day: the columns, the predicate of the language and the script that knows nothing of either say the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import narwhals as nw
import pytest
from hypothesis import strategies as st

from policycheck.engine.backends.interface import ColumnType
from policycheck.engine.local_times import lies_in, offsets, touches
from policycheck.evidence import reperform
from policycheck.policy.local_times import parse_local_time
from tests.backends import BACKEND
from tests.policy.strategies import local_times
from tests.properties import examples

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def at(text: str) -> int:
    return micros(datetime.fromisoformat(text))


def computed(spans: list[tuple[int | None, int | None]], hours: str) -> list[tuple[bool | None, bool | None]]:
    """Of each span: whether its start lies in these hours, and whether any part of it does."""
    columns: dict[str, tuple[ColumnType, list[int | None]]] = {
        "row": (ColumnType.INTEGER, list(range(len(spans)))),
        "start": (ColumnType.INTEGER, [start for start, _ in spans]),
        "end": (ColumnType.INTEGER, [end for _, end in spans]),
    }
    start, end, as_of = nw.col("start"), nw.col("end"), micros(AS_OF)
    told = BACKEND.frame(columns).select(nw.col("row"), lies=lies_in(start, [hours], as_of), touches=touches(start, end, [hours], as_of))
    return [(lies, touch) for _, lies, touch in sorted(BACKEND.rows(told))]


# Around the changes of the clocks of 2026 in Europe and in America, and elsewhere.
moments = st.one_of(
    st.integers(at("2026-10-24T00:00:00Z"), at("2026-10-26T12:00:00Z")),
    st.integers(at("2026-03-28T12:00:00Z"), at("2026-03-30T00:00:00Z")),
    st.integers(at("2026-11-01T00:00:00Z"), at("2026-11-02T12:00:00Z")),
    st.integers(at("2019-02-01T00:00:00Z"), micros(AS_OF)),
)
lengths = st.one_of(st.integers(0, 4 * 3600 * 10**6), st.integers(0, 40 * 3600 * 10**6), st.sampled_from([0, 1, 60 * 10**6, 3600 * 10**6]))


@examples(begun=st.lists(moments, min_size=1, max_size=8), length=lengths, hours=local_times, few=12, many=400)
def test_columns_and_script_agree(begun: list[int], length: int, hours: str) -> None:
    script = reperform.LocalTime(hours)
    spans: list[tuple[int | None, int | None]] = [(start, start + length) for start in begun]
    expected = [(script.holds(start), script.touches(start, start + length)) for start in begun]
    assert computed(spans, hours) == expected
    assert [parse_local_time(hours).holds(EPOCH + timedelta(microseconds=start)) for start in begun] == [lies for lies, _ in expected]


@pytest.mark.parametrize(
    ("hours", "start", "end", "lies", "touch"),
    [
        # 18:00 is not between 08:00 and 18:00; a job that ends as the hours begin did not run in them.
        ("between 08:00 and 18:00 in UTC", "2026-11-19T08:00:00Z", "2026-11-19T08:00:00Z", True, True),
        ("between 08:00 and 18:00 in UTC", "2026-11-19T18:00:00Z", "2026-11-19T19:00:00Z", False, False),
        ("between 08:00 and 18:00 in UTC", "2026-11-19T07:00:00Z", "2026-11-19T08:00:00Z", False, False),
        ("between 08:00 and 18:00 in UTC", "2026-11-19T07:00:00Z", "2026-11-19T08:00:00.000001Z", False, True),
        # Over a weekend, and over a night that belongs to two days.
        ("on Saturday or Sunday in Europe/Berlin", "2026-11-13T22:00:00Z", "2026-11-16T01:00:00Z", False, True),
        ("on Saturday in Europe/Berlin", "2026-11-13T23:00:00Z", "2026-11-13T23:10:00Z", True, True),
        ("between 22:00 and 06:00 in UTC", "2026-11-19T05:59:59Z", "2026-11-19T07:00:00Z", True, True),
        # 02:30 came twice on 2026-10-25 in Berlin: at 00:30Z and at 01:30Z; the job between them ran past 02:59 and from 02:00 again.
        ("between 02:00 and 02:10 in Europe/Berlin", "2026-10-25T00:15:00Z", "2026-10-25T01:05:00Z", False, True),
        ("between 02:00 and 02:10 in Europe/Berlin", "2026-10-25T01:05:00Z", "2026-10-25T01:06:00Z", True, True),
        # 02:30 did not come on 2026-03-29.
        ("between 02:00 and 03:00 in Europe/Berlin", "2026-03-29T00:30:00Z", "2026-03-29T02:30:00Z", False, False),
    ],
)  # fmt: skip
def test_edges(hours: str, start: str, end: str, lies: bool, touch: bool) -> None:
    assert computed([(at(start), at(end))], hours) == [(lies, touch)]
    script = reperform.LocalTime(hours)
    assert (script.holds(at(start)), script.touches(at(start), at(end))) == (lies, touch)


def test_what_is_unknown_decides_nothing_but_what_is_certain() -> None:
    on_saturday, on_friday = at("2026-11-14T10:00:00Z"), at("2026-11-13T10:00:00Z")
    found = computed([(None, on_friday), (on_saturday, None), (on_friday, None), (at("2010-01-02T00:00:00Z"), on_friday)], "on Saturday in UTC")
    assert found == [(None, None), (True, True), (False, None), (None, None)]


def test_offsets_are_those_of_the_zone() -> None:
    changes = [(EPOCH + timedelta(microseconds=when), timedelta(microseconds=offset)) for when, offset in offsets("Europe/Berlin", micros(AS_OF))]
    assert changes[0] == (datetime(2019, 1, 16, tzinfo=UTC), timedelta(hours=1))
    assert changes[-1] == (datetime(2026, 10, 25, 1, tzinfo=UTC), timedelta(hours=1))
    assert len(offsets("UTC", micros(AS_OF))) == 1
