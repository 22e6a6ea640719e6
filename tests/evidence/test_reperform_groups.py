"""Measures of groups in the second implementation, case by case from docs/groups-specification.md. Every expectation was worked out by hand from that page."""

from __future__ import annotations

from typing import Any

import pytest

from policycheck.evidence import reperform
from policycheck.evidence.reperform import InputError
from tests.evidence.documents import EXPIRED, RESOURCE, Json, at, found, job, judge, running, said

A, B = "111122223333", "444455556666"
R1, R2 = RESOURCE, RESOURCE + "2"
CLEAN: Json = {"Outcome": "clean"}
DONE: Json = {"State": "COMPLETED"}
EC2: Json = {"ResourceType": "EC2"}
PER: Json = {"per": ["ResourceArn"]}


def made(name: str, hours: float, **changes: object) -> Json:
    """A clean job of that id, created so many hours before as_of, that took half an hour."""
    return job(BackupJobId=name, CreationDate=at(-hours), InitiationDate=None, CompletionDate=at(0.5 - hours)) | changes


def failed(name: str, hours: float, **changes: object) -> Json:
    return made(name, hours, State="FAILED") | changes


def unsaid(name: str, hours: float) -> Json:
    """A COMPLETED job that may be clean and may not."""
    return job(BackupJobId=name, CreationDate=at(-hours), InitiationDate=None, CompletionDate=at(0.5 - hours), MessageCategory=None)


def doubtful(name: str, hours: float, **changes: object) -> Json:
    """A job that may be of type EC2."""
    return job(BackupJobId=name, CreationDate=at(-hours), InitiationDate=None, CompletionDate=at(0.5 - hours), ResourceType=None) | changes


OLD = made("old", 200)  # the resource is not a new one


def expect(measure: str, *jobs: Json, of: Json = CLEAN, **keys: Any) -> Json:
    limit = {name: keys.pop(name) for name in ("at_least", "at_most", "more_than", "less_than") if name in keys}
    return judge(list(jobs), expect={measure: {"of": of, **limit}}, **keys)


def verdict(measure: str, *jobs: Json, **keys: Any) -> str:
    return str(expect(measure, *jobs, **keys)["verdict"])


@pytest.mark.parametrize(
    ("limit", "verdicts"),  # of a group with one definite and one possible match
    [
        ({"at_least": "1"}, "pass"),
        ({"at_least": "2"}, "inconclusive"),
        ({"at_least": "3"}, "fail"),
        ({"more_than": "0"}, "pass"),
        ({"more_than": "1"}, "inconclusive"),
        ({"more_than": "2"}, "fail"),
        ({"at_most": "2"}, "pass"),
        ({"at_most": "1"}, "inconclusive"),
        ({"at_most": "0"}, "fail"),
        ({"less_than": "3"}, "pass"),
        ({"less_than": "2"}, "inconclusive"),
        ({"less_than": "1"}, "fail"),
    ],
)
def test_a_count_is_taken_both_ways(limit: Json, verdicts: str) -> None:
    jobs = [made("a", 3), unsaid("b", 4), failed("c", 5)]
    assert verdict("count", *jobs, **limit) == verdicts
    assert verdict("count", *jobs, OLD, **PER, within="24h", **limit) == verdicts
    # The same where it is not known whether the job is in the population.
    assert verdict("count", made("a", 3), doubtful("b", 4), where=EC2, **limit) == verdicts


@pytest.mark.parametrize(
    ("jobs", "limit", "expected"),
    [
        ([made("a", 3), failed("b", 4)], {"at_least": "50%"}, "pass"),
        ([made("a", 3), failed("b", 4)], {"more_than": "50%"}, "fail"),
        ([made("a", 3), failed("b", 4)], {"at_least": "50.1%"}, "fail"),
        ([made("a", 3), unsaid("b", 4)], {"at_least": "50%"}, "pass"),
        ([made("a", 3), unsaid("b", 4)], {"at_least": "51%"}, "inconclusive"),
        ([failed("a", 3), unsaid("b", 4)], {"at_least": "51%"}, "fail"),
        ([made("a", 3), unsaid("b", 4)], {"at_most": "50%"}, "inconclusive"),
        ([made("a", 3), unsaid("b", 4)], {"at_most": "49%"}, "fail"),
        # What may be out of the population counts on the favoured side, or not at all.
        ([made("a", 3), doubtful("b", 4, State="FAILED")], {"at_least": "100%"}, "inconclusive"),
        ([failed("a", 3), doubtful("b", 4)], {"at_least": "50%"}, "inconclusive"),
        ([failed("a", 3), doubtful("b", 4)], {"at_least": "51%"}, "fail"),
        ([made("a", 3), doubtful("b", 4, State="FAILED")], {"at_most": "50%"}, "inconclusive"),
        ([made("a", 3), doubtful("b", 4, State="FAILED")], {"at_most": "49%"}, "fail"),
        ([made("a", 3), doubtful("b", 4)], {"at_least": "100%"}, "pass"),
        ([failed("a", 3), doubtful("b", 4, State="FAILED")], {"at_least": "1%"}, "fail"),
        # Nobody knows whether there is anything to share.
        ([doubtful("b", 4)], {"at_least": "1%"}, "inconclusive"),
        ([doubtful("b", 4, State="FAILED")], {"at_least": "1%"}, "inconclusive"),
    ],
)
def test_a_share_is_taken_both_ways(jobs: list[Json], limit: Json, expected: str) -> None:
    assert verdict("share", *jobs, where=EC2, **limit) == expected


