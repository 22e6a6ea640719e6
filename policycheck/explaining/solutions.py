"""Jobs that conditions are true of, or false: guesses, the likeliest first. Whoever takes one has the engine judge it.

A guess is what an author would write of a job in a test file: members by name, as text, and None for a member that must be missing. What is no member of the
list (a duration, a tag) stands under a name that begins with `~`, and `build_job` turns it into members.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from typing import Any, assert_never

from policycheck.datasets import TAGS, Dataset, Field, Kind
from policycheck.explaining.patterns import text_of
from policycheck.policy.conditions import And, Comparison, Condition, Not, Or
from policycheck.policy.local_times import parse_local_time
from policycheck.policy.operators import AGE_OPERATORS, CLOCK_OPERATORS, OPERATORS, Operator, Part
from policycheck.records import iso, moment
from policycheck.testing.jobs import ACCOUNT, REGION
from policycheck.units import DAY, HOUR, MINUTE, SECOND, round_down

Guess = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class _Ago:
    """A job was created, started or ended so many microseconds before as_of: its other times go with it."""

    age: int


@dataclass(frozen=True, slots=True)
class _Listed:
    """An inventory lists an ARN, or does not."""

    inventory: str
    lists: bool


_Value = str | _Ago | _Listed | None
"""What one field is to be, None for a missing one."""

_OTHER_ACCOUNT, _OTHER_REGION = "444455556666", "us-east-1"
_MOST_BRANCHES = 64
_MOST_OF_A_BRANCH = 40
SAMPLED_AT = datetime(2026, 11, 20, 6, tzinfo=UTC)
"""as_of of samples."""
_LENGTHS = ("Duration", "Elapsed", "StartDelay")
_FIRST = ("FAILED", "COMPLETED", "EXPIRED")
"""The states that are tried first where several would do: a job in progress decides little."""


def solve(wanted: Sequence[tuple[Condition, bool]], dataset: Dataset) -> Iterator[Guess]:
    """Guesses of a job that each of these conditions is true or false of, without repeats."""
    seen = set()
    for choice in islice(product(*(list(islice(_branches(condition, want), _MOST_BRANCHES)) for condition, want in wanted)), _MOST_BRANCHES):
        literals = [literal for branch in choice for literal in branch]
        for guess in islice(_guesses(literals, dataset), _MOST_OF_A_BRANCH):
            key = tuple(sorted(guess.items(), key=str))
            if key not in seen:
                seen.add(key)
                yield guess


_Literal = tuple[Comparison, bool]


def _branches(condition: Condition, want: bool) -> Iterator[tuple[_Literal, ...]]:
    """The ways to make a condition what is wanted: each a set of comparisons, and what they must be."""
    match condition:
        case Comparison():
            yield ((condition, want),)
        case Not(part=part):
            yield from _branches(part, not want)
        case And(parts=parts) | Or(parts=parts):
            if isinstance(condition, And) is want:
                ways = [list(islice(_branches(part, want), _MOST_BRANCHES)) for part in parts]
                yield from (tuple(literal for way in choice for literal in way) for choice in product(*ways))
            else:
                for part in parts:
                    yield from _branches(part, want)
        case _:
            assert_never(condition)


def _guesses(literals: Sequence[_Literal], dataset: Dataset) -> Iterator[Guess]:
    by_field: dict[str, list[_Literal]] = {}
    for literal in literals:
        by_field.setdefault(literal[0].field, []).append(literal)
    # What several comparisons ask of one field varies fastest: its first guess is the least likely to do.
    ordered = sorted(by_field.items(), key=lambda item: len(item[1]))
    pools = [[_spell(name, value, dataset) for value in _pool(asked, dataset.fields[name])] for name, asked in ordered]
    for choice in product(*pools):
        merged = _merge(choice)
        if merged is not None:
            yield merged


def _merge(parts: Iterable[Guess | None]) -> Guess | None:
    merged: dict[str, str | None] = {}
    for part in parts:
        if part is None or any(name in merged and merged[name] != value for name, value in part.items()):
            return None
        merged |= part
    return merged


def _pool(asked: Sequence[_Literal], field: Field) -> list[_Value]:
    values: list[_Value] = []
    if len(asked) > 1 and field.kind in {Kind.TEXT, Kind.WORD, Kind.ARN, Kind.ACCOUNT}:
        joined = _joined(asked)
        values += [_arn(field, joined)] if joined and field.kind is Kind.ARN and not joined.startswith("arn:") else [joined] if joined else []
    for comparison, want in asked:
        values += _values(comparison, field, want)
    return list(dict.fromkeys(values))


def _joined(asked: Sequence[_Literal]) -> str:
    """One text that starts, contains and ends as is asked."""

    def first(part: Part) -> list[str]:
        return [comparison.literals[0].text for comparison, want in asked if want and OPERATORS[comparison.operator].part is part]

    patterns = [text_of(text) for text in first(Part.PATTERN)]
    return "".join([*first(Part.START)[:1], *first(Part.ANY), *patterns, *first(Part.END)[:1]])


def _values(comparison: Comparison, field: Field, want: bool) -> list[_Value]:
    operator = comparison.operator
    if operator is Operator.PRESENT:
        return [_Ago(HOUR) if field.kind is Kind.SPAN else something(field)] if bool(comparison.values[0]) is want else [None]
    texts = [literal.text for literal in comparison.literals]
    if operator is Operator.IN_INVENTORY:
        return [_Listed(texts[0], want)]
    match field.kind:
        case Kind.ENUM:
            # A job that has not completed has no outcome, whatever its state.
            others = [None, ""] if field.name == "Outcome" and not want else []
            return [*(text for text in _ordered(field.values) if (text in texts) is want), *others]
        case Kind.BOOLEAN:
            return [text for text in ("true", "false") if (text in texts) is want]
        case Kind.TIME | Kind.SPAN if operator in CLOCK_OPERATORS:
            return [*_local_times(comparison, want)]
        case Kind.TIME | Kind.SPAN | Kind.DURATION | Kind.SIZE | Kind.INTEGER:
            return list(_numbers(comparison, field, want))
        case Kind.NAME:
            return [*(f"{'' if want else '-'}{text}" for text in texts)] if want else [" ".join(f"-{text}" for text in texts)]
        case Kind.TEXT | Kind.WORD | Kind.ARN | Kind.ACCOUNT:
            return [*_texts(operator, texts, field)] if want else [something(field), *_others(field), None]
        case _:
            assert_never(field.kind)


def _ordered(values: Iterable[str]) -> list[str]:
    return sorted(values, key=lambda value: _FIRST.index(value) if value in _FIRST else len(_FIRST))


def _texts(operator: Operator, texts: Sequence[str], field: Field) -> Iterator[str]:
    part = OPERATORS[operator].part
    for text in texts:
        match part:
            case Part.WHOLE | None:
                yield text
            case Part.PATTERN:
                yield text_of(text)
                yield text_of(text) + "x"
            case Part.START:
                yield text
                yield f"{text}1"
            case Part.END | Part.ANY if field.kind is Kind.ARN and not text.startswith("arn:"):
                yield _arn(field, text)
                yield text
            case Part.END | Part.ANY:
                yield text
                yield f"a{text}"
            case _:
                assert_never(part)


def something(field: Field) -> str:
    """A value that a rule is not likely to name."""
    match field.kind:
        case Kind.ENUM:
            return _ordered(field.values)[0]
        case Kind.BOOLEAN:
            return "true"
        case Kind.TIME:
            return "-1h"
        case Kind.DURATION:
            return str(HOUR)
        case Kind.SIZE | Kind.INTEGER:
            return "1"
        case Kind.ACCOUNT:
            return ACCOUNT
        case Kind.ARN:
            return _arn(field, "other")
        case _:
            return REGION if field.name.endswith("Region") else "other"


def _arn(field: Field, end: str) -> str:
    if "EncryptionKey" in field.name:
        return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{end}"
    return f"arn:aws:iam::{ACCOUNT}:role/{end}" if "Role" in field.name else f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{end}"


def _others(field: Field) -> list[str]:
    if field.kind is Kind.ACCOUNT:
        return [_OTHER_ACCOUNT]
    return [_OTHER_REGION] if field.name.endswith("Region") else ["another", "x"]


def _numbers(comparison: Comparison, field: Field, want: bool) -> Iterator[str]:
    operator = comparison.operator
    for given in comparison.values:
        value = int(given)
        if operator in AGE_OPERATORS:
            ages = (value // 2, value + max(value // 2, HOUR))
            yield from (f"-{spell_age(age)}" for age in ages if _lies_in(-age, operator, value) is want)
            continue
        step = {Kind.TIME: HOUR, Kind.DURATION: DAY if field.name == "Retention" else max(round_down(value // 8), MINUTE)}.get(field.kind, 1)
        above, below = [value + step, 2 * value + step], [max(value - step, 0), 0]
        numbers = [number for number in (value, *above, *below) if _lies_in(number, operator, value) is want]
        yield from (iso(moment(number)) if field.kind is Kind.TIME else str(number) for number in numbers if 0 <= number < 2**53)


_LISTED = "~listed in "
"""What the name begins with, in a guess, of an ARN that an inventory lists; with `-` before the inventory's name, does not."""
_WEEK_AND_DAY = 8 * DAY


