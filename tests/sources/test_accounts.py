"""The list of accounts: its forms, what they say, and every mistake with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policycheck.errors import AccountsFileError
from policycheck.sources.accounts import ROLE_NAME, parse_accounts, read_accounts
from policycheck.sources.connection import ListedAccount

PROD, SHOP, OLD = "111122223333", "044455556666", "555566667777"
ROLE = f"arn:aws:iam::{SHOP}:role/backup/Audit"
OF_ORGANIZATIONS: list[dict[str, Any]] = [
    {
        "Id": PROD,
        "Arn": f"arn:aws:organizations::{PROD}:account/o-1/{PROD}",
        "Email": "a@x.test",
        "Name": "prod",
        "Status": "ACTIVE",
        "JoinedMethod": "INVITED",
    },
    {"Id": SHOP, "Name": "shop", "State": "ACTIVE", "Status": "ACTIVE", "JoinedTimestamp": 1.5},
    {"Id": OLD, "Name": "old", "State": "CLOSED", "Status": "SUSPENDED"},
]
FORMS = {
    "ids": (f"- {PROD}\n- {SHOP}\n", [ListedAccount(PROD, ROLE_NAME), ListedAccount(SHOP, ROLE_NAME)]),
    "role ARNs": (f"- {ROLE}\n", [ListedAccount(SHOP, ROLE)]),
    "objects": (
        f"- {{account: {SHOP}, name: shop, role_name: Audit, external_id: e1, session_name: me, profile: p}}\n",
        [ListedAccount(SHOP, "Audit", "e1", "me", "shop", "p")],
    ),
    "defaults": (
        f"role_name: Audit\nexternal_id: e1\naccounts:\n  - {PROD}\n  - {{account: {SHOP}, external_id: e2}}\n",
        [ListedAccount(PROD, "Audit", "e1"), ListedAccount(SHOP, "Audit", "e2")],
    ),
    "JSON": (json.dumps({"accounts": [{"AccountId": PROD, "Name": "prod"}]}), [ListedAccount(PROD, ROLE_NAME, name="prod")]),
    "CSV": (
        f"Account ID,Name,External ID,Email\n{PROD},prod,e1,a@x.test\n{SHOP},,,\n",
        [ListedAccount(PROD, ROLE_NAME, "e1", name="prod"), ListedAccount(SHOP, ROLE_NAME)],
    ),
    "CSV with semicolons": (f"account;role_arn\n{SHOP};{ROLE}\n", [ListedAccount(SHOP, ROLE)]),
    "list-accounts": (json.dumps({"Accounts": OF_ORGANIZATIONS}), [ListedAccount(PROD, ROLE_NAME, name="prod"), ListedAccount(SHOP, ROLE_NAME, name="shop")]),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_names_accounts_and_roles(form: str) -> None:
    text, expected = FORMS[form]
    found, left_out = parse_accounts(text, "accounts")
    assert list(found) == expected
    assert left_out == ((f"{OLD} (old) CLOSED",) if form == "list-accounts" else ())


MISTAKES = [
    ("- 11112222333\n", 1, "11112222333 is not an account id of exactly 12 digits"),
    (f"- {PROD}\n- {PROD}\n", 2, f"the account {PROD} appears twice; first on line 1"),
    (f"- {PROD}\n- arn:aws:iam::{SHOP}:user/me\n", 2, "is not the ARN of a role"),
    (f"- {{account: {PROD}, role_arn: '{ROLE}'}}\n", 1, f"the account is {PROD}, and {SHOP} in the ARN of the role"),
    ("- {name: shop}\n", 1, "names neither an account nor the ARN of a role"),
    (f"- {{account: {PROD}, rolle: x}}\n", 1, "there is no key rolle here"),
    (f"- {{account: {PROD}, id: {SHOP}}}\n", 1, "account is given twice"),
    (f"account,external_id\n{PROD},wrong secret!\n", 2, "external_id is not a value that AWS takes"),
    (f"account,name\n{PROD},a\n{SHOP}\n", 3, "another number of columns"),
    (f"account\n{PROD}\n12\n", 3, "12 is not an account id"),
    (json.dumps({"Accounts": OF_ORGANIZATIONS, "NextToken": "more"}), 1, "the list is incomplete"),
    (json.dumps({"Accounts": OF_ORGANIZATIONS[2:]}), 1, "no active account"),
    ("accounts: []\n", 1, "no active account"),
    ("accounts: x\n", 1, "accounts takes a list"),
    ("- [a]\n", 1, "takes a mapping"),
    ("just text\n", 1, "this is not a list of accounts"),
    ("", 1, "empty"),
    ("- 'open\n", 1, "not closed"),
]


@pytest.mark.parametrize(("text", "line", "message"), MISTAKES)
def test_a_mistake_is_told_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(AccountsFileError) as caught:
        parse_accounts(text, "accounts.yaml")
    diagnostic = next(one for one in caught.value.diagnostics if message in one.message)
    assert (diagnostic.location.path, diagnostic.location.line) == ("accounts.yaml", line)
    assert diagnostic.hint or "another" in message or "twice" in message
    assert not any("wrong secret" in part for one in caught.value.diagnostics for part in (one.message, one.hint, one.source_line))


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(AccountsFileError) as caught:
        parse_accounts(f"- 1\n- {PROD}\n- 2\n", "a")
    assert [one.location.line for one in caught.value.diagnostics] == [1, 3]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for name, content, problem in (
        ("nowhere", None, "cannot read"),
        ("utf-16", "- 1".encode("utf-16"), "not UTF-8"),
        ("large", b" " * 4_000_001, "longer than"),
    ):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(AccountsFileError) as caught:
            read_accounts(str(path))
        assert problem in caught.value.diagnostics[0].message


def test_a_thousand_accounts_as_organizations_lists_them_are_read() -> None:
    listed = [{**OF_ORGANIZATIONS[0], "Id": f"{number:012}", "State": "ACTIVE"} for number in range(1000)]
    assert len(parse_accounts(json.dumps({"Accounts": listed}, indent=4), "a")[0]) == 1000
