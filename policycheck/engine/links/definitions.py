"""By which members the jobs of one list name those of another."""

from __future__ import annotations

from policycheck.dataset_types import Link
from policycheck.datasets import DATASETS

DEADLINE = "_deadline"
END = "_end"
"""Columns: by when a job must have been followed, and when it ended."""

LINKS: dict[tuple[str, str], tuple[Link, ...]] = {(followed, name): links for name, dataset in DATASETS.items() for followed, links in dataset.follows.items()}
"""By the list that is followed and the one that follows; of several links the first whose member a following job records counts."""
