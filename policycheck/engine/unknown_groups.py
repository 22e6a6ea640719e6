"""Jobs of unknown groups: which groups one may be of that does not say which is its own.

`docs/groups-specification.md` (Jobs of unknown groups) fixes what is meant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import narwhals as nw

from policycheck.datasets import Presence
from policycheck.engine.best_case import BestCase
from policycheck.engine.case import Case
from policycheck.engine.columns import column_of
from policycheck.engine.frame import ROW, SUBJECT
from policycheck.engine.group_measure import measure_of
from policycheck.engine.judgement import Rows
from policycheck.engine.list_view import KEY, Key, ListView, may_equal
from policycheck.engine.subjects import Group
from policycheck.job_lists import JobList
from policycheck.places import ResourceKey, arn_place
from policycheck.policy.model import RESOURCE

_ENDS = {"BackupVaultArn": "BackupVaultName", "CreatedBy.BackupPlanArn": "CreatedBy.BackupPlanId"}
"""Members whose ARN ends, after its last colon, with what another member says."""
_ARNS = {name: arn for arn, name in _ENDS.items()}
_LEFT_OUT = frozenset({Presence.BY_MEANING, Presence.SINCE})
"""Of fields that a job may not have."""
_ANY: frozenset[str] = frozenset()
"""Of types: nothing says which."""


class Clues(NamedTuple):
    """What a job says of its group, or a group of itself; None where it does not."""

    subject: ResourceKey
    values: tuple[str | None, ...]
    """Of the `per` fields beside ResourceArn, and what their ARNs end with."""
    types: frozenset[str]
    """In lower case; of several any may be right."""

    def may_be_of(self, group: Clues) -> bool:
        """Whether they agree, as far as both say."""
        return (
            all(map(may_equal, self.subject, group.subject))
            and all(map(may_equal, self.values, group.values))
            and (not self.types or not group.types or not self.types.isdisjoint(group.types))
        )


def types_by_resource(views: Iterable[ListView]) -> Mapping[str, frozenset[str]]:
    """By ARN the types that records of any of these lists say, in lower case; there is at least one list."""
    first, *others = (view.types_said for view in views)
    found = dict(first)
    for said in others:
        for resource, kinds in said.items():
            found[resource] = found.get(resource, kinds) | kinds
    return found


class UnknownGroups:
    """The jobs of one rule's list that its measure looks at, or may, and that do not say which group is theirs."""

    def __init__(self, case: Case, view: ListView, types: Mapping[str, frozenset[str]], as_of: int) -> None:
        """
        Args:
            types: see `types_by_resource`.
        """
        self._case, self._view, self._types, self._as_of = case, view, types, as_of
        self._best: dict[Clues, BestCase | None] = {}
        self._alike: dict[tuple[Clues, ...], BestCase] = {}

    def best_case(self, group: Group) -> BestCase | None:
        """The jobs that may be of a group; None where there are none."""
        clues = self._clues_of_group(group)
        if clues not in self._best:
            near = [*self._by_resource.get(None, ()), *self._by_resource.get(clues.subject[2], ())] if clues.subject[2] else list(self._found)
            chosen = tuple(found for found in near if found.may_be_of(clues))
            if chosen and chosen not in self._alike:
                rows = [row for found in chosen for row in self._found[found]]
                self._alike[chosen] = measure_of(self._case).best_case(self._case, rows, self._view.job_list, self._as_of)
            self._best[clues] = self._alike.get(chosen)
        return self._best[clues]

    @cached_property
    def _found(self) -> Mapping[Clues, Rows]:
        """The jobs by what they say."""
        case, view = self._case, self._view
        keyed, keys = view.keyed(case.per)
        unknown = [number for number, key in enumerate(keys) if _is_unknown(case, key)]
        found: defaultdict[Clues, list[tuple[Any, ...]]] = defaultdict(list)
        if not unknown:
            return found
        measured, others, more = nw.col(case.measured), case.others, measure_of(case).columns(case)
        rows = view.backend.among(keyed.filter(measured.fill_null(True)), KEY, unknown)
        names = [
            *map(nw.col, (KEY, ROW)),
            measured.alias("measured"),
            *map(nw.col, more),
            nw.col(SUBJECT).alias("_whose"),
            *(nw.col(column_of(name)) for name in others),
        ]
        width = 3 + len(more)
        for row in view.backend.rows(rows.select(*names)):
            values = row[width + 1 :]
            if not _has_none(view.job_list, row[1], others, values):
                found[self._clues_of_job(row[1], view.frame.subjects[row[width]], values)].append((*row[:2], None, *row[3:width]))
        return found

    @cached_property
    def _by_resource(self) -> Mapping[str | None, Sequence[Clues]]:
        by_resource: defaultdict[str | None, list[Clues]] = defaultdict(list)
        for clues in self._found:
            by_resource[clues.subject[2]].append(clues)
        return by_resource

    def _clues_of_job(self, row: int, subject: ResourceKey, values: Sequence[str | None]) -> Clues:
        job_list, others = self._view.job_list, self._case.others
        record, dataset = job_list.records[row], job_list.dataset
        said = [value or _end(_member(record, dataset.fields, _ARNS.get(name))) for name, value in zip(others, values, strict=True)]
        ends = [_end(value) or _member(record, dataset.fields, _ENDS[name]) for name, value in zip(others, values, strict=True) if name in _ENDS]
        return Clues(subject, (*said, *ends), _types_of_job(record.ResourceType, subject, self._types))

    def _clues_of_group(self, group: Group) -> Clues:
        case, dataset = self._case, self._case.rule.statement.list
        said = dict(zip(case.per, group.values, strict=True))
        account, region, resource = group.subject
        places = [arn_place(said.get(name)) for name in (dataset.vault_field, "CreatedBy.BackupPlanArn")]
        if dataset.vault_elsewhere:
            # A vault that is shared is of another account than the restore.
            places = [(None, there) for _, there in places]
        account = account or next((place[0] for place in places if place[0]), None)
        region = region or next((place[1] for place in places if place[1]), None)
        types = _types_of_group(case, group, self._types)
        return Clues((account, region, resource), (*(said[name] for name in case.others), *(_end(said[name]) for name in case.others if name in _ENDS)), types)

    def lacking(self, rows: Iterable[int]) -> list[str]:
        """The fields that any of these jobs does not say, in the order of the rule's."""
        case, subjects = self._case, self._view.frame.subjects
        names = [self._view.job_list.dataset.resource_field, "Account", "Region"] if RESOURCE in case.per else []
        keyed, _ = self._view.keyed(case.per)
        columns = [nw.col(SUBJECT), *(nw.col(column_of(name)) for name in case.others)]
        found = [(whose, values) for whose, *values in self._view.backend.rows(self._view.backend.among(keyed, ROW, sorted(set(rows))).select(*columns))]
        lacking = [name for name, part in zip(names, (2, 0, 1), strict=False) if any(subjects[whose][part] is None for whose, _ in found)]
        lacking += [name for place, name in enumerate(case.others) if any(values[place] is None for _, values in found)]
        return list(dict.fromkeys(lacking))


