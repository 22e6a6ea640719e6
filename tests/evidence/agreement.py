"""The same lists and rules for the engine and for `reperform.py`, and what each says of them in one form."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from policycheck.engine.evaluate import judge
from policycheck.evidence.answers import answer_of_rule
from policycheck.evidence.input_document import spell_rule, spell_scope, spell_waiver
from policycheck.evidence.reperform import SCHEMA
from policycheck.inventory import Inventory, InventoryEntry
from policycheck.policy.model import Policy, Rule, Scope, WaiverGrant
from policycheck.records import EPOCH, iso
from policycheck.result import RuleResult
from policycheck.sources.files import read_job_files
from tests.backends import BACKEND
from tests.evidence.files import Source, single_files, write
from tests.evidence.jobs import AS_OF, Estate, Job

AS_OF_TIME = EPOCH + timedelta(seconds=AS_OF)

Claim = tuple[datetime, datetime] | None


def document(
    estate: Estate | list[Source],
    rules: Sequence[Rule],
    scope: Scope,
    covers: Claim,
    inventories: Mapping[str, list[Job]] | None = None,
    waivers: Sequence[WaiverGrant] = (),
) -> dict[str, Any]:
    """What `reperform.py` reads. An estate stands for one file a list."""
    return {
        "schema": SCHEMA,
        "as_of": iso(AS_OF_TIME),
        "covers": covers and [iso(edge) for edge in covers],
        "scope": spell_scope(scope),
        "inventories": dict(inventories or {}),
        "sources": single_files(estate) if isinstance(estate, dict) else estate,
        "rules": [spell_rule(rule) for rule in rules],
        "waivers": [spell_waiver(grant) for grant in waivers],
    }


def judge_by_engine(
    estate: Estate | list[Source],
    rules: Sequence[Rule],
    scope: Scope,
    covers: Claim,
    inventories: Mapping[str, list[Job]] | None = None,
    waivers: Sequence[WaiverGrant] = (),
) -> tuple[RuleResult, ...]:
    """What the engine finds in the files. An empty list is one that was read; one that is absent was not."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write(single_files(estate) if isinstance(estate, dict) else estate, Path(folder))
        evidence = read_job_files(paths, as_of=AS_OF_TIME, covers=covers, stdin=io.BytesIO())
    # Rules of jobs are judged without inventories, too.
    given: dict[str, Any] = {} if inventories is None else {"inventories": {name: inventory_of(name, entries) for name, entries in inventories.items()}}
    return judge([Policy("p", "", "p.yaml", tuple(rules), scope, tuple(waivers))], evidence.lists, evidence.coverage, AS_OF_TIME, BACKEND, **given)


def inventory_of(name: str, entries: list[Job]) -> Inventory:
    """An inventory of these entries."""
    made = (
        InventoryEntry(
            entry["arn"],
            account=entry.get("account"),
            region=entry.get("region"),
            name=entry.get("name"),
            resource_type=entry.get("type"),
            account_name=entry.get("account_name"),
            tags=entry.get("tags", {}),
        )
        for entry in entries
    )
    return Inventory(name, "inventory.yaml", tuple(made))


said = answer_of_rule
"""What the engine's result and that of `reperform.py` have in common."""


def reperformed(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same of an answer of `reperform.py`."""
    return [dict(rule, findings=sorted(rule["findings"], key=str)) for rule in answer["rules"]]
