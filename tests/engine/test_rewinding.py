"""What had not happened by as_of is taken back, and a list in which there is nothing to take back is the same without asking."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policycheck.engine import frame, rewinding
from policycheck.engine.frame import build_frame
from policycheck.records import micros
from tests.backends import BACKEND
from tests.engine.lists import AS_OF, Job, job, job_list

FIELDS = ("State", "CreationDate", "CompletionDate", "InitiationDate", "StartBy", "StatusMessage", "Overdue", "Duration")
HOURS = st.sampled_from([None, *((AS_OF + timedelta(hours=hours)).timestamp() for hours in (-9, -2, 1, 3))])
TIMES = ("CreationDate", "InitiationDate", "CompletionDate", "StartBy", "ExpectedCompletionDate")
JOBS = st.lists(
    st.fixed_dictionaries({"State": st.sampled_from(["COMPLETED", "EXPIRED", "RUNNING", "PENDING", "FAILED", None]), **dict.fromkeys(TIMES, HOURS)}), max_size=3
)


def rows(jobs: list[Job]) -> list[tuple[object, ...]]:
    made = build_frame(job_list([job(**{"BackupJobId": f"j{number}", **changes}) for number, changes in enumerate(jobs)]), FIELDS, micros(AS_OF), BACKEND)
    return BACKEND.rows(made.columns.select(*FIELDS, rewinding.REWOUND, rewinding.STARTED_LATER))


EARLIER, LATER = ((AS_OF + timedelta(hours=hours)).timestamp() for hours in (-9, 1))
EXPIRED = {"State": "EXPIRED", "CreationDate": EARLIER, "InitiationDate": None, "CompletionDate": None, "StartBy": LATER, "ExpectedCompletionDate": None}


@given(JOBS)
@example([EXPIRED])
def test_where_nothing_is_later_rewinding_changes_nothing(jobs: list[Job]) -> None:
    said = rows(jobs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame, "may_expire_later", lambda *_: True)
        assert rows(jobs) == said
