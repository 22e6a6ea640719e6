"""What the owner of the organization gives besides the job lists: parameters, a policy of their own with the scope, inventories, and waivers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from assurance.year.calendars import DAY, HOUR, moment
from assurance.year.organization import Organization, Place, Resource, vault_arn

PACKS = ("aws-backup-baseline", "recovery-objectives", "ransomware-resilience", "audit-manager", "restore-testing")
PARAMS = {"protected_vault": "prod", "copied_vault": "prod"}
STATE_RULES = ("protected-by-plan", "vaults-locked", "recovery-points-encrypted", "recovery-points-kept", "recent-recovery-point", "air-gapped")
"""Rules of audit-manager on lists that speak of the moment they were made at: a period cannot ask them."""
_OF_STATE = tuple(f"audit-manager/{rule}" for rule in STATE_RULES)
OWN = "organization"
RESTORE_RULES = (
    *(f"recovery-objectives/{rule}" for rule in ("restore-tested", "restore-tests-succeed", "rto")),
    *(f"restore-testing/{rule}" for rule in "restored-and-validated critical-restored restores-complete validations-succeed validated-at-all".split()),
    *("restore-testing/test-data-deleted", "restore-testing/rto", "audit-manager/restore-time"),
    *("aws-backup-baseline/no-failed-restores", "ransomware-resilience/restores-validated"),
)
"""Rules that need the restore jobs of months."""
_FRESHNESS = (
    "recovery-objectives/rpo",
    "recovery-objectives/most-fresh",
    "recovery-objectives/most-days",
    "recovery-objectives/no-gaps",
    "audit-manager/frequency",
)
_ABSENCE = (*_FRESHNESS, "ransomware-resilience/air-gapped")
_POINT = "audit-manager/recent-recovery-point"
_HELD = ("audit-manager/protected-by-plan", _POINT)
_TESTED = ("recovery-objectives/restore-tested", "restore-testing/restored-and-validated", "restore-testing/critical-restored")
_RUNS = "recovery-objectives/no-missed-runs"
_DURATION = "recovery-objectives/backup-duration"


@dataclass(frozen=True)
class Given:
    """The files of one day."""

    own: str
    """The owner's policy; the packs go with it."""
    waivers: Path | None
    inventories: tuple[tuple[str, Path], ...]


@dataclass(frozen=True)
class Grant:
    """A waiver that the owner signs, of rules for resources or an account."""

    rules: tuple[str, ...]
    reason: str
    start: int
    end: int
    resources: tuple[str, ...] = ()
    account: str = ""
    region: str = ""


def write_given(organization: Organization, start: int, end: int, folder: Path) -> Given:
    """Write what the owner gives for checks between two instants of a day or some."""
    own, waivers, daily = folder / f"{OWN}.yaml", folder / "waivers.yaml", folder / "daily.json"
    entries = [{"arn": one.arn, "type": one.type, "account": one.account, "region": one.region} for one in _daily(organization, start, end)]
    weekly = [{"arn": one.arn, "type": one.type, "account": one.account, "region": one.region} for one in _weekly(organization, start, end)]
    inventories = [("daily", daily, entries), ("weekly", folder / "weekly.json", weekly)]
    own.write_bytes(msgspec.json.encode(_own_policy(organization, start, end, weekly=bool(weekly))))
    for _, path, listed in inventories:
        path.write_bytes(msgspec.json.encode(listed))
    grants = [grant for grant in plan_grants(organization) if grant.start < end and grant.end > start]
    waivers.write_bytes(msgspec.json.encode({"waivers": [waiver for grant in grants for waiver in _waivers(grant, start)]}))
    return Given(str(own), waivers if grants else None, tuple((name, path) for name, path, listed in inventories if listed))


def _own_policy(organization: Organization, start: int, end: int, *, weekly: bool) -> dict[str, Any]:
    """The scope, and rules on what the packs leave to the owner. JSON is YAML."""
    open_places = [place for place in organization.places if place.opened + 2 * DAY < start and place.closed >= end]
    accounts, regions = sorted({place.account for place in open_places}), sorted({place.region for place in open_places})
    used = {(place.account, place.region) for place in open_places}
    empty = [f"{account}/{region}" for account in accounts for region in regions if (account, region) not in used]
    rules = [{"id": "daily", "rule": "every resource in inventory daily must have a clean job within 36h", "severity": "critical"}]
    if weekly:
        # A week, the longest backup, and a day.
        rules.append({"id": "weekly", "rule": "every resource in inventory weekly must have a clean job within 10d", "severity": "high"})
    return {"policy": OWN, "title": "What the owner adds", "scope": {"accounts": accounts, "regions": regions, "may_be_empty": empty}, "rules": rules}