def _local_times(comparison: Comparison, want: bool) -> Iterator[_Ago]:
    """Ages, in the hours that are asked for or not in them, the latest of each day."""
    hours = parse_local_time(str(comparison.values[0]))
    for began in range(0, _WEEK_AND_DAY, DAY):
        for age in range(began + 15 * MINUTE, began + DAY, 15 * MINUTE):
            if hours.holds(SAMPLED_AT - timedelta(microseconds=age)) is want:
                yield _Ago(age)
                break


def _with_other_times(name: str, age: int, dataset: Dataset) -> Guess:
    """The times of a job of which one is told, so that none contradicts another."""
    old, at, later = f"-{spell_age(age + 10 * MINUTE)}", f"-{spell_age(age)}", f"-{spell_age(max(age - 5 * MINUTE, SECOND))}"
    started = {"InitiationDate": at} if "InitiationDate" in dataset.fields else {}
    match name:
        case "CompletionDate":
            return {"CreationDate": old, **({"InitiationDate": old} if started else {}), "CompletionDate": at}
        case "InitiationDate" | "Running":
            return {"CreationDate": at, **started, "CompletionDate": later}
        case _:
            return {name: at}


def _lies_in(number: int, operator: Operator, value: int) -> bool:
    """Whether a number passes beside this value."""
    interval = OPERATORS[operator].interval
    least, most = interval(value) if interval else (value, value)
    return (least is None or number >= least) and (most is None or number <= most)


