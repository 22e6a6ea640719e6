"""Jobs that the screen calls followed, the comparison one by one calls followed: with and without it, everything that a rule says is the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS, Dataset
from policycheck.engine.evaluate import judge
from policycheck.engine.frame import build_frame
from policycheck.engine.kinds import followed_by
from policycheck.engine.links import followers
from policycheck.engine.links.definitions import LINKS
from policycheck.engine.links.findings import Follower, LinkedJobs, OtherList
from policycheck.errors import Location
from policycheck.policy.model import EVERY_JOB, Following, Policy, Qualifiers, Rule, Statement
from policycheck.records import micros
from policycheck.result import RuleResult, Verdict
from tests.backends import BACKEND
from tests.engine.cases import compare, covered, duration
from tests.engine.kinds.test_followed_by import COPIED, OTHER, POINT, backup, copied, restored
from tests.engine.lists import ACCOUNT, AS_OF, REGION, Job, ago, job_list
from tests.properties import examples

POINTS = (POINT, POINT, COPIED)


def rule(dataset: Dataset, other: Dataset, number: int = 0) -> Rule:
    following = Following(other.name, compare("ResourceType", "EC2", dataset=other), duration("6h"))
    return Rule(f"r{number}", "p", Statement(following, EVERY_JOB, duration("24h"), dataset.name), Qualifiers(), "", Location("p.yaml"))


RULES = [rule(*lists, number) for number, lists in enumerate([(BACKUP_JOBS, COPY_JOBS), (BACKUP_JOBS, RESTORE_JOBS), (COPY_JOBS, COPY_JOBS)])]


def results(lists: Mapping[str, Sequence[Job]], rules: Sequence[Rule] = RULES) -> tuple[RuleResult, ...]:
    read = [covered(data, account) for data in (BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS) for account in (ACCOUNT, OTHER)]
    held = {data.name: job_list(lists[data.name], data) for data in (BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS) if data.name in lists}
    return judge([Policy("p", "", "p.yaml", tuple(rules))], held, read, AS_OF, BACKEND, answers=True)


def _lacking(draw: st.DrawFn, record: dict[str, Any], members: Sequence[str]) -> dict[str, Any]:
    gone = draw(st.sampled_from(["", "", "", "", *members]))
    return {name: value for name, value in record.items() if name != gone}


@st.composite
def backups(draw: st.DrawFn) -> Job:
    changes = {"BackupJobId": draw(st.sampled_from(["b1", "b2", "b3"])), "RecoveryPointArn": draw(st.sampled_from(POINTS))}
    made = backup(draw(st.integers(1, 20)), **changes, AccountId=draw(st.sampled_from([ACCOUNT, ACCOUNT, OTHER])))
    return _lacking(draw, made, ["BackupJobId", "AccountId", "RecoveryPointArn", "CreationDate", "CompletionDate", "State"])


@st.composite
def copies(draw: st.DrawFn, number: int) -> Job:
    ended = draw(st.integers(0, 20))
    named = {"CreatedByBackupJobId": draw(st.sampled_from(["b1", "b2", None])), "SourceRecoveryPointArn": draw(st.sampled_from(POINTS))}
    beside = {"DestinationRecoveryPointArn": draw(st.sampled_from(POINTS)), "State": draw(st.sampled_from(["COMPLETED", "COMPLETED", "COMPLETED", "FAILED"]))}
    created = ago(hours=ended + draw(st.integers(0, 2)))
    made = copied(ended, CopyJobId=f"c{number}", CreationDate=created, AccountId=draw(st.sampled_from([ACCOUNT, ACCOUNT, OTHER])), **named, **beside)
    return _lacking(
        draw, made, ["SourceRecoveryPointArn", "DestinationRecoveryPointArn", "State", "ResourceType", "CompletionDate", "CreationDate", "AccountId"]
    )


@st.composite
def restores(draw: st.DrawFn, number: int) -> Job:
    ended = draw(st.integers(0, 20))
    made = restored(ended, RestoreJobId=f"r{number}", CreationDate=ago(hours=ended + 1), RecoveryPointArn=draw(st.sampled_from(POINTS)))
    return _lacking(draw, made, ["RecoveryPointArn", "CompletionDate", "Status"])


@st.composite
def estates(draw: st.DrawFn) -> dict[str, Sequence[Job]]:
    return {
        BACKUP_JOBS.name: draw(st.lists(backups(), min_size=1, max_size=5)),
        COPY_JOBS.name: [draw(copies(number)) for number in range(draw(st.integers(1, 6)))],
        RESTORE_JOBS.name: [draw(restores(number)) for number in range(draw(st.integers(1, 3)))],
    }


@examples(estates(), few=5, many=600)
def test_a_screen_changes_nothing_that_a_rule_says(monkeypatch: pytest.MonkeyPatch, lists: dict[str, Sequence[Job]]) -> None:
    compared = results(lists)
    with monkeypatch.context() as patch:
        patch.setattr(followed_by, "SHORT", 0)
        assert results(lists) == compared


def test_jobs_that_were_followed_are_not_compared_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the property above is about something."""
    named = [{"BackupJobId": f"b{number}", "RecoveryPointArn": point} for number, point in enumerate([COPIED, COPIED, POINT])]
    lists = {
        BACKUP_JOBS.name: [backup(9, **names) for names in named],
        COPY_JOBS.name: [
            copied(CopyJobId="c0", CreatedByBackupJobId="b0", CreationDate=ago(hours=10)),
            copied(CreatedByBackupJobId="b1"),
            copied(8, CreatedByBackupJobId=None),
        ],
    }
    monkeypatch.setattr(followed_by, "SHORT", 0)
    monkeypatch.setattr(followers, "Followers", None)
    (result,) = results(lists, RULES[:1])
    assert (result.verdict, result.examined) == (Verdict.PASS, 3)


