"""`size_growth`: by what part a matching job of a group is larger than the one before it."""

from __future__ import annotations

from policycheck.engine.kinds.size_drop import SizeChange
from policycheck.engine.size_changes import Change


class SizeGrowth(SizeChange):
    """See `SizeChange`."""


KIND = SizeGrowth(Change.GROWTH)
