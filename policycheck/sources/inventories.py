"""Inventories from files: CSV, JSON or YAML that names resources, as people keep them and as AWS's own lists of resources give them.

Forms: a list of ARNs, a list of objects, or an answer of `aws resourcegroupstaggingapi get-resources`, of `aws backup list-protected-resources`, of `aws
configservice select-resource-config` (Results of JSON texts) or of `aws resource-explorer-2 search`; CSV with a header. Every entry is read, or the file is
refused: none is passed over.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from policycheck.errors import EvidenceError, JobFileError, UsageError
from policycheck.inventory import Inventory, InventoryEntry
from policycheck.policy.model import LISTED_INVENTORY
from policycheck.regions import find_region
from policycheck.sources.contents import not_utf8, read_all, read_text
from policycheck.sources.inventory_keys import check_key
from policycheck.sources.inventory_rows import Rows, parse_json, read_rows, spell_key
from policycheck.sources.type_names import find_type, is_service_type, says_several, type_of_arn, types_of_arn
from policycheck.sources.yaml_text import yaml_documents
from policycheck.text import clean_line, truncate

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ARN = re.compile(r"arn:[^:\s]+:[^:\s]+:[^:\s]*:[^:\s]*:.+")
_SEVERAL_ARNS = re.compile(r"[\s,;|]arn:")
_ACCOUNT = re.compile(r"[0-9]{12}")
# Keys are compared by their letters alone: ResourceArn, resource_arn and "Resource ARN" are one.
_KEYS = {
    "arn": "arn", "resourcearn": "arn", "name": "name", "resourcename": "name", "type": "type", "resourcetype": "type", "account": "account",
    "accountid": "account", "awsaccount": "account", "awsaccountid": "account", "owningaccountid": "account", "region": "region", "awsregion": "region",
    "accountname": "account_name", "tags": "tags",
}  # fmt: skip
_TAG_COLUMN = re.compile(r"tags?[.:](.+)", re.IGNORECASE)
_MOST_NAMED = 20
_MOST_WRONG = 5


def read_inventories(arguments: Sequence[str]) -> dict[str, Inventory]:
    """The inventories that `NAME=PATH` arguments name.

    Raises:
        UsageError: not NAME=PATH, or a name given twice.
        EvidenceError: a file that is unreadable, incomplete, empty, or no inventory.
    """
    return {name: read_inventory(name, path) for name, path in split_arguments(arguments)}


def split_arguments(arguments: Sequence[str]) -> list[tuple[str, str]]:
    """The names and paths that `NAME=PATH` arguments say; raises UsageError where one says something else, or a name is given twice."""
    found: dict[str, str] = {}
    for argument in arguments:
        name, separator, path = argument.partition("=")
        if not separator or not path or not _NAME.fullmatch(name):
            raise UsageError(f"--inventory takes NAME=PATH, not {clean_line(argument)}", hint="--inventory prod=inventory.csv")
        if name == LISTED_INVENTORY:
            raise UsageError(f"{name} is the name of AWS Backup's own list, so an inventory cannot have it", hint="Give it another name.")
        if name in found:
            raise UsageError(f"the inventory {name} is given twice", hint="Put all of its resources into one file.")
        found[name] = path
    return list(found.items())


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
        found = _read(read_text(content))
    except JobFileError as error:
        # The readers of job lists speak of lists; what is wrong with the file is the same.
        raise EvidenceError(
            f"the inventory {name}: {error.message}".replace("job list", "inventory"), hint=error.hint or _HINT, place=clean_line(path)
        ) from None
    if not found.entries:
        raise EvidenceError(
            f"the inventory {name} is empty: it lists no resource", hint="An empty inventory would let every rule about it pass.", place=clean_line(path)
        )
    return Inventory(name, clean_line(path), found.entries, found.notes)


_HINT = "An inventory is CSV with a header, JSON or YAML: a list of ARNs, or of objects with arn, name, type, account, region, account_name and tags."

_UNENDED = "its last line has no line break: if the file was cut off there, entries are missing"
"""Spreadsheets in the web export whole files like that."""


class _Found(NamedTuple):
    entries: tuple[InventoryEntry, ...]
    notes: tuple[str, ...]


def _read(text: bytes) -> _Found:
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        raise not_utf8(text) from None
    if text.startswith((b"[", b"{")):
        rows = read_rows([parse_json(decoded)], _is_entry)
    elif delimiter := _delimiter(decoded):
        rows = Rows(list(_csv_rows(decoded, delimiter)), () if decoded.endswith(("\n", "\r")) else (_UNENDED,))
    else:
        if decoded.rstrip(" \t") != decoded and decoded.rstrip(" \t").endswith("\n"):
            raise JobFileError("might be cut off: it ends in a line of blanks", hint="Save it again. If it is complete, remove the blanks.")
        rows = read_rows(yaml_documents(text, verbatim=True), _is_entry)
    entries, wrong = [], []
    for number, row in enumerate(rows.rows, 1):
        try:
            entries.append(_entry(row, number))
        except JobFileError as error:
            wrong.append(error)
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        more = f"; and {len(wrong) - _MOST_WRONG:,} more" if len(wrong) > _MOST_WRONG else ""
        told = "; ".join(error.message for error in wrong[:_MOST_WRONG])
        raise JobFileError(f"{len(wrong):,} entries cannot be read: {told}{more}", hint=wrong[0].hint)
    return _without_twins(entries, rows.notes)


def _is_entry(key: str) -> str | None:
    """What a key of an entry is; None where entries have no such key."""
    return _KEYS.get(spell_key(key))


def _without_twins(entries: Iterable[InventoryEntry], notes: Sequence[str]) -> _Found:
    found: dict[tuple[str, str | None, str | None], InventoryEntry] = {}
    twice: dict[str, None] = {}
    for entry in entries:
        key = (entry.arn, entry.account, entry.region)
        if found.setdefault(key, entry) != entry:
            raise JobFileError(f"names {entry.arn} twice with different values")
        if found[key] is not entry:
            twice[entry.arn] = None
    kept = tuple(found.values())
    strange = [entry for entry in kept if entry.resource_type is not None and find_type(entry.resource_type) is None]
    repeated = [f"{arn} is listed more than once, and counted once" for arn in twice]
    unknown = [f"{entry.arn} is of type {entry.resource_type}, which AWS Backup does not use: rules on a type do not select it" for entry in strange]
    return _Found(kept, (*notes, *_capped(repeated, "are listed more than once"), *_capped(unknown, "are of types that AWS Backup does not use")))


def _capped(lines: Sequence[str], rest: str) -> list[str]:
    more = len(lines) - _MOST_NAMED
    return [*lines[:_MOST_NAMED], *([f"and {more:,} more {rest}"] if more > 0 else [])]


def _delimiter(text: str) -> str:
    """What separates the columns of a CSV file, told by a header that has one for the ARN; empty where it is no CSV."""
    line = text.partition("\n")[0].rstrip("\r")
    headers = {delimiter: next(csv.reader([line], delimiter=delimiter), []) for delimiter in ",;\t"}
    # A YAML key `arn:` is no column.
    return next((mark for mark, header in headers.items() if any(_KEYS.get(spell_key(column)) == "arn" and ":" not in column for column in header)), "")


_SWALLOWED = re.compile(r"[\r\n].*\barn:", re.DOTALL)
"""A row inside a cell of the one before."""


def _csv_rows(text: str, delimiter: str) -> Iterator[object]:
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns = [_KEYS.get(spell_key(column), column) for column in reader.fieldnames or []]
    if len(set(columns)) < len(columns):
        raise JobFileError("has a column twice")
    try:
        for row in reader:
            if None in row or None in row.values():
                raise JobFileError(f"has a row of another length than its header, in line {reader.line_num}")
            if any(_SWALLOWED.search(value) for value in row.values()):
                hint = "Look for a quotation mark that opens a cell and is not closed in its line."
                raise JobFileError(f"has an ARN behind a line break in one cell, before line {reader.line_num}: a row may be lost in it", hint=hint)
            # An empty cell says nothing; an empty tag is a tag.
            yield {column: value for column, value in row.items() if value.strip() or _TAG_COLUMN.fullmatch(column)}
    except csv.Error as error:
        raise JobFileError(f"is not a complete CSV file: {error} in line {reader.line_num}") from None


def _entry(row: object, number: int) -> InventoryEntry:
    if isinstance(row, str):
        row = {"arn": row}
    if not isinstance(row, Mapping):
        raise JobFileError(f"entry {number} is neither an ARN nor an object")
    told: dict[str, str] = {}
    tags: dict[str, str] = {}
    check_key(row, number)
    for key, value in row.items():
        column = _TAG_COLUMN.fullmatch(str(key))
        known = _is_entry(str(key))
        if column:
            tags[clean_line(column[1])] = _said(value, number, str(key)) or ""
        elif known == "tags":
            tags |= _tags(value, number)
        elif known and (said := _said(value, number, str(key))) is not None and not _say_the_same(known, told.setdefault(known, said), said):
            raise JobFileError(f"entry {number} has two values for its {known}: {truncate(told[known], 100)} and {truncate(said, 100)}")
    arn = told.get("arn", "")
    if not _ARN.fullmatch(arn):
        raise JobFileError(f"entry {number} has no ARN: {_described(told)}")
    if _SEVERAL_ARNS.search(arn):
        raise JobFileError(f"entry {number} has several ARNs: {truncate(arn, 200)}", hint="Write each into a row of its own.")
    parts = arn.split(":", 5)
    place = f"entry {number} ({truncate(arn, 200)})"
    return InventoryEntry(
        arn, _account(told.get("account"), parts[4], place), _region(told.get("region"), parts[3], place), told.get("name"),
        _type(told.get("type"), parts, place), told.get("account_name"), tags,
    )  # fmt: skip


def _say_the_same(known: str, one: str, other: str) -> bool:
    """Whether two columns of one meaning agree: `EC2` and `AWS::EC2::Instance` are one type."""
    read = {"type": find_type, "region": find_region}.get(known)
    return one == other or (read is not None and read(one) is not None and read(one) == read(other))


def _described(told: Mapping[str, str]) -> str:
    """An entry without an ARN, by what it has."""
    return truncate(told.get("arn") or ", ".join(f"{key} {value}" for key, value in told.items()), 80) or "nothing"


def _account(told: str | None, in_arn: str, place: str) -> str | None:
    """What the column says, else the ARN."""
    said = re.sub(r"[\s-]", "", told) if told else in_arn
    if said and not _ACCOUNT.fullmatch(said):
        raise JobFileError(f"{place}: {truncate(told or in_arn, 40)} is not an account ID of 12 digits (a number loses leading zeros)")
    if said and in_arn and said != in_arn:
        raise JobFileError(f"{place}: the account is {said}, and {in_arn} in the ARN", hint=_CONTRADICTION)
    return said or None


def _region(told: str | None, in_arn: str, place: str) -> str | None:
    said = find_region(told) if told else in_arn
    if said is None or (in_arn and find_region(in_arn) != in_arn):
        hint = "Write the code, such as eu-west-1, or leave it empty: except for S3, the ARN has it."
        raise JobFileError(f"{place}: {truncate(told or in_arn, 60)} is not a Region", hint=hint)
    if said and in_arn and said != in_arn:
        raise JobFileError(f"{place}: the Region is {truncate(told or '', 60)}, and {in_arn} in the ARN", hint=_CONTRADICTION)
    return said or None


def _type(told: str | None, parts: Sequence[str], place: str) -> str | None:
    possible = types_of_arn(parts[2], parts[5])
    if told is None or says_several(told):
        return type_of_arn(parts[2], parts[5])
    said = find_type(told, possible) or (told if is_service_type(told) else None)
    if said is None:
        meant = f"; the ARN says {' or '.join(possible)}" if possible else ""
        hint = "Write the type as AWS Backup does, such as EC2, or leave it empty if the ARN is unambiguous."
        raise JobFileError(f"{place}: {truncate(told, 60)} is not a known resource type{meant}", hint=hint)
    if possible and said not in possible:
        raise JobFileError(f"{place}: the type is {truncate(told, 60)}, and {' or '.join(possible)} by the ARN", hint=_CONTRADICTION)
    return said


_CONTRADICTION = "Correct one of them: it is unknown which resource the entry is for."


def _said(value: object, number: int, key: str) -> str | None:
    """One line of text; None where nothing is said."""
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise JobFileError(f"entry {number}: {clean_line(key)} is not a text")
    return clean_line(value) or None


def _tags(value: object, number: int) -> dict[str, str]:
    """{name: value}, or AWS's [{Key, Value}]."""
    if isinstance(value, Mapping):
        return {clean_line(str(key)): _said(item, number, "a tag") or "" for key, item in value.items()}
    if not isinstance(value, list):
        raise JobFileError(f"entry {number}: tags are neither an object nor a list of Key and Value")
    found: dict[str, str] = {}
    for item in value:
        pair = {spell_key(str(key)): tag for key, tag in item.items()} if isinstance(item, Mapping) else {}
        if "key" not in pair:
            raise JobFileError(f"entry {number}: a tag has no Key")
        found[_said(pair["key"], number, "a tag") or ""] = _said(pair.get("value"), number, "a tag") or ""
    return found
