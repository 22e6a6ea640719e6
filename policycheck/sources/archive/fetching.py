"""Fetching into an archive: only what may have changed is asked for, only what is new is written, and then what the fetch covers.

The order of writing is what a kill at any moment leaves right: rows of jobs first, and once all of them are in, one transaction with the rows of the fetch. A
fetch without its row covers nothing; the next one asks for the same again and finds most of it written.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from policycheck.datasets import DATASETS, Dataset
from policycheck.errors import PolicycheckError
from policycheck.records import iso, moment
from policycheck.result import Coverage
from policycheck.sources.archive.checksums import note_files
from policycheck.sources.archive.describing import describe_jobs
from policycheck.sources.archive.fetches import FetchRow, as_frame, ask_since, ended_before, latest, read_fetches
from policycheck.sources.archive.job_files import JobFiles, list_files
from policycheck.sources.archive.schema import DAY, DIGEST, ENDED_BY, FETCH, REGION
from policycheck.sources.archive.sink import ArchiveSink
from policycheck.sources.archive.tables import FETCHES, Archive
from policycheck.sources.aws import FetchedEvidence, Intent, fetch_jobs
from policycheck.sources.connection import Connection
from policycheck.sources.identity import Identity
from policycheck.sources.pages import PAGE_SIZE
from policycheck.sources.places import Progress, local_clock
from policycheck.sources.plan import FetchPlan
from policycheck.sources.session import AwsSession
from policycheck.version import __version__


@dataclass(frozen=True, slots=True)
class ArchivedFetch:
    """What one fetch brought into an archive."""

    rows: tuple[FetchRow, ...]
    jobs: int
    """Jobs listed,"""
    added: int
    """and rows that were new."""
    warnings: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[FetchRow, ...]:
        """The lists that were not read to their end."""
        return tuple(row for row in self.rows if not row.complete)


def fetch_into(
    archive: Archive,
    connection: Connection,
    datasets: Sequence[str],
    *,
    declared_regions: frozenset[str] = frozenset(),
    progress: Callable[[Progress], None] | None = None,
    announce: Callable[[Intent], None] | None = None,
    now: Callable[[], datetime] = local_clock,
) -> ArchivedFetch:
    """Add what is new in these lists to the archive, which is made where there is none.

    Args:
        announce: called before the first request, in this thread.
        now: this machine's clock.

    Raises:
        ArchiveError: the archive is damaged, or cannot be written to.
        FetchError, UsageError: as `fetch_jobs`; that the fetch failed stands in the archive.
    """
    archive.create(FETCHES)
    session = AwsSession(connection)
    identities = session.identities()
    fetch = _Fetch(archive, connection, str(uuid.uuid4()), _caller(session), identities, _accounts(session, identities), now(), read_fetches(archive))
    sink = ArchiveSink(archive, fetch.id, fetch.since, fetch.known, now)
    plan = FetchPlan(tuple(datasets), declared_regions=declared_regions)
    try:
        evidence = fetch_jobs(
            connection, plan, as_of=fetch.started, progress=progress, announce=announce, keep_pages=False, now=now, sink=sink, session=session
        )
    except PolicycheckError as error:
        fetch.record_failure(plan, session, error)
        raise
    sink.flush()
    warnings = fetch.describe_unlisted(evidence, sink, session)
    sink.flush()
    rows = fetch.rows(evidence, sink)
    note_files(archive, plan.datasets)
    archive.append(FETCHES, as_frame(rows))
    listed, added = sum(one.jobs for one in sink.read.values()), sum(one.added for one in sink.read.values())
    return ArchivedFetch(tuple(rows), listed, added, (*evidence.warnings, *warnings))


def _caller(session: AwsSession) -> str | None:
    """Whose credentials these are; None where that is not told: the lists are then read whole."""
    try:
        return session.caller_arn()
    except PolicycheckError:
        return None


def _accounts(session: AwsSession, identities: Sequence[Identity]) -> dict[str | None, str]:
    """The account of each profile's credentials; empty where that is not told."""
    found: dict[str | None, str] = {}
    for profile in dict.fromkeys(identity.profile for identity in identities):
        try:
            found[profile] = session.caller_account(Identity(profile)) if session.connection.sign_request else ""
        except PolicycheckError:
            found[profile] = ""
    return found


