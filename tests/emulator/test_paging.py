"""Page tokens lead on only for the request they were given for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policycheck.emulator.errors import ApiError
from policycheck.emulator.paging import Position, binding, decode, encode
from policycheck.emulator.wire import SortKey

HERE = Position(SortKey(-1, "job", "111111111111"), 2)
ASKED: dict[str, Any] = {"ByState": "FAILED", "ByCreatedAfter": datetime(2026, 1, 1, tzinfo=UTC)}
BOUND = binding("ListBackupJobs", "1", "eu-west-1", ASKED)


@given(st.builds(Position, st.none() | st.builds(SortKey, st.integers(), st.text(), st.text()), st.integers(0)))
def test_a_token_leads_back_to_its_position(position: Position) -> None:
    assert decode(encode(position, BOUND), BOUND) == position


@pytest.mark.parametrize(
    "other",
    [
        binding("ListCopyJobs", "1", "eu-west-1", ASKED),
        binding("ListBackupJobs", "2", "eu-west-1", ASKED),
        binding("ListBackupJobs", "1", "us-east-1", ASKED),
        binding("ListBackupJobs", "1", "eu-west-1", {}),
        binding("ListBackupJobs", "1", "eu-west-1", {**ASKED, "ByState": "COMPLETED"}),
        binding("ListBackupJobs", "1", "eu-west-1", {**ASKED, "ByCreatedAfter": datetime(2026, 1, 2, tzinfo=UTC)}),
    ],
)
def test_a_token_of_another_request_is_refused(other: bytes) -> None:
    with pytest.raises(ApiError, match="NextToken"):
        decode(encode(HERE, other), BOUND)


def test_the_size_of_a_page_may_change_between_pages() -> None:
    assert decode(encode(HERE, BOUND), binding("ListBackupJobs", "1", "eu-west-1", {**ASKED, "MaxResults": 5, "NextToken": "x"})) == HERE


@given(st.text())
def test_a_made_up_token_is_refused(token: str) -> None:
    with pytest.raises(ApiError) as caught:
        decode(token, BOUND)
    assert caught.value.code == "InvalidParameterValueException"


@given(st.integers(0, 200), st.sampled_from("AZaz09-_"))
def test_a_changed_token_is_refused_or_the_same(at: int, letter: str) -> None:
    token = encode(HERE, BOUND)
    changed = token[: at % len(token)] + letter + token[at % len(token) + 1 :]
    try:
        assert decode(changed, BOUND) == HERE
    except ApiError:
        assert changed != token
