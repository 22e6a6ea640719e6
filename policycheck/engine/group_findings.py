"""Groups that violate to findings: one a group, saying what was seen, what was required and by how much."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from policycheck.datasets import BACKUP_JOBS
from policycheck.engine.case import Case
from policycheck.engine.causes import asks_for_cause
from policycheck.engine.context import Context
from policycheck.engine.findings import NO_RESOURCE, record_cause
from policycheck.engine.group_account import GroupAccount
from policycheck.engine.group_measure import measure_of
from policycheck.engine.judgement import Judgement, expectation, job_id
from policycheck.engine.list_view import ListView
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
    return " / ".join(clean_line(value or "") or nothing.get(name, f"(no {name})") for name, value in zip(per, values, strict=True)) or "all"


class Describer:
    """The findings of one rule."""

    def __init__(self, case: Case, view: ListView, context: Context, violated: Iterable[Judgement], *, tells_silence: bool = True) -> None:
        """
        Args:
            tells_silence: whether to say of a resource without jobs that it may be gone.
        """
        known = context.known(case.number)
        placed = [(self._place(case, judged), judged) for judged in violated]
        self._known = {place: known[place] for place, _ in placed if place in known}
        self._violated = [judged for place, judged in placed if place not in known]
        self._tells_silence = tells_silence
        self._case, self._view, self._context, self._requirement = case, view, context, expectation(case)
        self._account = GroupAccount(case, view, context, self._violated)
        self._as_of = micros(context.as_of)
        self._noun = case.rule.statement.list.noun

    def findings(self) -> tuple[Finding, ...]:
        """One a group, sorted by account, Region and subject; groups that look alike once cleaned are one."""
        found: dict[tuple[str, str, str], Finding] = {}
        for finding in (*self._known.values(), *map(self._describe, self._violated)):
            place = (finding.account or "", finding.region or "", finding.subject)
            found[place] = _merged(finding, found[place]) if place in found else finding
        return tuple(found[place] for place in sorted(found))

    def findings_of_each(self) -> list[Finding]:
        """One a group, sorted alike; groups that look alike once cleaned keep their own."""
        return sorted(map(self._describe, self._violated), key=lambda finding: (finding.account or "", finding.region or "", finding.subject))

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
            message=clean_line("; ".join(filter(None, [self._seen(judged), silence]))),
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
        chosen = (job for key in judged.group.keys for job in self._account.chosen_jobs.get(key, ()))
        jobs = sorted(chosen, key=lambda job: (job.created or 0, job.row), reverse=True)
        blamed = measure_of(self._case).blamed_jobs(self._account, judged, jobs)
        finished = self._view.job_list.dataset.finished
        causes = (record_cause(records[job.row], job.state) for job in blamed if job.state in finished)
        return next(filter(None, causes), None)

    def _seen(self, judged: Judgement) -> str:
        """What was measured, and the limit."""
        measure = measure_of(self._case)
        if judged.nothing:
            return f"no {measure.counted_jobs} {self._noun} in the window, and no_data is fail"
        return measure.tell(self._account, judged)

    def _silence(self, judged: Judgement) -> str:
        """That a resource has no job of any state, and since when; empty where it has, or nothing of the kind was asked."""
        if not self._tells_silence or RESOURCE not in self._case.per or not measure_of(self._case).asks_for_jobs(self._requirement):
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
