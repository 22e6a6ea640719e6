from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS, Dataset
from policycheck.records import JobList, record_type
from policycheck.result import Basis, Coverage
from policycheck.sources.lists import assert_coverage, deduplicate, describe_duplicates, describe_future, describe_state
from tests.sources.jobs import AS_OF, VAULT, Job, job_list

DAY = timedelta(days=1)
STRETCH = timedelta(hours=25)


def at(hours: float) -> str:
    """A time so many hours after as_of."""
    return (AS_OF + timedelta(hours=hours)).isoformat()


def job(**members: object) -> Job:
    return {"BackupJobId": "j", **members}


BETTER = [
    ("finished over in progress, whatever its times", job(State="FAILED", CompletionDate=at(-9)), job(State="RUNNING", CompletionDate=at(-1))),
    ("finished over a state the API does not know", job(State="FAILED"), job(State="NEW", CompletionDate=at(-1))),
    ("the later end", job(State="FAILED", CompletionDate=at(-1)), job(State="COMPLETED", CompletionDate=at(-2), InitiationDate=at(-1))),
    ("an end over none", job(State="FAILED", CompletionDate=at(-1)), job(State="EXPIRED", InitiationDate=at(-1))),
    ("the later start", job(State="RUNNING", InitiationDate=at(-1)), job(State="RUNNING", InitiationDate=at(-2), StatusMessage="z")),
    ("a start over none", job(State="RUNNING", InitiationDate=at(-1)), job(State="PENDING", StatusMessage="z")),
    ("the JSON text that sorts last", job(State="FAILED", StatusMessage="b"), job(State="FAILED", StatusMessage="a", VaultType="z")),
    ("the JSON text, members sorted by name", job(BackupType="b", VaultType="a"), job(BackupType="a", VaultType="b")),
    ("the JSON text, with dotted names", job(CreatedBy={"BackupPlanId": "b"}), job(CreatedBy={"BackupPlanArn": "z", "BackupPlanId": "a"})),
]


@pytest.mark.parametrize(("_", "better", "worse"), BETTER, ids=[case[0] for case in BETTER])
def test_of_two_records_of_a_job_the_better_stays(_: str, better: Job, worse: Job) -> None:
    for pair in ([better, worse], [worse, better], [worse, better, worse]):
        kept, dropped = deduplicate(job_list(pair))
        assert (list(kept.records), dropped) == (list(job_list([better]).records), len(pair) - 1)


def test_one_id_of_two_resources_is_two_jobs() -> None:
    pair = [job(State="FAILED", ResourceArn="a"), job(State="COMPLETED", ResourceArn="b")]
    assert deduplicate(job_list(pair))[1] == 0


@pytest.mark.parametrize(("dataset", "state"), [(COPY_JOBS, "State"), (RESTORE_JOBS, "Status")])
def test_other_lists_have_ids_and_states_of_their_own(dataset: Dataset, state: str) -> None:
    jobs = [{dataset.id_field: "j", state: "RUNNING"}, {dataset.id_field: "j", state: "COMPLETED"}, {dataset.id_field: "k", state: "RUNNING"}]
    kept, dropped = deduplicate(job_list(jobs, dataset))
    assert (list(kept.records), dropped) == (list(job_list(jobs[1:], dataset).records), 1)


def test_records_without_an_id_are_all_kept() -> None:
    jobs: list[Job] = [{"State": "FAILED"}, {"State": "FAILED"}, job(), job()]
    kept, dropped = deduplicate(job_list(jobs))
    assert (list(kept.records), dropped) == (list(job_list(jobs[:3]).records), 1)


def test_a_list_without_duplicates_is_returned_as_it_is() -> None:
    given_list = job_list([job(), {}, {}, job(BackupJobId="k")])
    assert deduplicate(given_list) == (given_list, 0)
    assert deduplicate(given_list)[0] is given_list


RECORDS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "BackupJobId": st.sampled_from("ab"),
            "State": st.sampled_from(["RUNNING", "FAILED", "COMPLETED", "NEW", "NEWER"]),
            "CompletionDate": st.sampled_from([at(-2), at(-1)]),
            "InitiationDate": st.sampled_from([at(-2), at(-1)]),
            "StatusMessage": st.sampled_from(["x", "y"]),
            "CreatedBy": st.sampled_from([{}, {"BackupPlanId": "p"}]),
        },
    ),
    max_size=8,
)


@settings(max_examples=100, deadline=None)
@given(jobs=RECORDS, seed=st.integers(0, 2**16))
def test_what_stays_does_not_depend_on_the_order(jobs: list[Job], seed: int) -> None:
    shuffled = random.Random(seed).sample(jobs, len(jobs))
    (one, dropped), (other, also) = deduplicate(job_list(jobs)), deduplicate(job_list(shuffled))
    assert dropped == also == len(jobs) - len(one)
    assert sorted(map(repr, one.records)) == sorted(map(repr, other.records))
    ids = [record.BackupJobId for record in one.records if record.BackupJobId]
    assert sorted(ids) == sorted({job["BackupJobId"] for job in jobs if "BackupJobId" in job})


