"""The same lists and rules for the engine and for `reperform.py`, and what each says of them in one form."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, assert_never

from policycheck.engine.evaluate import judge
from policycheck.evidence.reperform import SCHEMA
from policycheck.inventory import Inventory, InventoryEntry
from policycheck.policy.conditions import structured
from policycheck.policy.measures import Measure
from policycheck.policy.model import AllMatch, Expectation, Following, NoneMatch, Policy, Requirement, Rule, Scope, WaiverGrant
from policycheck.records import EPOCH, iso
from policycheck.result import Finding, RuleResult
from policycheck.sources.files import read_job_files
from tests.backends import BACKEND
from tests.evidence.files import Source, single_files, write
from tests.evidence.jobs import AS_OF, Estate, Job

AS_OF_TIME = EPOCH + timedelta(seconds=AS_OF)

Claim = tuple[datetime, datetime] | None


_JOBS = {"all", "top_level", "members"}
"""What a rule can say; without one of them `count` and `share` count a composite job once."""


def spell(rule: Rule) -> dict[str, Any]:
    """The rule as `reperform.py` reads it."""
    statement, qualifiers = rule.statement, rule.qualifiers
    keys = {
        "id": rule.id,
        "dataset": statement.dataset,
        "where": structured(statement.where),
        "within": statement.within and statement.within.text,
        "clock": qualifiers.clock,
        "jobs": qualifiers.jobs.value if qualifiers.jobs.value in _JOBS else None,
        "no_data": qualifiers.no_data.value,
        **_spell_requirement(statement.requirement),
    }
    return {key: value for key, value in keys.items() if value is not None}


def _spell_requirement(requirement: Requirement) -> dict[str, Any]:
    match requirement:
        case NoneMatch(condition=condition, recovery=recovery):
            return {"none": structured(condition), "unless_recovered_within": recovery and recovery.text}
        case AllMatch(condition=condition):
            return {"all": structured(condition)}
        case Expectation(measure=measure, condition=condition, operator=operator, limit=limit):
            asked: dict[str, Any] = {} if measure is Measure.MISSED_RUNS else {"of": structured(condition)}
            if operator is not None and limit is not None:
                asked[operator.value] = limit.text
            inventory = requirement.inventory and requirement.inventory.text
            return {"expect": {measure.value: asked}, "per": list(requirement.per) or None, "inventory": inventory}
        case Following(dataset=dataset, condition=condition, within=within):
            return {"followed_by": {"dataset": dataset, "where": structured(condition), "within": within.text}}
        case _:
            assert_never(requirement)


def _spell_waiver(grant: WaiverGrant) -> dict[str, Any]:
    match = "any" if grant.match is None else structured(grant.match)
    return {"rule": grant.rule, "match": match, "granted": grant.granted.isoformat(), "expires": grant.expires.isoformat()}


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
        "scope": {"accounts": list(scope.accounts), "regions": list(scope.regions), "may_be_empty": list(scope.may_be_empty)},
        "inventories": dict(inventories or {}),
        "sources": single_files(estate) if isinstance(estate, dict) else estate,
        "rules": [spell(rule) for rule in rules],
        "waivers": [_spell_waiver(grant) for grant in waivers],
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
    given: dict[str, Any] = {} if inventories is None else {"inventories": {name: _inventory(name, entries) for name, entries in inventories.items()}}
    return judge([Policy("p", "", "p.yaml", tuple(rules), scope, tuple(waivers))], evidence.lists, evidence.coverage, AS_OF_TIME, BACKEND, **given)


def _inventory(name: str, entries: list[Job]) -> Inventory:
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


def said(result: RuleResult) -> dict[str, Any]:
    """What the engine's result and that of `reperform.py` have in common."""
    return {
        "id": result.id,
        "verdict": result.verdict.value,
        "examined": result.examined,
        "subjects": result.subjects,
        "undecided": result.undecided,
        "possible": result.possible,
        "pending": result.pending,
        "findings": sorted(map(_said_of, result.findings), key=str),
    }


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(?=: rule )")


def _said_of(finding: Finding) -> dict[str, Any]:
    """A finding without its words; the runs that were missed are in these alone."""
    found = {"account": finding.account, "region": finding.region, "subject": finding.subject, "jobs": list(finding.jobs), "waived": finding.waiver is not None}
    if finding.cause in {"missed_run", "plan_silent"}:
        found["missed"] = sorted({told[0] for line in finding.details if (told := _MOMENT.match(line))})
    return found


def reperformed(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same of an answer of `reperform.py`."""
    return [dict(rule, findings=sorted(rule["findings"], key=str)) for rule in answer["rules"]]
