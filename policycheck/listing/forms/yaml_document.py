"""`--output yaml`: one document of the whole list. `--output yaml-stream`: a list of one answer for each page, written as it arrives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from io import StringIO
from typing import IO, Any

from policycheck.listing.forms.interface import Buffered, Layout, Writer
from policycheck.text import clean


def write_yaml(layout: Layout, sink: IO[bytes]) -> Writer:
    """The writer of YAML."""
    return _Yaml(layout, sink)


def write_yaml_stream(layout: Layout, sink: IO[bytes]) -> Writer:
    """The writer of a stream of YAML answers."""
    return _Stream(layout, sink)


class _Yaml(Buffered):
    def show(self, document: Any) -> None:
        if document != {}:
            self.sink.write(_encode(document, self.layout))


class _Stream:
    def __init__(self, layout: Layout, sink: IO[bytes]) -> None:
        self._layout, self._sink = layout, sink

    def write(self, records: list[Any], token: str | None) -> None:
        found = self._layout.search(self._layout.document(records, token))
        if self._layout.paginated or found != {}:
            self._sink.write(_encode([found], self._layout))

    def finish(self, token: str | None, more: Mapping[str, object]) -> None:
        """Nothing: each answer has its own token. The token of --max-items is not part of the AWS CLI's stream either."""


def _encode(value: Any, layout: Layout) -> bytes:
    text = dump(value)
    # YAML escapes control characters, but not those that hide or reorder text.
    return (clean(text) if layout.terminal else text).encode(errors="replace")


def dump(value: Any) -> str:
    """YAML in block style, as libyaml writes it for the AWS CLI 2; of a scalar, JSON."""
    if not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False) + "\n"
    try:
        return _dump(value, pure=False)
    except UnicodeEncodeError:
        # libyaml takes no lone surrogate, which only a literal in --query can hold. The emitter in Python escapes it.
        return _dump(value, pure=True)


def _dump(value: Any, *, pure: bool) -> str:
    from ruamel.yaml import YAML

    yaml: Any = YAML(typ="safe", pure=pure)
    yaml.default_flow_style = False
    yaml.encoding = None
    yaml.Representer = _representer()
    # Closed, because the library's dumper holds the stream, and itself until the next collection of garbage.
    with StringIO() as stream:
        yaml.dump(value, stream)
        return stream.getvalue()


@cache
def _representer() -> type[Any]:
    """The library's representer, with one tag for all nodes of a kind: it would make one for each, which takes more than half of the time."""
    from ruamel.yaml.representer import SafeRepresenter
    from ruamel.yaml.tag import Tag

    @cache
    def tag_of(name: str) -> Any:
        return Tag(suffix=name)

    class Representer(SafeRepresenter):
        def represent_scalar(self, tag: Any, value: Any, style: Any = None, anchor: Any = None) -> Any:
            return super().represent_scalar(tag_of(tag), value, style, anchor)

        def represent_sequence(self, tag: Any, sequence: Any, flow_style: Any = None) -> Any:
            return super().represent_sequence(tag_of(tag), sequence, flow_style)

        def represent_mapping(self, tag: Any, mapping: Any, flow_style: Any = None) -> Any:
            return super().represent_mapping(tag_of(tag), mapping, flow_style)

    return Representer
