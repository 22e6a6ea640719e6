"""Findings in a temporary file, and what is known of each without reading it."""

from __future__ import annotations

import pickle
import tempfile
import weakref
from array import array
from collections.abc import Iterable
from dataclasses import astuple, fields
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from threading import Lock
from typing import Any, NamedTuple

from policycheck.comparison import FindingState
from policycheck.errors import EngineError
from policycheck.finding import Finding
from policycheck.job_lists import JobList
from policycheck.job_records import JobRecord, ListedJob, SavedJob
from policycheck.severity import Severity


class FindingKind(NamedTuple):
    """What counts of findings are made of."""

    severity: Severity
    cause: str | None
    state: FindingState | None
    waived: bool
    of_resource: bool
    """Whether its subject is an ARN."""


class FindingMark(NamedTuple):
    """What is known of a finding without its text."""

    kind: FindingKind
    subject: int
    """The same for findings on one account, Region and subject, and for no others,"""
    jobs: int
    """and likewise for those on the same jobs of it."""


def mark_finding(finding: Finding) -> FindingMark:
    """The mark of one finding."""
    subject = finding.account, finding.region, finding.subject
    return FindingMark(kind_of(finding), subject_mark(*subject), hash((*subject, finding.jobs or finding.rule)))


def kind_of(finding: Finding) -> FindingKind:
    return FindingKind(
        finding.severity,
        finding.cause,
        finding.state,
        finding.waiver is not None,
        finding.subject.startswith("arn:") and ":backup-vault:" not in finding.subject,
    )


def subject_mark(account: str | None, region: str | None, subject: str) -> int:
    """A number for a subject. It has 64 bits: of a million subjects two have the same with a probability of 1 in 30 million."""
    return hash((account, region, subject))


def is_clean(found: Finding) -> bool:
    """Whether all text of a finding certainly is clean: asked of all its texts at once, since there may be very many findings."""
    for record in found.evidence:
        if record.cleaned() is not record:
            return False
    waiver = () if found.waiver is None else astuple(found.waiver)
    shared = found.rule, found.policy, found.account, found.region, found.cause, found.resource_type, found.account_name, *waiver
    return (
        _are_clean(shared) and "".join(filter(None, (found.subject, found.message, *found.jobs, *found.details, *chain(*found.identity.items())))).isprintable()
    )


@lru_cache(maxsize=1000)
def _are_clean(texts: tuple[str | None, ...]) -> bool:
    """Whether all of what many findings have in common is clean."""
    return "".join(filter(None, texts)).isprintable()


_SHARED = ("rule", "policy", "severity", "account", "region", "cause", "resource_type", "waiver", "account_name", "state")
"""What many findings have in common, held once."""
_OWN = tuple(member.name for member in fields(Finding) if member.name not in {*_SHARED, "evidence"})
_HINT = "Set TMPDIR to a folder with space."
_shared_of, _own_of = attrgetter(*_SHARED), attrgetter(*_OWN)


_Told = tuple[int, str, int] | SavedJob


class Marked(NamedTuple):
    """The marks of the findings of a store."""

    subjects: array[int]
    jobs: array[int]


class FindingFile:
    """A temporary file of findings, which is gone when nothing refers to it, or when the process ends."""

    def __init__(self) -> None:
        try:
            # Without a name, so that nobody else reads it and nothing is left.
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it is closed below
        except OSError as error:
            hint = "Set TMPDIR to a folder that you can write to. Each such rule takes an open file (ulimit -n)."
            raise EngineError(f"no temporary file can be made for the findings of a rule: {error.strerror or error}", hint=hint) from error
        weakref.finalize(self, self._file.close)
        self._reading = Lock()
        self._ends = array("q")
        """Where each ends in the file."""
        self.numbers = array("I")
        """What each has in common with others, as a number."""
        self.marked = Marked(array("q"), array("q"))
        self.kinds: list[FindingKind] = []
        """By the number of what is common."""
        self._common: dict[tuple[Any, ...], int] = {}
        self._values: list[tuple[Any, ...]] = []
        self._lists: list[JobList] = []
        self.is_clean = True

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, findings: Iterable[Finding]) -> None:
        """Write findings behind those that there are."""
        end = self._ends[-1] if self._ends else 0
        written = []
        for finding in findings:
            own = pickle.dumps((_own_of(finding), list(map(self._told, finding.evidence))), pickle.HIGHEST_PROTOCOL)
            end += len(own)
            self._ends.append(end)
            written.append(own)
            self.is_clean = self.is_clean and is_clean(finding)
            mark = mark_finding(finding)
            self.numbers.append(self._number(finding, mark.kind))
            self.marked.subjects.append(mark.subject)
            self.marked.jobs.append(mark.jobs)
        try:
            content = memoryview(b"".join(written))
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            raise EngineError(f"the findings of a rule do not fit into a temporary file: {error.strerror or error}", hint=_HINT) from error

    def _number(self, finding: Finding, kind: FindingKind) -> int:
        values = _shared_of(finding)
        number = self._common.setdefault((values, kind), len(self._common))
        if number == len(self._values):
            self._values.append(values)
            self.kinds.append(kind)
        return number

    def _told(self, job: JobRecord) -> _Told:
        """A job of a list that the run has as (number of the list, key, row); another one whole."""
        if type(job) is not ListedJob:
            return job if isinstance(job, SavedJob) else SavedJob(job.key, dict(job.fields))
        number = next((number for number, known in enumerate(self._lists) if known is job.job_list), len(self._lists))
        if number == len(self._lists):
            self._lists.append(job.job_list)
        return number, job.key, job.row

    def _job(self, told: _Told) -> JobRecord:
        return ListedJob(told[1], self._lists[told[0]], told[2]) if isinstance(told, tuple) else told

    def read(self, position: int) -> Finding:
        """The finding that was added as this one, counted from 0."""
        start = self._ends[position - 1] if position else 0
        try:
            with self._reading:
                self._file.seek(start)
                content = self._file.read(self._ends[position] - start)
        except OSError as error:
            raise EngineError(f"the temporary file of the findings of a rule cannot be read: {error.strerror or error}", hint=_HINT) from error
        # This process wrote it, and nobody else can.
        own, evidence = pickle.loads(content)
        shared = zip(_SHARED, self._values[self.numbers[position]], strict=True)
        return Finding(**dict(shared), **dict(zip(_OWN, own, strict=True)), evidence=tuple([self._job(told) for told in evidence]))
