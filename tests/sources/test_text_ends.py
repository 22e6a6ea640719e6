"""YAML that may have been cut off at the end of a line: what the record at its end is known to lack, and whether the list is known to be whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policycheck.job_lists import JobList
from policycheck.sources.containers import read_pages
from policycheck.sources.lists import Source
from tests.sources.jobs import Job

ALWAYS = "BackupVaultArn BackupVaultName IamRoleArn PercentDone ResourceArn ResourceType".split()
TIMES = {"CreationDate": "2020-09-20T00:00:00Z", "StartBy": "2020-09-20T08:00:00Z", "InitiationDate": "2020-09-20T01:00:00Z"}
NEWER = {"IsParent": False, "MessageCategory": "SUCCESS", "VaultType": "BACKUP_VAULT"}


def job(number: int, state: str = "COMPLETED", **members: Any) -> Job:
    """A record as newer clients write it; None takes a member away."""
    ended = {} if state == "RUNNING" else {"CompletionDate": "2020-09-20T02:00:00Z"}
    record = {"BackupJobId": f"j{number}", "State": state, **dict.fromkeys(ALWAYS, "x"), **TIMES, **NEWER, **ended, **members}
    return {name: value for name, value in record.items() if value is not None}


def text_of(records: list[Job], *, order: Any = None) -> str:
    """As the AWS CLI writes it, members by their names, or in another order; values are plain."""
    lines = ["BackupJobs:"]
    for record in records:
        lines += [f"{'  ' if index else '- '}{name}: {value}" for index, (name, value) in enumerate(sorted(record.items(), key=order))]
    return "\n".join(lines) + "\n"


def read(text: str) -> JobList:
    (page,) = read_pages(text.encode())
    return page.jobs


def cut_behind(text: str, member: str) -> str:
    """The text up to the end of the line of a member in its last record."""
    end = text.index("\n", text.rindex(f" {member}: ")) + 1
    assert end < len(text)
    return text[:end]


def said(text: str) -> tuple[tuple[str, ...], bool]:
    """By what the last record shows that it was cut off; and whether it is known to have no message."""
    jobs = read(text)
    return jobs.cut_off.get(len(jobs) - 1, ()), jobs.known_missing(len(jobs) - 1, "StatusMessage")


FAILED = job(9, "FAILED", MessageCategory="AccessDenied", StatusMessage="denied")


def late(pair: tuple[str, Any]) -> tuple[bool, str]:
    """The order of the API's model, about: what newer clients record comes last."""
    return pair[0] in {*NEWER, "InitiationDate"}, pair[0]


WHOLE = {
    "completed": [job(1), job(2)],
    "failed": [job(1), job(2), FAILED],
    "in progress": [job(1), job(2, "RUNNING", MessageCategory=None)],
    "an old client": [{name: value for name, value in job(number).items() if name not in NEWER} for number in (1, 2)],
    "a job that never began": [job(1), job(2, "EXPIRED", InitiationDate=None, CompletionDate=None, StatusMessage="expired")],
    "one job": [job(1)],
}


@pytest.mark.parametrize("records", WHOLE.values(), ids=WHOLE)
def test_a_whole_list_is_not_taken_for_one_that_was_cut_off(records: list[Job]) -> None:
    assert said(text_of(records))[0] == ()
    assert Source("a.yaml", read(text_of(records))).silence == ""


@pytest.mark.parametrize(
    ("records", "member", "lost"),
    [
        ([job(1), job(2)], "State", ("VaultType",)),
        ([job(1), FAILED], "State", ("VaultType",)),
        ([job(1), FAILED], "StatusMessage", ("VaultType",)),
        ([job(1, "RUNNING"), FAILED], "StatusMessage", ("VaultType",)),
        ([job(1), job(2)], "StartBy", ("State", "VaultType")),
    ],
)
def test_what_its_like_have_behind_the_end_shows_that_a_record_was_cut_off(records: list[Job], member: str, lost: tuple[str, ...]) -> None:
    jobs = read(cut_behind(text_of(records), member))
    assert jobs.cut_off == {1: lost}
    assert jobs.told[1].damaged and not jobs.told[0].damaged
    assert Source("a.yaml", jobs).silence.startswith("the list may be cut off: its last record has no ")


@pytest.mark.parametrize("member", ["StartBy", "InitiationDate", "IsParent", "MessageCategory"])
def test_an_order_of_their_own_loses_other_members(member: str) -> None:
    assert said(cut_behind(text_of([job(1), job(2)], order=late), member))[0] != ()


def test_a_message_that_may_have_stood_behind_the_end_is_unknown() -> None:
    # An old client's records end with StatusMessage: nothing else would have stood behind it.
    records = [{name: value for name, value in made.items() if name not in NEWER} for made in (FAILED, job(1), {**FAILED, "BackupJobId": "j3"})]
    assert said(cut_behind(text_of(records), "State")) == (("StatusMessage",), False)
    silent = {name: value for name, value in records[0].items() if name != "StatusMessage"}
    assert said(text_of([*records[:2], silent, silent])) == ((), False)
    assert said(text_of([*records[:2], silent, records[1]])) == ((), True)
    assert read(text_of([*records[:2], silent, records[1]])).known_missing(2, "StatusMessage")


@pytest.mark.parametrize("follows", ["NextToken: null\n", "ResponseMetadata:\n  HTTPStatusCode: 200\n", "---\n" + text_of([job(3)])])
def test_what_follows_a_list_shows_that_it_is_whole(follows: str) -> None:
    text = cut_behind(text_of([job(1), job(2)]), "State")
    pages = read_pages((text + follows).encode())
    assert JobList.joined([page.jobs for page in pages]).cut_off == {}
    assert JobList.joined([page.jobs for page in read_pages((text_of([job(3)]) + "---\n" + text).encode())]).cut_off == {2: ("VaultType",)}


def test_jobs_by_themselves_may_be_cut_off_and_json_is_not() -> None:
    bare = text_of([job(1), job(2)]).removeprefix("BackupJobs:\n")
    assert said(cut_behind(bare, "State"))[0] == ("VaultType",)
    assert said(bare)[0] == ()
    assert said(json.dumps({"BackupJobs": [job(1), job(2, VaultType=None)]}))[0] == ()
