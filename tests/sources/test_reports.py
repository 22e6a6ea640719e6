"""Job reports of AWS Backup: what they say, what they cover, and what they leave open."""

from __future__ import annotations

import codecs
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS, DATASETS, Dataset
from policycheck.errors import JobFileError
from policycheck.pipeline import run
from policycheck.policy.load import load_policies
from policycheck.policy.model import Policy
from policycheck.records import api_fields
from policycheck.result import Result
from policycheck.sources.contents import read_text
from policycheck.sources.files import read_parts
from policycheck.sources.interface import Evidence
from policycheck.sources.report_rows import is_report
from policycheck.sources.reports import read_report
from tests.backends import BACKEND
from tests.properties import examples
from tests.samples import sample
from tests.sources.job_reports import COLUMNS, DAY, FORMS, Row, as_csv, as_json, daily, row, spell
from tests.sources.loopback import ACCOUNT, OTHER, REGION, job
from tests.tables import each

END = datetime(2026, 3, 1, tzinfo=UTC)
START = END - DAY
PLACE = (ACCOUNT, REGION)


def ended(number: int, **members: Any) -> dict[str, Any]:
    """A job of the day before `END`; jobs of loopback are created some minutes before noon of the next."""
    return job(13 * 60 + number, **members)


def one(job: Mapping[str, Any], start: datetime = START, end: datetime = END) -> Row:
    return row(BACKUP_JOBS, job, start, end)


def without(found: Row, *columns: str) -> Row:
    return {key: value for key, value in found.items() if key not in columns}


def read(*texts: bytes, as_of: datetime = END, covers: tuple[datetime, datetime] | None = None) -> Evidence:
    return read_parts([(f"r{number}", text) for number, text in enumerate(texts)], as_of=as_of, covers=covers)


def records(evidence: Evidence, dataset: Dataset = BACKUP_JOBS) -> list[dict[str, Any]]:
    return [api_fields(dataset, record) for record in evidence.lists[dataset.name].records]


def refusal(text: bytes) -> str:
    with pytest.raises(JobFileError) as caught:
        read(read_text(text))
    return caught.value.message


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., list[Policy]]:
    def load_rules(*rules: str) -> list[Policy]:
        path = tmp_path / "p.yaml"
        path.write_text("policy: p\nrules:\n" + "".join(f"  - {{id: r{number}, rule: '{rule}'}}\n" for number, rule in enumerate(rules)))
        return list(load_policies([(path, "p.yaml")], {}))

    return load_rules


def judge(policies: Sequence[Policy], evidence: Evidence, as_of: datetime = END) -> Result:
    return run(policies, evidence, as_of=as_of, fail_on=None, backend=BACKEND)


# --- what they say ---


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dataset", [DATASETS[name] for name in COLUMNS], ids=str)
def test_a_report_says_of_a_job_what_the_api_says(dataset: Dataset, form: str) -> None:
    as_of = datetime(2026, 11, 20, tzinfo=UTC)
    jobs: list[Mapping[str, Any]] = [job for listed in sample(as_of).jobs(dataset).values() for job in listed[:40]]
    start = as_of - 40 * DAY
    texts = FORMS[form]([row(dataset, dict(job), start, as_of) for job in jobs])
    told = {"AccountId", *COLUMNS[dataset.name]}
    for found, listed in zip(records(read(texts, as_of=as_of + DAY), dataset), jobs, strict=True):
        kept: dict[str, Any] = {}
        for name, value in read_as_api(dataset, listed).items():
            parts = {tail: part for tail, part in value.items() if f"{name}.{tail}" in told} if isinstance(value, dict) and name not in told else value
            if name in told or (isinstance(value, dict) and parts):
                kept[name] = parts
        if "CreatedBy" in kept and "BackupPlanArn" in kept["CreatedBy"]:
            kept["CreatedBy"]["BackupPlanId"] = listed["CreatedBy"]["BackupPlanId"]
        state = dataset.state_field
        if listed[state] in dataset.in_progress:  # the report is of a time before as_of
            kept.pop(state)
        assert found == kept


def read_as_api(dataset: Dataset, job: Mapping[str, Any]) -> dict[str, Any]:
    return records(read_parts([("api", json.dumps({dataset.result_key: [job]}).encode())], as_of=END + 365 * DAY, covers=None), dataset)[0]


