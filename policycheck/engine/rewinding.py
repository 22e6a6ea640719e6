"""What had happened by an instant: jobs that ended or began later are put back to what they were then."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import narwhals as nw

from policycheck.datasets import Dataset
from policycheck.engine.backends.interface import ColumnType, Values

REWOUND = "_rewound"
STARTED_LATER = "_started_later"
"""Whether a job had not begun by as_of, as its InitiationDate says."""
RECORDING = "_recording"
"""The number of what it means that the record lacks a member."""
ENDS = (
    "CompletionDate", "StatusMessage", "MessageCategory", "ValidationStatus", "ValidationStatusMessage", "DeletionStatus", "DeletionStatusMessage",
)  # fmt: skip
"""What a job has only once it has ended."""


def happened(as_of: int) -> nw.Expr:
    """What was created by as_of, or at a time that is not recorded."""
    return nw.col("CreationDate").is_null() | (nw.col("CreationDate") <= as_of)


def ended(dataset: Dataset) -> nw.Expr:
    """When a job ended: CompletionDate, else StartBy where it EXPIRED; null in progress, and where its record does not say. `records.end_of` in columns."""
    state, completed, created = nw.col(dataset.state_field), nw.col("CompletionDate"), nw.col("CreationDate")
    end = created if dataset.of_state else completed
    if dataset.expires:
        start_by = nw.when(nw.col("StartBy") >= created).then(nw.col("StartBy"))
        end = nw.when(completed.is_null() & (state == "EXPIRED")).then(start_by).otherwise(completed)
    return nw.when(state.is_in(list(dataset.finished))).then(end)


def may_expire_later(columns: Mapping[str, tuple[ColumnType, Values]], dataset: Dataset, as_of: int) -> bool:
    """Whether a start window may end after as_of of which the record says that it EXPIRED; of columns of a dataframe library that is not asked."""
    states, starts = columns[dataset.state_field][1], columns["StartBy"][1] if "StartBy" in columns else ()
    if not isinstance(states, Sequence) or not isinstance(starts, Sequence):
        return True
    return dataset.expires and "EXPIRED" in states and any(start is not None and start > as_of for start in starts)


def rewind(frame: nw.LazyFrame[Any], dataset: Dataset, as_of: int, present: Collection[str], later_sources: frozenset[int]) -> nw.LazyFrame[Any]:
    """Put jobs that ended or began after as_of back to what they were.

    Args:
        frame: without what was created after as_of.
        later_sources: the numbers in RECORDING of sources that show something after as_of.
    """
    state = nw.col(dataset.state_field)
    ended_later = ((nw.col("CompletionDate") > as_of) & state.is_in(list(dataset.finished))).fill_null(False)
    if "EXPIRED" in dataset.states:
        ended_later = ended_later | ((state == "EXPIRED") & nw.col("CompletionDate").is_null() & (nw.col("StartBy") > as_of)).fill_null(False)
    if "InitiationDate" in present:
        unsaid = state.is_in(list(dataset.finished)) & nw.col("CompletionDate").is_null() & (nw.col("InitiationDate") > as_of)
        ended_later = ended_later | unsaid.fill_null(False)
    frame = frame.with_columns(ended_later.alias(REWOUND))
    rewound, open_ = nw.col(REWOUND), nw.col(REWOUND) | state.is_in(sorted(dataset.in_progress)).fill_null(False)
    before: nw.Expr = nw.when(rewound).then(nw.lit("RUNNING")).otherwise(state)
    later: nw.Expr = nw.lit(False)
    if "InitiationDate" in present:
        later = open_ & (nw.col("InitiationDate") > as_of).fill_null(False)
        waiting = (rewound & (state == "EXPIRED")) | (later & (rewound | state.is_in(["RUNNING", "ABORTING"])))
        before = nw.when(waiting).then(nw.lit("PENDING")).otherwise(before)
    if later_sources:
        # Saved after as_of: a job that has ended, and does not say when, may have ended since.
        open_end = state.is_in(list(dataset.finished)) & ended(dataset).is_null() & nw.col(RECORDING).is_in(sorted(later_sources)) & ~rewound
        before = nw.when(~open_end.fill_null(False)).then(before)
    changed = {dataset.state_field: before, STARTED_LATER: later}
    for name in ENDS:
        if name in present:
            changed[name] = nw.when(~rewound).then(nw.col(name))
    if "InitiationDate" in present:
        changed["InitiationDate"] = nw.when(~later).then(nw.col("InitiationDate"))
    return frame.with_columns(**changed)
