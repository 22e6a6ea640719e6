"""The list of accounts to read (`--accounts FILE`): YAML, JSON or CSV that names accounts and the role to assume in each.

Forms: a list of account ids or role ARNs; of objects with account, name, role_name, role_arn, external_id, session_name and profile; a mapping with `accounts`
and defaults for all of them; CSV with a header; and what `aws organizations list-accounts` prints, whose accounts that are not ACTIVE are left out and named.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from policycheck.errors import AccountsFileError, Diagnostic, Location, PolicyError
from policycheck.places import name_account
from policycheck.policy.document import MAX_LISTED_NODES, Document, Entries, Items, Node, Text, parse_document
from policycheck.policy.shape import check_shape, plain
from policycheck.sources.connection import ListedAccount
from policycheck.sources.identity import account_of_role
from policycheck.text import clean_line

ROLE_NAME = "AWSBackupAudit"
"""The role that is assumed where the list names none: what the templates in examples/organization make."""
_MOST_BYTES = 4_000_000
_KEYS = {
    "account": "account", "accountid": "account", "id": "account", "awsaccount": "account", "awsaccountid": "account", "name": "name", "accountname": "name",
    "rolearn": "role_arn", "rolename": "role_name", "role": "role_name", "externalid": "external_id", "roleexternalid": "external_id",
    "sessionname": "session_name", "rolesessionname": "session_name", "profile": "profile", "state": "state", "status": "status",
}  # fmt: skip
"""What keys and columns are, by their letters alone: AccountId, account_id and "Account ID" are one."""
_OF_ORGANIZATIONS = frozenset({"arn", "email", "joinedmethod", "joinedtimestamp", "paths"})
"""What AWS Organizations tells of an account beside: nothing that is asked for here."""
_ACTIVE = "ACTIVE"
_NEEDS = "A list of accounts has at least one account ID of 12 digits, or the ARN of a role."
_HINT = "Keys of an account: account, name, role_arn, role_name, external_id, session_name, profile."

_Role = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$")]
_Account = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
_RoleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@/-]{1,576}$")]
_External = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@:/-]{2,1224}$")]
_Session = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@-]{2,64}$")]
_Line = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Defaults(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role_name: _RoleName | None = None
    external_id: _External | None = None
    session_name: _Session | None = None
    profile: _Line | None = None


class _Entry(_Defaults):
    account: _Account | None = None
    name: _Line | None = None
    role_arn: _Role | None = None
    state: _Line | None = None
    status: _Line | None = None


class _List(_Defaults):
    accounts: list[_Entry]


def read_accounts(path: str) -> tuple[tuple[ListedAccount, ...], tuple[str, ...]]:
    """The accounts that a file lists, in its order, and those that it says are not active, described.

    Raises:
        AccountsFileError: the file cannot be read, or has mistakes; all of them are in it.
    """
    name = clean_line(path)
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise _refusal(name, f"cannot read the file: {error.strerror or error}") from None
    if len(content) > _MOST_BYTES:
        raise _refusal(name, f"the file is longer than {_MOST_BYTES:,} bytes", "Is this a list of accounts?")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refusal(name, "the file is not UTF-8 text", "Save the file as UTF-8.") from None
    return parse_accounts(text, name)


def parse_accounts(text: str, name: str) -> tuple[tuple[ListedAccount, ...], tuple[str, ...]]:
    """As `read_accounts`, of text."""
    try:
        document = _csv_document(text, name) if _is_csv(text) else parse_document(text, name, _NEEDS, MAX_LISTED_NODES)
    except PolicyError as error:
        raise AccountsFileError(error.diagnostics) from None
    root = _normalized(document)
    if not document.diagnostics:
        for wrong in check_shape(_List, root):
            if wrong.path[-1:] == ("external_id",):
                # Neither the value nor its line is repeated: it is between the two accounts alone.
                document.diagnostics.append(
                    Diagnostic(wrong.location, "external_id is not a value that AWS takes", "2 to 1,224 letters, digits and + = , . @ : / -")
                )
            else:
                document.report(wrong.location, wrong.message, wrong.hint or _HINT)
    if document.diagnostics:
        raise AccountsFileError(document.diagnostics)
    listed = _List.model_validate(plain(root))
    items = root.entries["accounts"][1]
    assert isinstance(items, Items)
    found, left_out = _collect(document, listed, items)
    if not found and not document.diagnostics:
        document.report(root.location, "the list has no active account", _NEEDS)
    if document.diagnostics:
        raise AccountsFileError(document.diagnostics)
    return found, left_out


def _collect(document: Document, listed: _List, items: Items) -> tuple[tuple[ListedAccount, ...], tuple[str, ...]]:
    """The entries as accounts; what contradicts itself or stands twice is reported."""
    found: dict[str, ListedAccount] = {}
    left_out: list[str] = []
    lines: dict[str, int] = {}
    for entry, node in zip(listed.accounts, items.items, strict=True):
        of_role = account_of_role(entry.role_arn) if entry.role_arn else None
        account = entry.account or of_role
        if account is None:
            document.report(node.location, "this entry names neither an account nor the ARN of a role", _HINT)
        elif of_role not in (None, account):
            document.report(node.location, f"the account is {account}, and {of_role} in the ARN of the role", "Correct one of them.")
        elif account in lines:
            document.report(node.location, f"the account {account} appears twice; first on line {lines[account]}", "Name each account once.")
        else:
            lines[account] = node.location.line
            state = (entry.state or entry.status or _ACTIVE).upper()
            called = clean_line(entry.name) if entry.name else None
            if state != _ACTIVE:
                left_out.append(f"{name_account(account, called)} {clean_line(state)}")
                continue
            found[account] = ListedAccount(
                account=account,
                role=entry.role_arn or entry.role_name or listed.role_name or ROLE_NAME,
                external_id=entry.external_id or listed.external_id,
                session_name=entry.session_name or listed.session_name,
                name=called,
                profile=entry.profile or listed.profile,
            )
    return tuple(found.values()), tuple(left_out)


# --- forms ---


def _normalized(document: Document) -> Entries:
    """The document as a mapping with `accounts`, every entry a mapping with the keys that `_Entry` has."""
    root = document.root
    if isinstance(root, Items):
        return Entries({"accounts": (Text("accounts", root.location), _entries(document, root))}, root.location)
    if not isinstance(root, Entries):
        document.report(root.location, "this is not a list of accounts", _NEEDS)
        return Entries({}, root.location)
    kept: dict[str, tuple[Text, Node]] = {}
    for key, (name, value) in root.entries.items():
        spelled = _letters(key)
        if spelled in ("nexttoken", "istruncated"):
            document.report(name.location, "the list is incomplete: it says that more accounts follow", "Omit --max-items and --no-paginate.")
        elif spelled == "accounts":
            kept["accounts"] = (name, _entries(document, value) if isinstance(value, Items) else value)
        elif spelled != "responsemetadata":
            kept[_KEYS.get(spelled, key)] = (name, value)
    return Entries(kept, root.location)


def _entries(document: Document, items: Items) -> Items:
    return Items(tuple(_entry(document, item) for item in items.items), items.location)


def _entry(document: Document, node: Node) -> Node:
    match node:
        case Text(text=text):
            return Entries({"role_arn" if text.startswith("arn:") else "account": (node, node)}, node.location)
        case Entries(entries=entries):
            kept: dict[str, tuple[Text, Node]] = {}
            for key, (name, value) in entries.items():
                known = _KEYS.get(_letters(key))
                if known is None and _letters(key) in _OF_ORGANIZATIONS:
                    continue
                if known in kept:
                    document.report(name.location, f"{known} is given twice", "Remove one.")
                kept[known or key] = (name, value)
            return Entries(kept, node.location)
        case _:
            return node


def _letters(key: str) -> str:
    return "".join(character for character in key if character not in " \t_-").lower()


def _is_csv(text: str) -> bool:
    """Whether the first line is a header: columns, one of them for the account or the role."""
    line = text.lstrip("\n\r").partition("\n")[0].strip()
    if not line or line[0] in "[{-#" or ":" in line:
        return False
    return any(_KEYS.get(_letters(column)) in ("account", "role_arn") for column in next(csv.reader([line], delimiter=_delimiter(line)), []))


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def _csv_document(text: str, name: str) -> Document:
    """The rows as a document, each value at its line. Raises AccountsFileError."""
    lines = text.splitlines()
    document = Document(name, lines, Items((), Location(name)))
    document.root = Items(tuple(_csv_rows(text, document)), Location(name))
    return document


def _csv_rows(text: str, document: Document) -> Iterator[Node]:
    header = text.lstrip("\n\r").partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text.lstrip("\n\r"), newline=""), delimiter=_delimiter(header), strict=True)
    skipped = len(text) - len(text.lstrip("\n\r"))
    try:
        for row in reader:
            number = reader.line_num + text[:skipped].count("\n")
            place = Location(document.path, number, 1, number, 2)
            if None in row or None in row.values():
                document.report(place, "this row has another number of columns than the header", "Quote a value that contains the separator.")
                continue
            yield Entries(dict(_cells(row, place)), place)
    except csv.Error as error:
        raise _refusal(document.path, f"not complete CSV: {error} in line {reader.line_num}") from None


def _cells(row: Mapping[str, str], place: Location) -> Iterator[tuple[str, tuple[Text, Node]]]:
    for column, value in row.items():
        # An empty cell says nothing.
        if value.strip():
            yield column.strip(), (Text(column.strip(), place), Text(value.strip(), place))


def _refusal(name: str, message: str, hint: str = "") -> AccountsFileError:
    return AccountsFileError([Diagnostic(Location(name), message, hint or _NEEDS)])
