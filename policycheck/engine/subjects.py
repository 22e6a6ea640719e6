"""Who a rule on groups is about: the groups of its list, the resources that backup jobs name, or the entries of an inventory (docs/groups.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import and_, itemgetter
from typing import Any, NamedTuple

import narwhals as nw

from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.engine.entries import choose_entries
from policycheck.engine.frame import EXISTS, ROW, SUBJECT, Frame
from policycheck.engine.masks import Case
from policycheck.engine.measures import Truth
from policycheck.engine.scope import in_scope
from policycheck.inventory import Inventory, InventoryEntry, Listing
from policycheck.policy.model import RESOURCE
from policycheck.records import JobList

KEY = "_key"
"""The number of the values that tell a record's group."""
_MAY = "_may"

Membership = tuple[tuple[int, bool], ...]
"""(position of an owner or group, whether records certainly belong to it)."""

Triple = tuple[str | None, str | None, str | None]
"""Account, Region and ResourceArn."""


class Key(NamedTuple):
    """What a record says of its group."""

    subject: Triple
    """As far as `per` asks for it."""
    values: tuple[str | None, ...]
    """Of the `per` fields beside ResourceArn, in their order."""
    complete: bool
    """Whether it has all `per` fields."""


class Tally(NamedTuple):
    """What the records of one key are, to one rule."""

    listed: Truth
    """Whether any is chosen by `where` and the scope: none is, one is, or one may be."""
    chosen: Truth
    """Likewise with `jobs`."""
    outside: bool
    """Whether one is certainly chosen outside the window."""
    examined: int
    """How many are certainly in the population,"""
    may: int
    """and how many may be, those included."""
    undecided: int
    waiting: bool
    """Whether one is undecided, or may be."""
    unwell: Truth = False
    """Whether one ended in the population and does not match, where the rule asks."""


class History(NamedTuple):
    """The jobs of one resource in one list, whatever `where` says."""

    first: int | None
    """CreationDate, in microseconds."""
    last: int | None
    undated: bool
    """Whether one has no CreationDate."""
    running: bool
    """Whether one is in progress, or may be."""
    first_runs: Truth
    """Whether all are in progress and in time."""


