"""`reperform.py` applies waivers: which findings they take, and the verdict that is left."""

from __future__ import annotations

from typing import Any

import pytest

from policycheck.evidence import reperform
from policycheck.evidence.reperform import InputError
from tests.evidence.documents import RESOURCE, Json, at, job, judge, running, sources

OTHER = RESOURCE.replace("i-1", "i-2")
FAILED = {"State": "FAILED"}
TWO = [job(**FAILED), job(BackupJobId="j2", ResourceArn=OTHER, **FAILED)]
FRESH: Json = {"expect": {"newest": {"of": {"Outcome": "clean"}, "at_most": "24h"}}, "per": ["ResourceArn"]}
STALE = [job(CreationDate=at(-50), InitiationDate=None, CompletionDate=at(-49)), job(BackupJobId="j2", ResourceArn=OTHER)]
DAILY = {
    "BackupPlanId": "p",
    "BackupPlanArn": "arn:aws:backup:eu-west-1:111122223333:backup-plan:p",
    "BackupPlanVersion": "v1",
    "BackupRuleId": "r",
    "BackupRuleCron": "cron(0 0 * * ? *)",
}
MISSED: Json = {"within": "3d", "expect": {"missed_runs": {"at_most": "0"}}}


def waiver(match: Any, granted: str = "2020-09-01", expires: str = "2020-09-30") -> Json:
    return {"rule": "r", "match": match, "granted": granted, "expires": expires}


def named(end: str) -> Json:
    return waiver({"ResourceArn": {"ends_with": end}})


def said(jobs: list[Json], *waivers: Json, **rule: Any) -> tuple[str, list[bool]]:
    """The verdict, and of each finding whether it is waived."""
    result = judge(jobs, waivers=list(waivers), **rule)
    return result["verdict"], [finding["waived"] for finding in result["findings"]]


def planned(arn: str, hours: float) -> Json:
    return job(
        BackupJobId=arn, ResourceArn=arn, CreatedBy=DAILY, CreationDate=at(hours), StartBy=at(hours + 1), InitiationDate=None, CompletionDate=at(hours + 1)
    )


def test_an_open_finding_fails_beside_a_waived_one() -> None:
    assert said(TWO, named("/i-1"), none=FAILED) == ("fail", [True, False])
    assert said(TWO, named("/i-1"), named("/i-2"), none=FAILED) == ("waived", [True, True])


def test_each_job_of_a_finding_needs_a_waiver() -> None:
    jobs = [job(StatusMessage="VSS", **FAILED), job(BackupJobId="j2", StatusMessage="KMS", **FAILED)]
    one, other = waiver({"StatusMessage": "VSS"}), waiver({"StatusMessage": "KMS"})
    assert said(jobs, one, none=FAILED) == ("fail", [False])
    assert said(jobs, one, other, none=FAILED) == ("waived", [True])


def test_a_job_that_may_match_is_not_waived() -> None:
    assert said([job(BackupVaultName=None, **FAILED)], waiver({"BackupVaultName": "prod"}), none=FAILED) == ("fail", [False])
    assert said([job(BackupVaultName=None, **FAILED)], waiver({"not": {"BackupVaultName": "dr"}}), none=FAILED) == ("fail", [False])


def test_a_job_is_matched_as_it_stood() -> None:
    later = job(CompletionDate=at(1), State="FAILED", StatusMessage="VSS")
    assert said([later], waiver({"State": "FAILED"}), none={"State": "RUNNING"}) == ("fail", [False])
    assert said([later], waiver({"State": "RUNNING", "StatusMessage": {"present": "false"}}), none={"State": "RUNNING"}) == ("waived", [True])


def test_a_duration_so_far_is_matched_as_it_stands() -> None:
    assert said([running()], waiver({"Duration": {"at_most": "3h"}}), none={"State": "RUNNING"}) == ("waived", [True])


@pytest.mark.parametrize(
    ("granted", "expires", "verdict"),
    [
        ("2020-09-22", "2020-09-22", "waived"),
        ("2020-09-21", "2020-09-21", "fail"),
        ("2020-09-23", "2020-09-30", "fail"),
        ("2020-01-01", "2020-09-22", "waived"),
    ],
)
def test_a_waiver_holds_on_its_days(granted: str, expires: str, verdict: str) -> None:
    assert said(TWO, waiver("any", granted, expires), none=FAILED)[0] == verdict


