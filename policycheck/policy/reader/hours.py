"""What people type of days, times of day and time zones: `on weekends between 8am and 6pm Europe/Berlin time`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from policycheck.policy.literals import BadValue
from policycheck.policy.local_times import DAYS, find_zone, parse_local_time
from policycheck.policy.reader.matching import Found, Slots, filled
from policycheck.policy.reader.pattern import Meaning, Pattern, row
from policycheck.policy.reader.times import LONGER_UNITS, UNITS
from policycheck.policy.reader.words import Sentence
from policycheck.policy.vocabulary import is_parameter

WHEN = "When jobs run"
_TIME = re.compile(r"(\d{1,2})(?::(\d{2}))?(am|pm)?", re.ASCII)
_BEFORE = (("before",), ("by",), ("earlier", "than"), ("no", "later", "than"), ("not", "later", "than"))
_AFTER = (("after",), ("later", "than"), ("no", "earlier", "than"), ("not", "earlier", "than"), ("not", "before"))
_DAYS = {name: day for day in DAYS for name in (day.lower(), f"{day.lower()}s")}
_KINDS_OF_DAYS = {
    **dict.fromkeys(("weekend", "weekends", "week-ends"), "weekend"),
    **dict.fromkeys(("weekday", "weekdays", "workday", "workdays"), "weekday"),
}
_WAYS = {
    "weekend": [("on Saturday or Sunday", "the weekend is Saturday and Sunday"), ("on Friday or Saturday", "the weekend is Friday and Saturday")],
    "weekday": [("on Monday to Friday", "work is from Monday to Friday"), ("on Sunday to Thursday", "work is from Sunday to Thursday")],
}
"""Which days these are depends on the country: it is asked."""
_JOINED = " & "
_GLUED = re.compile(rf"\d+(?:\.\d+)?[a-z]+|{'|'.join(sorted([*UNITS, *LONGER_UNITS]))}", re.ASCII)


def when(sentence: Sentence, start: int, slots: Slots) -> Found:
    """Days, hours or both, in any order, and the time zone, without which no sentence says them."""
    for position in sentence.starts(start):
        if _GLUED.fullmatch(next(iter(sentence.folded[max(position - 1, 0) : position]), "")):
            continue  # An hour before 06:00 is another time.
        ways = [(end, (days, "")) for end, days in _days(sentence, position)]
        ways += [(last, (days, hours)) for end, (days, _) in ways for last, hours in _hours(sentence, end)]
        alone = [(end, ("", hours)) for end, hours in _hours(sentence, position)]
        ways += [*alone, *((last, (days, hours)) for end, (_, hours) in alone for last, days in _days(sentence, end))]
        for end, (days, hours) in ways:
            for last, zone in _zone(sentence, end):
                more = filled(slots, "when", _JOINED.join([days, hours, zone]))
                if more is not None:
                    yield last, more


def ways(slot: str) -> list[tuple[str, str]]:
    """The words of canonical sentences for what `when` found; several, each with what tells it from the other, where days are called by what they are for."""
    if not slot:
        return []
    days, hours, zone = slot.split(_JOINED)
    return [(" ".join(filter(None, [spelled, hours, f"in {zone}"])), note) for spelled, note in _WAYS.get(days, [(days, "")])]


def ways_outside(slot: str) -> list[tuple[str, str]]:
    """The other hours of each day; nothing where days are named."""
    days, hours, zone = slot.split(_JOINED) if slot else ("days", "", "")
    found = _HOURS.fullmatch(hours)
    if days or found is None:
        return []
    first, last = (found[2], found[3]) if found[1] == "between" else ("00:00", found[2]) if found[1] == "before" else (found[2], "24:00")
    try:
        return [(str(parse_local_time(f"between {last if last != '24:00' else '00:00'} and {first if first != '00:00' else '24:00'} in {zone}")), "")]
    except BadValue:
        return []


_HOURS = re.compile(r"(between|before|after) (\S+)(?: and (\S+))?")


def _days(sentence: Sentence, start: int) -> Iterator[tuple[int, str]]:
    """`on Saturdays and Sundays`, `on Monday to Friday`, `during weekends`."""
    if sentence.folded[start : start + 1] not in (["on"], ["during"], ["at"], ["over"]):
        return
    for position in sentence.starts(start + 1):
        word = next(iter(sentence.folded[position : position + 1]), "")
        if word in _KINDS_OF_DAYS:
            yield position + 1, _KINDS_OF_DAYS[word]
        if word not in _DAYS:
            continue
        between = sentence.folded[position + 1 : position + 2]
        last = next(iter(sentence.folded[position + 2 : position + 3]), "")
        if between in (["to"], ["through"], ["until"], ["till"], ["-"]) and last in _DAYS:
            yield position + 3, f"on {_DAYS[word]} to {_DAYS[last]}"
        for end, found in _day_list(sentence, position):
            yield end, f"on {' or '.join(found)}"


def _day_list(sentence: Sentence, position: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """No time is on two days: `and` joins them as `or` does."""
    day = _DAYS.get(next(iter(sentence.folded[position : position + 1]), ""))
    if day is None:
        return
    yield position + 1, (day,)
    is_joined = sentence.folded[position + 1 : position + 2] in (["or"], ["and"])
    for after in [position + 1] if sentence.is_listed(position) else [position + 2] if is_joined else []:
        for start in [after, *([after + 1] if sentence.folded[after : after + 1] in (["or"], ["and"], ["on"]) else [])]:
            for end, more in _day_list(sentence, start):
                yield end, (day, *more)


def _hours(sentence: Sentence, start: int) -> Iterator[tuple[int, str]]:
    """`between 8am and 6pm`, `from 22:00 to 06:00`, `before 06:00`, `after 10 pm`."""
    for word, joins in (("between", ("and",)), ("from", ("to", "until", "till"))):
        if sentence.folded[start : start + 1] == [word]:
            for end, first in _time(sentence, start + 1):
                for last, second in _time(sentence, end + 1) if sentence.folded[end : end + 1] in [[join] for join in joins] else ():
                    yield last, f"between {first} and {second}"
    for said, phrases in (("before", _BEFORE), ("after", _AFTER)):
        for phrase in phrases:
            if tuple(sentence.folded[start : start + len(phrase)]) == phrase:
                for end, time in _time(sentence, start + len(phrase)):
                    yield end, f"{said} {time}"


def _time(sentence: Sentence, start: int) -> Iterator[tuple[int, str]]:
    """`06:00`, `6am`, `6:30 pm`; a number alone may be anything."""
    found = _TIME.fullmatch(next(iter(sentence.folded[start : start + 1]), ""))
    if found is None:
        return
    half, size = found[3], 1
    if half is None and sentence.folded[start + 1 : start + 2] in (["am"], ["pm"]):
        half, size = sentence.folded[start + 1], 2
    if half is None and found[2] is None:
        return
    hour = int(found[1])
    if half is not None:
        if not 1 <= hour <= 12:
            return
        hour = hour % 12 + 12 * (half == "pm")
    yield start + size, f"{hour:02}:{found[2] or '00'}"


def _zone(sentence: Sentence, start: int) -> Iterator[tuple[int, str]]:
    """`in Europe/Berlin`, `Europe/Berlin time`, `UTC`."""
    said_in = sentence.folded[start : start + 1] == ["in"]
    position = start + said_in
    while sentence.folded[position : position + 1] in (["the"], ["time"], ["zone"], ["timezone"]):
        position += 1
    word = next(iter(sentence.words[position : position + 1]), "").strip("()")
    zone = "UTC" if word.lower() in {"utc", "z"} else word
    if not (is_parameter(zone) and said_in) and not _is_zone(zone):
        return
    end = position + 1
    yield end, zone
    if sentence.folded[end : end + 1] == ["time"]:
        yield end + 1, zone


def _is_zone(word: str) -> bool:
    """A name of the tz database; of short ones UTC alone, since CST is one time in Chicago and another in Shanghai."""
    if word != "UTC" and "/" not in word:
        return False
    try:
        find_zone(word)
    except BadValue:
        return False
    return True


HOUR_ROWS: Sequence[Pattern] = (
    row(WHEN, "NO jobs MAY START when", "no {jobs} may start {when!} {within}", of=["no backups may start between 8am and 6pm in Europe/Berlin"]),
    row(
        WHEN,
        "EACH? jobs NEVER START when",
        "no {jobs} may start {when!} {within}",
        of=["EC2 backups must not start before 22:00 in America/New_York", "backups must never start on Monday to Friday between 08:00 and 18:00 UTC"],
    ),
    row(WHEN, "EACH? jobs MUST START when", "{jobs} must start {when!} {within}", of=["all backups must start after 10 pm Europe/Berlin time"]),
    row(
        WHEN,
        "NO jobs MAY (RUN | HAPPEN | BE RUNNING_NOW) when",
        "no {jobs} may run {when!} {within}",
        of=["no backups may run on Saturdays and Sundays in Europe/Berlin", "no backup may run on weekends in Europe/Berlin"],
    ),
    row(WHEN, "EACH? jobs NEVER (RUN | HAPPEN) when", "no {jobs} may run {when!} {within}", of=["RDS backups must not run on Sundays in UTC"]),
    row(
        WHEN,
        "NO jobs when",
        ("no {jobs} may run {when!} {within}", "no part of them is then"),
        ("no {jobs} may start {when!} {within}", "when they start"),
        ("no {jobs} may be created {when!} {within}", "when they are created, before their start window"),
        of=["no backups on Saturday in Europe/Berlin", "no failed jobs between 22:00 and 06:00 UTC this week"],
    ),
    row(
        WHEN,
        "EACH? jobs MUST (RUN | HAPPEN) when",
        ("no {jobs} may run {outside!} {within}", "no part of them is at any other time"),
        Meaning("{jobs} must start {when!} {within}", "when they start; that they run then may mean more", proposed=True),
        of=["backups must run between 22:00 and 06:00 in Europe/Berlin", "backups must run on Saturday in UTC"],
    ),
    row(
        WHEN,
        "EACH? jobs MUST (FINISH | DONE) when",
        "{jobs} must end {when!} {within}",
        of=["all backups must finish by 6am America/New_York time", "backup jobs must be completed before 06:00 in UTC"],
    ),
    row(
        WHEN,
        "(NO jobs MAY FINISH when | EACH? jobs NEVER FINISH when)",
        "no {jobs} may end {when!} {within}",
        of=["backups must not finish after 07:00 in Europe/Berlin"],
    ),
)
