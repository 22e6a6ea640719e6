"""What a finding says at first sight."""

from __future__ import annotations

import pytest

from policycheck.finding import Finding
from policycheck.formats.finding_facts import tell_facts
from tests.formats.results import AS_OF, make_finding


def group(account: str | None, region: str | None, *identity: str) -> Finding:
    return make_finding(subject="a group", account=account, region=region, identity=dict.fromkeys(identity))


@pytest.mark.parametrize(
    ("finding", "place"),
    [
        (make_finding(), "111122223333/eu-west-1"),
        (make_finding(account_name="shop"), "111122223333 (shop)/eu-west-1"),
        (make_finding(subject="arn:aws:s3:::invoices", account=None, region=None), "account unknown/Region unknown"),
        (group("111122223333", None, "Account"), "111122223333"),
        (group(None, "eu-west-1", "Region"), "eu-west-1"),
        (group(None, None, "Account", "Region"), "account unknown/Region unknown"),
        (group(None, None, "ResourceType"), ""),
        (make_finding(subject="111122223333", region=None, identity={"Account": "111122223333"}), ""),
    ],
)
def test_a_group_has_the_place_that_tells_it_and_a_resource_an_account_and_a_region(finding: Finding, place: str) -> None:
    assert tell_facts(finding, AS_OF).place == place
