"""A draft on trial: judged by the engine on the lists it was drafted from, so that no rule is written that passes on nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from policycheck.drafting.document import render_draft, statement_lines
from policycheck.drafting.draft import draft_policy
from policycheck.drafting.profile import read_profile
from policycheck.drafting.proposal import Draft, Omission, Proposal, Section, counted
from policycheck.drafting.reach import leave_unread, tell_unread
from policycheck.engine.backends.interface import Backend
from policycheck.errors import EvidenceError
from policycheck.pipeline import run
from policycheck.policy.load import load_policies
from policycheck.policy.model import Policy
from policycheck.result import RuleResult, Severity, Verdict
from policycheck.sources.interface import Evidence


@dataclass(frozen=True, slots=True)
class TriedDraft:
    """A policy that was written, and what it says of the lists it was drafted from."""

    draft: Draft
    text: str
    results: tuple[RuleResult, ...]
    """Of its rules, in their order."""
    unread: tuple[str, ...] = ()
    """Accounts and Regions that are not in its scope because they could not be read, a sentence each."""

    @property
    def findings(self) -> int:
        return sum(len(result.findings) for result in self.results)

    @property
    def failed(self) -> int:
        """How many rules have findings."""
        return sum(bool(result.findings) for result in self.results)


def draft_and_try(evidence: Evidence, *, as_of: datetime, policy: str, backend: Backend) -> TriedDraft:
    """Draft a policy and judge it on the same lists.

    A rule that cannot be decided there, or finds nothing to look at, is left out with the engine's own reason; one that has findings stays, and its comment
    says how many.

    Raises:
        EvidenceError: a list of backup jobs was read in part, or none was read; there is no backup job, or no rule stands the trial.
    """
    evidence, left = leave_unread(evidence)
    unread = tuple(map(tell_unread, left))
    draft = draft_policy(read_profile(evidence, as_of), policy)
    draft = replace(draft, notes=(*draft.notes, *(f"{text}." for text in unread)))
    results = {result.id: result for result in _judge(load_text(render_draft(draft), draft.policy), evidence, as_of, backend)}
    kept = _without_unused(replace(draft, sections=tuple(_sift(section, results) for section in draft.sections)))
    if not kept.proposals:
        reasons = "; ".join(dict.fromkeys(omission.reason for omission in kept.omissions))
        raise EvidenceError(f"no rule can be drafted: {reasons}", hint="If saved job lists end before --as-of, assert what they cover with --covers FROM..TO.")
    text = render_draft(kept)
    load_text(text, kept.policy)
    return TriedDraft(kept, text, tuple(results[proposal.id] for proposal in kept.proposals), unread)


def load_text(text: str, name: str) -> Policy:
    """The policy that this text is; raises PolicyError."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "policy.yaml"
        path.write_text(text, encoding="utf-8", newline="\n")
        return load_policies([(path, f"{name}.yaml")], {})[0]


def _judge(policy: Policy, evidence: Evidence, as_of: datetime, backend: Backend) -> Sequence[RuleResult]:
    return run([policy], evidence, as_of=as_of, fail_on=Severity.INFO, backend=backend).rules


def _sift(section: Section, results: Mapping[str, RuleResult]) -> Section:
    """The section with the rules that stood the trial, and a reason for each that did not."""
    kept: list[Proposal] = []
    left: list[Omission] = list(section.omissions)
    for proposal in section.proposals:
        result = results[proposal.id]
        if result.verdict is Verdict.PASS and result.examined:
            kept.append(proposal)
        elif result.verdict is Verdict.FAIL:
            found = f"With these lists this rule has {counted(len(result.findings), 'finding')}."
            kept.append(replace(proposal, notes=(*proposal.notes, found)))
        else:
            left.append(Omission(f"{proposal.id} ({result.sentence})", result.reason or "no job to evaluate"))
    return replace(section, proposals=tuple(kept), omissions=tuple(left))


def _without_unused(draft: Draft) -> Draft:
    """The draft without the parameters of rules that were left out."""
    rules = "\n".join(map(statement_lines, draft.proposals))
    return replace(draft, parameters=tuple(parameter for parameter in draft.parameters if f"${{{parameter.name}}}" in rules))
