"""The entries of an inventory in JSON or YAML, wherever its document has them, and whether the document says that more should be there.

A document is a list of entries, or holds lists of entries: pages of an answer, a list for each Region. All of them are read. What says of itself that it is
incomplete is refused, at any depth of what contains the entries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from policycheck.errors import JobFileError
from policycheck.text import clean_line, truncate

_LISTS = frozenset({"resourcetagmappinglist", "results", "resources"})
_TOKENS = frozenset(
    "nexttoken paginationtoken nextpagetoken marker nextmarker continuationtoken nextcontinuationtoken lastevaluatedkey cursor nextcursor".split()
)
_MORE = frozenset("istruncated truncated partial ispartial incomplete isincomplete hasmore hasmoreresults hasmorepages hasnext hasnextpage".split())
_WHOLE = frozenset("complete iscomplete".split())
_ERRORS = frozenset("error errorcode errormessage exception failures failed failedresources failedaccounts failedregions".split())
_STATUS = frozenset({"httpstatuscode", "statuscode"})
_TOTALS = frozenset("total totalcount totalresources totalresults totalitems resourcecount count".split())
_NO = frozenset({"", "false", "no", "none", "null", "~", "0"})
_ABOUT = frozenset({"queryinfo", "responsemetadata", "viewarn"})
"""Members of answers that are about the answer and list no resources."""


class Rows(NamedTuple):
    """What a file lists, as it stands there."""

    rows: list[object]
    notes: tuple[str, ...]
    """What a reader must know of it, a clean phrase each."""


def spell_key(key: str) -> str:
    """A key or a column's name by its letters alone."""
    return re.sub(r"[\s_-]", "", key).lower()


def parse_json(text: str) -> object:
    """Raises JobFileError."""
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise JobFileError("is nested too deeply") from None
    except ValueError as error:
        raise JobFileError(f"is not a complete JSON document: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key appears twice in one object")
    return made


def read_rows(documents: Iterable[object], known: Callable[[str], str | None]) -> Rows:
    """All entries of these documents.

    Args:
        known: what a key of an entry is, `arn` among them; None where entries have no such key.

    Raises:
        JobFileError: a document is incomplete, or lists nothing that could be an entry.
    """
    walk = _Walk(known)
    for document in documents:
        walk.read(document)
    if walk.total > len(walk.rows):
        raise JobFileError(f"is incomplete: it counts {walk.total:,} resources and lists {len(walk.rows):,}", hint=_WHOLE_HINT)
    lists = {name: count for name, count in walk.lists.items() if count}
    told = ", ".join(f"{clean_line(name) or 'the top'} ({count:,})" for name, count in lists.items())
    return Rows(walk.rows, (f"{len(lists):,} lists in its file, and all were read: {told}",) if len(lists) > 1 else ())


_WHOLE_HINT = "Fetch it completely: omit --max-items and --no-paginate."


class _Walk:
    def __init__(self, known: Callable[[str], str | None]) -> None:
        self._known = known
        self.rows: list[object] = []
        self.lists: dict[str, int] = {}
        """How many entries each list has, by where it stands."""
        self.total = 0
        """The most resources that a document says there are."""

    def read(self, document: object) -> None:
        if not isinstance(document, Mapping | list):
            raise JobFileError("is neither a list of resources nor an object with one")
        self._read(document, "")

    def _read(self, value: object, place: str) -> None:
        if isinstance(value, list):
            self._read_list(value, place)
        elif isinstance(value, Mapping) and self._is_container(value):
            self._read_container(value, place)
        else:
            self._add(value, place)

    def _add(self, row: object, place: str) -> None:
        self.rows.append(row)
        self.lists[place] = self.lists.get(place, 0) + 1

    def _read_list(self, items: list[object], place: str) -> None:
        for item in items:
            # An answer of AWS Config has its records as JSON texts.
            row = parse_json(item) if isinstance(item, str) and item.lstrip().startswith("{") else item
            if isinstance(row, Mapping):
                self._read(row, place)
            else:
                self._add(row, place)

    def _is_container(self, value: Mapping[Any, Any]) -> bool:
        keys = [str(key) for key in value]
        kinds = {self._known(key) for key in keys} - {None}
        if "arn" in kinds:
            return False
        if any(spell_key(key) in _LISTS for key in keys):
            return True
        if kinds:
            return False
        return any(map(self._lists_something, value.values())) or any(_says_it_failed(key, item) for key, item in value.items())

    def _read_container(self, container: Mapping[Any, Any], place: str) -> None:
        self._check(container)
        for key, value in container.items():
            name = str(key)
            stray = next((text for text in (name, value) if isinstance(text, str) and text.strip().startswith("arn:")), None)
            if stray is not None and not spell_key(name).endswith("arn"):
                hint = "Put it into the list of resources, or remove it."
                raise JobFileError(f"has an ARN that is not in a list, at {clean_line(name)}: {truncate(clean_line(stray), 200)}", hint=hint)
            if spell_key(name) in _ABOUT:
                self._check_all(value)
            elif isinstance(value, list):
                self._read(value, f"{place}.{name}" if place else name)
            elif isinstance(value, Mapping):
                if self._lists_something(value) or "type" in map(self._known, map(str, value)):
                    self._read(value, f"{place}.{name}" if place else name)
                else:
                    self._check_all(value)

    def _lists_something(self, value: object) -> bool:
        """Whether there is a list, or an entry, anywhere in it."""
        if isinstance(value, list):
            return True
        if not isinstance(value, Mapping):
            return False
        return any(self._known(str(key)) == "arn" for key in value) or any(map(self._lists_something, value.values()))

    def _check_all(self, value: object) -> None:
        if isinstance(value, Mapping):
            self._check(value)
            for item in value.values():
                self._check_all(item)

    def _check(self, container: Mapping[Any, Any]) -> None:
        """Refuse what says that it is not all."""
        for key, value in container.items():
            name, letters, told = clean_line(str(key)), spell_key(str(key)), _text(value)
            if letters in _TOKENS and told not in _NO:
                raise JobFileError(f"is incomplete: it has a {name}, so more pages follow", hint=_WHOLE_HINT)
            if letters in _MORE and told not in _NO:
                raise JobFileError(f"is incomplete: it has {name}: {_shown(value)}, so more pages follow", hint=_WHOLE_HINT)
            if letters in _WHOLE and value is not None and told in _NO | {"partial"}:
                raise JobFileError(f"is incomplete: it has {name}: {_shown(value)}", hint=_WHOLE_HINT)
            if _says_it_failed(key, value):
                raise JobFileError(f"is incomplete: it has {name}: {_shown(value)}", hint="Fetch it again after that is resolved.")
            if letters in _STATUS and told not in {"", "200"}:
                raise JobFileError(f"is the answer of a failed request: it has {name}: {_shown(value)}", hint="Fetch it again after that is resolved.")
            if letters in _TOTALS and told.isdecimal() and len(told) < 10:
                self.total = max(self.total, int(told))


def _says_it_failed(key: object, value: object) -> bool:
    letters = spell_key(str(key))
    return (letters in _ERRORS or letters.endswith("errors") or letters.startswith("unprocessed")) and _text(value) not in _NO


def _text(value: object) -> str:
    """A value as YAML has it; what is empty says nothing."""
    return "" if value is None or value in ({}, []) else str(value).strip().lower()


def _shown(value: object) -> str:
    return truncate(clean_line(str(value)), 100)
