"""Jobs from AWS, and what was seen of them: every list is complete, or the fetch says what is missing.

What is asked for is in `plan`, how AWS is reached in `connection`, why no page is lost in `pages`, how places are read in parallel in `places`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Protocol

from policycheck.datasets import BACKUP_JOBS, DATASETS, HORIZON
from policycheck.errors import FetchError, LastingError, PolicycheckError, UsageError
from policycheck.records import MICROSECOND, JobList, iso
from policycheck.result import Coverage
from policycheck.sources.aws_errors import UnknownClientError
from policycheck.sources.connection import ALL_REGIONS, ORGANIZATION, AwsSession, Connection, account_of_role, is_opt_in
from policycheck.sources.interface import Evidence
from policycheck.sources.lists import deduplicate
from policycheck.sources.observed import Watch, cover
from policycheck.sources.places import Place, Progress, Reader, ReadPlace, Request, local_clock
from policycheck.sources.plan import FetchPlan
from policycheck.sources.raw import PageStore
from policycheck.text import spell_duration

_SECOND = timedelta(seconds=1)
MOST_SKEW = timedelta(minutes=5)
"""How far a clock may be off before ages and windows are: AWS itself refuses signatures made further off."""


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
    refused: frozenset[tuple[str, str | None, str]] = field(default_factory=frozenset)
    """(dataset, account, Region) of the lists that failed for a reason that does not mend itself."""


def fetch_jobs(
    connection: Connection,
    plan: FetchPlan,
    *,
    as_of: datetime,
    progress: Callable[[Progress], None] | None = None,
    keep_pages: bool = True,
    now: Callable[[], datetime] = local_clock,
    kept: Kept | None = None,
) -> FetchedEvidence:
    """Fetch every list of the plan from every account and Region of the connection.

    Args:
        as_of: the aware instant the run is measured from; nothing later is claimed to be covered.
        progress: called after each page, in this thread.
        keep_pages: whether to keep the answers as received, for evidence.
        now: this machine's clock.
        kept: what an earlier fetch read: only what may have changed since is asked for. Not beside `keep_pages`: the answers would not hold all jobs.

    Returns:
        The lists, de-duplicated; where one of several places failed, its coverage is not complete and says why, and what was read of it is kept.

    Raises:
        FetchError: nothing usable: no credentials, no Region, the only place failed, or all of them.
        UsageError: an option that cannot be.
    """
    start = now()
    if BACKUP_JOBS.name in plan.datasets and as_of <= start - HORIZON:
        hint = "judge saved lists (--jobs) or an archive"
        raise FetchError(f"AWS lists the backup jobs of the last {HORIZON.days} days, and {iso(as_of)} is before them", hint=hint)
    session = AwsSession(connection)
    places = [Place(role, region) for role in connection.role_arns or (None,) for region in session.regions()]
    pages = PageStore() if keep_pages else None
    try:
        requests: Sequence[Request] = _requests(connection, plan, start, as_of)
        if kept is not None:
            requests = kept.narrow(requests, start)
        reader = Reader(session, requests, pages, now, alone=len(places) == 1)
        read = reader.read(places, progress or (lambda _: None))
        if kept is not None:
            read = kept.merge(read)
        return _Fetch(connection, plan, session, as_of, start).evidence(read, pages)
    except BaseException:
        if pages is not None:
            pages.close()
        raise


def _requests(connection: Connection, plan: FetchPlan, start: datetime, as_of: datetime) -> tuple[Request, ...]:
    requests = []
    for name in plan.datasets:
        parameters: dict[str, object] = dict(plan.filters.get(name, {}))
        since = asked_since(plan, name, start, as_of)
        if since is not None:
            # Whether the moment itself is in is not documented, and the model has whole seconds.
            parameters["ByCreatedAfter"] = since.replace(microsecond=0) - _SECOND
        if connection.account_id and (connection.account_id != ORGANIZATION or name == BACKUP_JOBS.name):
            parameters["ByAccountId"] = connection.account_id
        requests.append(Request(DATASETS[name], parameters))
    return tuple(requests)


def asked_since(plan: FetchPlan, name: str, start: datetime, as_of: datetime) -> datetime | None:
    """From when on a list is asked for; None for ListBackupJobs where AWS's own 30 days are less."""
    if name == BACKUP_JOBS.name:
        return plan.created_after if plan.created_after is not None and plan.created_after > start - HORIZON else None
    return plan.created_after or plan.older.get(name) or as_of - HORIZON


