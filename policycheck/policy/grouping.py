"""What may tell groups of jobs: the fields of `per`, by the list."""

from __future__ import annotations

from policycheck.datasets import DATASETS, Dataset
from policycheck.policy.conditions import nearest
from policycheck.policy.model import RESOURCE
from policycheck.policy.vocabulary import SUBJECTS, subject_field
from policycheck.text import clean_line

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
