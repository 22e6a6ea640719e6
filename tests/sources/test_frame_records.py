"""Frames are taken as columns where they are what AWS's members are: they and the records that they hold say the same."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import strategies as st

from policycheck import column_records
from policycheck.errors import JobFileError
from policycheck.job_lists import JobList
from policycheck.records import micros
from policycheck.sources import encoded_records
from policycheck.sources.frame_records import FrameRecords
from policycheck.sources.given import read_given
from tests.properties import examples
from tests.sources.test_encoded_records import AS_OF, ODD, TEXTS, told
from tests.tables import each

TIMES = (
    datetime(2026, 11, 19, 3, tzinfo=UTC), datetime(2026, 11, 19, 4, 0, 0, 250_000, UTC), datetime(2026, 11, 20, 7, tzinfo=UTC),
    datetime(2018, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), None,
)  # fmt: skip
TIME_MEMBERS = ("CreationDate", "InitiationDate", "CompletionDate", "StartBy", "ExpectedCompletionDate")
HEADS = ("CreatedBy", "RecoveryPointLifecycle")


@pytest.fixture(autouse=True)
def _every_list_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_records, "MANY", 1)
    monkeypatch.setattr(encoded_records, "BATCH", 2)


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    """A frame with columns of some members, times as times or as texts, objects as structs or as dotted columns."""
    height = draw(st.integers(1, 5))
    members: dict[str, st.SearchStrategy[Any]] = {name: st.sampled_from([*values, None]) for name, values in TEXTS.items() if name not in HEADS}
    members |= dict.fromkeys(TIME_MEMBERS, st.sampled_from(TIMES))
    members |= {"CreatedBy.BackupPlanId": st.sampled_from(["plan", "", None]), "RecoveryPointLifecycle.DeleteAfterDays": st.sampled_from([35, None])}
    chosen = draw(st.lists(st.sampled_from(sorted(members)), unique=True))
    columns: dict[str, list[Any]] = {
        "BackupJobId": draw(st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g"]), unique=True, min_size=height, max_size=height))
    }
    columns |= {name: draw(st.lists(members[name], min_size=height, max_size=height)) for name in chosen}
    if draw(st.booleans()):
        columns |= {name: [value and value.isoformat() for value in columns[name]] for name in TIME_MEMBERS if name in columns}
    frame = pl.DataFrame(columns, strict=False)
    structs = [name for name in columns if "." in name] if draw(st.booleans()) else []
    for name in structs:
        head, _, tail = name.partition(".")
        absent = pl.lit(draw(st.booleans())) & pl.col(name).is_null()
        frame = frame.with_columns(pl.when(~absent).then(pl.struct(pl.col(name).alias(tail))).alias(head)).drop(name)
    return frame


def read(given: object) -> JobList | str:
    try:
        return read_given([given], as_of=AS_OF).lists["backup_jobs"]
    except JobFileError as error:
        return f"{error.place}: {error.message}"


def read_rows(frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> JobList | str:
    """The same by its rows, as JSON."""
    with monkeypatch.context() as patch:
        patch.setattr(column_records, "MANY", frame.height + 1)
        return read(frame)


@examples(frames(), few=12, many=500)
def test_columns_of_a_frame_say_what_its_rows_say(monkeypatch: pytest.MonkeyPatch, frame: pl.DataFrame) -> None:
    found, careful = read(frame), read_rows(frame, monkeypatch)
    assert isinstance(found, JobList) and isinstance(careful, JobList)
    assert isinstance(found.records, FrameRecords) and not isinstance(careful.records, FrameRecords)
    assert told(found) == told(careful)


@each(
    "column",
    [
        *(pl.Series(name, [values[0]], strict=False) for name, values in ODD.items()),
        pl.Series("CreationDate", [datetime(2026, 11, 19, 3)]),
        pl.Series("CreationDate", ["2026-11-19T03:00:00"]),
        pl.Series("CreationDate", [1763600000000]),
        pl.Series("CreationDate", [True]),
        pl.Series("CreatedBy", [{"BackupPlanID": "plan"}]),
        pl.Series("CreatedBy", ["plan"]),
        pl.Series("BackupSizeInBytes", [2**64 - 1], dtype=pl.UInt64),
        pl.Series("BackupSizeInBytes", [1.5]),
    ],
)
def test_what_is_odd_in_a_frame_is_told_as_in_its_rows(monkeypatch: pytest.MonkeyPatch, column: pl.Series) -> None:
    frame = pl.DataFrame({"BackupJobId": ["a"]}).with_columns(column)
    found, careful = read(frame), read_rows(frame, monkeypatch)
    if isinstance(found, JobList) and isinstance(careful, JobList):
        assert told(found) == told(careful)
    else:
        assert found == careful


def test_parquet_file_is_scanned_into_columns(tmp_path: Path) -> None:
    job: dict[str, list[Any]] = {
        "BackupJobId": ["a", "b"],
        "State": ["COMPLETED", "FAILED"],
        "CreationDate": [TIMES[0], TIMES[1]],
        "CreatedBy.BackupPlanId": ["plan", None],
    }
    pl.DataFrame(job).write_parquet(tmp_path / "jobs.parquet")
    found = read(pl.scan_parquet(tmp_path / "jobs.parquet"))
    assert isinstance(found, JobList) and isinstance(found.records, FrameRecords)
    assert [record.CreatedBy and record.CreatedBy.BackupPlanId for record in found.records] == ["plan", None]
    assert found.values("CreationDate") == [record.CreationDate for record in found.records] == [micros(time) for time in job["CreationDate"]]


def test_frames_and_other_lists_are_merged() -> None:
    both = read_given([pl.DataFrame({"BackupJobId": ["a"]}), pl.DataFrame({"BackupJobId": ["b"], "State": ["FAILED"]})], as_of=AS_OF).lists["backup_jobs"]
    assert isinstance(both.records, column_records.ColumnRecords)
    assert [(record.BackupJobId, record.State) for record in both.records] == [("a", None), ("b", "FAILED")]
