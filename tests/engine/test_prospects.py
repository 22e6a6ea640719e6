"""Whether waiting can help, rule by rule; and that no rule that was given up could have passed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policycheck.datasets import DATASETS
from policycheck.engine.context import Context
from policycheck.engine.evaluate import judge
from policycheck.engine.prospects import Prospect, foresee
from policycheck.policy.model import Policy
from policycheck.result import Basis, Coverage, RuleResult, Verdict
from tests.backends import BACKEND
from tests.engine.lists import ACCOUNT, AS_OF, REGION, Job, ago, job, job_list, load

HALF_HOUR = timedelta(minutes=30)


def observed(jobs: int = 1, as_of: datetime = AS_OF, dataset: str = "backup_jobs", **changes: Any) -> Coverage:
    entry = {"start": as_of - timedelta(days=29), "end": as_of, "jobs": jobs, "basis": Basis.OBSERVED, **changes}
    return Coverage(dataset, ACCOUNT, REGION, **entry)


def judged(policies: Sequence[Policy], jobs: Sequence[Job], as_of: datetime = AS_OF) -> tuple[tuple[RuleResult, ...], Context]:
    lists = {name: job_list(jobs if name == "backup_jobs" else [], dataset) for name, dataset in DATASETS.items()}
    context = Context(lists, [observed(len(jobs), as_of, name) for name in lists], as_of, BACKEND, {})
    return judge(policies, context.lists, context.coverage, as_of, BACKEND), context


def prospect(rule: str, jobs: Sequence[Job], folder: Path, wait: timedelta = HALF_HOUR) -> Prospect:
    policies = load(f"policy: p\nrules:\n  - {{id: r, {rule}}}\n", folder)
    results, context = judged(policies, jobs)
    (found,) = foresee(policies, results, context, AS_OF + wait)
    return found


def failed(hours: float = 2, **changes: Any) -> dict[str, Any]:
    """A job that failed so many hours ago."""
    return job(State="FAILED", CreationDate=ago(hours=hours + 1), InitiationDate=ago(hours=hours + 1), CompletionDate=ago(hours=hours), **changes)


def running(hours: float = 1, **changes: Any) -> dict[str, Any]:
    times = {"CreationDate": ago(hours=hours), "InitiationDate": ago(hours=hours), "CompletionDate": None}
    return job(**{"BackupJobId": "running", "State": "RUNNING", **times, **changes})


OLD = failed(300, BackupJobId="old")
WRONG_ROLE: dict[str, Any] = {"IamRoleArn": "arn:aws:iam::111122223333:role/Other"}
CASES = [
    # none and all: an ended job stays until it leaves the window.
    ("rule: no FAILED jobs within 24h", [failed()], False),
    ("rule: no FAILED jobs", [failed()], False),
    ("rule: no FAILED jobs within 24h", [failed(23.6)], True),
    ("rule: no FAILED jobs within 24h", [failed(23.4)], False),
    ("rule: no FAILED jobs within 20m", [failed(0.1)], True),
    ("rule: no RUNNING jobs within 24h", [running()], True),
    ("within: 24h, all: {State: COMPLETED}", [failed(), running()], False),
    ("within: 24h, all: {State: COMPLETED}", [running()], True),
    ("rule: IAM role must contain AWSBackup", [running(**WRONG_ROLE)], False),
    ("rule: duration must be at most 4h", [running(6)], False),
    ("rule: duration must be at most 4h", [running(6, State="PENDING", InitiationDate=None)], True),
    ("rule: size must be at least 1GiB", [running(BackupSizeInBytes=5)], True),
    ("rule: no FAILED jobs within 24h, no_data: fail", [failed(100)], True),
    ("rule: no FAILED jobs within 24h, clock: CreationDate", [failed(22.4)], False),
    ("rule: no FAILED jobs within 24h, clock: CreationDate", [failed(22.6)], True),
    ("within: 24h, none: {State: FAILED, CreationDate: {older_than: 1h}}", [failed()], True),
    # Recovery: once its time is over.
    ("rule: no FAILED jobs within 24h unless recovered within 1h", [failed()], False),
    # A job that says too little, and time does not tell.
    ("within: 24h, all: {Outcome: clean}", [job(MessageCategory=None)], False),
    # Nothing to judge: something may come.
    ("rule: no FAILED jobs within 24h", [failed(100)], True),
    # Groups: a later job mends what is missing, and not what is too much.
    ("rule: every resource must have a clean job within 24h", [failed()], True),
    ("rule: every resource must have at least 7 clean jobs within 8d", [failed(), OLD], True),
    ("rule: the latest job of every resource must be COMPLETED", [failed()], True),
    ("rule: at most 1 FAILED jobs per resource within 24h", [failed(), failed(3, BackupJobId="j2")], False),
    ("rule: at most 1 FAILED jobs per resource within 24h", [failed(), failed(23.6, BackupJobId="j2")], True),
    ("rule: at least 99% of jobs must be COMPLETED within 24h", [failed()], True),
    ("rule: at least 100% of jobs must be COMPLETED within 24h", [failed()], False),
    ("within: 24h, expect: {streak: {of: {State: FAILED}, at_most: 1}}", [failed(), failed(3, BackupJobId="j2")], False),
    ("within: 24h, expect: {streak: {of: {State: FAILED}, at_most: 1}}", [failed(), failed(3, BackupJobId="j2"), running(3.5)], True),
    ("rule: no resource may go longer than 6h without a COMPLETED job within 24h", [job(), OLD], False),
    ("rule: no resource may go longer than 6h without a COMPLETED job within 24h", [job(), OLD, running()], True),
    # The window's start moves on, and with it the gap that begins there shrinks.
    ("rule: no resource may go longer than 20.7h without a COMPLETED job within 24h", [job(), OLD], True),
    ("rule: every COMPLETED job must be followed by a COMPLETED copy job within 1h", [job()], False),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "jobs", "may_pass"), CASES)
def test_whether_waiting_may_help(rule: str, jobs: list[dict[str, Any]], may_pass: bool, tmp_path: Path) -> None:
    found = prospect(rule, jobs, tmp_path)
    assert found.may_pass is may_pass, found.reason
    assert found.reason


def test_the_reason_names_the_job_and_when_it_leaves(tmp_path: Path) -> None:
    found = prospect("rule: no FAILED jobs within 24h", [failed()], tmp_path)
    assert found.reason == (
        "FAILED backup job j1 of arn:aws:ec2:eu-west-1:111122223333:instance/i-1 stays in the window until 2026-11-21T04:00:00Z, and the gate ends before"
    )


def test_a_failed_job_may_recover_until_its_deadline(tmp_path: Path) -> None:
    policies = load("policy: p\nrules:\n  - {id: r, rule: no FAILED jobs within 24h unless recovered within 6h}\n", tmp_path)
    results, context = judged(policies, [failed()])
    assert results[0].pending == 1
    (found,) = foresee(policies, results, context, AS_OF + HALF_HOUR)
    assert found.may_pass


def test_a_missed_run_stays(tmp_path: Path) -> None:
    plan = {"BackupPlanId": "p1", "BackupRuleId": "r1", "BackupRuleCron": "cron(0 3 ? * * *)", "BackupPlanVersion": "v"}
    jobs = [job(BackupJobId=f"j{days}", CreationDate=ago(hours=24 * days + 3), CompletionDate=ago(hours=24 * days + 2), CreatedBy=plan) for days in (1, 3, 4)]
    assert not prospect("rule: no scheduled run may be missed within 3d", jobs, tmp_path, HALF_HOUR).may_pass
    assert prospect("rule: no scheduled run may be missed within 3d", jobs, tmp_path, timedelta(hours=50)).may_pass


EVIDENCE = [
    ("rule: no FAILED jobs within 29d", observed(complete=False, reason="throttled"), (), True),
    ("rule: no FAILED jobs within 29d", observed(complete=False, reason="denied"), [("backup_jobs", ACCOUNT, REGION)], False),
    ("rule: no FAILED jobs within 30d", observed(), (), False),
    ("rule: every resource must have a clean job within 40d", observed(), (), False),
    ("rule: no FAILED copy jobs", observed(), (), False),
    ("rule: every resource in inventory prod must have a clean job within 24h", observed(), (), False),
]


@pytest.mark.parametrize(("rule", "coverage", "refused", "may_pass"), EVIDENCE)
def test_evidence_that_may_or_will_not_come(rule: str, coverage: Coverage, refused: Sequence[tuple[str, str, str]], may_pass: bool, tmp_path: Path) -> None:
    policies = load(f"policy: p\nrules:\n  - {{id: r, {rule}}}\n", tmp_path)
    context = Context({"backup_jobs": job_list([job(MessageCategory="SUCCESS")])}, [coverage], AS_OF, BACKEND, {})
    results = judge(policies, context.lists, context.coverage, AS_OF, BACKEND)
    assert results[0].verdict is Verdict.INCONCLUSIVE
    (found,) = foresee(policies, results, context, AS_OF + HALF_HOUR, refused)
    assert found.may_pass is may_pass, found.reason


def test_rules_that_pass_have_no_prospects(tmp_path: Path) -> None:
    policies = load("policy: p\nrules:\n  - {id: r, rule: no FAILED jobs}\n", tmp_path)
    results, context = judged(policies, [job()])
    assert foresee(policies, results, context, AS_OF + HALF_HOUR) == ()


# --- no rule that is given up could have passed ---

RULES = [
    *sorted({rule for rule, *_ in CASES}),
    "none: {IamRoleArn: {contains: Other}}, within: 3h",
    "within: 5h, expect: {count: {of: {IamRoleArn: {contains: Other}}, at_most: 1}}",
    "within: 5h, expect: {count: {of: {State: [FAILED, RUNNING]}, at_most: 1}}",
    "within: 5h, expect: {share: {of: {State: FAILED}, at_most: 0%}}",
    "within: 3h, expect: {streak: {of: {State: COMPLETED}, at_most: 1}}, no_data: quiet",
    "rule: no FAILED jobs within 3h, no_data: pass",
    "rule: no FAILED jobs within 3h unless recovered within 1h, no_data: pass",
    "rule: no EXPIRED jobs within 2h, clock: StartBy",
]


@cache
def every_rule() -> tuple[Policy, ...]:
    listed = "".join(f"  - {{id: r{number}, {rule}}}\n" for number, rule in enumerate(RULES))
    with TemporaryDirectory() as folder:
        return load(f"policy: p\nrules:\n{listed}", Path(folder))


ENDS = st.sampled_from(["COMPLETED", "FAILED", "EXPIRED", "ABORTED"])
ROLES = st.sampled_from(["arn:aws:iam::111122223333:role/AWSBackup", WRONG_ROLE["IamRoleArn"]])


def moments(first: float, last: float) -> st.SearchStrategy[float]:
    """Hours before as_of, in quarters."""
    return st.integers(round(first * 4), round(last * 4)).map(lambda quarters: quarters / 4)


@st.composite
def ended(draw: st.DrawFn, record: dict[str, Any], earliest: float, latest: float) -> dict[str, Any]:
    """A job with an end, between these hours before as_of."""
    category = draw(st.sampled_from(["SUCCESS", "AccessDenied", None]))
    return {**record, "State": draw(ENDS), "CompletionDate": ago(hours=draw(moments(latest, earliest))), **({"MessageCategory": category} if category else {})}


@st.composite
def past_job(draw: st.DrawFn, number: int) -> dict[str, Any]:
    created = draw(moments(0.25, 30))
    resource = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-{draw(st.integers(1, 2))}"
    times = {"CreationDate": ago(hours=created), "InitiationDate": ago(hours=created), "StartBy": ago(hours=created - 1), "CompletionDate": None}
    record = job(BackupJobId=f"j{number}", ResourceArn=resource, IamRoleArn=draw(ROLES), State="RUNNING", **times)
    if draw(st.integers(0, 3)):
        return draw(ended(record, created, 0))
    return record


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]], timedelta, timedelta]:
    """Jobs as they are now, and as they are at a later moment: how much later, and how long the gate still waits."""
    now = [draw(past_job(number)) for number in range(draw(st.integers(1, 6)))]
    after = draw(moments(0.25, 3))
    wait = after + draw(moments(0, 1))
    later = [draw(ended(record, -0.25, -after)) if record["State"] == "RUNNING" and draw(st.booleans()) else record for record in now]
    for number in range(draw(st.integers(0, 3))):
        created = -draw(moments(0.25, after))
        times = {"CreationDate": ago(hours=created), "InitiationDate": ago(hours=created), "StartBy": ago(hours=created - 1), "CompletionDate": None}
        made = job(BackupJobId=f"n{number}", IamRoleArn=draw(ROLES), State="RUNNING", **times)
        later.append(draw(ended(made, created, -after)) if draw(st.booleans()) else made)
    return now, later, timedelta(hours=after), timedelta(hours=wait)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(histories())
def test_what_is_given_up_does_not_pass_later_whatever_happens(history: tuple[list[dict[str, Any]], list[dict[str, Any]], timedelta, timedelta]) -> None:
    now, later, after, wait = history
    results, context = judged(every_rule(), now)
    given_up = {found.rule: found.reason for found in foresee(every_rule(), results, context, AS_OF + wait) if not found.may_pass}
    then = {result.id: result.verdict for result in judged(every_rule(), later, AS_OF + after)[0]}
    passed = {rule: reason for rule, reason in given_up.items() if then[rule] not in {Verdict.FAIL, Verdict.INCONCLUSIVE}}
    assert passed == {}, [RULES[int(rule[1:])] for rule in passed]
