"""Literals: what each spelling means exactly, and what is no literal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policycheck.datasets import Kind
from policycheck.policy.literals import Value, parse_account, parse_duration, parse_share, parse_size, parse_time, parse_value

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("0s", 0), ("90s", 90 * SECOND), ("90m", 5400 * SECOND), ("24h", 86_400 * SECOND), ("7d", 604_800 * SECOND), ("2w", 1_209_600 * SECOND),
        ("1.5h", 5400 * SECOND), ("0.1s", 100_000), ("0.000001s", 1), ("00024h", 86_400 * SECOND), ("36525d", 36_525 * 86_400 * SECOND),
    ],
)  # fmt: skip
def test_duration(text: str, microseconds: int) -> None:
    assert parse_duration(text) == microseconds


NO_DURATIONS = [
    "",
    "24",
    "h",
    "24H",
    "24 h",
    " 24h",
    "24h ",
    "1d12h",
    "1:30",
    "-1h",
    "+1h",
    "1e3s",
    ".5h",
    "1.h",
    "24hours",
    "1M",
    "1y",
    "٢٤h",
    "24h\n",
    "0.0000001s",
    "36526d",
    "inf",
]


@pytest.mark.parametrize("text", NO_DURATIONS)
def test_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="a duration is"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0), ("1", 1), ("1B", 1), ("500MB", 500 * 1000**2), ("10GiB", 10 * 1024**3), ("1kB", 1000), ("1KB", 1000), ("1KiB", 1024), ("1kiB", 1024),
        ("1.5GiB", 1_610_612_736), ("0.5KiB", 512), ("2TB", 2 * 1000**4), ("7PiB", 7 * 1024**5), ("9223372036854775807", 2**63 - 1),
    ],
)  # fmt: skip
def test_size(text: str, size: int) -> None:
    assert parse_size(text) == size


NO_SIZES = [
    "",
    "GiB",
    "1gb",
    "1gib",
    "1 GiB",
    "1Gi",
    "1G",
    "1MIB",
    "-1",
    "1.5",
    "0.5B",
    "1.0001KiB",
    "1e9",
    "1,000",
    "9223372036854775808",
    "8192PiB",
    "1EB",
    "\u0661",
    "1\n",
]


@pytest.mark.parametrize("text", NO_SIZES)
def test_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="a size is"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "share"), [("0%", Fraction(0)), ("99%", Fraction(99, 100)), ("99.5%", Fraction(199, 200)), ("100%", Fraction(1)), ("33.3%", Fraction(333, 1000))]
)
def test_share(text: str, share: Fraction) -> None:
    assert parse_share(text) == share


@pytest.mark.parametrize("text", ["", "99", "%", "101%", "100.0001%", "-1%", "99 %", "99%%", "1e1%"])
def test_no_share(text: str) -> None:
    with pytest.raises(ValueError, match="a share is"):
        parse_share(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T06:00:00Z", datetime(2026, 11, 20, 6, tzinfo=UTC)),
        ("2026-11-20T06:00:00+02:00", datetime(2026, 11, 20, 4, tzinfo=UTC)),
        ("2026-11-20T23:30-01:00", datetime(2026, 11, 21, 0, 30, tzinfo=UTC)),
        ("2026-11-20T06:00:00.123456Z", datetime(2026, 11, 20, 6, 0, 0, 123456, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_time(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment


NO_TIMES = [
    "",
    "now",
    "yesterday",
    "2026",
    "2026-11",
    "2026-13-01",
    "2026-02-29",
    "2026-11-20T06:00:00",
    "2026-11-20 06:00",
    "1763618400",
    "20-11-2026",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-01:00",
]


@pytest.mark.parametrize("text", NO_TIMES)
def test_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="a time is ISO 8601"):
        parse_time(text)


@pytest.mark.parametrize("text", ["", "1", "12345678901", "1234567890123", " 123456789012", "123456789012\n", "12345678901a", "١٢٣٤٥٦٧٨٩٠١٢", "1234-5678-9012"])
def test_no_account(text: str) -> None:
    with pytest.raises(ValueError, match="exactly 12 digits"):
        parse_account(text)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("012345678901", Kind.ACCOUNT, "012345678901"),
        ("11.10", Kind.TEXT, "11.10"),
        ("", Kind.TEXT, ""),
        ("true", Kind.BOOLEAN, True),
        ("false", Kind.BOOLEAN, False),
        ("-7", Kind.INTEGER, -7),
        ("035", Kind.INTEGER, 35),
        ("1970-01-01T00:00:01Z", Kind.TIME, SECOND),
        ("1969-12-31", Kind.TIME, -86_400 * SECOND),
        ("90m", Kind.DURATION, 5400 * SECOND),
        ("1KiB", Kind.SIZE, 1024),
        ("SUCCESS", Kind.WORD, "SUCCESS"),
    ],
)
def test_value_of_a_field(text: str, kind: Kind, value: Value) -> None:
    parsed = parse_value(text, kind)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("yes", Kind.BOOLEAN), ("True", Kind.BOOLEAN), ("1", Kind.BOOLEAN), ("", Kind.BOOLEAN), ("1.0", Kind.INTEGER), ("1e3", Kind.INTEGER),
        ("1" * 19, Kind.INTEGER),
        ("٣", Kind.INTEGER), ("", Kind.INTEGER), ("4", Kind.DURATION), ("4h", Kind.SIZE), ("24h", Kind.TIME), ("1", Kind.ACCOUNT),
    ],
)  # fmt: skip
def test_no_value_of_a_field(text: str, kind: Kind) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_value(text, kind)


MICROSECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@given(st.integers(0, 10**6), st.integers(0, 6), st.sampled_from("smhdw"))
def test_durations_are_exact(number: int, places: int, unit: str) -> None:
    written = Decimal(number).scaleb(-places)
    exact = Fraction(written) * MICROSECONDS[unit] * SECOND
    if exact.denominator == 1 and exact <= 36_525 * 86_400 * SECOND:
        assert parse_duration(f"{written:f}{unit}") == exact
    else:
        with pytest.raises(ValueError, match="a duration is"):
            parse_duration(f"{written:f}{unit}")


@given(st.integers(0, 10**6), st.integers(0, 9), st.sampled_from("kMGTP"), st.booleans())
def test_sizes_are_exact(number: int, places: int, prefix: str, binary: bool) -> None:
    written = Decimal(number).scaleb(-places)
    exact = Fraction(written) * (1024 if binary else 1000) ** ("kMGTP".index(prefix) + 1)
    text = f"{written:f}{prefix}{'i' if binary else ''}B"
    if exact.denominator == 1 and exact < 2**63:
        assert parse_size(text) == exact
    else:
        with pytest.raises(ValueError, match="a size is"):
            parse_size(text)


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.integers(-14 * 60, 14 * 60))
def test_times_are_exact_whatever_their_offset(moment: datetime, offset: int) -> None:
    sign, minutes = ("-" if offset < 0 else "+"), abs(offset)
    parsed = parse_time(f"{moment.isoformat()}{sign}{minutes // 60:02}:{minutes % 60:02}")
    assert parsed == moment.replace(tzinfo=UTC) - timedelta(minutes=offset)
    assert parse_value(parsed.isoformat(), Kind.TIME) == (parsed - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@given(st.text(max_size=20), st.sampled_from(list(Kind)))
def test_any_text_is_a_value_or_a_value_error(text: str, kind: Kind) -> None:
    try:
        value = parse_value(text, kind)
    except ValueError as error:
        assert str(error)
    else:
        assert isinstance(value, int | str)
