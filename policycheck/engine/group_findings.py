"""Groups that violate to findings: one a group, saying what was seen, what was required and by how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple, assert_never

import narwhals as nw

from policycheck.datasets import BACKUP_JOBS
from policycheck.engine.causes import asks_for_cause
from policycheck.engine.context import Context
from policycheck.engine.findings import NO_RESOURCE, record_cause
from policycheck.engine.frame import ROW
from policycheck.engine.group_judgement import Judgement, job_id, limit_of
from policycheck.engine.list_view import KEY, ListView, Triple
from policycheck.engine.masks import Case
from policycheck.engine.measures import is_lower
from policycheck.engine.scope import in_scope
from policycheck.policy.conditions import fields_of
from policycheck.policy.model import RESOURCE, Expectation, Measure
from policycheck.policy.rendering import render_jobs
from policycheck.records import end_of, iso, micros, moment
from policycheck.result import EVIDENCE_LIMIT, Finding
from policycheck.text import clean_line, spell_duration, truncate

NO_JOB = "no_job"
"""The cause where a resource has no job of any state any more, or never had one."""
_MESSAGE_LIMIT = 200
_SECOND = 1_000_000


def spell_subject(per: Sequence[str], values: Sequence[str | None]) -> str:
    """The name of a group in findings and notes: the values of the `per` fields in order, or `all`."""
    nothing = {RESOURCE: NO_RESOURCE}
    return " / ".join(clean_line(value or "") or nothing.get(name, f"(no {name})") for name, value in zip(per, values, strict=True)) or "all"


class _Job(NamedTuple):
    """A job as it was judged."""

    created: int | None
    row: int
    state: str | None
    matching: bool | None


class Describer:
    """The findings of one rule."""

    def __init__(self, case: Case, view: ListView, context: Context) -> None:
        requirement = case.rule.statement.requirement
        assert isinstance(requirement, Expectation)
        self._case, self._view, self._context, self._requirement = case, view, context, requirement
        self._as_of = micros(context.as_of)
        self._noun = case.rule.statement.list.noun
        self._keys: list[int] = []

    def findings(self, violated: Iterable[Judgement]) -> tuple[Finding, ...]:
        """One a group, sorted by account, Region and subject; groups that look alike once cleaned are one."""
        violated = list(violated)
        self._keys = sorted({key for judged in violated for key in judged.group.keys})
        found: dict[tuple[str, str, str], Finding] = {}
        for finding in map(self._describe, violated):
            place = (finding.account or "", finding.region or "", finding.subject)
            found[place] = _merged(finding, found[place]) if place in found else finding
        return tuple(found[place] for place in sorted(found))

    def _describe(self, judged: Judgement) -> Finding:
        rule, dataset, records = self._case.rule, self._view.job_list.dataset, self._view.job_list.records
        account, region, _ = judged.group.subject
        rows = sorted(self._rows(judged), key=lambda row: (job_id(self._view.job_list, row), records[row].CreationDate or 0))
        jobs = tuple(name for row in rows if (name := clean_line(job_id(self._view.job_list, row) or "")))
        silence = self._silence(judged)
        return Finding(
            rule=rule.id,
            policy=rule.policy,
            severity=rule.severity,
            account=account and clean_line(account),
            region=region and clean_line(region),
            subject=spell_subject(self._case.per, judged.group.values),
            message=clean_line("; ".join(filter(None, [self._seen(judged), silence]))),
            jobs=jobs,
            cause=NO_JOB if silence else self._cause(judged),
            identity=self._identity(judged),
            resource_type=self._resource_type(judged),
            evidence=tuple(self._context.records.of(dataset.name, row) for row in rows[:EVIDENCE_LIMIT]),
            unnamed=len(rows) - len(jobs),
        )

    def _rows(self, judged: Judgement) -> Sequence[int]:
        """The jobs that the finding lists: of an age, those that went wrong since the newest that did not."""
        if self._requirement.measure is not Measure.NEWEST:
            return judged.rows
        finished = self._view.job_list.dataset.finished
        return [job.row for job in self._jobs_since(judged) if job.state in finished and job.matching is False]

    def _jobs_since(self, judged: Judgement) -> list[_Job]:
        """The jobs of the group that were created after the newest match; all where there is none."""
        jobs = [job for key in judged.group.keys for job in self._chosen_jobs.get(key, ())]
        if judged.newest is None:
            return jobs
        since = self._view.job_list.records[judged.newest].CreationDate
        return [job for job in jobs if job.created is not None and job.created > since]

    def _identity(self, judged: Judgement) -> dict[str, str | None]:
        account, region, _ = judged.group.subject
        place = {"Account": account, "Region": region} if RESOURCE in self._case.per else {}
        told = {**place, **dict(zip(self._case.per, judged.group.values, strict=True))}
        return {name: value and clean_line(value) for name, value in told.items()}

    def _cause(self, judged: Judgement) -> str | None:
        """The class of what went wrong with the newest job that is to blame: one that violates, or that ended otherwise since the newest match."""
        measure, records = self._requirement.measure, self._view.job_list.records
        if not asks_for_cause(fields_of(self._requirement.condition)):
            return None
        jobs = sorted((job for key in judged.group.keys for job in self._chosen_jobs.get(key, ())), key=lambda job: (job.created or 0, job.row), reverse=True)
        if measure is Measure.NEWEST or (measure is Measure.COUNT and not judged.rows):
            since = records[judged.newest].CreationDate if judged.newest is not None else -1
            blamed = [job for job in jobs if job.created is not None and job.created > since]
        elif measure is Measure.LONGEST_GAP:
            first, last = judged.gap or (0, 0)
            blamed = [job for job in jobs if job.created is not None and first < job.created <= last]
        else:
            rows = set(judged.rows)
            blamed = [job for job in jobs if job.row in rows]
        finished = self._view.job_list.dataset.finished
        causes = (record_cause(records[job.row], job.state) for job in blamed if job.state in finished)
        return next(filter(None, causes), None)

    def _jobs(self, word: str) -> str:
        """`clean job`, `FAILED EC2 jobs`: what is measured."""
        return render_jobs(self._case.rule.statement, self._requirement.condition, word)

    def _bound(self, margin: str) -> str:
        """`at most 2, 1 over`."""
        operator, limit = self._requirement.operator, self._requirement.limit
        if operator is None or limit is None:
            raise AssertionError("a measure without a limit")
        side = "short" if is_lower(operator) else "over"
        return f"{operator.replace('_', ' ')} {limit.text}" + (f", {margin} {side}" if margin else "")

    def _seen(self, judged: Judgement) -> str:
        """What was measured, and the limit."""
        if judged.nothing:
            return f"no {'decided' if self._requirement.measure is Measure.SHARE else 'finished'} {self._noun} in the window, and no_data is fail"
        match self._requirement.measure:
            case Measure.COUNT:
                count = self._favourable(judged)
                within = f" within {window.text}" if (window := self._case.rule.statement.within) else ""
                return f"{count:,} {self._jobs('job' if count == 1 else 'jobs')}{within}, {self._bound(self._distance(count))}"
            case Measure.STREAK:
                run = self._favourable(judged)
                return f"longest run of {self._jobs('jobs')} is {run:,}, {self._bound(self._distance(run))}"
            case Measure.SHARE:
                return self._share(judged)
            case Measure.NEWEST:
                return self._newest(judged)
            case Measure.LATEST:
                return self._latest(judged)
            case Measure.LONGEST_GAP:
                first, last = judged.gap or (0, 0)
                ends = "as_of" if last == self._as_of else iso(moment(last))
                told = f"longest time without a {self._jobs('job')} {spell_duration(last - first)} ({iso(moment(first))} to {ends})"
                return f"{told}, {self._bound(self._apart(last - first))}"
            case Measure.MISSED_RUNS:
                raise AssertionError("missed runs are judged from schedules")
            case _:
                assert_never(self._requirement.measure)

    def _favourable(self, judged: Judgement) -> int:
        """The value that violates even in favour of the group."""
        if judged.value is None:
            raise AssertionError("a violation without a value")
        return int(judged.value.most if is_lower(limit_of(self._requirement)[0]) else judged.value.least)

    def _distance(self, value: int) -> str:
        apart = abs(value - limit_of(self._requirement)[1])
        return f"{apart:,}" if apart else ""

    def _apart(self, value: int) -> str:
        apart = value - int(limit_of(self._requirement)[1])
        return "" if not apart else spell_duration(apart) if apart >= _SECOND else "less than 1 s"

    def _share(self, judged: Judgement) -> str:
        matching = judged.decided - len(judged.rows) if is_lower(limit_of(self._requirement)[0]) else len(judged.rows)
        share = f"{float(Fraction(matching, judged.decided) * 100):.2f}".rstrip("0").rstrip(".")
        return f"{share}% ({matching:,} of {judged.decided:,}) {self._jobs('jobs')}, {self._bound('')}"

    def _newest(self, judged: Judgement) -> str:
        if judged.newest is None:
            since = self._covered_from(judged.group.subject)
            told, bound = f"no {self._jobs('job')} since {since}" if since else f"no {self._jobs('job')}", self._bound("")
            return "; ".join(filter(None, [f"{told}, {bound}", self._states_since(judged, -1, "jobs")]))
        created = self._view.job_list.records[judged.newest].CreationDate
        age = self._as_of - created
        told = f"newest {self._jobs('job')} is {spell_duration(age)} old, {self._bound(self._apart(age))}"
        return "; ".join(filter(None, [told, self._states_since(judged, created, "since then")]))

    def _latest(self, judged: Judgement) -> str:
        job_list = self._view.job_list
        record = job_list.records[judged.rows[-1]]
        state = getattr(record, job_list.dataset.state_field)
        end = end_of(job_list.dataset, record)
        ended = f", ended {spell_duration(self._as_of - end)} before as_of," if end is not None and end <= self._as_of else ""
        category, told = getattr(record, "MessageCategory", None), record.StatusMessage
        issue = f" ({clean_line(category)})" if category and category.lower() != "success" else ""
        parts = [f"the latest {self._noun}{ended} is {state or 'of an unknown state'}{issue}"]
        if told:
            parts.append(truncate(clean_line(told), _MESSAGE_LIMIT).rstrip("."))
        return "; ".join([*parts, f"the latest must be a {self._jobs('job')}"])

    @cached_property
    def _chosen_jobs(self) -> dict[int, list[_Job]]:
        """The jobs that `where`, `jobs` and the scope certainly choose, of the groups that violate, by the number of their key."""
        keyed, _ = self._view.keyed(self._case.per)
        state = self._view.job_list.dataset.state_field
        chosen = keyed.filter(nw.col(KEY).is_in(self._keys) & nw.col(self._case.chosen).fill_null(False)).select(
            nw.col(KEY), nw.col("CreationDate"), nw.col(ROW), nw.col(state), nw.col(self._case.matching)
        )
        found: dict[int, list[_Job]] = {}
        for key, *job in self._context.backend.rows(chosen):
            found.setdefault(key, []).append(_Job(*job))
        return found

    def _states_since(self, judged: Judgement, time: int, when: str) -> str:
        """`3 jobs since then: FAILED`; empty where there is none."""
        jobs = [job for key in judged.group.keys for job in self._chosen_jobs.get(key, ()) if job.created is not None and job.created > time]
        counts = Counter(job.state or "state unknown" for job in jobs)
        if not counts:
            return ""
        states = ", ".join(sorted(counts, key=lambda state: (-counts[state], state)))
        jobs_word = "job" if len(jobs) == 1 else "jobs"
        return f"{len(jobs):,} {jobs_word} {when}: {states}" if when != "jobs" else f"{len(jobs):,} {jobs_word}: {states}"

    def _covered_from(self, subject: Triple) -> str:
        """From when on the list speaks for the place of a subject; empty where nothing says."""
        entries = [
            entry
            for entry in self._context.coverage
            if entry.dataset == self._case.rule.statement.dataset and in_scope(self._case.scope, entry.account, entry.region)
        ]
        own = [entry for entry in entries if (entry.account, entry.region) == subject[:2]]
        starts = [entry.evident[0] for entry in own or entries if entry.evident is not None]
        return iso(max(starts)) if starts else ""

    def _silence(self, judged: Judgement) -> str:
        """That a resource has no job of any state, and since when; empty where it has, or nothing of the kind was asked."""
        if RESOURCE not in self._case.per or not self._asks_for_jobs:
            return ""
        subject = judged.group.subject
        history = self._view.history(subject)
        if history is None and judged.group.entry is not None and not self._named(subject):
            return f"never seen: no {BACKUP_JOBS.noun if BACKUP_JOBS.name in self._context.lists else self._noun} names it"
        if history is None:
            return self._no_job(self._covered_from(subject))
        if history.undated or history.running or history.last is None or judged.edge.start is None:
            return ""
        silent_from = judged.gap[0] if judged.gap and judged.gap[1] == self._as_of else judged.edge.start
        return self._no_job(iso(moment(history.last))) if history.last < silent_from or (judged.gap and history.last == silent_from) else ""

    @property
    def _asks_for_jobs(self) -> bool:
        operator = self._requirement.operator
        return self._requirement.measure in {Measure.NEWEST, Measure.LONGEST_GAP} or (operator is not None and is_lower(operator))

    def _no_job(self, since: str) -> str:
        told = f"no {self._noun} of any state" + (f" since {since}" if since else "")
        plan = ": deleted, or dropped from its plan; job lists cannot tell"
        return told + (plan if self._case.rule.statement.dataset == BACKUP_JOBS.name else "")

    def _named(self, subject: Triple) -> bool:
        """Whether a backup job names the resource of an inventory's entry."""
        if BACKUP_JOBS.name not in self._context.lists:
            return False
        return subject[2] in self._backed_up

    @cached_property
    def _backed_up(self) -> frozenset[str]:
        return frozenset(filter(None, map(attrgetter(RESOURCE), self._context.lists[BACKUP_JOBS.name].records)))

    def _resource_type(self, judged: Judgement) -> str | None:
        entry, resource = judged.group.entry, judged.group.subject[2]
        told = (entry.resource_type if entry is not None else None) or (self._view.types.get(resource) if resource is not None else None)
        return clean_line(told) if told else None


def _merged(one: Finding, other: Finding) -> Finding:
    first, second = sorted((one, other), key=lambda finding: (finding.message, finding.jobs))
    jobs, count = tuple(sorted({*first.jobs, *second.jobs})), first.jobs_count + second.jobs_count
    return replace(first, jobs=jobs, evidence=(*first.evidence, *second.evidence)[:EVIDENCE_LIMIT], unnamed=count - len(jobs))
