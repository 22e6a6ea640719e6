"""Sources, missing members, doubtful records and what files cover, in the second implementation: case by case from docs/verdicts.md."""

from __future__ import annotations

from typing import Any

import pytest

from policycheck.datasets import JOB_LISTS, Dataset
from tests.evidence.documents import ARN, BACKUP, COPY, NO, RESOURCE, RESTORE, WIDE, Json, at, changed, job, judge, outcome, running, truth

BASE = {"backup_jobs": BACKUP, "copy_jobs": COPY, "restore_jobs": RESTORE}
VERDICT = {True: "fail", False: "pass", None: "inconclusive"}
KEPT = ("BackupJobId", "ResourceArn", "State", "CreationDate", "CompletionDate", "AccountId", "BackupVaultArn", "ResourceType")
"""What somebody kept with --query."""


def cut(record: Json, *more: str) -> Json:
    return {name: value for name, value in record.items() if name in (*KEPT, *more)}


@pytest.mark.parametrize("missing", [None, ""])
@pytest.mark.parametrize("dataset", JOB_LISTS.values(), ids=str)
def test_null_and_the_empty_text_are_missing_in_every_text(dataset: Dataset, missing: Any) -> None:
    base = BASE[dataset.name]
    other, own = base | {dataset.id_field: "j2"}, {dataset.id_field: base[dataset.id_field]}
    for name in [name for name, value in base.items() if isinstance(value, str) and name != dataset.id_field]:
        rule: Json = {"dataset": dataset.name, "where": own, "none": {name: {"present": "true"}}}
        result = judge([base | {name: missing}, other], **rule)
        assert result == judge([changed(base, {name: None}), other], **rule)
        assert result["verdict"] != "fail"


@pytest.mark.parametrize(
    ("record", "others", "wanted", "expected"),
    [
        (job(), [], "StatusMessage", False),  # a whole list: what AWS leaves out does not apply
        (cut(job()), [], "StatusMessage", None),  # a reduced one: it may have been dropped
        (cut(job()), [cut(job(BackupJobId="j2", StatusMessage="x"), "StatusMessage")], "StatusMessage", False),  # it was kept
        (cut(job()), [cut(job(BackupJobId="j2"))], "IsEncrypted", None),
        (job(AccountId=None), [], "StatusMessage", False),  # the oldest clients have no AccountId
        (job(PercentDone=None), [], "StatusMessage", None),
        (job(PercentDone=None), [job(BackupJobId="j2")], "StatusMessage", None),  # damaged: another record has it
        (job(PercentDone=None), [job(BackupJobId="j2", MessageCategory="SUCCESS")], "VaultLockState", None),
        (job(StartBy=0), [job(BackupJobId="j2")], "StatusMessage", None),  # what is not usable is missing
        (running(), [], "CompletionDate", False),
        (cut(running()), [], "CompletionDate", None),
        (cut(running()), [cut(job(BackupJobId="j2"))], "CompletionDate", False),
        (job(RecoveryPointLifecycle={}), [], "Retention", True),
        (cut(job(RecoveryPointLifecycle={}), "RecoveryPointLifecycle"), [], "Retention", None),  # the days may have been dropped
    ],
)
def test_what_a_missing_member_means_is_decided_in_its_source(record: Json, others: list[Json], wanted: str, expected: bool | None) -> None:
    assert truth({wanted: {"present": "true"}}, record, *others) is expected
    full = job(
        BackupJobId="full", StatusMessage="x", IsEncrypted=True, VaultLockState="LOCKED", RecoveryPointLifecycle={"DeleteAfterDays": 1}, CreationDate=at(-5)
    )
    for sources in ([[record, *others], [full]], [[full], [record, *others]]):
        beside = judge(sources[0], files=sources[1:], where={"BackupJobId": "j1"}, none={wanted: {"present": "true"}})
        assert (beside["verdict"], beside["examined"]) == (VERDICT[expected], 1)


def test_the_start_of_a_job_is_its_creation_where_the_client_is_old() -> None:
    old = job(InitiationDate=None)
    assert truth({"Duration": "1h"}, old) is True
    assert truth({"Duration": "1h"}, old, job(BackupJobId="j2")) is True  # it was known to be missing
    assert truth({"Duration": "1h"}, changed(old, {"PercentDone": None})) is None  # reduced: it may have been dropped
    assert truth({"Duration": "1h"}, job(InitiationDate=at(-9))) is None  # it began before it was created


