"""The forms in which people keep job lists, told apart by content: from UTF-8 text to the records of each list.

An *answer* is what one call returns, `{"BackupJobs": [...], "NextToken": ...}`; a *document* is one JSON or YAML value of a file; an *element* is a document,
or an item of a document that is a list. An element is an answer, one job, or one job in a wrapper (`{"CopyJob": {...}}`, as describe-copy-job gives it).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain, zip_longest
from operator import attrgetter
from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec import UNSET

from policycheck.datasets import BY_RESULT_KEY, DATASETS, Dataset
from policycheck.errors import JobFileError
from policycheck.records import JobList, RecordError, record_type
from policycheck.sources.contents import USE_JSON, not_utf8, refuse_failure, refuse_foreign
from policycheck.sources.yaml_text import yaml_documents
from policycheck.text import REPLACEMENT, clean_line, truncate

T = TypeVar("T")

_BY_ID: Mapping[str, Dataset] = {d.id_field: d for d in DATASETS.values()}
_BY_WRAPPER: Mapping[str, Dataset] = {d.id_field.removesuffix("Id"): d for d in DATASETS.values()}
_ACCEPTED = " or ".join(BY_RESULT_KEY)
_FIRST_KEY = re.compile(rf'"({"|".join((*BY_RESULT_KEY, *_BY_ID))})"\s*:'.encode())
_SURROGATE = re.compile("[\ud800-\udfff]")
_BETWEEN = re.compile("[ \t\r\n\ufeff]*")
_VALIDATION = re.compile(
    r"(?P<problem>.*?)(?: - at `\$(?:\.\w+\[(?P<record>\d+)\]|\.(?P<wrapper>(?:Backup|Copy|Restore)Job)\b)?\.?(?P<member>.*)`)?$", re.DOTALL
)
_RUN_AGAIN = "run the command again without --max-items, --no-paginate and --starting-token"


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one list that stood in one answer, times normalised; or the bare jobs of a whole file."""

    jobs: JobList
    token: object = None
    """The answer's NextToken."""
    lone: bool = False
    """The jobs are what describe commands print: of these jobs alone."""


def read_pages(data: bytes) -> list[Page]:
    """The pages in one file's text, in order; none where it holds an empty list that does not say of what.

    Raises:
        JobFileError: not a job list, cut off, incomplete, or with a record that cannot be used.
    """
    try:
        if data.startswith((b"{", b"[")):
            pages = _fast_pages(data) or _pages(_json_documents(data))
            _refuse_twins(data, len(pages))
            _refuse_foreign_tokens(data)
            return pages
        refuse_foreign(data[:4096].decode(errors="replace"))
        # What a failed command said may stand behind what it had printed.
        refuse_failure(data.decode(errors="replace"))
        return _pages(map(_plain, yaml_documents(data)))
    except UnicodeDecodeError:
        raise not_utf8(data) from None
    except RecursionError:
        raise JobFileError("is nested too deeply to be a job list") from None


def _refuse_twins(data: bytes, pages: int) -> None:
    """Refuse an answer that has its list, or its token, twice: of two, JSON readers keep the last, and nobody would know of the other."""
    for key in (*BY_RESULT_KEY, "NextToken"):
        if key.encode() in data and len(re.findall(rb'"%s"\s*:' % key.encode(), data)) > max(pages, 1):
            raise JobFileError(f"has {key} more than once in one answer", hint=USE_JSON)


def _refuse_foreign_tokens(data: bytes) -> None:
    """Refuse JSON with a NextToken in another spelling (nextToken, next_token), which no reader of answers would look at.

    Two searches tell nearly every list, however long, from one that has to be looked at again.
    """
    ends = (found.start() + 4 for end in (rb'oken"\s*:', rb'OKEN"\s*:') for found in re.finditer(end, data))
    spellings = [data[data.rfind(b'"', max(end - 40, 0), end) + 1 : end].decode(errors="replace") for end in ends]
    foreign = list(filter(_is_foreign_token, spellings))
    if not foreign:
        return
    elements = list(_elements(_json_documents(data)))
    for element in elements:
        _refuse_foreign_token(msgspec.json.decode(element) if isinstance(element, msgspec.Raw) else element)
    if len(foreign) > len(elements):
        raise JobFileError(f"has {foreign[0]} more than once in one answer", hint=USE_JSON)


