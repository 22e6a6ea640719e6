"""What people type of days, weeks and months: `on each of the last 7 days in Europe/Berlin`, `every day of the last week`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from policycheck.policy import vocabulary
from policycheck.policy.calendars import zone_names
from policycheck.policy.reader.lexicon import NUMBERS
from policycheck.policy.reader.matching import Found, Part, Slots, filled
from policycheck.policy.reader.pattern import FRESHNESS, Pattern, row
from policycheck.policy.reader.words import Sentence

_UNITS: Mapping[str, Mapping[str, str]] = {
    "days": {"day": "days", "days": "days", "night": "days", "nights": "days"},
    "weeks": {"week": "weeks", "weeks": "weeks"},
    "months": {"month": "months", "months": "months"},
}
_AS_DAYS: Mapping[str, str] = {"week": "7 days", "fortnight": "14 days"}
"""What `every day of the last week` counts. A month has 28 days to 31: how many are meant is asked."""
_ZONES = frozenset({"UTC", "GMT"})


def _periods(unit: str) -> Part:
    """`last 7 days`, `past four weeks`; the slot `periods` has the number and the unit."""

    def part(sentence: Sentence, start: int, slots: Slots) -> Found:
        for end, said in _find(sentence, start, unit):
            more = filled(slots, "periods", said)
            if more is not None:
                yield end, more

    return part


def _find(sentence: Sentence, start: int, unit: str) -> Iterator[tuple[int, str]]:
    for position in sentence.starts(start):
        for after, _ in sentence.tagged(position, "LAST_PERIODS"):
            word, behind = [*sentence.folded[after : after + 2], "", ""][:2]
            said = sentence.words[after] if after < len(sentence) else ""
            number = NUMBERS.get(word) or (said if word.isdecimal() or vocabulary.is_parameter(said) else "")
            skipped = behind in {"calendar", "consecutive"}
            named = next(iter(sentence.folded[after + 2 : after + 3]), "") if skipped else behind
            if number and named in _UNITS[unit]:
                yield after + 2 + skipped, f"{number} {_UNITS[unit][named]}"
            if unit == "days" and word in _AS_DAYS:
                yield after + 1, _AS_DAYS[word]


def _zone(sentence: Sentence, start: int, slots: Slots) -> Found:
    """`Europe/Berlin`, `UTC`; nothing else is taken for a time zone."""
    word = next(iter(sentence.words[start : start + 1]), "")
    more = filled(slots, "zone", word) if word in _ZONES or ("/" in word and word in zone_names()) else None
    if more is not None:
        yield start + 1, more


CALENDAR_PARTS: Mapping[str, Part] = {"days": _periods("days"), "weeks": _periods("weeks"), "months": _periods("months"), "zone": _zone}

_SUBJECT = "EACH? subject ((MUST BE? | IS) BACKED_UP in_job_place? | MUST? HAVE (LEAST? SINGLE)? jobs)"
IN_ZONE = "(IN? TIME_ZONE? zone TIME_ZONE?)?"
_EACH = "{order-}every {subject} must have a {job|clean} on each of the last {periods!} {in_zone}"
_SOME = "{order-}every {subject} must have a {job|clean} on at least {number!} of the last {periods!} {in_zone}"
_SPANS = "(days | weeks | months)"
EACH_SPAN = f"(ON_EACH {_SPANS} | EACH_DAY THROUGHOUT days | EACH_WEEK THROUGHOUT weeks | EACH_MONTH THROUGHOUT months)"

CALENDARS: Sequence[Pattern] = (
    row(
        FRESHNESS,
        f"{_SUBJECT} {EACH_SPAN} {IN_ZONE}",
        (_EACH, "on each of them, of the calendar"),
        of=[
            "every resource must have a backup on each of the last 7 days",
            "every RDS database must be backed up on each of the last 7 days in Europe/Berlin",
            "every resource must have a successful backup every day of the last week",
            "each vault must have a clean backup in each of the past 4 weeks",
            "every resource must have a backup every month for the last 3 months in time zone America/New_York",
        ],
    ),
    row(
        FRESHNESS,
        f"{_SUBJECT} ON LEAST? number OF {_SPANS} {IN_ZONE}",
        _SOME,
        of=["every resource must have a backup on at least 6 of the last 7 days", "each volume must be backed up on 20 of the last 28 days in UTC"],
    ),
    row(
        FRESHNESS,
        f"THERE_MUST LEAST? SINGLE? jobs {EACH_SPAN} {IN_ZONE}",
        "{order-}there must be a {job|clean} on each of the last {periods!} {in_zone}",
        of=["there must be a successful backup on each of the last 7 days"],
    ),
)