@pytest.mark.parametrize(
    ("changes", "unknown"),
    [
        ({"CompletionDate": at(-4)}, ["CompletionDate", "CreationDate", "Elapsed", "Duration"]),
        ({"InitiationDate": at(-4)}, ["InitiationDate", "Duration", "StartDelay"]),
        ({"InitiationDate": at(-1)}, ["InitiationDate", "Duration"]),
        ({"CreationDate": 0}, ["CreationDate", "Elapsed"]),
        ({"StartBy": "0001-01-01T00:00:00Z"}, ["StartBy"]),
        ({"StartBy": "1547596799"}, ["StartBy"]),
    ],
)
def test_times_that_cannot_be_are_unknown(changes: Json, unknown: list[str]) -> None:
    for name in unknown:
        assert truth({name: {"present": "true"}}, job(**changes), job(BackupJobId="j2")) is None


@pytest.mark.parametrize(
    ("first", "second", "expected"),  # how many of both are certainly examined
    [
        ({}, {}, 1),
        ({}, {"CreationDate": at(-3.5), "InitiationDate": None}, 2),  # ids were redacted
        ({}, {"ResourceArn": RESOURCE + "2"}, 2),
        ({}, {"CreationDate": None}, 1),  # perhaps the same job
        ({}, {"ResourceArn": None}, 1),
        ({}, {"ResourceArn": "", "CreationDate": 0}, 1),
        ({}, {"CreationDate": None, "ResourceArn": RESOURCE + "2"}, 2),
        ({"CreationDate": None}, {"CreationDate": None, "StatusMessage": "x"}, 1),  # the one that says more
        ({"CreationDate": None}, {"ResourceArn": None}, 1),
        ({}, {"BackupJobId": None}, 1),  # in another file, it may be the same
        ({}, {"BackupJobId": None, "CreationDate": at(-3.5), "InitiationDate": None}, 2),
        ({"BackupJobId": None}, {"BackupJobId": None, "StatusMessage": "x"}, 1),
        ({"BackupJobId": None}, {"BackupJobId": None}, 1),
        ({}, {"BackupJobId": "j2"}, 2),
    ],
)
def test_records_that_may_be_one_job_are_not_counted_twice(first: Json, second: Json, expected: int) -> None:
    for one, other in ((first, second), (second, first)):
        result = judge([job(**one)], files=[[job(**other)]], none=NO)
        assert result["examined"] == expected


def test_what_is_doubtful_violates_possibly_and_recovers_nothing_for_certain() -> None:
    assert outcome(judge([job()], files=[[job(State="FAILED", CreationDate=None)]], none={"State": "FAILED"})) == ("inconclusive", 1, 0, 1)
    assert judge([job(BackupJobId=None), job(BackupJobId=None)], none=NO)["examined"] == 2  # in one file these are two
    failure = job(State="FAILED", BackupJobId="f", CreationDate=at(-20), InitiationDate=None, CompletionDate=at(-19))
    rule: Json = {"none": {"State": "FAILED"}, "unless_recovered_within": "18h"}
    assert judge([failure, job()], **rule)["verdict"] == "pass"
    # Whether the clean job is one of its own, or the RUNNING one, nobody can say.
    assert judge([failure, running()], files=[[job(BackupJobId=None)]], **rule)["verdict"] == "inconclusive"


def alone(hours: float, **changes: object) -> Json:
    return job(CreationDate=at(hours), InitiationDate=None, CompletionDate=at(hours)) | changes


