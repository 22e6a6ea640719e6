"""The records of a saved list, one by one: members in another spelling, members that stand twice, and types that differ from client to client.

The AWS CLI and boto3 write a member as the API names it. What another program renamed (backupJobId, backup_job_id) would look like a member that is missing,
and a missing member means something; so it is refused, while a member that no version of the API is known to have is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NoReturn

import msgspec

from policycheck.datasets import BY_RESULT_KEY, DATASETS, JOB_LISTS, Dataset
from policycheck.errors import JobFileError
from policycheck.records import record_type, time_members
from policycheck.sources.json_text import Repeated, holds_all, items, parse, quotes
from policycheck.text import clean_line, truncate

_HINT = "records and pages count from 0; AWS does not return this: save the list again, unchanged"
_COMMON_WORD = "Results"
_NOT_LETTERS = re.compile("[^a-z0-9]")
_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{0,20})?(?:[eE][+-]?[0-9]{1,3})?")
_PERCENTAGES = frozenset({"PercentDone"})
"""Texts that hold a number, and that clients in other languages save as one."""
_VALIDATION = re.compile(r"(?P<problem>.*?)(?: - at `\$\.?(?P<member>.*)`)?", re.DOTALL)


def letters(name: str) -> str:
    """A name without what one language spells otherwise than another: backup_job_id, backupJobId and BackupJobId are one."""
    return _NOT_LETTERS.sub("", name.lower())


@cache
def container_names() -> Mapping[str, str]:
    """By their letters: the lists, the wrappers of one job, and the ids that tell a job by itself."""
    names = [name for d in JOB_LISTS.values() for name in (d.result_key, d.wrapper, d.id_field)]
    # Any program calls something its results; what AWS calls so is a list of protected resources.
    names += [d.result_key for d in DATASETS.values() if d.of_state and d.result_key != _COMMON_WORD]
    return {letters(name): name for name in names}


def spelled(key: str, names: Mapping[str, str]) -> str | None:
    """What AWS writes where `key` is one of `names` in another spelling."""
    name = names.get(letters(key))
    return name if name != key else None


def read_records(dataset: Dataset, listed: object, where: str, known: Sequence[Any] | None = None) -> list[Any]:
    """The records of one list, parsed or not; `known` are they, where they have been decoded whole.

    Raises:
        JobFileError: no list, or a record that cannot be believed; `where` is the place of the list in the file.
    """
    found = items(listed)
    if found is None:
        raise bad_record([where, dataset.result_key, f"expected array, got {_json_type(listed)}"])
    if known is None and isinstance(listed, msgspec.Raw):
        known = _decode_all(dataset, listed)
    if known is None:
        return [read_record(dataset, value, where, f"record {index}") for index, value in enumerate(found)]
    # Of a list that could be decoded whole, only records are looked at again of which a member was passed over, and of those with the same members one.
    believed: set[object] = set()
    for index, (record, value) in enumerate(zip(known, found, strict=True)):
        if not holds_all(bytes(value), quotes(record)):  # type: ignore[call-overload]  # only texts are decoded whole
            fields = parse(value)
            if isinstance(fields, Repeated) or (shape := _shape(dataset, fields)) not in believed:
                read_record(dataset, fields, where, f"record {index}")
                believed.add(shape)
    return list(known)


def read_record(dataset: Dataset, value: object, *places: str) -> Any:
    """One record, as `record_type` has it.

    Raises:
        JobFileError: a member twice, in another spelling or of a wrong type, or no member that is known.
    """
    fields = parse(value)
    if not isinstance(fields, dict):
        raise bad_record([*places, f"expected object, got {_json_type(fields)}"])
    job_id = fields.get(dataset.id_field)
    if isinstance(job_id, str) and job_id and places[-1].startswith("record "):
        places = (*places[:-1], f"{places[-1]} ({dataset.id_field} {truncate(clean_line(job_id), 80)})")
    _check_members(dataset, fields, places)
    kind = record_type(dataset)
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError:
        pass
    try:
        return msgspec.convert(_as_aws_writes(dataset, fields), kind)
    except msgspec.ValidationError as error:
        raise _wrong_type(str(error), places) from None


def bad_record(parts: list[str]) -> JobFileError:
    """The error for a record that cannot be used: its place from the outside in, the member, the problem."""
    return JobFileError(": ".join(filter(None, parts)), hint=_HINT)


def refuse_spelling(key: str, name: str, *places: str) -> NoReturn:
    """Refuse a member in another spelling than AWS's, which is `name`."""
    raise JobFileError(
        ": ".join(filter(None, (*places, f"has the field {_shown(key)}, which AWS writes {name}"))),
        hint="save the list with the AWS CLI or boto3, and keep the names as they are",
    )


def _decode_all(dataset: Dataset, listed: msgspec.Raw) -> list[Any] | None:
    try:
        return msgspec.json.decode(listed, type=list[record_type(dataset)])  # type: ignore[misc, no-any-return]  # a type made at run time
    except msgspec.ValidationError:
        return None


