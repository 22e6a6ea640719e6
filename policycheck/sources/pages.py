"""The pages of one list, none lost: every answer must hold its list, is asked for again where it does not, and otherwise fails the fetch.

botocore returns an answer of status 200 whose body is not JSON (cut off, or a proxy's HTML) as a page without its result key and without an error, and its
paginator stops there (measured, botocore 1.43 and 1.44). So bodies are decoded here, by botocore's event `before-parse`, straight into records: that is the
guard, and a tenth of the time of botocore's own parser. Retries, signatures and errors stay botocore's.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from threading import Lock
from typing import Any

import msgspec

from policycheck.datasets import DATASETS, Dataset
from policycheck.errors import FetchError
from policycheck.job_lists import JobList
from policycheck.records import RecordError, record_type
from policycheck.sources.aws_errors import explained, parse_date, scrub
from policycheck.sources.session import ATTEMPTS
from policycheck.text import REPLACEMENT

PAGE_SIZE = 1000
"""The most jobs a page may hold (API reference: MaxResults)."""
EMPTY_PAGES = 1000
"""AWS may answer pages without jobs that still lead on; so many in a row lead nowhere."""

_MAKING = Lock()
"""Held while types and decoders are made: places are read by several threads."""
_ANSWER = "policycheck.answer"
_DAMAGE = "policycheck.damage"
_FIRST_DELAY, _LONGEST_DELAY = 0.05, 20.0
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Page:
    """One answer."""

    jobs: JobList
    """Times normalised."""
    token: str | None
    """NextToken; None on the last page."""
    body: bytes
    """As received."""
    date: datetime | None
    """AWS's clock: the Date header."""
    request_id: str


class Cancelled(Exception):
    """Raised in place of a request once nobody waits for its answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as decoded, times as they were sent."""

    records: list[Any]
    token: str | None
    """NextToken; None on the last page."""
    body: bytes
    """As received."""
    date: datetime | None
    """AWS's clock: the Date header."""
    request_id: str
    where: str
    """Operation, place and number of the page, for errors."""


def guard(client: Any, cancelled: Callable[[], bool] = lambda: False, types: Mapping[str, type[msgspec.Struct]] | None = None) -> None:
    """Hook a botocore client for AWS Backup, once: its list operations decode their answers here, and ask again for a damaged one.

    Once `cancelled()` is true the client sends nothing more: calls raise `Cancelled`.

    Args:
        types: by operation, what its answers decode into where that is not the job records of `records`: a struct with the list, required, and NextToken.
    """

    def refuse_cancelled(**_: object) -> None:
        if cancelled():
            raise Cancelled

    events = client.meta.events
    for dataset in DATASETS.values():
        decoded = (types or {}).get(dataset.operation) or _answer_type(dataset)
        events.register(f"before-parse.backup.{dataset.operation}", partial(_decode_answer, dataset, decoded))
        events.register_first(f"needs-retry.backup.{dataset.operation}", _retry_delay)
    events.register("before-send.backup", refuse_cancelled)


def list_pages(client: Any, dataset: Dataset, parameters: Mapping[str, object], place: str = "") -> Iterator[Page]:
    """Every page of one list, in order; `client` is guarded. Pages overlap where jobs move between them: de-duplicate by id.

    Args:
        parameters: of the operation, without MaxResults and NextToken.
        place: account and Region, for errors.

    Raises:
        FetchError: a page that cannot be had, is damaged each time, or leads back to itself; nothing more can be said of what follows it.
        UsageError: a parameter that AWS Backup does not have.
    """
    for answer in list_answers(client, dataset, {"MaxResults": PAGE_SIZE, **parameters}, place):
        yield Page(_jobs(dataset, answer.records, answer.where), answer.token, answer.body, answer.date, answer.request_id)


