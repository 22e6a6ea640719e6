"""Long lists are read in columns: whatever is in a file, that way and the careful one say the same of it."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from policycheck import column_records
from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, DATASETS, RESTORE_JOBS, Dataset
from policycheck.engine.backends.registry import open_engine
from policycheck.engine.frame import ROW, build_frame
from policycheck.engine.rewinding import RECORDING
from policycheck.errors import JobFileError
from policycheck.job_lists import JobList
from policycheck.records import micros
from policycheck.sources import encoded_records, files
from policycheck.sources.asked import members_read
from policycheck.sources.containers import read_pages
from policycheck.sources.encoded_records import EncodedRecords
from policycheck.sources.lists import Source, assert_coverage, describe_future, describe_state
from policycheck.sources.observations import merge_sources
from tests.properties import examples
from tests.sources.jobs import dump, lines
from tests.tables import each

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
TIMES = (
    "2026-11-19T03:00:00+00:00", "2026-11-19T04:00:00.250000+00:00", "2026-11-19T04:00:00Z", "2026-11-19 05:00:00+01:00", "2026-11-20T07:00:00+00:00",
    "2018-01-01T00:00:00+00:00", "2026-11-18T23:59:59.999999-05:00", 1763600000, 1763600000.125, 0, None,
)  # fmt: skip
BAD_TIMES = ("2026-11-19T03:00:00", "1969-01-01T00:00:00+00:00", 1763600000000, "soon", True)
ARN = "arn:aws:{}:eu-west-1:111122223333:{}"
TEXTS: Mapping[str, tuple[object, ...]] = {
    "AccountId": ("111122223333", "444455556666", "", None),
    "BackupVaultName": ("prod", "déjà", ""),
    "BackupVaultArn": (ARN.format("backup", "backup-vault:prod"), "arn:aws:backup:::backup-vault:x", "prod", "", None),
    "ResourceArn": (ARN.format("ec2", "instance/i-1"), "arn:aws:s3:::bucket", "i-1", ""),
    "ResourceType": ("EC2", "S3", ""),
    "State": ("COMPLETED", "FAILED", "EXPIRED", "RUNNING", "PENDING", "UNHEARD_OF", "", None),
    "StatusMessage": ("Access denied", 'it said "no"', "caf\u00e9\n", "", None),
    "MessageCategory": ("SUCCESS", "AccessDenied", ""),
    "IamRoleArn": (ARN.format("iam", "role/x"), None),
    "PercentDone": ("100.0", "0.0"),
    "ParentJobId": ("job-1", "", None),
    "IsEncrypted": (True, False, None),
    "BackupSizeInBytes": (0, 2**62 + 1, None),
    "CreatedBy": ({}, {"BackupPlanId": "plan"}, {"BackupPlanId": "", "BackupRuleCron": "cron(0 5 * * ? *)"}, None),
    "RecoveryPointLifecycle": ({}, {"DeleteAfterDays": 35}, {"MoveToColdStorageAfterDays": 7, "DeleteAfterEvent": ""}),
}
ODD: Mapping[str, tuple[object, ...]] = {"NewMember": ("x", {"deep": [1]}), "percentDone": ("1",), "PercentDone": (50, 12.5), "IsEncrypted": ("yes",)}


def records(*, odd: bool) -> st.SearchStrategy[list[dict[str, object]]]:
    """Records as clients write them; `odd` ones too: members that are unknown or of another type, times that are none, one id twice."""
    times = st.sampled_from((*TIMES, *BAD_TIMES) if odd else TIMES)
    members = {name: st.sampled_from(values) for name, values in TEXTS.items()}
    members |= {name: times for name in ("CreationDate", "InitiationDate", "CompletionDate", "StartBy", "ExpectedCompletionDate")}
    optional = members | ({name: st.sampled_from(values) for name, values in ODD.items()} if odd else {})
    one = st.fixed_dictionaries({}, optional=optional)
    ids = st.lists(st.sampled_from([f"job-{number}" for number in range(4 if odd else 40)]), unique=not odd, min_size=1, max_size=6)

    def named(job_ids: list[str]) -> st.SearchStrategy[list[dict[str, object]]]:
        return st.lists(one, min_size=len(job_ids), max_size=len(job_ids)).map(
            lambda jobs: [{"BackupJobId": i} | job for i, job in zip(job_ids, jobs, strict=True)]
        )

    return ids.flatmap(named)


def wanted(_: Dataset) -> Sequence[str]:
    return ("IsEncrypted", "CreatedBy.BackupPlanId", "RecoveryPointLifecycle.DeleteAfterDays", "BackupSizeInBytes")


def read(data: bytes, *, encoded: bool) -> JobList | str:
    """The one list of a file, or what is wrong with it."""
    try:
        pages = read_pages(data, wanted if encoded else None)
    except JobFileError as error:
        return f"{error.place}: {error.message} ({error.hint})"
    return JobList.joined([page.jobs for page in pages])


def told(jobs: JobList) -> dict[str, Any]:
    """All that anybody asks of a list."""
    dataset = jobs.dataset
    assert frozenset(jobs.numbered_recordings()[0]) == frozenset(jobs.told)
    frame = build_frame(jobs, sorted(dataset.fields), micros(AS_OF), open_engine(), {})
    plain = [member.name for member in dataset.members]
    # In which order recordings are numbered means nothing.
    rows = [row | {RECORDING: frame.recordings[row[RECORDING]]} for row in frame.columns.collect().rows(named=True)]
    return {
        "records": list(jobs.records),
        "one by one": [jobs.records[row] for row in range(len(jobs))],
        "chosen": list(jobs.chosen([0, len(jobs) - 1]).records),
        "unusable": jobs.unusable,
        "dropped": jobs.dropped,
        "recorded": jobs.recorded,
        "told": list(jobs.told),
        "places": list(jobs.places()),
        "columns": {name: jobs.values(name) for name in plain},
        "distinct": [jobs.distinct(dataset.resource_field, "ResourceType"), jobs.distinct(dataset.state_field)],
        "counts": {name: jobs.count_values(name, micros(AS_OF)) for name in plain},
        "alike": jobs.count_alike([dataset.vault_field, "IamRoleArn"], micros(AS_OF)),
        "coverage": assert_coverage({dataset.name: jobs}, AS_OF, None, {dataset.name: [Source("jobs.json", jobs)]}),
        "warnings": (describe_future(jobs, AS_OF), describe_state(jobs)),
        "frame": (sorted(rows, key=itemgetter(ROW)), frame.subjects, frozenset(frame.recordings), frame.doubtful),
    }


@pytest.fixture(autouse=True)
def _every_list_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_records, "MANY", 1)
    monkeypatch.setattr(encoded_records, "BATCH", 2)
    monkeypatch.setattr(encoded_records, "_BLOCK", 2)


@examples(records(odd=False), few=12, many=500)
def test_columns_say_what_records_say(jobs: list[dict[str, object]]) -> None:
    # A member that is null sends a list on the careful way.
    kept = [{name: value for name, value in job.items() if value is not None} for job in jobs]
    data = dump({"BackupJobs": kept})
    found, careful = read(data, encoded=True), read(data, encoded=False)
    assert isinstance(found, JobList) and isinstance(careful, JobList)
    assert isinstance(found.records, EncodedRecords) and not isinstance(careful.records, EncodedRecords)
    assert told(found) == told(careful)


@examples(records(odd=True), st.integers(0, 3), few=12, many=500)
def test_whatever_is_odd_in_a_file_is_told_alike(jobs: list[dict[str, object]], form: int) -> None:
    text = (dump({"BackupJobs": jobs}), dump([{"BackupJobs": jobs}, {"BackupJobs": jobs[:1]}]), dump({"BackupJobs": jobs, "Extra": 1}), lines(jobs))[form]
    found, careful = read(text, encoded=True), read(text, encoded=False)
    if isinstance(found, JobList) and isinstance(careful, JobList):
        assert told(found) == told(careful)
    else:
        assert found == careful


@examples(records(odd=True), records(odd=False), few=6, many=300)
def test_several_files_are_merged_alike(jobs: list[dict[str, object]], others: list[dict[str, object]]) -> None:
    texts = [dump({"BackupJobs": found}) for found in (jobs, others)]
    found, careful = ([read(text, encoded=encoded) for text in texts] for encoded in (True, False))
    if all(isinstance(part, JobList) for part in found):
        merged, expected = (merge_sources([part for part in parts if isinstance(part, JobList)]) for parts in (found, careful))
        assert told(merged.jobs) == told(expected.jobs)
        assert (merged.repeated, merged.shared_ids, merged.jobs.doubtful) == (expected.repeated, expected.shared_ids, expected.jobs.doubtful)
    else:
        assert [part for part in found if isinstance(part, str)] == [part for part in careful if isinstance(part, str)]


def file_of(path: Path, count: int) -> bytes:
    data = dump({"BackupJobs": [{"BackupJobId": f"job-{number}", "State": "COMPLETED", "ResourceName": "host" * number} for number in range(count)]})
    path.write_bytes(data)
    return data


def test_records_of_a_large_file_are_read_from_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGE", 1)
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    expected = read(file_of(paths[0], 7), encoded=False)
    assert isinstance(expected, JobList)
    paths[1].write_bytes(dump({"BackupJobs": [{"BackupJobId": "other", "State": "FAILED"}, {"BackupJobId": "third"}, {"BackupJobId": "last"}]}))
    found = files.read_job_files(list(map(str, paths)), as_of=AS_OF, covers=None, stdin=io.BytesIO()).lists["backup_jobs"]
    assert isinstance(found.records, column_records.ColumnRecords)
    assert [*list(found.records)[:7]] == list(expected.records) == found.records[:7] == found.records.take(range(7))
    assert [record.BackupJobId for record in found.records[5:9]] == ["job-5", "job-6", "other", "third"]
    assert [found.records[row].BackupJobId for row in (6, 7, -1)] == ["job-6", "other", "last"]
    paths[0].write_bytes(b" " * paths[0].stat().st_size)
    os.utime(paths[0], ns=(1, 1))
    with pytest.raises(JobFileError, match="was changed while it was read"):
        list(found.records)


def test_member_that_stands_twice_is_found() -> None:
    text = '{"BackupJobs": [{"BackupJobId": "a", "State": "COMPLETED"}, {"BackupJobId": "b", "State": "FAILED", "State": "COMPLETED"}]}'
    assert "State: appears twice" in str(read(text.encode(), encoded=True))
    # The four marks of what was passed over against four that escapes stand for.
    hidden = text.replace('"a"', r'"\u0022a\u0022\u0022\u0022"')
    assert "State: appears twice" in str(read(hidden.encode(), encoded=True))


BESIDE = {
    "another list": '"BackupJobs": [{"BackupJobId": "b"}]',
    "a token": '"NextToken": "x"',
    "a failure": '"ResponseMetadata": {"HTTPStatusCode": 500}',
    "a count": '"ResponseMetadata": {"TotalCount": 5}',
    "a member twice": '"ResponseMetadata": {"HTTPStatusCode": 500, "HTTPStatusCode": 200}',
    "an error": '"Error": {"Code": "Throttling"}',
    "copies": '"CopyJobs": [{"CopyJobId": "c"}]',
}


@each("beside", BESIDE.values())
def test_what_stands_beside_a_list_is_not_passed_over(beside: str) -> None:
    text = f'{{"BackupJobs": [{{"BackupJobId": "a"}}], {beside}}}'.encode()
    found, careful = read(text, encoded=True), read(text, encoded=False)
    assert found == careful if isinstance(careful, str) else isinstance(found, JobList) and list(found.records) == list(careful.records)


@each("text", ['{"BackupJobs": [%s], "ResponseMetadata": {"HTTPStatusCode": 200}, "NextToken": null}', "[%s]", '[{"BackupJobs": [%s]}]'])
def test_usual_forms_of_long_lists_are_read_in_columns(text: str) -> None:
    jobs = ", ".join(f'{{"BackupJobId": "job-{number}"}}' for number in range(3))
    found = read((text % jobs).encode(), encoded=True)
    assert isinstance(found, JobList) and isinstance(found.records, EncodedRecords)
    assert found.values("BackupJobId") == ["job-0", "job-1", "job-2"]


@pytest.mark.parametrize("dataset", [COPY_JOBS, RESTORE_JOBS])
def test_every_list_can_be_long(dataset: Dataset) -> None:
    members = {member.name: "x" for member in dataset.members if member.kind in {"text", "word", "arn", "account"} and "." not in member.name}
    jobs = [members | {dataset.id_field: f"job-{number}", dataset.state_field: "COMPLETED", "CreationDate": "2026-11-19T03:00:00Z"} for number in range(5)]
    data = json.dumps({dataset.result_key: jobs}).encode()
    found, careful = read(data, encoded=True), read(data, encoded=False)
    assert isinstance(found, JobList) and isinstance(careful, JobList) and isinstance(found.records, EncodedRecords)
    assert told(found) == told(careful)


def test_no_member_is_read_that_no_rule_asks_for() -> None:
    assert members_read((), DATASETS["backup_jobs"]) == frozenset()
    found = read(dump({"BackupJobs": [{"BackupJobId": "a", "ResourceName": "host"}]}), encoded=True)
    assert isinstance(found, JobList) and found.table is not None
    assert "ResourceName" not in found.table.columns
    assert found.values("ResourceName") == ["host"]
    assert "ResourceName" in found.table.columns
    assert found.dataset is BACKUP_JOBS