@dataclass(frozen=True, slots=True)
class _Fetch:
    """What a fetch was to be, to say what came of it."""

    connection: Connection
    plan: FetchPlan
    session: AwsSession
    as_of: datetime
    start: datetime

    def evidence(self, read: Sequence[ReadPlace], pages: PageStore | None) -> FetchedEvidence:
        disabled = self._disabled(read)
        asked = [part for part in read if part.place not in disabled]
        self._require_any(asked or read)
        accounts = self._accounts(asked)
        if pages is not None:
            organization = self.connection.account_id == ORGANIZATION
            named = {
                (role, name): ORGANIZATION if organization and name == BACKUP_JOBS.name else account for role, account in accounts.items() for name in DATASETS
            }
            pages.name_accounts(named)
        lists: dict[str, JobList] = {}
        for name in self.plan.datasets:
            parts = [part.lists[name].jobs for part in asked]
            lists[name] = parts[0] if len(parts) == 1 else deduplicate(JobList(DATASETS[name], list(chain.from_iterable(part.records for part in parts))))[0]
        coverage = self._coverage(asked, accounts)
        warnings = tuple(self._warnings(asked))
        not_seen = (*self._not_fetched(), *self._not_enabled(disabled), *self._unknown_accounts(coverage))
        refused = frozenset(
            (name, accounts[part.place.role_arn], part.place.region)
            for part in asked
            for name, found in part.lists.items()
            if isinstance(found.error, LastingError)
        )
        return FetchedEvidence(lists, coverage, not_seen, warnings, pages=pages, refused=refused)

    def _disabled(self, read: Sequence[ReadPlace]) -> set[Place]:
        """Places of `--region all` whose Region is not enabled, as far as that can be told.

        Only a Region that has to be enabled can be one that is not, only where it knew the credentials in no list and gave no page, and only where they worked
        in another Region and are still good: anything else is a place that failed.
        """
        if ALL_REGIONS not in self.connection.regions or not self.connection.sign_request:
            return set()
        named = {*self.connection.regions, *self.plan.declared_regions}
        refused = {part.place for part in read if is_opt_in(part.place.region) and part.place.region not in named and _is_refused(part)}
        known = {part.place.role_arn for part in read if not part.errors}
        good = {role for role in {place.role_arn for place in refused} & known if self._is_still_good(role)}
        return {place for place in refused if place.role_arn in good}

    def _is_still_good(self, role_arn: str | None) -> bool:
        """Whether AWS still knows the credentials after the last page was read."""
        try:
            self.session.caller_account(role_arn)
        except PolicycheckError:
            return False
        return True

    def _require_any(self, read: Sequence[ReadPlace]) -> None:
        """Raise where there is only one place and it failed, or every place failed."""
        errors = [part.errors[0] for part in read if part.errors and (part.failed or len(read) == 1)]
        if not errors or len(errors) < len(read):
            return
        first = errors[0]
        others = len(errors) - 1
        more = f"; and {others} more {'place' if others == 1 else 'places'} failed" if others else ""
        lasting = all(isinstance(error, LastingError) for error in errors)
        kind = UsageError if isinstance(first, UsageError) else LastingError if lasting else FetchError
        raise kind(first.message + more, hint=first.hint, place=first.place)

    def _accounts(self, read: Sequence[ReadPlace]) -> dict[str | None, str | None]:
        """Whose jobs each identity listed, by role ARN: the role's account, the one asked for, the only one its jobs name, or the caller's."""
        return {role: self._account(role, [part for part in read if part.place.role_arn == role]) for role in {part.place.role_arn: None for part in read}}

    def _account(self, role: str | None, read: Sequence[ReadPlace]) -> str | None:
        wanted = self.connection.account_id
        if role is not None:
            return account_of_role(role)
        if wanted not in (None, ORGANIZATION):
            return wanted
        own = [found for part in read for name, found in part.lists.items() if wanted is None or name != BACKUP_JOBS.name]
        seen = {account for found in own for account, _ in found.jobs.places() if account}
        if len(seen) == 1:
            return seen.pop()
        if not own or not self.connection.sign_request:
            return None
        try:
            return self.session.caller_account()
        except PolicycheckError:
            return None

    def _coverage(self, read: Sequence[ReadPlace], accounts: Mapping[str | None, str | None]) -> tuple[Coverage, ...]:
        organization = self.connection.account_id == ORGANIZATION
        everyone = {account for part in read for found in part.lists.values() for account, _ in found.jobs.places() if account} if organization else set()
        entries: list[Coverage] = []
        for part in read:
            for name, found in part.lists.items():
                watch = Watch(
                    dataset=DATASETS[name],
                    region=part.place.region,
                    source=self._source(name, part.place.region),
                    since=asked_since(self.plan, name, self.start, self.as_of),
                    started=self.start,
                    as_of=self.as_of,
                )
                own = {accounts[part.place.role_arn]}
                entries += cover(watch, found, everyone or own if organization and name == BACKUP_JOBS.name else own)
        return tuple(sorted(entries, key=lambda entry: (entry.dataset, entry.account or "", entry.region or "")))

    def _source(self, name: str, region: str) -> str:
        host = self.session.foreign_host(region)
        return DATASETS[name].operation + (f" at {host}" if host else "")

    # --- what this run could not see ---

    def _not_fetched(self) -> list[str]:
        notes = []
        others = [dataset.noun + "s" for name, dataset in DATASETS.items() if name not in self.plan.datasets]
        if others:
            notes.append(f"not fetched: {' and '.join(others)}; no rule asks about them")
        for name in self.plan.datasets:
            chosen = " and ".join(f"{key} {value}" for key, value in sorted(self.plan.filters.get(name, {}).items()))
            if chosen:
                notes.append(f"narrowed: {DATASETS[name].noun}s other than those with {chosen} were not asked for")
        if ALL_REGIONS not in self.connection.regions:
            notes.append(f"not asked: Regions other than {', '.join(sorted(self.session.regions()))}")
        if self.connection.account_id == ORGANIZATION:
            notes.append("accounts of the organization that have no backup job are not known to this run")
            own = [DATASETS[name].noun + "s" for name in self.plan.datasets if name != BACKUP_JOBS.name]
            if own:
                notes.append(f"{' and '.join(own)} of other accounts were not asked for: AWS documents a list of the whole organization for backup jobs only")
        return notes

    @staticmethod
    def _not_enabled(disabled: set[Place]) -> list[str]:
        regions: dict[str | None, list[str]] = {}
        for place in sorted(disabled, key=lambda place: (place.role_arn or "", place.region)):
            regions.setdefault(place.role_arn, []).append(place.region)
        return [
            f"not enabled{f' in account {account_of_role(role)}' if role else ''}, as far as AWS tells: {', '.join(names)}" for role, names in regions.items()
        ]

    @staticmethod
    def _unknown_accounts(coverage: Sequence[Coverage]) -> list[str]:
        unknown = any(entry.account is None for entry in coverage)
        return ["the account of some lists is not known: no job names it, and AWS did not say whose the credentials are"] if unknown else []

    def _warnings(self, read: Sequence[ReadPlace]) -> list[str]:
        warnings = []
        skew = max((found.skew for part in read for found in part.lists.values()), key=abs, default=timedelta())
        if abs(skew) > MOST_SKEW:
            spelled = spell_duration(abs(skew) // MICROSECOND)
            warnings.append(f"this machine's clock is {spelled} {'ahead of' if skew > timedelta() else 'behind'} AWS's: ages and windows are off by as much")
        if not self.connection.verify_ssl:
            warnings.append("certificates were not verified: anybody on the way could have given these answers")
        return warnings


def _is_refused(part: ReadPlace) -> bool:
    """Whether a place knew the credentials in none of its lists, and gave no page."""
    lists = part.lists.values()
    return bool(lists) and all(isinstance(found.error, UnknownClientError) and found.first_date is None and not len(found.jobs) for found in lists)
