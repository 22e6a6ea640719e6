"""What a draft speaks of: every account and Region that answered, and none that could not be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from policycheck.drafting.reach import leave_unread
from policycheck.errors import EvidenceError
from policycheck.result import Basis, Coverage
from policycheck.sources.interface import Evidence
from tests.drafting.drafts import AS_OF, comments, daily, drafted
from tests.drafting.drafts import evidence as evidence_of

QUIET = ("111122223333", "eu-central-1")
DENIED = ("111122223333", "ap-east-1")


def entry(place: tuple[str, str], **more: object) -> Coverage:
    found = Coverage("backup_jobs", *place, AS_OF - timedelta(days=30), AS_OF, 0, basis=Basis.OBSERVED)
    return replace(found, **more)  # type: ignore[arg-type]  # its own fields


@pytest.fixture
def evidence() -> Evidence:
    return evidence_of(daily())


def test_a_region_that_answered_without_jobs_is_declared_and_may_stay_empty(evidence: Evidence) -> None:
    coverage = (*evidence.coverage, entry(QUIET))
    draft = drafted(replace(evidence, coverage=coverage)).draft
    assert "eu-central-1" in draft.scope.regions
    assert "/".join(QUIET) in draft.scope.may_be_empty


def test_a_region_that_could_not_be_read_is_left_out_and_named(evidence: Evidence) -> None:
    coverage = (*evidence.coverage, entry(DENIED, complete=False, reason="access denied"))
    tried = drafted(replace(evidence, coverage=coverage))
    said = "111122223333/ap-east-1 is not in the scope: its backup jobs could not be read (access denied)"
    assert tried.unread == (said,)
    assert "ap-east-1" not in tried.draft.scope.regions
    assert said in comments(tried.text)


@pytest.mark.parametrize("jobs", [1, 1000])
def test_a_region_that_was_read_in_part_is_no_ground_for_a_draft(evidence: Evidence, jobs: int) -> None:
    coverage = (*evidence.coverage, entry(DENIED, complete=False, jobs=jobs, reason="a page is missing"))
    with pytest.raises(EvidenceError, match="111122223333/ap-east-1: a page is missing"):
        leave_unread(replace(evidence, coverage=coverage))


def test_nothing_that_was_read_is_no_ground_for_a_draft(evidence: Evidence) -> None:
    with pytest.raises(EvidenceError, match="access denied"):
        leave_unread(replace(evidence, coverage=(entry(DENIED, complete=False, reason="access denied"),)))