def _daily(organization: Organization, start: int, end: int) -> Iterator[Resource]:
    """What must have a backup of the last day: resources that plans run daily for and that are two days old."""
    for place in organization.places:
        for one in place.resources:
            if not one.rarely and one.stays[0].start + 2 * DAY <= start and one.gone >= end and place.closed >= end:
                yield one


def _weekly(organization: Organization, start: int, end: int) -> Iterator[Resource]:
    for place in organization.places:
        for one in place.resources:
            if one.is_of("weekly") and one.born + 10 * DAY <= start and one.gone >= end and place.closed >= end:
                yield one


def plan_grants(organization: Organization) -> Iterator[Grant]:
    """The waivers that the owner writes: of what no job list can know."""
    start, end = organization.start - DAY, organization.end + DAY
    rare = tuple(one.arn for one in organization.resources if one.rarely)
    monthly = tuple(one.arn for one in organization.resources if one.is_of("monthly"))
    continuous = tuple(one.arn for one in organization.resources if one.is_of("continuous"))
    slow = tuple(one.arn for one in organization.resources if one.slow)
    if rare:
        yield Grant((*_FRESHNESS, *_HELD), "backed up once a week or month", start, end, rare)
    if monthly:
        yield Grant(("ransomware-resilience/air-gapped",), "backed up once a month", start, end, monthly)
    if continuous:
        yield Grant((_POINT,), "its one recovery point is as old as the first continuous backup", start, end, continuous)
    if slow:
        yield Grant((_DURATION, "ransomware-resilience/air-gapped"), "a large bucket takes two days", start, end, slow)
    for place in organization.places:
        yield from _of_place(place, end)
        for one in place.resources:
            yield from _of_resource(one, place, start, end)


def _of_place(place: Place, end: int) -> Iterator[Grant]:
    if place.closed < end:
        rules = (*_ABSENCE, *_HELD, *_TESTED, _RUNS, "recovery-objectives/copies-keep-coming")
        yield Grant(rules, "the account has left", place.closed, end, account=place.account, region=place.region)


def _of_resource(one: Resource, place: Place, start: int, end: int) -> Iterator[Grant]:
    arns = (one.arn, *(child.arn for child in one.children))
    if one.gone < min(end, place.closed):
        yield Grant((*_ABSENCE, *_HELD, *_TESTED, _RUNS), "deleted", one.gone, end, arns)
    if len(one.stays) > 1:
        yield Grant((_RUNS,), "moved to another plan", one.stays[1].start, one.stays[1].start + 38 * DAY, arns)
    if one.born > start:
        tried = one.born + (one.first_days + (40 if one.rarely else 5)) * DAY
        yield Grant(_TESTED, "new: not restored as a test yet", one.born, tried, arns)
    if one.first_days:
        ready = one.born + (one.first_days + 2) * DAY
        yield Grant((_DURATION, *_ABSENCE, *_HELD), "the first backup of a large resource", one.born, ready + 30 * DAY, arns)


_RENEWED = 300 * DAY
"""A waiver holds for a year at most, and is renewed before that."""


def _waivers(grant: Grant, today: int) -> Iterator[dict[str, Any]]:
    granted = grant.start + max(today - grant.start, 0) // _RENEWED * _RENEWED
    match: dict[str, Any] = {"ResourceArn": list(grant.resources)} if grant.resources else {"Account": grant.account, "Region": grant.region}
    for rule in grant.rules:
        # A pair of vaults has no account of its own.
        if rule.endswith("copies-keep-coming"):
            match = {"SourceBackupVaultArn": vault_arn(grant.account, grant.region)}
        yield {
            "rule": rule,
            "match": match,
            "reason": grant.reason,
            "owner": "owner@example.com",
            "granted": moment(granted).date().isoformat(),
            "expires": moment(min(grant.end, granted + 360 * DAY)).date().isoformat(),
        }


def is_of_state(rule: str) -> bool:
    """Whether a rule asks lists of the moment."""
    return rule in _OF_STATE


def day_of(time: int) -> int:
    """Midnight in UTC."""
    return time // DAY * DAY


QUARTER = 91 * DAY + HOUR
"""How far back restore tests are looked at."""
