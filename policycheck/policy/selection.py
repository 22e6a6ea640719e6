"""Which rules of policies are evaluated, and what becomes of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from policycheck.policy.model import Policy, Rule


def keep_rules(policies: Sequence[Policy], is_chosen: Callable[[Policy, Rule], bool]) -> tuple[Policy, ...]:
    """The policies with their chosen rules, and beside them the rules that were left out; policies of which no rule is left are gone.

    What became of a policy that is gone hangs on the first of the others: each rule names its own.
    """
    chosen = [replace(policy, rules=tuple(rule for rule in policy.rules if is_chosen(policy, rule))) for policy in policies]
    left = [tuple(rule for rule in policy.rules if not is_chosen(policy, rule)) for policy in policies]
    kept = [(policy, others) for policy, others in zip(chosen, left, strict=True) if policy.rules]
    gone = [rule for policy, others in zip(chosen, left, strict=True) if not policy.rules for rule in others]
    return tuple(replace(policy, unchosen=(*others, *(gone if number == 0 else ()))) for number, (policy, others) in enumerate(kept))
