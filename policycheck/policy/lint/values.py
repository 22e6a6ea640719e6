"""Values that look like another: spellings and places that no job can have."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from policycheck.datasets import DATASETS, RESOURCE_TYPES
from policycheck.policy.conditions import Comparison, Operator
from policycheck.policy.lint.finding import Place, Run
from policycheck.policy.lint.reading import all_comparisons, place_of
from policycheck.policy.model import Policy, Rule
from policycheck.text import clean_line

CATEGORIES = ("SUCCESS", "AccessDenied", "InvalidParameters")
"""What the ListBackupJobs reference gives as examples of a MessageCategory (ByMessageCategory); an open vocabulary."""
STATES: tuple[str, ...] = tuple(dict.fromkeys(state for dataset in DATASETS.values() for state in dataset.named_states))
_NEAR = 0.8
"""How like a known word (difflib's ratio) another is a slip of it: COMPLETE and COMPLETED, 0.94; EFS and EBS, 0.67, are two types."""
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d+", re.ASCII)
"""How AWS names Regions: eu-west-1, us-gov-east-1, us-isob-east-1."""
_REGION_FIELDS = frozenset({"Region", "DestinationRegion"})


def find_near_miss(run: Run) -> Iterator[Place]:
    """A type, category or state that is one letter off a known one, in a text that nothing checks."""
    for policy, rule in run.rules():
        for comparison in all_comparisons(rule):
            for literal in comparison.literals:
                meant = _meant(comparison, literal.text)
                if meant:
                    message = f"{comparison.field} is compared with {clean_line(literal.text)}, which is not {meant}: it matches nothing"
                    yield Place(policy, place_of(rule, literal.location), message, f"Did you mean {meant}?", rule)


def _meant(comparison: Comparison, text: str) -> str:
    """The known word that this text misses by little; empty where it is one, or is like none."""
    if comparison.field == "ResourceType" and comparison.operator is Operator.IS:
        return _near(text, RESOURCE_TYPES)
    if comparison.field == "MessageCategory" and comparison.operator is Operator.IS:
        # The categories are no states: COMPLETED here is SUCCESS.
        return "SUCCESS" if text.upper() in {"COMPLETED", "COMPLETE"} else _near(text, CATEGORIES)
    if comparison.field not in {"StatusMessage", "MessageCategory"} or comparison.operator is Operator.PRESENT:
        return ""
    # Capitals are how the API spells states; other words of a message are English. Part of a state is found in the state.
    words = [word for word in re.findall(r"[A-Z]{4,}", text) if comparison.operator is Operator.IS or not any(word in state for state in STATES)]
    return next((near for word in words if (near := _near(word, STATES))), "")


def _near(text: str, known: tuple[str, ...]) -> str:
    folded = {word.lower(): word for word in known}
    if text.lower() in folded:
        return ""
    close = difflib.get_close_matches(text.lower(), folded, n=1, cutoff=_NEAR)
    return folded[close[0]] if close else ""


def find_malformed_region(run: Run) -> Iterator[Place]:
    """A Region that AWS would never name so, in a condition or in the scope."""
    for policy in run.policies:
        for region in policy.scope.regions:
            if not _REGION.fullmatch(region):
                yield _region(policy, region, None, None)
    for policy, rule in run.rules():
        for comparison in all_comparisons(rule):
            if comparison.field in _REGION_FIELDS and comparison.operator is Operator.IS:
                yield from (_region(policy, literal.text, comparison, rule) for literal in comparison.literals if not _REGION.fullmatch(literal.text))


def _region(policy: Policy, region: str, comparison: Comparison | None, rule: Rule | None) -> Place:
    from policycheck.policy.lint.source import find_key

    message = f"{clean_line(region)} is not an AWS Region: no job can run there"
    hint = "Regions look like eu-west-1."
    if comparison is None or rule is None:
        return Place(policy, find_key(policy, "scope", "regions"), message, hint)
    location = next((literal.location for literal in comparison.literals if literal.text == region), comparison.location)
    return Place(policy, place_of(rule, location), message, hint, rule)
