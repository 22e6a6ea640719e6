"""Every pattern, in the order of the documentation."""

from __future__ import annotations

from collections.abc import Sequence

from policycheck.policy.reader.comparisons import COMPARISONS
from policycheck.policy.reader.outcomes import OUTCOMES
from policycheck.policy.reader.pattern import Pattern
from policycheck.policy.reader.qualities import QUALITY_ROWS

PATTERNS: Sequence[Pattern] = (*OUTCOMES, *QUALITY_ROWS, *COMPARISONS)