def _spell(name: str, value: _Value, dataset: Dataset) -> Guess | None:
    """A value of a field as members; None where no member gives it."""
    match value:
        case _Ago(age=age):
            return _with_other_times(name, age, dataset)
        case _Listed(inventory=inventory, lists=lists):
            return {name: _arn(dataset.fields[name], "listed"), f"{_LISTED}{name}": f"{'' if lists else '-'}{inventory}"}
        case str() | None:
            return _spell_text(name, value, dataset)
        case _:
            assert_never(value)


def _spell_text(name: str, text: str | None, dataset: Dataset) -> Guess | None:
    if name.startswith(TAGS) or name in {*_LENGTHS, "AccountName", "in_inventory", "DestinationAccount", "DestinationRegion", "CrossAccount", "CrossRegion"}:
        return {f"~{name}": text}
    match name:
        case "Running":
            return {dataset.state_field: "PENDING"}
        case "Account" | "Region":
            return None if text is None else {name: text}
        case "IamRoleName":
            return {"IamRoleArn": text and f"arn:aws:iam::{ACCOUNT}:role/{text}"}
        case "Outcome":
            return _outcome(text)
        case "Overdue":
            return {"State": "PENDING", "StartBy": "-1h"} if text == "true" else {"State": "COMPLETED"}
        case "Retention":
            return {f"{dataset.lifecycle}.DeleteAfterDays": str(-(-int(text) // DAY))} if text else {str(dataset.lifecycle): None}
        case "BackupVaultName" if dataset.fields[name].derived:
            return {"~vault": text}
        case "ResourceArn" if dataset.fields[name].derived:
            return {dataset.resource_field: text}
        case _:
            return {name: text}


def _outcome(text: str | None) -> Guess:
    match text:
        case "clean":
            return {"State": "COMPLETED", "MessageCategory": "SUCCESS"}
        case "with_issues":
            return {"State": "COMPLETED", "MessageCategory": "AGGREGATE_ALL"}
        case "unknown":
            return {"State": "COMPLETED", "MessageCategory": None}
        case "":
            return {}
        case _:
            return {"State": "FAILED"}


# Guesses to jobs


@dataclass(frozen=True, slots=True)
class When:
    """When a job was created, or when it ended: microseconds before as_of."""

    created: int | None = None
    ended: int | None = None


def build_job(guess: Guess, dataset: Dataset, when: When) -> dict[str, Any]:
    """The job of a guess, as a test file has it."""
    members = {name: value for name, value in guess.items() if value is not None and not name.startswith("~")}
    job: dict[str, Any] = dict(members)
    job |= _destination(guess, members)
    if vault := guess.get("~vault"):
        place = f"{members.get('Region', REGION)}:{members.get('Account', ACCOUNT)}"
        job["BackupVaultArn"] = f"arn:aws:backup:{place}:backup-vault:{vault}"
    if "CreationDate" not in job and dataset.dated:
        job |= {name: value for name, value in _times(guess, dataset, when).items() if name not in job}
    missing = [name for name, value in guess.items() if value is None and not name.startswith("~")]
    missing += ["BackupVaultArn"] if "~vault" in guess and guess["~vault"] is None else []
    return job | ({"without": missing} if missing else {})


def _destination(guess: Guess, members: Mapping[str, str]) -> dict[str, str]:
    asked = {name: guess[f"~{name}"] for name in ("DestinationAccount", "DestinationRegion", "CrossAccount", "CrossRegion") if f"~{name}" in guess}
    if not asked:
        return {}
    own, region = members.get("Account", ACCOUNT), members.get("Region", REGION)
    account = asked.get("DestinationAccount") or (own if asked.get("CrossAccount") != "true" else _OTHER_ACCOUNT if own != _OTHER_ACCOUNT else ACCOUNT)
    elsewhere = asked.get("DestinationRegion") or (region if asked.get("CrossRegion") != "true" else _OTHER_REGION if region != _OTHER_REGION else REGION)
    return {"DestinationBackupVaultArn": f"arn:aws:backup:{elsewhere}:{account}:backup-vault:dr"}


def _times(guess: Guess, dataset: Dataset, when: When) -> dict[str, str]:
    """When it was created, and started and ended where that is not what any job does."""
    state = guess.get(dataset.state_field) or "COMPLETED"
    told = {name: int(text) for name in _LENGTHS if (text := guess.get(f"~{name}")) is not None}
    delay = told.get("StartDelay", 0)
    length = told.get("Elapsed", told["Duration"] + delay if "Duration" in told else None)
    ended: int | None = None
    if state in dataset.in_progress:
        created = (when.created or 2 * HOUR) if length is None else length
    elif when.ended is not None or length is not None:
        ended = when.ended if when.ended is not None else min(when.created or 2 * HOUR, HOUR)
        length = HOUR if length is None else length
        created = ended + max(length, delay)
    else:
        created = when.created or 2 * HOUR
    times = {"CreationDate": f"-{spell_age(created)}"}
    if dataset.of_state:
        return times
    if told and "InitiationDate" in dataset.fields:
        times["InitiationDate"] = f"-{spell_age(created - delay)}"
    if state not in dataset.in_progress and (when.ended is not None or length is not None):
        times["StartBy" if state == "EXPIRED" else "CompletionDate"] = f"-{spell_age(ended or 0)}"
    return times


def spell_age(microseconds: int) -> str:
    """`26h`, `90m`: an age, exactly, in the largest unit that gives a whole number."""
    rest = max(microseconds, 0)
    for unit, size in (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND)):
        if rest % size == 0 and (rest >= 3 * size or size < DAY) and rest:
            return f"{rest // size}{unit}"
    return f"{re.sub(r'0+$', '', f'{rest / SECOND:.6f}').rstrip('.')}s"


def list_resource(guess: Guess, arn: str, named: str | None) -> dict[str, list[dict[str, Any]]]:
    """The inventories that a guess needs: who lists the resource, with which tags.

    Args:
        named: the inventory whose entries are a rule's subjects.
    """
    tags = {name.removeprefix(f"~{TAGS}"): value for name, value in guess.items() if name.startswith(f"~{TAGS}")}
    said: dict[str, Any] = {"tags": {name: value for name, value in tags.items() if value is not None}} if any(tags.values()) else {}
    said |= {"account_name": guess["~AccountName"]} if guess.get("~AccountName") else {}
    listed = [name for text in [guess.get("~in_inventory")] if text for name in text.split(" ")]
    names = {name.removeprefix("-"): not name.startswith("-") for name in listed} | ({named: True} if named else {})
    if not names and (tags or "~AccountName" in guess):
        names = {"resources": True}
    if "~in_inventory" in guess and guess["~in_inventory"] is None:
        names = {"resources": False}
    other: dict[str, Any] = {"arn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/another"}
    # What no entry says is unknown of all of them.
    other |= {"tags": {name: "other" for name in tags}} if None in tags.values() else {}
    other |= {"account_name": "other"} if "~AccountName" in guess and guess["~AccountName"] is None else {}
    own = {"arn": arn, **said}
    looked_up = {text: guess[key.removeprefix(_LISTED)] for key, text in guess.items() if key.startswith(_LISTED) and text is not None}
    arns = {name.removeprefix("-"): [other if name.startswith("-") else {"arn": value}] for name, value in looked_up.items()}
    return arns | {name: [own, *([other] if len(other) > 1 else [])] if own_listed else [other] for name, own_listed in sorted(names.items())}
