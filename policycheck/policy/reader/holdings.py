"""What people type of what there is, as far as lists show it: recovery points, resources in backup plans, and keys."""

from __future__ import annotations

from collections.abc import Sequence

from policycheck.policy.reader.pattern import PLACES, QUALITIES, Meaning, Pattern, row

HELD = "Recovery points"
_USABLE = "AVAILABLE or COMPLETED recovery points"
_MANY = f"{{order-}}every {{subject}} must have at least {{number!}} {_USABLE} {{within}}"
_ONE = (
    Meaning(f"{{order-}}every {{subject}} must have at least 1 {_USABLE}"),
    Meaning("{order-}every {subject} must have an AVAILABLE or COMPLETED recovery point within {window!}"),
)
_PLANNED = "every {subject} must have a job with CreatedBy.BackupPlanId present within {window!}"
_SHOWN = "which resources a plan selects is in no list; a job that a plan made shows it"
_KEPT_WITH = "{completed} EncryptionKeyArn must be in inventory {inventory!} {within}"

HOLDING_ROWS: Sequence[Pattern] = (
    row(
        HELD,
        "EACH? subject (MUST HAVE | HAVE) LEAST? several USABLE? POINTS",
        _MANY,
        of=[
            "every RDS resource must have at least 14 recovery points",
            "each database must have 14 restore points",
            "every resource has at least two usable recovery points",
        ],
    ),
    row(HELD, "THERE_MUST? LEAST several USABLE? POINTS (FOR | OF | PER) EACH? subject", _MANY, of=["at least 7 recovery points for every EC2 instance"]),
    row(HELD, "NO subject MAY HAVE LESS several USABLE? POINTS", _MANY, of=["no RDS resource may have fewer than 14 recovery points"]),
    row(
        HELD,
        "EACH? subject (MUST HAVE | HAVE) (LEAST? SINGLE)? USABLE? POINTS",
        *_ONE,
        of=["every resource must have a recovery point", "every EC2 instance must have at least one recovery point within 7 days"],
    ),
    row(HELD, "NO subject (MAY BE)? WITHOUT USABLE? POINTS", *_ONE, of=["no resource without a recovery point"]),
    # --- resources in plans: a job that a plan made ---
    row(PLACES, "EACH? subject MUST BE PLANNED", _PLANNED, of=["every resource in inventory prod must be in a backup plan within 7d"]),
    row(
        PLACES,
        "EACH? subject MUST BE (ASSIGNED | PLANNED)",
        Meaning(_PLANNED.replace("window!", "window?7d"), _SHOWN, proposed=True),
        of=["every RDS resource must be assigned to a backup plan within 7 days"],
    ),
    # --- keys of the customer's: an inventory says which they are ---
    row(
        QUALITIES,
        "EACH? jobs MUST (BE ENCRYPTED (WITH | BY) | USE) KEYS FROM? IN? inventory",
        _KEPT_WITH,
        of=[
            "backups must be encrypted with a customer managed key in inventory customer_keys",
            "EC2 backups must use a KMS key from inventory customer_keys",
        ],
    ),
)
