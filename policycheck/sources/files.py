"""Job lists that people have saved: files, folders and standard input, recognised by content, never by name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from policycheck.datasets import DATASETS
from policycheck.errors import JobFileError
from policycheck.job_lists import JobList
from policycheck.policy.model import Policy
from policycheck.population import InputFile
from policycheck.sources.asked import members_read
from policycheck.sources.connection import Connection
from policycheck.sources.containers import Wanted, read_elements, read_pages
from policycheck.sources.contents import read_all, read_text
from policycheck.sources.encoded_records import EncodedRecords
from policycheck.sources.interface import Evidence
from policycheck.sources.kept_texts import LARGE, keep_in_file
from policycheck.sources.lists import Source, assert_coverage, describe_cut, describe_future, describe_gaps, describe_merging, describe_state
from policycheck.sources.objects import Objects, is_object_url
from policycheck.sources.observations import Jobs, merge_sources
from policycheck.sources.paths import STDIN, cause, is_regular, walk
from policycheck.sources.raw import FileStore
from policycheck.sources.report_rows import is_report
from policycheck.sources.reports import Report, describe_reports, read_report, settle_progress
from policycheck.sources.state_lists import without_future
from policycheck.sources.stated import StatedFile, is_statement, read_member, read_statement, refuse_unread_filters, restate, stated_places
from policycheck.sources.statements import StatedList, Statement, digest
from policycheck.text import clean_line

_STDIN_NAME = "standard input"
_ERRORS_SHOWN = 20
_NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _File:
    """One file that was read; what it says of each list by dataset name, nothing where the file does not say which list it is."""

    name: str
    lists: dict[str, list[Source]]
    stated: tuple[StatedList, ...] = ()
    """What it says it covers; empty where it says nothing."""
    digest: str = ""
    """Of its text; empty where no file beside it speaks of it."""
    statement: Statement | None = None
    """Set where it is no list, and says what another file covers."""
    report: Report | None = None
    """Set where it is a report of AWS Backup."""
    sha256: str = ""
    """Of its bytes, where that was asked for."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """What one file says of one list."""

    file: str
    dataset: str
    source: Source


@dataclass(frozen=True, slots=True)
class FileEvidence(Evidence):
    """Evidence of saved lists, with what each file says by itself."""

    sources: tuple[FileSource, ...] = ()
    stated: bool = False
    """Whether a list says itself what it covers."""
    reported: bool = False
    """Whether a file is a report of AWS Backup."""


def read_job_files(
    paths: Sequence[str],
    *,
    as_of: datetime,
    covers: tuple[datetime, datetime] | None,
    stdin: BinaryIO,
    policies: Sequence[Policy] = (),
    keep: FileStore | None = None,
    connection: Connection | None = None,
    hashed: bool = False,
) -> FileEvidence:
    """The jobs in files, in every file of folders (hidden ones left out), in objects of S3 (`s3://BUCKET/KEY` or a prefix), and in `stdin` where a path
    is "-"; a file named twice is read once.

    Forms: JSON and YAML answers of list-backup-jobs, list-copy-jobs and list-restore-jobs or of their describe commands, lists of jobs, lists of answers,
    JSON lines and other sequences of these; job reports of AWS Backup, in JSON and CSV; gzip, byte-order marks and UTF-16. `covers` is the time the user says
    the lists are of. A list may say itself what it covers (see `stated`); `policies` then tell whether a filter it was made with left anything out that they
    need. Every file is put into `keep` as it is before it is parsed. S3 is reached by the credentials of `connection`, or those of the environment.
    `hashed` asks for `inputs`.

    Raises:
        JobFileError: a path that cannot be read, or a file that is no job list, incomplete or damaged; all such files in one error.
        FetchError, UsageError: S3 is not reached, or denies.
    """
    errors: list[JobFileError] = []
    files: list[_File] = []
    with closing(Objects(connection)) as objects:
        names = list(walk(paths, objects, errors))
        beside = any(is_object_url(name) or _is_statement(name) for name in names)
        wanted = partial(members_read, policies)
        for path in names:
            try:
                files.append(_read_file(path, stdin, objects, wanted, with_digest=beside, keep=keep, hashed=hashed))
            except JobFileError as error:
                error.place = clean_line(path)
                errors.append(error)
    if errors:
        raise _joined(errors)
    inputs = tuple(InputFile(file.name, file.sha256) for file in files if file.sha256)
    return replace(_Reading(_join_statements(files), covers, policies).at(as_of), inputs=inputs)


def read_parts(
    parts: Sequence[tuple[str, bytes | JobList]], *, as_of: datetime, covers: tuple[datetime, datetime] | None, policies: Sequence[Policy] = ()
) -> Evidence:
    """The same of texts (JSON or YAML, UTF-8) that are in no file, and of lists that were read; each has the name that messages give it.

    Raises:
        JobFileError: a text that is no job list, incomplete or damaged; the first of them.
    """
    files: list[_File] = []
    for name, part in parts:
        if isinstance(part, JobList):
            files.append(_File(name, {part.dataset.name: [Source(name, part)]}))
            continue
        try:
            files.append(_parse(name, part, partial(members_read, policies), with_digest=False))
        except JobFileError as error:
            error.place = name
            raise
    return _Reading(files, covers, policies).at(as_of)


def read_kept(
    files: Sequence[tuple[str, bytes]], *, as_of: datetime, covers: tuple[datetime, datetime] | None, policies: Sequence[Policy] = ()
) -> FileEvidence:
    """What `read_job_files` gave of files that it kept: their names and bytes, in their order.

    Raises:
        JobFileError: as there.
    """
    texts = [(name, read_text(content)) for name, content in files]
    beside = any(is_statement(text[:200]) for _, text in texts)
    read: list[_File] = []
    for name, text in texts:
        try:
            read.append(_parse(name, text, partial(members_read, policies), with_digest=beside))
        except JobFileError as error:
            error.place = name
            raise
    inputs = tuple(InputFile(name, hashlib.sha256(content).hexdigest()) for name, content in files)
    return replace(_Reading(_join_statements(read), covers, policies).at(as_of), inputs=inputs)


@dataclass
class _Reading:
    """Files that were read, and what they come to at an instant."""

    files: Sequence[_File]
    covers: tuple[datetime, datetime] | None
    policies: Sequence[Policy]
    _merged: dict[str, tuple[list[JobList], Jobs]] = field(default_factory=dict)
    """By dataset the lists that were last merged, and what they came to: few are others at another instant."""

    def at(self, as_of: datetime) -> FileEvidence:
        """The evidence at an instant.

        Raises:
            JobFileError: the files are reports that list no jobs.
        """
        files = self.files
        claimed = [*([self.covers[1]] if self.covers else []), *(stated.end for file in files for stated in file.stated)]
        made = max(as_of, *claimed) if claimed else None
        sources = {name: [_settle(source, as_of, made) for file in files for source in file.lists.get(name, ())] for name in DATASETS}
        lists: dict[str, JobList] = {}
        warnings: list[str] = []
        for name, read in sources.items():
            if read:
                warnings += filter(None, map(describe_cut, read))
                found = self._merge(name, [source.jobs for source in read])
                lists[name] = found.jobs
                # Reports show a job day after day, and know no filter by state.
                reported = any(source.periods is not None for source in read)
                warnings += describe_merging(replace(found, repeated=0) if reported else found)
                warnings += filter(None, [describe_future(found.jobs, as_of), "" if reported else describe_state(found.jobs)])
        # What a list says of itself is not stretched over, nor by, what others are taken to cover.
        plain_sources = {name: [source for file in files if not file.stated for source in file.lists.get(name, ())] for name in DATASETS}
        coverage = assert_coverage(lists, as_of, self.covers, plain_sources)
        if stated := [StatedFile(file.name, file.lists, file.stated) for file in files if file.stated]:
            plain = {key for file in files if not file.stated for key in stated_places(file.lists)}
            coverage = restate(coverage, stated, plain, as_of, self.policies)
        notes = (*_not_seen(files), *self._describe_reports(as_of), *describe_gaps(coverage))
        told = tuple(FileSource(file.name, name, source) for file in files for name, own in file.lists.items() for source in own)
        states, reports = any(file.stated for file in files), any(file.report is not None for file in files)
        return FileEvidence(lists, coverage, notes, tuple(warnings), at=self.at, sources=told, stated=states, reported=reports)

    def _merge(self, name: str, parts: list[JobList]) -> Jobs:
        before, found = self._merged.get(name, ([], None))
        if found is None or len(before) != len(parts) or any(one is not other for one, other in zip(before, parts, strict=True)):
            found = merge_sources(parts)
            self._merged[name] = parts, found
        return found

    def _describe_reports(self, as_of: datetime) -> Iterator[str]:
        reports = {file.name: file.report for file in self.files if file.report is not None}
        if reports and all(report.other for report in reports.values()) and len(reports) == len(self.files):
            what = next(report.other for report in reports.values())
            raise JobFileError(f"is {what} of AWS Backup, which lists no jobs", hint="name job reports, or job lists", place=_names(list(reports)))
        return describe_reports(reports, as_of, _names)


def _settle(source: Source, as_of: datetime, made: datetime | None) -> Source:
    """A source as far as it is evidence at `as_of`; `made` is when its file was made at the latest, None where nothing says so."""
    jobs = without_future(source.jobs, made) if made is not None else source.jobs
    return settle_progress(source if jobs is source.jobs else replace(source, jobs=jobs), as_of)


def _is_statement(path: str) -> bool:
    # What is read from a pipe is gone.
    if path in ("", STDIN) or not is_regular(path):
        return False
    try:
        with Path(path).open("rb") as stream:
            return is_statement(stream.read(200))
    except (OSError, ValueError):  # reading it will say why
        return False


def _join_statements(files: list[_File]) -> list[_File]:
    """The lists alone, each with what a file beside it says of it."""
    lists = [file for file in files if file.statement is None]
    for file in files:
        if file.statement is None:
            continue
        own = [number for number, other in enumerate(lists) if other.digest == file.statement.digest]
        if not own:
            hint = "Pass the list that was printed together with it, unchanged."
            raise JobFileError("is the coverage of a list that is not among the files, or was changed", hint=hint, place=file.name)
        for number in own:
            lists[number] = replace(lists[number], stated=tuple(file.statement.lists))
    return lists


def _read_file(path: str, stdin: BinaryIO, objects: Objects, wanted: Wanted, *, with_digest: bool, keep: FileStore | None, hashed: bool) -> _File:
    try:
        if is_object_url(path):
            data = objects.read(path)
            _keep(keep, path, data)
        elif path == STDIN:
            data = read_all(stdin)
            _keep(keep, path, data)
        elif not path:
            raise JobFileError("the name of a job list is empty", hint="Name a file, a folder, or - for standard input. Is a variable of the shell not set?")
        else:
            with Path(path).open("rb") as stream:
                status = os.fstat(stream.fileno())
                data = read_all(stream, status.st_size)
                _keep(keep, path, data)
                if len(data) >= LARGE:
                    file = _parse(clean_line(path), read_text(data), wanted, with_digest=with_digest)
                    _leave_in_file(file, data, stream, status)
                    return _hashed(file, data) if hashed else file
    except FileNotFoundError:
        raise JobFileError("does not exist", hint="name a file, a folder, or - for standard input") from None
    except (OSError, ValueError) as error:
        raise JobFileError(f"cannot be read: {cause(error)}") from None
    file = _parse(clean_line(path), read_text(data), wanted, with_digest=with_digest)
    return _hashed(file, data) if hashed else file


def _hashed(file: _File, data: bytes) -> _File:
    return replace(file, sha256=hashlib.sha256(data).hexdigest())


def _keep(keep: FileStore | None, path: str, data: bytes) -> None:
    if keep is not None:
        keep.keep(clean_line(path), data)


def _leave_in_file(file: _File, data: bytes, stream: BinaryIO, status: os.stat_result) -> None:
    """Hold the columns of a large file, and no longer its text."""
    for source in (source for sources in file.lists.values() for source in sources):
        records = source.jobs.records
        if isinstance(records, EncodedRecords) and (kept := keep_in_file(records.texts, data, stream, status)) is not None:
            records.texts = kept


def _parse(name: str, text: bytes, wanted: Wanted, *, with_digest: bool) -> _File:
    if is_statement(text[:200]):
        return _File(name, {}, statement=read_statement(text))
    if is_report(text):
        report = read_report(name, text)
        return _File(name, {key: [source] for key, source in report.lists.items()}, digest=digest(text) if with_digest else "", report=report)
    pages: dict[str, dict[bool, list[JobList]]] = {}
    for page in read_pages(text, wanted):
        pages.setdefault(page.jobs.dataset.name, {}).setdefault(page.lone, []).append(page.jobs)
    lists = {of: [Source(name, JobList.joined(parts), lone) for lone, parts in found.items()] for of, found in pages.items()}
    stated = read_member(text)
    if not stated:
        refuse_unread_filters(text, read_elements(text))
    return _File(name, lists, stated, digest(text) if with_digest else "")


def _joined(errors: list[JobFileError]) -> JobFileError:
    """One error for all files that cannot be used; the only one as it is."""
    if len(errors) == 1:
        return errors[0]
    lines = [f"{error.place}: {error.message}" + (f" ({error.hint})" if error.hint else "") for error in errors[:_ERRORS_SHOWN]]
    if len(errors) > _ERRORS_SHOWN:
        lines.append(f"and {len(errors) - _ERRORS_SHOWN} more")
    return JobFileError("\n".join([f"{len(errors)} files or folders cannot be used:", *lines]))


def _not_seen(files: Sequence[_File]) -> Iterator[str]:
    """What files do not say of themselves."""
    if stated := [file for file in files if file.stated]:
        say = "records what it covers" if len(stated) == 1 else "record what they cover"
        yield f"stated: {_names([file.name for file in stated])} {say}: the user asserts that the text was not changed since"
    files = [file for file in files if not file.stated and file.report is None]
    if files:
        say = "does not record how it was made" if len(files) == 1 else "do not record how they were made"
        yield f"asserted: {_names([file.name for file in files])} {say}: jobs that a filter, a time range or an option left out cannot be seen"
    for name, dataset in DATASETS.items():
        if empty := [file.name for file in files if name in file.lists and not any(len(source.jobs) for source in file.lists[name])]:
            yield f"asserted: no {dataset.noun} in {_names(empty)}; an empty list does not record its account and Region"
    if unnamed := [file.name for file in files if not file.lists]:
        yield f"asserted: nothing in {_names(unnamed)}; an empty list does not record its list, account and Region"


def _names(names: list[str]) -> str:
    shown = [_STDIN_NAME if name == STDIN else name for name in names]
    if len(shown) == 1:
        return shown[0]
    more = f" and {len(shown) - _NAMES_SHOWN} more" if len(shown) > _NAMES_SHOWN else ""
    return f"{len(shown)} files ({', '.join(shown[:_NAMES_SHOWN])}{more})"
