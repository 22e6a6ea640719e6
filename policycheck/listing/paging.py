"""What of a list is printed: all of it, or what --max-items, --starting-token and --no-paginate say, as botocore's paginator counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from policycheck.listing.tokens import Position, encode, encode_cut
from policycheck.sources.pages import Answer

Ask = Callable[[Mapping[str, object]], Iterator[Answer]]
"""Sends a request with these parameters more, and follows the tokens of its answers."""


@dataclass(frozen=True, slots=True)
class Page:
    """What is printed of one answer."""

    records: list[Any]
    """Structs of the operation's answer."""
    token: str | None
    """The service's own NextToken."""
    answer: Answer


@dataclass(slots=True)
class Pager:
    """Reads one list. Once `pages` has ended, or failed, `resume` is the token to go on with."""

    token_key: str
    limit_key: str
    page_size: int | None = None
    start: Position = field(default_factory=Position)
    max_items: int | None = None
    paginate: bool = True
    resume: str | None = None
    """None at the end of the list."""

    def pages(self, ask: Ask) -> Iterator[Page]:
        """The pages to print, in order; raises what `ask` raises."""
        asked: str | None = self.start.token
        skip, total = self.start.skip, 0
        self.resume = encode(self.start, self.token_key) if asked is not None or skip else None
        more: dict[str, object] = {} if self.page_size is None else {self.limit_key: self.page_size}
        if asked is not None:
            more[self.token_key] = asked
        for answer in ask(more):
            records = answer.records[skip:]
            if self.max_items is not None and total + len(records) > self.max_items:
                keep = self.max_items - total
                self.resume = encode_cut(Position(asked, keep + skip), self.token_key)
                yield Page(records[:keep], answer.token, answer)
                return
            total, skip, asked = total + len(records), 0, answer.token
            self.resume = None if asked is None else asked if not self.paginate else encode(Position(asked), self.token_key)
            yield Page(records, answer.token, answer)
            if not self.paginate or total == self.max_items:
                return
