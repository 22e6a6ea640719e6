"""`unless_recovered_within` of the second implementation, case by case from "Recovery" in docs/verdicts.md."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st

from policycheck.evidence import reperform
from policycheck.evidence.reperform import InputError
from tests.evidence.documents import ARN, COPY, EXPIRED, NO, RESOURCE, RESTORE, Json, at, changed, job, judge, outcome, running, sources
from tests.evidence.test_reperform import JOBS, A, B, document_of
from tests.properties import examples
from tests.tables import each

FAILED: Json = {"State": ["FAILED", "EXPIRED", "ABORTED"]}
ANY_STATE: Json = {"ResourceType": "EC2"}


def failed(**changes: object) -> Json:
    """A job that failed 9 h before as_of: with 6 h to recover, its deadline was 3 h before as_of."""
    return job(**{"BackupJobId": "failed", "State": "FAILED", "CreationDate": at(-10), "InitiationDate": None, "CompletionDate": at(-9), **changes})


def clean(**changes: object) -> Json:
    """A job that recovers the failed one."""
    return job(**{"BackupJobId": "clean", "CreationDate": at(-5), "InitiationDate": None, "CompletionDate": at(-4), **changes})


def recovery(*jobs: Json, allowed: str = "6h", none: Json = FAILED, **rule: Any) -> Json:
    return judge(list(jobs), none=none, unless_recovered_within=allowed, **rule)


def violated(result: Json) -> bool | None:
    """Definitely, not at all, or unknown."""
    return True if result["findings"] else None if result["possible"] else False


def test_the_clean_job_is_no_violation_and_the_failed_one_is_without_it() -> None:
    assert outcome(recovery(failed(), clean())) == ("pass", 1, 0, 0)  # the clean job's own deadline is to come
    assert outcome(judge([failed(), clean()], none=FAILED)) == ("fail", 2, 0, 0)
    alone = recovery(failed())
    assert outcome(alone) == ("fail", 1, 0, 0)
    assert alone["findings"] == [{"account": A, "region": "eu-west-1", "subject": RESOURCE, "jobs": ["failed"], "waived": False}]
    assert alone["pending"] == 0


EXPIRED_AT_9: Json = EXPIRED | {"StartBy": at(-9)}


@pytest.mark.parametrize(
    ("changes", "expected"),  # of a job without recovery: (violated, examined, pending)
    [
        ({}, (True, 1, 0)),
        ({"StartBy": at(-1)}, (True, 1, 0)),  # the end of what did not expire is CompletionDate
        (EXPIRED_AT_9, (True, 1, 0)),
        (EXPIRED | {"StartBy": at(-5.9)}, (False, 0, 1)),
        (EXPIRED | {"StartBy": at(-5.9), "CompletionDate": at(-9)}, (True, 1, 0)),  # CompletionDate goes before StartBy
        (EXPIRED | {"StartBy": at(-9), "CompletionDate": at(-5.9)}, (False, 0, 1)),
        (EXPIRED | {"StartBy": None}, (None, 0, 0)),
        ({"CompletionDate": None}, (None, 0, 0)),  # finished, and nobody knows when
        ({"State": "RUNNING", "CompletionDate": None}, (False, 0, 0)),  # not ended: not in the population
        ({"State": "CREATED", "CompletionDate": None, "StartBy": at(-9)}, (False, 0, 0)),
        ({"State": "PENDING", "CompletionDate": None}, (False, 0, 0)),
        ({"State": "ABORTING", "CompletionDate": None}, (False, 0, 0)),
        ({"State": "RUNNING"}, (False, 0, 0)),  # whatever end it records
        ({"State": "NEW"}, (None, 0, 0)),
        ({"State": "NEW", "CompletionDate": None}, (None, 0, 0)),
        ({"State": "NEW", "CompletionDate": at(-5.9)}, (None, 0, 0)),  # it is not known to have ended
        ({"CompletionDate": at(1)}, (False, 0, 0)),  # rewound: still running at as_of
        (EXPIRED | {"StartBy": at(1)}, (False, 0, 0)),
    ],
)
def test_the_end_of_a_job(changes: Json, expected: tuple[bool | None, int, int]) -> None:
    result = recovery(failed(**changes), none=ANY_STATE)
    assert (violated(result), result["examined"], result["pending"]) == expected


DAYS_8 = 8 * 24


@pytest.mark.parametrize(
    ("changes", "expected"),  # in the window of 24 h by its deadline, 6 h after the end; None where nobody can say
    [
        ({"CompletionDate": at(-6)}, True),  # deadline at as_of
        ({"CompletionDate": at(-5.999)}, False),
        ({"CompletionDate": at(-30)}, True),  # deadline at the window's start
        ({"CompletionDate": at(-30.001)}, False),
        (EXPIRED | {"StartBy": at(-6)}, True),
        (EXPIRED | {"StartBy": at(-5.999)}, False),
        (EXPIRED | {"StartBy": at(-30)}, True),
        (EXPIRED | {"StartBy": at(-30.001)}, False),
        ({"CompletionDate": at(-29), "CreationDate": at(-500)}, True),  # neither creation nor end need lie in the window
        ({"CompletionDate": at(-29), "CreationDate": None}, True),
        ({"CompletionDate": None}, None),
        ({"CompletionDate": None, "CreationDate": None}, None),
        ({"CompletionDate": None, "CreationDate": at(-30 - DAYS_8)}, None),
        ({"CompletionDate": None, "CreationDate": at(-9999)}, None),  # no job has a longest duration
        (EXPIRED | {"StartBy": None, "CreationDate": at(-30 - DAYS_8)}, None),
        (EXPIRED | {"StartBy": None, "CreationDate": at(-30.001 - DAYS_8)}, None),
        ({"State": "NEW", "CompletionDate": None, "CreationDate": at(-500)}, None),  # it may run for all we know
        ({"State": "NEW", "CompletionDate": at(-30)}, None),
        ({"State": "NEW", "CompletionDate": at(-30.001)}, None),
    ],
)
def test_the_window_holds_deadlines_with_both_edges_in(changes: Json, expected: bool | None) -> None:
    record = {"CreationDate": at(-40), **changes}
    result = recovery(failed(**record), none=ANY_STATE, within="24h")
    assert (result["examined"], violated(result)) == (int(expected is True), expected)


def test_without_a_window_every_deadline_that_has_come_is_judged() -> None:
    result = recovery(failed(CreationDate=at(-900), CompletionDate=at(-899)), failed(BackupJobId="late", CompletionDate=at(-6)))
    assert result["findings"][0]["jobs"] == ["failed", "late"]
    assert violated(recovery(failed(CreationDate=at(-900), CompletionDate=None))) is None  # there is no start to lie before


@each(
    ("failure", "other", "expected"),  # whether the failed job violates
    [
        ({}, {}, False),
        ({}, {"CompletionDate": at(-3)}, False),  # exactly at the deadline
        ({}, {"CompletionDate": at(-2.999)}, True),
        ({}, {"CompletionDate": None}, None),
        ({}, {"CompletionDate": at(1)}, True),  # rewound: it still ran at as_of
        ({}, {"CreationDate": at(-9.999)}, False),
        ({}, {"CreationDate": at(-10)}, True),  # created at the same instant
        ({}, {"CreationDate": at(-10.001)}, True),
        ({}, {"CreationDate": at(-9.5)}, False),  # before the failed one ended, yet after it was created
        ({}, {"CreationDate": None}, None),
        ({"CreationDate": None}, {}, None),
        ({}, {"BackupVaultArn": ARN + "2"}, True),
        ({}, {"ResourceArn": RESOURCE + "2"}, True),
        ({}, {"BackupVaultArn": None}, None),  # it may be of that vault,
        ({}, {"BackupVaultArn": None, "BackupVaultName": "dr"}, True),  # unless it names another
        ({}, {"BackupVaultArn": None, "AccountId": "444455556666"}, True),
        ({}, {"BackupVaultArn": None, "ResourceArn": RESOURCE + "2"}, True),
        ({}, {"ResourceArn": None}, None),
        ({}, {"ResourceArn": ""}, None),
        ({}, {"ResourceArn": None, "ResourceType": "RDS"}, True),
        ({}, {"ResourceArn": None, "ResourceType": "ec2"}, None),
        ({}, {"ResourceArn": None, "ResourceType": None}, None),
        ({}, {"ResourceArn": None, "BackupVaultArn": ARN + "2"}, True),
        ({}, {"ResourceArn": None, "CreationDate": at(-10)}, True),  # not later
        ({}, {"ResourceArn": None, "CompletionDate": at(-2.999)}, True),
        ({}, {"ResourceArn": None, "MessageCategory": "AccessDenied"}, True),
        ({}, {"ResourceArn": None, "CreationDate": None}, None),
        ({"ResourceArn": None}, {}, None),
        ({"BackupVaultArn": None}, {}, None),
        ({"ResourceArn": None}, {"ResourceArn": None}, None),
        ({"ResourceArn": RESOURCE.upper()}, {}, True),  # exact
        ({}, {"MessageCategory": "success"}, False),
        ({}, {"MessageCategory": "AccessDenied"}, True),  # with issues
        ({}, {"MessageCategory": None}, None),  # COMPLETED, and nobody knows how well
        ({}, {"MessageCategory": None, "CompletionDate": at(-2)}, True),
        ({}, {"MessageCategory": None, "CreationDate": at(-11)}, True),
        ({}, {"State": "FAILED"}, True),
        ({}, {"State": "PARTIAL"}, True),
        ({}, {"State": "NEW"}, None),
        ({}, {"State": "NEW", "CompletionDate": at(-2)}, None),
        ({}, {"State": "RUNNING", "CompletionDate": None}, True),
        ({}, EXPIRED, True),
        (EXPIRED_AT_9, {"CompletionDate": at(-3)}, False),
        (EXPIRED_AT_9, {"CompletionDate": at(-2.999)}, True),
        ({"CompletionDate": None}, {}, None),  # a deadline nobody knows
        ({"CompletionDate": None}, {"CreationDate": at(-11)}, None),  # certainly not recovered, but perhaps not due
    ],
)
def test_recovered(failure: Json, other: Json, expected: bool | None) -> None:
    only_the_failed = {"BackupJobId": "failed"}
    for jobs in ((failed(**failure), clean(**other)), (clean(**other), failed(**failure))):
        result = recovery(*jobs, where=only_the_failed)
        assert violated(result) is expected
        assert result["verdict"] == {True: "fail", False: "pass", None: "inconclusive"}[expected]


def test_an_own_target_that_is_not_recorded_is_unknown_even_alone() -> None:
    assert outcome(recovery(failed(ResourceArn=None))) == ("inconclusive", 1, 0, 1)
    assert outcome(recovery(failed(BackupVaultArn=None))) == ("inconclusive", 1, 0, 1)


def test_one_true_recovery_outweighs_what_is_unknown() -> None:
    unknown = clean(BackupJobId="unknown", MessageCategory=None)
    assert violated(recovery(failed(), unknown)) is None
    assert violated(recovery(failed(), unknown, clean())) is False
    assert violated(recovery(failed(), clean(), unknown)) is False
    too_late = clean(BackupJobId="late", CompletionDate=at(-2))
    assert violated(recovery(failed(), unknown, too_late)) is None
    assert violated(recovery(failed(), too_late, unknown)) is None


def test_a_job_is_not_its_own_recovery() -> None:
    """Its creation is not recorded: were it compared with itself, nobody could say."""
    completed = clean(CreationDate=None, CompletionDate=at(-9))
    assert violated(recovery(completed, none=ANY_STATE)) is True
    without_id = clean(BackupJobId=None, CreationDate=None, CompletionDate=at(-9))
    assert recovery(without_id, without_id, none=ANY_STATE)["possible"] == 2  # two records, each of which may follow the other


@pytest.mark.parametrize(
    ("other", "rule"),
    [
        ({"ParentJobId": "p"}, {"jobs": "top_level"}),
        ({"BackupVaultName": "renamed"}, {"where": {"BackupVaultName": "prod"}}),
        ({"AccountId": B}, {"scope": {"accounts": [A]}}),
        ({"CreationDate": at(-35), "CompletionDate": at(-34)}, {"within": "24h"}),  # before the window
    ],
)
def test_a_recovery_need_not_be_in_the_population(other: Json, rule: Json) -> None:
    failure = {} if "within" not in rule else {"CreationDate": at(-36), "CompletionDate": at(-30)}
    result = recovery(failed(**failure), clean(**other), **rule)
    assert outcome(result) == ("pass", 1, 0, 0)
    assert outcome(recovery(failed(**failure), clean(**other | {"ResourceArn": RESOURCE + "2"}), **rule)) == ("fail", 1, 0, 0)


def test_one_recovery_serves_several_failures_and_only_those_in_time() -> None:
    retried = [failed(BackupJobId=f"failed{hour}", CreationDate=at(-hour), CompletionDate=at(-hour + 1)) for hour in (10, 11, 12)]
    assert outcome(recovery(*retried, clean(CompletionDate=at(-5)))) == ("pass", 3, 0, 0)
    assert recovery(*retried, clean(CompletionDate=at(-4.5)))["findings"][0]["jobs"] == ["failed12"]


def test_of_two_records_of_one_recovery_the_kept_one_counts() -> None:
    assert violated(recovery(failed(), clean(), clean(CompletionDate=at(-2)))) is True  # the later end stays, and is too late


@pytest.mark.parametrize(
    ("jobs", "rule", "expected"),  # (verdict, examined, possible, pending)
    [
        ([failed(CompletionDate=at(-5.999))], {"no_data": "pass"}, ("pass", 0, 0, 1)),
        ([failed(CompletionDate=at(-5.999))], {}, ("inconclusive", 0, 0, 1)),
        ([failed(CompletionDate=at(-5.999))], {"within": "24h", "no_data": "quiet"}, ("pass", 0, 0, 1)),  # its deadline is outside the window
        ([failed(CompletionDate=at(-6))], {}, ("fail", 1, 0, 0)),
        ([failed(CompletionDate=at(0))], {"no_data": "pass"}, ("pass", 0, 0, 1)),
        ([failed(CompletionDate=at(-5)), clean()], {"no_data": "pass"}, ("pass", 0, 0, 0)),  # recovered already; neither deadline has come
        ([failed(CompletionDate=at(-5)), clean(MessageCategory=None)], {"no_data": "pass"}, ("pass", 0, 0, 1)),  # not definitely recovered
        ([failed(CompletionDate=at(-5), ResourceArn=None)], {"no_data": "pass"}, ("pass", 0, 0, 1)),
        ([failed(CompletionDate=at(-5))], {"where": NO, "no_data": "pass"}, ("pass", 0, 0, 0)),
        ([failed(CompletionDate=at(-5))], {"jobs": "members", "no_data": "pass"}, ("pass", 0, 0, 0)),
        ([failed(CompletionDate=at(-5))], {"scope": {"accounts": [B], "may_be_empty": [B]}, "no_data": "pass"}, ("inconclusive", 0, 0, 0)),
        ([failed(CompletionDate=at(-5), ResourceType=None)], {"where": ANY_STATE, "no_data": "pass"}, ("pass", 0, 0, 0)),  # perhaps chosen is not chosen
        ([clean()], {"no_data": "pass"}, ("pass", 0, 0, 0)),  # does not match
        ([running()], {"none": ANY_STATE, "no_data": "pass"}, ("pass", 0, 0, 0)),  # has not ended
        ([failed(), failed(BackupJobId="j2", CompletionDate=at(-5))], {}, ("fail", 1, 0, 1)),
        ([clean(CreationDate=at(-7), CompletionDate=at(-6)), failed(CreationDate=at(-5.5), CompletionDate=at(-5))], {}, ("pass", 1, 0, 1)),
    ],
)
def test_pending(jobs: list[Json], rule: Json, expected: tuple[str, int, int, int]) -> None:
    result = recovery(*jobs, **rule)
    assert (result["verdict"], result["examined"], result["possible"], result["pending"]) == expected
    assert bool(result["findings"]) is (expected[0] == "fail")


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"CompletionDate": at(-30.001)}, "pass"),
        ({"CompletionDate": at(-5.999)}, "pass"),
        ({"CompletionDate": None, "State": "RUNNING"}, "inconclusive"),
        ({"CompletionDate": at(-30.001), "State": "RUNNING"}, "inconclusive"),  # whatever end it records
        ({"CompletionDate": at(1)}, "inconclusive"),  # rewound
    ],
)
def test_a_job_in_progress_is_not_one_outside_the_window(changes: Json, verdict: str) -> None:
    record = {"CreationDate": at(-40), **changes}
    assert outcome(recovery(failed(**record), within="24h", no_data="quiet")) == (verdict, 0, 0, 0)


def test_a_job_in_an_unknown_state_may_be_in_the_window() -> None:
    assert outcome(recovery(failed(CreationDate=at(-40), CompletionDate=at(-30.001), State="NEW"), within="24h", no_data="quiet")) == ("inconclusive", 0, 0, 1)


def test_nothing_is_pending_under_other_rules() -> None:
    assert judge([failed(CompletionDate=at(-1))], none=FAILED)["pending"] == 0
    assert judge([failed(CompletionDate=at(-1))], all={"State": "COMPLETED"})["pending"] == 0


@pytest.mark.parametrize(
    ("created", "covers", "verdict"),  # of a window of 24 h and 6 h to recover: from 30 h before as_of
    [
        (-5, None, "pass"),  # a list reaches 25 h back from its oldest time
        (-4.999, None, "inconclusive"),
        (-4.999, ["2020-09-20T18:00:00Z", "2020-09-22"], "pass"),
        (-4.999, ["2020-09-20T18:00:01Z", "2020-09-22"], "inconclusive"),
        (-4.999, ["2020-09-20T18:00:00Z", "2020-09-21"], "pass"),  # the list itself reaches on to as_of
    ],
)
def test_the_coverage_reaches_back_by_what_is_allowed(created: float, covers: list[str] | None, verdict: str) -> None:
    record = clean(CreationDate=at(created), CompletionDate=at(created))
    assert recovery(record, within="24h", covers=covers, no_data="pass")["verdict"] == verdict
    assert judge([record], none=FAILED, within="24h", covers=covers, no_data="pass")["verdict"] == "pass"  # without recovery, 24 h are enough


def test_without_a_window_the_list_must_reach_as_of() -> None:
    assert recovery(clean(CreationDate=at(-500), CompletionDate=at(-499)), covers=None)["verdict"] == "inconclusive"
    assert recovery(clean(CreationDate=at(-500), CompletionDate=at(-24)), covers=None)["verdict"] == "pass"


DR2 = "arn:aws:backup:us-east-1:444455556666:backup-vault:dr2"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"SourceBackupVaultArn": ARN + "2"}, False),  # where it was copied from does not matter
        ({"SourceBackupVaultArn": None}, False),
        ({"DestinationBackupVaultArn": DR2}, True),
        ({"DestinationBackupVaultArn": None}, None),  # it may be that vault
        ({"DestinationBackupVaultArn": None, "AccountId": "444455556666"}, None),  # a copy from elsewhere may go there, too
        ({"DestinationBackupVaultArn": None, "ResourceType": "RDS"}, True),
    ],
)
def test_a_copy_job_is_recovered_in_its_destination_vault(changes: Json, expected: bool | None) -> None:
    failure = changed(COPY, {"State": "FAILED", "CreationDate": at(-10), "CompletionDate": at(-9)})
    other = changed(COPY, {"CopyJobId": "c2", "CreationDate": at(-5), "CompletionDate": at(-4), "MessageCategory": "SUCCESS", **changes})
    assert violated(recovery(failure, other, dataset="copy_jobs", none={"State": "FAILED"})) is expected
    unknown = changed(failure, {"DestinationBackupVaultArn": None})
    assert violated(recovery(unknown, other, dataset="copy_jobs", none={"State": "FAILED"})) is None


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"all": {}, "unless_recovered_within": "6h"}, "qualifies none"),
        ({"none": {}, "within": "24h", "clock": "CreationDate", "unless_recovered_within": "6h"}, "clock"),
        ({"none": {}, "dataset": "restore_jobs", "unless_recovered_within": "6h"}, "Outcome"),
        ({"none": {}, "unless_recovered_within": "6"}, "not a number with a unit"),
        ({"none": {}, "unless_recovered_within": "-6h"}, "not a number with a unit"),
        ({"none": {}, "unless_recovered_within": 6}, "rule 'r'"),
        ({"none": {}, "unless_recovered_within": None}, "rule 'r'"),
    ],
)
def test_a_recovery_that_is_not_understood_is_refused_even_without_jobs(rule: Json, expected: str) -> None:
    given = [*sources([]), *sources([RESTORE], dataset="restore_jobs")]
    document = {"schema": reperform.SCHEMA, "as_of": "2020-09-22", "sources": given, "rules": [{"id": "r", **rule}]}
    with pytest.raises(InputError, match=expected):
        reperform.reperform(document)


RULES: list[Json] = [
    {"none": FAILED, "unless_recovered_within": "6h"},
    {"none": ANY_STATE, "unless_recovered_within": "24h", "jobs": "top_level"},
    {"none": {"not": {"Outcome": "clean"}}, "unless_recovered_within": "1h"},
]


@examples(st.lists(JOBS, max_size=8).flatmap(lambda jobs: st.tuples(st.just(jobs), st.permutations(jobs))), few=18, many=200)
def test_the_order_of_records_changes_nothing(both: tuple[list[Json], list[Json]]) -> None:
    rules = [*RULES, *(rule | {"within": "24h", "no_data": "quiet"} for rule in RULES)]
    first, second = (reperform.reperform(document_of(jobs, rules)) for jobs in both)
    assert first == second


@examples(st.lists(JOBS, max_size=8), few=18, many=200)
def test_a_recovery_only_ever_excuses(jobs: list[Json]) -> None:
    """Without a window: every job that violates in spite of the recoveries violates without the key, and so does every pending one."""
    strict = reperform.reperform(document_of(jobs, [{key: rule[key] for key in rule if key != "unless_recovered_within"} for rule in RULES]))
    lenient = reperform.reperform(document_of(jobs, RULES))
    for plain, excused in zip(strict["rules"], lenient["rules"], strict=True):
        known = [(finding["account"], finding["region"], finding["subject"], name) for finding in plain["findings"] for name in finding["jobs"]]
        for finding in excused["findings"]:
            assert {(finding["account"], finding["region"], finding["subject"], name) for name in finding["jobs"]} <= set(known)
        assert excused["examined"] <= plain["examined"]
        assert not excused["pending"] or plain["verdict"] == "fail"
