"""What `reperform.py` reads (policycheck/reperform/2, docs/reperform.md): rules, waivers, coverage and inventories as data, and where the records stand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, assert_never

from policycheck.evidence.reperform import SCHEMA, sort_records
from policycheck.inventory import Inventory, InventoryEntry
from policycheck.policy.conditions import structured
from policycheck.policy.measures import Measure
from policycheck.policy.model import AllMatch, Expectation, Following, NoneMatch, Policy, Requirement, Rule, Scope, WaiverGrant
from policycheck.records import iso
from policycheck.result import Basis, Coverage
from policycheck.sources.contents import read_text
from policycheck.sources.files import FileEvidence
from policycheck.sources.yaml_text import yaml_documents

Json = dict[str, Any]  # documents are JSON: Any stands for their values

_JOBS = {"all", "top_level", "members"}
"""What a rule can say; without one of them `count` and `share` count a composite job once."""


def spell_rule(rule: Rule) -> Json:
    """The rule in the structured form, parameters filled in, every literal as it was written."""
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


def _spell_requirement(requirement: Requirement) -> Json:
    match requirement:
        case NoneMatch(condition=condition, recovery=recovery):
            return {"none": structured(condition), "unless_recovered_within": recovery and recovery.text}
        case AllMatch(condition=condition):
            return {"all": structured(condition)}
        case Expectation(measure=measure, condition=condition, operator=operator, limit=limit):
            asked: Json = {} if measure is Measure.MISSED_RUNS else {"of": structured(condition)}
            if operator is not None and limit is not None:
                asked[operator.value] = limit.text
            if requirement.calendar is not None:
                asked |= {requirement.calendar.unit.value: requirement.calendar.last.text, "zone": requirement.calendar.zone.text}
            asked |= {"warning": requirement.warning.text} if requirement.warning else {}
            inventory, share = requirement.inventory and requirement.inventory.text, requirement.share
            beside = {"share_of_subjects": share and {share.operator.value: share.limit.text}}
            return {"expect": {measure.value: asked}, "per": list(requirement.per) or None, "inventory": inventory, **beside}
        case Following(dataset=dataset, condition=condition, within=within):
            return {"followed_by": {"dataset": dataset, "where": structured(condition), "within": within.text}}
        case _:
            assert_never(requirement)


def spell_waiver(grant: WaiverGrant) -> Json:
    """What of a waiver decides."""
    match = "any" if grant.match is None else structured(grant.match)
    return {"rule": grant.rule, "match": match, "granted": grant.granted.isoformat(), "expires": grant.expires.isoformat()}


def spell_scope(scope: Scope) -> Json:
    """What must be covered."""
    declared: Json = {"accounts": list(scope.accounts), "regions": list(scope.regions), "may_be_empty": list(scope.may_be_empty)}
    return declared | ({"organization": True} if scope.organization else {})


def spell_policy(policy: Policy) -> Json:
    """A policy's scope, rules and waivers; waivers of rules that it does not have here are left out."""
    rules = {rule.id for rule in policy.rules}
    waivers = [spell_waiver(grant) for grant in policy.waivers if grant.rule in rules]
    return {"id": policy.id, "scope": spell_scope(policy.scope), "rules": list(map(spell_rule, policy.rules)), "waivers": waivers}


def spell_coverage(entry: Coverage) -> Json:
    """A row of coverage, its times to the microsecond."""
    row: Json = {
        "dataset": entry.dataset,
        "account": entry.account,
        "region": entry.region,
        "from": None if entry.start is None else iso(entry.start),
        "to": None if entry.end is None else iso(entry.end),
        "complete": entry.complete,
        "basis": str(entry.basis),
    }
    if entry.silent:
        row["silent"] = list(entry.silent)
    if entry.gaps:
        row["gaps"] = [[iso(min(gap)), iso(max(gap))] for gap in entry.gaps]
    if entry.holes:
        row["holes"] = [[iso(start), iso(end)] for start, end in entry.holes]
    if entry.evidence is not None:
        row["evidence"] = [iso(edge) for edge in entry.evidence]
    return row


def spell_entry(entry: InventoryEntry) -> Json:
    """An entry of an inventory, as it was read."""
    known = {
        "arn": entry.arn,
        "account": entry.account,
        "region": entry.region,
        "type": entry.resource_type,
        "name": entry.name,
        "account_name": entry.account_name,
        "tags": dict(entry.tags) or None,
    }
    return {key: value for key, value in known.items() if value is not None}


def make_document(
    policies: Sequence[Policy],
    sources: Iterable[Json],
    inventories: Mapping[str, Inventory],
    *,
    as_of: datetime,
    covers: tuple[datetime, datetime] | None,
    coverage: Sequence[Coverage] | None,
) -> Json:
    """The document of a run.

    Args:
        sources: where the records of each source are.
        covers: what the user claims plain files to cover.
        coverage: what a fetch saw, or lists say of themselves; None: files are taken to cover what their own times show.
    """
    document: Json = {
        "schema": SCHEMA,
        "as_of": iso(as_of),
        "sources": list(sources),
        "inventories": {name: list(map(spell_entry, inventory.entries)) for name, inventory in sorted(inventories.items())},
        "policies": list(map(spell_policy, policies)),
    }
    if coverage is not None:
        # A list that is only claimed to be complete shows a place by its jobs alone.
        document["coverage"] = [spell_coverage(entry) for entry in coverage if entry.jobs or not entry.complete or entry.basis is Basis.OBSERVED]
    elif covers is not None:
        document["covers"] = [iso(edge) for edge in covers]
    return document


def file_sources(evidence: FileEvidence, places: Sequence[tuple[str, str]], content: Callable[[str], bytes]) -> list[Json]:
    """The sources of saved lists: a file of JSON by its place in the bundle, and of YAML, which the standard library does not read, the records themselves.

    Args:
        places: what each file is called, and where it is in the bundle.
        content: the bytes of a file by its place.
    """
    where = dict(places)
    found: list[Json] = []
    for told in evidence.sources:
        place = where[told.file]
        source: Json = {"dataset": told.dataset, "name": told.file}
        text = read_text(content(place))
        if text.startswith((b"{", b"[")):
            source["files"] = [place]
        else:
            source["records"] = sort_records(yaml_documents(text), told.dataset)[told.source.lone]
        if told.source.lone:
            source["lone"] = True
        if told.source.jobs.behind:
            source["unclosed"] = True
        found.append(source)
    return found


def encode_document(document: Json) -> bytes:
    """The document as it stands in a bundle: ASCII, keys in the order in which a person reads them, members of records in the order of their text."""
    return (json.dumps(document, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode()