def _refuse_foreign_token(element: object) -> None:
    for key, value in element.items() if isinstance(element, dict) else ():
        if value and _is_foreign_token(str(key)):
            raise JobFileError(f"is incomplete: it has a {truncate(clean_line(str(key)), 40)}, so the list goes on", hint=_RUN_AGAIN)


def _is_foreign_token(key: str) -> bool:
    return key != "NextToken" and re.sub(r"[\s_-]", "", key).lower() == "nexttoken"


# --- the fast road: whole file in one call, straight into structs ---


@cache
def _answer_type() -> type[msgspec.Struct]:
    """An answer of any list; of a job only its id is kept, to tell its kind."""
    members: list[tuple[str, Any, Any]] = [("NextToken", Any, None)]
    for dataset in DATASETS.values():
        record = record_type(dataset)
        members.append((dataset.result_key, list[record] | msgspec.UnsetType, UNSET))  # type: ignore[valid-type]  # a type made at run time
        members.append((dataset.id_field.removesuffix("Id"), record | msgspec.UnsetType, UNSET))
        members.append((dataset.id_field, Any, None))
    return msgspec.defstruct("Answer", members, kw_only=True, gc=False)


def _fast_pages(data: bytes) -> list[Page]:
    """The pages of a file whose elements are all answers, or all jobs of one kind; else, or if anything is wrong, none: the slow road then says what."""
    found = _FIRST_KEY.search(data)
    if not found:
        return []
    key = found[1].decode()
    single = data.startswith(b"{")
    kind = record_type(_BY_ID[key]) if key in _BY_ID else _answer_type()
    try:
        # The lines of a decoder end where a value ends, not at a line break: this reads one document, JSON lines and any other sequence of documents.
        if single:
            elements = msgspec.json.Decoder(kind).decode_lines(data)
        else:
            documents = msgspec.json.Decoder(list[kind]).decode_lines(data)  # type: ignore[valid-type]  # a type made at run time
            elements = documents[0] if len(documents) == 1 else list(chain.from_iterable(documents))
    except msgspec.DecodeError:
        return []
    if key in _BY_ID:
        dataset = _BY_ID[key]
        if None in map(attrgetter(dataset.id_field), elements):
            return []
        return [Page(_normalise(dataset, elements))]
    pages: list[Page] = []
    for number, answer in enumerate(elements):
        lists = _lists(answer)
        if not lists:
            return []
        pages += _answer_pages(answer, lists, _page_name(number, len(elements)))
    _refuse_short(pages)
    return pages


def _answer_pages(answer: Any, lists: list[tuple[Dataset, list[Any]]], where: str) -> list[Page]:
    return [Page(_normalise(dataset, records, where), answer.NextToken) for dataset, records in lists]


def _lists(answer: Any) -> list[tuple[Dataset, list[Any]]]:
    """The lists an answer holds."""
    return [(dataset, records) for key, dataset in BY_RESULT_KEY.items() if (records := getattr(answer, key)) is not UNSET]


# --- the slow road: element by element, so that mixtures are read and mistakes have a place ---


def _pages(documents: Iterable[object]) -> list[Page]:
    elements = list(_elements(documents))
    pages: list[Page] = []
    bare: defaultdict[Dataset, list[tuple[int, Any]]] = defaultdict(list)
    for number, element in enumerate(elements):
        where = _page_name(number, len(elements))
        if not _is_object(element):
            _refuse_element(element, number, len(elements))
        _refuse_foreign_token(element)
        answer: Any = _read(element, _answer_type(), where)
        lists = _lists(answer)
        if lists:
            pages += _answer_pages(answer, lists, where)
            continue
        wrapped = [(dataset, record) for key, dataset in _BY_WRAPPER.items() if (record := getattr(answer, key)) is not UNSET]
        plain = [dataset for key, dataset in _BY_ID.items() if getattr(answer, key) is not None]
        if len(wrapped) + len(plain) != 1 or answer.NextToken:
            _refuse_keys(element, number, len(elements))
        for dataset, record in wrapped:
            bare[dataset].append((number, record))
        for dataset in plain:
            bare[dataset].append((number, _read(element, record_type(dataset), f"record {number}")))
    _refuse_short(pages)
    for dataset, numbered in bare.items():
        numbers = [number for number, _ in numbered]
        pages.append(Page(_normalise(dataset, [record for _, record in numbered], numbers=numbers)))
    return pages


