"""Inventories from files: CSV, JSON or YAML that names resources, as people keep them and as AWS's own lists of resources give them.

Forms: a list of ARNs, a list of objects, or an answer of `aws resourcegroupstaggingapi get-resources` (ResourceTagMappingList), of
`aws backup list-protected-resources` (Results) or of `aws configservice select-resource-config` (Results of JSON texts); CSV with a header.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from policycheck.errors import EvidenceError, JobFileError, UsageError
from policycheck.inventory import Inventory, InventoryEntry
from policycheck.sources.contents import not_utf8, read_all, read_text
from policycheck.sources.yaml_text import yaml_documents
from policycheck.text import clean_line, truncate

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ARN = re.compile(r"arn:[^:\s]+:[^:\s]+:[^:\s]*:[^:\s]*:.+")
_ACCOUNT = re.compile(r"[0-9]{12}")
_LISTS = ("ResourceTagMappingList", "Results", "Resources", "resources")
_TOKENS = ("paginationtoken", "nexttoken")
# Keys are compared by their letters alone: ResourceArn, resource_arn and "Resource ARN" are one.
_KEYS = {
    "arn": "arn", "resourcearn": "arn", "name": "name", "resourcename": "name", "type": "type", "resourcetype": "type", "account": "account",
    "accountid": "account", "region": "region", "awsregion": "region", "accountname": "account_name", "tags": "tags",
}  # fmt: skip
_TAG_COLUMN = re.compile(r"tags?[.:](.+)", re.IGNORECASE)

_CONFIG_TYPES = {
    "AWS::EC2::Instance": "EC2", "AWS::EC2::Volume": "EBS", "AWS::RDS::DBInstance": "RDS", "AWS::DynamoDB::Table": "DynamoDB", "AWS::S3::Bucket": "S3",
    "AWS::EFS::FileSystem": "EFS", "AWS::FSx::FileSystem": "FSx", "AWS::CloudFormation::Stack": "CloudFormation",
}  # fmt: skip
"""Types as AWS Config spells them; a DBCluster may be Aurora, DocumentDB or Neptune, and is none of them for sure."""
_ARN_TYPES = (
    ("ec2", "instance/", "EC2"), ("ec2", "volume/", "EBS"), ("rds", "db:", "RDS"), ("dynamodb", "table/", "DynamoDB"),
    ("elasticfilesystem", "file-system/", "EFS"), ("fsx", "file-system/", "FSx"), ("s3", "", "S3"), ("cloudformation", "stack/", "CloudFormation"),
)  # fmt: skip
"""Service and start of the resource in ARNs that can be of one type alone (Service Authorization Reference)."""


def read_inventories(arguments: Sequence[str]) -> dict[str, Inventory]:
    """The inventories that `NAME=PATH` arguments name.

    Raises:
        UsageError: not NAME=PATH, or a name given twice.
        EvidenceError: a file that is unreadable, incomplete, empty, or no inventory.
    """
    inventories: dict[str, Inventory] = {}
    for argument in arguments:
        name, separator, path = argument.partition("=")
        if not separator or not path or not _NAME.fullmatch(name):
            raise UsageError(f"--inventory takes NAME=PATH, not {clean_line(argument)}", hint="--inventory prod=inventory.csv")
        if name in inventories:
            raise UsageError(f"the inventory {name} is given twice", hint="Put all of its resources into one file.")
        inventories[name] = read_inventory(name, path)
    return inventories


def read_inventory(name: str, path: str) -> Inventory:
    """The inventory in a file. Raises EvidenceError."""
    try:
        with Path(path).open("rb") as stream:
            content = read_all(stream)
    except OSError as error:
        raise EvidenceError(f"cannot read the inventory: {error.strerror or error}", place=clean_line(path)) from None
    except JobFileError as error:
        raise EvidenceError(f"the inventory {name}: {error.message}", hint=error.hint, place=clean_line(path)) from None
    return parse_inventory(name, path, content)


def parse_inventory(name: str, path: str, content: bytes) -> Inventory:
    """The inventory in these bytes, read from `path`. Raises EvidenceError."""
    try:
        entries = _entries(read_text(content))
    except JobFileError as error:
        # The readers of job lists speak of lists; what is wrong with the file is the same.
        raise EvidenceError(f"the inventory {name}: {error.message}".replace("job list", "inventory"), hint=_HINT, place=clean_line(path)) from None
    if not entries:
        raise EvidenceError(
            f"the inventory {name} is empty: it lists no resource", hint="An empty inventory would let every rule about it pass.", place=clean_line(path)
        )
    return Inventory(name, clean_line(path), entries)


_HINT = "An inventory is CSV with a header, JSON or YAML: a list of ARNs, or of objects with arn, name, type, account, region, account_name and tags."


def _entries(text: bytes) -> tuple[InventoryEntry, ...]:
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        raise not_utf8(text) from None
    if text.startswith((b"[", b"{")):
        rows = _rows(_parse_json(decoded))
    elif delimiter := _delimiter(decoded):
        rows = _csv_rows(decoded, delimiter)
    else:
        rows = (row for document in yaml_documents(text, verbatim=True) for row in _rows(document))
    found: dict[tuple[str, str | None, str | None], InventoryEntry] = {}
    for number, row in enumerate(rows, 1):
        entry = _entry(row, number)
        twin = found.setdefault((entry.arn, entry.account, entry.region), entry)
        if twin != entry:
            raise JobFileError(f"names {entry.arn} twice and says different things of it")
    return tuple(found.values())


def _parse_json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise JobFileError("is nested too deeply") from None
    except ValueError as error:
        raise JobFileError(f"is no whole JSON document: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return made


def _delimiter(text: str) -> str:
    """What separates the columns of a CSV file, told by a header that has one for the ARN; empty where it is no CSV."""
    line = text.partition("\n")[0].rstrip("\r")
    headers = {delimiter: next(csv.reader([line], delimiter=delimiter), []) for delimiter in ",;\t"}
    # A YAML key `arn:` is no column.
    return next((mark for mark, header in headers.items() if any(_KEYS.get(_letters(column)) == "arn" and ":" not in column for column in header)), "")


def _csv_rows(text: str, delimiter: str) -> Iterator[object]:
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns = [_KEYS.get(_letters(column), column) for column in reader.fieldnames or []]
    if len(set(columns)) < len(columns):
        raise JobFileError("has a column twice")
    try:
        for row in reader:
            if None in row or None in row.values():
                raise JobFileError(f"has a row of another length than its header, in line {reader.line_num}")
            # An empty cell says nothing; an empty tag is a tag.
            yield {column: value for column, value in row.items() if value.strip() or _TAG_COLUMN.fullmatch(column)}
    except csv.Error as error:
        raise JobFileError(f"is no whole CSV file: {error} in line {reader.line_num}") from None


def _rows(document: object) -> Iterable[object]:
    if isinstance(document, Mapping):
        for name, value in document.items():
            letters = _letters(str(name))
            if letters in _TOKENS and value:
                raise JobFileError(f"is incomplete: it has a {clean_line(str(name))}, so more pages follow")
            # YAML is read as text.
            if letters == "istruncated" and str(value).lower() not in {"", "false", "none", "null"}:
                raise JobFileError(f"is incomplete: it has {clean_line(str(name))}: {truncate(clean_line(str(value)), 40)}, so more pages follow")
        key = next((key for key in _LISTS if key in document), None)
        return _rows(document[key]) if key else [document]
    if not isinstance(document, list):
        raise JobFileError("is neither a list of resources nor an object with one")
    return document


def _entry(row: object, number: int) -> InventoryEntry:
    if isinstance(row, str) and row.lstrip().startswith("{"):
        row = _parse_json(row)
    if isinstance(row, str):
        row = {"arn": row}
    if not isinstance(row, Mapping):
        raise JobFileError(f"entry {number} is neither an ARN nor an object")
    told: dict[str, Any] = {}
    tags: dict[str, str] = {}
    for key, value in row.items():
        column = _TAG_COLUMN.fullmatch(str(key))
        known = _KEYS.get(_letters(str(key)))
        if column:
            tags[clean_line(column[1])] = _said(value, number, str(key)) or ""
        elif known == "tags":
            tags |= _tags(value, number)
        elif known:
            told[known] = _said(value, number, str(key))
    arn = told.get("arn") or ""
    if not _ARN.fullmatch(arn):
        raise JobFileError(f"entry {number} has no ARN: {truncate(arn, 80) or 'nothing'}")
    parts = arn.split(":", 5)
    account = told.get("account") or parts[4] or None
    if account is not None and not _ACCOUNT.fullmatch(account):
        raise JobFileError(f"entry {number}: {truncate(account, 40)} is no account id of 12 digits (as a number it loses leading zeros)")
    kind = told.get("type")
    resource_type = (_CONFIG_TYPES.get(kind) if kind.startswith("AWS::") else kind) if kind else _arn_type(parts)
    return InventoryEntry(arn, account, told.get("region") or parts[3] or None, told.get("name"), resource_type, told.get("account_name"), tags)


def _said(value: object, number: int, key: str) -> str | None:
    """One line of text; None where nothing is said."""
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise JobFileError(f"entry {number}: {clean_line(key)} is no text")
    return clean_line(value) or None


def _tags(value: object, number: int) -> dict[str, str]:
    """{name: value}, or AWS's [{Key, Value}]."""
    if isinstance(value, Mapping):
        return {clean_line(str(key)): _said(item, number, "a tag") or "" for key, item in value.items()}
    if not isinstance(value, list):
        raise JobFileError(f"entry {number}: tags are neither an object nor a list of Key and Value")
    found: dict[str, str] = {}
    for item in value:
        pair = {_letters(str(key)): tag for key, tag in item.items()} if isinstance(item, Mapping) else {}
        if "key" not in pair:
            raise JobFileError(f"entry {number}: a tag has no Key")
        found[_said(pair["key"], number, "a tag") or ""] = _said(pair.get("value"), number, "a tag") or ""
    return found


def _letters(key: str) -> str:
    return re.sub(r"[\s_-]", "", key).lower()


def _arn_type(parts: Sequence[str]) -> str | None:
    return next((kind for service, start, kind in _ARN_TYPES if parts[2] == service and parts[5].startswith(start)), None)
