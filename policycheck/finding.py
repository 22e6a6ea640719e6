"""What a rule found of one subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from policycheck.comparison import FindingState, fingerprint_of
from policycheck.job_records import JobRecord
from policycheck.period import Span
from policycheck.places import name_account
from policycheck.severity import Severity


@dataclass(frozen=True, slots=True)
class Waiver:
    """Why a finding does not count, as its owner signed it."""

    reason: str
    owner: str
    granted: str
    expires: str
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """One of several subjects that a finding is about."""

    account: str | None
    region: str | None
    subject: str
    identity: Mapping[str, str | None]
    resource_type: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One subject that violates one rule. Identity is rule and subject, never a job, a count, a line or a time."""

    rule: str
    policy: str
    severity: Severity
    account: str | None
    region: str | None
    subject: str
    """The ResourceArn, or the key of the group."""
    message: str
    """What was seen, what was required and by how much; one clean, non-empty line."""
    jobs: tuple[str, ...] = ()
    """Ids, sorted: all that a run found, the first EVIDENCE_LIMIT of them in a saved result."""
    cause: str | None = None
    """The class of what went wrong (an id of `causes.CAUSES`); None where nothing did, or the rule asks about something else."""
    resource_type: str | None = None
    evidence: tuple[JobRecord, ...] = ()
    """The jobs themselves, in the order of `jobs`, those without an id first; at most EVIDENCE_LIMIT of them. Findings share them."""
    waiver: Waiver | None = None
    account_name: str | None = None
    """What an inventory calls the account."""
    rows: tuple[int, ...] = field(default=(), compare=False, repr=False)
    """Where its jobs stand in their list, for as long as the run has it; no report shows it."""
    identity: Mapping[str, str | None] = field(default_factory=dict)
    """The fields that tell the subject, with their values; None where a record lacks one."""
    details: tuple[str, ...] = ()
    """What belongs to the message and is too long for it, a clean line each: the runs that were missed."""
    unnamed: int = 0
    """Jobs beside those that `jobs` names: those without an id, and those that a saved result leaves out."""
    state: FindingState | None = None
    """Whether the baseline has it, too; None: it is waived, or there is no baseline."""
    spans: tuple[Span, ...] = ()
    """Of a run over a period: on which steps it was found, and not waived unless it was waived on all; what it says is what was first found."""
    members: tuple[Member, ...] = field(default=(), compare=False, repr=False)
    """Of a rule on a share of its subjects: those that do not keep to the limit; for as long as the run has it, no report shows it."""
    spare: int = field(default=0, compare=False, repr=False)
    """How many of these the share allows for,"""
    unsure: int = field(default=0, compare=False, repr=False)
    """and how many more subjects may not keep to the limit."""
    accepted: frozenset[int] = field(default=frozenset(), compare=False, repr=False)
    """The numbers of the members that waivers accept."""

    @property
    def jobs_count(self) -> int:
        return len(self.jobs) + self.unnamed

    @property
    def named_account(self) -> str | None:
        return name_account(self.account, self.account_name) if self.account else None

    @property
    def fingerprint(self) -> str:
        """64 hex digits, the same in every run that finds this subject violating this rule."""
        return fingerprint_of(self.policy, self.rule, self.account, self.region, self.subject)


ALL_JOBS = "all"
"""The subject of a finding on all jobs together,"""
NO_JOBS = "(no jobs)"
"""and of one on jobs of which there are none."""
EVIDENCE_LIMIT = 20
