"""The columns of the archive's tables (docs/archive.md, Tables and columns), and how records become rows.

A table of jobs has a column for each member of its list, named and nested as the API does, so that other programs read it, too; beside these what the archive
knows of the observation, and the record as AWS sent it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from policycheck.datasets import Dataset, Kind
from policycheck.records import objects

if TYPE_CHECKING:
    import polars as pl
    from deltalake import Schema

REGION, DAY = "Region", "Day"
"""What tables of jobs are partitioned by: the Region that was asked, and the day (UTC) of CreationDate."""
OBSERVED, ENDED_BY, FETCH, DIGEST, RECORD = "Observed", "EndedBy", "Fetch", "Digest", "Record"
STATISTICS = (ENDED_BY, OBSERVED, "CreationDate")
"""The columns of which the log keeps the least and the greatest value of each file: those by which files are passed over."""

_INTEGERS = frozenset({Kind.SIZE, Kind.INTEGER})


@dataclass(frozen=True, slots=True)
class Observed:
    """One record as AWS told it once."""

    record: Any
    """With times in microseconds."""
    text: str
    """Its JSON as it was sent."""
    digest: bytes
    """Of that text."""
    region: str
    at: datetime
    """When AWS answered."""
    ended_by: int | None
    """When it had certainly ended, in microseconds; None: in progress."""
    odd_times: dict[str, int]
    """Times that cannot be, as they were sent, in microseconds."""


@cache
def job_columns(dataset: Dataset) -> dict[str, Any]:
    """The columns of a list's table and their Polars types, in their order."""
    import polars as pl

    moment = pl.Datetime("us", "UTC")
    types = {Kind.TIME: moment, Kind.BOOLEAN: pl.Boolean, **dict.fromkeys(_INTEGERS, pl.Int64)}
    nested: dict[str, dict[str, Any]] = {head: {} for head in objects(dataset)}
    columns: dict[str, Any] = {REGION: pl.String, DAY: pl.Date, OBSERVED: moment, ENDED_BY: moment, FETCH: pl.String, DIGEST: pl.Binary}
    for member in dataset.members:
        head, _, tail = member.name.partition(".")
        kind = types.get(member.kind, pl.String)
        if tail:
            nested[head][tail] = kind
            columns.setdefault(head, None)
        else:
            columns[head] = kind
    columns |= {head: pl.Struct(parts) for head, parts in nested.items()}
    return {**columns, RECORD: pl.String}


_TEXTS = "Dataset Account Region Asker Caller Source Parameters Error PageDigests Tool RowDigest"
_MOMENTS = "CoversFrom CoversTo Started Answered Finished OpenSince ListedOpenSince"
FETCH_COLUMNS = {
    **dict.fromkeys((FETCH, *_TEXTS.split()), "string"),
    **dict.fromkeys(_MOMENTS.split(), "timestamp"),
    **dict.fromkeys(("Pages", "Jobs", "Added", "TableVersion"), "long"),
    **dict.fromkeys(("Complete", "Lost"), "boolean"),
}
"""The columns of the table of fetches and their types in Delta Lake; what each means stands in `fetches.FetchRow`."""


FILE_COLUMNS = {"Table": "string", "Path": "string", "Sha256": "string"}
"""The columns of the table of files."""


def table_columns(columns: Mapping[str, str]) -> dict[str, Any]:
    """The same columns with their Polars types."""
    import polars as pl

    types = {"string": pl.String, "timestamp": pl.Datetime("us", "UTC"), "boolean": pl.Boolean, "long": pl.Int64}
    return {name: types[kind] for name, kind in columns.items()}


def delta_schema(columns: dict[str, Any]) -> Schema:
    """The same columns in Delta Lake's types."""
    from deltalake import Schema

    return Schema(list(_fields(columns)))


def _fields(columns: dict[str, Any]) -> Iterable[Any]:
    import polars as pl
    from deltalake import Field
    from deltalake.schema import PrimitiveType, StructType

    names = {pl.String: "string", pl.Int64: "long", pl.Boolean: "boolean", pl.Date: "date", pl.Binary: "binary"}
    for name, kind in columns.items():
        if isinstance(kind, pl.Struct):
            yield Field(name, StructType(list(_fields({part.name: part.dtype for part in kind.fields}))))
        else:
            yield Field(name, PrimitiveType("timestamp" if isinstance(kind, pl.Datetime) else names[kind]))


def job_rows(dataset: Dataset, found: Sequence[Observed], fetch: str) -> pl.DataFrame:
    """Records as rows of their list's table, those of one partition side by side, and in it those of one account."""
    import polars as pl

    own = {REGION, DAY, OBSERVED, ENDED_BY, FETCH, DIGEST, RECORD}
    columns = job_columns(dataset)
    held = frozenset(objects(dataset))
    records = [one.record for one in found]
    series = [
        pl.Series(REGION, [one.region for one in found], pl.String),
        pl.Series(OBSERVED, [one.at for one in found], columns[OBSERVED]),
        pl.Series(ENDED_BY, [one.ended_by for one in found], pl.Int64).cast(columns[ENDED_BY]),
        pl.Series(DIGEST, [one.digest for one in found], pl.Binary),
        pl.Series(RECORD, [one.text for one in found], pl.String),
    ]
    for name, kind in columns.items():
        if name in own:
            continue
        values = list(map(attrgetter(name), records))
        if name in held:
            series.append(pl.Series(name, [None if value is None else msgspec.structs.asdict(value) for value in values], kind))
        elif isinstance(kind, pl.Datetime):
            odd = ((row, one.odd_times[name]) for row, one in enumerate(found) if name in one.odd_times)
            for row, told in odd:
                values[row] = told
            series.append(pl.Series(name, values, pl.Int64).cast(kind))
        else:
            series.append(pl.Series(name, values, kind))
    frame = pl.DataFrame(series).with_columns(pl.col("CreationDate").dt.date().alias(DAY), pl.lit(fetch).alias(FETCH))
    return frame.select(*columns).sort(REGION, DAY, "AccountId", "CreationDate", nulls_last=True, maintain_order=True)
