"""Jobs from AWS, and what was seen of them: every list is complete, or the fetch says what is missing.

What is asked for is in `plan`, how AWS is reached in `connection`, why no page is lost in `pages`, how places are read in parallel in `places`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from policycheck.datasets import DATASETS, HORIZON, JOB_LISTS
from policycheck.errors import FetchError, LastingError, PolicycheckError, UsageError
from policycheck.records import MICROSECOND, iso
from policycheck.result import Coverage
from policycheck.sources.connection import ALL_REGIONS, ORGANIZATION, Connection
from policycheck.sources.enabled import Enablement, describe_unread, tell_enabled
from policycheck.sources.fetched import FetchedList, FetchRecord, cover_list, merge_lists, name_accounts, sort_coverage, spell_parameters
from policycheck.sources.identity import Identity
from policycheck.sources.interface import Evidence
from policycheck.sources.organization import Membership, compare_members, is_askable, is_asked_whole, read_members, require_reach, unread_account
from policycheck.sources.pacing import Tally
from policycheck.sources.places import Place, Progress, Reader, ReadList, ReadPlace, Request, Sink, local_clock
from policycheck.sources.plan import FetchPlan
from policycheck.sources.raw import PageStore
from policycheck.sources.session import AwsSession
from policycheck.text import spell_duration

_SECOND = timedelta(seconds=1)
MOST_SKEW = timedelta(minutes=5)
"""How far this machine's clock may be off AWS's before nothing is judged by it: AWS itself refuses signatures made further off."""


class Kept(Protocol):
    """What an earlier fetch read of the same places."""

    def narrow(self, requests: Sequence[Request], start: datetime) -> Sequence[Request]:
        """The requests for what may have changed since; `start` is this machine's clock."""
        ...

    def merge(self, read: Sequence[ReadPlace]) -> list[ReadPlace]:
        """What was read now, made whole with what was read before."""
        ...


@dataclass(frozen=True, slots=True)
class FetchedEvidence(Evidence):
    """Evidence that AWS gave in this run, with its answers as received."""

    pages: PageStore | None = None
    """None where they were not to be kept. Whoever is done with them closes them."""
    record: FetchRecord | None = None
    """What was asked and answered, where the answers were kept."""
    refused: frozenset[tuple[str, str | None, str]] = field(default_factory=frozenset)
    """(dataset, account, Region) of the lists that failed for a lasting reason."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What a fetch is about to ask."""

    connection: Connection
    places: Sequence[Place]
    requests: Sequence[Request]
    tallies: Mapping[Place, Tally]
    """What was sent in each place so far; it goes on changing until the fetch ends."""


def fetch_jobs(
    connection: Connection,
    plan: FetchPlan,
    *,
    as_of: datetime,
    progress: Callable[[Progress], None] | None = None,
    keep_pages: bool = True,
    identify: bool = False,
    now: Callable[[], datetime] = local_clock,
    kept: Kept | None = None,
    announce: Callable[[Intent], None] | None = None,
    sink: Sink | None = None,
    session: AwsSession | None = None,
) -> FetchedEvidence:
    """Fetch every list of the plan from every account and Region of the connection.

    Args:
        as_of: the aware instant the run is measured from; nothing later is claimed to be covered.
        progress: called after each page, in this thread.
        keep_pages: whether to keep the answers as received, for evidence.
        identify: whether the record kept beside them says who asked, which is one request more.
        now: this machine's clock.
        kept: what an earlier fetch read: only what may have changed since is asked for. Not beside `keep_pages`: the answers would not hold all jobs.
        announce: called before the first request, in this thread.
        sink: where the jobs go; the lists that come back then hold only what the sink left them.
        session: of this connection, where one is open.

    Returns:
        The lists, de-duplicated; where one of several places failed, its coverage is not complete and says why, and what was read of it is kept.

    Raises:
        FetchError: nothing usable: no credentials, no Region, the only place failed, or all of them; this machine's clock is not AWS's; other accounts were
            asked for and nothing shows that AWS gave their jobs.
        UsageError: an option that cannot be.
    """
    start = now()
    _require_horizon(plan, as_of, start)
    opened, session = session is None, session or AwsSession(connection)
    places = [Place(identity, region) for identity in session.identities() for region in session.regions(identity)]
    pages = PageStore() if keep_pages else None
    try:
        requests: Sequence[Request] = _requests(connection, plan, start)
        if kept is not None:
            requests = kept.narrow(requests, start)
        tallies = {place: Tally() for place in places}
        if announce is not None:
            announce(Intent(connection, places, requests, tallies))
        reader = Reader(session, requests, pages, now, alone=len(places) == 1 and sink is None, tallies=tallies, sink=sink)
        read = reader.read(places, progress or (lambda _: None))
        _require_time(read)
        if kept is not None:
            read = kept.merge(read)
        return _Fetch(connection, plan, session, as_of, start, tuple(requests), identify, partial=sink is not None).evidence(read, pages)
    except BaseException:
        if pages is not None:
            pages.close()
        raise
    finally:
        if opened:
            session.close()


