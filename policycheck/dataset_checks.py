"""The checks that a row of `datasets` must pass: one that cannot be is an error when the program starts, and nothing that looks like evidence."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from policycheck.dataset_types import DOCS, NEEDED, OF_ALL, SOURCES, STAND_INS, STATE, Dataset, DatasetError, Kind, Presence

_COMPLETED, _FAILED, _RUNNING, _PENDING, _EXPIRED = "COMPLETED", "FAILED", "RUNNING", "PENDING", "EXPIRED"
_OPTIONAL = frozenset({("Duration", "InitiationDate"), ("Running", "InitiationDate")})
"""Of what derived fields come from, what a list may lack."""


def listed(*rows: Dataset) -> Mapping[str, Dataset]:
    """The lists by name.

    Raises:
        DatasetError: a row that cannot be.
    """
    for row in rows:
        _check_row(row)
        for what in ("name", "noun", "operation", "result_key", *(() if row.of_state else ("id_field",))):
            if any(getattr(other, what) == getattr(row, what) for other in rows if other is not row):
                raise DatasetError(row.name, what, f"{getattr(row, what)} is that of another list, too")
    named = {row.name: row for row in rows}
    for row in rows:
        if row.each is not None:
            _require(row, "each", row.each.dataset, row.each.dataset in list(named)[: list(named).index(row.name)], "is no list before it")
            _require(row, "each", row.each.member, row.each.member in named[row.each.dataset].fields, f"is no field of {row.each.dataset}")
        for followed, links in row.follows.items():
            if followed not in named:
                raise DatasetError(row.name, "follows", f"there is no list {followed}")
            for link in links:
                _require(row, "follows", link.follower, link.follower in row.fields, "is none of its fields")
                _require(row, "follows", link.job, link.job in named[followed].fields, f"is no field of {followed}")
    return MappingProxyType(named)


def _require(row: Dataset, what: str, name: str, holds: bool, problem: str) -> None:
    if not holds:
        raise DatasetError(row.name, what, f"{name} {problem}")


def _check_row(row: Dataset) -> None:
    heads = {name.partition(".")[0] for name in row.fields if "." in name}
    for name, one in row.fields.items():
        if not isinstance(one.kind, Kind) or not isinstance(one.presence, Presence):
            raise DatasetError(row.name, name, f"{one.kind!r} is no kind of field" if not isinstance(one.kind, Kind) else f"{one.presence!r} is no presence")
        if name.count(".") > 1 or name in heads:
            raise DatasetError(row.name, name, "is an object and a value" if name in heads else "is nested deeper than one object")
        if bool(one.values) != (one.kind is Kind.ENUM):
            raise DatasetError(row.name, name, "is an enum without values" if not one.values else f"has values and is no enum, but {one.kind}")
        if one.derived and name not in DOCS:
            raise DatasetError(row.name, name, "is derived, and nothing here says how")
        for source in SOURCES.get(name, ()) if one.derived else ():
            _require(row, name, source, source in row.fields or (name, source) in _OPTIONAL, "is missing, which it comes from")
    if "Retention" in row.fields and row.lifecycle is None:
        raise DatasetError(row.name, "Retention", "comes from the DeleteAfterDays of a lifecycle, and there is none")
    ids = {Kind.TEXT, Kind.ARN} if row.of_state else {Kind.TEXT}
    for what, kinds in (("id_field", ids), ("state_field", {Kind.ENUM}), ("resource_field", {Kind.ARN}), ("vault_field", {Kind.ARN})):
        name = getattr(row, what)
        if name == STATE and row.of_state:
            continue
        _require(row, what, name, name in row.fields and not row.fields[name].derived, "is none of its members")
        _require(row, what, name, row.fields[name].kind in kinds, f"is of the kind {row.fields[name].kind}, not {' or '.join(sorted(kinds))}")
    for name, kind in NEEDED.items():
        _require(row, "fields", name, name in row.fields or (row.of_state and name not in OF_ALL), "is missing")
        _require(row, "fields", name, row.fields[name].kind is kind, f"is of the kind {row.fields[name].kind}, not {kind}")
    if row.of_state:
        _check_state_list(row)
    else:
        _check_states(row)
        if not row.kind or row.kind == row.noun or " " in row.kind:
            raise DatasetError(row.name, "noun", f"{row.noun!r} is not one word and `job`: sentences say `backup job`")
    for name, (message, undecided) in row.later_words.items():
        _require(row, "later_words", name, name in row.fields, "is none of its fields")
        _require(row, "later_words", message, message in row.fields, "is none of its fields")
        _require(row, "later_words", undecided, undecided in row.fields[name].values, f"is no value of {name}")
    for name in row.filters:
        _require(row, "filters", name, name in row.fields, "is none of its fields")


def _check_state_list(row: Dataset) -> None:
    """What a list of what there is may say that a list of jobs may not."""
    _require(row, "noun", repr(row.noun), not row.noun.endswith("job") and " " in row.noun, "is not two words, which no sentence on jobs has")
    for name, member in row.stand_ins.items():
        _require(row, "stand_ins", name, name in STAND_INS and name not in row.fields, "is none that the list lacks")
        _require(row, "stand_ins", member, member in row.fields, "is none of its fields")
        _require(row, "stand_ins", member, row.fields[member].kind in {STAND_INS[name], Kind.ARN}, f"is not of the kind {STAND_INS[name]}")
    for what, states in (("in_progress", row.in_progress), ("well", row.well if row.named_states else frozenset())):
        for state in states:
            _require(row, what, state, state in row.states, f"is no value of {row.state_field}")


def _check_states(row: Dataset) -> None:
    for what, states in (("in_progress", row.in_progress), ("bad_ends", row.bad_ends)):
        for state in states:
            _require(row, what, state, state in row.states, f"is no value of {row.state_field}")
    for state in row.bad_ends:
        _require(row, "bad_ends", state, state in row.finished, "is a state of jobs in progress")
    for state in (_COMPLETED, _FAILED, _RUNNING):
        _require(row, row.state_field, state, state in row.states, "is missing, which every list has")
        _require(row, "in_progress", state, (state in row.in_progress) == (state == _RUNNING), "is in progress in all lists or in none")
    if _EXPIRED in row.states:
        # An EXPIRED job ended when its start window did.
        _require(row, row.state_field, _EXPIRED, "StartBy" in row.fields, "needs the member StartBy")
    if "InitiationDate" in row.fields:
        # What began after as_of was waiting then.
        _require(row, row.state_field, _PENDING, _PENDING in row.in_progress, "is missing, in which jobs wait for their InitiationDate")