def _elements(documents: Iterable[object]) -> Iterator[object]:
    """The elements of documents. A list of lists is what yaml-stream makes of `--query BackupJobs`."""
    for document in documents:
        for item in _items(document):
            yield from _items(item)


def _items(value: object) -> Iterable[object]:
    if isinstance(value, list):
        return value
    if isinstance(value, msgspec.Raw) and memoryview(value)[0] == ord("["):
        return msgspec.json.decode(value, type=list[msgspec.Raw])
    return [value]


def _is_object(element: object) -> bool:
    return memoryview(element)[0] == ord("{") if isinstance(element, msgspec.Raw) else isinstance(element, dict)


def _read(element: object, kind: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(element, type=kind) if isinstance(element, msgspec.Raw) else msgspec.convert(element, kind)
    except msgspec.ValidationError as error:
        raise _wrong_type(str(error), where) from None


def _page_name(number: int, count: int) -> str:
    return f"page {number}" if count > 1 else ""


def _normalise(dataset: Dataset, records: list[Any], where: str = "", numbers: list[int] | None = None) -> JobList:
    try:
        return JobList.of(dataset, records)
    except RecordError as error:
        job_id = getattr(records[error.index], dataset.id_field)
        named = f" ({dataset.id_field} {truncate(clean_line(job_id), 80)})" if job_id else ""
        index = numbers[error.index] if numbers else error.index
        raise _bad_record([where, f"record {index}{named}", error.member, error.problem]) from None
    except OverflowError:
        raise _bad_record([where, "a time is not from 1970 to 2300"]) from None


def _wrong_type(message: str, where: str) -> JobFileError:
    """The error for msgspec's "Expected `str | null`, got `int` - at `$.BackupJobs[3].State`"."""
    found = _VALIDATION.match(message)
    assert found is not None  # the pattern matches any text
    problem = found["problem"].replace("`", "").replace(" | null", "").replace("int | float | datetime", "a time")
    problem = problem.replace("Invalid RFC3339 encoded datetime", "not an ISO 8601 time").replace("Expected", "expected")
    record = f"record {found['record']}" if found["record"] else ""
    return _bad_record([where, record, found["wrapper"] or "", found["member"] or "", problem])


def _bad_record(parts: list[str]) -> JobFileError:
    return JobFileError(": ".join(filter(None, parts)), hint="records and pages count from 0; this is not what AWS answers: save the list again, unchanged")


# --- documents ---


def _json_documents(data: bytes) -> Iterable[object]:
    try:
        return msgspec.json.Decoder(msgspec.Raw).decode_lines(data)
    except msgspec.DecodeError:
        # Malformed, or with half of a surrogate pair ("\ud800"), which msgspec refuses and AWS lets a user put into a tag or name: the standard library knows.
        return _lenient_documents(data.decode())


def _lenient_documents(text: str) -> Iterator[object]:
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    position = _skip(text, 0)
    while position < len(text):
        try:
            value, end = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise _malformed(text, error, position) from None
        except ValueError:
            raise JobFileError("holds a number that is too long to be one", hint=USE_JSON) from None
        yield _plain(value)
        position = _skip(text, end)


def _skip(text: str, position: int) -> int:
    found = _BETWEEN.match(text, position)
    return found.end() if found else position


def _refuse_constant(name: str) -> NoReturn:
    raise JobFileError(f"holds {name}, which JSON does not know", hint=USE_JSON)


def _malformed(text: str, error: json.JSONDecodeError, start: int) -> JobFileError:
    place = f"line {error.lineno}, column {error.colno}"
    rest = text[error.pos :].strip()
    if _is_unfinished(rest, error.msg):
        byte = len(text[: error.pos].encode(errors="replace"))
        return JobFileError(
            f"is cut off: the JSON ends in the middle of a value ({place}, byte {byte})",
            hint="the list is not whole: run the command again and look at its exit code",
        )
    try:
        refuse_failure(rest[:4096])
    except JobFileError as failure:
        return failure
    if text.startswith("'", start + 1):
        return JobFileError("is a Python print, not JSON", hint="write it with json.dump(answer, file, default=str)")
    after = " after a whole document" if error.pos == start and start else ""
    return JobFileError(f"is not JSON{after}: {error.msg[0].lower()}{error.msg[1:]} ({place})", hint=USE_JSON)


def _is_unfinished(rest: str, problem: str) -> bool:
    """Whether a value stops because the text does: `rest` is what follows the place of the problem."""
    if problem.startswith("Invalid \\uXXXX"):
        return len(rest) < len("\\uXXXX")
    return rest in ("", "-", ".") or problem.startswith("Unterminated string") or any(word.startswith(rest) for word in ("true", "false", "null"))


def _plain(value: object) -> object:
    """JSON values as they are, with U+FFFD for each half of a surrogate pair; what YAML has besides becomes a mistake with a name."""
    match value:
        case str():
            return _SURROGATE.sub(REPLACEMENT, value) if not value.isascii() else value
        case dict():
            return {str(_plain(key)): _plain(item) for key, item in value.items()}
        case list():
            return list(map(_plain, value))
        case float() if not math.isfinite(value):
            raise JobFileError(f"holds the number {value}, which is none", hint=USE_JSON)
        case None | int() | float():
            return value
        case _:
            raise JobFileError(f"holds a YAML value of the type {type(value).__name__}, which the AWS CLI never writes", hint=USE_JSON)


# --- refusals ---


def _refuse_element(element: object, number: int, count: int) -> NoReturn:
    text = bytes(element).decode(errors="replace") if isinstance(element, msgspec.Raw) else "null" if element is None else str(element)
    shown = truncate(clean_line(text), 60)
    hint = f'a job list is {{"{next(iter(BY_RESULT_KEY))}": [...]}} or a list of jobs; {USE_JSON} and without --query'
    if count == 1:
        raise JobFileError(f"is not a job list: it holds nothing but {shown!r}", hint=hint)
    raise JobFileError(f"holds {shown!r} as element {number}, which is neither a job nor an answer", hint=hint)


def _refuse_keys(element: object, number: int, count: int) -> NoReturn:
    keys = sorted(_keys(element))
    where = f"page {number}" if count > 1 else "the answer"
    if set(keys) <= {"NextToken", "ResponseMetadata"}:
        hint = "an answer was lost on the way, which the AWS CLI and boto3 do not report: run the command again"
        raise JobFileError(f"is short: {where} lacks its list ({_ACCEPTED})", hint=hint)
    hint = f"save what list-backup-jobs, list-copy-jobs or list-restore-jobs gives; a job by itself has one of {', '.join(_BY_ID)}"
    if any(key.endswith("Summaries") for key in keys):
        hint = "summaries count jobs and do not list them: use list-backup-jobs"
    shown = truncate(clean_line(", ".join(keys)), 120)
    raise JobFileError(f"is not a job list: {where} has the keys {shown}, not {_ACCEPTED}", hint=hint)


def _keys(element: object) -> Iterable[str]:
    if isinstance(element, msgspec.Raw):
        return msgspec.json.decode(element, type=dict[str, msgspec.Raw])
    return map(str, element) if isinstance(element, dict) else ()


def _refuse_short(pages: list[Page]) -> None:
    """Refuse a list that goes on elsewhere: its last page carries a NextToken, or an earlier one does and the next page does not follow from it."""
    for dataset in DATASETS.values():
        own = [page for page in pages if page.jobs.dataset is dataset]
        for page, follower in zip_longest(own, own[1:]):
            if not page.token:
                continue
            if follower is None or _is_resume_token(page.token):
                raise JobFileError(f"is incomplete: {dataset.result_key} ends with a NextToken, so the list goes on", hint=_RUN_AGAIN)
            if not _same_region(page.jobs, follower.jobs):
                raise JobFileError(
                    f"is incomplete: a page of {dataset.result_key} has a NextToken, and the page after it is of another Region", hint=_RUN_AGAIN
                )


def _same_region(jobs: JobList, others: JobList) -> bool:
    """Whether two pages can be of one list: AWS lists one Region at a time."""
    regions, more = ({region for _, region in each.places() if region} for each in (jobs, others))
    return not regions or not more or bool(regions & more)


def _is_resume_token(token: object) -> bool:
    """Whether the AWS CLI made this token, as it does when --max-items ends a list (base64 of {"NextToken": ..., "boto_truncate_amount": ...}).

    Such a token says that the list is short wherever it stands; a token of the service only says so on the last page.
    """
    try:
        value = json.loads(base64.b64decode(str(token), validate=True))
    except (binascii.Error, ValueError):
        return False
    return isinstance(value, dict) and "NextToken" in value