ROWS = [one(ended(1, ResourceName='Größe, "quoted",\nand more')), one(ended(2, State="FAILED", CompletionDate=END.timestamp() - 60))]
TEXTS: Mapping[str, bytes] = {
    "JSON": as_json(ROWS),
    "JSON, one line, with BOM": codecs.BOM_UTF8 + json.dumps({"reportItems": ROWS}).encode(),
    "two JSON reports, one after the other": as_json(ROWS[:1]) + b"\n" + as_json(ROWS[1:]),
    "CSV": as_csv(ROWS),
    "CSV with CRLF and BOM": codecs.BOM_UTF8 + as_csv(ROWS, "\r\n"),
    "CSV in gzip": gzip.compress(as_csv(ROWS)),
    "CSV in UTF-16": as_csv(ROWS).decode().encode("utf-16"),
    "CSV with a blank line at its end": as_csv(ROWS) + b"\n",
    "CSV in snake case": as_csv([{"".join(f"_{c.lower()}" if c.isupper() else c for c in key): value for key, value in one.items()} for one in ROWS]),
    "CSV with titles": as_csv([{"".join(f" {c}" if c.isupper() else c for c in key).title(): value for key, value in one.items()} for one in ROWS]),
    "the names of 2021": as_csv(
        [{"reportTimePeriod": f"{spell(START)} - {spell(END)}", **without(one, "reportTimePeriodStart", "reportTimePeriodEnd")} for one in ROWS]
    ),
}


@each("name", TEXTS)
def test_a_report_is_recognized_by_content(name: str) -> None:
    text = read_text(TEXTS[name])
    assert is_report(text)
    found = read(text)
    assert records(found) == records(read(TEXTS["JSON"]))
    assert [(entry.start, entry.end) for entry in found.coverage] == [(START, END)]


def test_other_lists_are_no_reports() -> None:
    texts = (b'{"BackupJobs": []}', b"BackupJobs:\n- BackupJobId: a, b\n", b"a,b\n1,2\n", b"accountId,backupJobId,State\n", b"[]", b"{}", b"x", b"\xff,\xfe\n")
    assert not any(map(is_report, texts))


def test_a_job_without_a_plan_has_none_and_a_plan_has_the_id_in_its_arn() -> None:
    found = read(as_json([one(ended(1)), one(ended(2, CreatedBy=None))]))
    planned, on_demand = found.lists["backup_jobs"].told
    assert records(found)[0]["CreatedBy"]["BackupPlanId"] == "2f9d3c0e-0000-4000-8000-000000000001"
    assert "CreatedBy.BackupPlanVersion" not in planned.told
    assert {"CreatedBy", "CreatedBy.BackupPlanId", "CreatedBy.BackupPlanVersion"} <= on_demand.told


def test_an_empty_column_says_that_there_is_none_and_a_missing_one_nothing() -> None:
    whole = read(as_csv([one(ended(1, ParentJobId=None, RecoveryPointLifecycle=None))])).lists["backup_jobs"].told[0]
    assert {"ParentJobId", "IsParent", "BackupOptions.WindowsVSS", "EncryptionKeyArn"} <= whole.told
    # Whether a job keeps for ever, or has no lifecycle at all, empty columns do not say; nor does a report that a job is without issues.
    assert whole.told.isdisjoint({"StatusMessage", "MessageCategory", "PercentDone", "RecoveryPointLifecycle", "RecoveryPointLifecycle.DeleteAfterDays"})
    short = read(as_csv([without(one(ended(1)), "parentJobId", "backupOptions")])).lists["backup_jobs"].told[0]
    assert short.told.isdisjoint({"ParentJobId", "BackupOptions.WindowsVSS"})


def test_a_damaged_row_tells_of_nothing_that_it_lacks() -> None:
    found = read(as_json([one(ended(1)), {**one(ended(2)), "iamRoleArn": None}, {**one(ended(3)), "jobStatus": "COMPLETED_WITH_ISSUES"}]))
    assert [told.damaged for told in found.lists["backup_jobs"].told] == [False, True, True]


# --- what they cover ---


def coverage(evidence: Evidence) -> list[tuple[tuple[str | None, str | None], datetime | None, datetime | None]]:
    return [((entry.account, entry.region), entry.start, entry.end) for entry in evidence.coverage]


