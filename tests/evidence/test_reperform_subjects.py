"""Subjects, verdicts and evidence of the rules of groups in the second implementation, case by case from docs/groups-specification.md."""

from __future__ import annotations

from typing import Any

import pytest

from tests.evidence.documents import ARN, COPY, NO, RESTORE, YES, Json, at, changed, found, judge, said
from tests.evidence.test_reperform_groups import DONE, EC2, OLD, PER, R1, R2, A, B, doubtful, expect, failed, made, row, verdict


def test_groups_are_told_by_place_too() -> None:
    jobs = [made("a", 3), made("b", 3, AccountId=B), made("c", 3, ResourceArn=R2, State="FAILED")]
    result = expect("count", *jobs, at_least="1", **PER)
    assert (said(result), found(result)) == (("fail", 3, 0), {R2: []})
    assert said(expect("count", *jobs, at_least="1", per=["Account"])) == ("pass", 2, 0)
    assert said(expect("count", *jobs, at_least="1")) == ("pass", 1, 0)
    assert found(expect("count", *jobs, at_least="3", per=["Region", "BackupVaultArn"])) == {f"eu-west-1 / {ARN}": []}
    [finding] = expect("count", *jobs, at_least="2", per=["Account"], where={"Account": B})["findings"]
    assert finding == {"account": B, "region": None, "subject": B, "jobs": [], "waived": False}


def test_what_has_no_place_in_a_group_is_never_passed_over() -> None:
    lost = made("b", 3)
    del lost["ResourceArn"]
    assert said(expect("count", made("a", 3), lost, at_least="1", **PER)) == ("inconclusive", 1, 0)
    assert said(expect("count", made("a", 3), lost, at_least="1")) == ("pass", 1, 0)
    assert said(expect("count", made("a", 3), lost, at_least="2", **PER)) == ("inconclusive", 1, 1)  # it may be the second job
    assert said(expect("count", made("a", 3), lost, at_least="3", **PER)) == ("fail", 1, 0)
    assert said(expect("count", made("a", 3), lost, at_least="1", where={"BackupJobId": "a"}, **PER)) == ("pass", 1, 0)
    nowhere = {name: value for name, value in made("b", 3, ResourceArn="arn:aws:s3:::b").items() if name not in ("AccountId", "BackupVaultArn")}
    assert said(expect("count", made("a", 3), nowhere, at_least="1", where={}, scope={"accounts": [A]}, **PER))[0] == "inconclusive"


def test_a_possible_subject_violates_only_possibly() -> None:
    assert said(expect("count", made("a", 3), doubtful("b", 3, ResourceArn=R2, State="FAILED"), at_least="1", where=EC2, **PER)) == ("inconclusive", 2, 1)
    assert said(expect("count", made("a", 3), made("b", 3, ResourceArn=R2, State="FAILED"), at_least="1", where=EC2, **PER)) == ("fail", 2, 0)
    # One sure record makes a sure subject.
    jobs = [doubtful("b", 3, State="FAILED"), failed("c", 100)]
    assert said(expect("count", *jobs, at_least="1", within="24h", where=EC2, **PER)) == ("fail", 1, 0)


def test_subjects_are_seen_at_any_time() -> None:
    result = expect("count", made("a", 3), made("b", 300, ResourceArn=R2), at_least="1", within="24h", **PER)
    assert (said(result), result["examined"], found(result)) == (("fail", 2, 0), 1, {R2: []})


def restored(name: str, arn: str, hours: float, **changes: object) -> Json:
    return changed(RESTORE, {"RestoreJobId": name, "SourceResourceArn": arn, "CreationDate": at(-hours), "CompletionDate": at(1 - hours)}) | changes


def restore_rule(backups: list[Json] | None, *restores: Json, **keys: Any) -> Json:
    others = {} if backups is None else {"backup_jobs": backups}
    return judge(
        list(restores), dataset="restore_jobs", others=others, **{"expect": {"newest": {"of": {"Status": "COMPLETED"}, "at_most": "90h"}}, **PER, **keys}
    )