@dataclass
class ListView:
    """One list with the columns of the rules on groups that ask it, and what is counted of it once for all of them."""

    job_list: JobList
    frame: Frame
    masks: nw.LazyFrame[Any]
    backend: Backend
    left_out: Mapping[int, int] = field(default_factory=dict)
    """How many children of composite jobs a rule left out, by its number."""
    _keyed: dict[tuple[str, ...], tuple[nw.LazyFrame[Any], Sequence[Key]]] = field(default_factory=dict)
    _histories: dict[Triple, History] | None = None
    _by_arn: defaultdict[str | None, list[Triple]] = field(default_factory=lambda: defaultdict(list))

    def keyed(self, per: tuple[str, ...]) -> tuple[nw.LazyFrame[Any], Sequence[Key]]:
        """The masks with the column KEY, sorted by it and by CreationDate, and the keys by number."""
        if per not in self._keyed:
            numbered, keys = self._number(per)
            self._keyed[per] = self.backend.persist(numbered.sort(KEY, "CreationDate")), keys
        return self._keyed[per]

    def _number(self, per: tuple[str, ...]) -> tuple[nw.LazyFrame[Any], Sequence[Key]]:
        if not per:
            return self.masks.with_columns(nw.lit(0).cast(nw.Int64).alias(KEY)), [Key((None, None, None), (), True)]
        if per == (RESOURCE,):
            keys = [Key(subject, (), subject[2] is not None) for subject in self.frame.subjects]
            return self.masks.with_columns(nw.col(SUBJECT).alias(KEY)), keys
        others = [name for name in per if name != RESOURCE]
        rows = self.backend.rows(self.masks.select(nw.col(ROW), nw.col(SUBJECT), *map(nw.col, others)))
        numbers: dict[Key, int] = {}
        of_row = []
        for _, subject, *values in rows:
            triple = self.frame.subjects[subject] if RESOURCE in per else _place(others, values)
            complete = None not in values and (RESOURCE not in per or triple[2] is not None)
            of_row.append(numbers.setdefault(Key(triple, tuple(values), complete), len(numbers)))
        table = self.backend.frame({ROW: (ColumnType.INTEGER, [row[0] for row in rows]), KEY: (ColumnType.INTEGER, of_row)})
        return self.masks.join(table, on=ROW, how="left"), list(numbers)

    def tallies(self, cases: Sequence[Case]) -> dict[int, dict[int, Tally]]:
        """By the number of the rule, then by that of the key. All these rules have the same `per`."""
        keyed, _ = self.keyed(cases[0].per)
        truths = [name for case in cases for name in (case.listed, case.chosen, case.outside, *([case.unwell] if case.excuses_new else []))]
        sums = [name for case in cases for name in (case.population, case.undecided)]
        found = keyed.group_by(KEY).agg(
            nw.col(*truths).cast(nw.Int64).max(),
            nw.col(*truths).fill_null(True).cast(nw.Int64).max().name.suffix(_MAY),
            nw.col(*sums).cast(nw.Int64).sum(),
            nw.col(*sums).fill_null(True).cast(nw.Int64).sum().name.suffix(_MAY),
        )
        names = [KEY, *truths, *(name + _MAY for name in truths), *sums, *(name + _MAY for name in sums)]
        tallies: dict[int, dict[int, Tally]] = {case.number: {} for case in cases}
        # An engine's groups come in no order.
        for row in sorted(self.backend.rows(found.select(*map(nw.col, names))), key=itemgetter(0)):
            said = dict(zip(names, row, strict=True))
            for case in cases:

                def truth(name: str, said: Mapping[str, Any] = said) -> Truth:
                    return True if said[name] else None if said[name + _MAY] else False

                tallies[case.number][said[KEY]] = Tally(
                    listed=truth(case.listed),
                    chosen=truth(case.chosen),
                    outside=bool(said[case.outside]),
                    examined=said[case.population] or 0,
                    may=said[case.population + _MAY] or 0,
                    undecided=said[case.undecided] or 0,
                    waiting=bool(said[case.undecided + _MAY]),
                    unwell=truth(case.unwell) if case.excuses_new else False,
                )
        return tallies

    def listed_subjects(self, case: Case) -> dict[Triple, Truth]:
        """The resources that some record names which `where` and the scope choose; None where they only may."""
        listed = nw.col(case.listed)
        rows = sorted(self.backend.rows(self.masks.filter(listed.fill_null(True)).group_by(SUBJECT).agg(listed.cast(nw.Int64).max())), key=itemgetter(0))
        return {self.frame.subjects[number]: True if sure else None for number, sure in rows if None not in self.frame.subjects[number]}

    def count_nameless(self, case: Case) -> int:
        """How many records `where` and the scope choose, or may, that lack a field which tells the subjects of a rule."""
        asked = self.frame.dataset.name == case.rule.statement.dataset
        if not case.per or not (asked or RESOURCE in case.per):
            return 0
        lacking = [number for number, triple in enumerate(self.frame.subjects) if None in triple] if RESOURCE in case.per else []
        unnamed = nw.col(SUBJECT).is_in(lacking)
        if asked and case.others:
            unnamed = unnamed | nw.col(case.nameless)
        listed = nw.col(case.listed).fill_null(True)
        return int(self.backend.rows(self.masks.filter(listed & unnamed).select(nw.len()))[0][0])

    def history(self, subject: Triple) -> History | None:
        """Of one resource; of an inventory's entry, as far as it says which. None where no record names it."""
        histories = self.histories()
        if subject in histories:
            return histories[subject]
        found = [histories[triple] for triple in self._alike(subject) if None in subject[:2]]
        if not found:
            return None
        times = [time for history in found for time in (history.first, history.last) if time is not None]
        return History(
            min(times, default=None),
            max(times, default=None),
            any(history.undated for history in found),
            any(history.running for history in found),
            False if any(history.first_runs is False for history in found) else None if any(history.first_runs is None for history in found) else True,
        )

    def has_unplaced(self, subject: Triple) -> bool:
        """Whether a record of its ARN that does not say its account or its Region may be of a resource."""
        return any(None in triple for triple in self._alike(subject))

    def _alike(self, subject: Triple) -> list[Triple]:
        """What records with its ARN say of their place, as far as both say the same."""
        if not self._by_arn:
            for triple in self.histories():
                self._by_arn[triple[2]].append(triple)
        return [triple for triple in self._by_arn.get(subject[2], ()) if all(map(_equal, triple, subject))]

    @cached_property
    def types(self) -> Mapping[str, str]:
        return resource_types(self.job_list)

    def histories(self) -> Mapping[Triple, History]:
        """Of every resource in the list."""
        if self._histories is None:
            created, running = nw.col("CreationDate"), self.frame.in_progress()
            # A record that may show another's job is of no consequence where it runs in time.
            in_time = self.frame.in_time() | nw.when(~nw.col(EXISTS).is_null()).then(nw.lit(False))
            table = self.frame.columns.select(
                nw.col(SUBJECT),
                created,
                created.is_null().cast(nw.Int64).alias("_undated"),
                running.fill_null(True).cast(nw.Int64).alias("_running"),
                # 0: one is not, 1: one may not be, 2: all are.
                nw.when(in_time.is_null()).then(nw.lit(1)).otherwise(nw.when(in_time).then(nw.lit(2)).otherwise(nw.lit(0))).alias("_in_time"),
            )
            found = table.group_by(SUBJECT).agg(
                created.min().alias("_first"),
                created.max().alias("_last"),
                nw.col("_undated").max(),
                nw.col("_running").max(),
                nw.col("_in_time").min(),
            )
            names = (SUBJECT, "_first", "_last", "_undated", "_running", "_in_time")
            self._histories = {
                self.frame.subjects[number]: History(first, last, bool(undated), bool(runs), (False, None, True)[timely])
                for number, first, last, undated, runs, timely in self.backend.rows(found.select(*map(nw.col, names)))
            }
        return self._histories


