"""The forms in which people save lists: how each is written, and what an independent reader finds in a part of it."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from assurance.matrix.documents import encode, plain, stated
from assurance.matrix.organization import Record
from policycheck.datasets import DATASETS

Reader = Callable[[bytes, str], Sequence[Any] | None]
"""The records in what is left of a text; None where it shows that it is incomplete."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a saved list."""

    write: Callable[[str, Sequence[Record]], bytes]
    read: Reader
    covered: bool = False
    """Whether it states its coverage."""
    unclosed: bool = False
    """Whether its last record may have been cut off unseen."""
    beside: Callable[[bytes, str, Sequence[Record]], bytes] | None = None
    """The statement of coverage that lies beside the list."""


def _nothing(_text: bytes, _dataset: str) -> None:
    """Of a text that shows that it is incomplete wherever it is cut."""


def _as_json(dataset: str, records: Sequence[Record]) -> bytes:
    return encode(plain(dataset, records))


def _as_stated(dataset: str, records: Sequence[Record]) -> bytes:
    return encode(stated(dataset, records))


def _compactly(dataset: str, records: Sequence[Record]) -> bytes:
    return json.dumps(plain(dataset, records), separators=(",", ":")).encode()


def _as_lines(_: str, records: Sequence[Record]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def _read_lines(text: bytes, _: str) -> Sequence[Any] | None:
    try:
        return [json.loads(line) for line in text.splitlines()]
    except ValueError:
        return None


def _as_yaml(dataset: str, records: Sequence[Record]) -> bytes:
    """As the AWS CLI: members sorted, times as text."""
    stream = io.BytesIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.width = 10_000
    writer.dump(plain(dataset, records), stream)
    return stream.getvalue()


def _read_yaml(text: bytes, dataset: str) -> Sequence[Any] | None:
    try:
        found = YAML(typ="safe").load(text.decode())
    except YAMLError:
        return None
    records = found.get(DATASETS[dataset].result_key) if isinstance(found, dict) else None
    return records if isinstance(records, list) and all(isinstance(record, dict) for record in records) else None


def _as_text(_: str, records: Sequence[Record]) -> bytes:
    return b"".join(("BACKUPJOBS\t" + "\t".join(str(value) for value in record.values()) + "\n").encode() for record in records)


def _as_table(_: str, records: Sequence[Record]) -> bytes:
    rows = [f"|  {name:<24}|  {value!s:<60}|\n" for record in records for name, value in record.items()]
    return ("-" * 92 + "\n" + "".join(rows)).encode()


def _as_csv(_: str, records: Sequence[Record]) -> bytes:
    stream = io.StringIO()
    names = sorted({name for record in records for name in record})
    writer = csv.DictWriter(stream, names)
    writer.writeheader()
    writer.writerows(records)
    return stream.getvalue().encode()


def _as_parquet(_: str, records: Sequence[Record]) -> bytes:
    import polars as pl

    stream = io.BytesIO()
    pl.DataFrame([{name: str(value) for name, value in record.items()} for record in records], infer_schema_length=None).write_parquet(stream)
    return stream.getvalue()


def _state_beside(text: bytes, dataset: str, records: Sequence[Record]) -> bytes:
    coverage = stated(dataset, records)["Coverage"]
    return json.dumps({**coverage, "digest": f"sha256:{hashlib.sha256(text).hexdigest()}"}).encode()


FORMS: Mapping[str, Form] = {
    "JSON": Form(_as_json, _nothing),
    "JSON on one line": Form(_compactly, _nothing),
    "JSON with its coverage": Form(_as_stated, _nothing, covered=True),
    "JSON with its coverage beside it": Form(_as_json, _nothing, covered=True, beside=_state_beside),
    "JSON lines": Form(_as_lines, _read_lines),
    "JSON with a byte-order mark": Form(lambda dataset, records: b"\xef\xbb\xbf" + _as_json(dataset, records), _nothing),
    "JSON in UTF-16": Form(lambda dataset, records: _as_json(dataset, records).decode().encode("utf-16"), _nothing),
    "JSON in gzip": Form(lambda dataset, records: gzip.compress(_as_json(dataset, records), mtime=0), _nothing),
    "JSON with its coverage in gzip": Form(lambda dataset, records: gzip.compress(_as_stated(dataset, records), mtime=0), _nothing, covered=True),
    "JSON lines in gzip": Form(lambda dataset, records: gzip.compress(_as_lines(dataset, records), mtime=0), _nothing),
    "YAML": Form(_as_yaml, _read_yaml, unclosed=True),
    "YAML in gzip": Form(lambda dataset, records: gzip.compress(_as_yaml(dataset, records), mtime=0), _nothing),
    "text": Form(_as_text, _nothing),
    "table": Form(_as_table, _nothing),
    "CSV": Form(_as_csv, _nothing),
    "Parquet": Form(_as_parquet, _nothing),
}
"""By name. Text, tables, CSV and Parquet are no forms that policycheck reads: it refuses them, whole or cut."""