# --- names ---


@cache
def _nested(dataset: Dataset) -> Mapping[str, Mapping[str, str]]:
    """The members of each nested one, by their letters."""
    found: dict[str, dict[str, str]] = {}
    for member in dataset.members:
        head, _, tail = member.name.partition(".")
        if tail:
            found.setdefault(head, {})[letters(tail)] = tail
    return found


@cache
def _heads(dataset: Dataset) -> Mapping[str, str]:
    """What a record can have, by letters, `CreatedBy.BackupPlanId` in one piece included: tables spell nested members so."""
    dotted = {letters(f"{head}.{name}"): f"{name} in {head}" for head, names in _nested(dataset).items() for name in names.values()}
    return dotted | {letters(name): name for name in (member.name.partition(".")[0] for member in dataset.members)}


@cache
def member_names(dataset: Dataset) -> frozenset[str]:
    """The members a record of this list can have, without what is in them."""
    return frozenset(member.name.partition(".")[0] for member in dataset.members)


def _shape(dataset: Dataset, fields: object) -> object:
    """All that `_check_members` asks of a record; None where an object in it has a member twice."""
    assert isinstance(fields, dict)
    inner = [fields.get(head) for head in _nested(dataset)]
    return (*fields, *(tuple(each) if isinstance(each, dict) and not isinstance(each, Repeated) else isinstance(each, Repeated) for each in inner))


def _check_members(dataset: Dataset, fields: dict[str, object], places: tuple[str, ...]) -> None:
    _refuse_repeated(fields, places)
    known = member_names(dataset)
    for key in fields.keys() - known:
        if name := spelled(key, _heads(dataset)):
            refuse_spelling(key, name, *places)
        if name := _moved(dataset, key, fields):
            refuse_spelling(key, name, *places)
    if fields and known.isdisjoint(fields):
        shown = truncate(", ".join(map(_shown, fields)), 120)
        raise bad_record([*places, f"has no field of a {dataset.noun}, only {shown}"])
    for head, names in _nested(dataset).items():
        inner = fields.get(head)
        if isinstance(inner, dict):
            _refuse_repeated(inner, (*places, head))
            for key in inner:
                if name := spelled(key, names):
                    refuse_spelling(key, name, *places, head)


def _moved(dataset: Dataset, key: str, fields: Mapping[str, object]) -> str | None:
    """What AWS writes for a nested member that stands beside the other members, the one it belongs into being gone."""
    for head, names in _nested(dataset).items():
        if head not in fields and letters(key) in names:
            return f"{names[letters(key)]} in {head}"
    return None


def _refuse_repeated(fields: dict[str, object], places: tuple[str, ...]) -> None:
    if isinstance(fields, Repeated):
        raise bad_record([*places, _shown(fields.member), "appears twice in one object"])


def _shown(key: str) -> str:
    return truncate(clean_line(key), 60)


# --- types ---


def _as_aws_writes(dataset: Dataset, fields: dict[str, object]) -> dict[str, object]:
    """The fields with the types that AWS writes, where a client is known to save others: PercentDone as a number, a time as a number in a text."""
    changed = _without_empty(fields)
    for name in time_members(dataset):
        value = changed.get(name)
        if isinstance(value, str):
            changed[name] = _time(value)
    for name in _PERCENTAGES & fields.keys():
        value = fields[name]
        if isinstance(value, int | float) and not isinstance(value, bool):
            # AWS writes 100.0 for a hundred.
            changed[name] = str(float(value))
    return changed


def _without_empty(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields in which an empty text is none, whatever the member's type."""
    kept: dict[str, object] = {}
    for name, value in fields.items():
        kept[name] = None if value == "" else _without_empty(value) if isinstance(value, dict) else value
    return kept


def _time(text: str) -> object:
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        # ISO 8601 has more forms than RFC 3339: an offset without its colon, a comma before the fraction.
        return datetime.fromisoformat(text) if "T" in text or " " in text else text
    except ValueError:
        return text


def _wrong_type(message: str, places: tuple[str, ...]) -> JobFileError:
    """The error for msgspec's "Expected `str | null`, got `int` - at `$.CreatedBy.BackupPlanId`"."""
    found = _VALIDATION.fullmatch(message)
    assert found is not None  # the pattern matches any text
    problem = found["problem"].replace("`", "").replace(" | null", "").replace("int | float | datetime", "a time")
    problem = problem.replace("Invalid RFC3339 encoded datetime", "not an ISO 8601 time").replace("Expected", "expected")
    return bad_record([*places, found["member"] or "", problem])


def _json_type(value: object) -> str:
    if isinstance(value, msgspec.Raw):
        value = parse(value)
    names = {dict: "object", list: "array", str: "str", bool: "bool", int: "int", float: "float"}
    return names.get(type(value), "null")


LIST_LETTERS = frozenset(map(letters, BY_RESULT_KEY.keys() - {_COMMON_WORD}))
"""The names of the lists, by their letters."""