def read_page(dataset: Dataset, body: bytes, where: str) -> JobList:
    """The jobs of a page that was kept as received, as `list_pages` gave them; raises FetchError where it is no such page."""
    try:
        decoded = _decode(_answer_type(dataset), body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise FetchError(f"the answer is not a page of the list: {_describe(dataset, body, error)}", place=where) from None
    return _jobs(dataset, getattr(decoded, dataset.result_key), where)


def _jobs(dataset: Dataset, records: list[Any], where: str) -> JobList:
    try:
        return JobList.of(dataset, records)
    except RecordError as error:
        raise FetchError(f"record {error.index} (from 0) cannot be used: {error.member}: {error.problem}", place=where) from None
    except OverflowError:
        raise FetchError("a record cannot be used: a time is not from 1970 to 2300", place=where) from None


def list_answers(client: Any, dataset: Dataset, parameters: Mapping[str, object], place: str = "") -> Iterator[Answer]:
    """As `list_pages`, each answer as it was decoded; `parameters` are sent as they are, NextToken and MaxResults among them."""
    call = getattr(client, client_method(dataset))
    asked: dict[str, object] = dict(parameters)
    seen: set[str] = set()
    number = read = empty = 0
    while True:
        number += 1
        so_far = f"page {number}" + (f" (after {read:,} {dataset.noun}s)" if read else "")
        where = ", ".join(filter(None, (place, so_far)))
        with explained(dataset.operation, where):
            answer = call(**asked)
        found = _answer(dataset, answer, f"{dataset.operation}, {where}")
        read, empty = read + len(found.records), 0 if found.records else empty + 1
        _check_token(found.token, seen, empty, found.where)
        yield found
        if found.token is None:
            return
        seen.add(found.token)
        asked["NextToken"] = found.token


def client_method(dataset: Dataset) -> str:
    """What boto3 calls the list operation."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", dataset.operation).lower()


def _check_token(token: str | None, seen: set[str], empty: int, where: str) -> None:
    again = "run the command again; if this persists, AWS or a proxy does not page correctly"
    if token is not None and token in seen:
        raise FetchError("the list does not end: a NextToken was repeated", hint=again, place=where)
    if token == "":
        raise FetchError("the NextToken is empty, so it is unknown whether the list continues", hint=again, place=where)
    if token is not None and empty >= EMPTY_PAGES:
        raise FetchError(f"the list does not end: {EMPTY_PAGES} pages in a row were empty", hint=again, place=where)


def _answer(dataset: Dataset, answer: Mapping[str, Any], where: str) -> Answer:
    if _ANSWER not in answer:
        hint = "run the command again; if this persists, check for a proxy or a sign-in page"
        raise FetchError(f"the answer is not a page of the list, {ATTEMPTS} times: {answer.get(_DAMAGE) or 'nothing was decoded'}", hint=hint, place=where)
    decoded, body = answer[_ANSWER]
    metadata = answer["ResponseMetadata"]
    headers: Mapping[str, str] = metadata.get("HTTPHeaders", {})
    records = getattr(decoded, dataset.result_key)
    return Answer(records, decoded.NextToken, body, parse_date(headers.get("date", "")), str(metadata.get("RequestId", "")), where)


# --- hooks ---


def _decode_answer(
    dataset: Dataset, decoded: type[msgspec.Struct], response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    """The handler of `before-parse`: what it puts into `customized_response_dict` becomes part of what the call returns."""
    status, body = int(response_dict["status_code"]), bytes(response_dict["body"])
    if status >= 300:
        response_dict["body"] = _error_body(body)
        return
    damage = _shortness(body, response_dict["headers"]) if status == 200 else f"its status is {status}"
    if not damage:
        try:
            customized_response_dict[_ANSWER] = (_decode(decoded, body), body)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            damage = _describe(dataset, body, error)
    if damage:
        customized_response_dict[_DAMAGE] = damage
    # Nothing is left for botocore's parser, whatever it was.
    response_dict["body"] = b"{}"


def _retry_delay(response: Any = None, attempts: int = 0, caught_exception: Exception | None = None, **_: object) -> float | bool | None:
    """The handler of `needs-retry`: seconds to wait before asking again, False to give up, None to leave it to botocore."""
    from botocore.exceptions import SSLError

    if isinstance(caught_exception, SSLError):
        # A certificate does not become better.
        return False
    if response is None or _DAMAGE not in response[1] or attempts >= ATTEMPTS:
        return None
    return random.random() * min(_FIRST_DELAY * 2.0 ** (attempts - 1), _LONGEST_DELAY)


# --- bodies ---


@cache
def _made_decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    # What msgspec knows of a struct is made with its first decoder. A second thread that finds it half made crashes the process (*seen*, msgspec 0.22).
    with _MAKING:
        return _made_decoder(kind)


def _answer_type(dataset: Dataset) -> type[msgspec.Struct]:
    """An answer: the list must be there."""
    with _MAKING:
        return _made_type(dataset)


@cache
def _made_type(dataset: Dataset) -> type[msgspec.Struct]:
    record = record_type(dataset)
    return msgspec.defstruct(f"{dataset.operation}Answer", [(dataset.result_key, list[record]), ("NextToken", str | None, None)], gc=False)  # type: ignore[valid-type]  # made at run time


def _decode(kind: type[msgspec.Struct], body: bytes) -> Any:
    try:
        return _decoder(kind).decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # Half of a surrogate pair ("\\ud800"), which AWS lets a user put into a name, is refused by msgspec and known to the standard library.
        return msgspec.convert(whole_text(json.loads(body)), kind)


def whole_text(value: object) -> object:
    """JSON values with U+FFFD for each half of a surrogate pair."""
    match value:
        case str():
            return _SURROGATE.sub(REPLACEMENT, value)
        case dict():
            return {_SURROGATE.sub(REPLACEMENT, key): whole_text(item) for key, item in value.items()}
        case list():
            return list(map(whole_text, value))
        case _:
            return value


def _error_body(body: bytes) -> bytes:
    """What botocore's parser takes for an error: an object of texts. Of anything else, on which it would raise TypeError, nothing is left."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    texts = {key: item for key, item in value.items() if isinstance(item, str)} if isinstance(value, dict) else {}
    return json.dumps(texts).encode()


def _shortness(body: bytes, headers: Mapping[str, str]) -> str:
    promised = headers.get("content-length", "")
    if promised.isdecimal() and int(promised) != len(body):
        return f"the connection ended after {len(body)} of {promised} bytes"
    return ""


def _describe(dataset: Dataset, body: bytes, error: Exception) -> str:
    start = body[:200].lstrip()
    if not start:
        return "it is empty"
    if start.startswith(b"<"):
        return "it is a web page and not JSON"
    if not isinstance(error, msgspec.ValidationError):
        return f"it is not complete JSON ({len(body)} bytes)"
    if "missing required field" in str(error):
        return f"it has no {dataset.result_key}"
    return f"it is not an answer of AWS Backup: {scrub(error).replace('`', '')}"
