"""Tables that are longer than memory should hold: columns in Parquet files of this process, which are deleted when nothing needs them any more.

They lie in a folder of their own in the folder for temporary files (TMPDIR). What a process that was killed left there, the next one deletes that needs such
a folder.
"""

from __future__ import annotations

import os
import re
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from policycheck.errors import EngineError

if TYPE_CHECKING:
    import polars as pl

LIMIT = 2_000_000
"""Rows up to which a table stays in memory, where it is faster."""
PIECE = 250_000
"""Rows that are in memory at once while a long table is written, or gone through."""
_GROUP = 125_000
"""Rows of a row group: each thread that reads a file holds one."""
_NEAR = 8
"""Pieces of a column that are held of those whose values are asked for one by one."""
_OF_FILES = re.compile("os error|parquet", re.IGNORECASE)
"""What errors of the dataframe library say that are of files."""
_PREFIX = "policycheck-rows-"
_LOCK = "lock"


class _Folder:
    """A folder that goes with the last of its files, and at the latest when the process ends."""

    def __init__(self) -> None:
        _sweep()
        self.path, lock = _make_folder()
        self._names = count()
        self._end = weakref.finalize(self, _remove, self.path, lock, os.getpid())

    def new_path(self) -> Path:
        return self.path / f"{next(self._names)}.parquet"


def _remove(path: Path, lock: int | None, process: int) -> None:
    import shutil

    # A process that was forked ends with the same objects, and owns none of the files.
    if os.getpid() == process:
        shutil.rmtree(path, ignore_errors=True)
    if lock is not None:
        os.close(lock)


def _make_folder() -> tuple[Path, int | None]:
    # A command that needs no such folder imports nothing for it.
    import tempfile

    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = _take_lock(folder)
        # Before it was locked, another process may have taken it for one that nobody needs.
        if lock is None or (folder / _LOCK).exists():
            return folder, lock
        os.close(lock)


