"""The accounts of the emulator's organization, and the answers of AWS Organizations about them: pure.

Shapes are those of DescribeOrganization and ListAccounts (API reference of AWS Organizations): a page of accounts holds at most 20.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from policycheck.emulator.errors import ApiError
from policycheck.errors import UsageError

_MOST = 20
_STATES = ("ACTIVE", "PENDING_ACTIVATION", "SUSPENDED", "PENDING_CLOSURE", "CLOSED")
_SPEC = re.compile(r"(?P<account>[0-9]{12})(=(?P<name>[^:]*)(:(?P<state>[A-Z_]+))?)?")
_ID = "o-emulator00"


@dataclass(frozen=True, slots=True)
class Member:
    """One account of the organization: its name, and whether it is ACTIVE."""

    account: str
    name: str = ""
    state: str = "ACTIVE"

    @classmethod
    def parse(cls, spec: str) -> Member:
        """Read ID, ID=NAME or ID=NAME:STATE. Raises UsageError."""
        found = _SPEC.fullmatch(spec)
        state = (found and found["state"]) or "ACTIVE"
        if found is None or state not in _STATES:
            raise UsageError(f"not an account of an organization: {spec!r}", hint=f"ID=NAME or ID=NAME:STATE, with STATE one of {', '.join(_STATES)}")
        return cls(found["account"], found["name"] or "", state)

    def as_json(self, management: str) -> Mapping[str, object]:
        """As ListAccounts has it. Status has no PENDING_ACTIVATION and no CLOSED: these have State alone."""
        status = {"Status": self.state} if self.state in ("ACTIVE", "SUSPENDED", "PENDING_CLOSURE") else {}
        arn = f"arn:aws:organizations::{management}:account/{_ID}/{self.account}"
        name = self.name or f"account {self.account}"
        return {"Id": self.account, "Arn": arn, "Email": f"{self.account}@example.com", "Name": name, "State": self.state, "JoinedMethod": "CREATED", **status}


def describe(caller: str, management: str, members: Iterable[Member]) -> str:
    """The answer of DescribeOrganization. Raises ApiError for a caller that is no member."""
    if caller not in {management, *(member.account for member in members)}:
        raise ApiError("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
    arn = f"arn:aws:organizations::{management}:organization/{_ID}"
    member = f"arn:aws:organizations::{management}:account/{_ID}/{management}"
    return json.dumps({"Organization": {"Id": _ID, "Arn": arn, "FeatureSet": "ALL", "MasterAccountId": management, "MasterAccountArn": member}})


def page(caller: str, management: str, members: Iterable[Member], parameters: Mapping[str, object]) -> str:
    """One page of ListAccounts. Raises ApiError for another caller than the management account."""
    if caller != management:
        raise ApiError("AccessDeniedException", "You don't have permissions to access this resource.")
    known = list(members)
    token, asked = parameters.get("NextToken"), parameters.get("MaxResults", _MOST)
    first = int(token) if isinstance(token, str) and token.isdecimal() else 0
    last = first + (asked if isinstance(asked, int) and 1 <= asked <= _MOST else _MOST)
    answer: dict[str, object] = {"Accounts": [member.as_json(management) for member in known[first:last]]}
    return json.dumps(answer | ({"NextToken": str(last)} if last < len(known) else {}))