def resource_types(job_list: JobList) -> Mapping[str, str]:
    """The type of each resource, by its ARN, as its records say; the last in the alphabet where they differ."""
    pairs = {(getattr(record, job_list.dataset.resource_field), record.ResourceType) for record in job_list.records}
    return dict(sorted((resource, kind) for resource, kind in pairs if resource is not None and kind is not None))


def _place(names: Sequence[str], values: Sequence[str | None]) -> Triple:
    said = dict(zip(names, values, strict=True))
    return said.get("Account"), said.get("Region"), None


@dataclass(frozen=True, slots=True)
class Group:
    """One group of jobs that a rule measures."""

    subject: Triple
    """None where `per` does not ask, or where an inventory does not say."""
    values: tuple[str | None, ...]
    """Of all `per` fields, in their order."""
    sure: bool
    """Whether the rule is certainly about it: else what it violates is possible only."""
    entry: InventoryEntry | None = None
    quiet: bool = False
    """Whether it has a record that is certainly chosen outside the window."""
    keys: tuple[int, ...] = ()
    """The numbers of the keys whose records may be its own."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """The groups of one rule, and which records belong to them."""

    groups: tuple[Group, ...]
    of_key: Mapping[int, Membership]
    """By the number of a key, the groups of its records."""
    count: int
    """Resources or entries, where `per` asks for them, else groups."""
    examined: int
    may: int
    """How many records may be in the population, those that certainly are included."""
    outside: bool
    """Whether a record is certainly chosen outside the window."""
    undecided: int
    strays: int
    """Records that may be in the population and do not say which group is theirs."""
    nameless: int
    """Records that may make a subject, at any time, and do not say which."""
    chosen: Truth
    """Whether any record is chosen by `where`, `jobs` and the scope, at any time."""


_Place = tuple[int, tuple[str | None, ...]]
"""A group of an owner: its position, and the values of the other `per` fields."""


class _Owner(NamedTuple):
    """A resource, or an inventory's entry, that has groups."""

    subject: Triple
    sure: bool
    entry: InventoryEntry | None = None


