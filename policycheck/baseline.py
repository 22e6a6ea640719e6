"""A run against an earlier one: which findings are new, which are gone, and what the earlier run saw and this one cannot see.

Pure: two results in, a comparison out. A finding of the baseline is gone only where this run could have found it: its rule was evaluated, and every list of
the rule was read in its account and Region. Otherwise it is not seen, which is never good news.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from policycheck.comparison import Comparison, EarlierFinding, FindingState
from policycheck.errors import UsageError
from policycheck.finding_list import choose, make_anew
from policycheck.places import name_account
from policycheck.reasons import spell_reasons
from policycheck.result import Coverage, Finding, Result, RuleResult, Verdict
from policycheck.text import counted

Place = tuple[str, str | None, str | None]
"""List, account, Region."""
RuleKey = tuple[str, str]
"""Policy and rule."""
TOLERANCE = timedelta(days=1)
"""Jobs name the subjects of some rules since the first job that was read: where it stands moves a little from run to run."""
_EVALUATED = frozenset({Verdict.PASS, Verdict.FAIL, Verdict.WAIVED})
_NEW_BASELINE = "Make a new baseline: policycheck check --output json=FILE"


def compare(now: Result, then: Result, *, source: str = "", fail_on_new: bool = False) -> Result:
    """The result of this run with what it shows against its baseline; no verdict changes.

    Args:
        now: this run, as it was evaluated.
        then: the baseline.
        source: what the baseline's file is called.
        fail_on_new: whether findings that the baseline has do not fail the run.

    Raises:
        UsageError: the baseline is of other policies, or of a later time, or one of the two is of a period and the other of an instant.
    """
    _require_comparable(now, then, source)
    before = _read(then)
    failed = {(rule.policy, rule.id) for rule in then.rules if rule.verdict is Verdict.FAIL and not rule.findings}
    rules = tuple(_told(rule, before, failed) for rule in now.rules)
    told = replace(now, rules=rules)
    return replace(told, baseline=_comparison(told, then, before.findings, source, fail_on_new=fail_on_new))


def _require_comparable(now: Result, then: Result, source: str) -> None:
    ids = [sorted({policy.id for policy in result.policies} | {rule.policy for rule in result.rules}) for result in (now, then)]
    if not set(ids[0]) & set(ids[1]):
        of_now, of_then = (_named(one) or "no policy" for one in ids)
        raise UsageError(f"the baseline is of other policies: it evaluated {of_then}, and this run evaluates {of_now}", place=source, hint=f"{_NEW_BASELINE}.")
    if then.as_of > now.as_of:
        hint = "Name the result of an earlier run, or evaluate as of a later time: --as-of."
        raise UsageError(f"the baseline is of a later time ({then.as_of:%Y-%m-%dT%H:%M:%SZ}) than this run", place=source, hint=hint)
    if (now.period is None) is not (then.period is None):
        # What was found, and fixed, between two instants is in a period alone.
        of_now, of_then = ("one instant" if one.period is None else "a period" for one in (now, then))
        hint = f"{_NEW_BASELINE}{' --from TIME' if now.period else ', without --from'}."
        raise UsageError(f"the baseline is of {of_then}, and this run is of {of_now}", place=source, hint=hint)


def _named(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _open_findings(then: Result) -> Iterator[EarlierFinding]:
    """The open findings of a baseline, and those that it could not see itself: nobody has seen them fixed."""
    for rule in then.rules:
        for found in rule.open_findings:
            yield EarlierFinding(
                policy=found.policy,
                rule=found.rule,
                severity=found.severity,
                account=found.account,
                region=found.region,
                subject=found.subject,
                message=found.message,
                location=rule.location,
                account_name=found.account_name,
                resource_type=found.resource_type,
                cause=found.cause,
            )
    if then.baseline is not None:
        yield from (replace(found, reason="") for found in then.baseline.not_seen)


@dataclass(frozen=True, slots=True)
class _Before:
    """What a baseline found."""

    findings: Mapping[str, EarlierFinding]
    """By their fingerprints."""
    ended: frozenset[str]
    """Of a period: those that were not found on its last step any more."""
    as_of: datetime

    def has(self, found: Finding) -> bool:
        """Whether it had this finding: what is more severe now (a warning that is a violation) is new, and so is what had ended and was found again since."""
        fingerprint = found.fingerprint
        earlier = self.findings.get(fingerprint)
        if earlier is None or found.severity.rank < earlier.severity.rank:
            return False
        return fingerprint not in self.ended or all(span.end <= self.as_of for span in found.spans)


def _read(then: Result) -> _Before:
    findings = {found.fingerprint: found for found in _open_findings(then)}
    own = [found for rule in then.rules for found in rule.open_findings]
    return _Before(findings, frozenset(found.fingerprint for found in own if found.spans and found.spans[-1].end < then.as_of), then.as_of)


def _told(rule: RuleResult, before: _Before, failed: set[RuleKey]) -> RuleResult:
    """The rule with the states of its findings."""
    findings = make_anew(lambda found: found if found.waiver is not None else replace(found, state=_state(before.has(found))), rule.findings)
    alone = rule.verdict is Verdict.FAIL and not rule.open_findings
    return replace(rule, findings=findings, state=_state((rule.policy, rule.id) in failed) if alone else None)


def _state(known: bool) -> FindingState:
    return FindingState.UNCHANGED if known else FindingState.NEW


def _comparison(now: Result, then: Result, before: Mapping[str, EarlierFinding], source: str, *, fail_on_new: bool) -> Comparison:
    rules = {(rule.policy, rule.id): rule for rule in now.rules}
    read = {_place(entry) for entry in now.coverage if entry.speaks}
    unseen = _unseen_rules(now, then)
    # Of the very many that may be new only what the baseline has counts.
    waived = {found.fingerprint for rule in now.rules for found in choose(rule.findings, lambda kind: kind.waived)} & before.keys()
    still = {fingerprint for rule in now.rules for found in rule.open_findings if (fingerprint := found.fingerprint) in before}
    missing = [found for fingerprint, found in before.items() if fingerprint not in still and fingerprint not in waived]
    missing.sort(key=lambda found: (found.policy, found.rule, found.account or "", found.region or "", found.subject))
    reasons = [unseen.get((found.policy, found.rule)) or _unread(found, rules[found.policy, found.rule], read) for found in missing]
    return Comparison(
        source=source,
        as_of=then.as_of,
        findings=len(before),
        gone=tuple(found for found, reason in zip(missing, reasons, strict=True) if not reason),
        not_seen=tuple(replace(found, reason=reason) for found, reason in zip(missing, reasons, strict=True) if reason),
        waived=len(waived),
        lost=(*_lost_places(now, then, read), *_lost_rules(then, unseen, rules)),
        notes=tuple(_notes(rules, then)),
        blind=tuple(sorted(_blind_rules(then))),
        fail_on_new=fail_on_new,
    )


def _place(entry: Coverage) -> Place:
    return entry.dataset, entry.account, entry.region


def _unseen_rules(now: Result, then: Result) -> dict[RuleKey, str]:
    """Rules by which this run cannot see what the baseline saw, and why; those that the baseline could not see by either are left out of `lost` alone."""
    rules = {(rule.policy, rule.id): rule for rule in now.rules}
    left_out = {(rule.policy, rule.id) for rule in now.left_out}
    earlier = {(rule.policy, rule.id): rule for rule in then.rules}
    asked = {*earlier, *((found.policy, found.rule) for found in (then.baseline.not_seen if then.baseline else ()))}
    told = {key: _why_unseen(rules.get(key), earlier.get(key), now, then, left_out=key in left_out) for key in sorted(asked)}
    return {key: why for key, why in told.items() if why}


def _why_unseen(rule: RuleResult | None, earlier: RuleResult | None, now: Result, then: Result, *, left_out: bool) -> str:
    if rule is None:
        return "the rule was left out of this run" if left_out else "the rule is not in this run"
    if rule.verdict is Verdict.INCONCLUSIVE:
        return f"the rule is inconclusive: {rule.reason or 'the evidence is insufficient'}"
    if now.period is not None and rule.is_inconclusive_at_times:
        steps = sum(one.span.steps for one in rule.spans if one.verdict is Verdict.INCONCLUSIVE)
        return f"the rule is inconclusive on {counted(steps, now.period.noun)} of {len(now.period.instants):,}"
    if rule.verdict is Verdict.FAIL and rule.beneath is not None and rule.beneath[0] is Verdict.INCONCLUSIVE:
        return f"apart from its findings, the evidence is insufficient: {spell_reasons(rule.beneath[1])}"
    if rule.verdict is Verdict.FAIL and rule.possible:
        return "jobs that could violate the rule lack fields"
    before, after = (None if one is None or one.universe is None or one.universe.inventory else one.universe.start for one in (earlier, rule))
    if before is not None and after is not None and now.as_of - after + TOLERANCE < then.as_of - before:
        days = [span.days for span in (now.as_of - after, then.as_of - before)]
        return f"its subjects are those of jobs of {days[0]} days, and were those of {days[1]} days"
    return ""


def _unread(found: EarlierFinding, rule: RuleResult, read: set[Place]) -> str:
    """Why a finding of a rule that was evaluated could not be found again: a list of its account and Region was not read."""
    if found.account is None or found.region is None:
        places = {place[1:] for place in read if found.account in (None, place[1]) and found.region in (None, place[2])}
        return "" if places or not rule.lists else "no list was read in full"
    lacking = [name for name in rule.lists if (name, found.account, found.region) not in read and not _is_global(name, read)]
    return f"{', '.join(lacking)} of {found.account}/{found.region} {'was' if len(lacking) == 1 else 'were'} not read in full" if lacking else ""


def _is_global(name: str, read: set[Place]) -> bool:
    """Whether a list says no account or Region: a file whose records have none speaks for all."""
    return any(place[0] == name and place[1] is None and place[2] is None for place in read)


def _lost_places(now: Result, then: Result, read: set[Place]) -> Iterator[str]:
    """Lists that the baseline read in an account and Region, and this run did not, though its rules are about them."""
    needed = {name for rule in now.rules for name in rule.lists}
    entries = {_place(entry): entry for entry in now.coverage}
    for entry in sorted((entry for entry in then.coverage if entry.speaks), key=lambda entry: (entry.dataset, entry.account or "", entry.region or "")):
        if entry.dataset in needed and _place(entry) not in read:
            given = entries.get(_place(entry))
            why = "it was not read" if given is None else f"it is incomplete: {given.reason}" if given.reason else "it is incomplete"
            account = name_account(entry.account, entry.account_name) if entry.account else "account unknown"
            yield f"{entry.dataset} of {account}/{entry.region or 'Region unknown'}: the baseline read it in full, and in this run {why}"


def _lost_rules(then: Result, unseen: Mapping[RuleKey, str], rules: Mapping[RuleKey, RuleResult]) -> Iterator[str]:
    """Policies and rules that the baseline evaluated and by which this run cannot see as much."""
    kept = {policy for policy, _ in rules}
    evaluated = {(rule.policy, rule.id) for rule in then.rules if rule.verdict in _EVALUATED}
    gone = sorted({policy for policy, _ in evaluated if policy not in kept})
    yield from (f"policy {policy}: the baseline evaluated it, and it is not in this run" for policy in gone)
    for (policy, rule), why in unseen.items():
        if (policy, rule) in evaluated and policy in kept:
            yield f"rule {policy}/{rule}: the baseline evaluated it, and now {why}"


def _blind_rules(then: Result) -> set[str]:
    """Rules that the baseline could not evaluate, and whose earlier findings it does not carry from a baseline of its own."""
    unsure = {f"{rule.policy}/{rule.id}" for rule in then.rules if rule.verdict is Verdict.INCONCLUSIVE}
    return unsure if then.baseline is None else unsure & {*then.baseline.blind}


def _notes(rules: Mapping[RuleKey, RuleResult], then: Result) -> Iterator[str]:
    for earlier in then.rules:
        rule = rules.get((earlier.policy, earlier.id))
        if rule is None:
            continue
        if rule.sentence != earlier.sentence:
            yield f"rule {rule.policy}/{rule.id} has changed since the baseline: it read {earlier.sentence}"
        if earlier.verdict is Verdict.INCONCLUSIVE and rule.open_findings:
            yield f"rule {rule.policy}/{rule.id} was inconclusive in the baseline, so all its findings are new"
