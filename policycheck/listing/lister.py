"""One run of a list command: the answers of every place to one document, whole or not at all."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from typing import IO

from policycheck.errors import EvidenceError, PolicycheckError, UsageError
from policycheck.listing.forms.interface import Layout, Writer
from policycheck.listing.forms.registry import FORMS
from policycheck.listing.paging import Pager
from policycheck.listing.tokens import Position
from policycheck.sources.connection import ORGANIZATION
from policycheck.sources.listed import Listed, state
from policycheck.sources.lister import Lister
from policycheck.sources.operations import Operation, read_moment
from policycheck.sources.pages import Answer
from policycheck.sources.places import Place
from policycheck.sources.statements import ACCOUNT_FILTER, MEMBER, Statement, builtins

# Short lists never touch the disk.
_IN_MEMORY = 4 * 1024**2


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of the list is wanted."""

    page_size: int | None = None
    start: Position = field(default_factory=Position)
    max_items: int | None = None
    paginate: bool = True

    @property
    def is_whole(self) -> bool:
        return self.start == Position() and self.max_items is None and self.paginate


@dataclass(frozen=True, slots=True)
class Request:
    """What one command line asks for."""

    operation: Operation
    parameters: Mapping[str, object]
    """By their API names, checked; without the two that page."""
    paging: Paging
    form: str
    """A name in `FORMS`."""
    layout: Layout
    wire_times: bool
    """Times as they were sent, not as ISO 8601."""
    coverage: bool = False
    """Whether to say what the list covers."""
    member: bool = False
    """Whether to say so in the document."""
    partial: bool = False
    """Whether what was received before a failure is wanted."""


@dataclass(slots=True)
class Outcome:
    """What came of it. The document, at its start, is a temporary file that goes when it is closed."""

    document: IO[bytes]
    resume: str | None = None
    """The token to go on with; None where the list ended."""
    jobs: int = 0
    statement: Statement | None = None
    error: PolicycheckError | None = None
    """What ended the list early, with --partial."""


def run(request: Request, lister: Lister, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Outcome:
    """List everything that is asked for. The document is handed out once the last page is in it.

    Raises:
        FetchError: a page that cannot be had, in any place; with `partial`, nothing was received before it.
        UsageError: a parameter or option that cannot be.
    """
    places = lister.places()
    if len(places) > 1 and not request.paging.is_whole:
        hint = "A token is of one account and Region: leave out --starting-token, --max-items and --no-paginate, or name one place."
        raise UsageError("several Regions or roles are listed whole or not at all", hint=hint)
    sink: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - handed on
    try:
        outcome = _Run(request, lister, places, now, Outcome(sink)).fill()
        sink.seek(0)
    except BaseException as error:
        sink.close()
        if isinstance(error, OSError):
            raise _disk_full(error) from None
        raise
    return outcome


def _disk_full(error: OSError) -> EvidenceError:
    reason = (error.strerror or type(error).__name__).lower()
    return EvidenceError(f"the list cannot be kept until it is complete: {reason}", hint="TMPDIR names the folder for it.")


@dataclass(slots=True)
class _Run:
    request: Request
    lister: Lister
    places: Sequence[Place]
    now: Callable[[], datetime]
    outcome: Outcome

    def fill(self) -> Outcome:
        request, outcome = self.request, self.outcome
        writer = FORMS[request.form](request.layout, outcome.document)
        listed: list[Listed] = []
        try:
            for place in self.places:
                self._list(place, writer, listed)
        except PolicycheckError as error:
            if not request.partial or isinstance(error, UsageError) or not (outcome.jobs or outcome.resume):
                raise
            outcome.error = error
            if len(self.places) > 1:
                outcome.resume = None
            if listed:
                listed[-1].reason = error.message
        if request.coverage:
            outcome.statement = self._state(listed)
        more = {MEMBER: builtins(outcome.statement)} if outcome.statement is not None and request.member else {}
        writer.finish(outcome.resume, more)
        return outcome

    def _list(self, place: Place, writer: Writer, listed: list[Listed]) -> None:
        request, operation = self.request, self.request.operation
        paging = request.paging
        pager = Pager(operation.token.name, operation.limit.name, paging.page_size, paging.start, paging.max_items, paging.paginate)
        own = place.identity.account
        seen = Listed(place.region, own, self.now(), Counter(), reason="the listing ended early")
        listed.append(seen)
        ask = partial(self._ask, place)
        try:
            for page in pager.pages(ask):
                if not request.wire_times:
                    operation.spell_times(page.records)
                self.outcome.jobs += len(page.records)
                if request.coverage:
                    self._note(seen, page.records, page.answer.date)
                writer.write(page.records, page.token)
        finally:
            self.outcome.resume = pager.resume
        from_start = paging.start == Position() and operation.token.name not in request.parameters
        whole = from_start and pager.resume is None
        seen.reason = "" if whole else "--starting-token, --max-items, --no-paginate, NextToken or MaxResults cut the list"
        if request.coverage and seen.own_account is None:
            seen.own_account = self._own_account(place, seen)

    def _ask(self, place: Place, more: Mapping[str, object]) -> Iterator[Answer]:
        yield from self.lister.answers(place, {**self.request.parameters, **more})

    @staticmethod
    def _note(seen: Listed, records: Sequence[object], date: datetime | None) -> None:
        seen.pages += 1
        seen.accounts.update(map(attrgetter("AccountId"), records))
        if date is not None:
            seen.first_date = seen.first_date or date
            seen.last_date = date

    def _own_account(self, place: Place, seen: Listed) -> str | None:
        """The account that was asked for, the only one that its jobs name, or the caller's."""
        asked = self.request.parameters.get(ACCOUNT_FILTER)
        if asked is not None and asked != ORGANIZATION:
            return str(asked)
        named = [account for account in seen.accounts if account]
        if asked is None and len(named) == 1:
            return named[0]
        return self.lister.caller_account(place)

    def _state(self, listed: Sequence[Listed]) -> Statement:
        filters: dict[str, object] = {}
        kinds = {parameter.name: parameter.kind for parameter in self.request.operation.parameters}
        for name, value in self.request.parameters.items():
            if name != ACCOUNT_FILTER and name in kinds:
                filters[name] = read_moment(value) if kinds[name] == "timestamp" else value
        return state(self.request.operation.dataset, listed, filters)
