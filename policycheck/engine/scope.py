"""Whether the evidence reaches a rule: declared scope, coverage and window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from policycheck.datasets import DATASETS
from policycheck.places import Place
from policycheck.policy.model import Scope
from policycheck.reasons import Reason, ReasonKind
from policycheck.records import micros
from policycheck.result import Basis, Coverage


def in_scope(scope: Scope, account: str | None, region: str | None) -> bool:
    """Whether a job belongs to what the policy declares; where the job does not say, it does."""
    if scope.accounts and account is not None and account not in scope.accounts:
        return False
    return not (scope.regions and region is not None and region not in scope.regions)


def evident_since(scope: Scope, coverage: Sequence[Coverage], dataset: str) -> datetime | None:
    """From when on this list is evidence of a place that the policy declares, margins left out; None where it says nothing of its times."""
    entries = (entry for entry in coverage if entry.dataset == dataset and in_scope(scope, entry.account, entry.region))
    return min((entry.evident[0] for entry in entries if entry.evident is not None), default=None)


def uncovered_scope(scope: Scope, coverage: Sequence[Coverage], dataset: str) -> list[Reason]:
    """What is declared and not covered in this list; empty where nothing is declared.

    Args:
        coverage: of every list of the run; an account needs a job in any of them, a place coverage in this one.
    """
    problems = [Reason(ReasonKind.ORGANIZATION_UNKNOWN)] if scope.organization else []
    excuses = Excuses(scope, coverage, dataset)
    missing = excuses.missing_places()
    noun = DATASETS[dataset].noun
    for account, region in missing:
        kind = ReasonKind.PLACE_UNASKED if excuses.may_be_empty(account, region) else ReasonKind.PLACE_UNCOVERED
        problems.append(Reason(kind, ("/".join(part for part in (account, region) if part), noun)))
    named = {account for account, _ in missing}
    # A vault is no job; where vaults are what a rule is about, it shows that the account was read.
    counted = coverage if DATASETS[dataset].of_state else [entry for entry in coverage if not DATASETS[entry.dataset].of_state]
    populated = {entry.account for entry in counted if entry.jobs}
    excused = {account for account in scope.accounts if all(excuses.excuse(account, region) for region in scope.regions or (None,))}
    told_of = populated | named | excused
    problems += [Reason(ReasonKind.ACCOUNT_SILENT, (account,)) for account in scope.accounts if account not in told_of]
    return problems


def assumed_empty(scope: Scope, coverage: Sequence[Coverage], dataset: str) -> list[Place]:
    """The declared places that are excused by `may_be_empty` alone: no list shows whether they are empty."""
    excuses = Excuses(scope, coverage, dataset)
    if excuses.fetched:
        return []
    places = _Places((entry.account, entry.region) for entry in coverage if entry.dataset == dataset and entry.jobs)
    return [place for place in _declared(scope) if excuses.excuse(*place) and place not in places]


def _declared(scope: Scope) -> Iterable[Place]:
    return ((account, region) for account in scope.accounts or (None,) for region in scope.regions or (None,) if account or region)


class _Places:
    """Accounts and Regions; a place is in here if one of them is it, as far as it is stated. There may be thousands, and each rule asks for each."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._whole = frozenset(places)
        self._accounts = frozenset(account for account, _ in self._whole)
        self._regions = frozenset(region for _, region in self._whole)

    def __contains__(self, place: Place) -> bool:
        match place:
            case (None, None):
                return bool(self._whole)
            case (account, None):
                return account in self._accounts
            case (None, region):
                return region in self._regions
            case _:
                return place in self._whole