@pytest.mark.parametrize(
    ("files", "covers", "within", "verdict"),
    [
        ([[alone(-100), alone(-60)], [alone(-50), alone(-1)]], None, "5d", "pass"),  # they meet
        ([[alone(-100), alone(-60)], [alone(-34.999), alone(-1)]], None, "5d", "inconclusive"),  # more than a margin lies between
        ([[alone(-100), alone(-60)], [alone(-35), alone(-1)]], None, "5d", "pass"),
        ([[alone(-100), alone(-60), alone(-9.999), alone(-1)]], None, "5d", "pass"),  # one file
        ([[alone(-100), alone(-60)], [alone(-9), alone(-1)]], None, "34h", "pass"),  # the gap is before the window
        ([[alone(-100), alone(-60)], [alone(-9), alone(-1)]], WIDE, "5d", "pass"),
        ([[alone(-100), alone(-60)], [alone(-9), alone(-1)]], ["2020-09-19", "2020-09-22"], "5d", "pass"),
        ([[alone(-100), alone(-60)], [alone(-9), alone(-1, AccountId="444455556666")]], None, "5d", "inconclusive"),  # of another account
        ([[alone(-24), alone(-100)]], None, "20h", "inconclusive"),  # wholly in the margin
        ([[alone(-24), alone(-100)]], None, "24h", "pass"),
        ([[alone(-24), alone(-100)]], ["2020-09-22", "2020-09-23"], "20h", "pass"),
        ([[alone(-24), alone(-100)]], ["2020-09-23", "2020-09-24"], "24h", "pass"),  # a claim about the time after as_of says nothing
        ([[alone(-1, StartBy=0, InitiationDate=0)]], None, "21d", "inconclusive"),  # a zero stretches nothing
        ([[alone(-1), alone(-2, BackupJobId="z", CreationDate=0)]], None, "21d", "inconclusive"),
    ],
)
def test_files_cover_what_they_show_one_by_one(files: list[list[Json]], covers: list[str] | None, within: str, verdict: str) -> None:
    named = [
        [record if "z" in record["BackupJobId"] else record | {"BackupJobId": f"{file}-{number}"} for number, record in enumerate(records)]
        for file, records in enumerate(files)
    ]
    for given in (named, named[::-1]):
        assert judge(given[0], files=given[1:], covers=covers, within=within, none=NO, no_data="pass")["verdict"] == verdict


def test_one_describe_answer_shows_a_violation_and_never_the_absence_of_one() -> None:
    for covers in (None, WIDE):
        assert judge([job()], lone=True, covers=covers, none=NO)["verdict"] == "inconclusive"
        assert judge([job()], lone=True, covers=covers, none={"State": "COMPLETED"})["verdict"] == "fail"
    # It adds nothing to what a list covers, and takes nothing away.
    assert judge([alone(-90, BackupJobId="j2")], lone=True, files=[[job()]], covers=None, none=NO, within="5d")["verdict"] == "inconclusive"
    assert judge([alone(-90, BackupJobId="j2")], lone=True, files=[[job()]], covers=None, none=NO, within="24h")["verdict"] == "pass"


def row(first: float, last: float, **more: Any) -> Json:
    return {"dataset": "backup_jobs", "account": "111122223333", "region": "eu-west-1", "from": moment(first), "to": moment(last), "complete": True, **more}


def moment(hours: float) -> str:
    return f"2020-09-{22 + int(hours // 24):02d}T{int(hours % 24):02d}:00:00Z"


@pytest.mark.parametrize(
    ("rows", "within", "verdict"),
    [
        ([row(-100, 0)], "4d", "pass"),
        ([row(-100, 0, basis="asserted")], "4d", "pass"),
        ([row(-100, 0, gaps=[[moment(-50), moment(-40)]])], "4d", "inconclusive"),
        ([row(-100, 0, gaps=[[moment(-50), moment(-40)]])], "40h", "pass"),
        ([row(-100, 0, gaps=[[moment(-50), moment(-40)]]), row(-60, -30)], "4d", "pass"),
        ([row(-100, -50), row(-50, 0)], "4d", "pass"),
        ([row(-100, -50), row(-40, 0)], "4d", "inconclusive"),
        ([row(-100, 0, complete=False)], "4d", "inconclusive"),
        ([row(-100, -24)], "4d", "inconclusive"),  # no margin: what was fetched was fetched
        ([row(-100, -1)], None, "inconclusive"),
        ([row(-100, 24)], None, "pass"),
        ([], None, "inconclusive"),
    ],
)
def test_what_was_fetched_is_covered_as_the_fetch_says(rows: list[Json], within: str | None, verdict: str) -> None:
    window: Json = {} if within is None else {"within": within}
    assert judge([job()], coverage=rows, none=NO, **window)["verdict"] == verdict


def child(number: int, **changes: object) -> Json:
    return job(BackupJobId=f"c{number}", ResourceArn=f"{RESOURCE}{number}", ParentJobId="stack", **changes)


PARENT = job(BackupJobId="stack", ResourceArn="arn:aws:cloudformation:eu-west-1:111122223333:stack/s", ResourceType="CloudFormation")
FAILED: Json = {"State": "FAILED"}
REDUCED = "PercentDone"  # without it the list is reduced, and nobody knows who has a parent


