"""Which records show one job, and what the job is by all of them: the order in which they were read changes nothing."""

from __future__ import annotations

import random
from itertools import permutations
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, DATASETS, RESTORE_JOBS, Dataset
from policycheck.job_lists import JobList
from policycheck.sources.observations import Jobs, merge_sources
from tests.sources.jobs import Job, job_list

EARLY, LATE, LATER = "2020-09-20T00:00:00Z", "2020-09-21T00:00:00Z", "2020-09-22T00:00:00Z"


def job(dataset: Dataset = BACKUP_JOBS, **members: object) -> Job:
    """A record that says which job it shows; None takes a member away."""
    record = {dataset.id_field: "j", "CreationDate": EARLY, dataset.resource_field: "arn:r", dataset.state_field: "RUNNING", **members}
    return {name: value for name, value in record.items() if value is not None}


def merged(*sources: list[Job], dataset: Dataset = BACKUP_JOBS) -> Jobs:
    return merge_sources([job_list(records, dataset) for records in sources])


def told(jobs: JobList) -> list[tuple[str, frozenset[str], frozenset[str], bool]]:
    """All that a list says of its jobs, whatever their order."""
    rows = [(repr(record), jobs.unusable.get(row, frozenset()), jobs.told[row].told, row in jobs.doubtful) for row, record in enumerate(jobs.records)]
    return sorted(rows, key=str)


DONE: Job = {"State": "COMPLETED", "CompletionDate": LATE}
FAILED: Job = {"State": "FAILED", "CompletionDate": LATE}
# What each observation says, and what the job is; unusable members by their names, where they disagree.
RIGHT: list[tuple[str, list[dict[str, Any]], dict[str, Any], set[str]]] = [
    ("finished over in progress", [FAILED, {"State": "RUNNING", "PercentDone": "99"}], FAILED, set()),
    ("finished over an unknown state", [FAILED, {"State": "NEW"}], FAILED, set()),
    ("in progress over an unknown state", [{"State": "PENDING"}, {"State": "NEW"}], {"State": "PENDING"}, set()),
    ("in progress over none", [{"State": "CREATED"}, {"State": None}], {"State": "CREATED"}, set()),
    ("the later end", [{**FAILED, "CompletionDate": LATER}, DONE], {**FAILED, "CompletionDate": LATER}, set()),
    ("an end beside none: they are of one state", [FAILED, {"State": "FAILED"}], FAILED, set()),
    ("what only one says", [{**FAILED, "IsParent": True}, {**FAILED, "ResourceName": "db"}], {**FAILED, "IsParent": True, "ResourceName": "db"}, set()),
    ("two sizes", [{**DONE, "BackupSizeInBytes": 1}, {**DONE, "BackupSizeInBytes": 2}], DONE, {"BackupSizeInBytes"}),
    ("the later state", [{"State": "RUNNING"}, {"State": "PENDING", "PercentDone": "50"}], {"State": "RUNNING"}, set()),
    ("the greater percentage, as a number", [{"PercentDone": "9.5"}, {"PercentDone": "10"}], {"PercentDone": "10"}, set()),
    ("a percentage over what is none", [{"PercentDone": "1"}, {"PercentDone": "half"}], {"PercentDone": "1"}, set()),
    ("parts of an object", [{"CreatedBy": {"BackupPlanId": "p"}}, {"CreatedBy": {"BackupRuleId": "r"}}],
     {"CreatedBy": {"BackupPlanId": "p", "BackupRuleId": "r"}}, set()),
    ("parts that differ", [{"CreatedBy": {"BackupPlanId": "p", "BackupRuleId": "r"}}, {"CreatedBy": {"BackupPlanId": "q", "BackupRuleId": "r"}}],
     {"CreatedBy": {"BackupRuleId": "r"}}, {"CreatedBy.BackupPlanId"}),
    ("three of two kinds", [DONE, {**DONE, "BackupType": "a"}, {**DONE, "BackupType": "b"}], DONE, {"BackupType"}),
]  # fmt: skip


@pytest.mark.parametrize(("_", "seen", "right", "disagreed"), RIGHT, ids=[case[0] for case in RIGHT])
@pytest.mark.parametrize("apart", [False, True], ids=["one source", "a source each"])
def test_of_several_observations_the_best_and_of_these_all(_: str, seen: list[dict[str, Any]], right: dict[str, Any], disagreed: set[str], apart: bool) -> None:
    for order in permutations(seen):
        records = [job(**members) for members in order]
        found = merged(*([[record] for record in records] if apart else [records]))
        assert list(found.jobs.records) == list(job_list([job(**right)]).records)
        assert (found.repeated, found.shared_ids, found.jobs.doubtful) == (len(seen) - 1, 0, frozenset())
        assert found.jobs.unusable.get(0, frozenset()) >= disagreed
        assert not disagreed & found.jobs.told[0].told


