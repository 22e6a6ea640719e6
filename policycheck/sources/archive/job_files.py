"""The Parquet files of one table of jobs: which there are, and their columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policycheck.datasets import Dataset
from policycheck.records import objects
from policycheck.sources.archive.checksums import Digests, find_changed
from policycheck.sources.archive.schema import DAY, ENDED_BY, REGION, job_columns
from policycheck.sources.archive.tables import Archive, ArchiveError, is_remote
from policycheck.text import clean_line, truncate

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable

PATH, BYTES, ROWS, LAST_END, UNENDED = "path", "bytes", "rows", "last_end", "unended"
"""Of a file: its name below the table, its size, its rows, the greatest `EndedBy` in it, and how many rows have none."""
NUMBER = "_number"
"""Of a row, over the files that were scanned together."""
_FIRST = 20_000
"""Rows in which members are looked for first."""


@dataclass(frozen=True, slots=True)
class JobFiles:
    """The files of a list's table as of one version of it."""

    archive: Archive
    dataset: Dataset
    version: int
    files: pl.DataFrame
    """A row a file: `Region`, `Day`, and the columns that are named above."""
    digests: Digests = field(default_factory=dict, repr=False)
    """The checksums of files."""
    _seen: set[str] = field(default_factory=set, repr=False)
    """Files of which the checksum was looked at."""

    @property
    def size(self) -> int:
        return int(self.files[BYTES].sum())

    @property
    def days(self) -> int:
        return self.files[DAY].n_unique() if len(self.files) else 0

    def only(self, files: pl.DataFrame) -> JobFiles:
        """Some of them."""
        return JobFiles(self.archive, self.dataset, self.version, files, self.digests, self._seen)

    @property
    def uris(self) -> list[str]:
        base = self.archive.uri(self.dataset.name)
        return [f"{base}/{path}" for path in self.files[PATH]]

    def scan(self, names: Sequence[str]) -> pl.DataFrame:
        """These columns of all rows, and the number of each row; the columns of the files themselves, which the partition is none of.

        Raises:
            ArchiveError: a file is missing or damaged; it is named.
        """
        import polars as pl

        if not len(self.files):
            return pl.DataFrame(schema={NUMBER: pl.UInt32, **{name: self._columns[name] for name in names}})
        with self._explained(names):
            return self.lazy(names).collect()

    def rows(self, names: Sequence[str], numbers: pl.Series) -> pl.DataFrame:
        """The same columns of some rows, in the order of their numbers; files without any of these are not read.

        Args:
            numbers: of rows, as `scan` gives them, all different.

        Raises:
            ArchiveError: as `scan`.
        """
        import polars as pl

        numbers = numbers.sort()
        if not len(numbers):
            return self.only(self.files.head(0)).scan(names)
        if len(numbers) == int(self.files[ROWS].sum()):
            return self.scan(names)
        ends = self.files[ROWS].cum_sum()
        places = ends.search_sorted(numbers, side="right")
        held = places.unique().sort()
        before = (ends - self.files[ROWS]).gather(held)
        own = self.only(self.files[held.to_list()])
        shift = (before - (own.files[ROWS].cum_sum() - own.files[ROWS])).rename("_shift")
        shifts = pl.DataFrame([places.rename("_file")]).join(pl.DataFrame([held.rename("_file"), shift]), on="_file", how="left", maintain_order="left")
        wanted = pl.LazyFrame([(numbers.cast(pl.Int64) - shifts["_shift"]).cast(numbers.dtype).alias(NUMBER)])
        with own._explained(names):
            found = own.lazy(names).join(wanted, on=NUMBER, how="semi").collect(engine="streaming")
        found = found if found[NUMBER].is_sorted() else found.sort(NUMBER)
        return found.with_columns(numbers.alias(NUMBER))

    def collect(self, names: Sequence[str], rows: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
        """What comes of these columns, and the number of each row, without all of them in memory.

        Args:
            rows: what is asked of them.

        Raises:
            ArchiveError: as `scan`.
        """
        import polars as pl

        if not len(self.files):
            return rows(pl.LazyFrame(schema={NUMBER: pl.UInt32, **{name: self._columns[name] for name in names}})).collect()
        with self._explained(names):
            return rows(self.lazy(names)).collect(engine="streaming")

    def lazy(self, names: Sequence[str]) -> pl.LazyFrame:
        return _scan(self.uris, self._columns, self.archive.reading_options, names)

    @contextmanager
    def _explained(self, names: Sequence[str]) -> Iterator[None]:
        """Name the file that is missing or damaged."""
        import polars as pl

        self._verify()
        try:
            yield
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            self._name_damaged(names)
            raise ArchiveError(f"a file cannot be read: {_first_line(error)}", hint=repair_hint(self.archive), place=self.place) from None

    def recorded(self, numbers: pl.Series, spared: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
        """The members, and the objects that hold members, that any of these rows has (a state that the API does not know is none); and those of `spared`
        that each of them has.

        Args:
            numbers: of rows, as `scan` gives them.
        """
        import polars as pl

        state, held = self.dataset.state_field, objects(self.dataset)
        said = {member.name: pl.col(member.name).is_not_null() for member in self.dataset.members if "." not in member.name}
        said |= {member.name: _part_of(member.name).is_not_null() for member in self.dataset.members if "." in member.name}
        said |= {head: pl.col(head).is_not_null() for head in held} | {state: pl.col(state).is_in(list(self.dataset.states))}
        whole = len(numbers) == int(self.files[ROWS].sum())

        def ask(asked: Mapping[str, pl.Expr], most: int | None) -> set[str]:
            columns = list(dict.fromkeys(name.partition(".")[0] for name in asked))

            def answer(rows: pl.LazyFrame) -> pl.LazyFrame:
                rows = rows if most is None else rows.head(most)
                rows = rows if whole else rows.join(pl.LazyFrame([numbers.alias(NUMBER)]), on=NUMBER, how="semi")
                return rows.select(pl.len().cast(pl.Boolean).alias(NUMBER), *(one.alias(name) for name, one in asked.items()))

            found = self.collect(columns, answer).row(0, named=True)
            return {name for name, told in found.items() if told and name != NUMBER}

        # What most records have is in the first ones: only what they lack is looked for in all.
        found = ask({name: one.fill_null(False).any() for name, one in said.items()}, _FIRST)
        rest = {name: one.fill_null(False).any() for name, one in said.items() if name not in found}
        found |= ask(rest, None) if rest else set()
        present = {name: ((pl.col(name) != "") if self._columns[name] == pl.String else pl.col(name).is_not_null()).fill_null(False).all() for name in spared}
        return frozenset(found), frozenset(ask(present, None) if present else ())

    def _verify(self) -> None:
        """`require_whole`, but for what is in S3, which S3 checks itself."""
        if not is_remote(self.archive.path):
            self.require_whole()

    def require_whole(self) -> None:
        """Raise ArchiveError where a file is not as it was written."""
        new = [path for path in self.files[PATH] if path not in self._seen]
        self._raise_damaged(find_changed(self.archive, self.dataset.name, new, self.digests))
        self._seen.update(new)

    @property
    def _columns(self) -> dict[str, Any]:
        return {name: kind for name, kind in job_columns(self.dataset).items() if name not in (REGION, DAY)}

    @property
    def place(self) -> str:
        return f"{self.archive.name}/{self.dataset.name}"

    def damaged(self, names: Sequence[str] | None = None) -> list[tuple[str, str]]:
        """The files that are missing or damaged, and what is wrong with each."""
        columns = self._columns
        options = self.archive.reading_options
        told = zip(self.files[PATH], self.uris, self.files[ROWS], self.files[BYTES], strict=True)
        found = ((path, self._damage(uri, rows, size, options, list(names or columns))) for path, uri, rows, size in told)
        return [(path, damage) for path, damage in found if damage]

    def _damage(self, uri: str, rows: int, size: int, options: dict[str, str], names: Sequence[str]) -> str:
        import polars as pl

        try:
            found = _scan([uri], self._columns, options, names).collect()
        except FileNotFoundError:
            return "is missing"
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            return "is missing" if "not found" in str(error).lower() or "no such file" in str(error).lower() else f"is damaged: {_first_line(error)}"
        if found.height != rows:
            return f"is damaged: it has {found.height:,} of {rows:,} rows"
        return "" if is_remote(uri) else _size_damage(uri, size)

    def _name_damaged(self, names: Sequence[str]) -> None:
        self._raise_damaged(self.damaged(names))

    def _raise_damaged(self, found: Sequence[tuple[str, str]]) -> None:
        if not found:
            return
        path, damage = found[0]
        more = f"; and {len(found) - 1} more {'file is' if len(found) == 2 else 'files are'} damaged" if len(found) > 1 else ""
        raise ArchiveError(damage + more, hint=repair_hint(self.archive), place=f"{self.place}/{path}")


def repair_hint(archive: Archive) -> str:
    """How to go on without a file."""
    return f"restore the file from a copy, or fetch again what AWS still lists: policycheck fetch --archive {archive.name} --repair"


def _part_of(name: str) -> pl.Expr:
    import polars as pl

    head, _, tail = name.partition(".")
    return pl.col(head).struct.field(tail)


def _scan(uris: Sequence[str], columns: dict[str, Any], options: dict[str, str], names: Sequence[str]) -> pl.LazyFrame:
    import polars as pl

    # Files of older versions may lack a member, and those of newer ones have more.
    rows = pl.scan_parquet(
        list(uris),
        row_index_name=NUMBER,
        schema=columns,
        missing_columns="insert",
        extra_columns="ignore",
        hive_partitioning=False,
        glob=False,
        storage_options=options or None,
    )
    return rows.select(NUMBER, *names)


def _size_damage(uri: str, size: int) -> str:
    found = Path(uri).stat().st_size
    return "" if found == size else f"is damaged: it has {found:,} of {size:,} bytes"


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return truncate(clean_line(text[0] if text else type(error).__name__), 200)


def list_files(archive: Archive, dataset: Dataset, digests: Digests) -> JobFiles | None:
    """The files of a list as they are now; None where it was never archived.

    Args:
        digests: the checksums that were noted.

    Raises:
        ArchiveError: the log of the table is damaged.
    """
    table = archive.open(dataset.name)
    if table is None:
        return None
    with archive.explained(dataset.name):
        return JobFiles(archive, dataset, table.version(), _file_rows(table), digests)


def _file_rows(table: DeltaTable) -> pl.DataFrame:
    import polars as pl

    added = pl.DataFrame(table.get_add_actions(flatten=True))
    columns: dict[str, tuple[str, Any]] = {
        PATH: ("path", pl.String),
        BYTES: ("size_bytes", pl.Int64),
        ROWS: ("num_records", pl.Int64),
        REGION: (f"partition.{REGION}", pl.String),
        DAY: (f"partition.{DAY}", pl.Date),
        LAST_END: (f"max.{ENDED_BY}", pl.Datetime("us", "UTC")),
        UNENDED: (f"null_count.{ENDED_BY}", pl.Int64),
    }
    found = [(pl.col(told) if told in added.columns else pl.lit(None)).cast(kind, strict=False).alias(name) for name, (told, kind) in columns.items()]
    return added.select(found).sort(REGION, DAY, PATH, nulls_last=True)
