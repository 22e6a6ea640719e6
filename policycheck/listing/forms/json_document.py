"""`--output json`: one document, indented by four. Without --query it is written page by page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import msgspec

from policycheck.listing.forms.interface import Buffered, Layout, Writer
from policycheck.text import escape_json

_ENCODER = msgspec.json.Encoder()


def write_json(layout: Layout, sink: IO[bytes]) -> Writer:
    """The writer of JSON."""
    return _Streamed(layout, sink) if layout.query is None else _Queried(layout, sink)


def _format(value: object, layout: Layout) -> bytes:
    formatted = msgspec.json.format(_ENCODER.encode(value), indent=4)
    return escape_json(formatted.decode()).encode() if layout.terminal else formatted


class _Queried(Buffered):
    def show(self, document: Any) -> None:
        # The AWS CLI prints nothing for an empty object.
        if document != {}:
            self.sink.write(_format(document, self.layout) + b"\n")


class _Streamed:
    def __init__(self, layout: Layout, sink: IO[bytes]) -> None:
        self._layout, self._sink = layout, sink
        self._empty = True
        sink.write(b'{\n    "%s": [' % layout.result_key.encode())
        # A page is formatted as the document it would be by itself; what stands around its records is cut off.
        self._head = len(_format({layout.result_key: [0]}, layout).partition(b"[")[0]) + 1

    def write(self, records: list[Any], token: str | None) -> None:
        if not records:
            return
        self._sink.write((b"" if self._empty else b",") + _format({self._layout.result_key: records}, self._layout)[self._head : -len(b"\n    ]\n}")])
        self._empty = False

    def finish(self, token: str | None, more: Mapping[str, object]) -> None:
        self._sink.write(b"]" if self._empty else b"\n    ]")
        members = {**({} if token is None else {self._layout.token_key: token}), **more}
        if members:
            self._sink.write(b"," + _format(members, self._layout)[1:-2])
        self._sink.write(b"\n}\n")
