"""One list as the rules on groups ask it: its groups, what is counted of each, and the history of each resource (docs/groups-specification.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import repeat
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import narwhals as nw
from msgspec import Struct

from policycheck.engine.backends.interface import Backend
from policycheck.engine.case import Case
from policycheck.engine.columns import column_of
from policycheck.engine.frame import EXISTS, SUBJECT, Frame
from policycheck.engine.measures import Truth
from policycheck.engine.row_numbers import number_rows
from policycheck.job_lists import JobList
from policycheck.places import Place, ResourceKey
from policycheck.policy.model import RESOURCE

KEY = "_key"
"""The number of the values that tell a record's group."""
_MAY = "_may"

Row = tuple[Any, ...]


class Key(NamedTuple):
    """What a record says of its group."""

    subject: ResourceKey
    """As far as `per` asks for it."""
    values: tuple[str | None, ...]
    """Of the `per` fields beside ResourceArn, in their order."""
    complete: bool
    """Whether it has all `per` fields."""


class Tally(Struct, frozen=True, gc=False):
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
    owners: dict[Hashable, Any] = field(default_factory=dict)
    """Who must have groups, and whose each key is, by what tells them: found out once for rules that ask alike (`subjects`)."""
    _listed: dict[str, Mapping[ResourceKey, Truth]] = field(default_factory=dict)
    _nameless: dict[tuple[str, tuple[str, ...]], int] = field(default_factory=dict)
    _nulls: dict[str, bool] = field(default_factory=dict)
    """Whether something is unknown in a column of the masks."""
    _histories: dict[ResourceKey, History] | None = None
    _by_arn: defaultdict[str | None, list[ResourceKey]] = field(default_factory=lambda: defaultdict(list))

    def keyed(self, per: tuple[str, ...]) -> tuple[nw.LazyFrame[Any], Sequence[Key]]:
        """The masks with the column KEY, and the keys by number."""
        if per not in self._keyed:
            self._keyed[per] = self._number(per)
        return self._keyed[per]

    def _number(self, per: tuple[str, ...]) -> tuple[nw.LazyFrame[Any], Sequence[Key]]:
        if not per:
            return self.masks.with_columns(nw.lit(0).cast(nw.Int64).alias(KEY)), [Key((None, None, None), (), True)]
        if per == (RESOURCE,):
            keys = [Key(subject, (), subject[2] is not None) for subject in self.frame.subjects]
            return self.masks.with_columns(nw.col(SUBJECT).alias(KEY)), keys
        others = [name for name in per if name != RESOURCE]
        told = [SUBJECT] if RESOURCE in per else []
        if per in self.frame.numbered:
            column, found = self.frame.numbered[per]
            columns = self.masks.with_columns(nw.col(column).alias(KEY))
        else:
            columns, found = number_rows(self.masks, [*told, *map(column_of, others)], KEY, self.backend)
        keys = []
        for row in found:
            values = row[len(told) :]
            triple = self.frame.subjects[row[0]] if told else _place(others, values)
            keys.append(Key(triple, values, None not in values and not (told and triple[2] is None)))
        return columns, keys

    def tallies(self, cases: Sequence[Case], bounds: Mapping[str, nw.Expr] = MappingProxyType({})) -> tuple[dict[int, dict[int, Tally]], dict[int, Row]]:
        """The tallies by the number of the rule, then by that of the key; and the bounds of each key, all in one pass.

        Args:
            cases: of the same `per`.
            bounds: what else to find out of each key.
        """
        keyed, _ = self.keyed(cases[0].per)
        asked = (name for case in cases for name in (case.listed, case.chosen, case.outside, *([case.unwell] if case.excuses_new else [])))
        truths = list(dict.fromkeys(asked))
        sums = [name for case in cases for name in (case.population, *([case.undecided] if case.leaves_out_progress else []))]
        unknown = self._with_nulls([*truths, *sums])
        may_be, may_add = ([name for name in names if name in unknown] for names in (truths, sums))
        # Where nothing is unknown, what may be is what is.
        may = [nw.col(*may_be).fill_null(True).cast(nw.Int64).max().name.suffix(_MAY)] if may_be else []
        may += [nw.col(*may_add).fill_null(True).cast(nw.Int64).sum().name.suffix(_MAY)] if may_add else []
        found = keyed.group_by(KEY).agg(nw.col(*truths).cast(nw.Int64).max(), nw.col(*sums).cast(nw.Int64).sum(), *may, **bounds)
        names = [KEY, *truths, *sums, *(name + _MAY for name in (*may_be, *may_add))]
        # An engine's groups come in no order.
        rows = sorted(self.backend.rows(found.select(*map(nw.col, [*names, *bounds]))), key=itemgetter(0))
        keys, *columns = zip(*rows, strict=True) if rows else [() for _ in (*names, *bounds)]
        said = dict(zip(names[1:], columns, strict=False))
        said |= {name + _MAY: said[name] for name in (*truths, *sums) if name not in unknown}

        def truth(name: str) -> Iterable[Truth]:
            return (True if sure else None if may else False for sure, may in zip(said[name], said[name + _MAY], strict=True))

        def number(name: str) -> Iterable[int]:
            return (value or 0 for value in said[name])

        def tally(case: Case) -> Iterable[Tally]:
            sums = map(number, (case.population, case.population + _MAY))
            unwell = truth(case.unwell) if case.excuses_new else repeat(False, len(keys))
            undecided: Iterable[int] = repeat(0, len(keys))
            waiting: Iterable[bool] = repeat(False, len(keys))
            if case.leaves_out_progress:
                undecided, waiting = number(case.undecided), map(bool, said[case.undecided + _MAY])
            return map(Tally, truth(case.listed), truth(case.chosen), map(bool, said[case.outside]), *sums, undecided, waiting, unwell)

        tallies = {case.number: dict(zip(keys, tally(case), strict=True)) for case in cases}
        return tallies, {row[0]: row[len(names) :] for row in rows} if bounds else {}

    def _with_nulls(self, names: Sequence[str]) -> set[str]:
        """Those of these columns of the masks in which something is unknown."""
        asked = [name for name in dict.fromkeys(names) if name not in self._nulls]
        if asked:
            length, *known = self.backend.rows(self.masks.select(nw.len(), nw.col(*asked).count()))[0]
            self._nulls |= {name: count < length for name, count in zip(asked, known, strict=True)}
        return {name for name in names if self._nulls[name]}

    def listed_subjects(self, case: Case) -> Mapping[ResourceKey, Truth]:
        """The resources that some record names which `where` and the scope choose; None where they only may."""
        if case.listed not in self._listed:
            listed = nw.col(case.listed)
            rows = sorted(self.backend.rows(self.masks.filter(listed.fill_null(True)).group_by(SUBJECT).agg(listed.cast(nw.Int64).max())), key=itemgetter(0))
            subjects = ((self.frame.subjects[number], True if sure else None) for number, sure in rows)
            self._listed[case.listed] = {subject: sure for subject, sure in subjects if None not in subject}
        return self._listed[case.listed]

    def count_nameless(self, case: Case) -> int:
        """How many records `where` and the scope choose, or may, that lack a field which tells the subjects of a rule."""
        asked = self.frame.dataset.name == case.rule.statement.dataset
        if not case.per or not (asked or RESOURCE in case.per):
            return 0
        key = case.listed, case.per
        if key not in self._nameless:
            lacking = [number for number, triple in enumerate(self.frame.subjects) if None in triple] if RESOURCE in case.per else []
            if not lacking and not (asked and case.others):
                return 0
            unnamed = nw.col(SUBJECT).is_in(lacking)
            if asked and case.others:
                unnamed = unnamed | nw.col(case.nameless)
            listed = nw.col(case.listed).fill_null(True)
            self._nameless[key] = int(self.backend.rows(self.masks.filter(listed & unnamed).select(nw.len()))[0][0])
        return self._nameless[key]

    def history(self, subject: ResourceKey) -> History | None:
        """Of one resource; of an inventory's entry, as far as it says which. None where no record names it."""
        histories = self.histories()
        if None not in subject[:2]:
            return histories.get(subject)
        found = [histories[triple] for triple in self._alike(subject)]
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

    def places(self, subject: ResourceKey) -> set[Place]:
        """Where records say they are that certainly name a resource, or an inventory's entry as far as it says which; empty where none does."""
        return {triple[:2] for triple in self._alike(subject) if not _lacks(triple, subject)}

    def has_unplaced(self, subject: ResourceKey) -> bool:
        """Whether a record of its ARN that does not say its account or its Region may be of a resource, or of an entry that says them."""
        return any(_lacks(triple, subject) for triple in self._alike(subject))

    def may_have_ended(self, subject: ResourceKey) -> bool:
        """Whether a record of its ARN that does not say where it is may be of a resource, and not in progress."""
        return any(self.histories()[triple].first_runs is not True for triple in self._alike(subject) if _lacks(triple, subject))

    def _alike(self, subject: ResourceKey) -> list[ResourceKey]:
        """What records with its ARN say of their place, as far as both say the same."""
        if not self._by_arn:
            for triple in self.histories():
                self._by_arn[triple[2]].append(triple)
        return [triple for triple in self._by_arn.get(subject[2], ()) if all(map(may_equal, triple, subject))]

    @cached_property
    def types(self) -> Mapping[str, str]:
        return resource_types(self.job_list)

    @cached_property
    def types_said(self) -> Mapping[str, frozenset[str]]:
        """By ARN the types that records say of it, of those that happened by as_of, in lower case."""
        found: dict[str, frozenset[str]] = {}
        for (resource, kind), created in self.job_list.types_said.items():
            if created <= self.frame.as_of:
                kinds = _one_kind(kind)
                found[resource] = found[resource] | kinds if resource in found else kinds
        return found

    def histories(self) -> Mapping[ResourceKey, History]:
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


@lru_cache(maxsize=1000)
def _one_kind(kind: str) -> frozenset[str]:
    return frozenset({kind.lower()})


def resource_types(job_list: JobList) -> Mapping[str, str]:
    """The type of each resource, by its ARN, as its records say; the last in the alphabet where they differ."""
    pairs = job_list.distinct(job_list.dataset.resource_field, "ResourceType")
    return dict(sorted((resource, kind) for resource, kind in pairs if resource is not None and kind is not None))


def _place(names: Sequence[str], values: Sequence[str | None]) -> ResourceKey:
    said = dict(zip(names, values, strict=True))
    return said.get("Account"), said.get("Region"), None


def _lacks(triple: ResourceKey, subject: ResourceKey) -> bool:
    """Whether a record does not say what a resource or an entry does."""
    return any(said is None and stated is not None for said, stated in zip(triple, subject, strict=True))


def any_truth(truths: Iterable[Truth]) -> Truth:
    seen = set(truths)
    return True if True in seen else None if None in seen else False


def may_equal(said: str | None, entry: str | None) -> bool:
    """Whether a record may be of an entry: as far as both say."""
    return said is None or entry is None or said == entry
