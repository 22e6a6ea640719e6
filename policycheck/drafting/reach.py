"""Which accounts and Regions a draft can speak of: those whose backup jobs were read whole, and those that could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from policycheck.datasets import DEFAULT
from policycheck.errors import EvidenceError
from policycheck.places import Place
from policycheck.result import Basis, Coverage
from policycheck.sources.interface import Evidence

_MOST_PLACES = 3


def leave_unread(evidence: Evidence) -> tuple[Evidence, tuple[Coverage, ...]]:
    """The evidence without accounts and Regions whose backup jobs could not be read at all, and these.

    Raises:
        EvidenceError: a list of backup jobs was read in part, or none was read: a draft would ask for less.
    """
    backups = [entry for entry in evidence.coverage if entry.dataset == DEFAULT.name]
    unread = tuple(entry for entry in backups if not entry.complete)
    partial = [entry for entry in unread if entry.jobs]
    if partial or (unread and len(unread) == len(backups)):
        raise EvidenceError(f"the backup jobs are incomplete, and a policy drafted from them would require less: {_listed(partial or unread)}")
    left = {_place(entry) for entry in unread}
    return replace(evidence, coverage=tuple(entry for entry in evidence.coverage if _place(entry) not in left)), unread


def observed_places(coverage: Sequence[Coverage]) -> tuple[Place, ...]:
    """Accounts and Regions that were asked for their backup jobs and answered, with or without jobs."""
    return tuple(_place(entry) for entry in coverage if entry.dataset == DEFAULT.name and entry.complete and entry.basis is Basis.OBSERVED)


def tell_unread(entry: Coverage) -> str:
    """What the policy and the user are told of an account and Region that could not be read."""
    return f"{entry.place} is not in the scope: its backup jobs could not be read ({entry.reason or 'no reason was given'})"


def _place(entry: Coverage) -> Place:
    return entry.account, entry.region


def _listed(entries: Sequence[Coverage]) -> str:
    return "; ".join(f"{entry.place}: {entry.reason or 'the list is incomplete'}" for entry in entries[:_MOST_PLACES])
