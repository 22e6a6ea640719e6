from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS, Dataset
from policycheck.engine.scope import unreached_window
from policycheck.policy.model import Scope
from policycheck.result import Basis, Coverage
from policycheck.sources.lists import Source, assert_coverage, describe_future, describe_gaps, describe_merging, describe_state
from policycheck.sources.observations import Jobs, merge_sources
from tests.sources.jobs import AS_OF, VAULT, Job, job_list
from tests.tables import each

DAY = timedelta(days=1)
STRETCH = timedelta(hours=25)


def at(hours: float) -> str:
    """A time so many hours after as_of."""
    return (AS_OF + timedelta(hours=hours)).isoformat()


def coverage(jobs: list[Job], covers: tuple[datetime, datetime] | None = None, dataset: Dataset = BACKUP_JOBS) -> tuple[Coverage, ...]:
    read = job_list(jobs, dataset)
    return assert_coverage({dataset.name: read}, AS_OF, covers, {dataset.name: [Source("jobs.json", read)]})


HERE = {"BackupVaultArn": VAULT}
REACH: list[tuple[str, list[Job], tuple[float, float] | None]] = [
    ("from the oldest creation to the newest end", [{"CreationDate": at(-9), "CompletionDate": at(-1), "State": "FAILED"}, {"CreationDate": at(-5)}], (-9, -1)),
    ("a start counts", [{"CreationDate": at(-9), "InitiationDate": at(-3)}], (-9, -3)),
    ("a start before the creation counts for nothing", [{"CreationDate": at(-3), "InitiationDate": at(-9)}], (-3, -3)),
    ("an end before the creation counts for nothing, nor does that", [{"CreationDate": at(-3), "CompletionDate": at(-9), "State": "FAILED"}], None),
    ("an end of a job in progress counts for nothing", [{"CreationDate": at(-9), "CompletionDate": at(-3), "State": "RUNNING"}], (-9, -9)),
    ("a time before AWS Backup counts for nothing", [{"CreationDate": 0}, {"CreationDate": "2019-01-15T23:59:59Z"}, {"CreationDate": at(-3)}], (-3, -3)),
    ("an end without a creation", [{"CompletionDate": at(-3), "State": "FAILED"}], (-3, -3)),
    ("a time at as_of counts", [{"CreationDate": at(-3), "CompletionDate": at(0), "State": "FAILED"}], (-3, 0)),
    ("a later end does not", [{"CreationDate": at(-3), "CompletionDate": at(1), "State": "FAILED"}], (-3, -3)),
    ("a later start does not", [{"CreationDate": at(-3), "InitiationDate": at(1)}], (-3, -3)),
    ("other times do not count", [{"CreationDate": at(-3), "StartBy": at(-1), "ExpectedCompletionDate": at(-9)}], (-3, -3)),
    ("nothing of a job created later", [{"CreationDate": at(-3)}, {"CreationDate": at(1), "InitiationDate": at(2), "CompletionDate": at(3)}], (-3, -3)),
    ("without a date", [{"State": "FAILED", "StartBy": at(-1)}], None),
]


@pytest.mark.parametrize(("_", "jobs", "reach"), REACH, ids=[case[0] for case in REACH])
def test_coverage_reaches_25_hours_beyond_the_oldest_and_newest_time_but_not_beyond_as_of(_: str, jobs: list[Job], reach: tuple[float, float] | None) -> None:
    [entry] = coverage([{**HERE, **each} for each in jobs])
    if reach is None:
        assert (entry.start, entry.end, entry.evidence) == (None, None, None)
        return
    first, last = (AS_OF + timedelta(hours=hours) for hours in reach)
    assert (entry.start, entry.end, entry.evidence) == (first - STRETCH, min(last + STRETCH, AS_OF), (first, last))
    assert (entry.account, entry.region, entry.complete, entry.basis, entry.source) == ("123456789012", "us-west-2", True, Basis.ASSERTED, "jobs.json")


@pytest.mark.parametrize("dataset", [COPY_JOBS, RESTORE_JOBS])
def test_lists_without_a_start_are_dated_by_creation_and_end(dataset: Dataset) -> None:
    [entry] = coverage([{dataset.vault_field: VAULT, "CreationDate": at(-4), "CompletionDate": at(-2), dataset.state_field: "COMPLETED"}], dataset=dataset)
    assert (entry.dataset, entry.start, entry.end) == (dataset.name, AS_OF - timedelta(hours=29), AS_OF)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(-30, 0, (-30, 0)), (-1, 3, (-1 - 25 / 24, 0)), (-0.5, 0.5, (-1 - 25 / 24, 0))],
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
    entries = assert_coverage({"backup_jobs": both}, AS_OF, None, {"backup_jobs": [Source("a", here), Source("b", there), Source("c", here)]})
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
    nothing, doubtful = job_list([]), replace(job_list([{}] * 3), doubtful=frozenset({0, 2}))
    assert describe_merging(Jobs(nothing)) == []
    assert describe_merging(Jobs(nothing, 3)) == ["3 records repeat a BackupJobId; each job counts once"]
    assert describe_merging(Jobs(job_list([], COPY_JOBS), 1)) == ["1 record repeats a CopyJobId; each job counts once"]
    assert describe_merging(Jobs(nothing, 0, 2)) == [
        "2 BackupJobIds name several jobs with other times or resources: the IDs were redacted, and each job counts"
    ]
    [said] = describe_merging(Jobs(doubtful))
    assert said.startswith("2 records do not record enough to tell whether")
    assert said.endswith("save the list with BackupJobId, CreationDate and ResourceArn")
    later = {"CreationDate": at(1)}
    assert describe_future(job_list([later, HERE]), AS_OF) == "1 backup job was created after as_of and omitted"
    assert describe_future(job_list([later, later]), AS_OF) == "2 backup jobs were created after as_of and omitted"
    assert describe_future(job_list([{"CreationDate": AS_OF.astimezone(UTC).isoformat()}, {}]), AS_OF) == ""


