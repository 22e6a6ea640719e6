"""Literals: the author's text, read by the type of the field it stands beside. All are exact; nothing is a float."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from policycheck.datasets import Kind
from policycheck.text import clean

Value = int | str | bool | Fraction


class BadValue(ValueError):
    """What is wrong with a value, and what to write instead."""

    def __init__(self, message: str, hint: str = "", *, predicate: bool = False) -> None:
        """
        Args:
            hint: a sentence.
            predicate: whether the message says it of the value: `is no duration`.
        """
        super().__init__(message)
        self.message, self.hint, self.predicate = message, hint, predicate

    @classmethod
    def of(cls, error: ValueError) -> BadValue:
        """The same, of an error that has no hint."""
        return error if isinstance(error, cls) else cls(str(error))

    def of_value(self, shown: str) -> str:
        """The message, with the value as it is shown."""
        return f"{shown} {self.message}" if self.predicate else f"{shown}: {self.message}"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhdw])", re.ASCII)
_PREFIXES = "kMGTP"
_SIZE = re.compile(r"(\d+(?:\.\d+)?)(?:([kKMGTP])(i?)B|B)?", re.ASCII)
_SHARE = re.compile(r"(\d+(?:\.\d+)?)%", re.ASCII)
_FACTOR = re.compile(r"(\d+(?:\.\d+)?)x", re.ASCII)
_PLAIN_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_CENTURY_MICROSECONDS = 36_525 * 86_400 * 1_000_000


def parse_duration(text: str) -> int:
    """Microseconds of `90s 90m 24h 7d 2w`; raises ValueError saying what a duration looks like."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("a duration is one number and one unit: 90s, 90m, 24h, 7d or 2w")
    micros = Fraction(Decimal(match[1])) * _SECONDS[match[2]] * 1_000_000
    if micros.denominator != 1:
        raise ValueError("a duration is a whole number of microseconds")
    if micros > _CENTURY_MICROSECONDS:
        raise ValueError("a duration is at most a hundred years")
    return int(micros)


def parse_size(text: str) -> int:
    """Bytes of `500MB 10GiB` or a plain number; raises ValueError."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError("a size is a number of bytes, or one with a unit: 500MB, 10GiB")
    number, prefix, binary = match.groups()
    size = Fraction(Decimal(number)) * (1024 if binary else 1000) ** (_PREFIXES.index("k" if prefix == "K" else prefix) + 1 if prefix else 0)
    if size.denominator != 1 or size >= 2**63:
        raise ValueError("a size is a whole number of bytes below 8 EiB")
    return int(size)


def parse_count(text: str) -> int:
    """A number of jobs or runs; raises ValueError."""
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise ValueError("a number of jobs or runs is a whole number")
    return int(text)


def parse_share(text: str) -> Fraction:
    """The part of one that `99%` means, exactly; raises ValueError."""
    match = _SHARE.fullmatch(text)
    share = Fraction(Decimal(match[1])) / 100 if match else None
    if share is None or share > 1:
        raise ValueError("a share is from 0% to 100%")
    return share


def parse_percentage(text: str) -> Fraction:
    """By how much of itself something grows: `300%` is 3, exactly; raises ValueError."""
    match = _SHARE.fullmatch(text)
    if match is None:
        raise BadValue("a percentage is written with %", f"Did you mean {text}%?" if _PLAIN_NUMBER.fullmatch(text) else "For example: 300%.")
    return Fraction(Decimal(match[1])) / 100


def parse_factor(text: str) -> Fraction:
    """How many times as much `2x` or `1.5x` is, exactly; raises ValueError."""
    match = _FACTOR.fullmatch(text)
    if match is None:
        raise BadValue("a factor is a number and an x: 2x, 1.5x", f"Did you mean {text}x?" if _PLAIN_NUMBER.fullmatch(text) else "")
    factor = Fraction(Decimal(match[1]))
    if factor == 0:
        raise ValueError("a factor is more than 0")
    return factor


def parse_time(text: str) -> datetime:
    """The aware UTC instant of an ISO 8601 time with an offset, or of a date alone (midnight UTC); raises ValueError."""
    problem = "a time is ISO 8601 with an offset, 2026-11-20T06:00:00Z, or a date, 2026-11-20 (midnight UTC)"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(problem) from None
    if moment.tzinfo is None:
        if len(text) != len("2026-11-20"):
            raise ValueError(problem)
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(problem) from None


def parse_moment(text: str) -> datetime:
    """An instant that a run can be about, or a job of a test; raises ValueError."""
    moment = parse_time(text)
    if not 1970 < moment.year < 2300:
        raise ValueError("the year is from 1971 to 2299")
    return moment


def parse_account(text: str) -> str:
    """A 12-digit account id; raises ValueError."""
    if not re.fullmatch(r"\d{12}", text, re.ASCII):
        raise BadValue("an account id is exactly 12 digits", "Keep leading zeros.")
    return text


def parse_inventory_name(text: str) -> str:
    """The name that the user gave an inventory; raises BadValue."""
    if not text.strip() or clean(text) != text or "\n" in text:
        raise BadValue("is not the name of an inventory", predicate=True)
    return text


def parse_value(text: str, kind: Kind) -> Value:
    """What `text` means beside a field of this kind: text, whole microseconds, bytes, a number or a truth value; raises ValueError."""
    match kind:
        case Kind.TEXT | Kind.WORD | Kind.ENUM | Kind.ARN | Kind.NAME:
            return text
        case Kind.SPAN:
            raise ValueError("a time from start to end is compared with no value of its own")
        case Kind.ACCOUNT:
            return parse_account(text)
        case Kind.TIME:
            return (parse_time(text) - _EPOCH) // timedelta(microseconds=1)
        case Kind.DURATION:
            return parse_duration(text)
        case Kind.SIZE:
            return parse_size(text)
        case Kind.INTEGER:
            if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
                raise ValueError("this field takes a whole number")
            return int(text)
        case Kind.BOOLEAN:
            if text not in {"true", "false"}:
                raise ValueError("this field is true or false")
            return text == "true"