def test_a_share_leaves_out_what_is_still_in_progress() -> None:
    jobs = [made("a", 3), running(BackupJobId="b"), running(BackupJobId="late", ExpectedCompletionDate=at(-1))]
    result = expect("share", *jobs, at_least="50%")
    assert (result["verdict"], result["undecided"], result["examined"]) == ("pass", 1, 2)
    assert verdict("share", *jobs, at_least="51%") == "fail"  # the late one counts
    assert expect("share", *jobs, of=EC2, at_least="100%")["undecided"] == 0  # nothing to wait for
    unknown = running(BackupJobId="b", ExpectedCompletionDate=None)  # overdue or not
    assert verdict("share", made("a", 3), unknown, at_least="100%") == "inconclusive"
    for no_data in ("pass", "skip", "fail", "quiet"):
        assert verdict("share", running(), at_least="1%", no_data=no_data) == "inconclusive"


def test_members_are_not_counted_twice() -> None:
    jobs = [made("a", 3, ParentJobId="b"), made("b", 4)]
    assert [expect("count", *jobs, at_least="1", **keys)["examined"] for keys in ({}, PER, {"jobs": "all"}, {"per": ["Account"]})] == [1, 2, 2, 1]
    assert [expect("share", *jobs, at_least="1%", **keys)["examined"] for keys in ({}, PER)] == [1, 2]
    assert expect("streak", *jobs, at_least="1")["examined"] == 2


@pytest.mark.parametrize(
    ("jobs", "limit", "expected"),
    [
        ([made("a", 24)], {"at_most": "24h"}, "pass"),
        ([made("a", 24)], {"less_than": "24h"}, "fail"),
        ([made("a", 24.001)], {"at_most": "24h"}, "fail"),
        ([made("a", 3), failed("b", 1)], {"at_most": "3h"}, "pass"),
        ([failed("b", 1)], {"at_most": "3h"}, "fail"),
        ([made("a", 30), unsaid("b", 1)], {"at_most": "24h"}, "inconclusive"),
        ([made("a", 3), unsaid("b", 1)], {"at_most": "24h"}, "pass"),
        ([unsaid("b", 30)], {"at_most": "24h"}, "fail"),  # clean or not, it is too old
        ([made("a", 30), made("b", 1, CreationDate=None)], {"at_most": "24h"}, "inconclusive"),
        ([made("a", 30), failed("b", 1, CreationDate=None)], {"at_most": "24h"}, "fail"),
    ],
)
def test_the_newest_job(jobs: list[Json], limit: Json, expected: str) -> None:
    jobs = [{name: value for name, value in one.items() if value is not None} for one in jobs]
    assert verdict("newest", *jobs, **PER, **limit) == expected


def test_a_finding_of_newest_names_what_failed_since() -> None:
    jobs = [made("a", 40), made("b", 30), failed("c", 1), failed("d", 1, ResourceArn=R2)]
    result = expect("newest", *jobs, at_most="24h", **PER)
    assert found(result) == {R1: ["c"], R2: ["d"]}
    assert (result["examined"], result["subjects"]) == (2, 2)
    assert result["findings"][0] == {"account": A, "region": "eu-west-1", "subject": R1, "jobs": ["c"], "waived": False}


def test_the_limit_of_newest_is_its_window() -> None:
    assert verdict("newest", made("a", 3), at_most="24h", covers=["2020-09-21", "2020-09-22"]) == "pass"
    assert verdict("newest", made("a", 3), at_most="48h", covers=["2020-09-21", "2020-09-22"]) == "inconclusive"