def test_the_last_day_is_in_until_its_end() -> None:
    moments = {"2020-09-21T23:59:59Z": "fail", "2020-09-22T23:59:59.999999Z": "waived", "2020-09-23T01:00:00+02:00": "waived", "2020-09-23T00:00:00Z": "fail"}
    document = {
        "schema": reperform.SCHEMA,
        "covers": ["2020-09-01", "2020-09-24"],
        "sources": sources([job(**FAILED)]),
        "rules": [{"id": "r", "none": FAILED}],
        "waivers": [waiver("any", "2020-09-22", "2020-09-22")],
    }
    assert {moment: reperform.reperform({**document, "as_of": moment})["rules"][0]["verdict"] for moment in moments} == moments


def test_a_waiver_never_makes_short_evidence_enough() -> None:
    assert said(TWO, waiver("any"), none=FAILED, within="7d", covers=None) == ("inconclusive", [True, True])
    assert said([*TWO, job(BackupJobId="j3", State=None)], waiver("any"), none=FAILED) == ("inconclusive", [True, True])
    assert said([*STALE, job(BackupJobId="j3", State=None, ResourceArn=None, ResourceType="RDS")], waiver("any"), **FRESH) == ("inconclusive", [True])


def test_what_is_not_violated_passes() -> None:
    assert said([job()], waiver("any"), none=FAILED) == ("pass", [])


def test_counts_are_the_same_with_waivers() -> None:
    with_waivers, without = judge(TWO, waivers=[waiver("any")], none=FAILED), judge(TWO, none=FAILED)
    changed = {name for name in without if without[name] != with_waivers[name]}
    assert changed == {"verdict", "findings"}


@pytest.mark.parametrize("match", ["any", {"ResourceArn": {"ends_with": "/i-1"}}, {"Account": "111122223333", "ResourceType": "ec2"}, {"Region": "eu-west-1"}])
def test_a_group_is_waived_by_the_fields_that_tell_it(match: Any) -> None:
    assert said(STALE, waiver(match), **FRESH) == ("waived", [True])


def test_a_group_of_other_fields_is_not_waived() -> None:
    assert said(STALE, named("/i-2"), **FRESH) == ("fail", [False])
    # One waiver must match them all.
    assert said(STALE, waiver({"ResourceType": "RDS"}), waiver({"Region": "us-east-1"}), **FRESH) == ("fail", [False])


def test_of_several_types_of_a_resource_the_last_counts() -> None:
    jobs = [STALE[0], STALE[0] | {"BackupJobId": "j9", "ResourceType": "EBS", "ResourceArn": RESOURCE, "CreationDate": at(-52)}, STALE[1]]
    assert said(jobs, waiver({"ResourceType": "EC2"}), **FRESH) == ("waived", [True])
    assert said(jobs, waiver({"ResourceType": "EBS"}), **FRESH) == ("fail", [False])


def test_the_type_of_an_entry_comes_before_that_of_its_jobs() -> None:
    listed = {"prod": [{"arn": RESOURCE, "account": "111122223333", "region": "eu-west-1", "type": "RDS"}]}
    assert said(STALE, waiver({"ResourceType": "RDS"}), **FRESH, inventory="prod", inventories=listed) == ("waived", [True])
    untold = {"prod": [{"arn": RESOURCE, "account": "111122223333", "region": "eu-west-1"}]}
    assert said(STALE, waiver({"ResourceType": "EC2"}), **FRESH, inventory="prod", inventories=untold) == ("waived", [True])


def test_a_field_that_a_group_lacks_is_unknown() -> None:
    rule: Json = {"expect": {"count": {"of": FAILED, "at_most": "0"}}, "per": ["BackupVaultArn"]}
    for match in ({"Account": "111122223333"}, {"Account": {"present": "false"}}, {"not": {"ResourceType": "RDS"}}):
        assert said(TWO, waiver(match), **rule) == ("fail", [False])
    assert said(TWO, waiver({"BackupVaultArn": {"ends_with": ":prod"}}), **rule) == ("waived", [True])


