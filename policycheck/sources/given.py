"""Job lists that a program holds: records as boto3 gives them, and frames of any dataframe library that Narwhals knows.

Both are read as the JSON of a saved list would be, so that they are checked alike: members in another spelling, times without an offset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from policycheck import column_records
from policycheck.datasets import JOB_LISTS, Dataset
from policycheck.errors import JobFileError
from policycheck.job_lists import JobList
from policycheck.policy.model import Policy
from policycheck.sources.asked import members_read
from policycheck.sources.files import read_parts
from policycheck.sources.frame_records import read_frame
from policycheck.sources.interface import Evidence

_RECORDS, _FRAME = "the list of records", "the frame"


def read_given(lists: Sequence[object], *, as_of: datetime, covers: tuple[datetime, datetime] | None = None, policies: Sequence[Policy] = ()) -> Evidence:
    """The jobs of records and frames; they cover what a saved list of them would.

    Args:
        lists: each a frame of jobs, with a column a member (`CreatedBy.BackupPlanId` or a struct `CreatedBy` for nested ones), or an iterable of jobs or of
            answers, as mappings.

    Raises:
        JobFileError: no list of jobs, or a job that cannot be used.
    """
    parts = [_part(given, policies) for given in lists]
    numbered = [(name if len(parts) == 1 else f"{name} {number}", part) for number, (name, part) in enumerate(parts, 1)]
    return read_parts(numbered, as_of=as_of, covers=covers, policies=policies)


def is_frame(given: object) -> bool:
    """Whether this is a frame of a library that Narwhals knows."""
    import narwhals as nw

    return isinstance(nw.from_native(given, pass_through=True), nw.DataFrame | nw.LazyFrame)


def _part(given: object, policies: Sequence[Policy]) -> tuple[str, bytes | JobList]:
    if is_frame(given):
        frame, columns, dataset = _of_list(given)
        jobs = _in_columns(frame, dataset, policies)
        return _FRAME, jobs or _encoded({dataset.result_key: [_nested(zip(columns, row, strict=True)) for row in _rows(frame)]})
    if isinstance(given, Mapping):
        return _RECORDS, _encoded(given)
    if not isinstance(given, Iterable) or isinstance(given, str | bytes):
        raise JobFileError(f"is a {type(given).__name__}, not a list of jobs", hint="pass paths, records as boto3 gives them, or a frame", place=_RECORDS)
    return _RECORDS, _encoded(list(given))


def _in_columns(frame: Any, dataset: Dataset, policies: Sequence[Policy]) -> JobList | None:
    """The list of a long frame, its columns taken as they are; None where it is short, of a library that gives rows alone, or unusual."""
    import narwhals as nw

    library = frame.implementation
    if not isinstance(frame, nw.DataFrame) or len(frame) < column_records.MANY or not (library.is_polars() or library.is_pyarrow()):
        return None
    try:
        return read_frame(dataset, frame.to_polars(), members_read(policies, dataset), lambda row: _nested(row.items()))
    except column_records.Unusual:
        return None


def _of_list(given: object) -> tuple[Any, Sequence[str], Dataset]:
    """The frame (what is scanned has been read), its columns, and the list whose id it has a column of."""
    import narwhals as nw

    frame: Any = nw.from_native(given)
    columns = frame.collect_schema().names()
    found = [dataset for dataset in JOB_LISTS.values() if dataset.id_field in columns]
    if len(found) != 1:
        ids = " or ".join(dataset.id_field for dataset in JOB_LISTS.values())
        raise JobFileError(
            f"does not have the column {ids}",
            hint=f"a frame holds one of {', '.join(dataset.result_key for dataset in JOB_LISTS.values())}, a column a member",
            place=_FRAME,
        )
    scanned = isinstance(frame, nw.LazyFrame) and frame.implementation.is_polars()
    return frame.collect() if scanned else frame, columns, found[0]


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
        raise JobFileError(f"contains values that JSON cannot represent: {error}", place=_RECORDS) from None


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