@pytest.mark.parametrize(
    ("jobs", "keys", "examined", "possible"),
    [
        ([PARENT, child(1), child(2)], {}, 1, 0),
        ([PARENT, child(1), child(2)], {"jobs": "all"}, 3, 0),
        ([PARENT, child(1), child(2)], {"jobs": "members"}, 2, 0),
        ([PARENT, child(1), child(2)], {"per": ["ResourceArn"]}, 3, 0),
        ([PARENT, child(1, **FAILED), child(2)], {}, 2, 0),  # it answers otherwise
        ([PARENT | {"State": "PARTIAL"}, child(1, **FAILED), child(2)], {}, 2, 0),  # neither is COMPLETED
        ([child(1), child(2)], {}, 2, 0),  # the parent is not in the list
        ([PARENT, child(1), child(2)], {"where": {"ResourceType": "EC2"}}, 2, 0),  # nor in the population
        ([PARENT | {"BackupVaultArn": ARN + "2"}, child(1)], {"per": ["BackupVaultArn"]}, 2, 0),  # of another group
        ([PARENT, PARENT | {"ResourceArn": RESOURCE}, child(1)], {}, 2, 0),  # whose is it?
        ([job(ParentJobId="j1")], {}, 1, 0),  # not its own parent
        ([job(ParentJobId="j2"), job(BackupJobId="j2", ParentJobId="j1")], {}, 0, 0),  # in a circle nobody can say
        ([changed(record, {"ParentJobId": None, REDUCED: None}) for record in (PARENT, child(1), child(2))], {}, 1, 0),
        ([changed(record, {"ParentJobId": None, REDUCED: None}) for record in (child(1), child(2, **FAILED))], {}, 2, 0),  # they answer otherwise
    ],
)
def test_a_composite_job_counts_once(jobs: list[Json], keys: Json, examined: int, possible: int) -> None:
    for given in (jobs, jobs[::-1]):
        result = judge(given, expect={"count": {"of": {"State": "COMPLETED"}, "at_most": "9"}}, **keys)
        assert (result["verdict"], result["examined"], result["possible"]) == ("pass" if examined else "inconclusive", examined, possible)


def test_what_may_be_a_child_is_counted_possibly() -> None:
    jobs = [changed(record, {"ParentJobId": None, REDUCED: None}) for record in (PARENT, child(1), child(2))]
    for limit, verdict in (("1", "pass"), ("2", "inconclusive"), ("4", "fail")):
        assert judge(jobs, expect={"count": {"of": {"State": "COMPLETED"}, "at_least": limit}})["verdict"] == verdict
    # Where a whole list shows the parent, the others may all be its children.
    beside = judge([PARENT], files=[jobs[1:]], expect={"count": {"of": {"State": "COMPLETED"}, "at_least": "2"}})
    assert (beside["verdict"], beside["examined"]) == ("inconclusive", 1)


def test_a_first_backup_that_still_runs_is_pending() -> None:
    settled = [alone(-hours, BackupJobId=f"s{hours}", ResourceArn=RESOURCE + "2") for hours in (1, 20, 44, 68)]
    first = running(CreationDate=at(-30), InitiationDate=None, BackupJobId="first")
    fresh: Json = {"expect": {"newest": {"of": {"Outcome": "clean"}, "at_most": "26h"}}, "per": ["ResourceArn"], "covers": None}
    counted: Json = {"expect": {"count": {"of": {"Outcome": "clean"}, "at_least": "1"}}, "per": ["ResourceArn"], "covers": None, "within": "48h"}
    latest: Json = {"expect": {"latest": {"of": {"Outcome": "clean"}}}, "per": ["ResourceArn"], "covers": None, "no_data": "fail"}
    for rule in (fresh, counted, latest):
        result = judge([first, *settled], **rule)
        assert (result["verdict"], result["pending"], result["possible"]) == ("pass", 1, 0)
        assert judge([first | {"CreationDate": None}, *settled], **rule)["verdict"] == "inconclusive"
        assert judge([first, *settled[:2]], **rule)["verdict"] == "inconclusive"  # the list begins too late to know that it is the first
    for rule in (fresh, latest):  # overdue
        assert judge([first | {"ExpectedCompletionDate": at(-1)}, *settled], **rule)["verdict"] == "fail"
    # So it is with an inventory.
    listed = {"prod": [{"arn": RESOURCE, "account": "111122223333", "region": "eu-west-1"}, {"arn": RESOURCE + "2"}]}
    assert judge([first, *settled], inventories=listed, inventory="prod", **fresh)["pending"] == 1