@pytest.mark.parametrize(
    ("jobs", "expected", "jobs_named"),
    [
        ([made("a", 3), failed("b", 4)], "pass", {}),
        ([made("a", 4), failed("b", 3)], "fail", {"all": ["b"]}),
        ([made("a", 4), running()], "pass", {}),  # only what has finished
        ([made("a", 4), unsaid("b", 3)], "inconclusive", {}),
        ([made("a", 4), job(BackupJobId="e", CreationDate=at(-9), **EXPIRED | {"StartBy": at(-1)})], "fail", {"all": ["e"]}),
        ([made("a", 4), failed("b", 5, CompletionDate=at(-3.5))], "pass", {}),  # of two that ended together the one created later
        ([failed("a", 4), made("b", 5, CompletionDate=at(-3.5))], "fail", {"all": ["a"]}),
        ([made("a", 4), failed("b", 4)], "fail", {"all": ["b"]}),  # of equals the id that sorts last
        # An unknown end makes a candidate of the job.
        ([made("a", 4), job(BackupJobId="b", State="FAILED", CompletionDate=None)], "inconclusive", {}),
        ([made("a", 4), job(BackupJobId="b", CompletionDate=None)], "pass", {}),
        ([failed("a", 4), job(BackupJobId="b", State="FAILED", CompletionDate=None)], "fail", {"all": ["a", "b"]}),
        # So does an unknown state, and a job that may be out of the population.
        ([made("a", 4), made("b", 3, State="NEW")], "inconclusive", {}),
        ([made("a", 4), doubtful("b", 9, State="FAILED")], "inconclusive", {}),
        ([made("a", 4), doubtful("b", 9)], "pass", {}),
        ([doubtful("b", 9, State="FAILED")], "inconclusive", {}),
        ([doubtful("b", 9)], "inconclusive", {}),  # it matches, but there may be no job at all
    ],
)
def test_the_job_that_ended_last(jobs: list[Json], expected: str, jobs_named: dict[str, list[str]]) -> None:
    result = expect("latest", *jobs, where=EC2)
    assert (result["verdict"], found(result)) == (expected, jobs_named)


@pytest.mark.parametrize(
    ("jobs", "limit", "expected"),
    [
        ([made("a", 5), made("b", 4), failed("c", 3), made("d", 2)], {"at_least": "2"}, "pass"),
        ([made("a", 5), failed("c", 4), made("b", 3), made("d", 2)], {"at_least": "3"}, "fail"),
        ([made("a", 5), unsaid("c", 4), made("b", 3)], {"at_least": "3"}, "inconclusive"),
        ([made("a", 5), unsaid("c", 4), made("b", 3)], {"at_least": "4"}, "fail"),
        ([made("a", 5), running(BackupJobId="c", CreationDate=at(-4)), made("b", 3)], {"at_least": "2"}, "pass"),  # in progress: passed over
        ([made("a", 5), made("c", 4, State="NEW"), made("b", 3)], {"at_least": "3"}, "inconclusive"),
        ([made("a", 5), doubtful("c", 4, State="FAILED"), made("b", 3)], {"at_least": "2"}, "inconclusive"),
        ([failed("a", 5), failed("b", 4)], {"at_most": "0"}, "pass"),
        ([made("a", 5), made("b", 4)], {"at_most": "1"}, "fail"),
        ([made("a", 5), doubtful("c", 4), made("b", 3)], {"at_most": "2"}, "inconclusive"),
        ([made("a", 5), doubtful("c", 4), made("b", 3)], {"at_most": "1"}, "fail"),
        # Without CreationDate a job stands where it is favourable.
        ([made("a", 5), made("b", 4, CreationDate=None)], {"at_least": "2"}, "inconclusive"),
        ([made("a", 5), made("b", 4, CreationDate=None)], {"at_most": "1"}, "inconclusive"),
        ([made("a", 5), made("b", 4), failed("c", 3, CreationDate=None)], {"at_least": "2"}, "inconclusive"),
        ([made("a", 5), made("b", 4), failed("c", 3, CreationDate=None)], {"at_most": "1"}, "inconclusive"),
    ],
)
def test_the_longest_streak(jobs: list[Json], limit: Json, expected: str) -> None:
    jobs = [{name: value for name, value in one.items() if value is not None} for one in jobs]
    assert verdict("streak", *jobs, where=EC2, **limit) == expected


