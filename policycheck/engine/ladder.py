"""The one order of verdicts, whatever the kind of rule (docs/verdicts.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from policycheck.reasons import Reasons
from policycheck.result import Verdict


def _nothing_said() -> Reasons:
    return ()


def _something() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the evidence says of one rule, from what counts first to what counts last. Reasons are asked for only where they decide."""

    violations: int
    """How many there certainly are,"""
    by_absence: int = 0
    """and how many lie in nothing being there, which insufficient evidence cannot tell."""
    short: Reasons = ()
    """Why the evidence is insufficient; nothing where it is not."""
    unknown: Callable[[], Reasons] = _nothing_said
    """Why something that was looked at could violate; nothing where nothing could."""
    unsettled: Callable[[], Reasons] = _nothing_said
    """Why more may belong to it than was looked at, or nothing is decided; nothing where that is not so."""
    nothing: Callable[[], tuple[Verdict, Reasons] | None] = _something
    """What it comes to that there was nothing to look at; None where there was."""
    pending: Callable[[], Reasons] = _nothing_said
    """Why everything is still to come; nothing where something is decided."""


def decide(standing: Standing) -> tuple[Verdict, Reasons]:
    """The verdict, and its reasons where it is neither a pass nor violations that findings tell."""
    if standing.violations:
        return Verdict.FAIL, ()
    if standing.short:
        return Verdict.INCONCLUSIVE, standing.short
    if standing.by_absence:
        return Verdict.FAIL, ()
    for why in (standing.unknown, standing.unsettled):
        if reasons := why():
            return Verdict.INCONCLUSIVE, reasons
    if (nothing := standing.nothing()) is not None:
        return nothing
    if reasons := standing.pending():
        return Verdict.INCONCLUSIVE, reasons
    return Verdict.PASS, ()
