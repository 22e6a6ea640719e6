"""The history of a result in its JSON: what is written, and what is read back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from policycheck.history import History
from policycheck.records import iso

Json = dict[str, Any]
LISTS = ("causes", "limits", "rows")
"""The members of which each entry is a line."""


def history_members(history: History) -> Json:
    """What the document says of a history: of each resource a letter a day."""
    return {
        "from": iso(history.start),
        "days": history.days,
        "resources": history.resources,
        "rows": [{**asdict(row), "days": "".join(row.days)} for row in history.rows],
        "limits": [asdict(limit) for limit in history.limits],
        "causes": [{"cause": cause.cause, "days": list(cause.days)} for cause in history.causes],
        "undated": history.undated,
    }


def inward_history(history: Json) -> Json:
    """The same in the shape of the dataclass."""
    return {**history, "start": history["from"], "rows": [{**row, "days": list(row["days"])} for row in history["rows"]]}


def wrong_days(history: History) -> str:
    """Where a history does not say one thing of each of its days, or counts what it does not have; "" where nowhere."""
    if any(len(row.days) != history.days for row in history.rows):
        return "a resource of the history does not have one outcome for each day"
    if any(len(cause.days) != history.days for cause in history.causes):
        return "a cause of the history does not have one number for each day"
    if history.resources < len(history.rows):
        return "the history names more resources than it counts"
    return ""
