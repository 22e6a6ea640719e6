"""The organization served by a local AWS Backup endpoint and fetched by the command line, with everything that can go wrong at every page of every list."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from assurance.matrix.documents import place_of
from assurance.matrix.organization import ACCOUNTS, AS_OF, PLACES, REGIONS, Organization, Record
from assurance.matrix.rules import RuleSet
from policycheck.cli.app import run
from policycheck.datasets import DATASETS, JOB_LISTS, Kind
from policycheck.emulator.clock import Clock
from policycheck.emulator.faults import SERVICES
from policycheck.emulator.faults import Kind as Fault
from policycheck.emulator.server import serve
from policycheck.emulator.store import Store

_LISTS = {dataset.operation: dataset.name for dataset in DATASETS.values()}
_WHERE = [
    *(argument for region in REGIONS for argument in ("--region", region)),
    *(argument for account in ACCOUNTS for argument in ("--role-arn", f"arn:aws:iam::{account}:role/audit")),
]
"""Every account and Region."""
_PAUSE = "policycheck.sources.pacing.Pacer.hold"
_SMALL_PAGES = "{operation}:*=short:3"
"""So that every list has several pages."""
_SPECS: Mapping[Fault, tuple[str, ...]] = {
    Fault.LATENCY: ("latency:0.01",),
    Fault.ADVANCE: ("advance:1",),
    Fault.CHANGE: ("change:COMPLETED:FAILED",),
    Fault.SHORT: ("short", "short:1"),
}
_FINAL = {Fault.DENIED, Fault.EXPIRED, Fault.DISABLED}
_RETRIED = {Fault.THROTTLING, Fault.TOO_MANY, Fault.INTERNAL, Fault.UNAVAILABLE, Fault.TRUNCATED, Fault.HTML, Fault.CUT, Fault.CLOSED, Fault.EMPTY}


@dataclass(frozen=True, slots=True)
class FetchFault:
    """One thing that goes wrong: in which operation, of which account and Region (empty: any), at which request, and whether it stays."""

    operation: str
    place: str
    request: int
    lasting: bool
    fault: str

    @property
    def kind(self) -> Fault:
        return Fault(self.fault.partition(":")[0])

    @property
    def ends_the_list(self) -> bool:
        """Whether the list cannot come whole: what is not asked again, and what stays."""
        return self.kind in _FINAL or (self.lasting and (self.kind in _RETRIED or self.kind is Fault.REPEAT))

    def __str__(self) -> str:
        at = f"@{self.place}" if self.place else ""
        return f"{self.operation}{at}:{self.request}{'-' if self.lasting else ''}={self.fault}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a run of the command line came to."""

    code: int
    verdicts: Mapping[str, str]
    requests: Mapping[tuple[str, str], int]
    """How many requests each operation had, of each account and Region and, with an empty place, in all."""


def shifted(organization: Organization, now: datetime) -> dict[str, list[Record]]:
    """The lists of the organization as of another instant."""
    by = now - AS_OF
    cron = f"cron({(now - timedelta(hours=4)).minute} {(now - timedelta(hours=4)).hour} ? * * *)"
    lists = {}
    for name, records in organization.lists.items():
        times = {member.name for member in DATASETS[name].members if member.kind is Kind.TIME}
        moved: list[Record] = [{key: _later(value, by) if key in times else value for key, value in record.items()} for record in records]
        for record in moved:
            if record.get("CreatedBy", {}).get("BackupRuleCron"):
                record["CreatedBy"] = {**record["CreatedBy"], "BackupRuleCron": cron}
        lists[name] = moved
    return lists


def _later(value: str, by: timedelta) -> str:
    return (datetime.fromisoformat(value) + by).isoformat()