class Excuses:
    """The declared places of one list that need no job (docs/verdicts.md, Coverage).

    A saved list cannot show that a place is empty, so there `may_be_empty` decides. A fetch can: if any of the list was fetched, only a place that was asked is
    excused, and only if every answer arrived.
    """

    def __init__(self, scope: Scope, coverage: Sequence[Coverage], dataset: str) -> None:
        """
        Args:
            coverage: of every list of the run.
        """
        self._scope, self._entries = scope, [entry for entry in coverage if entry.dataset == dataset]
        own = [entry for entry in self._entries if entry.basis is Basis.OBSERVED]
        self.fetched = bool(own)
        # There may be as many as there are places, and each rule asks for each place.
        self._may_be_empty = frozenset(scope.may_be_empty)
        asked = [(entry.complete, (account, entry.region)) for entry in own for account in (entry.account, *entry.silent)]
        self._failed = _Places(place for complete, place in asked if not complete)
        self._answered = _Places(place for complete, place in asked if complete)

    def excuse(self, account: str | None, region: str | None) -> bool:
        """Whether the place may have no job."""
        place = (account, region)
        return self.may_be_empty(account, region) and (not self.fetched or (place in self._answered and place not in self._failed))

    def may_be_empty(self, account: str | None, region: str | None) -> bool:
        """Whether the policy says that the place may have no job."""
        return account in self._may_be_empty or f"{account}/{region}" in self._may_be_empty

    def missing_places(self) -> list[Place]:
        """The declared accounts and Regions that no complete list covers, and that are not excused; a half that is not declared is None."""
        complete = [entry for entry in self._entries if entry.complete and (entry.jobs or entry.basis is Basis.OBSERVED)]
        places = _Places((entry.account, entry.region) for entry in complete)
        return [place for place in _declared(self._scope) if place not in places and not self.excuse(*place)]


def unreached_window(scope: Scope, coverage: Sequence[Coverage], start: datetime | None, as_of: datetime) -> list[Reason]:
    """Where the coverage of a place in scope does not reach from `start` (None: no window, and its end counts) to as_of."""
    problems = []
    for entry in coverage:
        if not in_scope(scope, entry.account, entry.region):
            continue
        if not entry.complete:
            kind = ReasonKind.LIST_CUT_OFF if entry.cut_off else ReasonKind.LIST_INCOMPLETE
            problems.append(Reason(kind, (entry.place, entry.reason or "the list is incomplete")))
        elif (noun := _noun_of_state(entry)) and entry.start is None:
            problems.append(Reason(ReasonKind.STATE_UNDATED, (entry.place, noun)))
        elif noun and entry.start is not None and entry.start > as_of:
            problems.append(Reason(ReasonKind.STATE_LATER, (entry.place, noun), (micros(entry.start), micros(as_of))))
        elif entry.start is None or entry.end is None:
            problems.append(Reason(ReasonKind.TIME_UNSAID, (entry.place,)))
        elif (problem := _unreached(entry, entry.start, entry.end, None if noun else start, as_of)) is not None:
            problems.append(problem)
    return problems


def _noun_of_state(entry: Coverage) -> str:
    """What a list of what there is lists; empty of a list of what happened."""
    dataset = DATASETS[entry.dataset]
    return dataset.noun if dataset.of_state else ""


def _unreached(entry: Coverage, first: datetime, last: datetime, start: datetime | None, as_of: datetime) -> Reason | None:
    """What `Coverage.reaches` misses, of an entry from `first` to `last`; None where it misses nothing."""

    def reason(kind: ReasonKind, *times: datetime) -> Reason:
        return Reason(kind, (entry.place,), tuple(map(micros, times)))

    if start is not None and first > start:
        return reason(ReasonKind.STARTS_LATE, first, start)
    if last < as_of:
        return reason(ReasonKind.ENDS_BEFORE_AS_OF if start is None else ReasonKind.ENDS_BEFORE_WINDOW, last, as_of)
    if start is None:
        return None
    if gap := entry.gap_in(start, as_of):
        return reason(ReasonKind.TIME_MISSING, min(gap), max(gap))
    if entry.evident is not None and entry.evident[1] < start:
        return reason(ReasonKind.SHOWS_NOTHING_SINCE, entry.evident[1], start)
    return None
