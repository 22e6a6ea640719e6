"""A draft of a policy out of a profile: which rules there are, in which order, and what is said above them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from policycheck.drafting.followers import FollowerDrafter
from policycheck.drafting.jobs import JobDrafter
from policycheck.drafting.plans import Planner
from policycheck.drafting.profile import Profile
from policycheck.drafting.proposal import Draft, Parameters, counted, is_writable, listed, section, shown
from policycheck.drafting.rhythm import plan_rhythms
from policycheck.errors import EvidenceError
from policycheck.places import Place
from policycheck.policy.literals import parse_account
from policycheck.policy.model import Scope
from policycheck.records import iso, moment

_MOST_NAMED = 20


def draft_policy(profile: Profile, policy: str) -> Draft:
    """The first policy for what some lists hold.

    Every limit is the longest interval of a schedule, an hour, and the 95th percentile of Elapsed, up to the full hour. What there is too little evidence for
    is left out, with the reason.

    Raises:
        EvidenceError: the lists hold no backup job.
    """
    if not profile.jobs:
        raise EvidenceError(
            "no backup job to draft a policy from", hint="Save a list with aws backup list-backup-jobs, in the account and Region where jobs run."
        )
    parameters = Parameters()
    planner = Planner(profile, *plan_rhythms(profile), parameters)
    jobs, followers = JobDrafter(profile, planner, parameters), FollowerDrafter(profile, planner)
    sections = [
        section("How jobs end", [*jobs.outcomes()]),
        section("How recent backups are", [*planner.freshness(), *planner.missed_runs()]),
        section("How jobs are made", [*jobs.roles(), *jobs.vaults(), *jobs.encryption(), *planner.retention(), *jobs.durations()]),
        section("Copies", [*followers.copies()]),
        section("Restores", [*followers.restores()]),
    ]
    scope, said = _scope(profile)
    return Draft(
        policy=policy,
        title="What the backups of this organization keep to",
        notes=(*_notes(profile), *said),
        scope=scope,
        parameters=parameters.declared,
        sections=tuple(sections),
    )


def _notes(profile: Profile) -> list[str]:
    """What the lists hold, a sentence each."""
    lists = [counted(len(profile.jobs), "backup job")]
    lists += [counted(len(found), noun) for found, noun in ((profile.copies, "copy job"), (profile.restores, "restore job")) if found is not None]
    created = [job.created for job in profile.jobs if job.created is not None]
    since = f", the oldest of {iso(moment(min(created)))}" if created else ""
    return [
        f"Drafted from {', '.join(lists)} as of {iso(moment(profile.as_of))}{since}.",
        "Read every rule before you rely on it. It describes what happened, which might not be what you require. A limit is the longest interval of the "
        "schedule, plus an hour, plus the 95th percentile of Elapsed (by nearest rank), rounded up to the full hour.",
        f"Types: {_tally(job.type for job in profile.jobs)}.",
        f"Vaults: {_tally(job.vault for job in profile.jobs)}.",
        f"Roles: {_tally(job.role_arn.rpartition('/')[2] for job in profile.jobs if job.role_arn)}.",
        f"Plans: {_tally((job.plan.name or job.plan.id) if job.plan else '(by hand)' for job in profile.jobs)}.",
    ]


def _tally(values: Iterable[str | None]) -> str:
    counts = Counter(value for value in values if value)
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return listed((f"{shown(name)} {count:,}" for name, count in ranked), _MOST_NAMED) or "none is recorded"


def _scope(profile: Profile) -> tuple[Scope, list[str]]:
    """The accounts and Regions where jobs ran or that were asked for them, and what could not be declared. Where none ran, none need be."""
    known = [place for place in profile.places if _can_be_declared(place)]
    seen = {*known, *filter(_can_be_declared, profile.observed)}
    accounts, regions = sorted({str(account) for account, _ in seen}), sorted({str(region) for _, region in seen})
    empty = [(account, region) for account in accounts for region in regions if (account, region) not in known]
    said = []
    if len(known) < len(profile.places):
        said.append("Some jobs do not record their account and Region, or record an invalid one: those are not in the scope.")
    if profile.asked is not None and not profile.asked.issuperset(empty):
        said.append("Not every account was asked in every Region, so the scope declares accounts only. Fetch all of them in all Regions to declare both.")
        return Scope(tuple(accounts)), said
    return Scope(tuple(accounts), tuple(regions), tuple(f"{account}/{region}" for account, region in empty)), said


def _can_be_declared(place: Place) -> bool:
    account, region = place
    return bool(account and region and _is_account(account) and is_writable(region))


def _is_account(text: str) -> bool:
    try:
        parse_account(text)
    except ValueError:
        return False
    return True
