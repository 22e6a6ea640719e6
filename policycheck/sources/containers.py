"""The forms in which people keep job lists, told apart by content: from UTF-8 text to the records of each list.

An *answer* is what one call returns, `{"BackupJobs": [...], "NextToken": ...}`; a *document* is one JSON or YAML value of a file; an *element* is a document,
or an item of a document that is a list. An element is an answer, one job, or one job in a wrapper (`{"CopyJob": {...}}`, as describe-copy-job gives it).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec import UNSET

from policycheck import column_records
from policycheck.datasets import BY_RESULT_KEY, DATASETS, JOB_LISTS, Dataset
from policycheck.errors import JobFileError
from policycheck.job_lists import JobList
from policycheck.records import RecordError, record_type
from policycheck.sources.completeness import Count, has_content, refuse_fewer, refuse_incomplete, refuse_incomplete_job, refuse_repeated
from policycheck.sources.contents import EMPTY, USE_JSON, not_utf8, refuse_failure, refuse_foreign
from policycheck.sources.encoded_records import read_encoded
from policycheck.sources.json_text import Repeated, holds_all, is_object, items, json_documents, members, parse, plain, quotes
from policycheck.sources.members import bad_record, container_names, member_names, read_record, read_records, refuse_spelling, spelled
from policycheck.sources.saved_pages import Page, refuse_short
from policycheck.sources.statements import MEMBER
from policycheck.sources.text_ends import TextEnd, find_text_end
from policycheck.sources.yaml_text import yaml_documents
from policycheck.text import clean_line, truncate

T = TypeVar("T")

_BY_ID: Mapping[str, Dataset] = {d.id_field: d for d in JOB_LISTS.values()}
_BY_WRAPPER: Mapping[str, Dataset] = {d.wrapper: d for d in JOB_LISTS.values()}
"""What there is stands in its answer alone: the ARN that tells a vault is in other records, too."""
_ACCEPTED = " or ".join(BY_RESULT_KEY)
_FIRST_KEY = re.compile(rf'"({"|".join((*BY_RESULT_KEY, *_BY_ID))})"\s*:'.encode())


DESCRIBED = frozenset({"NumberOfChildJobs", "ChildJobsInState", "ResponseMetadata"})
"""What stands in a job that a describe command gave, and in no job of a list (API reference: DescribeBackupJob)."""
_BESIDE = ("NextToken", "ResponseMetadata", MEMBER)
"""What answers have beside their list, that other programs than the AWS CLI save too."""


Wanted = Callable[[Dataset], Collection[str]]
"""The members of a list that a run will read; see `encoded_records.read_encoded`."""


def read_pages(data: bytes, wanted: Wanted | None = None) -> list[Page]:
    """The pages in one file's text, in order; none where it holds an empty list that does not say of what. The pages of a long list may be one.

    Args:
        wanted: None: all records are decoded, however many they are.

    Raises:
        JobFileError: not a job list, cut off, incomplete by what it says of itself, or with a record that cannot be used.
    """
    try:
        if data.startswith((b"{", b"[")):
            return (_encoded_pages(data, wanted) if wanted else []) or _fast_pages(data) or _pages(json_documents(data))
        refuse_foreign(data[:4096].decode(errors="replace"))
        # What a failed command said may stand behind what it had printed.
        refuse_failure(data.decode(errors="replace"))
        return _pages(map(plain, yaml_documents(data)), closed=False)
    except UnicodeDecodeError:
        raise not_utf8(data) from None
    except RecursionError:
        raise JobFileError("is nested too deeply to be a job list") from None


def read_elements(data: bytes) -> Iterator[object]:
    """The answers and jobs of a text that `read_pages` has read, taken apart no further."""
    yield from _elements(json_documents(data) if data.startswith((b"{", b"[")) else map(plain, yaml_documents(data)))


# --- the road of long lists: columns of what is read, and the text ---


@cache
def _text_type() -> type[msgspec.Struct]:
    """An answer of any list, whose records stay text."""
    lists: list[tuple[str, Any, Any]] = [(d.result_key, list[msgspec.Raw] | msgspec.UnsetType, UNSET) for d in DATASETS.values()]
    beside: list[tuple[str, Any, Any]] = [(name, msgspec.Raw | msgspec.UnsetType, UNSET) for name in _BESIDE]
    return msgspec.defstruct("AnswerText", [*lists, *beside], kw_only=True, gc=False)


def _encoded_pages(data: bytes, wanted: Wanted) -> list[Page]:
    """The one page of a file of answers or of jobs that are one long list; else, or if anything is unusual, none: another road then says what is there."""
    found = _FIRST_KEY.search(data)
    if not found:
        return []
    key = found[1].decode()
    try:
        if key in _BY_ID:
            return _encoded_jobs(_BY_ID[key], data, wanted)
        if BY_RESULT_KEY[key].of_state:
            return []
        return _encoded_answers(BY_RESULT_KEY[key], _decode_elements(data, _text_type()), data, wanted)
    except (msgspec.DecodeError, column_records.Unusual):
        return []


def _encoded_jobs(dataset: Dataset, data: bytes, wanted: Wanted) -> list[Page]:
    texts = _decode_elements(data, msgspec.Raw)
    if len(texts) < column_records.MANY or len(texts) == 1:
        return []
    jobs = read_encoded(dataset, texts, wanted(dataset), data.count(b'"'))
    # What has no id may be no job; one that all have is of one job.
    assert isinstance(jobs.records, column_records.ColumnRecords)
    ids = jobs.records.column(dataset.id_field)
    return [] if jobs.has_gaps(dataset.id_field) or bool((ids == ids[0]).all()) else [Page(jobs)]


def _encoded_answers(dataset: Dataset, answers: list[Any], data: bytes, wanted: Wanted) -> list[Page]:
    if any([other for other, _ in _lists(answer)] != [dataset] for answer in answers):
        return []
    texts = list(chain.from_iterable(getattr(answer, dataset.result_key) for answer in answers))
    if len(texts) < column_records.MANY:
        return []
    # Of each answer the name of its list, what stands beside it, and else nothing but its records.
    marks = data.count(b'"') - 2 * len(answers)
    beside = [{name: text for name in _BESIDE if (text := getattr(answer, name)) is not UNSET} for answer in answers]
    if any(has_content(parse(others.get("NextToken"))) for others in beside):
        return []
    marks -= sum(2 + bytes(text).count(b'"') for others in beside for text in others.values())
    page = Page(read_encoded(dataset, texts, wanted(dataset), marks))
    refuse_fewer([count for number, others in enumerate(beside) for count in refuse_incomplete(others, _page_name(number, len(answers)))], len(texts))
    return [page]


# --- the fast road: whole file in one call, straight into structs ---


@cache
def _answer_type() -> type[msgspec.Struct]:
    """An answer of any list."""
    lists: list[tuple[str, Any, Any]] = [(d.result_key, list[record_type(d)] | msgspec.UnsetType, UNSET) for d in DATASETS.values()]  # type: ignore[misc]  # a type made at run time
    return msgspec.defstruct("Answer", [("NextToken", Any, None), *lists], kw_only=True, gc=False)


def _fast_pages(data: bytes) -> list[Page]:
    """The pages of a file whose elements are all answers, or all jobs of one kind; else, or if anything is wrong, none: the slow road then says what."""
    found = _FIRST_KEY.search(data)
    if not found:
        return []
    key = found[1].decode()
    try:
        if key in _BY_ID:
            return _fast_jobs(_BY_ID[key], data)
        return _fast_answers(_decode_elements(data, _answer_type()), data)
    except msgspec.DecodeError:
        return []


def _decode_elements(data: bytes, kind: Any) -> list[Any]:
    # The lines of a decoder end where a value ends, not at a line break: this reads one document, JSON lines and any other sequence of documents.
    if data.startswith(b"{"):
        return msgspec.json.Decoder(kind).decode_lines(data)
    documents = msgspec.json.Decoder(list[kind]).decode_lines(data)
    return documents[0] if len(documents) == 1 else list(chain.from_iterable(documents))


def _fast_jobs(dataset: Dataset, data: bytes) -> list[Page]:
    jobs = _decode_elements(data, record_type(dataset))
    if None in map(attrgetter(dataset.id_field), jobs) or not holds_all(data, quotes(jobs)):
        return []
    lone = data.startswith(b"{") if len(jobs) == 1 else _are_of_one_job(dataset, jobs)
    return [Page(_normalise(dataset, jobs, empty_texts=b'""' in data), lone=lone)]


def _are_of_one_job(dataset: Dataset, jobs: Sequence[Any]) -> bool:
    """Whether these records, several, show one job: no list does that."""
    return len(jobs) > 1 and len(set(map(attrgetter(dataset.id_field), jobs))) == 1


def _fast_answers(answers: list[Any], data: bytes) -> list[Page]:
    if not all(map(_lists, answers)):
        return []
    empty_texts = b'""' in data
    listed = [(_page_name(number, len(answers)), *found) for number, answer in enumerate(answers) for found in _lists(answer)]
    if holds_all(data, sum(2 + quotes(records) for _, _, records in listed)):
        # Nothing stands in any answer but its list.
        return [Page(_normalise(dataset, records, where, empty_texts=empty_texts)) for where, dataset, records in listed]
    return _mixed_answers(answers, _decode_elements(data, dict[str, msgspec.Raw]), data)


def _mixed_answers(answers: list[Any], elements: list[dict[str, msgspec.Raw]], data: bytes) -> list[Page]:
    """Answers with members beside their lists, or more in their records."""
    if any(key in element for element in elements for key in (*_BY_ID, *_BY_WRAPPER)):
        return []
    beside = [_without(element, BY_RESULT_KEY) for element in elements]
    written = sum(2 * len(element) for element in elements) + sum(bytes(value).count(b'"') for others in beside for value in others.values())
    if not holds_all(data, written + sum(quotes(records) for answer in answers for _, records in _lists(answer))):
        # A record or an answer has something more.
        listed = sum(bytes(element[key]).count(b'"') for element in elements for key in BY_RESULT_KEY if key in element)
        if data.count(b'"') != written + listed:
            return []
        _check_records(answers, elements)
    pages: list[Page] = []
    counts: list[Count] = []
    for number, (answer, others) in enumerate(zip(answers, beside, strict=True)):
        where = _page_name(number, len(answers))
        counts += refuse_incomplete(others, where)
        pages += [Page(_normalise(dataset, records, where), answer.NextToken) for dataset, records in _lists(answer)]
    refuse_short(pages)
    refuse_fewer(counts, sum(len(page.jobs) for page in pages))
    return pages


def _check_records(answers: list[Any], elements: list[dict[str, msgspec.Raw]]) -> None:
    for number, (answer, element) in enumerate(zip(answers, elements, strict=True)):
        for dataset, records in _lists(answer):
            read_records(dataset, element[dataset.result_key], _page_name(number, len(answers)), records)


def _lists(answer: Any) -> list[tuple[Dataset, list[Any]]]:
    """The lists an answer holds."""
    return [(dataset, records) for key, dataset in BY_RESULT_KEY.items() if (records := getattr(answer, key)) is not UNSET]


# --- the slow road: element by element, so that mixtures are read and mistakes have a place ---


@dataclass(slots=True)
class _Bare:
    """Jobs that stand outside of a list of an answer: the records, and the number of the element of each."""

    records: list[Any] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def add(self, record: Any, number: int) -> None:
        self.records.append(record)
        self.numbers.append(number)


def _pages(documents: Iterable[object], *, closed: bool = True) -> list[Page]:
    """The pages of all documents; `closed` says that a text that was cut off would not have been read."""
    found = list(documents)
    if all(document is None or (isinstance(document, msgspec.Raw) and bytes(document) == b"null") for document in found):
        raise JobFileError(f"{EMPTY}: it holds {'null' if found else 'comments or blanks'} alone", hint="run the command again and check its output")
    elements = list(_elements(found))
    pages: list[Page] = []
    counts: list[Count] = []
    plain_jobs: defaultdict[Dataset, _Bare] = defaultdict(_Bare)
    wrapped_jobs: defaultdict[Dataset, _Bare] = defaultdict(_Bare)
    for number, element in enumerate(elements):
        if not is_object(element):
            _refuse_element(element, number, len(elements))
        answer, where = members(element), _page_name(number, len(elements))
        lists = [(dataset, answer[key]) for key, dataset in BY_RESULT_KEY.items() if key in answer]
        wrapped = [(dataset, answer[key]) for key, dataset in _BY_WRAPPER.items() if key in answer]
        told = [dataset for key, dataset in _BY_ID.items() if key in answer and parse(answer[key]) is not None]
        token = parse(answer.get("NextToken"))
        if not lists and (len(wrapped) + len(told) != 1 or has_content(token)):
            _refuse_keys(answer, number, len(elements))
        if told and not lists:
            kept = wrapped_jobs if DESCRIBED & answer.keys() else plain_jobs
            kept[told[0]].add(_read_job(told[0], answer, where, f"record {number}"), number)
            continue
        refuse_repeated(answer)
        taken = {dataset.result_key for dataset, _ in lists} or set(_BY_WRAPPER)
        counts += refuse_incomplete(_without(answer, taken), where)
        _refuse_jobs_beside(answer, taken, where)
        pages += [Page(_normalise(dataset, read_records(dataset, listed, where), where), token) for dataset, listed in lists]
        if not lists:
            for dataset, record in wrapped:
                wrapped_jobs[dataset].add(read_record(dataset, record, where, dataset.wrapper), number)
    refuse_short(pages)
    end = None if closed else find_text_end(elements)
    if end is not None and end.listed:
        _end_text(pages, end)
    lone, listed = len(elements) == 1 and is_object(found[0]), {page.jobs.dataset.name for page in pages}
    bare = [(jobs, dataset, True) for dataset, jobs in wrapped_jobs.items()]
    bare += [(jobs, dataset, lone or dataset.name in listed or _are_of_one_job(dataset, jobs.records)) for dataset, jobs in plain_jobs.items()]
    # The record that ends the text is in the last page.
    bare.sort(key=lambda one: one[0].numbers[-1])
    pages += [Page(_normalise(dataset, jobs.records, numbers=jobs.numbers), lone=alone) for jobs, dataset, alone in bare]
    if end is not None and not end.listed:
        _end_text(pages, end)
    refuse_fewer(counts, sum(len(page.jobs) for page in pages))
    return pages


def _end_text(pages: list[Page], end: TextEnd) -> None:
    """Note what the last record of the last page of that list may have lost."""
    index = next(index for index in reversed(range(len(pages))) if pages[index].jobs.dataset is end.dataset)
    jobs = pages[index].jobs
    pages[index] = replace(pages[index], jobs=replace(jobs, behind={len(jobs) - 1: end.behind}))


def _read_job(dataset: Dataset, answer: dict[str, object], where: str, record: str) -> Any:
    """A job by itself, which may carry the metadata of its answer."""
    job = read_record(dataset, _parsed(answer), record)
    refuse_incomplete_job(_without(answer, member_names(dataset)), where)
    return job


def _parsed(answer: dict[str, object]) -> dict[str, object]:
    values = {key: parse(value) for key, value in answer.items()}
    return Repeated(values.items(), answer.member) if isinstance(answer, Repeated) else values


def _without(answer: Mapping[str, T], keys: Iterable[str]) -> dict[str, T]:
    left_out = frozenset(keys)
    return {key: value for key, value in answer.items() if key not in left_out}


def _refuse_jobs_beside(answer: Mapping[str, object], taken: Iterable[str], where: str) -> None:
    """Refuse a job that stands beside the list of its answer: it would not be read."""
    if key := next((key for key in answer if key in container_names().values() and key not in taken), None):
        raise JobFileError(": ".join(filter(None, [where, f"has {key} beside {' and '.join(sorted(taken & answer.keys()))}"])), hint=USE_JSON)


def _elements(documents: Iterable[object]) -> Iterator[object]:
    """The elements of documents. A list of lists is what yaml-stream makes of `--query BackupJobs`."""
    for document in documents:
        for item in _items(document):
            yield from _items(item)


def _items(value: object) -> list[object]:
    found = items(value)
    return [value] if found is None else found


def _page_name(number: int, count: int) -> str:
    return f"page {number}" if count > 1 else ""


def _normalise(dataset: Dataset, records: list[Any], where: str = "", numbers: list[int] | None = None, *, empty_texts: bool = True) -> JobList:
    try:
        return JobList.of(dataset, records, empty_texts=empty_texts)
    except RecordError as error:
        job_id = getattr(records[error.index], dataset.id_field)
        named = f" ({dataset.id_field} {truncate(clean_line(job_id), 80)})" if job_id else ""
        index = numbers[error.index] if numbers else error.index
        raise bad_record([where, f"record {index}{named}", error.member, error.problem]) from None
    except OverflowError:
        raise bad_record([where, "a time is not from 1970 to 2300"]) from None


# --- refusals ---


def _refuse_element(element: object, number: int, count: int) -> NoReturn:
    text = bytes(element).decode(errors="replace") if isinstance(element, msgspec.Raw) else "null" if element is None else str(element)
    shown = truncate(clean_line(text), 60)
    hint = f'a job list is {{"{next(iter(BY_RESULT_KEY))}": [...]}} or a list of jobs; {USE_JSON} and without --query'
    if count == 1:
        raise JobFileError(f"is not a job list: it contains only {shown!r}", hint=hint)
    raise JobFileError(f"holds {shown!r} as element {number}, which is neither a job nor an answer", hint=hint)


def _refuse_keys(answer: Mapping[str, object], number: int, count: int) -> NoReturn:
    keys = sorted(answer)
    for key in keys:
        if name := spelled(key, container_names()):
            refuse_spelling(key, name, _page_name(number, count))
    where = f"page {number}" if count > 1 else "the answer"
    if set(keys) <= {"NextToken", "ResponseMetadata"}:
        hint = "an answer was lost, which the AWS CLI and boto3 do not report: run the command again"
        raise JobFileError(f"is incomplete: {where} lacks its list ({_ACCEPTED})", hint=hint)
    commands = [dataset.command for dataset in DATASETS.values()]
    hint = f"save what {', '.join(commands[:-1])} or {commands[-1]} gives; a job by itself has one of {', '.join(_BY_ID)}"
    if any(key.endswith("Summaries") for key in keys):
        hint = f"summaries count jobs and do not list them: use {commands[0]}"
    shown = truncate(clean_line(", ".join(keys)), 120)
    raise JobFileError(f"is not a job list: {where} has the keys {shown}, not {_ACCEPTED}", hint=hint)
