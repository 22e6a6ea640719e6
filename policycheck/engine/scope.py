"""Whether the evidence reaches a rule: declared scope, coverage and window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from policycheck.datasets import DATASETS
from policycheck.policy.model import Scope
from policycheck.records import iso
from policycheck.result import Basis, Coverage

Pair = tuple[str | None, str | None]


def in_scope(scope: Scope, account: str | None, region: str | None) -> bool:
    """Whether a job belongs to what the policy declares; where the job does not say, it does."""
    if scope.accounts and account is not None and account not in scope.accounts:
        return False
    return not (scope.regions and region is not None and region not in scope.regions)


def uncovered_scope(scope: Scope, coverage: Sequence[Coverage], dataset: str) -> list[str]:
    """What is declared and not covered in this list, a phrase each; empty where nothing is declared.

    Args:
        coverage: of every list of the run; an account needs a job in any of them, a place coverage in this one.
    """
    problems = ["the accounts of the organization are not known to this run"] if scope.organization else []
    missing = missing_places(scope, coverage, dataset)
    noun = DATASETS[dataset].noun
    problems += [f"{'/'.join(part for part in pair if part)} is declared and no list of {noun}s covers it" for pair in missing]
    named = {account for account, _ in missing}
    populated = {entry.account for entry in coverage if entry.jobs}
    excused = {account for account in scope.accounts if all(is_excused(scope, account, region) for region in scope.regions or (None,))}
    problems += [f"{account} is declared and has no job" for account in scope.accounts if account not in populated | named | excused]
    return problems


def missing_places(scope: Scope, coverage: Sequence[Coverage], dataset: str) -> list[Pair]:
    """The declared accounts and Regions that no complete list covers, and that may not be empty; a half that is not declared is None."""
    complete = [entry for entry in coverage if entry.dataset == dataset and entry.complete and (entry.jobs or entry.basis is Basis.OBSERVED)]
    places: set[Pair] = {(entry.account, entry.region) for entry in complete}
    return [
        (account, region)
        for account, region in _declared(scope)
        if not is_excused(scope, account, region) and not any(account in (None, a) and region in (None, r) for a, r in places)
    ]


def _declared(scope: Scope) -> Iterable[Pair]:
    return ((account, region) for account in scope.accounts or (None,) for region in scope.regions or (None,) if account or region)


def is_excused(scope: Scope, account: str | None, region: str | None) -> bool:
    """Whether a declared place may have no job."""
    return account in scope.may_be_empty or f"{account}/{region}" in scope.may_be_empty


def unreached_window(scope: Scope, coverage: Sequence[Coverage], start: datetime | None, as_of: datetime) -> list[str]:
    """Where the coverage of a place in scope does not reach from `start` (None: no window, and its end counts) to as_of, a phrase each."""
    problems = []
    for entry in coverage:
        if not in_scope(scope, entry.account, entry.region):
            continue
        if not entry.complete:
            problems.append(f"{entry.place} is incomplete: {entry.reason or 'the list is incomplete'}")
        elif entry.start is None or entry.end is None:
            problems.append(f"nothing says which time the list of {entry.place} covers")
        elif problem := _unreached(entry, entry.start, entry.end, start, as_of):
            problems.append(f"{entry.place} {problem}")
    return problems


def _unreached(entry: Coverage, first: datetime, last: datetime, start: datetime | None, as_of: datetime) -> str:
    """What `Coverage.reaches` misses, of an entry from `first` to `last`; empty where it misses nothing."""
    if start is not None and first > start:
        return f"is covered from {iso(first)} only, the window begins at {iso(start)}"
    if last < as_of:
        return f"is covered to {iso(last)} only, the {'evaluation time' if start is None else 'window'} {'is' if start is None else 'ends at'} {iso(as_of)}"
    if start is None:
        return ""
    if gap := entry.gap_in(start, as_of):
        return f"is not covered from {iso(min(gap))} to {iso(max(gap))}: no list that was read is of this time"
    if entry.evident is not None and entry.evident[1] < start:
        return f"shows nothing after {iso(entry.evident[1])}, before the window begins at {iso(start)}"
    return ""
