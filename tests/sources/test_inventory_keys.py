"""Lists of the customer's keys: what tells them from those that AWS manages, and what does not."""

from __future__ import annotations

import json

import pytest

from policycheck.errors import EvidenceError
from policycheck.sources.inventories import parse_inventory
from tests.tables import each

KEY = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-4333-8444-555566667777"
METADATA = {"AWSAccountId": "111122223333", "KeyId": "1111", "Arn": KEY, "Enabled": True, "KeyState": "Enabled", "KeyManager": "CUSTOMER", "MultiRegion": False}
READ = [
    f"- {KEY}\n",
    f"arn\n{KEY}\n",
    json.dumps({"KeyMetadata": METADATA}),
    json.dumps([{"KeyMetadata": METADATA}]),
    json.dumps([{"KeyArn": KEY, "Arn": KEY, "KeyManager": "CUSTOMER"}]),
]


@each("text", READ)
def test_a_list_of_keys_is_an_inventory(text: str) -> None:
    (entry,) = parse_inventory("keys", "keys", text.encode()).entries
    assert (entry.arn, entry.account, entry.region, entry.resource_type) == (KEY, "111122223333", "eu-west-1", None)


REFUSED = [
    (json.dumps({"Keys": [{"KeyId": "1111", "KeyArn": KEY}]}), "aws kms list-keys"),
    (json.dumps({"Keys": [{"KeyId": "1111", "KeyArn": KEY}], "Truncated": True}), "is incomplete"),
    (json.dumps({"KeyMetadata": {**METADATA, "KeyManager": "AWS"}}), "whose KeyManager is AWS, not CUSTOMER"),
    (json.dumps([{"KeyMetadata": METADATA}, {"KeyMetadata": {**METADATA, "Arn": f"{KEY}8", "KeyManager": ""}}]), "whose KeyManager is empty"),
    (f"- {KEY.replace('key/', 'alias/')}\n", "is an alias"),
]


@each(("text", "message"), REFUSED)
def test_a_key_that_aws_manages_or_may_is_no_entry(text: str, message: str) -> None:
    with pytest.raises(EvidenceError) as refused:
        parse_inventory("keys", "keys", text.encode())
    assert message in refused.value.message
