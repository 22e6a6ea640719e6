"""Who a rule on groups is about: the groups of its list, the resources that backup jobs name, or the entries of an inventory (docs/groups-specification.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import and_
from typing import NamedTuple

from msgspec import Struct

from policycheck.engine.case import Case
from policycheck.engine.entries import choose_entries
from policycheck.engine.list_view import Key, ListView, Tally, any_truth, may_equal
from policycheck.engine.measures import Truth
from policycheck.engine.scope import in_scope
from policycheck.inventory import Inventory, InventoryEntry, Listing
from policycheck.places import Place, ResourceKey
from policycheck.policy.model import RESOURCE

Membership = tuple[tuple[int, bool], ...]
"""(position of an owner or group, whether records certainly belong to it)."""


class Group(Struct, frozen=True, gc=False):
    """One group of jobs that a rule measures."""

    subject: ResourceKey
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
class Omitted:
    """What groups come to that certainly keep to a rule and are not made."""

    groups: int = 0
    examined: int = 0
    """Their jobs, counted as in `Tally`,"""
    may: int = 0
    undecided: int = 0
    outside: bool = False
    """and whether one was chosen outside the window."""
    subjects_of: Mapping[Place, int] = field(default_factory=dict)
    """How many resources they are of, by place, where they are of resources."""


NOTHING_OMITTED = Omitted()


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
    omitted: Omitted = NOTHING_OMITTED
    """The groups that are not among `groups`. All numbers include them and their jobs."""

    @property
    def group_count(self) -> int:
        """How many groups there are, those that are omitted included."""
        return len(self.groups) + self.omitted.groups


_Place = tuple[int, tuple[str | None, ...]]
"""A group of an owner: its position, and the values of the other `per` fields."""


class _Owner(NamedTuple):
    """A resource, or an inventory's entry, that has groups."""

    subject: ResourceKey
    sure: bool
    entry: InventoryEntry | None = None


def find_subjects(
    case: Case,
    view: ListView,
    tallies: Mapping[int, Tally],
    backups: ListView | None,
    inventory: Inventory | None,
    listing: Listing,
    omitted: Omitted = NOTHING_OMITTED,
) -> Subjects:
    """The groups of one rule.

    Args:
        view: the rule's own list.
        tallies: of this rule, by the number of the key.
        backups: the list of backup jobs, where the rule needs it to know who must have a job.
        inventory: the one whose entries are the subjects; None: the jobs name them.
        listing: all inventories of the run.
        omitted: what the groups come to that are left out of the tallies, others of each rule.
    """
    _, keys = view.keyed(case.per)
    if RESOURCE in case.per:
        key = case.listed, case.per, inventory is not None and id(inventory), backups is view, case.number if omitted.groups else None
        if key not in view.owners:
            owners, owned = _owners(case, view, keys, tallies, backups, inventory, listing)
            view.owners[key] = owners, owned, _strays(case, keys, tallies, owned, by_inventory=inventory is not None)
        owners, owned, stray = view.owners[key]
        groups, of_key = (_lone_groups(tallies, owners, owned), owned) if case.per == (RESOURCE,) else _owned_groups(case, keys, tallies, owners, owned)
    else:
        owners, owned = [], dict.fromkeys(tallies, ())
        groups, of_key = _plain_groups(case, keys, tallies)
        stray = _strays(case, keys, tallies, owned, by_inventory=inventory is not None)
    counted = [number for number in tallies if inventory is None or any(sure for _, sure in owned[number])]
    return Subjects(
        groups=tuple(groups),
        of_key=of_key,
        count=omitted.groups + (len(owners) if RESOURCE in case.per else len(groups)),
        examined=omitted.examined + sum(tallies[number].examined for number in counted),
        may=omitted.may + sum(tallies[number].may for number in tallies if inventory is None or owned[number]),
        outside=omitted.outside or any(tallies[number].outside for number in counted),
        undecided=omitted.undecided + sum(tallies[number].undecided for number in counted),
        strays=sum(max(tallies[number].may, case.compares_jobs and tallies[number].chosen is not False) for number in stray),
        nameless=0 if inventory is not None else sum(one.count_nameless(case) for one in {id(one): one for one in (view, backups) if one is not None}.values()),
        chosen=any_truth(tally.chosen for tally in tallies.values()),
        omitted=omitted,
    )


def _strays(case: Case, keys: Sequence[Key], tallies: Mapping[int, Tally], owned: Mapping[int, Membership], *, by_inventory: bool) -> list[int]:
    return [number for number in tallies if _is_stray(case, keys[number], owned[number], by_inventory=by_inventory)]


def _is_stray(case: Case, key: Key, owned: Membership, *, by_inventory: bool) -> bool:
    """Whether records do not say which group is theirs. An inventory's entry may have those that say its ARN alone."""
    if RESOURCE not in case.per:
        return not key.complete
    return key.subject[2] is None or (None in key.subject and not by_inventory) or (bool(owned) and not key.complete)


def _plain_groups(case: Case, keys: Sequence[Key], tallies: Mapping[int, Tally]) -> tuple[list[Group], dict[int, Membership]]:
    """Of records alone; without `per` the one group always exists."""
    if not case.per:
        sure = any_truth(tally.chosen for tally in tallies.values()) is True
        return [Group((None, None, None), (), sure, quiet=any(tally.outside for tally in tallies.values()), keys=(0,))], {0: ((0, True),)}
    groups: list[Group] = []
    of_key: dict[int, Membership] = {}
    for number, tally in tallies.items():
        if keys[number].complete and tally.listed is not False:
            of_key[number] = ((len(groups), True),)
            groups.append(Group(keys[number].subject, keys[number].values, tally.listed is True, quiet=tally.outside, keys=(number,)))
    return groups, of_key


def _owners(
    case: Case, view: ListView, keys: Sequence[Key], tallies: Mapping[int, Tally], backups: ListView | None, inventory: Inventory | None, listing: Listing
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
        return owners, {number: _entries_of(keys[number].subject, owners, by_arn) for number in tallies}
    listed = _listed_subjects(keys, tallies)
    if backups is not None and backups is not view:
        for subject, truth in backups.listed_subjects(case).items():
            listed[subject] = truth or listed.get(subject)
    positions = {subject: position for position, subject in enumerate(listed)}
    told = ((number, keys[number].subject) for number in tallies)
    owned: dict[int, Membership] = {number: ((positions[subject], True),) if subject in positions else () for number, subject in told}
    return [_Owner(subject, truth is True) for subject, truth in listed.items()], owned


def _listed_subjects(keys: Sequence[Key], tallies: Mapping[int, Tally]) -> dict[ResourceKey, Truth]:
    """`ListView.listed_subjects` of the rule's own list, out of what is counted already."""
    listed: dict[ResourceKey, Truth] = {}
    for number, tally in tallies.items():
        subject = keys[number].subject
        if tally.listed is not False and None not in subject:
            listed[subject] = listed.get(subject) or tally.listed
    return listed


def _entries_of(subject: ResourceKey, owners: Sequence[_Owner], by_arn: Mapping[str | None, Sequence[int]]) -> Membership:
    found = []
    for position in by_arn.get(subject[2], ()) if subject[2] is not None else ():
        same = reduce(and_, (may_equal(said, entry) for said, entry in zip(subject[:2], owners[position].subject[:2], strict=True)))
        if same:
            found.append((position, None not in [said for said, entry in zip(subject, owners[position].subject, strict=True) if entry is not None]))
    return tuple(found)


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
