"""`--output yaml`: one document of the whole list. `--output yaml-stream`: a list of one answer for each page, written as it arrives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import StringIO
from typing import IO, Any

from policycheck.listing.forms.interface import Buffered, Layout, Writer


def write_yaml(layout: Layout, sink: IO[bytes]) -> Writer:
    """The writer of YAML."""
    return _Yaml(layout, sink)


def write_yaml_stream(layout: Layout, sink: IO[bytes]) -> Writer:
    """The writer of a stream of YAML answers."""
    return _Stream(layout, sink)


class _Yaml(Buffered):
    def show(self, document: Any) -> None:
        if document != {}:
            self.sink.write(dump(document))


class _Stream:
    def __init__(self, layout: Layout, sink: IO[bytes]) -> None:
        self._layout, self._sink = layout, sink

    def write(self, records: list[Any], token: str | None) -> None:
        found = self._layout.search(self._layout.document(records, token))
        if self._layout.paginated or found != {}:
            self._sink.write(dump([found]))

    def finish(self, token: str | None, more: Mapping[str, object]) -> None:
        """Nothing: each answer has its own token. The token of --max-items is not part of the AWS CLI's stream either."""


def dump(value: Any) -> bytes:
    """YAML in block style; of a scalar, JSON."""
    from ruamel.yaml import YAML

    if not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False).encode(errors="replace") + b"\n"
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    stream = StringIO()
    yaml.dump(value, stream)
    return stream.getvalue().encode(errors="replace")
