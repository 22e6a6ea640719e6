"""What a run found: verdicts, findings, and the evidence they rest on. Everything a report shows is in here, cleaned.

Below the command line `as_of` is a parameter and the exit code a function of the result; nothing here reads a clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from policycheck.answers import SubjectAnswer
from policycheck.comparison import Comparison, FindingState
from policycheck.control_matrix import ControlMatrix
from policycheck.errors import ExitCode, Location
from policycheck.finding import EVIDENCE_LIMIT as EVIDENCE_LIMIT  # noqa: PLC0414 - who needs results takes what they consist of from here
from policycheck.finding import Finding as Finding  # noqa: PLC0414
from policycheck.finding import Member as Member  # noqa: PLC0414
from policycheck.finding import Waiver as Waiver  # noqa: PLC0414
from policycheck.finding_file import FindingKind
from policycheck.finding_list import choose, count_kinds
from policycheck.history import History
from policycheck.period import Period, Span
from policycheck.places import ResourceKey, name_account
from policycheck.population import Population
from policycheck.reasons import Reasons, spell_reasons
from policycheck.severity import Severity as Severity  # noqa: PLC0414 - most who need it need results, and take it from here


class Verdict(StrEnum):
    """Of a rule. A run as a whole is pass, fail or inconclusive."""

    PASS = "pass"
    FAIL = "fail"
    WAIVED = "waived"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


WORST_FIRST = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.WAIVED, Verdict.SKIPPED, Verdict.PASS)
"""Of several verdicts the first of these tells most; a pass is the last, as it claims evidence for all of them."""


class Basis(StrEnum):
    """Where the claim that a list is complete comes from."""

    OBSERVED = "observed"
    ASSERTED = "asserted"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was read of one list in one account and Region: the interval it speaks for, and why it is not complete."""

    dataset: str
    account: str | None
    region: str | None
    start: datetime | None
    end: datetime | None
    jobs: int
    complete: bool = True
    basis: Basis = Basis.ASSERTED
    source: str = ""
    reason: str = ""
    """Why it is not complete, or what must be known of it; in words."""
    cut_off: bool = False
    """Whether the list may have been cut off,"""
    rewound: int = 0
    """and how many of its jobs ended after as_of, so that they were evaluated as they may have been then."""
    gaps: tuple[tuple[datetime, datetime], ...] = ()
    """Where no list speaks: a time is uncovered that ends after the first and begins before the second moment. These are the ends of two margins, which may
    overlap: a margin may be used once, and does not bridge what is longer."""
    holes: tuple[tuple[datetime, datetime], ...] = ()
    """The same without the margins, in their order: from the last job of one file to the first of the next. What lies wholly in one is in a margin alone."""
    evidence: tuple[datetime, datetime] | None = None
    """`start` and `end` without the margins that saved lists are stretched by; None: there are none."""
    account_name: str | None = None
    """What the list of accounts, or the organization, calls the account."""
    files: tuple[str, ...] = ()
    """The files that it was read from; none of a fetch."""
    silent: tuple[str, ...] = ()
    """Active accounts of the organization that were asked for with this one, and of which the list has no job; they have no entry of their own."""

    @property
    def place(self) -> str:
        return f"{name_account(self.account, self.account_name) if self.account else 'account unknown'}/{self.region or 'Region unknown'}"

    @property
    def speaks(self) -> bool:
        """Whether it can show that something did not happen: it is complete, says its times, and is no file without a job of the place."""
        return self.complete and self.start is not None and self.end is not None and bool(self.jobs or self.basis is Basis.OBSERVED)

    @property
    def evident(self) -> tuple[datetime, datetime] | None:
        """From when to when it is evidence, margins left out."""
        if self.evidence is not None or self.start is None or self.end is None:
            return self.evidence
        return self.start, self.end

    def gap_in(self, start: datetime, end: datetime) -> tuple[datetime, datetime] | None:
        """The first gap that overlaps a time, or in whose margins it lies."""
        holes = self.holes or self.gaps
        found = (gap for gap, hole in zip(self.gaps, holes, strict=True) if (gap[0] < end and gap[1] > start) or (hole[0] < start and end < hole[1]))
        return next(found, None)

    def reaches(self, start: datetime | None, end: datetime) -> bool:
        """Whether it speaks for the whole of a time, which is not a margin alone; `start` None: for its end."""
        if not self.speaks or self.start is None or self.end is None or self.end < end or self.start > end:
            return False
        evident = self.evident
        return start is None or (self.start <= start and evident is not None and evident[1] >= start and self.gap_in(start, end) is None)


class WaiverStatus(StrEnum):
    """At as_of."""

    IN_FORCE = "in force"
    NOT_YET = "not yet in force"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class WaiverUse:
    """What became of one waiver in a run."""

    policy: str
    rule: str
    waiver: Waiver
    status: WaiverStatus
    days_left: int
    """Days after as_of's on which it still holds; negative once it has expired."""
    findings: int
    """Findings it helped to waive, or would have, were it in force."""
    location: Location


SOON_DAYS = 14
"""A waiver that holds for so long or less is reported, so that it can be renewed or its cause mended."""


