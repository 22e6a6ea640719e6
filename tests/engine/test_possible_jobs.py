"""A job that does not say whose it is may be the very one that a group lacks; a violation that it cannot undo stays one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from policycheck.datasets import COPY_JOBS, RESTORE_JOBS, Dataset
from policycheck.engine.evaluate import judge
from policycheck.errors import Location
from policycheck.inventory import InventoryEntry
from policycheck.policy.conditions import And, Condition
from policycheck.policy.measures import Measure
from policycheck.policy.model import NoData, Policy, Qualifiers, Rule, Scope, Statement
from policycheck.result import RuleResult
from tests.backends import BACKEND
from tests.engine.expectations import CLEAN, EACH, FAILED, RUNNING, arn, at, bound, clean, condition, covered, duration, expect, grouped, said
from tests.engine.lists import ACCOUNT, AS_OF, REGION, VAULT, Job, job_list
from tests.tables import each

VAULTS, TYPES = ("BackupVaultArn",), ("ResourceType",)
DR = VAULT.replace("prod", "dr")
OTHER_ACCOUNT, OTHER_REGION = "444455556666", "us-east-1"

NIGHTS = [at(hours, "i-1", **CLEAN) for hours in (3, 27, 51, 100)]
"""A resource that has all it needs, in the vault prod."""
LATE: Job = {"BackupVaultArn": DR, "BackupVaultName": "dr", "ResourceType": "RDS"}
SHORT = [at(hours, "i-2", **CLEAN, **LATE) for hours in (27, 51, 100)]
"""Another that lacks the last night, in a vault and of a type of its own."""
BAD = [*SHORT, at(20, "i-2", **FAILED, **LATE)]
MISSING = at(3, "i-2", **CLEAN, **LATE)
"""What it lacks."""

RULES: Sequence[tuple[Measure, str, str | None, Sequence[Job]]] = (
    (Measure.COUNT, "at_least 3", "72h", SHORT),
    (Measure.STREAK, "at_least 3", "72h", SHORT),
    (Measure.NEWEST, "at_most 26h", None, SHORT),
    (Measure.LONGEST_GAP, "at_most 26h", "72h", SHORT),
    (Measure.SHARE, "at_least 70%", "72h", BAD),
    (Measure.LATEST, "", "72h", BAD),
)
"""Measure, limit, window, and the jobs of a resource that does not keep it without MISSING, and does with it."""
UNSAID: Sequence[tuple[tuple[str, ...], Job]] = (
    (EACH, {"ResourceArn": None}),
    (EACH, {"ResourceArn": ""}),
    (EACH, {"ResourceArn": None, "ResourceType": None, "BackupVaultArn": None}),
    (EACH, {"AccountId": None, "BackupVaultArn": None, "ResourceArn": None}),
    (VAULTS, {"BackupVaultArn": None}),
    (VAULTS, {"BackupVaultArn": "", "BackupVaultName": None}),
    (("BackupVaultName",), {"BackupVaultName": None}),
    (("BackupVaultName",), {"BackupVaultName": None, "BackupVaultArn": None}),
    (TYPES, {"ResourceType": None}),
    (TYPES, {"ResourceType": "", "ResourceArn": None}),
    (("ResourceArn", "BackupVaultArn"), {"BackupVaultArn": None}),
    (("ResourceArn", "BackupVaultArn"), {"ResourceArn": None}),
    (("ResourceArn", "ResourceType"), {"ResourceType": None, "ResourceArn": None}),
)
"""Groups, and what the job that they lack does not say."""
KEEPS: Sequence[tuple[tuple[str, ...], Job]] = (
    (EACH, {"ResourceArn": None, "ResourceType": "EC2"}),  # of another type
    (EACH, {"ResourceArn": None, "AccountId": OTHER_ACCOUNT}),
    (EACH, {"ResourceArn": None, "BackupVaultArn": VAULT.replace(REGION, OTHER_REGION)}),
    (VAULTS, {"BackupVaultArn": None, "BackupVaultName": "prod"}),
    (VAULTS, {"BackupVaultArn": None, "BackupVaultName": None, "AccountId": OTHER_ACCOUNT}),
    (("BackupVaultName",), {"BackupVaultName": None, "BackupVaultArn": VAULT}),
    (TYPES, {"ResourceType": None, "ResourceArn": arn("i-1")}),  # a resource of another type
    (("ResourceArn", "BackupVaultArn"), {"BackupVaultArn": None, "ResourceArn": arn("i-1")}),
    (("ResourceArn", "BackupVaultArn"), {"ResourceArn": None, "BackupVaultArn": VAULT}),
    *((per, {**unsaid, "State": "FAILED", "MessageCategory": "AccessDenied"}) for per, unsaid in UNSAID[::4]),
)
"""Groups, and a job that may not be the one they lack, as far as it says."""
PLACES = [covered(9), covered(1, account=OTHER_ACCOUNT), covered(1, region=OTHER_REGION)]


def without(job: Job, changes: Job) -> Job:
    return {name: value for name, value in {**job, **changes, "BackupJobId": "lost"}.items() if value is not None}


def judged(per: tuple[str, ...], *more: Job) -> dict[Measure, RuleResult]:
    """All rules on the groups of these fields, by measure; those on the same jobs together."""
    results: dict[Measure, RuleResult] = {}
    for own in (SHORT, BAD):
        rules = []
        for number, (measure, limit, within, jobs) in enumerate(RULES):
            if jobs is own:
                statement = Statement(expect(measure, clean(), limit, per), And(), duration(within))
                rules.append(Rule(f"r{number}", "p", statement, Qualifiers(), "", Location("p.yaml")))
        found = judge([Policy("p", "", "p.yaml", tuple(rules))], {"backup_jobs": job_list([*NIGHTS, *own, *more])}, PLACES, AS_OF, BACKEND, answers=True)
        results |= {RULES[int(result.id[1:])][0]: result for result in found}
    return results


def verdicts(per: tuple[str, ...], *more: Job) -> dict[Measure, str]:
    return {measure: result.verdict.value for measure, result in judged(per, *more).items()}


def all_say(verdict: str) -> dict[Measure, str]:
    return dict.fromkeys((measure for measure, *_ in RULES), verdict)


@each("per", dict.fromkeys(per for per, _ in UNSAID))
def test_the_tables_rest_on_groups_that_violate_without_a_job_and_not_with_it(per: tuple[str, ...]) -> None:
    assert verdicts(per) == all_say("fail")
    assert verdicts(per, MISSING) == all_say("pass")


@each(("per", "unsaid"), UNSAID)
def test_a_job_that_does_not_say_whose_it_is_may_be_the_one_that_a_group_lacks(per: tuple[str, ...], unsaid: Job) -> None:
    lacking = next(name for name in per if name in unsaid)
    for result in judged(per, without(MISSING, unsaid)).values():
        assert (result.verdict.value, result.possible) == ("inconclusive", 1)
        assert "1 job does not record its" in result.reason and lacking in result.reason and result.reason.endswith("and might be its job")
        assert {answer.answer.value for answer in result.answers} == {"undecided"}


@each(("per", "unsaid"), KEEPS)
def test_a_job_that_says_it_is_of_another_group_or_does_not_help_undoes_nothing(per: tuple[str, ...], unsaid: Job) -> None:
    assert verdicts(per, without(MISSING, unsaid)) == all_say("fail")


def test_a_job_that_is_too_old_undoes_nothing() -> None:
    assert verdicts(EACH, without(at(75, "i-2", **CLEAN, **LATE), {"ResourceArn": None})) == all_say("fail")


def test_a_job_that_says_no_time_either_may_be_of_any() -> None:
    assert verdicts(EACH, without(MISSING, {"ResourceArn": None, "CreationDate": None, "CompletionDate": None})) == all_say("inconclusive")


def test_one_job_is_not_two() -> None:
    lost = without(MISSING, {"ResourceArn": None})
    lacking = expect(Measure.COUNT, clean(), "at_least 4")
    assert said(grouped(lacking, [*NIGHTS, *SHORT, lost], within="72h")) == ("fail", ["i-1", "i-2"])  # one lacks two, one is of another type
    gap = SHORT[1:]
    assert said(grouped(expect(Measure.LONGEST_GAP, clean(), "at_most 26h"), [*NIGHTS, *gap, lost], within="72h")) == ("fail", ["i-2"])
    both = [lost, {**without(at(27, "i-2", **CLEAN, **LATE), {"ResourceArn": None}), "BackupJobId": "lost too"}]
    result = grouped(expect(Measure.LONGEST_GAP, clean(), "at_most 26h"), [*NIGHTS, *gap, *both], within="72h")
    assert result.reason.endswith("2 jobs do not record their ResourceArn and might be its jobs")


def test_a_gap_as_long_as_the_limit_keeps_it_only_at_most() -> None:
    own, lost = [at(hours, "i-2", **CLEAN, **LATE) for hours in (48, 100)], without(at(24, "i-2", **CLEAN, **LATE), {"ResourceArn": None})
    verdicts = {
        limit: grouped(expect(Measure.LONGEST_GAP, clean(), limit), [*own, lost], within="72h").verdict.value for limit in ("at_most 24h", "less_than 24h")
    }
    assert verdicts == {"at_most 24h": "inconclusive", "less_than 24h": "fail"}


def test_a_job_may_break_a_run_that_is_too_long() -> None:
    """A count over its limit stays over it, whatever else there is; a run does not."""
    failed = [at(hours, "i-2", **FAILED) for hours in (3, 27, 51, 100)]
    lost = without(at(20, "i-2", **CLEAN), {"ResourceArn": None})
    of = condition("State", "FAILED")
    assert said(grouped(expect(Measure.STREAK, of, "at_most 2"), [*failed, lost], within="72h"))[0] == "inconclusive"
    assert said(grouped(expect(Measure.STREAK, of, "at_most 1"), [*failed, lost], within="72h"))[0] == "fail"
    assert said(grouped(expect(Measure.STREAK, of, "at_most 2"), [*failed, {**lost, **at(2), **CLEAN, "ResourceArn": ""}], within="72h"))[0] == "fail"
    assert said(grouped(expect(Measure.COUNT, of, "at_most 2"), [*failed, lost], within="72h"))[0] == "fail"
    share = expect(Measure.SHARE, of, "at_most 80%")
    assert said(grouped(share, [*failed, lost], within="72h"))[0] == "inconclusive"
    assert said(grouped(share, [*failed, {**lost, **FAILED}], within="72h"))[0] == "fail"


@each("measure", [Measure.LATEST, Measure.SHARE])
def test_what_has_nothing_to_measure_may_have(measure: Measure) -> None:
    requirement = expect(measure, clean(), "" if measure is Measure.LATEST else "at_least 50%")
    old, lost = at(200, "i-2", **CLEAN, **LATE), without(MISSING, {"ResourceArn": None})
    rest: Mapping[str, Any] = {"within": "72h", "no_data": NoData.FAIL}
    assert said(grouped(requirement, [*NIGHTS, old], **rest)) == ("fail", ["i-2"])
    assert said(grouped(requirement, [*NIGHTS, old, lost], **rest)) == ("inconclusive", [])
    assert said(grouped(requirement, [*NIGHTS, old, {**lost, **FAILED}], **rest)) == ("fail", ["i-2"])  # either way


ENTRIES = [InventoryEntry(arn("i-1"), region=REGION), InventoryEntry(arn("i-2"), account=ACCOUNT, resource_type="RDS")]


@each(("changes", "expected"), [({}, "inconclusive"), ({"ResourceType": "EC2"}, "fail"), ({"AccountId": OTHER_ACCOUNT}, "fail"), (FAILED, "fail")])
def test_entries_of_an_inventory_may_have_jobs_that_do_not_say_so(changes: Job, expected: str) -> None:
    lost = without(MISSING, {"ResourceArn": None, **changes})
    requirement = expect(Measure.NEWEST, clean(), "at_most 26h", inventory="prod")
    assert grouped(requirement, [*NIGHTS, lost], inventories={"prod": ENTRIES}, coverage=PLACES).verdict.value == expected


def test_a_backup_that_runs_may_be_the_first_of_an_entry_without_a_job() -> None:
    runs = without(MISSING, {"ResourceArn": None, "MessageCategory": None, **RUNNING})
    requirement = expect(Measure.NEWEST, clean(), "at_most 26h", inventory="prod")
    given: Mapping[str, Any] = {"inventories": {"prod": ENTRIES}, "coverage": PLACES}
    assert (
        "a backup job in progress that does not record its ResourceArn, Account or Region might be its first"
        in grouped(requirement, [*NIGHTS, runs], **given).reason
    )
    assert grouped(requirement, [*NIGHTS, {**runs, "ResourceType": "EC2"}], **given).verdict.value == "fail"
    assert grouped(requirement, [*NIGHTS, {**runs, "ExpectedCompletionDate": AS_OF.timestamp() - 60}], **given).verdict.value == "fail"  # overdue
    assert grouped(requirement, [*NIGHTS, at(90, "i-2", **CLEAN, **LATE), runs], **given).verdict.value == "fail"  # not the first


def copy(job: Job, **changes: Any) -> Job:
    made = {"CopyJobId": f"c-{job['BackupJobId']}", "SourceBackupVaultArn": job["BackupVaultArn"], "DestinationBackupVaultArn": DR, **changes}
    kept = ("AccountId", "ResourceArn", "ResourceType", "CreationDate", "CompletionDate", "State", "MessageCategory", "IamRoleArn")
    return {**{name: job[name] for name in kept}, "SourceRecoveryPointArn": "p", **made}


def restore(job: Job, **changes: Any) -> Job:
    kept = ("AccountId", "BackupVaultArn", "ResourceType", "CreationDate", "CompletionDate", "PercentDone", "IamRoleArn")
    made = {"RestoreJobId": f"r-{job['BackupJobId']}", "Status": "COMPLETED", "SourceResourceArn": job["ResourceArn"], "RecoveryPointArn": "p", **changes}
    return {**{name: job[name] for name in kept}, **made}


@each(("dataset", "made", "name"), [(COPY_JOBS, copy, "ResourceArn"), (RESTORE_JOBS, restore, "SourceResourceArn")])
def test_a_list_that_was_saved_without_resources_shows_no_resource_without_a_job(dataset: Dataset, made: Any, name: str) -> None:
    backups = [*NIGHTS, MISSING]
    jobs = [{key: value for key, value in made(job).items() if key != name} for job in backups]
    # It is not new: it was backed up before the window.
    rest: Mapping[str, Any] = {"dataset": dataset, "others": {"backup_jobs": [*backups, *SHORT]}}
    of = clean(dataset)
    newest = expect(Measure.NEWEST, of, "at_most 24h")
    result = grouped(newest, jobs, **rest)
    assert result.verdict.value == "inconclusive" and name in result.reason
    assert said(grouped(newest, jobs[:4], **rest)) == ("fail", ["i-2"])  # none of these is of its type
    assert said(grouped(expect(Measure.COUNT, of, "at_least 5"), jobs, within="72h", **rest))[0] == "fail"


@each(("changes", "expected"), [({}, "inconclusive"), ({"CreatedBy": None}, "fail"), ({"AccountId": OTHER_ACCOUNT}, "fail")])
def test_a_job_on_demand_is_of_no_plan(changes: Job, expected: str) -> None:
    plan = f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-plan:"
    planned = [{**job, "CreatedBy": {"BackupPlanArn": plan + "p", "BackupPlanId": "p", "BackupRuleId": "r"}} for job in SHORT]
    lost = without(MISSING, {"CreatedBy": {"BackupRuleId": "r"}, "BackupVaultArn": None, "ResourceArn": None, **changes})
    # The other job of the list is damaged: what it lacks is unknown of it.
    gone = {name: value for name, value in lost.items() if name != "StartBy" or "CreatedBy" not in changes}
    jobs = [*planned, gone if expected == "inconclusive" else {**lost, "BackupVaultArn": VAULT, "ResourceArn": arn("i-9")}]
    requirement = expect(Measure.NEWEST, clean(), "at_most 26h", ("CreatedBy.BackupPlanArn",))
    assert grouped(requirement, jobs, coverage=PLACES).verdict.value == expected


def test_what_where_and_the_scope_leave_out_undoes_nothing() -> None:
    requirement = expect(Measure.NEWEST, clean(), "at_most 26h")
    lost = without(MISSING, {"ResourceArn": None})
    where: Condition = bound(condition("BackupVaultName", "dr"))
    assert grouped(requirement, [*NIGHTS, *SHORT, lost], where=where).verdict.value == "inconclusive"
    assert grouped(requirement, [*NIGHTS, *SHORT, {**lost, "BackupVaultName": "prod"}], where=where).verdict.value == "fail"
    far = {**lost, "AccountId": OTHER_ACCOUNT}
    assert grouped(requirement, [*NIGHTS, *SHORT, far], scope=Scope((ACCOUNT,)), coverage=PLACES).verdict.value == "fail"


def test_a_warning_that_such_a_job_could_undo_says_which_fields_it_lacks() -> None:
    warned = replace(expect(Measure.NEWEST, clean(), "at_most 40h"), warning=duration("26h"))
    result = grouped(warned, [*NIGHTS, *SHORT, without(MISSING, {"ResourceArn": None})])
    assert (result.verdict.value, result.possible) == ("inconclusive", 1)
    assert "ResourceArn" in result.reason


def test_many_groups_share_what_is_not_said() -> None:
    """500 resources without a copy and 500 copies that do not say whose they are."""
    backups = [at(50, f"i-{number}", **CLEAN) for number in range(500)]
    copies = [{key: value for key, value in copy({**job, **at(20)}).items() if key != "ResourceArn"} for job in backups]
    for measure, limit, within in ((Measure.LONGEST_GAP, "at_most 30h", "48h"), (Measure.STREAK, "at_least 1", "48h"), (Measure.SHARE, "at_least 90%", "48h")):
        result = grouped(
            expect(measure, clean(COPY_JOBS), limit), copies, dataset=COPY_JOBS, others={"backup_jobs": backups}, within=within, no_data=NoData.FAIL
        )
        assert (result.verdict.value, result.possible) == ("inconclusive", 500)
