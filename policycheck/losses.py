"""What a record may have lost on its way, and what others of its source tell of it (docs/verdicts.md, Sources).

A record is a struct of `records.record_type`, times and texts normalised.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from policycheck.datasets import Dataset, Presence

MESSAGE = "StatusMessage"


def lost_members(dataset: Dataset, records: Sequence[Any], row: int, behind: Collection[str], recorded: Collection[str]) -> tuple[str, ...]:
    """The members by which the record at the end of a text shows that it was cut off: its like have them.

    Args:
        behind: what it lacks that may have stood behind the end.
        recorded: the members that any record of the source has.
    """
    own = _state(dataset, records[row])
    others = [(_state(dataset, record), record) for number, record in enumerate(records) if number != row]
    same = [record for state, record in others if state == own]
    running = [record for state, record in others if state in dataset.in_progress]
    ended = [record for state, record in others if state in dataset.finished]

    def is_expected(name: str) -> bool:
        presence = dataset.fields[name].presence
        if presence is Presence.ALWAYS:
            return name in recorded
        # What newer clients record of a job in progress they record of a finished one, too.
        alike = [same] if presence is Presence.BY_MEANING else [same, running] if own in dataset.in_progress else [same, running, ended]
        return any(peers and all(_says(record, name) for record in peers) for peers in alike)

    return tuple(sorted(filter(is_expected, behind)))


def went_wrong(dataset: Dataset, state: str | None, category: str | None) -> bool:
    """Whether AWS has something to say of how a job ended: it is finished and did not complete, or completed with issues."""
    if state not in dataset.well:
        return state in dataset.finished
    return category is not None and category.lower() != "success"


def _state(dataset: Dataset, record: Any) -> str | None:
    state: str | None = getattr(record, dataset.state_field)
    return state if state in dataset.states else None


def _says(record: Any, name: str) -> bool:
    head, _, tail = name.partition(".")
    value = getattr(record, head)
    return value is not None and (not tail or getattr(value, tail) is not None)