@dataclass(slots=True)
class _Fetch:
    archive: Archive
    connection: Connection
    id: str
    caller: str | None
    identities: Sequence[Identity]
    accounts: Mapping[str | None, str]
    """By profile, whose its credentials are; empty: not known."""
    started: datetime
    before: Sequence[FetchRow]
    """The rows of earlier fetches."""
    _files: dict[str, JobFiles | None] = field(default_factory=dict)

    def asker(self, identity: Identity) -> str:
        """As whom AWS is asked: nothing that it answered to others counts. Empty: not known, and then nothing counts."""
        account = self.accounts.get(identity.profile, "")
        return " ".join(filter(None, (account, identity.role_arn, self.connection.account_id))) if account else ""

    def since(self, identity: Identity, region: str, dataset: Dataset) -> datetime | None:
        """From when on a list is asked for; None: all of it."""
        asker = self.asker(identity)
        if not asker or dataset.later_words:
            return None
        found = ask_since(latest(self.before, dataset.name, region, asker))
        # Of a clock that was put right nothing follows; and where AWS lists no further back, the list is whole anyway.
        if found is None or found > self.started or (dataset.horizon is not None and found <= self.started - dataset.horizon):
            return None
        return found

    def known(self, region: str, dataset: Dataset) -> set[bytes]:
        """The digests of the records of this Region that the archive has, as far back as they can be listed now."""
        moments = [self.since(identity, region, dataset) for identity in self.identities]
        floor = min(filter(None, moments), default=None) if None not in moments else self.started - dataset.horizon if dataset.horizon else None
        files = self._of_region(dataset, region, floor)
        return set(files.scan([DIGEST])[DIGEST].to_list()) if files is not None else set()

    def _of_region(self, dataset: Dataset, region: str, floor: datetime | None) -> JobFiles | None:
        """The files with jobs of one Region that were created on the day of `floor` or later."""
        import polars as pl

        if dataset.name not in self._files:
            self._files[dataset.name] = list_files(self.archive, dataset, {})
        files = self._files[dataset.name]
        if files is None:
            return None
        late = pl.col(DAY).is_null() | (pl.col(DAY) >= floor.date()) if floor is not None else pl.lit(True)
        return files.only(files.files.filter((pl.col(REGION) == region) & late))

    # --- what it covers ---

    def describe_unlisted(self, evidence: FetchedEvidence, sink: ArchiveSink, session: AwsSession) -> list[str]:
        """Ask for each job in progress that the archive has and AWS listed no more; back come warnings."""
        warnings: dict[str, None] = {}
        self._files.clear()
        for entry in evidence.coverage:
            if not entry.complete or entry.region is None:
                continue
            dataset = DATASETS[entry.dataset]
            ids = self._unlisted(entry.region, dataset, entry.account)
            if not ids:
                continue
            identity, _ = sink.place_of(entry.dataset, entry.account, entry.region)
            described = describe_jobs(session, dataset, entry.region, identity, ids)
            for record, text, at in described.found:
                sink.add(entry.region, dataset, record, text, at)
            if described.error:
                warnings[f"how {dataset.noun}s ended that AWS lists no more is not known: {described.error}"] = None
        return list(warnings)

    def _unlisted(self, region: str, dataset: Dataset, account: str | None) -> list[str]:
        """The ids of jobs of which the archive knows no end, and which this fetch did not list."""
        import polars as pl

        files = self._of_region(dataset, region, ended_before(latest(self.before, dataset.name, region)))
        if files is None:
            return []
        rows = files.scan([dataset.id_field, "AccountId", ENDED_BY, FETCH]).filter(pl.lit(account is None) | (pl.col("AccountId") == account))
        told = pl.col(ENDED_BY).is_not_null().any() | (pl.col(FETCH) == self.id).any()
        jobs = rows.group_by(dataset.id_field).agg(told.alias("_told"))
        return sorted(jobs.filter(~pl.col("_told"))[dataset.id_field].drop_nulls().to_list())

    def rows(self, evidence: FetchedEvidence, sink: ArchiveSink) -> list[FetchRow]:
        """The rows of a fetch whose jobs are all written."""
        self._files.clear()
        opened = {(region, name): self._open_since(region, DATASETS[name]) for region, name in {(key[1], key[2]) for key in sink.read}}
        found = [self._row(entry, sink, opened) for entry in evidence.coverage if entry.region is not None]
        return [*found, *self._silent(found, sink)]

    def _row(self, entry: Coverage, sink: ArchiveSink, opened: Mapping[tuple[str, str], datetime | None]) -> FetchRow:
        region = str(entry.region)
        identity, read = sink.place_of(entry.dataset, entry.account, region)
        dataset = DATASETS[entry.dataset]
        since = read.since if read is not None else None
        covers_from = self._covered_before(dataset, region, identity) if since is not None else entry.start
        return FetchRow(
            fetch=self.id,
            dataset=entry.dataset,
            account=entry.account,
            region=region,
            asker=self.asker(identity),
            caller=self.caller,
            source=entry.source,
            parameters=json.dumps({"MaxResults": PAGE_SIZE} | (read.parameters if read is not None else {}), sort_keys=True, default=_spell),
            covers_from=covers_from if entry.complete else None,
            covers_to=((read.first if read is not None else None) or self.started) if entry.complete else None,
            complete=entry.complete,
            error="" if entry.complete else entry.reason or "the list is incomplete",
            started=self.started,
            answered=read.first if read is not None else None,
            finished=read.last if read is not None else None,
            open_since=opened.get((region, entry.dataset)),
            listed_open_since=moment(read.open_since) if read is not None and read.open_since is not None else None,
            pages=read.pages if read is not None else 0,
            jobs=read.accounts.get(entry.account, 0) if read is not None else 0,
            added=read.added if read is not None else 0,
            table_version=sink.versions.get(entry.dataset, -1),
            page_digests=" ".join(read.digests) if read is not None else "",
            tool=f"policycheck {__version__}",
        )

    def _covered_before(self, dataset: Dataset, region: str, identity: Identity) -> datetime | None:
        """To when the fetch before covers, on which a narrowed one rests."""
        return min((row.covers_to for row in latest(self.before, dataset.name, region, self.asker(identity)) if row.covers_to is not None), default=None)

    def _silent(self, found: Sequence[FetchRow], sink: ArchiveSink) -> list[FetchRow]:
        """Rows for the accounts that the fetch before listed and this narrowed one heard nothing of: they have no new job."""
        rows: list[FetchRow] = []
        for (identity, region, name), read in sink.read.items():
            own = [row for row in found if (row.dataset, row.region, row.asker) == (name, region, self.asker(identity))]
            if read.since is None or not own or not all(row.complete for row in own):
                continue
            told = {row.account for row in own}
            silent = {row.account for row in latest(self.before, name, region, self.asker(identity))} - told
            rows += [msgspec.structs.replace(own[0], account=account, jobs=0) for account in sorted(silent, key=str)]
        return rows

    def _open_since(self, region: str, dataset: Dataset) -> datetime | None:
        """When the oldest job of a Region was created of which the archive knows no end."""
        import polars as pl

        files = self._of_region(dataset, region, ended_before(latest(self.before, dataset.name, region)))
        if files is None:
            return None
        jobs = files.scan([dataset.id_field, "CreationDate", ENDED_BY]).group_by(dataset.id_field, "CreationDate").agg(pl.col(ENDED_BY).is_not_null().any())
        found = jobs.filter(~pl.col(ENDED_BY))["CreationDate"]
        oldest = found.min()
        if found.null_count():
            # Of a job that does not say when it was created, no day is known.
            return moment(0)
        return oldest if isinstance(oldest, datetime) else None

    # --- where it failed ---

    def record_failure(self, plan: FetchPlan, session: AwsSession, error: PolicycheckError) -> None:
        """Leave in the archive that this fetch failed, as far as that can be."""
        reason = f"{error.place}: {error.message}" if error.place else error.message
        try:
            regions = session.regions(self.identities[0])
            self.archive.append(FETCHES, as_frame([self._failed(name, region, reason) for name in plan.datasets for region in regions]))
        except PolicycheckError:
            # What is raised is why the fetch failed.
            return

    def _failed(self, name: str, region: str, reason: str) -> FetchRow:
        return FetchRow(
            fetch=self.id, dataset=name, account=None, region=region, asker=self.asker(self.identities[0]), caller=self.caller,
            source=DATASETS[name].operation, parameters="{}",
            covers_from=None, covers_to=None, complete=False, error=reason, started=self.started, answered=None, finished=None, open_since=None,
            listed_open_since=None, pages=0, jobs=0, added=0, table_version=-1, page_digests="", tool=f"policycheck {__version__}",
        )  # fmt: skip


def _spell(value: object) -> str:
    return iso(value) if isinstance(value, datetime) else str(value)
