"""The sample organization, made once a process for each instant, and read by every test that needs it: making it takes a fifth of a second."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from policycheck.emulator.organization import Organization, organization

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
STARTED = datetime.now(UTC).replace(microsecond=0)
"""The instant of the organization that tests fetch: what AWS says is seen from now, and the process has begun a moment ago."""


@cache
def sample(as_of: datetime, seed: int = 1, *, healthy: bool = False) -> Organization:
    """As `organization`. Nobody changes it."""
    return organization(as_of, seed, healthy=healthy)