def test_a_sure_subject_whose_jobs_may_all_be_out_violates_only_possibly() -> None:
    keys: Json = {"where": EC2, "within": "24h", "no_data": "pass", **PER}
    assert said(expect("latest", OLD, doubtful("b", 3, State="FAILED"), **keys)) == ("inconclusive", 1, 1)
    assert said(expect("share", OLD, doubtful("b", 3, State="FAILED"), at_least="1%", **keys)) == ("inconclusive", 1, 1)


def test_only_conditions_on_the_state_wait_for_it() -> None:
    jobs = [made("a", 5), running(BackupJobId="b", CreationDate=at(-4))]
    assert verdict("streak", *jobs, of=EC2, at_least="2") == "pass"
    either: Json = {"any": [DONE, EC2]}
    assert verdict("streak", *jobs, of=either, at_least="2") == "fail"  # passed over
    assert verdict("streak", made("a", 5, State="NEW"), of=either, at_most="0") == "inconclusive"  # it may be


def test_a_finding_of_an_upper_bound_names_what_matched() -> None:
    jobs = [failed("a", 5), failed("b", 4), made("c", 3), failed("d", 2)]
    of: Json = {"State": "FAILED"}
    assert found(expect("streak", *jobs, of=of, at_most="1")) == {"all": ["a", "b"]}
    assert found(expect("count", *jobs, of=of, at_most="1")) == {"all": ["a", "b", "d"]}
    assert found(expect("share", *jobs, of=of, at_most="1%")) == {"all": ["a", "b", "d"]}
    assert found(expect("share", *jobs, of=of, at_least="99%")) == {"all": ["c"]}
    assert found(expect("count", *jobs, of=of, at_least="9")) == {"all": []}


@pytest.mark.parametrize(
    ("jobs", "limit", "expected"),  # within 24 h
    [
        ([made("a", 16), made("b", 8)], "8h", "pass"),  # 24 to 16, 16 to 8, 8 to 0
        ([made("a", 16), made("b", 8)], "7.9h", "fail"),
        ([made("a", 16), made("b", 7)], "8h", "fail"),
        ([made("a", 16), failed("b", 8)], "8h", "fail"),
        ([made("a", 16), unsaid("b", 8)], "8h", "inconclusive"),
        ([made("a", 16), made("b", 8, CreationDate=None)], "8h", "inconclusive"),
        ([], "24h", "pass"),  # without a job it is the whole window
        ([], "23h", "fail"),
    ],
)
def test_the_longest_gap(jobs: list[Json], limit: str, expected: str) -> None:
    jobs = [{name: value for name, value in one.items() if value is not None} for one in jobs]
    assert verdict("longest_gap", OLD, *jobs, at_most=limit, within="24h") == expected


NEAR = ["2020-09-20T12:00:00Z", "2020-09-22"]  # 36 h, so that it begins 26 h before a job created 10 h before as_of
SOON = ["2020-09-20T18:00:00Z", "2020-09-22"]


@pytest.mark.parametrize(
    ("jobs", "covers", "limit", "expected"),  # within 24 h, per resource
    [
        ([made("a", 10)], NEAR, "10h", "pass"),  # new: the gap begins with it
        ([made("a", 10)], NEAR, "9h", "fail"),
        ([failed("f", 10), made("a", 4)], NEAR, "6h", "pass"),  # new whatever became of its first job
        ([made("a", 10), OLD], None, "10h", "fail"),
        ([made("a", 23), made("b", 13)], SOON, "13h", "pass"),  # the edge does not matter
        ([made("a", 10), made("b", 3, CreationDate=None)], NEAR, "10h", "inconclusive"),  # the one without a date may be older than the window
    ],
)
def test_a_new_resource_has_a_gap_only_since_it_appeared(jobs: list[Json], covers: list[str] | None, limit: str, expected: str) -> None:
    jobs = [{name: value for name, value in one.items() if value is not None} for one in jobs]
    keys: Json = {"covers": covers} if covers else {}
    assert verdict("longest_gap", *jobs, at_most=limit, within="24h", **PER, **keys) == expected


def row(account: str, start: float, *, dataset: str = "backup_jobs", region: str = "eu-west-1", **changes: Any) -> Json:
    return {"dataset": dataset, "account": account, "region": region, "from": at(-start), "to": at(0), "complete": True} | changes


