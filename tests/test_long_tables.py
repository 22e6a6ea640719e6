"""Tables that are longer than memory should hold say what they said, and leave nothing behind."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policycheck import long_tables
from policycheck.errors import EngineError, ExitCode
from policycheck.long_tables import LongTable, as_long, beside, stack, write_pieces, write_rows

TABLE = pl.DataFrame({"name": ["b", None, "a", "b", ""], "size": [1, 2, None, 4, 5], "well": [True, None, False, True, False]})


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, and no folder of this process in use."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(long_tables, "_FOLDERS", type(long_tables._FOLDERS)())
    return tmp_path


@pytest.fixture
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_tables, "PIECE", 2)


def whole(table: LongTable) -> pl.DataFrame:
    return table.lazy().collect()


texts = st.lists(st.one_of(st.none(), st.sampled_from(["", "a", "é", "x" * 40])), min_size=1, max_size=9)


@pytest.mark.usefixtures("short_pieces")
@given(texts)
def test_what_is_written_in_pieces_is_read_as_it_was(said: list[str | None]) -> None:
    table = pl.DataFrame({"said": pl.Series(said, dtype=pl.String), "row": range(len(said))})
    long = write_pieces(table.slice(start, 2) for start in range(0, len(said), 2))
    assert whole(long).equals(table)
    assert pl.concat(long.pieces(["row", "said"], 2)).equals(table.select("row", "said"))
    assert [long.value("said", row) for row in range(len(said))] == long.column("said").to_list() == said


@pytest.mark.usefixtures("short_pieces")
def test_tables_stand_side_by_side_and_one_after_the_other() -> None:
    names, sizes = write_rows(TABLE.lazy().select("name", "well")), TABLE.select("size")
    wide = beside(names, sizes)
    assert isinstance(wide, LongTable)
    assert whole(wide).equals(TABLE.select("name", "well", "size"))
    assert wide.lazy(["size", "name"]).collect().equals(TABLE.select("size", "name"))
    # One has its columns in one file and the other in two.
    two = stack([TABLE.select("name", "well", "size"), wide])
    assert isinstance(two, LongTable)
    assert whole(two).equals(pl.concat([TABLE, TABLE]).select("name", "well", "size"))
    assert whole(two.only(["size"])).equals(pl.concat([TABLE, TABLE]).select("size"))
    assert beside(TABLE.select("name"), sizes).columns == ["name", "size"]
    assert isinstance(stack([TABLE, TABLE]), pl.DataFrame)


@pytest.mark.usefixtures("short_pieces")
def test_a_change_is_told_where_its_rows_begin() -> None:
    changed = as_long(TABLE).changed(lambda piece, start: piece.with_columns(pl.int_range(start, start + piece.height).alias("row")))
    assert whole(changed)["row"].to_list() == [0, 1, 2, 3, 4]


def test_files_go_with_their_tables(temporary: Path) -> None:
    first, second = write_rows(TABLE.lazy()), write_rows(TABLE.lazy())
    (folder,) = temporary.iterdir()
    assert len(list(folder.glob("*.parquet"))) == 2
    narrow = second.only(["name"])
    del first, second
    assert len(list(folder.glob("*.parquet"))) == 1
    assert whole(narrow).equals(TABLE.select("name"))
    del narrow
    assert list(temporary.iterdir()) == []


_KILLED = "import os, polars as pl; from policycheck.long_tables import write_rows; t = write_rows(pl.LazyFrame({'a': [1]})); os.kill(os.getpid(), 9)"


def test_what_a_killed_process_left_is_deleted_by_the_next_and_what_others_use_is_not(temporary: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", _KILLED], env={**os.environ, "TMPDIR": str(temporary)}, check=False)
    assert ended.returncode == -signal.SIGKILL
    (left,) = temporary.iterdir()
    table = write_rows(TABLE.lazy())
    assert not left.exists()
    (own,) = temporary.iterdir()
    long_tables._sweep()
    assert own.exists()
    assert whole(table).equals(TABLE)


def test_a_full_disk_is_one_error(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = temporary / "full"
    full.symlink_to("/dev/full")
    monkeypatch.setattr(long_tables._Folder, "new_path", lambda _: full)
    with pytest.raises(EngineError, match=r"a temporary file of jobs cannot be written or read: .*No space left on device") as raised:
        write_rows(TABLE.lazy())
    assert raised.value.exit_code is ExitCode.EVIDENCE
    assert raised.value.place == str(temporary)
    assert "TMPDIR" in raised.value.hint


def test_a_file_that_lacks_rows_is_an_error(temporary: Path) -> None:
    with pytest.raises(EngineError, match=r"has 5 of 6 rows"):
        write_rows(TABLE.lazy(), 6)
    gc.collect()  # what was raised held the file
    table = write_rows(TABLE.lazy())
    next(temporary.glob("*/*.parquet")).unlink()
    with pytest.raises(EngineError, match="cannot be written or read"):
        table["name"]
