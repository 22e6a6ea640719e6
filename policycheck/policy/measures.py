"""What each measure takes, and what may stand in `per`: the table of docs/groups.md, "Keys"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from policycheck.datasets import DATASETS, Dataset
from policycheck.policy.conditions import Operator, nearest
from policycheck.policy.literals import Value, parse_count, parse_duration, parse_share
from policycheck.policy.model import RESOURCE, Measure
from policycheck.policy.vocabulary import SUBJECTS, subject_field
from policycheck.text import clean_line

UPPER_BOUNDS = (Operator.AT_MOST, Operator.LESS_THAN)
BOUNDS = (Operator.AT_LEAST, Operator.MORE_THAN, *UPPER_BOUNDS)


class Window(StrEnum):
    """What a measure makes of `within`."""

    OPTIONAL = "optional"
    NEEDED = "needed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Shape:
    """What one measure takes."""

    operators: tuple[Operator, ...]
    """Empty where the measure has no limit."""
    limit: str
    """What its limit is, in words; empty where it has none."""
    window: Window = Window.OPTIONAL
    clocked: bool = True
    """Whether `clock` may stand beside it."""
    per: bool = True


SHAPES: Mapping[Measure, Shape] = {
    Measure.COUNT: Shape(BOUNDS, "a whole number"),
    Measure.STREAK: Shape(BOUNDS, "a whole number"),
    Measure.SHARE: Shape(BOUNDS, "a share"),
    Measure.NEWEST: Shape(UPPER_BOUNDS, "a duration", Window.REFUSED, clocked=False),
    Measure.LATEST: Shape((), ""),
    Measure.LONGEST_GAP: Shape(UPPER_BOUNDS, "a duration", Window.NEEDED, clocked=False),
    Measure.MISSED_RUNS: Shape(UPPER_BOUNDS, "a whole number", Window.NEEDED, clocked=False, per=False),
}

PER_FIELDS = tuple(dict.fromkeys((
    RESOURCE, "BackupVaultArn", "BackupVaultName", "CreatedBy.BackupPlanArn", "CreatedBy.BackupPlanName", "CreatedBy.BackupPlanId", "ResourceType", "Account",
    "Region", "SourceBackupVaultArn", "DestinationBackupVaultArn", "DestinationAccount", "DestinationRegion",
    *(dataset.vault_field for dataset in DATASETS.values()),
)))  # fmt: skip
"""What `per` may name, as far as the list has it."""


def per_problem(field: str, dataset: Dataset) -> tuple[str, str] | None:
    """Why groups of this list cannot be told by this field, and what to write instead."""
    known = [name for name in PER_FIELDS if name in dataset.fields]
    if field in known:
        return None
    shown = clean_line(field)
    word = subject_field(field, dataset) if field.lower() in {subject.lower() for subject in SUBJECTS} else ""
    near = word if word in known else nearest(field, known)
    hint = f"Did you mean {near}?" if near else f"per takes {', '.join(known)}."
    if field in dataset.fields:
        return f"{shown} makes no groups", hint
    return f"{dataset.noun}s have no field {shown}", hint


def parse_limit(text: str, measure: Measure) -> Value:
    """What the limit of a measure means; raises ValueError, a hint after a semicolon."""
    match measure:
        case Measure.SHARE:
            if text.replace(".", "", 1).isdecimal():
                raise ValueError(f"a share is written with %; Did you mean {text}%?")
            return parse_share(text)
        case Measure.NEWEST | Measure.LONGEST_GAP:
            return parse_duration(text)
        case _:
            if text.endswith("%"):
                raise ValueError(f"this is a number of jobs; A share is written: at most {text} of jobs must be FAILED.")
            return parse_count(text)


def limit_problem(operator: Operator, value: Value) -> str:
    """Why a limit that every group meets, or none can, is no limit; empty for one that is."""
    whole = isinstance(value, Fraction)
    if (operator is Operator.AT_LEAST and value == 0) or (operator is Operator.AT_MOST and whole and value == 1):
        return "the rule could not fail, whatever the jobs are"
    if (operator is Operator.LESS_THAN and value == 0) or (operator is Operator.MORE_THAN and whole and value == 1):
        return "the rule could not pass, whatever the jobs are"
    return ""
