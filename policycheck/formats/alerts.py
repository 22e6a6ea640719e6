"""What formats that open alerts share: how an alert is called, what it says, and what it is known by in the next run."""

from __future__ import annotations

import hashlib
import json

from policycheck.formats.cleaning import line
from policycheck.result import Finding, RuleResult


def rule_name(rule: RuleResult) -> str:
    """Qualified by its policy: two policies may name a rule alike."""
    return f"{line(rule.policy)}/{line(rule.id)}"


def seen(finding: Finding) -> str:
    """`SUBJECT (ACCOUNT/REGION): what was found`, on one line."""
    place = "/".join(filter(None, (finding.account, finding.region)))
    return f"{line(finding.subject)}{f' ({line(place)})' if place else ''}: {line(finding.message, 'violates the rule')}"


def rule_fingerprint(rule: RuleResult, what: str) -> str:
    """64 hex digits for an alert of a rule that is about no subject; `what` tells several of one rule apart."""
    return fingerprint(rule.policy, rule.id, what)


def fingerprint(*parts: str) -> str:
    """64 hex digits that stay the same while the parts do."""
    return hashlib.sha256(json.dumps(["policycheck/1", *parts]).encode()).hexdigest()