def test_what_has_no_fields_is_waived_by_any_alone() -> None:
    everything: Json = {"expect": {"count": {"of": FAILED, "at_most": "1"}}}
    nothing: Json = {"none": FAILED, "within": "1h", "no_data": "fail"}
    assert said(TWO, waiver({"Account": "111122223333"}), **everything) == ("fail", [False])
    assert said(TWO, waiver("any"), **everything) == ("waived", [True])
    assert said([job()], waiver({"ResourceArn": {"present": "true"}}), **nothing) == ("fail", [False])
    # A waiver makes no evidence.
    assert said([job()], waiver("any"), **nothing) == ("inconclusive", [True])


def test_a_missed_run_is_waived_by_its_resource() -> None:
    jobs = [planned(RESOURCE, -72), planned(OTHER, -72), planned(OTHER, -48), planned(OTHER, -24)]
    assert said(jobs, **MISSED) == ("fail", [False])
    assert said(jobs, named("/i-1"), **MISSED) == ("waived", [True])
    assert said(jobs, waiver({"ResourceType": "EC2", "Region": "eu-west-1"}), **MISSED) == ("waived", [True])
    assert said(jobs, named("/i-2"), waiver({"CreatedBy.BackupPlanId": "p"}), **MISSED) == ("fail", [False])


def test_a_silent_plan_is_waived_by_the_plan() -> None:
    jobs = [planned(RESOURCE, -72), planned(OTHER, -72)]
    assert said(jobs, waiver({"CreatedBy.BackupPlanArn": {"ends_with": ":p"}, "Account": "111122223333"}), **MISSED) == ("waived", [True])
    assert said(jobs, waiver({"CreatedBy.BackupPlanId": "p"}), named("/i-1"), **MISSED) == ("fail", [False])
    unnamed = [one | {"CreatedBy": {name: value for name, value in DAILY.items() if name != "BackupPlanArn"}} for one in jobs]
    assert said(unnamed, waiver({"CreatedBy.BackupPlanId": "p"}), **MISSED) == ("waived", [True])


def test_a_job_that_nothing_followed_is_waived_as_a_job() -> None:
    rule: Json = {"followed_by": {"dataset": "copy_jobs", "within": "1h"}, "others": {"copy_jobs": []}}
    coverage = [
        {"dataset": name, "account": "111122223333", "region": "eu-west-1", "from": "2020-09-01", "to": "2020-09-22", "complete": True}
        for name in ("backup_jobs", "copy_jobs")
    ]
    assert said([job()], coverage=coverage, **rule) == ("fail", [False])
    assert said([job()], waiver({"BackupVaultName": "prod"}), coverage=coverage, **rule) == ("waived", [True])


@pytest.mark.parametrize(
    ("rule", "wrong", "expected"),
    [
        ({"none": FAILED}, {"rule": "s"}, "the id of one rule"),
        ({"none": FAILED}, {"reason": "known"}, "not understood"),
        ({"none": FAILED}, {"match": {}}, "empty conditions"),
        ({"none": FAILED}, {"match": {"any": [{}, {"State": "FAILED"}]}}, "empty conditions"),
        ({"none": FAILED}, {"match": "all"}, "not a mapping"),
        ({"none": FAILED}, {"match": {"Stat": "FAILED"}}, "no such field"),
        ({"none": FAILED}, {"granted": "2020-10-01"}, "expires before"),
        ({"none": FAILED}, {"expires": "2020-09-31"}, "day is out of range"),
        ({"none": FAILED}, {"expires": "2020-09-30T00:00:00Z"}, "not a date"),
        ({"none": FAILED}, {"expires": None}, "not a date"),
        (FRESH, {"match": {"State": "FAILED"}}, "do not tell the groups"),
        (MISSED, {"match": {"BackupVaultName": "prod"}}, "do not tell the groups"),
    ],
)
def test_a_waiver_that_is_not_understood_is_refused_even_without_jobs(rule: Json, wrong: Json, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        judge([], waivers=[{**waiver("any"), **wrong}], **rule)


def test_an_expired_waiver_is_read_too() -> None:
    with pytest.raises(InputError, match="no such field"):
        judge([], waivers=[waiver({"Stat": "x"}, "2020-01-01", "2020-01-02")], none=FAILED)