def _require_horizon(plan: FetchPlan, as_of: datetime, start: datetime) -> None:
    for dataset in map(DATASETS.__getitem__, plan.datasets):
        if dataset.horizon is not None and as_of <= start - dataset.horizon:
            hint = "evaluate saved job lists: --jobs"
            raise FetchError(f"AWS lists the {dataset.noun}s of the last {dataset.horizon.days} days, and {iso(as_of)} is before them", hint=hint)


def _requests(connection: Connection, plan: FetchPlan, start: datetime) -> tuple[Request, ...]:
    requests = []
    for name in plan.datasets:
        if not is_askable(connection.account_id, name):
            continue
        parameters: dict[str, object] = dict(plan.filters.get(name, {}))
        since = asked_since(plan, name, start)
        if since is not None:
            # Whether the moment itself is in is not documented, and the model has whole seconds.
            parameters["ByCreatedAfter"] = since.replace(microsecond=0) - _SECOND
        if connection.account_id and (connection.account_id != ORGANIZATION or is_asked_whole(connection.account_id, name)):
            parameters["ByAccountId"] = connection.account_id
        requests.append(Request(DATASETS[name], parameters))
    return tuple(requests)


def asked_since(plan: FetchPlan, name: str, start: datetime) -> datetime | None:
    """From when on a list is asked for, by the claim of a longest job; None: all that AWS lists, also where its own horizon is less."""
    horizon = DATASETS[name].horizon
    if DATASETS[name].of_state:
        return None
    if horizon is not None and plan.created_after is not None and plan.created_after <= start - horizon:
        return None
    return plan.created_after


