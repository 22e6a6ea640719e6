"""Keys of AWS KMS in an inventory: what its answers say of who manages them.

ListKeys names the keys that AWS manages (aws/backup and others) beside the customer's, and does not tell them apart; DescribeKey says KeyManager: CUSTOMER or
AWS (AWS KMS API reference). An ARN alone does not say it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policycheck.errors import JobFileError
from policycheck.sources.inventory_rows import spell_key
from policycheck.text import clean_line, truncate

_HINT = "List the ARNs of the keys whose KeyManager is CUSTOMER in `aws kms describe-key`; docs/inventories.md has the commands."


def check_key(row: Mapping[Any, Any], number: int) -> None:
    """Refuse an entry that may be, or is, a key that AWS manages, and one that is no key but its alias; raises JobFileError."""
    said = {spell_key(str(key)): value for key, value in row.items()}
    arn = truncate(clean_line(str(said.get("arn") or said.get("resourcearn") or "")), 200)
    if "keyarn" in said and "keymanager" not in said:
        raise JobFileError(f"entry {number} is from `aws kms list-keys`, which includes the keys that AWS manages without marking them", hint=_HINT)
    manager = clean_line(str(said.get("keymanager", "CUSTOMER") or "")).strip()
    if manager.upper() != "CUSTOMER":
        raise JobFileError(f"entry {number} ({arn}) is a key whose KeyManager is {truncate(manager, 40) or 'empty'}, not CUSTOMER", hint=_HINT)
    if arn.startswith("arn:") and ":kms:" in arn and arn.split(":", 5)[-1].startswith("alias/"):
        raise JobFileError(f"entry {number} ({arn}) is an alias, and AWS Backup records keys", hint="Write the ARN of its key (TargetKeyId).")