def _is_unknown(case: Case, key: Key) -> bool:
    """Whether records do not say which group is theirs. One that says its ARN alone belongs to an inventory's entries possibly."""
    requirement = case.rule.statement.requirement
    if RESOURCE not in case.per:
        return not key.complete
    return not key.complete or (None in key.subject and getattr(requirement, "inventory", None) is None)


def _has_none(job_list: JobList, row: int, names: Sequence[str], values: Sequence[str | None]) -> bool:
    """Whether a record is known to have no value of a field, and so is of no group: a job on demand has no plan."""
    fields = job_list.dataset.fields
    return any(value is None and fields[name].presence in _LEFT_OUT and job_list.known_missing(row, name) for name, value in zip(names, values, strict=True))


def _member(record: Any, fields: Mapping[str, Any], name: str | None) -> str | None:
    if name is None or name not in fields or fields[name].derived:
        return None
    head, _, tail = name.partition(".")
    value: Any = getattr(record, head)
    said: str | None = getattr(value, tail) if tail and value is not None else value
    return said


def _end(arn: str | None) -> str | None:
    return arn.rpartition(":")[2] or None if arn else None


def _types_of_job(said: str | None, subject: ResourceKey, types: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """What a job says, else what others say of its resource."""
    return frozenset({said.lower()}) if said is not None else types.get(subject[2] or "", _ANY)


def _types_of_group(case: Case, group: Group, types: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """What `per` or an inventory's entry says, else what jobs say of its resource."""
    said = dict(zip(case.per, group.values, strict=True)).get("ResourceType") or (group.entry.resource_type if group.entry is not None else None)
    return _types_of_job(said, group.subject, types)


class FirstBackups:
    """The backup jobs in progress and in time, or perhaps, that do not say whose they are: each may be the first one of a resource that no other job names."""

    def __init__(self, case: Case, backups: ListView, types: Mapping[str, frozenset[str]]) -> None:
        frame, job_list = backups.frame, backups.job_list
        lacking = [number for number, subject in enumerate(frame.subjects) if None in subject]
        rows = frame.columns.filter(nw.col(SUBJECT).is_in(lacking) & frame.in_time().fill_null(True)).select(nw.col(ROW), nw.col(SUBJECT))
        self._case, self._types = case, types
        self._found = {
            Clues(frame.subjects[number], (), _types_of_job(job_list.records[row].ResourceType, frame.subjects[number], types))
            for row, number in (backups.backend.rows(rows) if lacking else ())
        }

    def may_be_of(self, group: Group) -> bool:
        """Whether one may be of a group."""
        clues = Clues(group.subject, (), _types_of_group(self._case, group, self._types))
        return any(found.may_be_of(clues) for found in self._found)
