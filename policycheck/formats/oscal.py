"""OSCAL assessment-results (NIST, version 1.2.1): what was observed of each rule and finding, and of each control whether it is satisfied.

A control is satisfied where every rule that names it passed, and by nothing less: one that is inconclusive, waived or skipped leaves it not satisfied, with
the reason. A rule that names no control is an objective of its own. Ids are made from what they name, so that the same result gives the same document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID, uuid5

from policycheck.formats.alerts import fingerprint, rule_name
from policycheck.formats.cleaning import line
from policycheck.formats.in_toto import is_sha256
from policycheck.formats.interface import CleanResult, Format, Options
from policycheck.formats.pieces import Entries, json_pieces
from policycheck.formats.words import verdict_sentence
from policycheck.records import iso
from policycheck.result import Finding, Result, RuleResult, Verdict
from policycheck.text import truncate

OSCAL_VERSION = "1.2.1"
MAX_TEXT = 1000
_LONGEST_TOKEN = 200
_NAMESPACE = UUID("6f2f5a0e-0b52-5c57-9d0c-3d5c1a2f9b41")
_PROPERTIES = "urn:policycheck:oscal"
_NOT_TOKEN = re.compile(r"[^A-Za-z0-9._-]")

# OSCAL is JSON: Any stands for its values.
Json = dict[str, Any]


def _render(result: CleanResult, _options: Options) -> Iterator[str]:
    when = iso(result.as_of)
    plan = _uuid("plan", *(policy.id for policy in result.policies))
    document = {
        "uuid": _uuid("document", when, *map(rule_name, result.rules)),
        "metadata": {"title": "policycheck: AWS Backup", "last-modified": when, "version": _text(result.tool_version), "oscal-version": OSCAL_VERSION},
        "import-ap": {"href": f"#{plan}", "remarks": "There is no assessment plan in OSCAL: the policies define what is assessed."},
        "results": [_result(result, when)],
        "back-matter": {"resources": [_policies(result, plan)]},
    }
    return json_pieces({"assessment-results": document})


def _uuid(*parts: str) -> str:
    return str(uuid5(_NAMESPACE, "\0".join(parts)))


def _text(value: str | None, fallback: str = "-") -> str:
    return truncate(line(value, fallback), MAX_TEXT).strip()


def _token(*parts: str) -> str:
    """An id as OSCAL has them: letters, digits, `.`, `-` and `_`, beginning with a letter or `_`."""
    token = _NOT_TOKEN.sub("_", "_".join(map(line, parts)))
    if len(token) > _LONGEST_TOKEN:
        token = f"{token[:_LONGEST_TOKEN]}_{fingerprint(token)[:16]}"
    return token if token[:1].isalpha() or token[:1] == "_" else f"_{token}"


def _property(name: str, value: object) -> Json:
    return {"name": name, "ns": _PROPERTIES, "value": _text(str(value))}


def _policies(result: Result, plan: str) -> Json:
    links = [
        {"href": _text(policy.path), **({"hashes": [{"algorithm": "SHA-256", "value": policy.sha256}]} if is_sha256(policy.sha256) else {})}
        for policy in result.policies
    ]
    return {"uuid": plan, "title": "Policies", **({"rlinks": links} if links else {"description": "No policy was evaluated."})}


def _result(result: Result, when: str) -> Json:
    targets = _targets(result)
    named = sorted({token for token, _, is_control in targets.values() if is_control})
    chosen: Json = {"include-controls": [{"control-id": token} for token in named]} if named else {"include-all": {}}
    observations = Entries(lambda: (entry for rule in result.rules for entry in _observations(rule, when)))
    findings = [_finding(rules, token, title) for title, (token, rules, _) in targets.items()]
    return {
        "uuid": _uuid("result", when, *map(rule_name, result.rules)),
        "title": _text(f"Verdict: {result.verdict}"),
        "description": _text(verdict_sentence(result)),
        "start": iso(_start(result)),
        "end": when,
        "props": [
            _property("verdict", result.verdict),
            _property("exit-code", int(result.exit_code)),
            _property("scope-covered", "no" if result.scope_uncovered else "yes"),
            _property("jobs", result.jobs),
        ],
        "reviewed-controls": {"control-selections": [chosen]},
        **({"observations": observations} if result.rules else {}),
        **({"findings": findings} if findings else {}),
        **({"remarks": _text("; ".join(map(line, result.not_seen)))} if result.not_seen else {}),
    }


def _start(result: Result) -> datetime:
    """From when on the lists are evidence; as_of where there is none."""
    return min((entry.evident[0] for entry in result.coverage if entry.evident is not None and entry.evident[0] <= result.as_of), default=result.as_of)


def _targets(result: Result) -> dict[str, tuple[str, list[RuleResult], bool]]:
    """By its name what is satisfied or not: its token, the rules that tell, and whether it is a control."""
    found: dict[str, tuple[str, list[RuleResult], bool]] = {}
    for rule in result.rules:
        controls = [(framework, control) for framework, named in sorted(rule.controls.items()) for control in named]
        for framework, control in controls:
            found.setdefault(f"{line(framework)} {line(control)}", (_token(framework, control), [], True))[1].append(rule)
        if not controls:
            found.setdefault(rule_name(rule), (_token("rule", rule.policy, rule.id), [], False))[1].append(rule)
    return found


def _observations(rule: RuleResult, when: str) -> Iterator[Json]:
    yield _of_rule(rule, when)
    yield from (_of_finding(rule, found, when) for found in rule.findings)


def _of_rule(rule: RuleResult, when: str) -> Json:
    told = [("verdict", str(rule.verdict)), ("severity", str(rule.severity)), ("jobs-examined", rule.examined), ("subjects", rule.subjects)]
    return {
        "uuid": _rule_uuid(rule),
        "title": _text(rule_name(rule)),
        "description": _text(rule.sentence),
        "props": [_property(name, value) for name, value in told],
        "methods": ["TEST"],
        "types": ["control-objective"],
        "collected": when,
        **({"remarks": _text(rule.reason)} if line(rule.reason, "") else {}),
    }


def _rule_uuid(rule: RuleResult) -> str:
    return _uuid("rule", rule.policy, rule.id)


def _of_finding(rule: RuleResult, found: Finding, when: str) -> Json:
    place = [("account", found.account), ("region", found.region), ("resource-type", found.resource_type), ("cause", found.cause)]
    waiver = found.waiver
    told = [("subject", found.subject), *((name, value) for name, value in place if value), ("fingerprint", found.fingerprint)]
    told += [] if waiver is None else [("waived-by", waiver.owner), ("waived-until", waiver.expires)]
    return {
        "uuid": _uuid("finding", found.fingerprint),
        "title": _text(f"{line(rule.id)}: {line(found.subject)}"),
        "description": _text(found.message, "violates the rule"),
        "props": [_property(name, value) for name, value in told],
        "methods": ["TEST"],
        "types": ["finding"],
        "collected": when,
        **({"remarks": _text(f"waived: {line(waiver.reason)}")} if waiver is not None else {}),
    }


def _finding(rules: list[RuleResult], token: str, title: str) -> Json:
    satisfied = all(rule.verdict is Verdict.PASS for rule in rules)
    failed = any(rule.verdict is Verdict.FAIL for rule in rules)
    told = ", ".join(f"{rule_name(rule)}: {rule.verdict}" for rule in rules)

    def related() -> Iterator[Json]:
        known: set[bytes] = set()
        finding_uuids = (_uuid("finding", found.fingerprint) for rule in rules for found in rule.findings)
        for uuid in chain(map(_rule_uuid, rules), finding_uuids):
            if (value := UUID(uuid).bytes) not in known:
                known.add(value)
                yield {"observation-uuid": uuid}

    return {
        "uuid": _uuid("target", title),
        "title": _text(title),
        "description": _text(told),
        "target": {
            "type": "objective-id",
            "target-id": token,
            "status": {"state": "satisfied" if satisfied else "not-satisfied", "reason": "pass" if satisfied else "fail" if failed else "other"},
        },
        "related-observations": Entries(related),
    }


FORMAT = Format("oscal", "assessment-results of OSCAL 1.2.1", ".json", "application/oscal+json", _render)
