"""The accounts of the emulator's organization."""

from __future__ import annotations

import json

import pytest

from policycheck.emulator.errors import ApiError
from policycheck.emulator.members import Member, describe, page
from policycheck.emulator.store import Store
from policycheck.errors import UsageError

MANAGEMENT, SHOP, OLD = "111122223333", "444455556666", "555566667777"
MEMBERS = [Member(MANAGEMENT), *(Member(f"{number:012}") for number in range(40)), Member(OLD, "old", "CLOSED")]


def test_an_account_is_written_as_an_id_a_name_and_a_state() -> None:
    assert Member.parse(SHOP) == Member(SHOP)
    assert Member.parse(f"{SHOP}=shop") == Member(SHOP, "shop")
    assert Member.parse(f"{SHOP}=shop:SUSPENDED") == Member(SHOP, "shop", "SUSPENDED")


@pytest.mark.parametrize("spec", ["shop", "1", f"{SHOP}:SUSPENDED", f"{SHOP}=shop:GONE", ""])
def test_what_is_no_account_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="not an account of an organization"):
        Member.parse(spec)


def test_pages_hold_twenty_accounts_and_lead_on() -> None:
    found: list[dict[str, str]] = []
    token, pages = "", 0
    while True:
        answer = json.loads(page(MANAGEMENT, MANAGEMENT, MEMBERS, {"NextToken": token} if token else {}))
        found, pages = [*found, *answer["Accounts"]], pages + 1
        token = answer.get("NextToken", "")
        if not token:
            break
    assert ([account["Id"] for account in found], pages) == ([member.account for member in MEMBERS], 3)
    # A state that Status has no word for is in State alone.
    assert (found[-1]["State"], "Status" in found[-1]) == ("CLOSED", False)


def test_only_the_management_account_may_list_accounts_and_only_members_are_told_of_it() -> None:
    with pytest.raises(ApiError) as caught:
        page(SHOP, MANAGEMENT, MEMBERS, {})
    assert caught.value.code == "AccessDeniedException"
    assert json.loads(describe(OLD, MANAGEMENT, MEMBERS))["Organization"]["MasterAccountId"] == MANAGEMENT
    with pytest.raises(ApiError):
        describe(SHOP, MANAGEMENT, MEMBERS)


def test_every_account_with_jobs_is_a_member() -> None:
    store = Store(management=MANAGEMENT)
    store.add(SHOP, "eu-west-1", "backup_jobs", [])
    store.organization = (Member(OLD, "old"),)
    assert store.members == (Member(OLD, "old"), Member(MANAGEMENT), Member(SHOP))
