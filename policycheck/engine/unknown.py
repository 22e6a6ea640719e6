"""What a record would have to say for a rule to be decided."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import reduce
from operator import or_
from typing import Any

import narwhals as nw

from policycheck.datasets import Dataset, Kind
from policycheck.engine.backends.interface import Backend
from policycheck.engine.columns import column_of
from policycheck.engine.frame import LISTED, ROW, Frame, inventory_column, sources_of
from policycheck.engine.rewinding import RECORDING
from policycheck.engine.run_times import run_end
from policycheck.policy.conditions import comparisons
from policycheck.policy.model import Rule
from policycheck.policy.operators import Operator
from policycheck.reasons import Reason, ReasonKind, Reasons
from policycheck.recordings import Recording
from policycheck.text import clean_line

# Enough to name the members; a list of an old client lacks them in every record.
_MOST_ROWS = 1000


def name_unknown(fields: Collection[str], frame: Frame, masks: nw.LazyFrame[Any], column: str, backend: Backend, others: Collection[str] = ()) -> Reason:
    """The members that are unknown where `column` of the masks is null.

    Args:
        fields: what the rule reads beside the state.
        others: what it reads of other jobs of the list (whether they recovered one), named where nothing else is unknown.
    """
    undecided = backend.rows(masks.filter(nw.col(column).is_null()).select(nw.col(ROW)).sort(ROW).head(_MOST_ROWS))
    unknown = {name: expression for name in sorted({frame.dataset.state_field, *fields}) if (expression := _unknown(name, frame)) is not None}
    chosen = backend.among(frame.columns, ROW, [row for (row,) in undecided])
    (counts,) = backend.rows(chosen.select(*(expression.cast(nw.Int64).sum().alias(column_of(name)) for name, expression in unknown.items())))
    missing = [name for name, count in zip(unknown, counts, strict=True) if count]
    if not missing and (lacking := name_lacking(others, frame, backend)):
        return Reason(ReasonKind.RECOVERY_UNKNOWN, because=lacking)
    recordings = [frame.recordings[number] for (number,) in backend.rows(chosen.select(nw.col(RECORDING)).unique())]
    keep = sorted({member for name in missing for member in _members(name, frame)})
    records = (len(undecided),)
    state = frame.dataset.state_field
    if state in missing and any(recording.report and not recording.damaged and state not in recording.told for recording in recordings):
        return Reason(ReasonKind.REPORT_OUTDATED, numbers=records, fields=tuple(missing))
    if unreported := _unreported(keep, recordings):
        return Reason(ReasonKind.FIELDS_UNREPORTED, numbers=records, fields=tuple(missing), keep=unreported)
    if keep and any(not recording.whole and not recording.damaged and not recording.report for recording in recordings):
        return Reason(ReasonKind.FIELDS_DROPPED, numbers=records, fields=tuple(missing), keep=tuple(keep))
    damaged = any(recording.damaged for recording in recordings)
    return Reason(ReasonKind.RECORDS_DAMAGED if damaged else ReasonKind.FIELDS_UNKNOWN, numbers=records, fields=tuple(missing))


def absent_inventories(rule: Rule, frame: Frame) -> Reasons:
    """The inventories that a rule looks ARNs up in and the run does not have."""
    asked = (one for condition in (rule.statement.where, rule.statement.requirement.condition) for one in comparisons(condition))
    names = dict.fromkeys(str(value) for one in asked if one.operator is Operator.IN_INVENTORY for value in one.values)
    return tuple(Reason(ReasonKind.INVENTORY_NOT_GIVEN, (clean_line(name),)) for name in names if name not in frame.given)


def name_lacking(fields: Collection[str], frame: Frame, backend: Backend) -> Reasons:
    """Of these fields, what records of a list do not say; nothing where all do.

    Args:
        fields: which the frame has columns for.
    """
    unknown = {name: expression for name in sorted(fields) if (expression := _unknown(name, frame)) is not None}
    if not unknown:
        return ()
    (counts,) = backend.rows(frame.columns.select(*(expression.cast(nw.Int64).sum().alias(column_of(name)) for name, expression in unknown.items())))
    missing = [name for name, count in zip(unknown, counts, strict=True) if count]
    keep = sorted({member for name in missing for member in _members(name, frame) or [name]})
    if unreported := _unreported(keep, frame.recordings):
        return (Reason(ReasonKind.FIELDS_UNREPORTED, fields=tuple(missing), keep=unreported),)
    return (Reason(ReasonKind.FIELDS_UNSAID, (frame.dataset.noun,), fields=tuple(missing), keep=tuple(keep)),) if missing else ()


def _unreported(names: Iterable[str], recordings: Iterable[Recording]) -> tuple[str, ...]:
    """Of these members, what job reports of AWS Backup leave out, where some of the records are of such."""
    reports = [recording for recording in recordings if recording.report]
    return tuple(name for name in names if reports and not any(name in recording.told for recording in reports))


def _members(name: str, frame: Frame) -> list[str]:
    """The members that a record must keep for a field to be known: those that no record has."""
    field = frame.dataset.fields[name]
    if not field.derived:
        return [name]
    return [member for member in members_behind(frame.dataset, name) if not any(member in recording.told for recording in frame.recordings)]


def spell_fields(names: Iterable[str], dataset: Dataset) -> tuple[str, ...]:
    """`DestinationRegion (from DestinationBackupVaultArn)`, `ResourceType`: fields, and what of a record tells those that are computed."""

    def spell(name: str) -> str:
        behind = members_behind(dataset, name)
        return name if behind in {(), (name,)} else f"{name} (from {', '.join(behind)})"

    return tuple(map(spell, names))


def members_behind(dataset: Dataset, name: str) -> tuple[str, ...]:
    """The members that tell a field; of one that AWS records, itself."""
    if not dataset.fields[name].derived:
        return (name,)
    if name.startswith(("Cross", "Destination")):
        return ("DestinationBackupVaultArn", dataset.vault_field) if name.startswith("Cross") else ("DestinationBackupVaultArn",)
    if name in {"Account", "Region"}:
        return ("AccountId", dataset.vault_field) if name == "Account" else (dataset.vault_field,)
    return sources_of(dataset, name)


def _unknown(name: str, frame: Frame) -> nw.Expr | None:
    """Whether a null is unknown; None where it never is."""
    if name == "in_inventory":
        listed = [LISTED, *map(inventory_column, sorted(frame.inventories))]
        return reduce(or_, (nw.col(column).is_null() for column in listed))
    known = frame.known_missing(frame.dataset.fields[name])
    if isinstance(known, bool):
        return None if known else nw.col(column_of(name)).is_null()
    unknown = nw.col(column_of(name)).is_null() & ~known.fill_null(False)
    if frame.dataset.fields[name].kind is Kind.SPAN:
        return unknown | (~nw.col(column_of(name)).is_null() & run_end(frame.dataset, frame.as_of).is_null())
    return unknown
