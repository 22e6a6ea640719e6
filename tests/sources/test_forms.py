"""Files that are no list: one describe answer, nothing at all, a text that was cut off."""

from __future__ import annotations

import pytest

from policycheck.datasets import BACKUP_JOBS
from policycheck.errors import JobFileError
from policycheck.records import api_fields
from policycheck.sources.containers import read_pages
from tests.sources.jobs import FORMS, JOBS, dump, dump_yaml, lines, read, read_backup_jobs

FLAT = {"BackupJobId": "a", "State": "COMPLETED"}
LONE: dict[str, tuple[bytes, list[bool]]] = {
    "one object": (dump(FLAT), [True]),
    "one YAML object": (dump_yaml(FLAT), [True]),
    "one wrapper": (dump({"BackupJob": FLAT}), [True]),
    "wrappers": (lines([{"BackupJob": FLAT}, {"BackupJob": FLAT}]), [True]),
    "a list of wrappers": (dump([{"BackupJob": FLAT}]), [True]),
    "a list of one": (dump([FLAT]), [False]),
    "JSON lines": (lines([FLAT, {**FLAT, "BackupJobId": "b"}]), [False]),
    "an answer": (dump({"BackupJobs": [FLAT]}), [False]),
    "an answer in a list": (dump([{"BackupJobs": [FLAT]}]), [False]),
    "a wrapper and a list": (lines([{"BackupJob": FLAT}, {"BackupJobs": [FLAT]}]), [False, True]),
    "a job behind a list": (dump({"BackupJobs": [FLAT]}) + dump({**FLAT, "BackupJobId": "b"}), [False, True]),
    "a job twice": (lines([FLAT, FLAT]), [True]),
    "a job twice in a list": (dump([FLAT, FLAT]), [True]),
    "jobs, one with what describe alone says": (dump([{**FLAT, "NumberOfChildJobs": 2}, {**FLAT, "BackupJobId": "b"}]), [True, False]),
    "an answer of boto3": (dump([{**FLAT, "ResponseMetadata": {"HTTPStatusCode": 200}}]), [True]),
    "one object of unknown members": (dump({**FLAT, "NumberOfChildJobs": 2, "ChildJobsInState": {"FAILED": 2}}), [True]),
}


@pytest.mark.parametrize("case", LONE)
def test_a_describe_answer_is_told_from_a_list(case: str) -> None:
    data, lone = LONE[case]
    assert [page.lone for page in read_pages(data)] == lone


@pytest.mark.parametrize("data", [b"# one\n# two\n", b"---\n", b"~\n", b"null", b"---\n---\n", b"%YAML 1.2\n---\n...\n"])
def test_a_file_that_says_nothing_is_empty_and_no_list(data: bytes) -> None:
    with pytest.raises(JobFileError, match=r"^is empty"):
        read(data)


CUT = [{**job, "StatusMessage": f"Access denied: it's {number} of a long story that no line of eighty letters holds"} for number, job in enumerate(JOBS)]


@pytest.mark.parametrize("form", FORMS)
def test_a_text_cut_off_anywhere_is_refused_or_lacks_members(form: str) -> None:
    whole = FORMS[form](CUT)
    known = [api_fields(BACKUP_JOBS, record) for record in read_backup_jobs(whole)]
    for length in range(1, len(whole), max(len(whole) // 90, 1)):
        try:
            records = read_backup_jobs(whole[:length])
        except JobFileError:
            continue
        for record in records:
            fields = api_fields(BACKUP_JOBS, record)
            # A folded line of YAML may end where the text does: what follows it is missing too.
            message = fields.pop("StatusMessage", "")
            assert any(fields.items() <= other.items() and str(other["StatusMessage"]).startswith(message) for other in known)


@pytest.mark.parametrize("end", ["FAIL", "12", "arn:aws:x", "Access deni", "2020-09-21T13:58:12+0", "|\n   a", "'it'' s'"])
def test_yaml_that_ends_within_a_value_is_refused(end: str) -> None:
    text = f"BackupJobs:\n- BackupJobId: a\n  ResourceName: {end}".encode()
    with pytest.raises(JobFileError, match="might be cut off: it ends in the middle of a line"):
        read(text)


@pytest.mark.parametrize("end", ["FAILED", "'FAILED'", '"FAILED"', "COMPLETED"])
def test_yaml_that_ends_after_a_value_is_read(end: str) -> None:
    assert len(read_backup_jobs(f"BackupJobs:\n- BackupJobId: a\n  State: {end}".encode())) == 1
