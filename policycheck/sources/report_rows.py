"""The rows of AWS Backup's reports, from JSON and CSV, each with its place in the file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from policycheck.errors import JobFileError
from policycheck.sources.completeness import has_content, refuse_incomplete
from policycheck.sources.contents import not_utf8
from policycheck.sources.json_text import Repeated, items, json_documents, members, parse
from policycheck.sources.members import letters
from policycheck.sources.report_columns import OTHER_REPORTS, PERIOD, PERIOD_END, PERIOD_START, STATE, ids_by_column
from policycheck.text import clean_line, truncate

ITEMS = "reportItems"
AGAIN = "copy or download the report again, and do not change it"
_JSON = re.compile(rb'\{\s*"(?:reportItems|reportTimePeriod(?:Start)?)"\s*:')
_HEADER = 8192
"""Bytes of a text in which its first line ends, if that is the header of a report."""


@dataclass(slots=True)
class Row:
    """One job, as a report has it."""

    place: str
    """`line 7`, or `item 3`."""
    values: Mapping[str, Any]
    """By the letters of the column."""
    names: Mapping[str, str]
    """The columns as they are written, by their letters."""
    cut: str = ""
    """The letters of the column whose value may have lost its end."""


@dataclass(slots=True)
class Rows:
    """All of a file."""

    columns: dict[str, str] = field(default_factory=dict)
    """By their letters, as they are written first."""
    found: list[Row] = field(default_factory=list)


def is_report(text: bytes) -> bool:
    """Whether this is a report of AWS Backup Audit Manager: JSON that begins with its items, or CSV with its columns."""
    if text.startswith(b"{"):
        return _JSON.match(text) is not None
    if text.startswith(b"[") or b"," not in text[:_HEADER]:
        return False
    columns = {letters(name) for name in _header(text)}
    of_jobs = STATE in columns and not columns.isdisjoint(ids_by_column()) and not columns.isdisjoint((PERIOD, PERIOD_START, PERIOD_END))
    return of_jobs or not columns.isdisjoint(OTHER_REPORTS)


def read_rows(text: bytes) -> tuple[str, Rows]:
    """The form of a report, JSON or CSV, and its rows.

    Raises:
        JobFileError: cut off or damaged, or incomplete by what it says of itself.
    """
    try:
        return ("JSON", _json_rows(text)) if text.startswith(b"{") else ("CSV", _csv_rows(text))
    except UnicodeDecodeError:
        raise not_utf8(text) from None
    except RecursionError:
        raise JobFileError("is nested too deeply to be a job report") from None


def _header(text: bytes) -> list[str]:
    first = text[:_HEADER].split(b"\n", 1)[0]
    try:
        return next(csv.reader([first.decode()], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def _csv_rows(text: bytes) -> Rows:
    lines = csv.reader(io.StringIO(text.decode(), newline=""), strict=True)
    rows = Rows()
    start = 1
    try:
        header = next(lines)
        rows.columns = _columns(header, "line 1")
        keys = list(rows.columns)
        for cells in lines:
            place, start = f"line {start + 1}", lines.line_num
            if not cells:
                continue
            if len(cells) != len(header):
                problem = f"{place} has {len(cells)} of {len(header)} columns: the file was cut off, or a comma in it is not quoted"
                raise JobFileError(f"is damaged: {problem}" if len(cells) > len(header) else f"is cut off: {problem}", hint=AGAIN)
            values = {key: None if cell in ("", "null") else cell for key, cell in zip(keys, cells, strict=True)}
            rows.found.append(Row(place, values, rows.columns))
    except csv.Error as error:
        ended = "unexpected end of data" in str(error)
        what = "is cut off: a text in quotes does not end" if ended else f"is not CSV: {error}"
        raise JobFileError(f"{what} (line {start + 1})", hint=AGAIN) from None
    # A line break shows that the last text is whole; a quotation mark may be the first of two, which stand for one.
    if rows.found and not text.endswith((b"\n", b"\r")):
        rows.found[-1].cut = keys[-1]
    return rows


def _columns(header: Sequence[str], place: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in header:
        if letters(name) in found:
            raise JobFileError(f"has the column {truncate(clean_line(name), 60)} twice ({place})", hint=AGAIN)
        found[letters(name)] = truncate(clean_line(name), 60)
    return found


def _json_rows(text: bytes) -> Rows:
    rows = Rows()
    known: dict[tuple[str, ...], dict[str, str]] = {}
    for document in json_documents(text):
        for number, item in enumerate(_items(document)):
            place, fields = f"item {number}", parse(item)
            if not isinstance(fields, dict):
                raise JobFileError(f"is not a job report: {place} is not an object", hint=AGAIN)
            if isinstance(fields, Repeated):
                raise JobFileError(f"has {truncate(clean_line(fields.member), 60)} twice in {place}", hint=AGAIN)
            # Items mostly have the same fields in the same order.
            if (names := known.get(tuple(fields))) is None:
                names = known[tuple(fields)] = _columns(list(fields), place)
                rows.columns = {**names, **rows.columns}
            rows.found.append(Row(place, {key: None if value == "" else value for key, value in zip(names, fields.values(), strict=True)}, names))
    return rows


def _items(document: object) -> list[object]:
    answer = members(document) if isinstance(document, msgspec.Raw | dict) else {}
    if isinstance(answer, Repeated):
        raise JobFileError(f"has {truncate(clean_line(answer.member), 60)} more than once", hint=AGAIN)
    if ITEMS not in answer:
        return [document]
    found = items(answer[ITEMS])
    if found is None:
        raise JobFileError(f"is not a job report: {ITEMS} is not a list", hint=AGAIN)
    if has_content(parse(answer.get("NextToken"))):
        raise JobFileError("is incomplete: it has a NextToken, so the report continues", hint=AGAIN)
    refuse_incomplete({key: value for key, value in answer.items() if key != ITEMS}, "")
    return found
