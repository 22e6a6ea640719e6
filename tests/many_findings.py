"""Findings in temporary files, however few they are, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from pytest import MonkeyPatch

from policycheck import finding_list
from policycheck.finding_list import gather
from policycheck.result import Result


@contextmanager
def held_in_memory(most: int) -> Iterator[None]:
    """At most so many findings of a rule are held in memory."""
    with MonkeyPatch.context() as patch:
        patch.setattr(finding_list, "MOST_IN_MEMORY", most)
        patch.setattr(finding_list, "_TOGETHER", 2)
        yield


def spilled(result: Result) -> Result:
    """The same result with its findings as a run would hold them."""
    return replace(result, rules=tuple(replace(rule, findings=gather(rule.findings)) for rule in result.rules))