def test_reports_cover_their_times_and_nothing_around_them(load: Callable[..., list[Policy]]) -> None:
    days = [as_json([one(ended(1440 * day), END - (day + 1) * DAY, END - day * DAY)]) for day in range(3)]
    assert coverage(read(*days)) == [(PLACE, END - 3 * DAY, END)]
    assert coverage(read(*days[1:])) == [(PLACE, END - 3 * DAY, END - DAY)]
    policies = load("no FAILED jobs within 72h", "no FAILED jobs within 73h", "no FAILED jobs within 24h")
    assert [rule.verdict.value for rule in judge(policies, read(*days)).rules] == ["pass", "inconclusive", "pass"]
    later = judge(policies, read(*days, as_of=END + timedelta(hours=1)), END + timedelta(hours=1))
    assert [rule.verdict.value for rule in later.rules] == ["inconclusive"] * 3
    assert f"--as-of {spell(END).replace('.000', '')} evaluates what the reports cover" in " ".join(later.not_seen)


def test_a_day_without_a_report_is_a_gap_and_named(load: Callable[..., list[Policy]]) -> None:
    days = [as_json([one(ended(1440 * day), END - (day + 1) * DAY, END - day * DAY)]) for day in (0, 2)]
    found = read(*days)
    assert any(
        note.startswith(f"gap: no list of backup jobs of {ACCOUNT}/{REGION} that was read covers 2026-02-27T00:00:00Z to 2026-02-28") for note in found.not_seen
    )
    policies = load("no FAILED jobs within 24h", "no FAILED jobs within 48h")
    assert [rule.verdict.value for rule in judge(policies, found).rules] == ["pass", "inconclusive"]
    claimed = read(*days, covers=(END - 3 * DAY, END))
    assert [rule.verdict.value for rule in judge(policies, claimed).rules] == ["pass", "pass"]


def test_a_report_of_an_organization_covers_the_places_it_has_jobs_of() -> None:
    found = read(as_csv([one(ended(1)), one(ended(2, account=OTHER, region="us-east-1"))]))
    assert coverage(found) == [(PLACE, START, END), ((OTHER, "us-east-1"), START, END)]


def test_a_job_that_ran_elsewhere_extends_no_coverage_there() -> None:
    stray = {**one(ended(1)), "region": "us-west-2"}
    unplaced = without(one(ended(2)), "region")
    assert coverage(read(as_json([stray]))) == coverage(read(as_json([unplaced]))) == [(PLACE, None, None)]


def test_a_report_without_a_job_covers_nothing_and_is_named() -> None:
    header = as_csv([one(ended(1))]).split(b"\n", 1)[0] + b"\n"
    found = read(b'{"reportItems": []}', header)
    assert (found.coverage, list(found.lists)) == ((), ["backup_jobs"])
    assert found.not_seen == ("asserted: nothing in 2 files (r0, r1); job reports without a job do not record its account, Region and time",)


def test_a_job_in_progress_is_what_its_newest_report_says_if_that_reaches_the_evaluation_time(load: Callable[..., list[Policy]]) -> None:
    runs = ended(1, State="RUNNING", CompletionDate=None)
    before, now = one(runs, START - DAY, START), one(runs)
    policies = load("no RUNNING jobs")

    def verdict(*found: Row) -> str:
        return judge(policies, read(*(as_json([each]) for each in found))).rules[0].verdict.value

    assert [verdict(now), verdict(before, now), verdict(before, one(ended(2)))] == ["fail", "fail", "inconclusive"]
    gone = judge(policies, read(as_json([before]), as_json([one(ended(2))]))).rules[0]
    assert "State is unknown in its record: the newest job report that shows a job in progress is of an earlier time" in gone.reason
    # A later report shows the end of what an earlier one shows in progress.
    assert verdict(before, one(ended(1))) == "pass"
    assert read(as_json([before]), as_json([now])).warnings == ()


# --- what they leave open ---


def test_no_job_is_known_to_be_clean_by_reports_alone(load: Callable[..., list[Policy]]) -> None:
    policies = load("Outcome must be clean within 24h", "no jobs with issues within 24h", "every resource must have a COMPLETED job within 24h")
    report, api = as_json([one(ended(1))]), json.dumps({"BackupJobs": [ended(1)]}).encode()
    found = judge(policies, read(report))
    assert [rule.verdict.value for rule in found.rules] == ["inconclusive", "inconclusive", "pass"]
    assert "Outcome is unknown in its record: job reports of AWS Backup do not record MessageCategory" in found.rules[0].reason
    assert [rule.verdict.value for rule in judge(policies, read(report, api)).rules] == ["pass"] * 3