def store_of(organization: Organization) -> Store:
    """A store of the lists as of now, whose clock goes on."""
    now = datetime.now(UTC).replace(microsecond=0)
    store = Store(Clock(now, running=True), management=PLACES[0][0])
    for name, records in shifted(organization, now).items():
        known = {member.name.partition(".")[0] for member in DATASETS[name].members}
        for place in PLACES:
            own = [{key: value for key, value in record.items() if key in known} for record in records if place_of(name, record) == place]
            store.add(*place, name, own)
    return store


@contextmanager
def _alone() -> Iterator[None]:
    """Nobody's credentials and settings, and no pause between requests and between attempts: a fault that stays would otherwise take minutes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with (
        patch.dict(os.environ, {**kept, "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1"}, clear=True),
        patch("time.sleep"),
        patch(_PAUSE, lambda *_: 0.0),
    ):
        yield


def keep(organization: Organization, rules: RuleSet, folder: Path) -> datetime:
    """Fetch every list of jobs into an archive, `folder/archive`; returns when."""
    with _alone(), serve(store_of(organization)) as endpoint:
        os.environ.update(endpoint.environment)
        names = [name for name, lists in rules.lists.items() if lists <= JOB_LISTS.keys()]
        paths = [str(folder / "rules" / f"{name}.yaml") for name in names]
        run(["fetch", *paths, *_WHERE, "--endpoint-url", endpoint.url, "--archive", str(folder / "archive"), "--quiet", "--no-config"])
        return datetime.now(UTC)


def fetch(organization: Organization, rules: RuleSet, names: Sequence[str], faults: Sequence[FetchFault], folder: Path) -> Fetched:
    """Check some rules on what is fetched of every account and Region while these faults are in force."""
    told = folder / "fetched.json"
    told.unlink(missing_ok=True)
    paths = [str(folder / "rules" / f"{name}.yaml") for name in names]
    inventory = folder / "fetched-inventory.json"
    inventory.write_text(json.dumps(list(organization.inventory)), encoding="utf-8")
    small = [_SMALL_PAGES.format(operation=operation) for operation in _LISTS]
    with _alone(), serve(store_of(organization), faults=[*small, *map(str, faults)]) as endpoint:
        os.environ.update(endpoint.environment)
        where = [*_WHERE, "--endpoint-url", endpoint.url, "--inventory", f"prod={inventory}"]
        code = run(["check", *paths, *where, "--no-config", "--quiet", "--output", f"json={told}"])
        requests: Counter[tuple[str, str]] = Counter()
        for asked in endpoint.requests:
            requests.update({(asked.operation, ""): 1, (asked.operation, f"{asked.account}/{asked.region}"): 1})
    found = json.loads(told.read_text(encoding="utf-8"))["rules"] if told.exists() else []
    return Fetched(int(code), {rule["policy"]: rule["verdict"] for rule in found}, requests)


def faults_of(requests: Mapping[tuple[str, str], int]) -> list[FetchFault]:
    """Every fault at every request of every list, and of the operations beside them; of one place and of any, once and from then on."""
    specs = [spec for kind in Fault for spec in _SPECS.get(kind, (kind.value,))]
    found = []
    for (operation, place), count in sorted(requests.items()):
        if operation not in _LISTS and operation not in SERVICES:
            continue
        for spec in specs:
            paged = Fault(spec.partition(":")[0]) in {Fault.SHORT, Fault.EMPTY, Fault.REPEAT, Fault.CHANGE}
            if not (paged and operation in SERVICES):
                found += [FetchFault(operation, place, request, lasting, spec) for request in range(1, count + 1) for lasting in (False, True)]
    return found


def lists_lost(fault: FetchFault) -> frozenset[str]:
    """The lists that cannot come whole while a fault is in force."""
    if not fault.ends_the_list:
        return frozenset()
    if fault.operation in _LISTS:
        return frozenset({_LISTS[fault.operation]}) | (frozenset({"recovery_points"}) if fault.operation == "ListBackupVaults" else frozenset())
    # The place of a role is its own account, and is not counted here; of the other operations a fetch needs none.
    return frozenset(DATASETS) if fault.operation == "AssumeRole" and not fault.place else frozenset()
