"""The rules of the matrix: every kind and measure (`rules/`), and the shipped packs, whose scope is the organization's. Each rule is a policy of its own,
so that any few of them can be evaluated together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from assurance.matrix.organization import ACCOUNTS, REGIONS
from policycheck.api import load
from policycheck.policy.measures import Measure
from policycheck.policy.model import Expectation, Following, Policy

_OWN = Path(__file__).with_name("rules")
_PACKS = Path(__file__).parents[2] / "policies"
_PARAMS: Mapping[str, str] = {
    # What the organization has a few days of.
    "copied_vault": "prod",
    "days": "3",
    "days_with_backup": "2",
    "every": "3d",
    "critical_every": "3d",
    "restore_test": "3d",
    "period": "3d",
    "window": "3d",
    "history": "3d",
    "air_gapped": "3d",
    "copy_rpo": "3d",
    "planned": "3d",
    "restores": "3d",
    "retention": "35d",
}


_FOR_READERS = {"title", "why", "fix", "url", "controls", "tags"}
_WORDS: Mapping[str, str] = {
    "State": "COMPLETED|FAILED|EXPIRED|PARTIAL|clean|issues|overdue",
    "Status": "COMPLETED|FAILED|AVAILABLE",
    "MessageCategory": "MessageCategory|clean|issues",
    "StatusMessage": "StatusMessage|status message",
    "IamRoleArn": "IamRole|IAM role",
    "BackupVaultName": "vault",
    "RecoveryPointLifecycle": "Retention",
    "DestinationRecoveryPointLifecycle": "Retention",
    "Lifecycle": "Retention",
    "InitiationDate": "(?i:duration|StartDelay|may run|CreationDate)",
    "CompletionDate": "(?i:duration|may run|latest|recovered|followed)",
    "CreationDate": "within|CreationDate",
    "StartBy": "overdue|missed",
    "ExpectedCompletionDate": "overdue",
    "BackupSizeInBytes": "(?i:size|smaller|larger)",
    "CreatedBy": "BackupPlan|missed|RestoreTestingPlan",
    "ParentJobId": "top_level|members|count|share|at most|at least",
    "DestinationBackupVaultArn": "Cross(Account|Region)",
    "DestinationVaultType": "AIR_GAPPED",
    "VaultType": "VaultType",
    "RecoveryPointArn": "followed",
    "SourceRecoveryPointArn": "followed",
    "CreatedByBackupJobId": "followed",
    "ResourceArn": "resource",
    "SourceResourceArn": "resource",
}
"""By which words of a rule it asks about a member, where it does not name it."""


class Family(Enum):
    """Rules that are evaluated together, and how many of them for about the same time."""

    JOBS = 6
    GROUPS = 2
    RUNS = 3
    FOLLOWING = 1


@dataclass(frozen=True, eq=False)
class RuleSet:
    """Loaded rules by name (`groups.newest`)."""

    policies: Mapping[str, Policy]
    lists: Mapping[str, frozenset[str]]
    """The lists that each needs."""
    texts: Mapping[str, str]
    """Each as its policy has it."""

    def family(self, name: str) -> Family:
        """The rules with which a rule is evaluated: they share columns and masks, which take most of the time."""
        requirement = self.policies[name].rules[0].statement.requirement
        match requirement:
            case Following():
                return Family.FOLLOWING
            case Expectation(measure=Measure.MISSED_RUNS):
                return Family.RUNS
            case Expectation():
                return Family.GROUPS
            case _:
                return Family.JOBS

    def looks_through(self, name: str) -> frozenset[str]:
        """The lists that a rule must see whole to pass. A job that is followed is followed, whatever else the list of copies or restores has."""
        statement = self.policies[name].rules[0].statement
        requirement = statement.requirement
        sought = {requirement.dataset} - {statement.dataset} if isinstance(requirement, Following) else set()
        return self.lists[name] - sought

    def ask_about(self, name: str, members: Set[str]) -> bool:
        """Whether a rule asks about any of these members."""
        return any(re.search(_WORDS.get(member, member), self.texts[name]) for member in members)

    def __len__(self) -> int:
        return len(self.policies)


def load_rules(folder: Path) -> RuleSet:
    """Write a policy file a rule into the folder, and load them."""
    paths, texts = [], {}
    for name, policy in _policies():
        texts[name] = json.dumps([{key: value for key, value in rule.items() if key not in _FOR_READERS} for rule in policy["rules"]])
        path = folder / f"{name}.yaml"
        path.write_text(json.dumps(policy), encoding="utf-8")
        paths.append(path)
    policies = {policy.id: policy for policy in load(paths)}
    return RuleSet(policies, {name: frozenset(policy.rules[0].statement.lists_needed) for name, policy in policies.items()}, texts)


def _policies() -> Iterator[tuple[str, Any]]:
    packs = [path for path in sorted(_PACKS.glob("*.yaml")) if not path.name.endswith(".test.yaml")]
    for path in (*sorted(_OWN.glob("*.yaml")), *packs):
        policy = YAML(typ="safe", pure=True).load(path)
        for rule in policy["rules"]:
            name = f"{policy['policy']}.{rule['id']}"
            text = json.dumps(rule)
            params = {key: _PARAMS.get(key, str(value)) for key, value in policy.get("params", {}).items() if f"${{{key}}}" in text}
            waivers = [waiver | {"granted": str(waiver["granted"]), "expires": str(waiver["expires"])} for waiver in policy.get("waivers", ())]
            own = [waiver for waiver in waivers if waiver["rule"] == rule["id"]]
            made = {"policy": name, "scope": {"accounts": list(ACCOUNTS), "regions": list(REGIONS)}, "rules": [_as_text(rule)]}
            yield name, made | ({"params": params} if params else {}) | ({"waivers": own} if own else {})


def _as_text(value: Any) -> Any:
    """Values as a policy has them: texts."""
    if isinstance(value, dict):
        return {str(key): _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)
