"""How long a gate waits in all, and between two looks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from policycheck.errors import UsageError

if TYPE_CHECKING:
    from policycheck.settings.merging import Settings

DEFAULT_POLL = "30s"
LEAST_POLL = timedelta(seconds=1)
LONGEST_WAIT = timedelta(days=7)
"""A process that looks again for longer is a service, not a gate."""


class Pace(Struct, frozen=True):
    """How long a gate waits in all, and between two looks."""

    wait: timedelta
    poll: timedelta


def parse_pace(settings: Settings) -> Pace | None:
    """What --wait and --poll say; None: the run judges once.

    Raises:
        UsageError: not a duration, out of bounds, or beside what stays as it is however long one waits.
    """
    if settings.wait is None:
        if settings.poll is not None:
            raise UsageError("--poll requires --wait", hint="--wait 30m --poll 30s")
        return None
    from policycheck.settings.times import NOW

    wait, poll = _duration("--wait", settings.wait), _duration("--poll", settings.poll or DEFAULT_POLL)
    if not timedelta() < wait <= LONGEST_WAIT:
        raise UsageError(f"--wait {settings.wait}: a gate waits more than 0 and at most 7d", hint="Run it again for more.")
    if poll < LEAST_POLL:
        raise UsageError(
            f"--poll {settings.poll}: the pause between two polls is at least 1s", hint="AWS allows each list 20 requests a second for all callers together."
        )
    if settings.jobs:
        hint = "Omit --wait, or fetch the jobs from AWS" + (" (the run file names lists)." if settings.run_file else ".")
        raise UsageError("--wait requires jobs from AWS: a saved job list does not change", hint=hint)
    if settings.as_of not in (None, NOW):
        raise UsageError(f"--as-of {settings.as_of} is fixed, but --wait evaluates as of now each time", hint="Omit --as-of.")
    return Pace(wait, poll)


def _duration(option: str, text: str) -> timedelta:
    from policycheck.policy.literals import parse_duration

    try:
        return timedelta(microseconds=parse_duration(text))
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option} {text}: {error}", hint=f"{option} 90s, 30m or 2h") from None