@pytest.mark.parametrize(
    ("start", "expected"),  # the first job of the resource was created 10 h before as_of
    [(34, ("inconclusive", 0)), (34.1, ("inconclusive", 1)), (100, ("inconclusive", 1))],
)
def test_a_new_resource_that_is_short_is_pending(start: float, expected: tuple[str, int]) -> None:
    result = expect("count", made("a", 10), at_least="2", within="24h", coverage=[row(A, start)], **PER)
    # Where all are pending nothing is decided.
    assert (result["verdict"], result["pending"]) == expected
    assert verdict("count", made("a", 10), OLD, at_least="2", within="24h", coverage=[row(A, start)], **PER) == "fail"
    assert verdict("count", made("a", 10), at_most="0", within="24h", coverage=[row(A, start)], **PER) == "fail"
    assert verdict("count", made("a", 10), at_least="2", coverage=[row(A, start)], **PER) == "fail"  # without a window nothing is new in it
    assert verdict("count", made("a", 10), at_least="2", within="10h", coverage=[row(A, start)], **PER) == "fail"  # created at its start, not after


@pytest.mark.parametrize(
    ("start", "limit", "expected"),
    [(34, "10h", "inconclusive"), (34.1, "10h", "pass"), (34, "14h", "pass"), (34, "9h", "fail")],
)
def test_an_unknown_edge_is_taken_both_ways(start: float, limit: str, expected: str) -> None:
    assert verdict("longest_gap", made("a", 10), at_most=limit, within="24h", coverage=[row(A, start)], **PER) == expected


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"expect": {}}, "one measure"),
        ({"expect": {"median": {"of": CLEAN, "at_least": "1"}}}, "no such measure"),
        ({"expect": {"count": {"of": CLEAN}}}, "one limit"),
        ({"expect": {"count": {"of": CLEAN, "at_least": "1", "at_most": "2"}}}, "one limit"),
        ({"expect": {"count": {"of": {}, "at_least": "1"}}}, "conditions under of"),
        ({"expect": {"count": {"at_least": "1"}}}, "conditions under of"),
        ({"expect": {"count": {"of": CLEAN, "at_least": "1.5"}}}, "not a whole number"),
        ({"expect": {"count": {"of": CLEAN, "at_least": 1}}}, "must be text"),
        ({"expect": {"share": {"of": CLEAN, "at_least": "0.5"}}}, "99%"),
        ({"expect": {"share": {"of": CLEAN, "at_least": "101%"}}}, "at most 100%"),
        ({"expect": {"newest": {"of": CLEAN, "at_least": "1h"}}}, "not understood"),
        ({"expect": {"newest": {"of": CLEAN, "at_most": "1h"}}, "within": "1h"}, "its window"),
        ({"expect": {"newest": {"of": CLEAN, "at_most": "1h"}}, "clock": "CreationDate"}, "clock cannot"),
        ({"expect": {"count": {"of": CLEAN, "at_least": "1"}}, "clock": "CreationDate"}, "clock cannot"),
        ({"expect": {"latest": {"of": CLEAN, "at_most": "1h"}}}, "not understood"),
        ({"expect": {"longest_gap": {"of": CLEAN, "at_most": "1h"}}}, "needs within"),
        ({"expect": {"missed_runs": {"at_most": "0"}}}, "needs within"),
        ({"expect": {"missed_runs": {"of": CLEAN, "at_most": "0"}}, "within": "1d"}, "must not have them"),
        ({"expect": {"missed_runs": {"at_most": "0"}}, "within": "1d", "per": ["ResourceArn"]}, "each resource"),
        ({"expect": {"missed_runs": {"at_most": "0"}}, "within": "1d", "dataset": "copy_jobs"}, "each resource"),
        ({"expect": {"latest": {"of": CLEAN}}, "per": ["State"]}, "other fields"),
        ({"expect": {"latest": {"of": CLEAN}}, "per": ["Region", "Region"]}, "one twice"),
        ({"expect": {"latest": {"of": CLEAN}}, "per": ["DestinationAccount"]}, "other fields"),
        ({"expect": {"latest": {"of": CLEAN}}, "inventory": "prod"}, "needs per"),
        ({"none": {}, "per": ["Region"]}, "beside expect"),
        ({"expect": {"latest": {"of": CLEAN}}, "unless_recovered_within": "1h"}, "qualifies none"),
    ],
)
def test_a_rule_of_groups_that_is_not_understood_is_refused(rule: Json, message: str) -> None:
    with pytest.raises(InputError, match=message):
        judge([], **rule)


def test_claims_cannot_stand_beside_what_was_observed() -> None:
    document = {"schema": reperform.SCHEMA, "as_of": "2020-09-22", "covers": ["2020-09-01", "2020-09-22"], "coverage": [], "sources": [], "rules": []}
    with pytest.raises(InputError, match="beside coverage"):
        reperform.reperform(document)
