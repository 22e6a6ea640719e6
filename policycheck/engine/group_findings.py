"""Groups that violate to findings: one a group, saying what was seen, what was required and by how much."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, reduce
from itertools import islice

from policycheck.datasets import BACKUP_JOBS
from policycheck.engine.case import Case
from policycheck.engine.causes import asks_for_cause
from policycheck.engine.context import Context
from policycheck.engine.findings import NO_RESOURCE, Subject, record_cause
from policycheck.engine.group_account import TOGETHER, ChosenJob, GroupAccount
from policycheck.engine.group_measure import measure_of
from policycheck.engine.judgement import Judgement, expectation, job_id
from policycheck.engine.list_view import ListView
from policycheck.finding import ALL_JOBS
from policycheck.finding_list import are_many, gather, order_subjects
from policycheck.places import ResourceKey
from policycheck.policy.conditions import fields_of
from policycheck.policy.model import RESOURCE
from policycheck.records import iso, micros, moment
from policycheck.result import EVIDENCE_LIMIT, Finding
from policycheck.text import clean_line

NO_JOB = "no_job"
"""The cause where a resource has no job of any state any more, or never had one."""


def spell_subject(per: Sequence[str], values: Sequence[str | None]) -> str:
    """The name of a group in findings and notes: the values of the `per` fields in order, or `all`."""
    nothing = {RESOURCE: NO_RESOURCE}
    return " / ".join(clean_line(value or "") or nothing.get(name, f"(no {name})") for name, value in zip(per, values, strict=True)) or ALL_JOBS


_Place = tuple[str, str, str]


def _spell_place(subject: Subject) -> _Place:
    """By what findings are sorted; subjects that are alike in it have one finding."""
    account, region, name = subject
    return account or "", region or "", name


_CAUSES_ASKED = 2
"""Jobs that are asked for a cause, mostly: of a gap, the one that ended it, and the one before."""


class Describer:
    """The findings of one rule."""

    def __init__(
        self, case: Case, view: ListView, context: Context, violated: Iterable[Judgement], *, remark: Callable[[Judgement], str] = lambda _: ""
    ) -> None:
        """
        Args:
            remark: what a message says besides, after what was measured.
        """
        self._held = context.series is not None
        known = context.known(case.number) or {}
        placed = [(self._place(case, judged), judged) for judged in violated]
        self._known = {place: known[place] for place, _ in placed if place in known}
        self._violated = [judged for place, judged in placed if place not in known]
        self._remark = remark
        self._case, self._view, self._context, self._requirement = case, view, context, expectation(case)
        self._account = GroupAccount(case, view, context, self._violated, measure_of(case).span_told)
        self._as_of = micros(context.as_of)
        self._noun = case.rule.statement.list.noun

    def findings(self) -> Sequence[Finding]:
        """One a group, sorted by account, Region and subject; groups that look alike once cleaned are one."""
        known: dict[_Place, list[Finding]] = {}
        for subject, finding in self._known.items():
            known.setdefault(_spell_place(subject), []).append(finding)
        alike: dict[_Place, list[Judgement]] = {}
        for judged in self._violated:
            alike.setdefault(_spell_place(self._place(self._case, judged)), []).append(judged)
        # In the order of their keys records are read one after the other.
        by_keys = sorted(alike, key=lambda place: alike[place][0].group.keys)
        places = [*known, *(place for place in by_keys if place not in known)]
        return gather(self._find(places, alike, known), lambda: order_subjects(places), held=self._held)

    def _find(self, places: Sequence[_Place], alike: Mapping[_Place, Sequence[Judgement]], known: Mapping[_Place, Sequence[Finding]]) -> Iterator[Finding]:
        """The finding of each of these places; records are read for many of them together."""
        coming = iter(places)
        while some := list(islice(coming, TOGETHER)):
            described = self._describe_together([judged for place in some for judged in alike.get(place, ())])
            for place in some:
                yield reduce(lambda told, one: _merged(one, told), (*known.get(place, ()), *islice(described, len(alike.get(place, ())))))
            if are_many(len(places)) and not self._held:
                self._context.records.forget(self._view.job_list.dataset.name)

    def findings_of_each(self) -> list[Finding]:
        """One a group, sorted alike; groups that look alike once cleaned keep their own."""
        found: dict[int, Finding] = {}
        numbered = iter(sorted(enumerate(self._violated), key=lambda one: one[1].group.keys))
        while some := list(islice(numbered, TOGETHER)):
            found |= zip((number for number, _ in some), self._describe_together([judged for _, judged in some]), strict=True)
        told = (found[number] for number in range(len(self._violated)))
        return sorted(told, key=lambda finding: (finding.account or "", finding.region or "", finding.subject))

    def _describe_together(self, some: Sequence[Judgement]) -> Iterator[Finding]:
        self._view.job_list.hold(row for judged in some for row in self._rows_told(judged))
        return map(self._describe, some)

    def _rows_told(self, judged: Judgement) -> list[int]:
        """The rows of the records that a finding tells of, as far as that is known before they are read."""
        asks = not self._view.job_list.dataset.of_state and asks_for_cause(fields_of(self._requirement.condition))
        blamed = [job.row for job in self._blamed(judged)[:_CAUSES_ASKED]] if asks else []
        return [*measure_of(self._case).listed_rows(self._account, judged)[:EVIDENCE_LIMIT], *blamed]

    @staticmethod
    def _place(case: Case, judged: Judgement) -> tuple[str | None, str | None, str]:
        """Account, Region and subject, as the finding states them."""
        account, region, _ = judged.group.subject
        return account and clean_line(account), region and clean_line(region), spell_subject(case.per, judged.group.values)

    def _describe(self, judged: Judgement) -> Finding:
        rule, dataset, records = self._case.rule, self._view.job_list.dataset, self._view.job_list.records
        account, region, subject = self._place(self._case, judged)
        rows = sorted(
            measure_of(self._case).listed_rows(self._account, judged), key=lambda row: (job_id(self._view.job_list, row), records[row].CreationDate or 0)
        )
        jobs = tuple(name for row in rows if (name := clean_line(job_id(self._view.job_list, row) or "")))
        silence = self._silence(judged)
        return Finding(
            rule=rule.id,
            policy=rule.policy,
            severity=rule.severity,
            account=account,
            region=region,
            subject=subject,
            message=clean_line("; ".join(filter(None, [self._seen(judged), self._remark(judged), silence]))),
            jobs=jobs,
            cause=NO_JOB if silence and not dataset.of_state else self._cause(judged),
            identity=self._identity(judged),
            resource_type=self._resource_type(judged),
            evidence=tuple(self._context.records.of(dataset.name, row) for row in rows[:EVIDENCE_LIMIT]),
            unnamed=len(rows) - len(jobs),
        )

    def _identity(self, judged: Judgement) -> dict[str, str | None]:
        account, region, _ = judged.group.subject
        place = {"Account": account, "Region": region} if RESOURCE in self._case.per else {}
        told = {**place, **dict(zip(self._case.per, judged.group.values, strict=True))}
        return {name: value and clean_line(value) for name, value in told.items()}

    def _cause(self, judged: Judgement) -> str | None:
        """The class of what went wrong with the newest job that is to blame: one that violates, or that ended otherwise since the newest match."""
        records = self._view.job_list.records
        if self._view.job_list.dataset.of_state or not asks_for_cause(fields_of(self._requirement.condition)):
            return None
        causes = (record_cause(records[job.row], job.state) for job in self._blamed(judged))
        return next(filter(None, causes), None)

    def _blamed(self, judged: Judgement) -> list[ChosenJob]:
        """The jobs of a group that ended and may have the cause, the newest first."""
        jobs = self._account.chosen_jobs(judged)[::-1]
        if len(judged.group.keys) > 1:
            jobs.sort(key=lambda job: (job.created or 0, job.row), reverse=True)
        finished = self._view.job_list.dataset.finished
        return [job for job in measure_of(self._case).blamed_jobs(self._account, judged, jobs) if job.state in finished]

    def _seen(self, judged: Judgement) -> str:
        """What was measured, and the limit."""
        measure = measure_of(self._case)
        if judged.nothing:
            return f"no {measure.counted_jobs} {self._noun} in the window, and no_data is fail"
        return measure.tell(self._account, judged)

    def _silence(self, judged: Judgement) -> str:
        """That a resource has no job of any state, and since when; empty where it has, or nothing of the kind was asked."""
        if RESOURCE not in self._case.per or not measure_of(self._case).asks_for_jobs(self._requirement):
            return ""
        subject = judged.group.subject
        history = self._view.history(subject)
        if history is None and judged.group.entry is not None and not self._named(subject):
            return f"never seen: no {BACKUP_JOBS.noun if BACKUP_JOBS.name in self._context.lists else self._noun} names it"
        if history is None:
            return self._no_job(self._account.covered_from(subject))
        if history.undated or history.running or history.last is None or judged.edge.start is None:
            return ""
        silent_from = judged.gap[0] if judged.gap and judged.gap[1] == self._as_of else judged.edge.start
        return self._no_job(iso(moment(history.last))) if history.last < silent_from or (judged.gap and history.last == silent_from) else ""

    def _no_job(self, since: str) -> str:
        told = f"no {self._noun} of any {'status' if self._case.rule.statement.list.of_state else 'state'}" + (f" since {since}" if since else "")
        plan = "; it was deleted or is no longer in its plan (job lists do not show which)"
        return told + (plan if self._case.rule.statement.dataset == BACKUP_JOBS.name else "")

    def _named(self, subject: ResourceKey) -> bool:
        """Whether a backup job names the resource of an inventory's entry."""
        if BACKUP_JOBS.name not in self._context.lists:
            return False
        return subject[2] in self._backed_up

    @cached_property
    def _backed_up(self) -> frozenset[str]:
        return frozenset(filter(None, (resource for (resource,) in self._context.lists[BACKUP_JOBS.name].distinct(RESOURCE))))

    def _resource_type(self, judged: Judgement) -> str | None:
        entry, resource = judged.group.entry, judged.group.subject[2]
        told = (entry.resource_type if entry is not None else None) or (self._view.types.get(resource) if resource is not None else None)
        return clean_line(told) if told else None


def _merged(one: Finding, other: Finding) -> Finding:
    first, second = sorted((one, other), key=lambda finding: (finding.message, finding.jobs))
    jobs, count = tuple(sorted({*first.jobs, *second.jobs})), first.jobs_count + second.jobs_count
    return replace(first, jobs=jobs, evidence=(*first.evidence, *second.evidence)[:EVIDENCE_LIMIT], unnamed=count - len(jobs))
