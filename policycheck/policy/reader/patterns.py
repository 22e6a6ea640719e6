"""Every pattern, in the order of the documentation."""

from __future__ import annotations

from collections.abc import Sequence

from policycheck.policy.reader.calendars import CALENDARS
from policycheck.policy.reader.comparisons import COMPARISONS
from policycheck.policy.reader.holdings import HOLDING_ROWS
from policycheck.policy.reader.hours import HOUR_ROWS
from policycheck.policy.reader.outcomes import OUTCOMES
from policycheck.policy.reader.pattern import Pattern
from policycheck.policy.reader.qualities import QUALITY_ROWS
from policycheck.policy.reader.shares import SHARES

_ROWS: Sequence[Pattern] = (*OUTCOMES, *CALENDARS, *SHARES, *QUALITY_ROWS, *COMPARISONS, *HOUR_ROWS, *HOLDING_ROWS)
_FAMILIES = list(dict.fromkeys(pattern.family for pattern in _ROWS))
PATTERNS: Sequence[Pattern] = sorted(_ROWS, key=lambda pattern: _FAMILIES.index(pattern.family))
