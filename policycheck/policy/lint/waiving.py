"""Waivers that no longer hold, soon will not, or waive more or less than they seem to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from policycheck.policy.conditions import And
from policycheck.policy.lint.finding import Place, Run
from policycheck.policy.lint.reading import chosen
from policycheck.policy.lint.satisfiability import is_impossible
from policycheck.policy.model import AllMatch, NoneMatch, Policy, Rule, WaiverGrant
from policycheck.result import WaiverStatus

SOON_DAYS = 14


def _waivers(run: Run) -> Iterator[tuple[Policy, Rule | None, WaiverGrant]]:
    for policy in run.policies:
        rules = {rule.id: rule for rule in policy.rules}
        yield from ((policy, rules.get(grant.rule), grant) for grant in policy.waivers)


def find_expired_waiver(run: Run) -> Iterator[Place]:
    """A waiver that does not hold any more."""
    for policy, rule, grant in _waivers(run):
        if grant.status(run.as_of) is WaiverStatus.EXPIRED:
            message = f"the waiver of {grant.rule} expired on {grant.expires}: its findings count again"
            yield Place(policy, grant.location, message, "Remove it, or ask its owner to renew it.", rule)


def find_waiver_that_expires_soon(run: Run) -> Iterator[Place]:
    """A waiver that holds for a fortnight at most."""
    today = run.as_of.astimezone(UTC).date()
    for policy, rule, grant in _waivers(run):
        left = (grant.expires - today).days
        if grant.status(run.as_of) is WaiverStatus.IN_FORCE and left <= SOON_DAYS:
            message = f"the waiver of {grant.rule} is in force until {grant.expires} only"
            when = "its last day" if left == 0 else "one more day" if left == 1 else f"{left} more days"
            yield Place(policy, grant.location, message, f"It is {when}: ask {grant.waiver.owner} whether its cause is resolved.", rule)


def find_waiver_that_matches_nothing(run: Run) -> Iterator[Place]:
    """A waiver of jobs that its rule can never find."""
    for policy, rule, grant in _waivers(run):
        if rule is None or grant.match is None:
            continue
        dataset, requirement = rule.statement.list, rule.statement.requirement
        found = [grant.match, chosen(rule)]
        if isinstance(requirement, NoneMatch):
            found.append(requirement.condition)
        if not isinstance(requirement, NoneMatch | AllMatch) or is_impossible(And(tuple(found[1:])), dataset):
            continue
        if is_impossible(And(tuple(found)), dataset):
            yield Place(policy, grant.location, f"no finding of {grant.rule} can match this waiver", "Compare its match with what the rule selects.", rule)


def find_waiver_of_everything(run: Run) -> Iterator[Place]:
    """A waiver of every finding of a rule, whatever is found next."""
    for policy, rule, grant in _waivers(run):
        if grant.match is None and grant.status(run.as_of) is not WaiverStatus.EXPIRED:
            message = f"match: any waives every finding of {grant.rule} until {grant.expires}, including those of resources that have no finding today"
            yield Place(policy, grant.location, message, "Name the resources that it is for.", rule)


def find_repeated_waiver(run: Run) -> Iterator[Place]:
    """Two waivers of the same findings that hold at the same time."""
    for policy in run.policies:
        for index, grant in enumerate(policy.waivers):
            earlier = next((other for other in policy.waivers[:index] if _covers(other, grant)), None)
            if earlier is not None:
                message = f"another waiver of {grant.rule} covers the same findings at the same time, until {earlier.expires}"
                place = f"{earlier.location.path}:{earlier.location.line}"
                yield Place(policy, grant.location, message, f"Keep one of them; the other stands at {place}.", None)


def _covers(one: WaiverGrant, other: WaiverGrant) -> bool:
    return (one.rule, one.match) == (other.rule, other.match) and one.granted <= other.expires and other.granted <= one.expires
