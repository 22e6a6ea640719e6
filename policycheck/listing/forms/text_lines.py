"""`--output text`: tab-separated lines, a page at a time, each page with the columns its own records have: the AWS CLI's form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from policycheck.listing.forms.interface import Layout, Writer


def write_text(layout: Layout, sink: IO[bytes]) -> Writer:
    """The writer of text."""
    return _Text(layout, sink)


class _Text:
    def __init__(self, layout: Layout, sink: IO[bytes]) -> None:
        self._layout, self._sink = layout, sink
        self._answer: list[Any] = []

    def write(self, records: list[Any], token: str | None) -> None:
        if self._layout.paginated:
            self._show(self._layout.document(records, None))
        else:
            self._answer = records

    def finish(self, token: str | None, more: Mapping[str, object]) -> None:
        if not self._layout.paginated:
            self._show(self._layout.document(self._answer, token))
        elif token is not None:
            self._show({self._layout.token_key: {self._layout.token_key: token}})

    def _show(self, document: Any) -> None:
        found = self._layout.clean(self._layout.search(document))
        self._sink.write("".join(f"{line}\n" for line in lines(found)).encode(errors="replace"))


def lines(value: Any, name: str | None = None, columns: list[str] | None = None) -> Iterator[str]:
    """The lines of a value; `name` is the key it stands under, `columns` those of the list it is in."""
    match value:
        case dict():
            yield from _dict_lines(value, name, columns)
        case list():
            yield from _list_lines(value, name)
        case _:
            yield str(value)


def _is_nested(value: object) -> bool:
    return isinstance(value, (dict, list))


def _dict_lines(value: dict[str, Any], name: str | None, columns: list[str] | None) -> Iterator[str]:
    if columns is None:
        cells = [str(item) for _, item in sorted(value.items()) if not _is_nested(item)]
        nested = [key for key, item in sorted(value.items()) if _is_nested(item)]
    else:
        cells = [str(value.get(column, "")) for column in columns]
        nested = sorted(value.keys() - set(columns))
    if cells:
        yield "\t".join(cells if name is None else [name.upper(), *cells])
    for key in nested:
        yield from lines(value[key], key)


def _list_lines(value: list[Any], name: str | None) -> Iterator[str]:
    if any(isinstance(item, dict) for item in value):
        columns = sorted({key for item in value if isinstance(item, dict) for key, cell in item.items() if not _is_nested(cell)})
        for item in value:
            yield from lines(item, name, columns)
        return
    scalars = [item for item in value if not _is_nested(item)]
    if scalars:
        yield from _scalar_lines(scalars, name)
    for item in value:
        if _is_nested(item):
            yield from lines(item, name)


def _scalar_lines(value: Iterable[Any], name: str | None) -> Iterator[str]:
    if name is None:
        yield "\t".join(map(str, value))
    else:
        yield from (f"{name.upper()}\t{item}" for item in value)
