"""Whose credentials ask: those of a profile, or of a role that they assume."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from policycheck.places import name_account

ACCOUNT = re.compile(r"\d{12}", re.ASCII)
ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>\d{12}):role/[\w+=,.@/-]+", re.ASCII)
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
"""The pattern of ExternalId (API reference of AssumeRole)."""
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
"""The pattern of RoleSessionName (API reference of AssumeRole)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks AWS. Without a role, the profile's own credentials; without a profile, those that the environment has."""

    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = field(default=None, repr=False)
    """What the role's trust policy wants to be told; it appears in no output."""
    session_name: str | None = None
    """RoleSessionName; None: policycheck's own."""
    name: str | None = field(default=None, compare=False)
    """What the list of accounts calls the account; clean."""

    @property
    def account(self) -> str | None:
        """The account that the role's ARN names; None without a role."""
        return account_of_role(self.role_arn) if self.role_arn else None

    @property
    def label(self) -> str:
        """What errors and progress call it: `111122223333 (shop)` or `profile audit`; empty for the credentials of the environment."""
        if self.account:
            return name_account(self.account, self.name)
        return f"profile {self.profile}" if self.profile else ""

    @property
    def order(self) -> tuple[str, str]:
        """What identities are sorted by."""
        return self.role_arn or "", self.profile or ""


CALLER = Identity()
"""The credentials of the environment."""


def account_of_role(role_arn: str) -> str | None:
    """The account a role ARN names."""
    found = ROLE.fullmatch(role_arn)
    return found["account"] if found else None
