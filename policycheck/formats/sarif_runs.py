"""How a SARIF file is cut into runs, so that an upload closes only alerts that were evaluated again.

Code scanning closes every alert of a category that an upload of the category lacks. So each rule has a run, and with it a category, of its own, and one that is
inconclusive leaves out its run alone; GitHub takes 20 runs a file. Beyond, each policy has one, and the file as a whole is not for upload where a rule of it is
inconclusive. With a baseline nothing is left out: findings that this run could not see are carried as they were. The cut hangs on the number of rules alone,
those left out of the run among them: an alert must not wander from one category to another with the evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from policycheck.comparison import Comparison, EarlierFinding
from policycheck.formats.alerts import rule_name
from policycheck.formats.cleaning import line
from policycheck.formats.words import plural
from policycheck.result import Result, RuleResult, Verdict
from policycheck.text import truncate

MAX_RUNS = 20
"""Of one file, as GitHub takes it."""
MAX_PART = 200


@dataclass(frozen=True, slots=True)
class Part:
    """One run of the file."""

    id: str
    """`automationDetails.id`: what stands before its last slash is the category."""
    rules: tuple[RuleResult, ...]
    carried: tuple[EarlierFinding, ...] = ()
    """Findings of the baseline that this run could not see."""
    carries: bool = False
    """Whether there is a baseline, so that an inconclusive rule needs no result that stands for it."""
    is_first: bool = False
    absent: tuple[RuleResult, ...] = ()
    """Of the first part: rules whose runs are left out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The runs of a file, and what an upload must know of them."""

    parts: tuple[Part, ...]
    left_out: tuple[str, ...] = ()
    """Rules whose runs are left out: their alerts stay as they are."""
    withheld: str = ""
    """Why the file must not be uploaded; empty: it may be."""


def plan_upload(result: Result, category: str) -> Plan:
    """The runs of a result.

    Args:
        category: of several checks of one repository and policy, which this is; empty: the only one.
    """
    unsure = [rule for rule in result.rules if _is_unsure(rule, result) and not _is_carried(rule, result.baseline)]
    if len(result.rules) + len(result.left_out) > MAX_RUNS:
        parts, left_out = _by_policy(result, category), []
        named = truncate(", ".join(map(rule_name, unsure)), MAX_PART)
        withheld = (
            f"{plural(len(unsure), 'rule')} of {len(result.rules):,} could not be evaluated in full ({named}), and there is no baseline" if unsure else ""
        )
    else:
        parts, left_out = _by_rule(result, category, unsure), unsure
        withheld = "" if parts else "no rule could be evaluated in full, and there is no baseline"
    if not parts:
        parts = [Part(_id(category, *sorted({rule.policy for rule in result.rules} | {policy.id for policy in result.policies})[:1]), ())]
    first = Part(parts[0].id, parts[0].rules, parts[0].carried, parts[0].carries, is_first=True, absent=tuple(left_out))
    return Plan((first, *parts[1:]), tuple(map(rule_name, left_out)), withheld)


def _is_unsure(rule: RuleResult, result: Result) -> bool:
    """Whether a subject may violate the rule that was not found: its alert must not be closed."""
    if rule.verdict is Verdict.INCONCLUSIVE or rule.is_inconclusive_at_times or rule.possible or result.scope_uncovered:
        return True
    lists = {*rule.lists}
    return rule.verdict is Verdict.FAIL and any(not entry.complete and (not lists or entry.dataset in lists) for entry in result.coverage)


def _is_carried(rule: RuleResult, baseline: Comparison | None) -> bool:
    """Whether the baseline says what was found by a rule before."""
    return baseline is not None and f"{rule.policy}/{rule.id}" not in baseline.blind


def _by_rule(result: Result, category: str, unsure: Sequence[RuleResult]) -> list[Part]:
    absent = {id(rule) for rule in unsure}
    rules = sorted((rule for rule in result.rules if id(rule) not in absent), key=rule_name)
    return [_part(result, _id(category, rule.policy, rule.id), [rule], carried=_carried(result, rule.policy, rule.id)) for rule in rules]


def _by_policy(result: Result, category: str) -> list[Part]:
    policies = sorted({rule.policy for rule in result.rules})
    if len(policies) > MAX_RUNS:
        return [_part(result, _id(category), result.rules, carried=() if result.baseline is None else result.baseline.not_seen)]
    return [
        _part(result, _id(category, policy), [rule for rule in result.rules if rule.policy == policy], carried=_carried(result, policy)) for policy in policies
    ]


def _part(result: Result, identifier: str, rules: Sequence[RuleResult], *, carried: tuple[EarlierFinding, ...]) -> Part:
    return Part(identifier, tuple(rules), carried, carries=result.baseline is not None)


def _carried(result: Result, policy: str, rule: str | None = None) -> tuple[EarlierFinding, ...]:
    found = () if result.baseline is None else result.baseline.not_seen
    return tuple(one for one in found if one.policy == policy and rule in (None, one.rule))


def _id(category: str, policy: str = "", rule: str = "") -> str:
    """`policycheck/POLICY/CATEGORY/RULE/`; what is empty is left out."""
    parts = [_quoted(policy), category, _quoted(rule)]
    return "/".join(["policycheck", *filter(None, parts), ""])


def _quoted(text: str) -> str:
    return quote(truncate(line(text, ""), MAX_PART), safe=" :@+,")