def test_subjects_of_every_list_are_those_of_the_backup_jobs() -> None:
    backups = [made("a", 3), made("b", 300, ResourceArn=R2, ResourceType="RDS")]
    result = restore_rule(backups, restored("r1", R1, 10, ResourceType="EC2"))
    assert (said(result), found(result)) == (("fail", 2, 0), {R2: []})
    # Of `where` the type is asked of the backup jobs, the status is not.
    keys: Json = {"where": {"ResourceType": "EC2", "Status": ["COMPLETED", "FAILED"]}}
    assert said(restore_rule(backups, restored("r1", R1, 10, ResourceType="EC2"), **keys)) == ("pass", 1, 0)
    assert said(restore_rule(backups, restored("r1", R1, 10, ResourceType="EC2"), where={"not": {"any": [{"ResourceType": "RDS"}, {"Status": "FAILED"}]}})) == (
        "fail",
        2,
        0,
    )
    # A resource that only the rule's own list names is a subject, too.
    assert said(restore_rule([made("a", 3)], restored("r1", R1, 10), restored("r2", R2, 100))) == ("fail", 2, 0)


def test_a_rule_of_resources_needs_the_backup_jobs() -> None:
    assert restore_rule(None, restored("r1", R1, 10))["verdict"] == "inconclusive"
    assert restore_rule([], restored("r1", R1, 10))["verdict"] == "inconclusive"
    assert restore_rule([made("a", 3)], restored("r1", R1, 10))["verdict"] == "pass"
    assert restore_rule(None, restored("r1", R1, 100))["verdict"] == "inconclusive"
    scope = {"accounts": [A, B], "regions": ["eu-west-1"]}
    both = [restored("r1", R1, 10), restored("r2", R1, 10, AccountId=B)]
    assert restore_rule([made("a", 3)], *both, scope=scope)["verdict"] == "inconclusive"
    assert restore_rule([made("a", 3), made("b", 3, AccountId=B)], *both, scope=scope)["verdict"] == "pass"


def test_other_fields_of_a_group_come_from_the_rules_own_list() -> None:
    dr, far = COPY["DestinationBackupVaultArn"], "arn:aws:backup:eu-central-1:444455556666:backup-vault:far"
    copies = [COPY, changed(COPY, {"CopyJobId": "c2", "DestinationBackupVaultArn": far, "State": "FAILED"})]
    backups = [made("a", 3), made("b", 3, ResourceArn=R2)]
    keys: Json = {"dataset": "copy_jobs", "others": {"backup_jobs": backups}, "per": ["ResourceArn", "DestinationBackupVaultArn"]}
    result = judge(copies, expect={"count": {"of": DONE, "at_least": "1"}}, **keys)
    assert (result["subjects"], set(found(result))) == (2, {f"{R1} / {far}", f"{R2} / (no DestinationBackupVaultArn)"})
    assert f"{R1} / {dr}" not in found(result)
    # A sure resource in a vault where it may not be chosen.
    elsewhere = doubtful("b", 3, State="FAILED", BackupVaultArn=ARN + "2")
    count: Json = {"where": EC2, "at_least": "1", "per": ["ResourceArn", "BackupVaultArn"]}
    assert said(expect("count", made("a", 3), elsewhere, **count)) == ("inconclusive", 1, 1)


def test_a_gap_begins_no_earlier_than_the_resource() -> None:
    gap: Json = {"expect": {"longest_gap": {"of": {"Status": "COMPLETED"}, "at_most": "10h"}}, "within": "24h", "covers": ["2020-09-20", "2020-09-22"]}
    assert restore_rule([made("a", 10)], restored("r1", R1, 20), **gap)["verdict"] == "pass"


@pytest.mark.parametrize(
    ("no_data", "expected", "findings"),  # the second resource has nothing in the window
    [("inconclusive", "inconclusive", {}), ("pass", "pass", {}), ("skip", "pass", {}), ("fail", "fail", {R2: []}), ("quiet", "pass", {})],
)
@pytest.mark.parametrize("measure", ["latest", "share"])
def test_no_data_is_asked_for_each_group(measure: str, no_data: str, expected: str, findings: Json) -> None:
    jobs = [made("a", 3), OLD, made("b", 300, ResourceArn=R2)]
    limit: Json = {} if measure == "latest" else {"at_least": "1%"}
    result = expect(measure, *jobs, within="24h", no_data=no_data, **PER, **limit)
    assert (result["verdict"], found(result)) == (expected, findings)
    alone = expect(measure, made("b", 300, ResourceArn=R2), within="24h", no_data=no_data, **PER, **limit)
    assert alone["verdict"] == ("skipped" if no_data == "skip" else expected)