@pytest.mark.parametrize(
    ("states", "verdict", "pending"),
    [
        (["COMPLETED", "COMPLETED"], "pass", 1),
        (["COMPLETED", "RUNNING"], "pass", 1),
        (["COMPLETED", "FAILED"], "fail", 0),
        (["FAILED", "FAILED"], "fail", 0),
        (["COMPLETED", "NEW"], "inconclusive", 0),
    ],
)
@pytest.mark.parametrize("measure", ["count", "streak"])
def test_age_excuses_a_new_subject_whose_jobs_went_well(measure: str, states: list[str], verdict: str, pending: int) -> None:
    old = [alone(-hours, BackupJobId=f"o{hours}", ResourceArn=RESOURCE + "2") for hours in (1, 20, 44, 68, 92)]
    young = [alone(-10 + number, BackupJobId=f"y{number}", State=state) for number, state in enumerate(states)]
    runs = {"CompletionDate": None, "ExpectedCompletionDate": at(9)}
    young = [changed(record, runs) if record["State"] == "RUNNING" else record for record in young]
    result = judge([*old, *young], within="72h", expect={measure: {"of": {"State": "COMPLETED"}, "at_least": "3"}}, per=["ResourceArn"], covers=None)
    assert (result["verdict"], result["pending"]) == (verdict, pending)


def test_an_incomplete_inventory_leaves_its_rules_inconclusive() -> None:
    listed = {"prod": [{"arn": RESOURCE}]}
    fresh: Json = {"expect": {"newest": {"of": {"Outcome": "clean"}, "at_most": "24h"}}, "per": ["ResourceArn"], "inventory": "prod"}
    assert [judge([job()], inventories=listed, incomplete=names, **fresh)["verdict"] for names in ([], ["prod"])] == ["pass", "inconclusive"]
    other = judge([job(ResourceArn=RESOURCE + "2")], inventories=listed, incomplete=["prod"], none={"in_inventory": "prod"})
    assert other["verdict"] == "inconclusive"  # it may be among those that are missing


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        ({"none": {"BackupVaultName": "Prod"}}, "inconclusive"),
        ({"none": {"BackupVaultName": "prods"}}, "inconclusive"),
        ({"none": {"BackupVaultName": "scratch"}}, "pass"),
        ({"none": {"BackupVaultName": ["Prod", "prod"], "ResourceType": "RDS"}}, "pass"),  # both are meant
        ({"none": {"not": {"BackupVaultName": "PROD"}, "ResourceType": "RDS"}}, "inconclusive"),
        ({"none": {"IamRoleArn": "arn:aws:iam::111122223333:role/AWSBackupDefault"}}, "inconclusive"),
        ({"none": {"IamRoleName": "service-role/AWSBackupDefault"}}, "inconclusive"),
        ({"none": {"ResourceType": "e-c2"}}, "inconclusive"),
        ({"none": {"StatusMessage": {"contains": "Denied"}}}, "inconclusive"),
        ({"none": {"StatusMessage": {"contains": ["Denied", "denied"]}, "ResourceType": "RDS"}}, "pass"),
        ({"none": {"StatusMessage": {"contains": "accessdenied"}}}, "inconclusive"),
        ({"none": {"StatusMessage": {"starts_with": "ACCESS"}}}, "inconclusive"),
        ({"none": {"StatusMessage": {"ends_with": "Key"}}}, "inconclusive"),
        ({"none": {"StatusMessage": {"matches": "Denied"}}}, "pass"),
        ({"none": {"ResourceArn": {"contains": "RESOURCE"}}}, "pass"),
        ({"none": {}, "where": {"BackupVaultName": "Prod"}, "no_data": "fail"}, "fail"),
        ({"none": {"Tags.Env": "x"}}, "inconclusive"),
        ({"none": {"in_inventory": "PROD"}}, "inconclusive"),
    ],
)
def test_a_value_that_is_nearly_there_leaves_the_rule_inconclusive(rule: Json, verdict: str) -> None:
    listed = {"prod": [{"arn": RESOURCE, "tags": {"env": "a"}}]}
    assert judge([job(StatusMessage="access denied to key")], inventories=listed, **rule)["verdict"] == verdict