@dataclass(frozen=True, slots=True)
class Universe:
    """Where the subjects of a rule come from."""

    source: str
    """What was listed: `backup jobs`, or `inventory prod`."""
    start: datetime | None
    """From when on, where jobs name the subjects."""
    count: int
    inventory: bool = False


@dataclass(frozen=True, slots=True)
class Breach:
    """When a rule that still passes will fail unless something happens."""

    at: datetime
    subject: str


@dataclass(frozen=True, slots=True)
class VerdictSpan:
    """Consecutive steps of a period on which a rule had one verdict."""

    verdict: Verdict
    span: Span


class UndecidedOf(StrEnum):
    """What a rule counts as undecided: jobs in progress, or schedules of which not all runs could be evaluated."""

    JOBS = "job"
    SCHEDULES = "schedule"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule, judged."""

    id: str
    policy: str
    sentence: str
    """Rendered from what was evaluated."""
    severity: Severity
    verdict: Verdict
    location: Location
    reasons: Reasons = ()
    """Why this verdict; there is one, unless it is a plain pass or fail."""
    examined: int = 0
    """Jobs in the population."""
    subjects: int = 0
    """Groups in the population."""
    undecided: int = 0
    """Jobs in progress, left out of both sides; of missed runs, schedules of a resource."""
    undecided_of: UndecidedOf = UndecidedOf.JOBS
    possible: int = 0
    """Jobs that could violate if their unknown members were known."""
    pending: int = 0
    universe: Universe | None = None
    breach: Breach | None = None
    """Of `newest` rules that pass: the subject that will be too old first."""
    notes: tuple[str, ...] = ()
    """What a reader must know beside the reason, a clean sentence each: what is pending until when, what was not judged."""
    findings: Sequence[Finding] = ()
    """Sorted; a tuple, or a `FindingList` where there are very many."""
    waivers: tuple[WaiverUse, ...] = ()
    """Every waiver of the rule, in the order of its policy."""
    answers: tuple[SubjectAnswer, ...] = field(default=(), repr=False)
    """Of every subject that was evaluated, sorted by account, Region and subject."""
    lists: tuple[str, ...] = ()
    """The names of the lists it was evaluated on, sorted."""
    missed: tuple[tuple[ResourceKey, int], ...] = field(default=(), compare=False, repr=False)
    """Scheduled runs that were certainly missed: the resource, and when (microseconds); for as long as the run has it, no report shows it."""
    beneath: tuple[Verdict, Reasons] | None = field(default=None, compare=False, repr=False)
    """Of a rule that fails: the verdict and its reasons if nothing had violated, for waivers to fall back on; None: a plain pass."""
    limit_verdict: Verdict | None = None
    """Of a rule with warnings: its verdict if its limit alone counted, and no violation of it had been found; None: there is none."""
    tolerates: bool = field(default=False, compare=False, repr=False)
    """Whether it asks for a share of its subjects: one that does not keep to the limit need not be in a finding."""
    title: str = ""
    why: str = ""
    fix: str = ""
    url: str = ""
    controls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    limit: str = ""
    """What `measured` of an answer is held against, in words: `at most 36h`."""
    names: tuple[str, ...] = ()
    """Names of vaults, resources, plans, roles and the like that its conditions compare with, in their order."""
    source_line: str = field(default="", compare=False)
    """The line of its policy at `location`, for carets."""
    read_from: str = ""  # the sentence as it was typed, where it was read as the canonical one
    state: FindingState | None = None
    """Of a rule that fails without a finding: whether it did so in the baseline, too."""
    spans: tuple[VerdictSpan, ...] = ()
    """Of a run over a period: its verdict on each step, in order. `verdict` is then the worst of them."""

    @property
    def reason(self) -> str:
        """Its reasons in words; empty where there is none."""
        return spell_reasons(self.reasons)

    @property
    def open_findings(self) -> Sequence[Finding]:
        """Those that no waiver accepts."""
        return choose(self.findings, lambda kind: not kind.waived)

    @property
    def open_kinds(self) -> Counter[FindingKind]:
        """How many open findings of each kind there are."""
        return Counter({kind: count for kind, count in count_kinds(self.findings).items() if not kind.waived})

    @property
    def is_inconclusive_at_times(self) -> bool:
        """Of a run over a period: whether it is inconclusive on some step, be its verdict a worse one."""
        return any(one.verdict is Verdict.INCONCLUSIVE for one in self.spans)

    @property
    def worst(self) -> Severity:
        """How bad it is: of a rule with findings, the worst of those that are open."""
        if self.limit_verdict is None or self.verdict is not Verdict.FAIL:
            return self.severity
        return min((kind.severity for kind in self.open_kinds), key=lambda severity: severity.rank, default=self.severity)

    def counts(self, verdict: Verdict, fail_on: Severity | None) -> bool:
        """Whether it has this verdict and is bad enough for it. Warnings that are not leave the verdict of the limit.

        Args:
            fail_on: the least severity that counts; None: none does.
        """
        if fail_on is None or not self.severity.at_least(fail_on):
            return False
        told = self.verdict if self.limit_verdict is None or self.worst.at_least(fail_on) else self.limit_verdict
        return told is verdict


@dataclass(frozen=True, slots=True)
class PolicyInfo:
    """A policy that was judged: what reports print above its rules."""

    id: str
    title: str
    path: str
    sha256: str = ""
    """Of its file, 64 hex digits; empty where it was made without one."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The counts in the result's `summary`; every report prints some of them."""

    rules: int
    passed: int
    failed: int
    waived: int
    inconclusive: int
    skipped: int
    findings: int
    findings_waived: int
    jobs: int
    pending: int
    undecided: int