def find_subjects(
    case: Case, view: ListView, tallies: Mapping[int, Tally], backups: ListView | None, inventory: Inventory | None, listing: Listing
) -> Subjects:
    """The groups of one rule.

    Args:
        view: the rule's own list.
        tallies: of this rule, by the number of the key.
        backups: the list of backup jobs, where the rule needs it to know who must have a job.
        inventory: the one whose entries are the subjects; None: the jobs name them.
        listing: all inventories of the run.
    """
    _, keys = view.keyed(case.per)
    if RESOURCE in case.per:
        owners, owned = _owners(case, view, keys, backups, inventory, listing)
        groups, of_key = (_lone_groups(tallies, owners, owned), owned) if case.per == (RESOURCE,) else _owned_groups(case, keys, tallies, owners, owned)
    else:
        owners, owned = [], dict.fromkeys(range(len(keys)), ())
        groups, of_key = _plain_groups(case, keys, tallies)
    stray = [number for number in tallies if _is_stray(case, keys[number], owned[number], by_inventory=inventory is not None)]
    counted = [number for number in tallies if inventory is None or any(sure for _, sure in owned[number])]
    return Subjects(
        groups=tuple(groups),
        of_key=of_key,
        count=len(owners) if RESOURCE in case.per else len(groups),
        examined=sum(tallies[number].examined for number in counted),
        may=sum(tallies[number].may for number in tallies if inventory is None or owned[number]),
        outside=any(tallies[number].outside for number in counted),
        undecided=sum(tallies[number].undecided for number in counted),
        strays=sum(tallies[number].may for number in stray),
        nameless=0 if inventory is not None else sum(one.count_nameless(case) for one in {id(one): one for one in (view, backups) if one is not None}.values()),
        chosen=_any(tally.chosen for tally in tallies.values()),
    )


def _is_stray(case: Case, key: Key, owned: Membership, *, by_inventory: bool) -> bool:
    """Whether records do not say which group is theirs. An inventory's entry may have those that say its ARN alone."""
    if RESOURCE not in case.per:
        return not key.complete
    return key.subject[2] is None or (None in key.subject and not by_inventory) or (bool(owned) and not key.complete)


def _any(truths: Iterable[Truth]) -> Truth:
    seen = set(truths)
    return True if True in seen else None if None in seen else False


def _plain_groups(case: Case, keys: Sequence[Key], tallies: Mapping[int, Tally]) -> tuple[list[Group], dict[int, Membership]]:
    """Of records alone; without `per` the one group always exists."""
    if not case.per:
        sure = _any(tally.chosen for tally in tallies.values()) is True
        return [Group((None, None, None), (), sure, quiet=any(tally.outside for tally in tallies.values()), keys=(0,))], {0: ((0, True),)}
    groups: list[Group] = []
    of_key: dict[int, Membership] = {}
    for number, tally in tallies.items():
        if keys[number].complete and tally.listed is not False:
            of_key[number] = ((len(groups), True),)
            groups.append(Group(keys[number].subject, keys[number].values, tally.listed is True, quiet=tally.outside, keys=(number,)))
    return groups, of_key


def _owners(
    case: Case, view: ListView, keys: Sequence[Key], backups: ListView | None, inventory: Inventory | None, listing: Listing
) -> tuple[list[_Owner], dict[int, Membership]]:
    """Who must have a group, and by the number of a key whose its records are."""
    if inventory is not None:
        entries = [entry for entry in inventory.entries if in_scope(case.scope, entry.account, entry.region)]
        statement = case.rule.statement
        chosen = choose_entries(statement.where, entries, listing, statement.list, view.backend)
        owners = [
            _Owner((entry.account, entry.region, entry.arn), truth is True, entry) for entry, truth in zip(entries, chosen, strict=True) if truth is not False
        ]
        by_arn: defaultdict[str | None, list[int]] = defaultdict(list)
        for position, owner in enumerate(owners):
            by_arn[owner.subject[2]].append(position)
        return owners, {number: _entries_of(key.subject, owners, by_arn) for number, key in enumerate(keys)}
    listed = view.listed_subjects(case)
    if backups is not None and backups is not view:
        for subject, truth in backups.listed_subjects(case).items():
            listed[subject] = truth or listed.get(subject)
    positions = {subject: position for position, subject in enumerate(listed)}
    owned: dict[int, Membership] = {number: ((positions[key.subject], True),) if key.subject in positions else () for number, key in enumerate(keys)}
    return [_Owner(subject, truth is True) for subject, truth in listed.items()], owned


