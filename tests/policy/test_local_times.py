"""Days, times of day and time zones: what they mean, how they are spelled, and what is refused."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from policycheck.policy.literals import BadValue
from policycheck.policy.local_times import DAYS, parse_local_time
from tests.policy.policies import load
from tests.policy.strategies import local_times
from tests.properties import examples
from tests.tables import each

SPELLED = [
    ("on saturday or Sunday in Europe/Berlin", "on Saturday or Sunday in Europe/Berlin"),
    ("on Sunday or Saturday or Sunday in UTC", "on Saturday or Sunday in UTC"),
    ("on Monday to Friday between 8:00 and 18:00 in UTC", "on Monday to Friday between 08:00 and 18:00 in UTC"),
    ("on Monday or Tuesday or Wednesday in UTC", "on Monday to Wednesday in UTC"),
    ("on Saturday to Monday in UTC", "on Monday or Saturday or Sunday in UTC"),
    ("between 00:00 and 06:00 in UTC", "before 06:00 in UTC"),
    ("between 22:00 and 24:00 in UTC", "after 22:00 in UTC"),
    ("between 22:00 and 06:00 in UTC", "between 22:00 and 06:00 in UTC"),
]


@each(("text", "spelled"), SPELLED)
def test_one_meaning_has_one_spelling(text: str, spelled: str) -> None:
    assert str(parse_local_time(text)) == spelled


REFUSED = [
    ("on Saturday", "a day or a time of day requires a time zone"),
    ("before 06:00", "a day or a time of day requires a time zone"),
    ("in Europe/Berlin", "is not a day or time of day in a time zone"),
    ("06:00 in UTC", "is not a day or time of day in a time zone"),
    ("on Monday to Sunday in UTC", "these are all days of the week"),
    ("between 06:00 and 06:00 in UTC", "these hours contain no time of day"),
    ("after 24:00 in UTC", "these hours contain no time of day"),
    ("before 24:00 in UTC", "these hours are the whole day"),
    ("before 06:60 in UTC", "06:60 is not a time of day"),
    ("on Friday between 22:00 and 06:00 in UTC", "these hours continue into the next day"),
    ("on Saturday in localtime", "localtime is not a time zone"),
    ("on Saturday in ../UTC", "../UTC is not a time zone"),
    ("on Saturday in America", "America is not a time zone"),
]


@each(("text", "message"), REFUSED)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadValue) as refused:
        parse_local_time(text)
    assert refused.value.message == message


@examples(text=local_times, few=20, many=1000)
def test_what_is_spelled_is_read_back_and_mutants_are_others(text: str) -> None:
    hours = parse_local_time(text)
    assert str(hours) == text
    mutants = [str(mutant) for mutant in hours.mutants()]
    assert text not in mutants
    assert [str(parse_local_time(mutant)) for mutant in mutants] == mutants


def test_hours_hold_their_first_minute_and_not_their_last() -> None:
    hours = parse_local_time("on Saturday between 08:00 and 18:00 in Europe/Berlin")
    saturday = "2026-11-14T{}Z"
    assert DAYS[datetime.fromisoformat(saturday.format("12:00:00")).weekday()] == "Saturday"
    told = {time: hours.holds(datetime.fromisoformat(saturday.format(time))) for time in ("06:59:59", "07:00:00", "16:59:59.999999", "17:00:00")}
    assert told == {"06:59:59": False, "07:00:00": True, "16:59:59.999999": True, "17:00:00": False}


def test_parameters_stand_for_words_of_it(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "policy: p\nparams: {zone: Europe/Berlin, closing: '18:00', when: on Sunday in UTC}\nrules:\n"
        "  - {id: a, rule: 'no jobs may start after ${closing} in ${zone}'}\n"
        "  - {id: b, none: {CreationDate: {local_time: '${when}'}}}\n",
        encoding="utf-8",
    )
    assert [rule.sentence for rule in load(path).rules] == ["no jobs may start after 18:00 in Europe/Berlin", "no jobs may be created on Sunday in UTC"]
    assert load(path, {"zone": "UTC"}).rules[0].sentence == "no jobs may start after 18:00 in UTC"