FAR, NEAR = -28 * 24.0, -2.0
# The hours at which the jobs of each file were created, the claim in hours, the hours that the window reaches back (None: none), and what is missing.
REACHED: list[tuple[str, list[list[float]], tuple[float, float] | None, float | None, str]] = [
    ("one file", [[FAR, NEAR]], None, 24, ""),
    ("one file, no window", [[FAR, NEAR]], None, None, ""),
    ("two files that meet in their margins", [[-120, -50], [-25, NEAR]], None, 120, ""),
    ("two files that do not", [[-120, -75.01], [-24.99, NEAR]], None, 120, "is not covered from"),
    ("a gap before the window", [[-300, -200], [-50, NEAR]], None, 48, ""),
    ("a gap that no window asks about", [[-300, -200], [-50, NEAR]], None, None, ""),
    ("a gap that a claim fills", [[-300, -200], [-50, NEAR]], (-250, -30), 299, ""),
    ("a gap that a third file fills", [[-300, -200], [-50, NEAR], [-210, -40]], None, 299, ""),
    ("the margin reaches back to the window", [[-24, NEAR]], None, 49, ""),
    ("and no further", [[-24, NEAR]], None, 49.01, "is covered only from"),
    ("the margin reaches to as_of", [[FAR, -25]], None, 48, ""),
    ("and no further", [[FAR, -25.01]], None, 48, "is covered only to"),
    ("stale, no window", [[FAR, -25.01]], None, None, "is covered only to"),
    ("a claim makes it fresh", [[FAR, -200]], (-200, 0), 48, ""),
    ("a window in the margin alone", [[FAR, -24]], None, 23, "shows nothing after"),
    ("a window that the last job opens", [[FAR, -24]], None, 24, ""),
    ("a claim is no margin", [[FAR, -24]], (-24, 0), 23, ""),
    ("a claim that ends before", [[FAR, -200]], (-200, -1), 48, "is covered only to"),
    ("a claim that begins late", [[-30, NEAR]], (-40, 0), 100, "is covered only from"),
]


@each(("_", "files", "claim", "window", "missing"), REACHED, ids=lambda row: row[0])
@each("reverse", [False, True])
def test_coverage_reaches_a_window_or_names_what_is_missing(
    _: str, files: list[list[float]], claim: tuple[float, float] | None, window: float | None, missing: str, reverse: bool
) -> None:
    sources = [
        Source(f"{number}.json", job_list([{**HERE, "BackupJobId": f"{number}/{hours}", "CreationDate": at(hours)} for hours in found]))
        for number, found in enumerate(files)
    ]
    sources = sources[::-1] if reverse else sources
    covers = claim and (AS_OF + timedelta(hours=claim[0]), AS_OF + timedelta(hours=claim[1]))
    jobs = merge_sources([source.jobs for source in sources]).jobs
    [entry] = assert_coverage({"backup_jobs": jobs}, AS_OF, covers, {"backup_jobs": sources})
    start = None if window is None else AS_OF - timedelta(hours=window)
    said = list(map(str, unreached_window(Scope(), [entry], start, AS_OF)))
    assert missing in said[0] if missing else said == [], said
    assert entry.reaches(start, AS_OF) is not bool(missing)
    assert entry.end is not None and entry.end <= AS_OF
    assert len(describe_gaps([entry])) == len(entry.gaps)


def test_a_stale_file_of_one_place_never_leans_on_a_fresh_one_of_another() -> None:
    there = {"BackupVaultArn": VAULT.replace("us-west-2", "us-east-1")}
    stale, fresh = job_list([{**HERE, "CreationDate": at(-900)}]), job_list([{**there, "CreationDate": at(-1)}])
    both = merge_sources([stale, fresh]).jobs
    entries = assert_coverage({"backup_jobs": both}, AS_OF, None, {"backup_jobs": [Source("a", stale), Source("b", fresh)]})
    assert [(entry.region, entry.reaches(None, AS_OF)) for entry in entries] == [("us-east-1", True), ("us-west-2", False)]


def test_one_describe_answer_covers_its_job_alone() -> None:
    lone, whole = job_list([{**HERE, "BackupJobId": "a", "CreationDate": at(-300)}]), job_list([{**HERE, "BackupJobId": "b", "CreationDate": at(-2)}])
    claim = (AS_OF - 30 * DAY, AS_OF)
    alone = assert_coverage({"backup_jobs": lone}, AS_OF, claim, {"backup_jobs": [Source("a", lone, lone=True)]})
    assert [(entry.complete, entry.start, entry.reason, entry.speaks) for entry in alone] == [(False, None, "one describe answer covers only that job", False)]
    # Beside a list it adds its job, and no time.
    both = merge_sources([lone, whole]).jobs
    [entry] = assert_coverage({"backup_jobs": both}, AS_OF, None, {"backup_jobs": [Source("a", lone, lone=True), Source("b", whole)]})
    assert (entry.complete, entry.jobs, entry.evidence, entry.source) == (True, 2, (AS_OF + timedelta(hours=-2),) * 2, "b")


def test_a_claim_covers_no_place_without_a_record() -> None:
    assert coverage([], (AS_OF - DAY, AS_OF)) == ()