def test_columns_that_nobody_knows_and_other_reports_are_named() -> None:
    compliance = b"accountId,region,frameworkName,controlName\n1,eu-west-1,F,C\n"
    scans = as_json(
        [{"reportTimePeriodStart": spell(START), "reportTimePeriodEnd": spell(END), "accountId": ACCOUNT, "scanJobId": "s", "jobStatus": "RUNNING"}]
    )
    found = read(as_json([{**one(ended(1)), "newColumn": 1}]), compliance, scans)
    assert found.not_seen[2:] == (
        "not read: r1: a compliance report of AWS Backup lists no jobs of these kinds",
        "not read: r2: a scan job report of AWS Backup lists no jobs of these kinds",
        "not read: newColumn in job reports: policycheck does not know such a column",
    )
    with pytest.raises(JobFileError, match="is a compliance report of AWS Backup, which lists no jobs"):
        read(compliance)


# --- mistakes ---


def changed(found: Callable[[Sequence[Row]], bytes], **members: Any) -> bytes:
    return found([one(ended(1)), {**one(ended(2)), **members}])


MISTAKES: list[tuple[bytes, str]] = [
    (changed(as_csv, creationDate="yesterday"), "line 3, column creationDate: 'yesterday' is not an ISO 8601 time"),
    (changed(as_csv, creationDate="2026-02-28T10:00:00"), "line 3, column creationDate: 2026-02-28T10:00:00 has no offset from UTC"),
    (changed(as_json, backupSizeInBytes="much"), "item 1, column backupSizeInBytes: 'much' is not a whole number"),
    (changed(as_json, isEncrypted=1), "item 1, column isEncrypted: '1' is neither true nor false"),
    (changed(as_json, resourceName=["a"]), "item 1, column resourceName: \"['a']\" is no text"),
    (changed(as_csv, reportTimePeriodEnd=spell(START)), "line 3: the time of the report, '2026-02-28T00:00:00.000Z - 2026-02-28T00:00:00.000Z', does not go"),
    (changed(as_json, reportTimePeriodStart="2026"), "item 1: the time of the report, '2026 - "),
    (changed(as_csv, backupJobId=None), "has a row without the ID of a job (BackupJobId, CopyJobId, RestoreJobId): line 3"),
    (as_csv([one(ended(1))]) + b"a,b\n", "is cut off: line 3 has 2 of 34 columns"),
    (as_csv([one(ended(1))]) + b"," * 34 + b"\n", "is damaged: line 3 has 35 of 34 columns"),
    (as_csv([one(ended(1))]) + b'"an ARN that does not e', "is cut off: a text in quotes does not end (line 3)"),
    (as_csv([one(ended(1))]).replace(b"accountId", b"regioN", 1), "has the column region twice (line 1)"),
    (as_csv([one(ended(1))]) + b"\xff\n", "is not UTF-8: byte 0xff in line 3"),
    (as_json([one(ended(1))])[:-2], "is cut off: the JSON ends in the middle of a value"),
    (as_json([one(ended(1))]).replace(b'"region"', b'"accountId"', 1), "has accountId twice in item 0"),
    (b'{"reportItems": [], "NextToken": "x"}', "is incomplete: it has a NextToken"),
    (b'{"reportItems": {}}', "is not a job report: reportItems is not a list"),
    (b'{"reportItems": ["x"]}', "is not a job report: item 0 is not an object"),
]


@each(("text", "message"), MISTAKES, ids=lambda case: case[1])
def test_a_mistake_is_one_message_with_its_place(text: bytes, message: str) -> None:
    assert message in refusal(text)


PIECES = (
    b'"',
    b",",
    b"\n",
    b"\r",
    b"null",
    b"-1",
    b"9" * 30,
    b"{}",
    b"[]",
    b"\xff",
    b"\\ud800",
    b"0001-01-01T00:00:00+14:00",
    b"9999-12-31T23:59:59-14:00",
    b"1e400",
)


@examples(
    st.sampled_from(list(FORMS)),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 30), st.sampled_from(PIECES)), min_size=1, max_size=3),
    few=15,
    many=3000,
)
def test_whatever_is_in_a_report_it_is_read_or_refused(form: str, changes: list[tuple[int, int, bytes]]) -> None:
    text = bytearray(TEXTS[form])
    for place, length, piece in changes:
        text[place : place + length] = piece
    with suppress(JobFileError):
        read(read_text(bytes(text)))


# --- cut off ---


def last(found: Row, name: str) -> Row:
    return {**without(found, name), name: found[name]}


