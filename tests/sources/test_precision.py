"""One job from two clients, of which one cuts times to whole seconds."""

from __future__ import annotations

from itertools import permutations

import pytest

from policycheck.job_lists import JobList
from policycheck.sources.observations import Jobs, merge_sources
from tests.sources.jobs import Job, job_list

EXACT: Job = {
    "BackupJobId": "j",
    "ResourceArn": "arn:r",
    "State": "FAILED",
    "CreationDate": "2020-09-20T00:00:00.250Z",
    "InitiationDate": "2020-09-20T00:00:00.500Z",
    "CompletionDate": "2020-09-20T01:00:00.750Z",
}
COARSE = EXACT | {name: f"{str(EXACT[name])[:19]}Z" for name in ("CreationDate", "InitiationDate", "CompletionDate")}


def merged(*sources: Job) -> Jobs:
    return merge_sources([job_list([record]) for record in sources])


def plain(jobs: JobList) -> list[str]:
    return sorted(map(repr, jobs.records))


@pytest.mark.parametrize("sources", list(permutations([EXACT, COARSE])))
def test_whole_seconds_are_the_same_job(sources: tuple[Job, ...]) -> None:
    found = merged(*sources)
    assert (plain(found.jobs), found.repeated, found.shared_ids) == (plain(job_list([EXACT])), 1, 0)
    assert not found.jobs.unusable and not found.jobs.doubtful


def test_both_may_stand_in_one_list() -> None:
    assert plain(merge_sources([job_list([COARSE, EXACT])]).jobs) == plain(job_list([EXACT]))


def test_what_the_other_says_is_kept() -> None:
    (job,) = merged(EXACT, {**COARSE, "StatusMessage": "denied"}).jobs.records
    assert job.StatusMessage == "denied"


def test_another_end_is_another_end() -> None:
    later = {**COARSE, "CompletionDate": "2020-09-20T03:00:00Z"}
    (job,), (alone,) = merged({**EXACT, "State": "COMPLETED"}, later).jobs.records, merged(later).jobs.records
    assert (job.State, job.CompletionDate) == ("FAILED", alone.CompletionDate)


@pytest.mark.parametrize("other", [{"CreationDate": "2020-09-20T00:00:01Z"}, {"CreationDate": "2020-09-19T23:59:59Z"}, {"ResourceArn": "arn:s"}])
def test_another_second_or_resource_is_another_job(other: Job) -> None:
    found = merged(EXACT, {**COARSE, **other})
    assert (len(found.jobs), found.shared_ids, found.jobs.doubtful) == (2, 1, frozenset())


@pytest.mark.parametrize("sources", list(permutations([EXACT, COARSE, {**EXACT, "CreationDate": "2020-09-20T00:00:00.900Z", "InitiationDate": None}])))
def test_of_two_jobs_of_one_second_it_is_doubtful_which_is_shown(sources: tuple[Job, ...]) -> None:
    found = merged(*sources)
    assert len(found.jobs) == 3
    (row,) = found.jobs.doubtful
    assert found.jobs.records[row].CreationDate % 1_000_000 == 0


def test_a_record_without_its_resource_may_show_a_job_of_its_second() -> None:
    vague = {name: value for name, value in COARSE.items() if name != "ResourceArn"}
    assert merged(EXACT, vague).jobs.doubtful
    assert not merged(EXACT, {**vague, "CreationDate": "2020-09-20T00:00:01Z", "InitiationDate": None}).jobs.doubtful


def test_what_then_contradicts_the_creation_is_unusable() -> None:
    """It was created and ended in one second, which the other did not see."""
    running = {**EXACT, "State": "RUNNING", "CompletionDate": None, "InitiationDate": None}
    found = merged(running, {**COARSE, "InitiationDate": None, "CompletionDate": COARSE["CreationDate"]})
    assert (found.jobs.records[0].CompletionDate, found.jobs.unusable) == (None, {0: frozenset({"CompletionDate"})})
