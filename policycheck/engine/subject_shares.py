"""Rules on a share of their subjects: how many keep to the limit, both ways, and the one finding that names those that do not
(docs/groups-specification.md, A share of the subjects)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from policycheck.engine.case import Case
from policycheck.engine.group_findings import Describer
from policycheck.engine.judgement import Judgement, expectation
from policycheck.engine.ladder import Standing
from policycheck.engine.measures import keeps
from policycheck.finding import ALL_JOBS
from policycheck.policy.conditions import Operator
from policycheck.policy.model import SubjectShare
from policycheck.policy.operators import OPERATORS
from policycheck.policy.phrases import grouped
from policycheck.reasons import Reason, ReasonKind, Reasons
from policycheck.result import Finding, Member
from policycheck.text import clean_line

_MOST_NAMED = 5


class SubjectCount(NamedTuple):
    """How many subjects keep to the limit. Those that are pending, or passed over, are not in it."""

    keeping: int
    """Certain subjects that certainly do,"""
    may_keep: int
    """and how many do that may be subjects."""
    violating: int
    unknown: int
    """It is unknown of them whether they do."""

    @property
    def all(self) -> int:
        return self.keeping + self.may_keep + self.violating + self.unknown

    @property
    def least(self) -> Fraction | None:
        """The share that certainly keeps to the limit; None where nothing is certain."""
        certain = self.keeping + self.violating + self.unknown
        return Fraction(self.keeping, certain) if certain else None

    @property
    def most(self) -> Fraction | None:
        """The share that may keep to it; None: there is no subject."""
        return Fraction(self.all - self.violating, self.all) if self.all else None


def count_subjects(judgements: Sequence[Judgement]) -> SubjectCount:
    """The subjects of a rule, by what its measure says of each."""
    told = [item for item in judgements if not item.pending and not item.passed_over]
    keep = [item for item in told if item.violation is False and not item.waiting and not item.nothing]
    certain = sum(item.group.sure for item in keep)
    violating = sum(item.violation is True for item in told)
    return SubjectCount(certain, len(keep) - certain, violating, len(told) - len(keep) - violating)


def share_of(case: Case) -> SubjectShare | None:
    """The share of its subjects that a rule asks for; None: all of them."""
    return expectation(case).share


def stand(case: Case, standing: Standing, count: SubjectCount, strays: Reasons) -> Standing:
    """What the evidence says of a rule on a share, out of what it says of its subjects.

    Args:
        standing: of a rule that asks the same of every subject.
        strays: why there may be more subjects; nothing where there are no more.
    """
    share = _share(case)
    violated = count.most is not None and not _keeps(share, count.most) and not standing.short and not strays
    is_open = count.all > 0 and (count.least is None or not _keeps(share, count.least))

    def unknown() -> Reasons:
        # Why one of them could violate is told by the rule that asks the same of every one.
        limits = _percent(count.least or Fraction(0)), _percent(count.most or Fraction(0)), _limit(share)
        return (Reason(ReasonKind.SHARE_UNKNOWN, limits, because=standing.unknown()),) if is_open else ()

    return Standing(int(violated), 0, standing.short, unknown, lambda: strays, standing.nothing, standing.pending)


def describe(case: Case, describer: Describer, count: SubjectCount) -> Finding:
    """The one finding of a rule whose share of subjects is too small; its members are those that do not keep to the limit."""
    rule, share, found = case.rule, _share(case), describer.findings_of_each()
    names = [clean_line(finding.subject) for finding in found]
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return Finding(
        rule=rule.id,
        policy=rule.policy,
        severity=rule.severity,
        account=None,
        region=None,
        subject=ALL_JOBS,
        message=clean_line(f"{spell_count(case, count)}, {_limit(share)}; not {', '.join(names[:_MOST_NAMED])}{more}"),
        details=tuple(clean_line(f"{_placed(finding)}: {finding.message}") for finding in found),
        members=tuple(Member(finding.account, finding.region, finding.subject, finding.identity, finding.resource_type) for finding in found),
        spare=_spare(share, count.all),
        unsure=count.unknown,
    )


def spell_count(case: Case, count: SubjectCount) -> str:
    """`94 of 100 resources keep it (94%)`; where it is unknown of some, from how many to how many."""
    requirement = expectation(case)
    kept = count.all - count.violating
    number = f"{kept:,}" if not count.unknown else f"{kept - count.unknown:,} to {kept:,}"
    share = f" ({_percent(count.most)})" if count.most is not None and not count.unknown else ""
    return f"{number} of {count.all:,} {grouped(requirement.per, None, case.rule.statement.list, several=True)} keep it{share}"


def _placed(finding: Finding) -> str:
    place = "/".join(part for part in (finding.account, finding.region) if part)
    return f"{finding.subject} in {place}" if place else finding.subject


def _share(case: Case) -> SubjectShare:
    share = share_of(case)
    if share is None:
        raise AssertionError(f"rule {case.rule.id} has no share of its subjects")
    return share


def _keeps(share: SubjectShare, value: Fraction) -> bool:
    return keeps(value, share.operator, Fraction(share.limit.value or 0))


def _spare(share: SubjectShare, count: int) -> int:
    """How many of so many subjects need not keep to the limit."""
    spare = int(count * (1 - Fraction(share.limit.value or 0)))
    return spare - 1 if share.operator is Operator.MORE_THAN and not _keeps(share, Fraction(count - spare, count)) else spare


def _limit(share: SubjectShare) -> str:
    return f"{OPERATORS[share.operator].test} {share.limit.text}"


def _percent(share: Fraction) -> str:
    """Rounded down, so that no share looks larger than it is."""
    return f"{int(share * 1000) / 10:g}%"
