"""`--output table`: boxes of headers and rows, nested ones below their record, as wide as the widest: the AWS CLI's form."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from policycheck.errors import UsageError
from policycheck.listing.forms.interface import Buffered, Layout, Writer

_PADDING = 4
_CELL, _EDGE, _RESET = "\x1b[1m\x1b[34m", "\x1b[2m\x1b[33m", "\x1b[0m"


def write_table(layout: Layout, sink: IO[bytes]) -> Writer:
    """The writer of tables."""
    return _Table(layout, sink)


class _Table(Buffered):
    def show(self, document: Any) -> None:
        sections = list(_sections(self.layout.title, self.layout.clean(document), 0))
        if sections:
            self.sink.write("".join(f"{line}\n" for line in _render(sections, self.layout)).encode(errors="replace"))


@dataclass(slots=True)
class _Section:
    title: str
    indent: int
    headers: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def add(self, row: Sequence[Any]) -> None:
        if self.rows and len(self.rows[0]) != len(row):
            raise UsageError("--output table: the rows have different numbers of cells", hint="Change --query, or take --output text.")
        self.rows.append(list(map(str, row)))

    @property
    def lines(self) -> list[list[str]]:
        return [self.headers, *self.rows] if self.headers else self.rows

    def widths(self) -> list[int]:
        """Of each column, the widest cell."""
        return [max(map(_width, column)) for column in zip(*self.lines, strict=True)]

    def width(self) -> int:
        """With padding, borders and the borders of what it is in."""
        return max(_width(self.title), sum(width + _PADDING for width in self.widths())) + 2 + 2 * self.indent

    def turned(self) -> _Section:
        """A section of one row with its headers to the left; any other as it is."""
        if len(self.rows) != 1 or not self.headers:
            return self
        return _Section(self.title, self.indent, [], [list(pair) for pair in zip(self.headers, self.rows[0], strict=True)])


def _is_scalar(value: object) -> bool:
    return not isinstance(value, (dict, list))


def _sections(title: str, value: Any, indent: int) -> Iterator[_Section]:
    """The sections of a value, outer ones first; none of an empty one."""
    if not value:
        return
    section = _Section(title, indent)
    match value:
        case dict():
            yield from _dict_sections(section, value)
        case [dict(), *_]:
            yield from _list_sections(section, value)
        case list():
            yield from _bare_sections(section, value)
        case _:
            yield section


def _dict_sections(section: _Section, value: dict[str, Any]) -> Iterator[_Section]:
    scalars = sorted(key for key, item in value.items() if _is_scalar(item))
    if len(scalars) == 1:
        section.add([scalars[0], value[scalars[0]]])
    elif scalars:
        section.headers = scalars
        section.add([value[key] for key in scalars])
    yield section
    for key in sorted(value.keys() - set(scalars)):
        yield from _sections(key, value[key], section.indent + 1)


def _list_sections(section: _Section, items: list[Any]) -> Iterator[_Section]:
    """Records side by side; where some hold more than cells, a section for each record, with what it holds below."""
    records = [item for item in items if isinstance(item, dict)]
    if len(records) != len(items):
        raise UsageError("--output table: the list holds objects and other values", hint="Change --query, or take --output text.")
    headers = sorted({key for record in records for key, item in record.items() if _is_scalar(item)})
    nested = sorted({key for record in records for key, item in record.items() if not _is_scalar(item)})
    section.headers = headers
    for number, record in enumerate(records):
        if number and nested:
            section = _Section(section.title, section.indent, headers)
        section.add([record.get(header, "") for header in headers])
        if nested:
            yield section
            for key in nested:
                if key in record:
                    yield from _sections(key, record[key], section.indent + 1)
    if not nested:
        yield section


def _bare_sections(section: _Section, items: list[Any]) -> Iterator[_Section]:
    for item in items:
        if _is_scalar(item):
            section.add([item])
        elif isinstance(item, list) and all(map(_is_scalar, item)):
            section.add(item)
        else:
            for inner in item if isinstance(item, list) else [item]:
                section.add(inner if isinstance(inner, list) else [inner])
    yield section


# --- drawing ---


def _width(text: str) -> int:
    """Columns of a terminal: East Asian wide, full-width and ambiguous characters take two."""
    return len(text) if text.isascii() else sum(2 if unicodedata.east_asian_width(character) in "WFA" else 1 for character in text)


def _render(sections: list[_Section], layout: Layout) -> Iterator[str]:
    widest = max(section.width() for section in sections)
    if widest > layout.width:
        sections = [section.turned() for section in sections]
        widest = max(section.width() for section in sections)
    yield "-" * widest
    for section in sections:
        edge = (f"{_EDGE}|{_RESET}" if layout.color else "|") * section.indent
        for line in _draw(section, widest - 2 * section.indent, layout):
            yield f"{edge}{line}{edge}"


def _draw(section: _Section, width: int, layout: Layout) -> Iterator[str]:
    if section.title:
        yield _centered(section.title, width, "|")
        if not section.lines:
            yield f"+{'-' * (width - 2)}+"
    widths = _scaled([column + _PADDING for column in section.widths()], width)
    if not widths:
        return
    rule = "".join(f"+{'-' * (column - 2)}+" if not number else f"{'-' * (column - 1)}+" for number, column in enumerate(widths))
    if section.headers:
        yield rule
        yield "".join(_centered(header, column, "" if number else "|") for number, (column, header) in enumerate(zip(widths, section.headers, strict=True)))
    yield rule
    for row in section.rows:
        yield "".join(_cell(text, column, "" if number else "|", layout.color) for number, (column, text) in enumerate(zip(widths, row, strict=True)))
    yield rule


def _scaled(widths: list[int], total: int) -> list[int]:
    """The widths in proportion, their sum `total`."""
    if not widths:
        return []
    factor = total / sum(widths)
    scaled = [round(factor * width) for width in widths]
    off = sum(scaled) - total
    step = -1 if off > 0 else 1
    order = range(len(scaled)) if off > 0 else range(len(scaled) - 1, -1, -1)
    while off:
        for index in order:
            if not off:
                break
            scaled[index] += step
            off += step
    return scaled


def _centered(text: str, width: int, left: str) -> str:
    before = width // 2 - _width(text) // 2 - 1
    filled = left + " " * before + text
    return filled + " " * (width - 1 - _width(filled)) + "|"


def _cell(text: str, width: int, left: str, color: bool) -> str:
    padding = 2 if width - (_width(text) + 2 + len(left) + 1) >= 0 else 0
    after = " " * (width - len(left) - padding - _width(text) - 1)
    return f"{left}{' ' * padding}{f'{_CELL}{text}{_RESET}' if color else text}{after}|"
