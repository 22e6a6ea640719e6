"""Tokens that resume a list, in the AWS CLI's own form, so that either tool takes up where the other stopped.

A token is base64 of `{"NextToken": ..., "boto_truncate_amount": n}`: the token of the page to ask for (null: the first), and how many of its jobs were printed
(botocore's paginator, 1.44).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from policycheck.errors import UsageError

_AMOUNT = "boto_truncate_amount"
_OLD = "___"


@dataclass(frozen=True, slots=True)
class Position:
    """Where in a list to go on."""

    token: str | None = None
    """The service's token of the page; None: the first page."""
    skip: int = 0
    """How many jobs of that page were already printed."""


def encode(position: Position, key: str) -> str:
    """The token of a position; `key` is what the operation calls its token."""
    content: dict[str, object] = {key: position.token}
    if position.skip or position.token is None:
        content[_AMOUNT] = position.skip
    return base64.b64encode(json.dumps(content).encode()).decode()


def encode_cut(position: Position, key: str) -> str:
    """The token where a page was cut; the amount stands there even if it is 0."""
    return base64.b64encode(json.dumps({key: position.token, _AMOUNT: position.skip}).encode()).decode()


def decode(text: str, key: str) -> Position:
    """The position of a token of either tool, of an old AWS CLI (`token___3`), or of the service itself.

    Raises:
        UsageError: it is of another kind of list, or damaged.
    """
    try:
        content = json.loads(base64.b64decode(text.encode()).decode())
    except ValueError:
        content = None
    if not isinstance(content, dict):
        return _decode_old(text)
    token, skip = content.get(key), content.get(_AMOUNT, 0)
    known = set(content) <= {key, _AMOUNT} and key in content
    if not known or not (token is None or isinstance(token, str)) or isinstance(skip, bool) or not isinstance(skip, int) or skip < 0:
        raise UsageError("--starting-token: not a token of this list", hint="Give the NextToken that the command printed, unchanged.")
    return Position(token if token != "None" else None, skip)


def _decode_old(text: str) -> Position:
    token, separator, amount = text.rpartition(_OLD)
    if separator and _OLD not in token and amount.isascii() and amount.isdigit():
        return Position(token if token != "None" else None, int(amount))
    return Position(text if text != "None" else None)