def test_two_finished_states_of_one_end_are_none() -> None:
    for order in ([DONE, FAILED], [FAILED, DONE]):
        found = merged(*([job(**members)] for members in order))
        assert found.jobs.records[0].State is None
        assert found.jobs.unusable[0] == {"State", "CompletionDate"}


def test_the_end_of_a_job_of_two_states_counts_for_nothing() -> None:
    found = merged([job(**DONE)], [job(**FAILED)])
    assert found.jobs.records[0].CompletionDate is None


RESTORED = {"Status": "COMPLETED", "CompletionDate": LATE}
AFTERWARDS: list[tuple[str, list[dict[str, Any]], dict[str, Any]]] = [
    ("decided over validating", [{"ValidationStatus": "FAILED", "ValidationStatusMessage": "x"}, {"ValidationStatus": "VALIDATING"}],
     {"ValidationStatus": "FAILED", "ValidationStatusMessage": "x"}),
    ("decided over none", [{"ValidationStatus": "SUCCESSFUL"}, {}], {"ValidationStatus": "SUCCESSFUL"}),
    ("validating over none", [{"ValidationStatus": "VALIDATING"}, {}], {"ValidationStatus": "VALIDATING"}),
    ("its message goes with it", [{"ValidationStatus": "SUCCESSFUL"}, {"ValidationStatus": "VALIDATING", "ValidationStatusMessage": "wait"}],
     {"ValidationStatus": "SUCCESSFUL"}),
    ("deleted over deleting", [{"DeletionStatus": "SUCCESSFUL"}, {"DeletionStatus": "DELETING", "DeletionStatusMessage": "wait"}],
     {"DeletionStatus": "SUCCESSFUL"}),
    ("two decided ones", [{"ValidationStatus": "FAILED"}, {"ValidationStatus": "SUCCESSFUL"}, {"ValidationStatus": "VALIDATING"}], {}),
]  # fmt: skip


@pytest.mark.parametrize(("_", "seen", "right"), AFTERWARDS, ids=[case[0] for case in AFTERWARDS])
def test_statuses_that_move_on_after_the_end_of_a_restore(_: str, seen: list[dict[str, Any]], right: dict[str, Any]) -> None:
    for order in permutations(seen):
        found = merged(*([job(RESTORE_JOBS, **RESTORED, **members)] for members in order), dataset=RESTORE_JOBS)
        assert list(found.jobs.records) == list(job_list([job(RESTORE_JOBS, **RESTORED, **right)], RESTORE_JOBS).records)


# Two records: how many jobs there are, how many of them are doubtful, and how many ids name several.
APART: list[tuple[str, Job, Job, tuple[int, int, int]]] = [
    ("the same", job(), job(), (1, 0, 0)),
    ("another resource", job(), job(ResourceArn="arn:s"), (2, 0, 1)),
    ("another creation", job(), job(CreationDate=LATE), (2, 0, 1)),
    ("another id", job(), job(BackupJobId="k"), (2, 0, 0)),
    ("no creation", job(), job(CreationDate=None), (2, 1, 0)),
    ("a creation that cannot be", job(), job(CreationDate=0), (2, 1, 0)),
    ("no resource", job(), job(ResourceArn=None), (2, 1, 0)),
    ("an empty resource", job(), job(ResourceArn=""), (2, 1, 0)),
    ("neither", job(), job(ResourceArn=None, CreationDate=None), (2, 1, 0)),
    ("no creation and another resource", job(), job(CreationDate=None, ResourceArn="arn:s"), (2, 0, 0)),
    ("no resource and another creation", job(), job(CreationDate=LATE, ResourceArn=None), (2, 0, 0)),
    ("both without a creation", job(CreationDate=None), job(CreationDate=None), (2, 1, 0)),
    ("no id", job(), job(BackupJobId=None), (2, 1, 0)),
    ("an empty id", job(), job(BackupJobId=""), (2, 1, 0)),
    ("no id and another creation", job(), job(BackupJobId=None, CreationDate=LATE), (2, 0, 0)),
    ("no id and no creation", job(), job(BackupJobId=None, CreationDate=None), (2, 1, 0)),
    ("both without an id", job(BackupJobId=None), job(BackupJobId=None), (2, 1, 0)),
]


@pytest.mark.parametrize(("_", "one", "other", "expected"), APART, ids=[case[0] for case in APART])
def test_two_records_of_two_sources_are_one_job_or_two_or_nobody_knows(_: str, one: Job, other: Job, expected: tuple[int, int, int]) -> None:
    for pair in ([one], [other]), ([other], [one]):
        found = merged(*pair)
        assert (len(found.jobs), len(found.jobs.doubtful), found.shared_ids) == expected


