"""Results that the tests of every format share: one of each kind of run, and arbitrary ones."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from policycheck.answers import Answer, SubjectAnswer
from policycheck.baseline import compare
from policycheck.control_matrix import ControlMatrix, MatrixControl
from policycheck.errors import Location
from policycheck.history import AgeLimit, CauseDays, DayOutcome, History, ResourceDays
from policycheck.job_records import SavedJob
from policycheck.population import Covered, InputFile, NewestJob, Population, Reconciliation, Resource
from policycheck.reasons import told
from policycheck.result import (
    Basis,
    Breach,
    Coverage,
    Finding,
    LeftOutRule,
    PolicyInfo,
    Result,
    RuleResult,
    Severity,
    Universe,
    Verdict,
    Waiver,
    WaiverStatus,
    WaiverUse,
)
from policycheck.text import clean, clean_line
from tests.hostile import CORPUS

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
PATH = "policies/production.yaml"
SOURCE_LINES = {
    (PATH, 12): "  - id: no-failed-ec2",
    (PATH, 19): "  - id: rpo-rds",
    (PATH, 25): "  - {id: iam-role, rule: IAM role must contain AWSBackup}",
    (PATH, 30): "  - id: copied",
}
HOSTILE = (
    "::error::x ##[error]y \x1b[31mred\x1b[0m \x9b2J [text](javascript:1) ![i](http://h/i.png) {0} @octocat #1 https://example.com/x www.example.com "
    "<script>alert(1)</script> &amp; `a` ``b`` | \\| ]]> <![CDATA[ {{ 7*7 }} {% raw %} \u202e\u200b\ufffe\x00 end"
)


def make_finding(name: str = "i-0abc", **changes: object) -> Finding:
    account, region = changes.get("account", "111122223333"), changes.get("region", "eu-west-1")
    finding = Finding(
        rule="no-failed-ec2",
        policy="prod-backups",
        severity=Severity.HIGH,
        account="111122223333",
        region="eu-west-1",
        subject=f"arn:aws:ec2:{region}:{account}:instance/{name}",
        message="1 FAILED job, the last 3 h ago",
        jobs=("6E2C0F1A-0000-4000-8000-000000000001",),
        resource_type="EC2",
    )
    return replace(finding, **changes)  # type: ignore[arg-type]  # a test may set any member


def make_job(name: str) -> SavedJob:
    return SavedJob(name, {"BackupJobId": name, "State": "FAILED", "PercentDone": "0.0"})


def make_rule(*, reason: str = "", **changes: object) -> RuleResult:
    rule = RuleResult(
        id="no-failed-ec2",
        policy="prod-backups",
        sentence="no FAILED EC2 jobs in vault prod within 24h",
        severity=Severity.HIGH,
        verdict=Verdict.PASS,
        location=Location(PATH, 12, 5, 12, 22),
        examined=41,
        subjects=12,
        lists=("backup_jobs",),
        title="Failed EC2 backups",
        reasons=told(reason),
    )
    return replace(rule, **changes)  # type: ignore[arg-type]  # as above


def make_coverage(**changes: object) -> Coverage:
    entry = Coverage(
        dataset="backup_jobs",
        account="111122223333",
        region="eu-west-1",
        start=AS_OF - timedelta(days=30),
        end=AS_OF,
        jobs=412,
        basis=Basis.OBSERVED,
        source="ListBackupJobs",
    )
    return replace(entry, **changes)  # type: ignore[arg-type]  # as above


def make_result(*rules: RuleResult, **changes: object) -> Result:
    result = Result(
        as_of=AS_OF,
        tool_version="1.2.3",
        policies=(PolicyInfo("prod-backups", "Production backups", PATH),),
        rules=rules,
        coverage=(make_coverage(),),
        not_seen=(),
        jobs=412,
    )
    return replace(result, **changes)  # type: ignore[arg-type]  # as above


def mixed() -> Result:
    """Every verdict, waived and open findings in one rule, two accounts, a gap in the evidence."""
    waiver = Waiver("decommissioned on 2026-12-01", "platform@example.com", "2026-11-18", "2026-12-01", "OPS-1234")
    denied = "kms_key"
    uses = (
        WaiverUse("prod-backups", "no-failed-ec2", waiver, WaiverStatus.IN_FORCE, 11, 1, Location("waivers.yaml", 2, 5)),
        WaiverUse("prod-backups", "no-failed-ec2", replace(waiver, expires="2026-11-19"), WaiverStatus.EXPIRED, -1, 2, Location("waivers.yaml", 9, 5)),
        WaiverUse("prod-backups", "no-failed-ec2", replace(waiver, granted="2026-11-21"), WaiverStatus.NOT_YET, 30, 0, Location("waivers.yaml", 16, 5)),
        WaiverUse("prod-backups", "no-failed-ec2", replace(waiver, expires="2027-06-01"), WaiverStatus.IN_FORCE, 193, 0, Location("waivers.yaml", 23, 5)),
        WaiverUse("prod-backups", "no-failed-ec2", replace(waiver, expires="2027-06-01"), WaiverStatus.IN_FORCE, 193, 0, Location("waivers.yaml", 30, 5)),
    )
    failed = make_rule(
        verdict=Verdict.FAIL,
        read_from="no failed EC2 backups in vault prod in the last 24 hours",
        waivers=uses,
        findings=(
            make_finding("i-0abc", cause=denied, evidence=(make_job("6E2C0F1A-0000-4000-8000-000000000001"),)),
            make_finding(
                "i-0def01234567890", message="2 FAILED jobs, the last 9 h ago", cause=denied, jobs=("a-1", "b-2"), account="444455556666", account_name="shop"
            ),
            make_finding("i-0fff", waiver=waiver, account="444455556666", account_name="shop"),
        ),
        why="A failed job leaves the instance without a restore point for the day.",
        fix="Grant the backup role kms:CreateGrant on the key; AWS Backup does not retry a failed job.",
        url="https://docs.aws.amazon.com/aws-backup/latest/devguide/monitoring.html",
        controls={"nist-800-53": ("CP-9",), "soc2": ("A1.2",)},
        tags=("ec2",),
    )
    rpo = make_rule(
        id="rpo-rds",
        title="",
        sentence="every RDS resource must have a clean job within 36h",
        severity=Severity.MEDIUM,
        verdict=Verdict.FAIL,
        location=Location(PATH, 19, 5, 19, 16),
        universe=Universe("backup jobs", datetime(2026, 10, 24, tzinfo=UTC), 82),
        findings=(
            make_finding(
                rule="rpo-rds",
                severity=Severity.MEDIUM,
                subject="arn:aws:rds:eu-west-1:111122223333:db:orders-production-replica-number-two-of-three",
                message="newest clean job is 41 h old, limit 36 h",
                cause="no_job",
                details=("missed run 2026-11-18T05:00:00Z", "missed run 2026-11-19T05:00:00Z"),
                jobs=(),
                resource_type="RDS",
            ),
        ),
        answers=tuple(
            SubjectAnswer("111122223333", "eu-west-1", f"arn:aws:rds:eu-west-1:111122223333:db:{name}", answer, *told)
            for name, answer, *told in [
                ("orders", Answer.PASS, "26 h", "10 h within", "6E2C0F1A-0000-4000-8000-000000000002"),
                ("orders-production-replica-number-two-of-three", Answer.FAIL, "41 h", "5 h outside", "6E2C0F1A-0000-4000-8000-000000000003"),
                ("young", Answer.PENDING, "no such job", "", ""),
            ]
        ),
        limit="at most 36h",
        undecided=2,
        pending=1,
        fix="Check that the plan still selects the instance.",
    )
    inconclusive = make_rule(
        id="iam-role",
        title="Backups run under our role",
        sentence="IAM role must contain AWSBackup",
        severity=Severity.LOW,
        verdict=Verdict.INCONCLUSIVE,
        location=Location(PATH, 25, 5, 25, 63),
        reasons=told("the coverage of 444455556666/us-east-1 ends at 2026-11-19T00:00:00Z, 36 h before the window does"),
        possible=3,
    )
    waived = make_rule(
        id="copied",
        title="",
        sentence="every clean RDS job must be followed by a COMPLETED copy job within 6h",
        verdict=Verdict.WAIVED,
        location=Location(PATH, 30, 5, 30, 15),
        findings=(make_finding("db-1", rule="copied", waiver=replace(waiver, ticket=""), message="not copied within 6 h"),),
    )
    skipped = make_rule(
        id="s3", sentence="no FAILED S3 jobs within 7d", verdict=Verdict.SKIPPED, examined=0, subjects=0, reasons=told("no S3 job, and no_data is skip")
    )
    passed = make_rule(id="no-expired", title="", sentence="no EXPIRED jobs within 7d", severity=Severity.CRITICAL, location=Location(PATH, 40, 5, 40, 20))
    passed = replace(passed, breach=Breach(AS_OF + timedelta(hours=3, minutes=10), "arn:aws:rds:eu-west-1:111122223333:db:orders"))
    coverage = (
        make_coverage(),
        make_coverage(account="444455556666", jobs=0),
        make_coverage(
            account="444455556666", region="us-east-1", jobs=7, end=AS_OF - timedelta(hours=36), complete=False, reason="AccessDeniedException on page 3"
        ),
        make_coverage(
            dataset="copy_jobs",
            source="copies.json",
            basis=Basis.ASSERTED,
            jobs=20,
            evidence=(AS_OF - timedelta(days=30, hours=-25), AS_OF - timedelta(hours=1)),
            gaps=((AS_OF - timedelta(days=20), AS_OF - timedelta(days=18)),),
            files=("copies.json",),
        ),
    )
    history = History(
        start=datetime(2026, 11, 14, tzinfo=UTC),
        days=7,
        resources=212,
        rows=(
            ResourceDays("111122223333", "eu-west-1", "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc", tuple(map(DayOutcome, "ccicmff"))),
            ResourceDays("444455556666", None, "arn:aws:s3:::invoices", tuple(map(DayOutcome, "uuucnou"))),
        ),
        limits=(AgeLimit("prod-backups", "rpo-rds", 36 * 3_600_000_000), AgeLimit("prod-backups", "weekly", 14 * 86_400_000_000)),
        causes=tuple(CauseDays(cause, (0, 0, 1, 0, 0, 2, number)) for number, cause in enumerate(["kms_key", "vss", "other", "quota", "a", "b", "c"])),
        undated=1,
    )
    left_out = (LeftOutRule("prod-backups", "restored", {"soc2": ("A1.3",)}),)
    not_seen = ("777788889999: declared, but no job of it was read", "copies.json does not record how it was made: that it is complete is asserted")
    return make_result(
        failed,
        rpo,
        inconclusive,
        waived,
        skipped,
        passed,
        coverage=coverage,
        not_seen=not_seen,
        jobs=439,
        history=history,
        left_out=left_out,
        population=make_population(),
    )


def make_population() -> Population:
    """Two days, a resource, two jobs, a file."""
    database = "arn:aws:rds:eu-west-1:111122223333:db:orders"
    day = Reconciliation("backup_jobs", "111122223333", "eu-west-1", "2026-11-18", 14, 2, 12, 9, 2, 1, Covered.WHOLE, ("6E2C0F1A-0000-4000-8000-000000000002",))
    return Population(
        reconciliation=(day, replace(day, day="2026-11-19", records=6, repeated=0, jobs=6, evaluated=6, out_of_scope=0, unusable=0, covered=Covered.PART)),
        newest_jobs=(
            NewestJob("6E2C0F1A-0000-4000-8000-000000000002", "6E2C0F1A-0000-4000-8000-000000000002", "COMPLETED", "2026-11-19T10:00:00Z"),
            NewestJob("6E2C0F1A-0000-4000-8000-000000000003", "6E2C0F1A-0000-4000-8000-000000000003", "FAILED", "2026-11-19T05:00:00Z"),
        ),
        resources=(Resource("111122223333", "eu-west-1", database, "RDS", "orders"),),
        account_names={"111122223333": "production"},
        inputs=(InputFile("copies.json", "c0" * 32),),
    )


def empty() -> Result:
    """Nothing was judged."""
    return make_result(policies=(), coverage=(), jobs=0, not_seen=("no job list was given",))


def clean_run() -> Result:
    """Every rule passed, on lists whose completeness the user asserts."""
    passed = make_rule(), make_rule(id="no-expired", title="", sentence="no EXPIRED jobs within 7d", examined=412)
    return make_result(*passed, coverage=(make_coverage(source="jobs.json", basis=Basis.ASSERTED),))


def hostile() -> Result:
    """Text that tries to be a command, an escape code, a link or markup, in every place that takes text."""
    bad = HOSTILE
    waiver = Waiver(bad, bad, "2026-11-18", bad, bad)
    findings = (
        make_finding(rule=bad, policy=bad, subject=bad, message=bad, cause=bad, jobs=(bad,), resource_type=bad, evidence=(SavedJob(bad, {bad: bad}),)),
        make_finding(rule=bad, policy=bad, subject=f"{bad}2", message=bad, account=bad, region=bad, waiver=waiver),
        make_finding(rule=bad, policy=bad, subject="", message="", account=None, region=None),
    )
    texts: dict[str, Any] = {"id": bad, "policy": bad, "sentence": bad, "reasons": told(bad), "title": bad, "why": bad, "fix": bad, "url": f"https://{bad}"}
    more: dict[str, Any] = {
        "universe": Universe(bad, None, 2),
        "breach": Breach(AS_OF, bad),
        "notes": (bad,),
        "read_from": bad,
        "answers": (SubjectAnswer(bad, bad, bad, Answer.FAIL),),
    }
    location = Location(f"::error file={bad}", 3, 1, 3, 5)
    failed = make_rule(verdict=Verdict.FAIL, findings=findings, location=location, controls={bad: (bad,)}, tags=(bad,), **texts, **more)
    unsure = make_rule(**{**texts, "id": f"{bad}2"}, verdict=Verdict.INCONCLUSIVE, location=location)
    return make_result(
        failed,
        unsure,
        policies=(PolicyInfo(bad, bad, bad),),
        coverage=(make_coverage(dataset=bad, account=bad, region=bad, source=bad, reason=bad, complete=False),),
        not_seen=(bad,),
        tool_version=bad,
        frameworks=(bad,),
        left_out=(LeftOutRule(bad, bad, {bad: (bad,)}),),
        matrices=(ControlMatrix(bad, bad, bad, (MatrixControl(bad, bad, bad, bad, rules=(bad, f"{bad}3")), MatrixControl(f"{bad}4", bad))),),
        history=History(AS_OF.replace(hour=0), 1, 1, (ResourceDays(bad, bad, bad, (DayOutcome.FAILED,)),), (AgeLimit(bad, bad, 1),), (CauseDays(bad, (1,)),)),
    )


def compared() -> Result:
    """The mixed run against an earlier one: findings that are new, unchanged, gone, waived since and not seen, a Region and a rule that are lost."""
    now = mixed()
    failed, rpo, inconclusive, waived, *_ = now.rules
    before = (
        replace(failed, findings=(failed.findings[0], make_finding("i-0aaa"), make_finding("i-0bbb", account="444455556666", region="us-east-1")), waivers=()),
        replace(rpo, sentence="every RDS resource must have a clean job within 48h", findings=(), verdict=Verdict.INCONCLUSIVE, reasons=told("no list")),
        replace(inconclusive, verdict=Verdict.FAIL, findings=(make_finding("i-0ccc", rule="iam-role", severity=Severity.LOW),), reasons=(), possible=0),
        replace(waived, verdict=Verdict.FAIL, findings=tuple(replace(found, waiver=None) for found in waived.findings)),
        make_rule(id="removed", sentence="no ABORTED jobs within 7d", title="", verdict=Verdict.FAIL, findings=(make_finding("i-0ddd", rule="removed"),)),
    )
    coverage = (*now.coverage, make_coverage(region="ap-south-1"))
    then = replace(now, as_of=AS_OF - timedelta(days=1), rules=before, coverage=coverage, history=None, left_out=(), population=Population())
    return compare(now, then, source="last.json", fail_on_new=True)


CASES = {"mixed": mixed, "empty": empty, "clean": clean_run, "hostile": hostile, "compared": compared}

_NASTY = st.text(st.sampled_from(string.printable + "\x00\x1b\x9b\u202e\ufffe\ud800\u00e9\u4e2d\u0301::##[]()`|\\"), max_size=30)
any_text = st.one_of(_NASTY, st.text(max_size=20), st.just(""), st.sampled_from([HOSTILE, *(text for text in CORPUS.values() if len(text) < 1000)]))
names = st.one_of(st.text(string.ascii_lowercase, min_size=1, max_size=8), any_text)
_counts = st.integers(0, 10_000)
_times = st.datetimes(datetime(1971, 1, 1), datetime(2299, 1, 1), timezones=st.just(UTC)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)
)
"""In whole milliseconds, which is what reports say."""
_intervals = st.tuples(_times, _times).map(lambda times: (min(times), max(times)))
_waivers = st.builds(Waiver, any_text, any_text, any_text, any_text, any_text)
_json = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | any_text, lambda inner: st.lists(inner, max_size=2), max_leaves=3)
_job_tables = st.dictionaries(any_text.map(clean), st.dictionaries(any_text, _json, max_size=2), max_size=4).map(
    lambda jobs: [SavedJob(key, fields) for key, fields in jobs.items()]
)
_lines = any_text.map(clean_line)
_answers = st.lists(
    st.builds(SubjectAnswer, st.none() | _lines, st.none() | _lines, _lines, st.sampled_from(Answer), _lines, _lines, _lines),
    max_size=3,
    unique_by=lambda answer: (answer.account or "", answer.region or "", answer.subject),
).map(lambda answers: tuple(sorted(answers, key=lambda answer: (answer.account or "", answer.region or "", answer.subject))))


@st.composite
def rules(draw: st.DrawFn, jobs: list[SavedJob]) -> RuleResult:
    """A rule whose verdict fits its findings, which are about some of these jobs; everything else is arbitrary."""
    identifier, policy, severity = draw(names), draw(names), draw(st.sampled_from(Severity))
    found = draw(
        st.lists(
            st.builds(
                Finding,
                rule=st.just(identifier),
                policy=st.just(policy),
                severity=st.just(severity),
                account=st.none() | any_text,
                region=st.none() | any_text,
                subject=any_text,
                message=any_text,
                jobs=st.lists(any_text, max_size=3).map(tuple),
                cause=st.none() | any_text,
                resource_type=st.none() | any_text,
                evidence=st.lists(st.sampled_from(jobs), max_size=2).map(tuple) if jobs else st.just(()),
                unnamed=st.integers(0, 3),
                waiver=st.none() | _waivers,
                identity=st.dictionaries(any_text, st.none() | any_text, max_size=2),
                account_name=st.none() | any_text,
                details=st.lists(any_text, max_size=2).map(tuple),
            ),
            max_size=4,
        )
    )
    if any(finding.waiver is None for finding in found):
        verdict = Verdict.FAIL
    elif found:
        verdict = draw(st.sampled_from([Verdict.WAIVED, Verdict.INCONCLUSIVE]))
    else:
        verdict = draw(st.sampled_from([Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.SKIPPED]))
    line, column = draw(st.integers(1, 50)), draw(st.integers(1, 50))
    return RuleResult(
        id=identifier,
        policy=policy,
        sentence=draw(any_text),
        severity=severity,
        verdict=verdict,
        location=Location(draw(any_text), line, column, line + draw(st.integers(0, 2)), column + draw(st.integers(0, 20))),
        reasons=told(draw(any_text)),
        examined=draw(_counts),
        undecided=draw(_counts),
        universe=draw(st.none() | st.builds(Universe, any_text, st.none() | _times, _counts, st.booleans())),
        breach=draw(st.none() | st.builds(Breach, _times, any_text)),
        notes=draw(st.lists(any_text, max_size=2).map(tuple)),
        findings=tuple(found),
        answers=draw(_answers),
        waivers=draw(
            st.lists(
                st.builds(
                    WaiverUse,
                    any_text,
                    any_text,
                    _waivers,
                    st.sampled_from(WaiverStatus),
                    st.integers(-400, 400),
                    _counts,
                    st.builds(Location, any_text, _counts, _counts),
                ),
                max_size=2,
            ).map(tuple)
        ),
        title=draw(any_text),
        why=draw(any_text),
        fix=draw(any_text),
        url=draw(any_text),
        controls=draw(st.dictionaries(any_text, st.lists(any_text, max_size=2).map(tuple), max_size=2)),
        tags=draw(st.lists(any_text, max_size=3).map(tuple)),
    )


coverages = st.builds(
    Coverage,
    dataset=any_text,
    account=st.none() | any_text,
    region=st.none() | any_text,
    start=st.none() | _times,
    end=st.none() | _times,
    jobs=_counts,
    complete=st.booleans(),
    basis=st.sampled_from(Basis),
    source=any_text,
    reason=any_text,
    gaps=st.lists(_intervals, max_size=2).map(tuple),
    evidence=st.none() | _intervals,
)
_cells = st.builds(Population, **{
    "reconciliation": st.lists(st.builds(
        Reconciliation, any_text, st.none() | any_text, st.none() | any_text, st.none() | any_text, *[_counts] * 6, st.sampled_from(Covered), st.just(())
    ), max_size=2).map(tuple),
    "newest_jobs": st.lists(st.builds(NewestJob, any_text, any_text, st.none() | any_text, any_text), max_size=2).map(tuple),
    "resources": st.lists(st.builds(Resource, *[st.none() | any_text] * 2, any_text, *[st.none() | any_text] * 2), max_size=2).map(tuple),
    "account_names": st.dictionaries(any_text, any_text, max_size=2),
    "inputs": st.lists(st.builds(InputFile, any_text, st.just("0f" * 32)), max_size=2).map(tuple),
})  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> History:
    """A history that says one thing of each of its days."""
    days = draw(st.integers(1, 4))
    told = st.lists(st.sampled_from(DayOutcome), min_size=days, max_size=days).map(tuple)
    numbers = st.lists(st.integers(0, 99), min_size=days, max_size=days).map(tuple)
    rows = draw(st.lists(st.builds(ResourceDays, st.none() | any_text, st.none() | any_text, any_text, told), max_size=3))
    limits = draw(st.lists(st.builds(AgeLimit, any_text, any_text, st.integers(0, 2**62)), max_size=2))
    causes = draw(st.lists(st.builds(CauseDays, any_text, numbers), max_size=8))
    return History(draw(_times), days, len(rows) + draw(st.integers(0, 9)), tuple(rows), tuple(limits), tuple(causes), draw(_counts))


_matrix_controls = st.builds(MatrixControl, _lines, any_text, any_text, any_text, st.booleans(), st.lists(any_text, max_size=2).map(tuple))
_matrices = st.builds(ControlMatrix, _lines, any_text, any_text, st.lists(_matrix_controls, max_size=3, unique_by=lambda one: one.id).map(tuple), any_text)
_controls = st.dictionaries(any_text, st.lists(any_text, max_size=2).map(tuple), max_size=2)
results = st.builds(
    Result,
    population=_cells,
    as_of=_times,
    tool_version=any_text,
    policies=st.lists(st.builds(PolicyInfo, names, any_text, any_text), max_size=2).map(tuple),
    rules=_job_tables.flatmap(lambda jobs: st.lists(rules(jobs), max_size=4, unique_by=lambda rule: (rule.policy, rule.id))).map(tuple),
    coverage=st.lists(coverages, max_size=3).map(tuple),
    not_seen=st.lists(any_text, max_size=3).map(tuple),
    jobs=_counts,
    fail_on=st.none() | st.sampled_from(Severity),
    scope_uncovered=st.booleans(),
    frameworks=st.lists(any_text, max_size=2).map(tuple),
    left_out=st.lists(st.builds(LeftOutRule, any_text, any_text, _controls), max_size=2).map(tuple),
    matrices=st.lists(_matrices, max_size=2, unique_by=lambda matrix: matrix.framework).map(tuple),
    history=st.none() | histories(),
)
