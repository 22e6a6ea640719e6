"""What every output form is given and does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Protocol

import msgspec

from policycheck.listing.query import Query
from policycheck.text import clean


@dataclass(frozen=True, slots=True)
class Layout:
    """What the document is of, and how it is shown."""

    result_key: str
    """BackupJobs."""
    token_key: str
    """NextToken."""
    title: str
    """The operation: ListBackupJobs."""
    paginated: bool = True
    """False with --no-paginate: the document is one answer, and its NextToken is the service's."""
    query: Query | None = None
    color: bool = False
    width: int = 80
    """Columns of the terminal; the AWS CLI takes 80 where there is none."""
    terminal: bool = False
    """Whether a terminal shows the document: then no text in it may steer the terminal. A pipe or a file gets every text as AWS gave it."""

    def document(self, records: Sequence[Any], token: str | None) -> dict[str, Any]:
        """The document of some records; builtin types only."""
        found: dict[str, Any] = {self.result_key: msgspec.to_builtins(records, builtin_types=(datetime,))}
        if token is not None:
            found[self.token_key] = token
        return found

    def search(self, document: Any) -> Any:
        """The document, or what --query makes of it."""
        return document if self.query is None else self.query(document)

    def clean(self, document: Any) -> Any:
        """The document as a form without escapes shows it: on a terminal, U+FFFD stands for each character that could steer it."""
        return _cleaned(document) if self.terminal else document


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return clean(value)
        case dict():
            return {_cleaned(key): _cleaned(item) for key, item in value.items()}
        case list():
            return list(map(_cleaned, value))
        case _:
            return value


class Writer(Protocol):
    """Writes one document, a page at a time."""

    def write(self, records: list[Any], token: str | None) -> None:
        """Take one page: structs of the operation's answer, and the service's own token of the page."""
        ...

    def finish(self, token: str | None, more: Mapping[str, object]) -> None:
        """End the document: `token` resumes the list where it goes on, `more` are members beside the list."""
        ...


class Form(Protocol):
    """Makes a writer."""

    def __call__(self, layout: Layout, sink: IO[bytes]) -> Writer: ...


class Buffered:
    """What needs the whole list before it can write any of it."""

    def __init__(self, layout: Layout, sink: IO[bytes]) -> None:
        self.layout = layout
        self.sink = sink
        self._records: list[Any] = []

    def write(self, records: list[Any], token: str | None) -> None:
        self._records += records

    def finish(self, token: str | None, more: Mapping[str, object]) -> None:
        self.show(self.layout.search({**self.layout.document(self._records, token), **more}))

    def show(self, document: Any) -> None:
        """Write the document."""
        raise NotImplementedError