def _entries_of(subject: Triple, owners: Sequence[_Owner], by_arn: Mapping[str | None, Sequence[int]]) -> Membership:
    found = []
    for position in by_arn.get(subject[2], ()) if subject[2] is not None else ():
        same = reduce(and_, (_equal(said, entry) for said, entry in zip(subject[:2], owners[position].subject[:2], strict=True)))
        if same:
            found.append((position, None not in [said for said, entry in zip(subject, owners[position].subject, strict=True) if entry is not None]))
    return tuple(found)


def _equal(said: str | None, entry: str | None) -> bool:
    """Whether a record may be of an entry: as far as both say."""
    return said is None or entry is None or said == entry


def _lone_groups(tallies: Mapping[int, Tally], owners: Sequence[_Owner], owned: Mapping[int, Membership]) -> list[Group]:
    """One group for each owner."""
    keys: list[list[int]] = [[] for _ in owners]
    quiet = [False] * len(owners)
    for number, tally in tallies.items():
        for position, belongs in owned[number]:
            keys[position].append(number)
            quiet[position] |= belongs and tally.outside
    return [
        Group(owner.subject, owner.subject[2:], owner.sure, owner.entry, was_quiet, tuple(numbers))
        for owner, was_quiet, numbers in zip(owners, quiet, keys, strict=True)
    ]


def _owned_groups(
    case: Case, keys: Sequence[Key], tallies: Mapping[int, Tally], owners: Sequence[_Owner], owned: Mapping[int, Membership]
) -> tuple[list[Group], dict[int, Membership]]:
    """A group for each owner and each set of values that its records have; one without values for an owner that has none."""
    numbers: dict[_Place, int] = {}
    sure: defaultdict[_Place, bool] = defaultdict(bool)
    quiet: defaultdict[_Place, bool] = defaultdict(bool)
    members: dict[int, list[tuple[_Place, bool]]] = {}
    incomplete = set()
    for number, tally in tallies.items():
        for position, belongs in owned[number]:
            if not keys[number].complete and tally.listed is not False:
                incomplete.add(position)
            if not keys[number].complete or tally.listed is False:
                continue
            place = (position, keys[number].values)
            numbers.setdefault(place, len(numbers))
            sure[place] |= owners[position].sure and belongs and tally.listed is True
            quiet[place] |= belongs and tally.outside
            members.setdefault(number, []).append((place, belongs))
    with_group = {position for position, _ in numbers}
    for position, owner in enumerate(owners):
        if position not in with_group:
            # Records that do not say the other values may be of any group, or of none.
            place = (position, (None,) * (len(case.per) - 1))
            numbers[place] = len(numbers)
            sure[place] = owner.sure and position not in incomplete
    keys_of: defaultdict[_Place, list[int]] = defaultdict(list)
    for number, found in members.items():
        for place, _ in found:
            keys_of[place].append(number)
    groups = []
    for place in numbers:
        owner, others = owners[place[0]], iter(place[1])
        own = {"Account": owner.subject[0], "Region": owner.subject[1]}
        # A resource without a record is where it is all the same.
        values = tuple(owner.subject[2] if name == RESOURCE else next(others) or own.get(name) for name in case.per)
        groups.append(Group(owner.subject, values, sure[place], owner.entry, quiet[place], tuple(keys_of[place])))
    return groups, {number: tuple((numbers[place], belongs) for place, belongs in found) for number, found in members.items()}