def _take_lock(folder: Path) -> int | None:
    """What shows, as long as this process lives, that it does; None where the system has no such locks."""
    try:
        import fcntl
    except ImportError:
        return None
    lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _sweep() -> None:
    """Delete the folders of processes that ended without doing so."""
    import shutil
    import tempfile

    try:
        import fcntl
    except ImportError:
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # Another user's, or one that is just being made.
        with suppress(OSError):
            lock = os.open(folder / _LOCK, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


_FOLDERS: weakref.WeakValueDictionary[int, _Folder] = weakref.WeakValueDictionary()
"""By process: one that was forked has one of its own. Nothing keeps them but their files."""


def _folder() -> _Folder:
    """The folder of this process."""
    found = _FOLDERS.get(os.getpid())
    if found is None:
        with explained():
            found = _FOLDERS[os.getpid()] = _Folder()
    return found


class _File:
    """One Parquet file, deleted with the last table that has it."""

    def __init__(self) -> None:
        self._folder = _folder()
        self.path = self._folder.new_path()
        self._end = weakref.finalize(self, _unlink, self.path, os.getpid())


def _unlink(path: Path, process: int) -> None:
    if os.getpid() == process:
        with suppress(OSError):
            path.unlink()


@contextmanager
def explained() -> Iterator[None]:
    """Turn what keeps a temporary file from being written or read into one line.

    Raises:
        EngineError: the disk is full, say.
    """
    import tempfile

    import polars as pl

    try:
        yield
    except (OSError, pl.exceptions.ComputeError) as error:
        if not isinstance(error, OSError) and not _OF_FILES.search(str(error)):
            raise
        text = str(error).strip().splitlines()
        problem = text[0] if text else type(error).__name__
        hint = "make room on that disk, or name a folder on a larger one in TMPDIR"
        raise EngineError(f"a temporary file of jobs cannot be written or read: {problem}", hint=hint, place=tempfile.gettempdir()) from None


class LongTable:
    """Columns of one length in files: in groups that stand side by side, each of which has the same rows in as many files."""

    def __init__(self, groups: Sequence[tuple[dict[str, Any], tuple[_File, ...]]], height: int) -> None:
        """
        Args:
            groups: the types of columns by their names, and the files that hold them.
        """
        self._groups = tuple(groups)
        self.height = height
        self._near: dict[tuple[str, int], pl.Series] = {}

    def __len__(self) -> int:
        return self.height

    @property
    def schema(self) -> dict[str, Any]:
        """The types of all columns by their names."""
        return {name: kind for types, _ in self._groups for name, kind in types.items()}

    @property
    def columns(self) -> list[str]:
        return list(self.schema)

    def lazy(self, names: Sequence[str] | None = None) -> pl.LazyFrame:
        """These columns, or all, in their order; the table must be kept as long as the frame is."""
        import polars as pl

        wanted = self.columns if names is None else list(names)
        found = [(types, files) for types, files in self._groups if any(name in types for name in wanted)] or self._groups[:1]
        frames = [pl.scan_parquet([file.path for file in files], glob=False, cache=False) for _, files in found]
        return (frames[0] if len(frames) == 1 else pl.concat(frames, how="horizontal")).select(wanted)

    def __getitem__(self, name: str) -> pl.Series:
        with explained():
            return self.lazy([name]).collect(engine="streaming")[name]

    def value(self, name: str, row: int) -> Any:
        """One value; those that are near each other are read together."""
        key = name, row // PIECE
        if key not in self._near:
            with explained():
                found = self.lazy([name]).slice(row // PIECE * PIECE, PIECE).collect(engine="streaming")[name]
            if len(self._near) == _NEAR:
                del self._near[next(iter(self._near))]
            self._near[key] = found
        return self._near[key][row % PIECE]

    def pieces(self, names: Sequence[str], rows: int = PIECE) -> Iterator[pl.DataFrame]:
        """These columns, so many rows at a time."""
        for start in range(0, self.height, rows):
            with explained():
                yield self.lazy(names).slice(start, rows).collect(engine="streaming")

    def column(self, name: str) -> LongColumn:
        return LongColumn(self, name)

    def only(self, names: Sequence[str]) -> LongTable:
        """The same rows with these columns alone, in this order where they are of one group."""
        found = [({name: types[name] for name in names if name in types}, files) for types, files in self._groups]
        return LongTable([(types, files) for types, files in found if types], self.height)

    def beside(self, other: LongTable) -> LongTable:
        """This table with the columns of another one of the same rows."""
        return LongTable([*self._groups, *other._groups], self.height)

    def changed(self, change: Callable[[pl.DataFrame, int], pl.DataFrame]) -> LongTable:
        """The same table, each of its pieces changed; what changes them is told the number of its first row."""
        return write_pieces(change(piece, number * PIECE) for number, piece in enumerate(self.pieces(self.columns)))

    @staticmethod
    def stacked(tables: Sequence[LongTable]) -> LongTable:
        """The rows of several tables with the same columns, one after the other; there is at least one."""
        first = tables[0]
        shape = [list(types) for types, _ in first._groups]
        height = sum(table.height for table in tables)
        if any([list(types) for types, _ in table._groups] != shape for table in tables):
            tables = [write_rows(table.lazy(first.columns), table.height) for table in tables]
        groups = zip(*(table._groups for table in tables), strict=True)
        return LongTable([(group[0][0], tuple(file for _, files in group for file in files)) for group in groups], height)


class LongColumn:
    """One column of a long table, which a dataframe engine may read where it stands."""

    def __init__(self, table: LongTable, name: str) -> None:
        self.table, self.name = table, name

    def __len__(self) -> int:
        return self.table.height

    def to_list(self) -> list[Any]:
        return self.table[self.name].to_list()


Table = Union["pl.DataFrame", LongTable]


def write_rows(rows: pl.LazyFrame, height: int | None = None) -> LongTable:
    """A table of these rows, in their order, computed without all of them in memory.

    Args:
        height: how many there are, where that is known.

    Raises:
        EngineError: the file cannot be written.
    """
    import polars as pl

    file = _File()
    with explained():
        rows.sink_parquet(file.path, compression="zstd", compression_level=1, statistics=False, row_group_size=_GROUP, engine="streaming")
        written = pl.scan_parquet(file.path, glob=False, cache=False)
        found = int(written.select(pl.len()).collect().item())
        types = dict(written.collect_schema())
    if height is not None and found != height:
        raise EngineError(f"a temporary file of jobs has {found:,} of {height:,} rows", place=str(file.path))
    return LongTable([(types, (file,))], found)


def write_pieces(pieces: Iterator[pl.DataFrame]) -> LongTable:
    """A table of the rows of all pieces, each written before the next is asked for; there is at least one, and all have the same columns."""
    return LongTable.stacked([write_rows(piece.lazy(), piece.height) for piece in pieces])


def as_long(table: Table) -> LongTable:
    """The same table in files."""
    return table if isinstance(table, LongTable) else write_rows(table.lazy(), table.height)


def beside(table: Table, more: Table) -> Table:
    """The columns of two tables of the same rows; long if the first one is."""
    if isinstance(table, LongTable):
        return table.beside(as_long(more))
    assert not isinstance(more, LongTable)
    return table.hstack(more.get_columns())


def stack(tables: Sequence[Table]) -> Table:
    """The rows of tables with the same columns, one after the other; long if any of them is."""
    import polars as pl

    if any(isinstance(table, LongTable) for table in tables):
        return LongTable.stacked(list(map(as_long, tables)))
    return pl.concat([table for table in tables if not isinstance(table, LongTable)])