@dataclass(frozen=True, slots=True)
class LeftOutRule:
    """A rule that --select, --ignore or --framework left out: nothing is known of the controls it speaks to."""

    policy: str
    id: str
    controls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """One run. Rules stand in policy order, findings sorted by account, Region and subject."""

    as_of: datetime
    tool_version: str
    policies: tuple[PolicyInfo, ...]
    rules: tuple[RuleResult, ...]
    coverage: tuple[Coverage, ...]
    not_seen: tuple[str, ...]
    """What this run could not see, a sentence each."""
    jobs: int
    fail_on: Severity | None = Severity.LOW
    """None: never."""
    scope_uncovered: bool = False
    """A declared account or Region has no complete coverage."""
    population: Population = field(default_factory=Population)
    frameworks: tuple[str, ...] = ()
    """The frameworks of controls that the run was narrowed to; empty: it was not."""
    left_out: tuple[LeftOutRule, ...] = ()
    """The rules of its policies that the run did not evaluate, because it was narrowed."""
    matrices: tuple[ControlMatrix, ...] = ()
    """The user's own matrices of controls."""
    history: History | None = None
    """What became of resources day by day, where a format asks for it."""
    baseline: Comparison | None = None
    """What it shows against an earlier run; None: it was not compared."""
    period: Period | None = None
    """What a run over a period evaluated, `as_of` being its end; None: a run at as_of alone."""
    resources: int = 0
    """Resources that the lists of its rules have records of, each once; 0: it is not known."""

    @property
    def waivers(self) -> tuple[WaiverUse, ...]:
        """Every waiver of the rules that were judged."""
        return tuple(use for rule in self.rules for use in rule.waivers)

    @property
    def summary(self) -> Summary:
        def count(verdict: Verdict) -> int:
            return sum(rule.verdict is verdict for rule in self.rules)

        open_findings = sum(len(rule.open_findings) for rule in self.rules)
        return Summary(
            rules=len(self.rules),
            passed=count(Verdict.PASS),
            failed=count(Verdict.FAIL),
            waived=count(Verdict.WAIVED),
            inconclusive=count(Verdict.INCONCLUSIVE),
            skipped=count(Verdict.SKIPPED),
            findings=open_findings,
            findings_waived=sum(len(rule.findings) for rule in self.rules) - open_findings,
            jobs=self.jobs,
            pending=sum(rule.pending for rule in self.rules),
            undecided=sum(rule.undecided for rule in self.rules),
        )

    @property
    def verdict(self) -> Verdict:
        """fail, inconclusive or pass, whatever `fail_on` says. A run that judged nothing, whose declared scope is not covered, or that sees less than its
        baseline, is no pass."""
        verdict = overall_verdict(rule.verdict for rule in self.rules)
        return Verdict.INCONCLUSIVE if verdict is Verdict.PASS and (self.scope_uncovered or self.sees_less) else verdict

    @property
    def sees_less(self) -> bool:
        """Whether it cannot see all that its baseline saw."""
        return self.baseline is not None and not self.baseline.is_complete

    @property
    def exit_code(self) -> ExitCode:
        if any(map(self.fails_by, self.rules)):
            return ExitCode.FINDINGS
        judged = any(rule.verdict not in {Verdict.SKIPPED, Verdict.INCONCLUSIVE} for rule in self.rules)
        unsure = any(rule.counts(Verdict.INCONCLUSIVE, self.fail_on) for rule in self.rules)
        return ExitCode.EVIDENCE if self.scope_uncovered or self.sees_less or not judged or unsure else ExitCode.OK

    def fails_by(self, rule: RuleResult) -> bool:
        """Whether a rule makes the run fail: it is violated, severe enough, and not only by what the baseline has where that is excused."""
        return rule.counts(Verdict.FAIL, self.fail_on) and not self._is_old(rule)

    def _is_old(self, rule: RuleResult) -> bool:
        """Whether a rule that fails does so by what the baseline has, and such does not fail the run. A warning that does not count is no new finding."""
        if self.baseline is None or not self.baseline.fail_on_new:
            return False
        states = {kind.state for kind in rule.open_kinds if self.fail_on is None or kind.severity.at_least(self.fail_on)} or {rule.state}
        return states == {FindingState.UNCHANGED}


def overall_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    seen = set(verdicts)
    if Verdict.FAIL in seen:
        return Verdict.FAIL
    return Verdict.INCONCLUSIVE if Verdict.INCONCLUSIVE in seen or seen <= {Verdict.SKIPPED} else Verdict.PASS
