"""Job lists that a program holds: records as boto3 gives them, and frames of any dataframe library that Narwhals knows.

Both are read as the JSON of a saved list would be, so that they are checked alike: members in another spelling, times without an offset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from policycheck.datasets import BY_RESULT_KEY, DATASETS
from policycheck.errors import JobFileError
from policycheck.policy.model import Policy
from policycheck.sources.files import read_texts
from policycheck.sources.interface import Evidence

if TYPE_CHECKING:
    pass

_RECORDS, _FRAME = "the list of records", "the frame"


def read_given(lists: Sequence[object], *, as_of: datetime, covers: tuple[datetime, datetime] | None = None, policies: Sequence[Policy] = ()) -> Evidence:
    """The jobs of records and frames; they cover what a saved list of them would.

    Args:
        lists: each a frame of jobs, with a column a member (`CreatedBy.BackupPlanId` or a struct `CreatedBy` for nested ones), or an iterable of jobs or of
            answers, as mappings.

    Raises:
        JobFileError: no list of jobs, or a job that cannot be used.
    """
    texts = [_text(given) for given in lists]
    numbered = [(name if len(texts) == 1 else f"{name} {number}", text) for number, (name, text) in enumerate(texts, 1)]
    return read_texts(numbered, as_of=as_of, covers=covers, policies=policies)


def is_frame(given: object) -> bool:
    """Whether this is a frame of a library that Narwhals knows."""
    import narwhals as nw

    return isinstance(nw.from_native(given, pass_through=True), nw.DataFrame | nw.LazyFrame)


def _text(given: object) -> tuple[str, bytes]:
    if is_frame(given):
        return _FRAME, _encoded(_answer(given))
    if isinstance(given, Mapping):
        return _RECORDS, _encoded(given)
    if not isinstance(given, Iterable) or isinstance(given, str | bytes):
        raise JobFileError(f"is a {type(given).__name__}, not a list of jobs", hint="pass paths, records as boto3 gives them, or a frame", place=_RECORDS)
    return _RECORDS, _encoded(list(given))


def _answer(given: object) -> dict[str, object]:
    """The frame as an answer of the list whose id it has a column of."""
    import narwhals as nw

    frame: Any = nw.from_native(given)
    columns = frame.collect_schema().names()
    found = [dataset for dataset in DATASETS.values() if dataset.id_field in columns]
    if len(found) != 1:
        ids = " or ".join(dataset.id_field for dataset in DATASETS.values())
        raise JobFileError(f"has no single column {ids}", hint=f"a frame holds one of {', '.join(BY_RESULT_KEY)}, a column a member", place=_FRAME)
    return {found[0].result_key: [_nested(zip(columns, row, strict=True)) for row in _rows(frame)]}


def _rows(frame: Any) -> Iterable[tuple[object, ...]]:
    import narwhals as nw

    if not isinstance(frame, nw.LazyFrame):
        rows: Iterable[tuple[object, ...]] = frame.iter_rows()
        return rows
    # A relation of a database gives its rows itself; Narwhals would ask for another library to hold them.
    fetch = getattr(frame.to_native(), "fetchall", None)
    return fetch() if fetch is not None else frame.collect(backend="polars").iter_rows()


def _nested(row: Iterable[tuple[str, object]]) -> dict[str, object]:
    """A row as a record: no member where there is no value, `CreatedBy.BackupPlanId` in CreatedBy."""
    record: dict[str, Any] = {}
    for name, value in row:
        # What is not equal to itself is a number that is none, which some libraries have in place of null.
        if value is None or value != value:  # noqa: PLR0124
            continue
        head, _, tail = name.partition(".")
        if tail:
            record.setdefault(head, {})[tail] = value
        else:
            record[name] = value
    return record


def _encoded(value: object) -> bytes:
    try:
        return msgspec.json.encode(value, enc_hook=_plain)
    except (TypeError, msgspec.MsgspecError) as error:
        raise JobFileError(f"holds what JSON cannot: {error}", place=_RECORDS) from None


def _plain(value: object) -> object:
    """A value of another library's own type, as Python has it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    item = getattr(value, "item", None)
    if callable(item):
        return item()
    raise TypeError(f"a value of the type {type(value).__name__}")