def test_a_possible_subject_without_a_job_is_no_finding() -> None:
    jobs = [made("a", 3), OLD, doubtful("b", 300, ResourceArn=R2)]
    assert verdict("latest", *jobs, within="24h", where=EC2, no_data="fail", **PER) == "inconclusive"
    assert verdict("latest", *jobs, within="24h", where=EC2, no_data="pass", **PER) == "pass"


def test_quiet_needs_a_record_that_jobs_chooses() -> None:
    both = [made("a", 3), OLD, made("b", 300, ResourceArn=R2 + "3"), made("c", 300, ResourceArn=R2, ParentJobId="p")]
    assert verdict("latest", *both, within="24h", no_data="quiet", jobs="top_level", **PER) == "inconclusive"
    jobs = [made("a", 3), OLD, made("b", 300, ResourceArn=R2, ParentJobId="p")]
    assert verdict("latest", *jobs, within="24h", no_data="quiet", **PER) == "pass"
    assert verdict("latest", *jobs, within="24h", no_data="quiet", jobs="top_level", **PER) == "inconclusive"


@pytest.mark.parametrize("no_data", ["inconclusive", "pass", "skip", "fail", "quiet"])
def test_a_rule_without_subjects_takes_no_data(no_data: str) -> None:
    verdicts = {"pass": "pass", "skip": "skipped", "fail": "fail"}
    for keys in (PER, {"per": ["BackupVaultArn"]}, {}):
        for measure, operator, limit in (("count", "at_most", "5"), ("streak", "at_most", "5"), ("newest", "at_most", "1h"), ("share", "at_least", "1%")):
            result = expect(measure, made("a", 3), where=NO, no_data=no_data, **Json({operator: limit}), **keys)
            assert result["verdict"] == verdicts.get(no_data, "inconclusive")
            assert (result["examined"], bool(result["findings"])) == (0, no_data == "fail")
    # A record that may be chosen is no absence.
    assert verdict("count", doubtful("a", 3, State="FAILED"), where=NO, at_most="5", no_data=no_data) == "inconclusive"
    assert verdict("count", doubtful("a", 3, State="FAILED"), where=NO, at_least="1", no_data=no_data) == "inconclusive"


@pytest.mark.parametrize(
    ("no_data", "expected"), [("inconclusive", "inconclusive"), ("quiet", "pass"), ("pass", "pass"), ("skip", "skipped"), ("fail", "fail")]
)
def test_no_job_at_all_meets_an_upper_bound_only_as_no_data_says(no_data: str, expected: str) -> None:
    for measure in ("count", "streak"):
        assert verdict(measure, made("a", 300), at_most="5", within="24h", no_data=no_data) == expected


def test_a_vault_that_was_chosen_once_is_no_misspelt_one() -> None:
    assert verdict("count", made("a", 300), at_least="1", within="24h", no_data="pass") == "fail"


@pytest.mark.parametrize(
    ("measure", "limit"),
    [("count", {"at_most": "5"}), ("share", {"at_least": "1%"}), ("latest", {}), ("streak", {"at_most": "9"}), ("longest_gap", {"at_most": "90h"})],
)
def test_short_evidence_is_no_pass_and_no_data_does_not_help(measure: str, limit: Json) -> None:
    short = ["2020-09-21T12:00:00Z", "2020-09-22"]
    assert verdict(measure, made("a", 3), within="90h", covers=short, no_data="pass", **limit) == "inconclusive"
    assert verdict(measure, made("a", 3), within="90h", no_data="pass", **limit) == "pass"


