"""How measures that compare jobs of one resource with those before them are evaluated: what they have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import narwhals as nw

from policycheck.engine.case import Case, Staying
from policycheck.engine.frame import Frame
from policycheck.engine.group_account import ChosenJob, GroupAccount
from policycheck.engine.judgement import Judgement
from policycheck.engine.kinds.grouped import GroupedMeasure
from policycheck.policy.model import Expectation


class ComparedJobs(GroupedMeasure):
    """A measure of the jobs in the window, each beside those before it, whenever these were."""

    looks_past_window = True
    passes_over_nothing = True
    counted_jobs = "compared"

    def measured(self, case: Case, frame: Frame) -> nw.Expr:
        return nw.col(case.chosen) & nw.col(case.matching)

    def masks(self, case: Case, frame: Frame) -> dict[str, nw.Expr]:
        # Of a job that may be one of the group it is asked whether it would be in the window.
        return {**super().masks(case, frame), case.window: nw.col(case.window)}

    def is_undoable(self, requirement: Expectation) -> bool:
        # What is compared is what the list has.
        return False

    def excuses_first(self, requirement: Expectation) -> bool:
        return False

    def asks_for_jobs(self, requirement: Expectation) -> bool:
        return False

    def is_met_by_nothing(self, requirement: Expectation) -> bool:
        return True

    def is_mendable(self, requirement: Expectation) -> bool:
        return False

    def tell_staying(self, staying: Staying) -> str:
        return staying.tell_jobs() if staying.sure == staying.jobs else ""

    def listed_rows(self, account: GroupAccount, judged: Judgement) -> Sequence[int]:
        return judged.rows

    def blamed_jobs(self, account: GroupAccount, judged: Judgement, jobs: Sequence[ChosenJob]) -> Sequence[ChosenJob]:
        return [job for job in jobs if job.row in judged.against[:1]]

    def tally(self, judgements: Sequence[Judgement]) -> Iterator[int]:
        """The sums of what was counted of each group."""
        return map(sum, zip(*(item.tallied for item in judgements if item.tallied), strict=True))