def _require_time(read: Sequence[ReadPlace]) -> None:
    """Raise where this machine's clock and AWS's are too far apart, whatever else failed: it may have failed because of that."""
    clocks = max((found.clocks for part in read for found in part.lists.values() if found.clocks), key=lambda clocks: clocks.apart, default=None)
    if clocks is not None and clocks.apart > MOST_SKEW:
        spelled = spell_duration(clocks.apart // MICROSECOND)
        raise LastingError(
            f"this machine's clock says {iso(clocks.machine)} and AWS's {iso(clocks.aws)}: {spelled} apart, so ages and windows are unknown",
            hint="set this machine's clock, then run the command again",
        )


@dataclass(frozen=True, slots=True)
class _Fetch:
    """What a fetch was to be, to say what came of it."""

    connection: Connection
    plan: FetchPlan
    session: AwsSession
    as_of: datetime
    start: datetime
    requests: tuple[Request, ...]
    identify: bool
    partial: bool = False
    """Whether one list of the only place is of use where another cannot be read."""

    def evidence(self, read: Sequence[ReadPlace], pages: PageStore | None) -> FetchedEvidence:
        enablement = tell_enabled(self.session, read, self.plan.declared_regions)
        asked = [part for part in read if part.place not in enablement.disabled]
        self._require_any(asked or read)
        self._require_accounts(asked)
        accounts = self._accounts(asked)
        if pages is not None:
            whole = {name: is_asked_whole(self.connection.account_id, name) for name in DATASETS}
            pages.name_accounts({(one, name): ORGANIZATION if whole[name] else account for one, account in accounts.items() for name in DATASETS})
        lists = {name: merge_lists(name, [part.lists[name].jobs for part in asked if name in part.lists]) for name in self.plan.datasets}
        members, compared = self._members(asked)
        names = self._names(accounts, members)
        fetched, unasked = self._fetched(asked, accounts), list(self._unasked(asked))
        known = None if members is None else frozenset(members.names)

        def cover(as_of: datetime) -> tuple[Coverage, ...]:
            covered = [entry for one, found in fetched for entry in cover_list(one, found, self.start, as_of, known)]
            return name_accounts(sort_coverage([*covered, *unasked]), names)

        coverage = cover(self.as_of)
        warnings = tuple(self._warnings(enablement))
        regions = {part.place.region for part in read}
        not_seen = (*self._not_fetched(regions), *compared, *self._claims(), *self._not_enabled(enablement.disabled), *self._unknown_accounts(coverage))
        refused = frozenset(
            (name, accounts[part.place.identity], part.place.region)
            for part in asked
            for name, found in part.lists.items()
            if isinstance(found.error, LastingError)
        )
        record = None if pages is None else self._record([one for one, _ in fetched], not_seen, warnings, names, known)

        def at(as_of: datetime) -> Evidence:
            return Evidence(lists, cover(as_of), not_seen, members=known)

        return FetchedEvidence(lists, coverage, not_seen, warnings, members=known, at=at, pages=pages, record=record, refused=refused)

    def _record(
        self,
        lists: Sequence[FetchedList],
        not_seen: tuple[str, ...],
        warnings: tuple[str, ...],
        names: Mapping[str, str],
        members: frozenset[str] | None,
    ) -> FetchRecord:
        try:
            caller = self.session.caller_arn() if self.identify and self.connection.sign_request else None
        except PolicycheckError:
            caller = None
        return FetchRecord(
            started=self.start,
            as_of=self.as_of,
            caller=caller,
            lists=tuple(lists),
            not_seen=not_seen,
            warnings=warnings,
            names=dict(sorted(names.items())),
            members=None if members is None else tuple(sorted(members)),
        )

    def _members(self, read: Sequence[ReadPlace]) -> tuple[Membership | None, list[str]]:
        """The accounts of the organization where all of them were asked for, and how the lists compare with them."""
        if self.connection.account_id != ORGANIZATION:
            return None, []
        asked = [found for part in read for name, found in part.lists.items() if is_asked_whole(ORGANIZATION, name)]
        seen = {account for found in asked for account, _ in found.jobs.places() if account}
        try:
            members = read_members(self.session)
        except PolicycheckError as error:
            return None, [f"accounts of the organization that have no backup job are not known to this run: {error.message}"]
        return members, compare_members(members, seen)

    @staticmethod
    def _names(accounts: Mapping[Identity, str | None], members: Membership | None) -> dict[str, str]:
        """What accounts are called, by the list of accounts or the organization."""
        found: dict[str | None, str | None] = {}
        if members is not None:
            found.update(members.names)
        found |= {identity.account: identity.name for identity in accounts}
        return {account: name for account, name in found.items() if account and name}

    def _require_any(self, read: Sequence[ReadPlace]) -> None:
        """Raise where there is only one place and it failed, or every place failed."""
        errors = [part.errors[0] for part in read if part.errors and (part.failed or (len(read) == 1 and not self.partial))]
        if not errors or len(errors) < len(read):
            return
        first = errors[0]
        others = len(errors) - 1
        more = f"; and {others} more {'place' if others == 1 else 'places'} failed" if others else ""
        lasting = all(isinstance(error, LastingError) for error in errors)
        kind = UsageError if isinstance(first, UsageError) else LastingError if lasting else FetchError
        raise kind(first.message + more, hint=first.hint, place=first.place)

    def _require_accounts(self, read: Sequence[ReadPlace]) -> None:
        """Raise where other accounts were asked for and nothing shows that AWS gave their jobs."""
        wanted = self.connection.account_id
        if wanted is not None:
            asked = [found for part in read for name, found in part.lists.items() if wanted != ORGANIZATION or is_asked_whole(wanted, name)]
            if any(found.error is None for found in asked):
                require_reach(self.session, {account for found in asked for account, _ in found.jobs.places()})

    def _accounts(self, read: Sequence[ReadPlace]) -> dict[Identity, str | None]:
        """Whose jobs each identity listed: the role's account, the one asked for, the only one its jobs name, or the caller's."""
        return {one: self._account(one, [part for part in read if part.place.identity == one]) for one in {part.place.identity: None for part in read}}

    def _account(self, identity: Identity, read: Sequence[ReadPlace]) -> str | None:
        wanted = self.connection.account_id
        if identity.account is not None:
            return identity.account
        if wanted not in (None, ORGANIZATION):
            return wanted
        own = [found for part in read for name, found in part.lists.items() if wanted is None or not DATASETS[name].of_organization]
        seen = {account for found in own for account, _ in found.jobs.places() if account}
        if len(seen) == 1:
            return seen.pop()
        if not own or not self.connection.sign_request:
            return None
        try:
            return self.session.caller_account(identity)
        except PolicycheckError:
            return self.session.configured_account(identity) if identity.profile else None

    def _fetched(self, read: Sequence[ReadPlace], accounts: Mapping[Identity, str | None]) -> list[tuple[FetchedList, ReadList]]:
        """Every list that was begun, and what was read of it."""
        organization = self.connection.account_id == ORGANIZATION
        everyone = {account for part in read for found in part.lists.values() for account, _ in found.jobs.places() if account} if organization else set()
        parameters = {request.dataset.name: spell_parameters(request.parameters) for request in self.requests}
        lists: list[tuple[FetchedList, ReadList]] = []
        for part in read:
            for name, found in part.lists.items():
                own = {accounts[part.place.identity]}
                whole = is_asked_whole(self.connection.account_id, name)
                one = FetchedList(
                    dataset=name,
                    operation=DATASETS[name].operation,
                    role_arn=part.place.identity.role_arn,
                    profile=part.place.identity.profile,
                    region=part.place.region,
                    source=self._source(name, part.place),
                    parameters=parameters[name],
                    since=asked_since(self.plan, name, self.start),
                    reach=self.plan.reaches.get(name, self.as_of - HORIZON),
                    accounts=tuple(sorted(everyone or own if whole else own, key=lambda account: account or "")),
                    rest_unread=organization and not whole,
                    pages=found.pages,
                    first_date=found.first_date,
                    last_date=found.last_date,
                    error=found.error.message if found.error is not None else "",
                    error_place=found.error.place if found.error is not None else "",
                )
                lists.append((one, found))
        return lists

    def _unasked(self, read: Sequence[ReadPlace]) -> Iterator[Coverage]:
        """The lists that AWS gives of the caller's own account alone, where another one is asked for."""
        for part in read:
            for name in self.plan.datasets:
                if not is_askable(self.connection.account_id, name):
                    yield unread_account(name, self.connection.account_id, part.place.region, self._source(name, part.place))

    def _source(self, name: str, place: Place) -> str:
        host = self.session.foreign_host(place.region, place.identity)
        return DATASETS[name].operation + (f" at {host}" if host else "")

    # --- what this run could not see ---

    def _not_fetched(self, regions: Collection[str]) -> list[str]:
        notes = []
        others = [dataset.noun + "s" for name, dataset in JOB_LISTS.items() if name not in self.plan.datasets]
        if others:
            notes.append(f"not fetched: {' and '.join(others)}; no rule needs them")
        for name in self.plan.datasets:
            chosen = " and ".join(f"{key} {value}" for key, value in sorted(self.plan.filters.get(name, {}).items()))
            if chosen:
                notes.append(f"narrowed: {DATASETS[name].noun}s other than those with {chosen} were not asked for")
        if ALL_REGIONS not in self.connection.regions:
            notes.append(f"not asked: Regions other than {', '.join(sorted(regions))}")
        if self.connection.left_out:
            notes.append(f"omitted: the list of accounts says that they are not active: {', '.join(self.connection.left_out)}")
        return notes

    def _claims(self) -> list[str]:
        """What the user claims in place of evidence."""
        narrowed = {since: None for name in self.plan.datasets if (since := asked_since(self.plan, name, self.start)) is not None}
        if not narrowed or self.plan.longest_job is None:
            return []
        spelled = spell_duration(self.plan.longest_job // MICROSECOND)
        return [f"asserted: no job takes longer than {spelled} (longest_job), so jobs created before {iso(since)} were not asked for" for since in narrowed]

    @staticmethod
    def _not_enabled(disabled: Collection[Place]) -> list[str]:
        regions: dict[Identity, list[str]] = {}
        for place in sorted(disabled, key=lambda place: (place.identity.order, place.region)):
            regions.setdefault(place.identity, []).append(place.region)
        return [f"not enabled{_whose(identity)}, as far as AWS tells: {', '.join(names)}" for identity, names in regions.items()]

    @staticmethod
    def _unknown_accounts(coverage: Sequence[Coverage]) -> list[str]:
        # An entry without an interval is of accounts that were not read at all.
        unknown = any(entry.account is None and entry.start is not None for entry in coverage)
        return ["the account of some lists is unknown: no job names it, and AWS did not identify the caller"] if unknown else []

    def _warnings(self, enablement: Enablement) -> list[str]:
        warnings = [describe_unread(enablement.unread)] if enablement.unread else []
        if not self.connection.verify_ssl:
            warnings.append("certificates were not verified, so these answers might not be from AWS")
        return warnings


def _whose(identity: Identity) -> str:
    return f" in account {identity.label}" if identity.account else f" for {identity.label}" if identity.label else ""