def coverage(jobs: list[Job], covers: tuple[datetime, datetime] | None = None, dataset: Dataset = BACKUP_JOBS) -> tuple[Coverage, ...]:
    read = job_list(jobs, dataset)
    return assert_coverage({dataset.name: read}, AS_OF, covers, {dataset.name: [("jobs.json", read)]})


HERE = {"BackupVaultArn": VAULT}
NEVER = (None, None)
REACH: list[tuple[str, list[Job], tuple[float, float] | None]] = [
    ("from the oldest creation to the newest end", [{"CreationDate": at(-9), "CompletionDate": at(-1)}, {"CreationDate": at(-5)}], (-9, -1)),
    ("a start counts", [{"CreationDate": at(-9), "InitiationDate": at(-3)}], (-9, -3)),
    ("an older start counts", [{"CreationDate": at(-3), "InitiationDate": at(-9)}], (-9, -3)),
    ("an end without a creation", [{"CompletionDate": at(-3)}], (-3, -3)),
    ("a time at as_of counts", [{"CreationDate": at(-3), "CompletionDate": at(0)}], (-3, 0)),
    ("a later end does not", [{"CreationDate": at(-3), "CompletionDate": at(1)}], (-3, -3)),
    ("a later start does not", [{"CreationDate": at(-3), "InitiationDate": at(1)}], (-3, -3)),
    ("other times do not count", [{"CreationDate": at(-3), "StartBy": at(-1), "ExpectedCompletionDate": at(-9)}], (-3, -3)),
    ("nothing of a job created later", [{"CreationDate": at(-3)}, {"CreationDate": at(1), "InitiationDate": at(-9), "CompletionDate": at(-1)}], (-3, -3)),
    ("without a date", [{"State": "FAILED", "StartBy": at(-1)}], None),
]


@pytest.mark.parametrize(("_", "jobs", "reach"), REACH, ids=[case[0] for case in REACH])
def test_coverage_reaches_25_hours_beyond_the_oldest_and_newest_time(_: str, jobs: list[Job], reach: tuple[float, float] | None) -> None:
    [entry] = coverage([{**HERE, **each} for each in jobs])
    expected = (AS_OF + timedelta(hours=reach[0]) - STRETCH, AS_OF + timedelta(hours=reach[1]) + STRETCH) if reach else NEVER
    assert (entry.start, entry.end) == expected
    assert (entry.account, entry.region, entry.complete, entry.basis, entry.source) == ("123456789012", "us-west-2", True, Basis.ASSERTED, "jobs.json")


@pytest.mark.parametrize("dataset", [COPY_JOBS, RESTORE_JOBS])
def test_lists_without_a_start_are_dated_by_creation_and_end(dataset: Dataset) -> None:
    [entry] = coverage([{dataset.vault_field: VAULT, "CreationDate": at(-4), "CompletionDate": at(-2), dataset.state_field: "COMPLETED"}], dataset=dataset)
    assert (entry.dataset, entry.start, entry.end) == (dataset.name, AS_OF - timedelta(hours=29), AS_OF + timedelta(hours=23))


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(-30, 0, (-30, 1)), (-1, 3, (-1 - 25 / 24, 3)), (-0.5, 0.5, (-1 - 25 / 24, 1))],
    ids=["earlier", "later", "within"],
)
def test_covers_widens_and_never_narrows(first: float, last: float, expected: tuple[float, float]) -> None:
    [entry] = coverage([{**HERE, "CreationDate": at(-24)}, {**HERE, "CreationDate": at(-1)}], (AS_OF + first * DAY, AS_OF + last * DAY))
    assert (entry.start, entry.end) == (AS_OF + expected[0] * DAY, AS_OF + expected[1] * DAY)


def test_covers_dates_what_nothing_else_does() -> None:
    claimed = (AS_OF - DAY, AS_OF)
    [entry] = coverage([HERE], claimed)
    assert (entry.start, entry.end) == claimed


def test_each_account_and_region_is_a_place_of_its_own_and_sorted() -> None:
    def vault(region: str, account: str) -> dict[str, str]:
        return {"BackupVaultArn": f"arn:aws:backup:{region}:{account}:backup-vault:v"}

    jobs: list[Job] = [
        vault("us-west-2", "2" * 12),
        vault("us-east-1", "2" * 12),
        vault("us-west-2", "1" * 12),
        {},
        {"AccountId": "1" * 12},
        vault("us-west-2", "2" * 12),
    ]
    entries = coverage(jobs)
    assert [(entry.account, entry.region, entry.jobs) for entry in entries] == [
        (None, None, 1),
        ("1" * 12, None, 1),
        ("1" * 12, "us-west-2", 1),
        ("2" * 12, "us-east-1", 1),
        ("2" * 12, "us-west-2", 2),
    ]


