"""Which Regions of `--region all` are not enabled in an account, as far as AWS tells: everywhere else a refusal is a list that was not read.

A Region that an account has not enabled answers UnrecognizedClientException, and so does every Region that has to be enabled (opt-in), enabled or not, to a
session token of version 1: one from the global endpoint of STS. "Version 1 tokens are valid only in AWS Regions that are available by default" (IAM API
reference, SetSecurityTokenServicePreferences). AWS documents no way to tell a token's version; those of version 2 are seen to begin with IQoJ, those of
version 1 with FwoG. So a token that does not begin with IQoJ is taken for one of version 1: at worst a Region is called unread that is not enabled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from policycheck.errors import PolicycheckError
from policycheck.sources.aws_errors import UnknownClientError
from policycheck.sources.connection import ALL_REGIONS, is_opt_in
from policycheck.sources.identity import Identity
from policycheck.sources.places import Place, ReadPlace
from policycheck.sources.session import AwsSession

_VERSION_2 = "IQoJ"
_DISABLED = "DISABLED"
"""RegionOptStatus of a Region that is off (API reference of AWS Account Management); one that is being switched on or off may have jobs."""


@dataclass(frozen=True, slots=True)
class Enablement:
    """What refusals of whole Regions mean."""

    disabled: frozenset[Place] = frozenset()
    """Not enabled, so that no job can be there."""
    unread: tuple[str, ...] = ()
    """Regions that may be enabled and were not read, because of the kind of session token."""


def tell_enabled(session: AwsSession, read: Sequence[ReadPlace], declared_regions: Collection[str]) -> Enablement:
    """Tell Regions that are not enabled from Regions that were not read; the errors of the latter say why where the session token is the cause.

    Only a Region that has to be enabled can be one that is not, only where `all` led there and nobody named it, and only where it knew the credentials in no
    list and gave no page. Of these one is not enabled where the same credentials worked in another Region and are still good, and are such that every enabled
    Region knows them; or else where account:ListRegions says so, which is asked once for each identity.
    """
    connection = session.connection
    if not connection.sign_request:
        return Enablement()
    refused = [part for part in read if is_opt_in(part.place.region) and _is_refused(part)]
    named = {*connection.regions, *declared_regions} if ALL_REGIONS in connection.regions else None
    disabled: set[Place] = set()
    unread: set[str] = set()
    for identity in dict.fromkeys(part.place.identity for part in refused):
        parts = [part for part in refused if part.place.identity == identity]
        open_ = [part.place for part in parts if named is not None and part.place.region not in named]
        if _is_known_everywhere(session, identity):
            worked = any(part.place.identity == identity and not part.errors for part in read)
            if open_ and worked and _is_still_good(session, identity):
                disabled.update(open_)
            continue
        statuses = _statuses(session, identity) if open_ else {}
        disabled.update(place for place in open_ if statuses.get(place.region) == _DISABLED)
        doubtful = [part for part in parts if part.place not in disabled]
        _explain(doubtful)
        unread.update(part.place.region for part in doubtful)
    return Enablement(frozenset(disabled), tuple(sorted(unread)))


def describe_unread(regions: Sequence[str]) -> str:
    """The warning for Regions that were not read because of the session token; nothing where there are none."""
    if not regions:
        return ""
    return (
        f"not read: {', '.join(regions)}: no Region that has to be enabled knows a session token of the global endpoint of STS, enabled or not; take "
        "credentials from a regional endpoint of STS (sts_regional_endpoints = regional), or allow account:ListRegions, which tells what is not enabled"
    )


def _is_refused(part: ReadPlace) -> bool:
    """Whether a place knew the credentials in none of its lists, and gave no page."""
    lists = part.lists.values()
    return bool(lists) and all(isinstance(found.error, UnknownClientError) and found.first_date is None and not len(found.jobs) for found in lists)


def _is_known_everywhere(session: AwsSession, identity: Identity) -> bool:
    """Whether every enabled Region knows these credentials: an access key of long life, or a session token of version 2."""
    try:
        token = session.session_token(identity)
    except PolicycheckError:
        return False
    return token is None or token.startswith(_VERSION_2)


def _is_still_good(session: AwsSession, identity: Identity) -> bool:
    """Whether AWS still knows the credentials after the last page was read."""
    try:
        session.caller_account(identity)
    except PolicycheckError:
        return False
    return True


def _statuses(session: AwsSession, identity: Identity) -> Mapping[str, str]:
    """RegionOptStatus by Region; nothing where AWS does not say."""
    try:
        return session.region_statuses(identity)
    except PolicycheckError:
        return {}


def _explain(parts: Iterable[ReadPlace]) -> None:
    for part in parts:
        for found in part.lists.values():
            if found.error is not None:
                message = f"{found.error.message}: the session token may be of the global endpoint of STS, and no Region that has to be enabled knows one"
                hint = "take credentials from a regional endpoint of STS: sts_regional_endpoints = regional in the profile, AWS_STS_REGIONAL_ENDPOINTS=regional"
                found.error = UnknownClientError(message, hint=hint, place=found.error.place)