def test_one_source_lists_a_job_without_an_id_once() -> None:
    nameless = job(BackupJobId=None)
    assert len(merged([nameless, nameless]).jobs.doubtful) == 0
    assert len(merged([nameless], [nameless]).jobs.doubtful) == 1
    # Of two that are doubtful for each other alone the one that says more stands.
    found = merged([nameless], [{**nameless, "ResourceType": "EC2"}])
    [row] = found.jobs.doubtful
    assert found.jobs.records[row].ResourceType is None


def test_a_list_without_repeated_ids_is_returned_as_it_is() -> None:
    given_list = job_list([job(), job(BackupJobId="k", CreationDate=None)])
    assert merge_sources([given_list]).jobs is given_list


@pytest.mark.parametrize("dataset", [COPY_JOBS, RESTORE_JOBS])
def test_other_lists_have_ids_states_and_resources_of_their_own(dataset: Dataset) -> None:
    first, last = job(dataset, **{dataset.state_field: "RUNNING"}), job(dataset, **{dataset.state_field: "COMPLETED", "CompletionDate": LATE})
    found = merged([first, job(dataset, **{dataset.id_field: "k"})], [last], dataset=dataset)
    assert sorted(map(repr, found.jobs.records)) == sorted(map(repr, job_list([last, job(dataset, **{dataset.id_field: "k"})], dataset).records))


VALUES: dict[str, list[object]] = {
    "CreationDate": [EARLY, EARLY, LATE, 0],
    "CompletionDate": [LATE, LATER],
    "PercentDone": ["1", "50.0", "x"],
    "StatusMessage": ["x", "y", ""],
    "CreatedBy": [{}, {"BackupPlanId": "p"}, {"BackupPlanId": "q"}],
    "ValidationStatus": ["VALIDATING", "FAILED", "SUCCESSFUL"],
    "ValidationStatusMessage": ["x", "y"],
}


@st.composite
def observations(draw: st.DrawFn) -> tuple[Dataset, list[list[Job]]]:
    """A few sources that show a few jobs, more than once."""
    dataset = draw(st.sampled_from(list(DATASETS.values())))
    values = {name: [value for value in found if not isinstance(value, dict) or dataset is not RESTORE_JOBS] for name, found in VALUES.items()}
    values |= {dataset.id_field: ["a", "a", "b", ""], dataset.resource_field: ["arn:r", "arn:r", "arn:s"]}
    values |= {dataset.state_field: ["PENDING", "RUNNING", "COMPLETED", "FAILED", "NEW", "NEWER"]}
    names = [name for name in values if values[name] and (name in dataset.fields or (name == "CreatedBy" and dataset is not RESTORE_JOBS))]
    record = st.fixed_dictionaries({}, optional={name: st.sampled_from(values[name]) for name in names})
    return dataset, draw(st.lists(st.lists(record, max_size=3), min_size=1, max_size=3))


def check_order(dataset: Dataset, sources: list[list[Job]], seed: int) -> None:
    luck = random.Random(seed)
    shuffled = [luck.sample([dict(luck.sample(list(record.items()), len(record))) for record in source], len(source)) for source in sources]
    one, other = merged(*sources, dataset=dataset), merged(*luck.sample(shuffled, len(shuffled)), dataset=dataset)
    # Of doubtful records that read alike the first stands: see below.
    keys = ("CreationDate", dataset.id_field, dataset.resource_field)
    vague = [repr(found) for source in sources for found in job_list(source, dataset).records if None in [getattr(found, key) for key in keys]]
    assume(len(vague) == len(set(vague)))
    assert told(one.jobs) == told(other.jobs)
    assert (one.repeated, one.shared_ids) == (other.repeated, other.shared_ids)
    assert one.repeated == sum(map(len, sources)) - len(one.jobs)


@settings(max_examples=20, deadline=None)
@given(found=observations(), seed=st.integers(0, 2**16))
def test_the_order_of_sources_records_and_members_changes_nothing(found: tuple[Dataset, list[list[Job]]], seed: int) -> None:
    check_order(*found, seed)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(found=observations(), seed=st.integers(0, 2**16))
def test_the_order_of_many_sources_changes_nothing(found: tuple[Dataset, list[list[Job]]], seed: int) -> None:
    check_order(*found, seed)


def test_of_two_doubtful_records_that_read_alike_the_order_does_not_choose() -> None:
    vague = job(CreationDate=None)
    # The same words, beside a record with a name (a source that records it) and beside none.
    sources = [[vague, job(BackupJobId="k", ResourceName="db")], [vague]]
    assert told(merged(*sources).jobs) == told(merged(*sources[::-1]).jobs)
