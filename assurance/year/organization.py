"""An organization as it is meant to be: accounts, places, plans and resources, and how they change over time. All of it follows from a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from random import Random
from uuid import UUID

from assurance.year.calendars import DAY, HOUR, MINUTE, Calendar, Every

ALWAYS = 2**62
"""An end that never comes."""
GIB = 2**30
BACKUP_ACCOUNT, BACKUP_REGION = "900000000001", "eu-west-3"
"""Where all copies go: another account and another Region than any place."""
VAULT = "prod"
"""Of each place."""
HOMES = (("eu-central-1", "Europe/Berlin"), ("us-east-1", "America/New_York"), ("ap-southeast-2", "Australia/Sydney"))
OPT_IN = (("eu-south-1", "Europe/Berlin"), ("ap-southeast-3", "Etc/UTC"))
# No run of a healthy plan is at an hour that a change of clocks skips: AWS would not start it.
_HOURS = (20, 21, 22, 23, 0, 1, 3, 4, 5)
_EARLIER = 130 * DAY


def vault_arn(account: str, region: str, name: str = VAULT) -> str:
    """The ARN of a vault."""
    return f"arn:aws:backup:{region}:{account}:backup-vault:{name}"


def name_by(*parts: object) -> str:
    """An id in the form of AWS's, the same for the same parts."""
    return str(UUID(bytes=blake2b("/".join(map(str, parts)).encode(), digest_size=16).digest()))


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule of a backup plan."""

    id: str
    name: str
    calendar: Calendar
    days: int
    """Until a recovery point is deleted."""
    window: int = 8 * HOUR
    """How long a job may wait for its start."""
    continuous: bool = False


@dataclass(frozen=True, eq=False)
class Version:
    """A plan between two edits."""

    start: int
    token: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """A backup plan with its versions, the oldest first."""

    id: str
    name: str
    account: str
    region: str
    versions: tuple[Version, ...]

    @property
    def arn(self) -> str:
        return f"arn:aws:backup:{self.region}:{self.account}:backup-plan:{self.id}"

    def runs(self, start: int, end: int) -> Iterator[tuple[int, Version, Rule]]:
        """Its runs; where rules meet the one that keeps longer runs alone, as AWS Backup has it."""
        ends = [*(version.start for version in self.versions[1:]), ALWAYS]
        for version, until in zip(self.versions, ends, strict=True):
            found: dict[int, Rule] = {}
            for rule in sorted(version.rules, key=lambda rule: rule.days):
                found.update(dict.fromkeys(rule.calendar.moments(max(start, version.start), min(end, until)), rule))
            yield from ((moment, version, found[moment]) for moment in sorted(found))


@dataclass(frozen=True, eq=False)
class Stay:
    """A resource in the selection of a plan."""

    plan: Plan
    start: int
    end: int = ALWAYS


@dataclass(frozen=True, eq=False)
class Resource:
    """Something that is backed up."""

    account: str
    region: str
    type: str
    arn: str
    name: str
    minutes: int
    """How long a backup takes,"""
    size: int | None
    """and what AWS records of its size in bytes."""
    stays: tuple[Stay, ...]
    born: int
    gone: int = ALWAYS
    first_days: int = 0
    """How long its first backup takes, which is started on demand before a plan selects it; 0: no longer than others."""
    tested_days: int = 45
    """How often it is restored as a test."""
    vss: bool = False
    renamed: int = ALWAYS
    children: tuple[Resource, ...] = ()
    """Of a stack."""

    def is_of(self, plan: str) -> bool:
        """Whether it came into the selection of a plan of this name first."""
        return self.stays[0].plan.name.startswith(plan)

    @property
    def rarely(self) -> bool:
        """Whether its plan runs less often than once a day."""
        every = {rule.calendar.every for stay in self.stays for version in stay.plan.versions for rule in version.rules}
        return every <= {Every.WEEK, Every.MONTH}

    @property
    def slow(self) -> bool:
        return self.minutes > 12 * 60


@dataclass(frozen=True, eq=False)
class Place:
    """A Region of an account."""

    account: str
    region: str
    zone: str
    opened: int
    closed: int
    plans: tuple[Plan, ...] = ()
    resources: tuple[Resource, ...] = ()


@dataclass(frozen=True, eq=False)
class Organization:
    """All places, for a time."""

    seed: int
    start: int
    end: int
    places: tuple[Place, ...]

    @property
    def resources(self) -> list[Resource]:
        return [resource for place in self.places for resource in place.resources]


@dataclass
class _Draw:
    """What one place is drawn with."""

    random: Random
    place: Place
    start: int
    end: int
    changes: bool
    plans: dict[str, Plan] = field(default_factory=dict)

    def within(self) -> int:
        """A moment of the time that is evaluated while this place is open, at least 5 days from both ends."""
        first, last = max(self.start, self.place.opened) + 5 * DAY, min(self.end, self.place.closed) - 5 * DAY
        return self.random.randrange(first, last) if first < last else ALWAYS

    def rarely(self, share: float) -> bool:
        return self.changes and self.random.random() < share


def draw_organization(seed: int, accounts: int, start: int, end: int, *, changes: bool = True) -> Organization:
    """An organization whose accounts exist from long before `start`, but for those that join; `changes` lets it change over time.

    Args:
        accounts: how many.
        start, end: the time that is evaluated.
    """
    random = Random(f"organization {seed}")
    places: list[Place] = []
    for number in range(accounts):
        account = str(300_000_000_000 + seed * 100_000 + number)
        region, zone = HOMES[number % len(HOMES)]
        opened, closed = start - _EARLIER, ALWAYS
        if changes and number and number % 12 == 5:
            opened = random.randrange(start + 3 * DAY, max(end - 3 * DAY, start + 4 * DAY))
        elif changes and number % 15 == 7:
            closed = random.randrange(start + 3 * DAY, max(end - 3 * DAY, start + 4 * DAY))
        places.append(_place(random, Place(account, region, zone, opened, closed), start, end, changes=changes))
        if changes and number % 8 == 3:
            region, zone = OPT_IN[number // 8 % len(OPT_IN)]
            later = random.randrange(max(opened, start) + 2 * DAY, max(end, start + 8 * DAY))
            if later < closed - 30 * DAY:
                places.append(_place(random, Place(account, region, zone, later, closed), start, end, changes=changes))
    return Organization(seed, start, end, tuple(places))


def _place(random: Random, place: Place, start: int, end: int, *, changes: bool) -> Place:
    draw = _Draw(random, place, start, end, changes)
    resources = [one for number, (name, kind) in enumerate(_members(random)) for one in _lives(draw, number, name, kind)]
    return replace(place, plans=tuple(draw.plans.values()), resources=tuple(resources))


def _members(random: Random) -> Iterator[tuple[str, str]]:
    """Plans and types of the resources of a place."""
    yield from (("nightly", "EC2"), ("nightly", "EBS"), ("nightly", "RDS"), ("evening", "EFS"), ("evening", "EC2"))
    others = (("continuous", "RDS", 3), ("nightly", "CloudFormation", 4), ("weekly", "S3", 6), ("monthly", "EFS", 8), ("hourly", "DynamoDB", 10))
    yield from ((plan, kind) for plan, kind, one_in in others if random.randrange(one_in) == 0)


def _plan(draw: _Draw, name: str) -> Plan:
    if name not in draw.plans:
        random, place = draw.random, draw.place
        hour, minute = random.choice(_HOURS), random.randrange(12) * 5
        key = name_by(place.account, place.region, name)
        first = Version(place.opened, "1", tuple(_rules(name, key, hour, minute, place.zone)))
        edited = draw.within() if draw.rarely(0.4) else ALWAYS
        versions = (first,) if edited == ALWAYS else (first, Version(edited, "2", tuple(_edited(first.rules, new_ids=random.random() < 0.5))))
        draw.plans[name] = Plan(key, f"{name}-{place.region}", place.account, place.region, versions)
    return draw.plans[name]


def _rules(plan: str, key: str, hour: int, minute: int, zone: str) -> Iterator[Rule]:
    def rule(name: str, every: Every, days: int, **more: object) -> Rule:
        return replace(Rule(name_by(key, name), name, Calendar(every, hour, minute, zone), days), **more)  # type: ignore[arg-type]  # fields by name

    match plan:
        case "hourly":
            yield rule("hourly", Every.HOUR, 35, window=HOUR)
        case "weekly":
            yield rule("weekly", Every.WEEK, 90)
        case "monthly":
            yield rule("monthly", Every.MONTH, 365)
        case "continuous":
            yield rule("point-in-time", Every.DAY, 35, continuous=True)
        case "nightly":
            # Three rules that meet on Sundays and on the first of a month.
            yield from (rule("nightly", Every.DAY, 35), rule("weekly", Every.WEEK, 90), rule("monthly", Every.MONTH, 365))
        case _:
            yield rule("nightly", Every.DAY, 35)


def _edited(rules: Sequence[Rule], *, new_ids: bool) -> Iterator[Rule]:
    """The rules of the next version: longer windows, and half the time new ids."""
    return (replace(rule, id=name_by(rule.id, "edited") if new_ids else rule.id, window=rule.window + HOUR) for rule in rules)


_KINDS = {
    "EC2": ("ec2:{region}:{account}:instance/i-{hex}", 25, 80 * GIB),
    "EBS": ("ec2:{region}:{account}:volume/vol-{hex}", 15, 200 * GIB),
    "RDS": ("rds:{region}:{account}:db:{name}", 20, 0),
    "EFS": ("elasticfilesystem:{region}:{account}:file-system/fs-{hex}", 40, 12 * GIB),
    "DynamoDB": ("dynamodb:{region}:{account}:table/{name}", 8, 6 * GIB),
    "S3": ("s3:::{name}-{account}-{region}", 40 * 60, 30_000 * GIB),
    "CloudFormation": ("cloudformation:{region}:{account}:stack/{name}/{hex}", 45, None),
}


def _lives(draw: _Draw, number: int, plan: str, kind: str) -> Iterator[Resource]:
    """A resource, and those that come in its place where it is deleted, renamed or joined by another."""
    random, place = draw.random, draw.place
    one = _resource(draw, f"{plan}-{kind.lower()}-{number}", kind, _plan(draw, plan), place.opened)
    if draw.rarely(0.10):
        gone = draw.within()
        yield replace(one, gone=gone, stays=_until(one.stays, gone))
        if kind == "RDS" and gone != ALWAYS:
            # An instance that is renamed has another ARN.
            yield _resource(draw, f"{one.name}-renamed", kind, _plan(draw, plan), gone)
    elif draw.rarely(0.06) and plan == "nightly":
        # For a day both plans select it: otherwise its backups would be too far apart.
        moved = draw.within()
        yield replace(one, stays=(*_until(one.stays, moved + DAY), Stay(_plan(draw, "evening"), moved, place.closed)) if moved != ALWAYS else one.stays)
    else:
        yield replace(one, renamed=draw.within() if draw.rarely(0.1) else ALWAYS, vss=kind == "EC2" and random.random() < 0.3)
    if draw.rarely(0.10) and kind != "CloudFormation":
        born = draw.within()
        if born != ALWAYS:
            late = _resource(draw, f"{one.name}-later", kind, _plan(draw, plan), born)
            large = kind in ("EFS", "EBS") and random.random() < 0.5
            yield replace(late, first_days=12, stays=(replace(late.stays[0], start=born + 12 * DAY),)) if large else late


def _until(stays: Sequence[Stay], end: int) -> tuple[Stay, ...]:
    return tuple(replace(stay, end=end) for stay in stays)


def _resource(draw: _Draw, name: str, kind: str, plan: Plan, born: int) -> Resource:
    place = draw.place
    pattern, minutes, size = _KINDS[kind]
    tail = blake2b(f"{place.account}/{place.region}/{name}".encode(), digest_size=8).hexdigest() + "0"
    arn = "arn:aws:" + pattern.format(region=place.region, account=place.account, name=name, hex=tail)
    tested = 2 if kind == "RDS" else 45
    stay = Stay(plan, born, place.closed)
    children = tuple(_resource(draw, f"{name}-{part.lower()}", part, plan, born) for part in ("EC2", "DynamoDB")) if kind == "CloudFormation" else ()
    return Resource(place.account, place.region, kind, arn, name, minutes, size, (stay,), born, place.closed, tested_days=tested, children=children)


def spread(random: Random, minutes: int, share: float = 0.1) -> int:
    """About so many minutes, in microseconds."""
    return round(minutes * MINUTE * random.uniform(1 - share, 1 + share))
