"""The trace of a rule on some evidence, and the subjects of it that someone asks about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from policycheck.engine.backends.interface import Backend
from policycheck.engine.context import Context
from policycheck.engine.kinds.registry import open_case
from policycheck.engine.outcomes import RuleTrace, SubjectOutcome, SubjectTrace, name_job
from policycheck.errors import UsageError
from policycheck.policy.conditions import nearest
from policycheck.policy.model import Expectation, Policy, Rule
from policycheck.records import micros
from policycheck.sources.interface import Evidence
from policycheck.text import clean_line

MOST_SUBJECTS = 10
"""More than these at once answer no question."""


def trace_rule(policy: Policy, rule: Rule, evidence: Evidence, as_of: datetime, backend: Backend) -> RuleTrace | None:
    """What one rule makes of the evidence, to be asked about; None where a list or an inventory is missing without which it is not judged."""
    requirement = rule.statement.requirement
    named = requirement.given_inventory if isinstance(requirement, Expectation) else None
    if not rule.statement.lists_needed <= evidence.lists.keys() or (named is not None and named.text not in evidence.inventories):
        return None
    case = open_case(0, rule, policy.scope, micros(as_of))
    return case.kind.trace(case, Context(evidence.lists, evidence.coverage, as_of, backend, evidence.inventories))


def find_traces(trace: RuleTrace, text: str | None, job: str | None, last: int) -> list[SubjectTrace]:
    """The traces of what was asked about.

    Args:
        text: the end of a subject's name; None: not asked.
        job: the id of a job; None: not asked. With it, only that job is shown.
        last: how many of each subject's jobs are shown, the newest.

    Raises:
        UsageError: there is no such subject or job, or too many subjects of that name.
    """
    subjects = trace.subjects()
    if text is not None:
        subjects = _named(subjects, text)
    if job is None:
        return [trace.trace(subject, _shown(subject, last)) for subject in _few(subjects)]
    found = [(subject, rows) for subject in subjects if (rows := [row for row in subject.jobs if name_job(trace.job_list, row) == clean_line(job)])]
    if not found:
        dataset = trace.job_list.dataset
        raise UsageError(
            f"no {dataset.noun} of a subject of this rule has the {dataset.id_field} {clean_line(job)}", hint="Without --job, the newest jobs are shown."
        )
    _few([subject for subject, _ in found])
    return [trace.trace(subject, rows) for subject, rows in found]


def _shown(subject: SubjectOutcome, last: int) -> list[int]:
    """The newest of its jobs, and the one that decided, however old."""
    shown = list(subject.jobs[:last])
    return shown if subject.decisive is None or subject.decisive in shown else [*shown, subject.decisive]


def _named(subjects: Sequence[SubjectOutcome], text: str) -> list[SubjectOutcome]:
    """The subjects of that name, else those that end in it after a separator, else those that end in it."""
    wanted = clean_line(text)
    ways = (
        [subject for subject in subjects if subject.subject == wanted],
        [subject for subject in subjects if subject.subject.endswith((f"/{wanted}", f":{wanted}"))],
        [subject for subject in subjects if subject.subject.endswith(wanted)],
    )
    found = next((way for way in ways if way), [])
    if not found:
        near = nearest(wanted, [name for subject in islice(subjects, 1000) for name in (subject.subject, subject.subject.rpartition("/")[2])])
        raise UsageError(f"the rule has no subject {wanted}", hint=f"Did you mean {near}?" if near else "Without --subject, all subjects are listed.")
    return found


def _few(subjects: Sequence[SubjectOutcome]) -> Sequence[SubjectOutcome]:
    if len(subjects) > MOST_SUBJECTS:
        raise UsageError(f"{len(subjects):,} subjects have this name", hint="Write more of the subject's name.")
    return subjects