@pytest.mark.parametrize(
    ("measure", "limit", "definite"),
    [
        ("count", {"at_least": "3"}, False),
        ("count", {"at_most": "1"}, True),
        ("streak", {"more_than": "2"}, False),
        ("streak", {"less_than": "2"}, True),
        ("share", {"at_least": "99%"}, False),
        ("share", {"at_most": "10%"}, False),
        ("newest", {"at_most": "40h"}, False),
        ("longest_gap", {"at_most": "24h"}, False),
        ("latest", {}, False),
    ],
)
def test_what_further_jobs_could_undo_needs_a_list_that_is_complete(measure: str, limit: Json, definite: bool) -> None:
    jobs = [made("z", 300), made("a", 50, State="FAILED"), made("b", 49), made("c", 48), made("d", 47, State="FAILED")]
    keys: Json = {**PER, **({} if measure == "newest" else {"within": "90h"}), **limit}
    assert verdict(measure, *jobs, **keys) == "fail"
    for short in (["2020-09-20T12:00:00Z", "2020-09-21T23:59:59Z"], None):  # to a second before as_of; as far as the list itself goes
        result = expect(measure, *jobs, covers=short, **keys)
        assert said(result) == (("fail", 1, 0) if definite else ("inconclusive", 1, 1))


def test_where_nobody_looked_no_bad_job_was_seen() -> None:
    elsewhere = restored("r1", R1, 10, AccountId=B)
    keys: Json = {"expect": {"count": {"of": {"Status": "FAILED"}, "at_most": "0"}}}
    assert restore_rule([made("a", 3)], elsewhere, **keys)["verdict"] == "inconclusive"
    assert restore_rule([made("a", 3)], elsewhere, restored("r2", R1, 10), **keys)["verdict"] == "pass"


REGIONS: Json = {"accounts": [A], "regions": ["eu-west-1", "us-east-1"], "may_be_empty": [f"{A}/us-east-1"]}


@pytest.mark.parametrize(
    ("coverage", "scope", "expected"),
    [
        ([row(A, 48)], None, "pass"),
        ([row(A, 24)], None, "pass"),
        ([row(A, 23.9)], None, "inconclusive"),
        ([row(A, 48, to=at(-0.1))], None, "inconclusive"),
        ([row(A, 48, complete=False)], None, "inconclusive"),
        ([row(A, 48), row(B, 48, complete=False)], None, "inconclusive"),
        ([row(A, 48), row(B, 48, complete=False)], {"accounts": [A]}, "pass"),
        ([row(A, 48), row(A, 48, complete=False)], None, "inconclusive"),
        ([row(A, 48, to=at(-10)), row(A, 12)], None, "pass"),
        ([row(A, 48, to=at(-13)), row(A, 12)], None, "inconclusive"),
        ([row(A, 48) | {"from": None}], None, "inconclusive"),
        ([row(B, 48)], None, "inconclusive"),  # a job of a place that nobody fetched
        ([row(A, 48, dataset="copy_jobs")], None, "inconclusive"),
        ([], None, "inconclusive"),
        ([row(A, 48), row(A, 48, region="us-east-1")], {"accounts": [A], "regions": ["eu-west-1", "us-east-1"]}, "pass"),  # fetched, and empty
        # Fetched, and empty as it may be; never asked; not read to its end; asserted, which cannot show a place to be empty; asked with the whole organization.
        ([row(A, 48), row(A, 48, region="us-east-1")], REGIONS, "pass"),
        ([row(A, 48)], REGIONS, "inconclusive"),
        ([row(A, 48), row(A, 48, region="us-east-1", complete=False)], REGIONS, "inconclusive"),
        ([row(A, 48) | {"basis": "asserted"}], REGIONS, "pass"),
        ([row(A, 48) | {"silent": [B]}], {"accounts": [A, B], "may_be_empty": [B]}, "pass"),
        ([row(A, 48) | {"silent": ["777788889999"]}], {"accounts": [A, B], "may_be_empty": [B]}, "inconclusive"),
        ([row(A, 48)], {"accounts": [A], "regions": ["eu-west-1", "us-east-1"]}, "inconclusive"),  # not fetched
        ([row(A, 48), row(B, 48)], {"accounts": [A, B]}, "inconclusive"),  # an account without any job
        ([row(A, 48), row(B, 48)], {"accounts": [A, B], "may_be_empty": [B]}, "pass"),
        ([row(A, 48)], {"accounts": [A, B], "may_be_empty": [B]}, "inconclusive"),
    ],
)
def test_observed_coverage_takes_the_place_of_what_files_are_taken_to_cover(coverage: list[Json], scope: Json | None, expected: str) -> None:
    for keys in ({"none": NO}, {"expect": {"count": {"of": YES, "at_least": "1"}}}):
        assert judge([made("a", 3)], coverage=coverage, scope=scope, within="24h", **keys)["verdict"] == expected
