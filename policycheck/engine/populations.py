"""The population of a run, once its rules are evaluated: what became of every record, and what is known of every subject."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import narwhals as nw

from policycheck.engine.context import Context
from policycheck.engine.examined import EXAMINED, UNKNOWN
from policycheck.engine.findings import clean_subject
from policycheck.engine.frame import ROW
from policycheck.inventory import Inventory
from policycheck.job_lists import JobList
from policycheck.population import Covered, NewestJob, Population, Reconciliation, Resource
from policycheck.records import iso, moment
from policycheck.result import EVIDENCE_LIMIT, Coverage, RuleResult
from policycheck.text import clean_line
from policycheck.units import DAY

_Subject = tuple[str | None, str | None, str]
_Said = tuple[str | None, str | None]
"""Type and name of a resource."""


def take_population(context: Context, results: Sequence[RuleResult]) -> Population:
    """What the result says of its population, but for the files that jobs were read from.

    Args:
        results: with their answers.
    """
    subjects = {answer[:3] for result in results for answer in result.answers}
    return Population(
        reconciliation=tuple(row for name in sorted(context.lists) for row in _reconcile(context, name)),
        newest_jobs=tuple(sorted({job for name in context.lists for job in _newest_jobs(context, name)}, key=lambda job: job.key)),
        resources=tuple(_resources(context, subjects)),
        account_names=name_accounts(context.inventories),
    )


def name_accounts(inventories: Mapping[str, Inventory]) -> dict[str, str]:
    """What inventories call accounts; of several names the first by inventory and entry."""
    names: dict[str, str] = {}
    for _, inventory in sorted(inventories.items()):
        for entry in inventory.entries:
            if entry.account is not None and entry.account_name is not None:
                names.setdefault(entry.account, entry.account_name)
    return names


def _reconcile(context: Context, name: str) -> Iterator[Reconciliation]:
    """What became of the records of one list, by account, Region and day."""
    job_list, levels = context.lists[name], context.examined.levels(name)
    places, placed = job_list.numbered_places
    days = [None if time is None else time // DAY for time in job_list.values("CreationDate")]
    counts = Counter(zip(placed, days, levels, strict=True))
    repeated: defaultdict[tuple[int, int | None], list[int]] = defaultdict(list)
    for row in sorted(job_list.repeats):
        repeated[placed[row], days[row]].append(row)
    coverage = {(entry.account, entry.region): entry for entry in context.coverage if entry.dataset == name}
    found = {key[:2] for key in counts}
    for place, day in sorted(found, key=lambda key: (*(part or "" for part in places[key[0]]), -1 if key[1] is None else key[1])):
        account, region = places[place]
        unused, unknown, examined = (counts[place, day, level] for level in (0, UNKNOWN, EXAMINED))
        jobs, rows = unused + unknown + examined, repeated.get((place, day), [])
        more = sum(job_list.repeats[row] for row in rows)
        yield Reconciliation(
            dataset=name,
            account=account and clean_line(account),
            region=region and clean_line(region),
            day=None if day is None else _date(day).isoformat(),
            records=jobs + more,
            repeated=more,
            jobs=jobs,
            evaluated=examined,
            out_of_scope=unused,
            unusable=unknown,
            covered=Covered.NONE if day is None else _cover(coverage.get((account, region)), _date(day)),
            repeated_jobs=tuple(map(clean_line, filter(None, _ids(job_list, rows[:EVIDENCE_LIMIT])))),
        )


def _ids(job_list: JobList, rows: Iterable[int]) -> Iterator[str]:
    return (getattr(job_list.records[row], job_list.dataset.id_field) or "" for row in rows)


def _date(day: int) -> date:
    return moment(day * DAY).date()


def _cover(entry: Coverage | None, day: date) -> Covered:
    """How far one list speaks for a day."""
    if entry is None or not entry.speaks or entry.evident is None:
        return Covered.NONE
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end, (start, stop) = begin + timedelta(days=1), entry.evident
    if stop <= begin or start >= end:
        return Covered.NONE
    holes = [hole for hole in entry.holes or entry.gaps if min(hole) < end and max(hole) > begin]
    if any(min(hole) <= begin and max(hole) >= end for hole in holes):
        return Covered.NONE
    return Covered.WHOLE if start <= begin and stop >= end and not holes else Covered.PART


def _newest_jobs(context: Context, name: str) -> Iterator[NewestJob]:
    """The jobs of a list that answers name, as they were evaluated."""
    named = context.examined.named.get(name)
    if not named:
        return
    job_list = context.lists[name]
    frame, ids = context.facts.frame(name, ()), job_list.values(job_list.dataset.id_field)
    chosen = context.backend.among(frame.columns, ROW, sorted(named))
    for row, state, created in context.backend.rows(chosen.select(nw.col(ROW, job_list.dataset.state_field, "CreationDate"))):
        when = "" if created is None else iso(moment(created // 1000 * 1000))
        yield NewestJob(named[row], clean_line(ids[row] or ""), state and clean_line(state), when)


def _resources(context: Context, subjects: set[_Subject]) -> Iterator[Resource]:
    """What is known of the subjects that are resources: of the newest job that says it, else of an inventory."""
    found: dict[_Subject, _Said] = {}
    for _, inventory in sorted(context.inventories.items()):
        for entry in inventory.entries:
            subject = clean_subject(entry.account, entry.region, entry.arn)
            if subject in subjects:
                found.setdefault(subject, (entry.resource_type, entry.name))
    for name in sorted(context.lists, reverse=True):
        for subject, told in _told(context, name, subjects).items():
            before = found.get(subject, (None, None))
            found[subject] = told[0] or before[0], told[1] or before[1]
    for subject in sorted(found, key=lambda one: (one[0] or "", one[1] or "", one[2])):
        kind, called = ((text and clean_line(text)) or None for text in found[subject])
        if kind or called:
            yield Resource(*subject, kind, called)


def _told(context: Context, name: str, subjects: set[_Subject]) -> dict[_Subject, _Said]:
    """What the jobs of one list say of subjects."""
    job_list = context.lists[name]
    resources, numbers = job_list.numbered_subjects
    asked = {number: subject for number, resource in enumerate(resources) if (subject := clean_subject(*resource)) in subjects}
    fields = job_list.dataset.fields
    types, names = (job_list.values(member) if member in fields else [None] * len(job_list) for member in ("ResourceType", "ResourceName"))
    kinds: dict[int, str] = {}
    called: dict[int, str] = {}
    for row in context.examined.by_age(name):
        number = numbers[row]
        if (kind := types[row]) is not None:
            kinds[number] = kind
        if (text := names[row]) is not None:
            called[number] = text
    return {subject: (kinds.get(number), called.get(number)) for number, subject in asked.items()}