@pytest.mark.parametrize(
    ("form", "at_end", "member"), [("JSON", "iamRoleArn", ""), ("CSV", "iamRoleArn", "IamRoleArn"), ("CSV", "resourceName", "ResourceName")]
)
def test_a_report_cut_off_anywhere_is_refused_or_says_no_more_than_it_holds(form: str, at_end: str, member: str) -> None:
    jobs = [last(one(ended(number, ResourceName=f'a "{number}", "b"\n"c"')), at_end) for number in range(2)]
    text = FORMS[form](jobs)
    whole = records(read(text))
    short: set[int] = set()
    for length in range(1, len(text)):
        cut = text[:length]
        try:
            report = read_report("r", cut) if is_report(cut) else None
        except JobFileError:
            continue
        if report is None:
            with pytest.raises(JobFileError):
                read(cut)
        elif report.count:
            source = report.lists["backup_jobs"]
            *complete, end = [api_fields(BACKUP_JOBS, record) for record in source.jobs.records]
            assert complete == whole[: len(complete)]
            expected = whole[len(complete)]
            assert end.items() <= expected.items()
            assert expected.keys() - end.keys() <= {member}
            assert member not in source.jobs.told[-1].told or member in end
            if member in end:
                short.add(length)
    # Only where a line ends nothing shows that others followed; the reports say so.
    assert short == ({len(as_csv(jobs[:1]))} if form == "CSV" else set())


def test_what_was_cut_off_keeps_no_rule(load: Callable[..., list[Policy]]) -> None:
    text = as_csv([one(ended(1, IamRoleArn="arn:aws:iam::111122223333:role/BackupAdmin"))])
    policies = load('no jobs with IAM role containing "Admin" within 24h')
    verdicts = [judge(policies, read(text[: len(text) - lost])).rules[0].verdict.value for lost in (0, 1, 3, 8)]
    assert verdicts == ["fail", "inconclusive", "inconclusive", "inconclusive"]


def test_what_csv_cannot_show_is_said() -> None:
    assert any("cut off at the end of a line" in note for note in read(as_csv(ROWS)).not_seen)
    assert not any("cut off at the end of a line" in note for note in read(as_json(ROWS)).not_seen)


# --- beside the API's own list ---

PACKS = ("aws-backup-baseline", "recovery-objectives", "demo")
RANK = {"fail": 0, "inconclusive": 1, "waived": 2, "skipped": 3, "pass": 4}


def packs() -> list[Policy]:
    root = Path(__file__).parents[2] / "policies"
    return list(load_policies([(root / f"{name}.yaml", name) for name in PACKS], {}))


@pytest.mark.parametrize(
    ("form", "days", "missing", "early", "written"),
    [
        ("JSON", 10, None, 0, 3),
        *(pytest.param(form, 30, missing, 0, 3, marks=pytest.mark.slow) for form in FORMS for missing in (None, 0, 3, 29)),
        *(pytest.param("CSV", 30, missing, early, written, marks=pytest.mark.slow) for missing, early, written in ((None, 5, 0), (28, 5, 5), (None, -2, 1))),
    ],
)
def test_no_rule_passes_on_reports_that_does_not_pass_on_the_list_and_both_together_say_what_the_list_does(
    form: str, days: int, missing: int | None, early: int, written: int
) -> None:
    end = datetime(2026, 11, 20, tzinfo=UTC)
    as_of = end - timedelta(hours=early)
    organization = sample(end)
    texts: list[tuple[str, bytes]] = []
    lists: list[tuple[str, bytes]] = []
    for dataset in (dataset for dataset in DATASETS.values() if dataset.name in COLUMNS):
        jobs = [job for listed in organization.jobs(dataset).values() for job in listed if days > 10 or job["AccountId"] == "444455556666"]
        lists.append((f"{dataset.name}.json", json.dumps({dataset.result_key: jobs}).encode()))
        reports = daily(dataset, jobs, end - days * DAY, days, form, timedelta(hours=written))
        texts += [(f"{dataset.name}/{name}", text) for number, (name, text) in enumerate(reports) if number != missing]
    policies = packs()

    def verdicts(*parts: tuple[str, bytes]) -> dict[str, tuple[str, Any]]:
        found = run(policies, read_parts(parts, as_of=as_of, covers=None), as_of=as_of, fail_on=None, backend=BACKEND)
        return {f"{rule.policy}/{rule.id}": (rule.verdict.value, {finding.subject: finding.jobs for finding in rule.findings}) for rule in found.rules}

    api, reported, both = verdicts(*lists), verdicts(*texts), verdicts(*lists, *texts)
    assert {rule for rule in api if reported[rule][0] == "pass" != api[rule][0]} == set()
    assert {rule: both[rule] for rule in api if both[rule] != api[rule]} == {}
    assert any(verdict == "fail" for verdict, _ in reported.values())
