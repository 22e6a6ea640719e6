"""What a reader must know of a finding to act on it: the resource by name, where it is, and when its newest job was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from policycheck.formats.cleaning import line
from policycheck.result import Finding
from policycheck.text import spell_duration


@dataclass(frozen=True, slots=True)
class FindingFacts:
    """Clean lines that no format has escaped; empty where the evidence does not say."""

    resource: str
    """The resource part of its ARN, since the place is told apart, or the key of the group."""
    name: str
    """ResourceName, where the finding is about one resource and its job says one."""
    vault: str
    plan: str
    plan_rule: str
    state: str
    created: str
    """When the newest job was created (ISO 8601),"""
    age: str
    """and how long before the evaluation time, as `3 h before`."""
    message: str
    """The StatusMessage of that job."""
    where: tuple[str, ...]
    """Account, with its name where that is known, and Region; of a group only what tells it, which may be nothing."""

    @property
    def place(self) -> str:
        """`444455556666 (shop)/eu-west-1`; empty of a group of no one place, or of which the place is all that tells it."""
        place = "/".join(self.where)
        return "" if place == self.resource else place

    @property
    def origin(self) -> list[str]:
        """The vault, and the plan and its rule, as far as they are known: `vault prod`, `plan daily, rule nightly`."""
        plan = f"plan {self.plan}" + (f", rule {self.plan_rule}" if self.plan_rule else "") if self.plan else ""
        return [text for text in (f"vault {self.vault}" if self.vault else "", plan) if text]

    @property
    def when(self) -> str:
        """`FAILED, created 2026-11-20T03:00:00Z, 3 h before`; empty without a job."""
        if not self.state:
            return ""
        created = f"created {self.created}" if self.created else "created at an unknown time"
        return ", ".join(filter(None, (self.state, created, self.age)))


def tell_facts(finding: Finding, as_of: datetime) -> FindingFacts:
    """The facts of a finding, from the newest of its jobs that the result holds."""
    job: Mapping[str, Any] = max((record.fields for record in finding.evidence), key=lambda fields: str(fields.get("CreationDate", "")), default={})
    of_resource = finding.subject.startswith("arn:")
    parts = finding.subject.split(":", 5)
    origin = _origin(job) if of_resource else {}
    created = _text(job.get("CreationDate"))
    return FindingFacts(
        resource=line(parts[5] if of_resource and len(parts) == 6 and parts[5] else finding.subject),
        name=_text(job.get("ResourceName")) if of_resource else "",
        vault=origin.get("vault", ""),
        plan=origin.get("plan", ""),
        plan_rule=origin.get("rule", ""),
        state=_text(job.get("State") or job.get("Status")),
        created=created,
        age=_age(created, as_of),
        message=_text(job.get("StatusMessage")),
        where=tuple(
            line(value, f"{name} unknown")
            for name, value in (("account", finding.named_account), ("Region", finding.region))
            if of_resource or value is not None or name.capitalize() in finding.identity
        ),
    )


def _origin(job: Mapping[str, Any]) -> dict[str, str]:
    """The vault of a job, and what created it."""
    vault = job.get("BackupVaultName") or str(job.get("SourceBackupVaultArn") or job.get("BackupVaultArn") or "").rpartition(":")[2]
    by = job.get("CreatedBy")
    made = by if isinstance(by, Mapping) else {}
    plan, rule = (_text(made.get(f"Backup{part}Name") or made.get(f"Backup{part}Id")) for part in ("Plan", "Rule"))
    return {"vault": _text(vault), "plan": plan, "rule": rule}


def _age(created: str, as_of: datetime) -> str:
    try:
        age = (as_of - datetime.fromisoformat(created).astimezone(UTC)) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return ""
    return f"{spell_duration(age)} before"


def _text(value: object) -> str:
    return line(value, "") if isinstance(value, str) else ""
