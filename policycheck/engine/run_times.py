"""From when to when a job ran, in columns: what `Duration` measures, and of what `Running` is asked when it was."""

from __future__ import annotations

import narwhals as nw

from policycheck.datasets import Dataset
from policycheck.engine.rewinding import STARTED_LATER


def run_start(dataset: Dataset, kept: nw.Expr | bool) -> nw.Expr:
    """When a job began to run: InitiationDate, and CreationDate where that is not recorded; null where its record does not say.

    Args:
        kept: whether nobody dropped InitiationDate from the record or its source.
    """
    start: nw.Expr = nw.col("CreationDate")
    if "InitiationDate" not in dataset.fields:
        return start
    # An old client records no InitiationDate at all; where somebody dropped it, the job may have begun at any time.
    known = nw.lit(True) if kept is True else nw.col(STARTED_LATER) | kept
    begun = nw.col("InitiationDate")
    return nw.when(begun.is_null() & known).then(start).otherwise(begun)


def run_end(dataset: Dataset, as_of: int) -> nw.Expr:
    """Until when a job ran: as_of in progress; null where its record does not say."""
    in_progress = nw.col(dataset.state_field).is_in(sorted(dataset.in_progress))
    return nw.when(in_progress).then(nw.lit(as_of)).otherwise(nw.col("CompletionDate"))


def running(dataset: Dataset, kept: nw.Expr | bool) -> nw.Expr:
    """When a job began to run, of those that have: the column of the field; `run_end` is its end."""
    return nw.when(~never_ran(dataset)).then(run_start(dataset, kept))


def never_ran(dataset: Dataset) -> nw.Expr:
    """Whether a job waits, or EXPIRED; null where the state is unknown."""
    waiting = [state for state in dataset.states if state in {"CREATED", "PENDING"}]
    return nw.col(dataset.state_field).is_in([*waiting, "EXPIRED"] if dataset.expires else waiting)
