"""Whether a dataframe engine can search for the patterns of a policy."""

from __future__ import annotations

from collections.abc import Sequence

from policycheck.engine.backends.interface import Backend
from policycheck.errors import Diagnostic, PolicyError
from policycheck.policy.conditions import Comparison, Operator, comparisons
from policycheck.policy.model import Policy


def check_patterns(policies: Sequence[Policy], backend: Backend) -> None:
    """Raise PolicyError where a policy names a pattern that the engine cannot search for; all of them at once."""
    diagnostics = []
    for policy in policies:
        for rule in policy.rules:
            for condition in (rule.statement.where, rule.statement.requirement.condition):
                for comparison in comparisons(condition):
                    if comparison.operator is Operator.MATCHES:
                        diagnostics += _pattern_diagnostics(policy, comparison, backend)
    if diagnostics:
        raise PolicyError(diagnostics)


def _pattern_diagnostics(policy: Policy, comparison: Comparison, backend: Backend) -> list[Diagnostic]:
    found = []
    for literal in comparison.literals:
        if backend.pattern_problem(literal.text):
            # A value of the command line stands in no line of the file.
            in_file = literal.location.path == policy.path and literal.location.line <= len(policy.lines)
            line = policy.lines[literal.location.line - 1] if in_file else ""
            found.append(
                Diagnostic(
                    literal.location, f"the {backend.name} engine cannot search for this pattern", "Write it with plain groups, classes and repeats.", line
                )
            )
    return found
