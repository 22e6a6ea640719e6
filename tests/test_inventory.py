"""What inventories say of the resources that jobs name."""

from __future__ import annotations

import pytest

from policycheck.inventory import Inventory, InventoryEntry, Listing

ARN = "arn:aws:s3:::logs"
HERE = ("111122223333", "eu-west-1", ARN)


def _listing(**entries: InventoryEntry) -> Listing:
    return Listing({name: Inventory(name, f"{name}.csv", (entry,)) for name, entry in entries.items()})


@pytest.mark.parametrize(
    ("entry", "account", "region", "listed"),
    [
        (InventoryEntry(ARN), "111122223333", "eu-west-1", True),
        (InventoryEntry(ARN), None, None, True),
        (InventoryEntry(ARN, "111122223333"), "111122223333", None, True),
        (InventoryEntry(ARN, "111122223333"), "444455556666", "eu-west-1", False),
        (InventoryEntry(ARN, "111122223333"), None, "eu-west-1", None),
        (InventoryEntry(ARN, "111122223333", "eu-west-1"), None, "us-east-1", False),
    ],
)
def test_a_job_is_of_an_entry_as_far_as_the_entry_says(entry: InventoryEntry, account: str | None, region: str | None, listed: bool | None) -> None:
    assert entry.lists(account, region) is listed


def test_a_resource_is_in_an_inventory_or_not_and_unknown_in_one_that_is_not_there() -> None:
    listing = _listing(prod=InventoryEntry(ARN))
    assert listing.is_in(HERE, "prod") is True
    assert listing.is_in(("111122223333", "eu-west-1", "arn:aws:s3:::other"), "prod") is False
    assert listing.is_in(HERE, "dr") is None
    assert listing.is_in(("111122223333", "eu-west-1", None), "prod") is None


def test_without_an_inventory_nobody_knows_whether_a_resource_is_listed() -> None:
    assert Listing({}).is_listed(HERE) is None
    assert _listing(prod=InventoryEntry(ARN)).is_listed(("1", "r", "arn:aws:s3:::other")) is False


def test_the_first_inventory_by_name_that_has_a_tag_gives_it() -> None:
    listing = _listing(b=InventoryEntry(ARN, tags={"Env": "b", "Only": "b"}, account_name="shop"), a=InventoryEntry(ARN, tags={"Env": "a"}))
    assert [listing.tag(HERE, name) for name in ("Env", "Only", "None")] == ["a", "b", None]
    assert listing.account_name(HERE) == "shop"
    assert listing.tag(("1", "r", "arn:aws:s3:::other"), "Env") is None