def test_a_place_seen_only_after_as_of_is_not_seen() -> None:
    assert coverage([{**HERE, "CreationDate": at(1)}]) == ()
    assert coverage([]) == ()


REWOUND: list[tuple[str, Job, bool]] = [
    ("ended later", {"State": "COMPLETED", "CompletionDate": at(1)}, True),
    ("ended at as_of", {"State": "COMPLETED", "CompletionDate": at(0)}, False),
    ("in progress with an end to come", {"State": "RUNNING", "CompletionDate": at(1)}, False),
    ("in a state the API does not know", {"State": "NEW", "CompletionDate": at(1)}, False),
    ("expired later", {"State": "EXPIRED", "StartBy": at(1)}, True),
    ("expired before", {"State": "EXPIRED", "StartBy": at(0)}, False),
    ("expired with an end before", {"State": "EXPIRED", "StartBy": at(1), "CompletionDate": at(-1)}, False),
    ("failed with a start window to come", {"State": "FAILED", "StartBy": at(1)}, False),
    ("created later", {"State": "COMPLETED", "CreationDate": at(1), "CompletionDate": at(2)}, False),
]


@pytest.mark.parametrize(("_", "members", "rewound"), REWOUND, ids=[case[0] for case in REWOUND])
def test_jobs_that_ended_after_as_of_are_told(_: str, members: Job, rewound: bool) -> None:
    [entry] = coverage([{**HERE, "CreationDate": at(-1)}, {**HERE, **members}])
    assert entry.reason == ("reconstructed: 1 job ended after as_of" if rewound else "")
    assert entry.complete


def test_rewound_jobs_are_counted() -> None:
    [entry] = coverage([{**HERE, "State": "FAILED", "CompletionDate": at(1)}] * 2)
    assert entry.reason == "reconstructed: 2 jobs ended after as_of"


def test_a_place_held_by_several_files_counts_them() -> None:
    here, there = job_list([HERE]), job_list([{"BackupVaultArn": VAULT.replace("us-west-2", "us-east-1")}])
    both = job_list([HERE, {"BackupVaultArn": VAULT.replace("us-west-2", "us-east-1")}])
    entries = assert_coverage({"backup_jobs": both}, AS_OF, None, {"backup_jobs": [("a", here), ("b", there), ("c", here)]})
    assert [(entry.region, entry.source) for entry in entries] == [("us-east-1", "b"), ("us-west-2", "2 files")]


@pytest.mark.parametrize(
    ("jobs", "dataset", "words"),
    [
        ([{"State": "FAILED"}] * 2, BACKUP_JOBS, ("all 2 backup jobs are FAILED", "--by-state")),
        ([{"Status": "FAILED"}] * 3, RESTORE_JOBS, ("all 3 restore jobs are FAILED", "--by-status")),
        ([{"State": "FAILED"}], BACKUP_JOBS, None),
        ([{"State": "FAILED"}, {"State": "COMPLETED"}], BACKUP_JOBS, None),
        ([{"State": "FAILED"}, {}], BACKUP_JOBS, None),
        ([{}, {}], BACKUP_JOBS, None),
        ([], BACKUP_JOBS, None),
    ],
)
def test_a_list_of_one_state_looks_filtered(jobs: list[Job], dataset: Dataset, words: tuple[str, ...] | None) -> None:
    warning = describe_state(job_list(jobs, dataset))
    assert all(word in warning for word in words) if words else warning == ""


def test_warnings_count_in_plain_words() -> None:
    assert describe_duplicates(BACKUP_JOBS, 3) == "3 records repeat a BackupJobId; one of each was kept"
    assert describe_duplicates(COPY_JOBS, 1) == "1 record repeats a CopyJobId; one of each was kept"
    later = {"CreationDate": at(1)}
    assert describe_future(job_list([later, HERE]), AS_OF) == "1 backup job was created after as_of and left out"
    assert describe_future(job_list([later, later]), AS_OF) == "2 backup jobs were created after as_of and left out"
    assert describe_future(job_list([{"CreationDate": AS_OF.astimezone(UTC).isoformat()}, {}]), AS_OF) == ""


def test_one_id_in_two_accounts_is_two_jobs() -> None:
    kind = record_type(BACKUP_JOBS)
    jobs = [kind(BackupJobId="a", State="FAILED", AccountId="111122223333"), kind(BackupJobId="a", State="COMPLETED", AccountId="444455556666")]
    kept, dropped = deduplicate(JobList.of(BACKUP_JOBS, jobs))
    assert (len(kept), dropped) == (2, 0)
