"""`--explain-fetch`: what will be asked of AWS, said before the first request, and afterwards what was asked and what came of it. All of it on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from policycheck.cli.diagnostics import show_note
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.sources.aws import Intent
    from policycheck.sources.pacing import Tally
    from policycheck.sources.places import Place, Request

_WORST = 10
"""Places that are told one by one afterwards."""


@contextmanager
def explain_fetch(*, wanted: bool) -> Iterator[Callable[[Intent], None] | None]:
    """What to give `fetch_jobs` as `announce`; None where nothing is to be said. At the end of the block, also by an error, what was sent is said."""
    if not wanted:
        yield None
        return
    announced: list[Intent] = []

    def announce(intent: Intent) -> None:
        announced.append(intent)
        for text in describe_intent(intent):
            show_note(text)

    try:
        yield announce
    finally:
        for intent in announced:
            for text in describe_tallies(intent.tallies):
                show_note(text)


def describe_intent(intent: Intent) -> list[str]:
    """What a fetch is about to ask, a line each: lists and parameters, accounts, Regions, how many calls, permissions."""
    from policycheck.sources.pacing import PUBLISHED_RATE
    from policycheck.sources.pages import PAGE_SIZE
    from policycheck.sources.places import THREADS

    places = intent.places
    identities = list(dict.fromkeys(place.identity for place in places))
    regions = list(dict.fromkeys(place.region for place in places))
    calls = len(places) * len(intent.requests)
    lines = [f"fetch: {_request(request)}" for request in intent.requests]
    if intent.connection.account_id:
        lines.append(f"fetch: accounts: {'every account of the organization' if intent.connection.account_id == '*' else intent.connection.account_id}")
    else:
        lines.append(f"fetch: {_listed(len(identities), 'account', [identity.label or 'that of the credentials found' for identity in identities])}")
    lines.append(f"fetch: {_listed(len(regions), 'Region', regions)}")
    lines.append(
        f"fetch: {calls:,} or more calls: one for each list, account and Region, and one for every further {PAGE_SIZE:,} jobs (unknown in advance); "
        f"at most {PUBLISHED_RATE:.0f} a second in each account and Region, up to {min(len(places), THREADS)} at once"
    )
    lines += [f"fetch: permissions: {text}" for text in _permissions(intent)]
    return lines


def _request(request: Request) -> str:
    from policycheck.sources.pages import PAGE_SIZE

    parameters = {"MaxResults": PAGE_SIZE, **request.parameters}
    return f"{request.dataset.operation} with " + ", ".join(f"{name} {_spell(value)}" for name, value in parameters.items())


def _spell(value: object) -> str:
    from policycheck.records import iso

    return iso(value) if isinstance(value, datetime) else clean_line(str(value))


def _listed(count: int, noun: str, names: Sequence[str]) -> str:
    return f"{count:,} {noun if count == 1 else f'{noun}s'}: {', '.join(names)}"


def _permissions(intent: Intent) -> list[str]:
    """IAM actions, by who needs them."""
    from policycheck.sources.connection import ALL_REGIONS, ORGANIZATION

    lists = sorted(f"backup:{request.dataset.operation}" for request in intent.requests)
    optional = ["account:ListRegions"] if ALL_REGIONS in intent.connection.regions else []
    if intent.connection.account_id:
        optional.append("organizations:DescribeOrganization")
    if intent.connection.account_id == ORGANIZATION:
        optional.append("organizations:ListAccounts")
    lines = [", ".join(lists) + (" in every role" if intent.connection.assumes_roles else "")]
    if optional:
        lines.append(f"{', '.join(optional)}, if allowed")
    if intent.connection.assumes_roles:
        lines.append("sts:AssumeRole on every role, for the caller")
    return lines


def describe_tallies(tallies: Mapping[Place, Tally]) -> list[str]:
    """What was sent, a line each: the total, then the places with most refusals, retries and calls."""
    from policycheck.sources.pacing import Tally

    total = sum(tallies.values(), Tally())
    lines = [f"fetched: {_tally(total)}"]
    worst = sorted(tallies.items(), key=lambda pair: (-pair[1].throttled, -pair[1].retries, -pair[1].calls, pair[0].label))
    if len(worst) > 1:
        lines += [f"fetched: {place.label}: {_tally(tally)}" for place, tally in worst[:_WORST]]
    if len(worst) > _WORST:
        lines.append(f"fetched: and {len(worst) - _WORST:,} more accounts and Regions with fewer refusals, retries or calls")
    return lines


def _tally(tally: Tally) -> str:
    counts = ((tally.calls, "call"), (tally.pages, "page"), (tally.jobs, "job"), (tally.retries, "retry"))
    told = ", ".join(f"{count:,} {noun if count == 1 else {'retry': 'retries'}.get(noun, f'{noun}s')}" for count, noun in counts)
    held = f", held back for {tally.waited:.1f} s" if tally.waited >= 0.05 else ""
    return f"{told}, {tally.throttled:,} throttled{held}"
