"""Page tokens: opaque, bound to what was asked and to who asked."""

from __future__ import annotations

import base64
import json
from binascii import Error as DecodeError
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from hmac import compare_digest

from policycheck.emulator.errors import ApiError
from policycheck.emulator.wire import SortKey

_DIGEST_BYTES = 12
_UNBOUND = frozenset({"MaxResults", "NextToken"})


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page starts: after the job `after`, or at the top. `turn` tells apart tokens that lead to the same place."""

    after: SortKey | None = None
    turn: int = 0


def binding(operation: str, account: str, region: str, parameters: Mapping[str, object]) -> bytes:
    """What a token is good for: the operation, the caller and the filters; not the size of a page."""
    filters = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in parameters.items() if name not in _UNBOUND}
    return blake2b(json.dumps([operation, account, region, filters], sort_keys=True, default=str).encode()).digest()


def encode(position: Position, bound_to: bytes) -> str:
    """The token of a position."""
    after = position.after
    payload = json.dumps([position.turn, after and [after.age, after.job_id, after.account]], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_digest(payload, bound_to) + payload).decode()


def decode(token: str, bound_to: bytes) -> Position:
    """The position of a token. Raises ApiError (InvalidParameterValueException) for one that is empty, damaged, or was given for another request."""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, DecodeError):
        raw = b""
    payload = raw[_DIGEST_BYTES:]
    if not payload or not compare_digest(raw[:_DIGEST_BYTES], _digest(payload, bound_to)):
        raise ApiError.invalid("Provided NextToken is invalid: it is not a token of this request, or its filters have changed")
    turn, after = json.loads(payload)
    return Position(after and SortKey(*after), turn)


def _digest(payload: bytes, bound_to: bytes) -> bytes:
    return blake2b(payload, key=bound_to, digest_size=_DIGEST_BYTES).digest()