@examples(st.lists(copies(0), min_size=1, max_size=8), few=12, many=300)
def test_what_is_said_of_followers_is_what_looking_at_each_finds(copied_jobs: list[Job]) -> None:
    jobs = job_list(copied_jobs, COPY_JOBS)
    frame = build_frame(jobs, ["ResourceType", "SourceRecoveryPointArn", "DestinationRecoveryPointArn"], micros(AS_OF), BACKEND)
    links, rows = LINKS[COPY_JOBS.name, COPY_JOBS.name], range(len(jobs))
    linked = LinkedJobs(RULES[2], jobs, rows, OtherList(frame, jobs, links), BACKEND)
    for row in rows:
        own, said = linked.of(row), linked.seen(row)
        assert all(one.row != row and one.record.SourceRecoveryPointArn == jobs.records[row].DestinationRecoveryPointArn for one in own)
        matching = [one for one in own if one.matches and one.state == "COMPLETED" and one.completed is not None]
        assert said.count == len(own)
        assert said.newest is next(iter(own), None)
        assert said.failed is next((one for one in own if one.state == "FAILED"), None)
        assert said.first is min(matching, key=lambda one: one.completed or 0, default=None)


def test_a_name_that_thousands_share_costs_no_pair_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of jobs and of findings: a hundred jobs and a hundred failed copies are looked at a few times each, and not ten thousand times."""
    jobs = [backup(9, BackupJobId=f"b{number}", ResourceArn=f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-{number}") for number in range(100)]
    failed = [copied(CopyJobId=f"c{number}", CreatedByBackupJobId=None, State="FAILED") for number in range(100)]
    looked: list[int] = []

    def follower(row: int, *values: Any) -> Follower:
        looked.append(row)
        return Follower(row, *values)

    monkeypatch.setattr("policycheck.engine.links.findings.Follower", follower)
    (result,) = results({BACKUP_JOBS.name: jobs, COPY_JOBS.name: failed}, RULES[:1])
    assert len(result.findings) == 100 and result.findings[0].message.endswith("nearest: copy job c99 FAILED, and 99 more")
    assert len(looked) == 100
