"""The benchmarks measure what they say: their arithmetic, their inputs and their baselines. No test measures time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from benchmarks import baseline, handwritten
from benchmarks.__main__ import main
from benchmarks.estate import write_estate
from benchmarks.jobs import AS_OF, COVERED_FROM, write_failed_jobs, write_jobs
from benchmarks.measures import ESTATE, FINDINGS, KEPT, LISTED, MEASURES, POLICY, VIOLATED, Workplace, bytes_a_finding, shape_of
from benchmarks.report import as_json, as_table
from benchmarks.timing import Command, Outcome, Pair, Ratio, Sample, compare, ratio, run
from policycheck.datasets import BACKUP_JOBS, DATASETS, Dataset
from policycheck.formats.registry import FORMATS
from policycheck.job_lists import JobList
from policycheck.pipeline import run as judge
from policycheck.policy.load import load_policies
from policycheck.records import micros, record_type
from policycheck.result import RuleResult, Verdict
from policycheck.sources.files import read_job_files
from tests.backends import BACKEND
from tests.samples import sample

ONE_ORGANIZATION = 2_000
"""Jobs: about one copy of the sample organization, with every kind of trouble in it."""


def pair(subject: float, against: float) -> Pair:
    """A pair that took so many seconds by the clock, and twice that of processor time."""
    return Pair(Sample(subject, 2 * subject, 1), Sample(against, 2 * against, 1))


@pytest.fixture(scope="module", autouse=True)
def _organizations_made_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.jobs.organization", sample)
        yield


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("benchmarks") / "jobs.json"
    write_jobs(path, ONE_ORGANIZATION)
    return path


@pytest.fixture(scope="module")
def rules(jobs: Path) -> dict[str, RuleResult]:
    evidence = read_job_files([str(jobs)], as_of=AS_OF, covers=(COVERED_FROM, AS_OF), stdin=BytesIO())
    policies = load_policies([(POLICY, POLICY.name)], {})
    return {rule.id: rule for rule in judge(policies, evidence, as_of=AS_OF, fail_on=None, backend=BACKEND).rules}


# Arithmetic


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([pair(3, 2)], Ratio(1.5, 1.5, 1.5)),
        ([pair(1, 1), pair(4, 2), pair(9, 3)], Ratio(2, 1, 3)),
        ([pair(1, 1), pair(4, 2)], Ratio(1.5, 1, 2)),
    ],
)
def test_ratio_is_the_median_of_the_pairs(pairs: list[Pair], expected: Ratio) -> None:
    assert ratio(pairs, lambda sample: sample.wall) == expected


def test_ratio_is_not_that_of_the_medians() -> None:
    slow_machine_in_the_middle = [pair(2, 1), pair(20, 10), pair(3, 1)]
    assert ratio(slow_machine_in_the_middle, lambda sample: sample.wall).median == 2


@pytest.mark.parametrize(("subject", "reached"), [(1.3, True), (1.2, True), (1.4, False)])
def test_target_is_reached_up_to_its_value(subject: float, reached: bool) -> None:
    assert Outcome(MEASURES["check-2"], [pair(subject, 1)]).reached is reached


@pytest.mark.parametrize(("name", "reached"), [("list-50000", False), ("fetch-50000", True)])
def test_target_of_processor_time_is_not_held_against_the_clock(name: str, reached: bool) -> None:
    assert Outcome(MEASURES[name], [Pair(Sample(wall=1, cpu=3, memory=1), Sample(wall=4, cpu=4, memory=1))]).reached is reached


def test_measure_without_target_is_neither_reached_nor_missed() -> None:
    assert Outcome(MEASURES["check-2-bare"], [pair(50, 1)]).reached is None


def test_targets_are_those_the_project_set_itself() -> None:
    assert {name: measure.target for name, measure in MEASURES.items()} == {
        "version": 6.0,
        "check-2-bare": None,
        "check-2": 1.3,
        "check-10000": 1.8,
        "check-100000": 2.5,
        "estate-10000": 1.5,
        "estate-100000": 3.0,
        "estate-1000000": 2.0,
        "estate-100000-duckdb": None,
        "rules-1000": 15.0,
        "findings-200000": None,
        "archive-50000": None,
        "archive-day": 1.5,
        "population-100000": 2.0,
        "population-estate-100000": 2.0,
        "period-100000": 10.0,
        "period-estate-100000": 10.0,
        "fetch-50000": 0.5,
        "organization": 0.25,
        "organization-limited": 1.25,
        "list-50000": 0.5,
        **{f"list-{number}-{output}": None for output, number in LISTED},
    }


# Processes


def python(code: str, *arguments: str, accepted: frozenset[int] = frozenset({0})) -> Command:
    return Command([sys.executable, "-c", code, *arguments], {}, accepted)


def test_both_run_once_to_warm_up_and_then_in_turn(tmp_path: Path) -> None:
    log = tmp_path / "log"
    note = "import sys; open(sys.argv[1], 'a').write(sys.argv[2])"
    pairs = compare(python(note, str(log), "A"), python(note, str(log), "B"), runs=3)
    assert log.read_text(encoding="utf-8") == "AB" + "ABABAB"
    assert len(pairs) == 3


def test_sample_has_all_three_quantities() -> None:
    sample = run(python("sum(range(10**5))"))
    assert sample.wall > 0
    assert sample.cpu > 0
    assert sample.memory > 1_000_000


def test_process_that_fails_is_not_timed() -> None:
    with pytest.raises(RuntimeError, match="exit code 4"):
        run(python("raise SystemExit(4)", accepted=FINDINGS))


# Inputs


def test_same_number_of_jobs_is_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_jobs(tmp_path / name, 50)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_list_is_one_answer_with_iso_times(tmp_path: Path) -> None:
    write_jobs(tmp_path / "jobs", 2)
    answer = json.loads((tmp_path / "jobs").read_text(encoding="utf-8"))
    assert list(answer) == ["BackupJobs"]
    assert len(answer["BackupJobs"]) == 2
    assert all(datetime.fromisoformat(job["CreationDate"]).utcoffset() == UTC.utcoffset(None) for job in answer["BackupJobs"])


@pytest.mark.slow
def test_jobs_of_two_organizations_share_no_id_and_no_account(tmp_path: Path) -> None:
    write_jobs(tmp_path / "jobs", 2 * ONE_ORGANIZATION)
    records = json.loads((tmp_path / "jobs").read_text(encoding="utf-8"))["BackupJobs"]
    assert len({record["BackupJobId"] for record in records}) == 2 * ONE_ORGANIZATION
    assert len({record["AccountId"] for record in records}) > 2
    assert all(record["AccountId"] in record["BackupVaultArn"] for record in records)


def test_policy_has_twenty_rules_of_both_forms_and_spellings() -> None:
    (policy,) = load_policies([(POLICY, POLICY.name)], {})
    assert len(policy.rules) == 20
    assert {type(rule.statement.requirement).__name__ for rule in policy.rules} == {"NoneMatch", "AllMatch"}
    assert len({rule.statement.within and rule.statement.within.text for rule in policy.rules}) >= 5
    text = POLICY.read_text(encoding="utf-8")
    assert text.count(" rule: ") == 12


def test_every_rule_examines_jobs(rules: dict[str, RuleResult]) -> None:
    assert {name: rule.examined for name, rule in rules.items() if not rule.examined} == {}


def test_every_rule_is_decided_and_some_are_violated(rules: dict[str, RuleResult]) -> None:
    verdicts = [rule.verdict for rule in rules.values()]
    assert set(verdicts) == {Verdict.PASS, Verdict.FAIL}


@pytest.mark.slow
def test_listed_pages_share_no_id_and_have_times_as_aws_sends_them(tmp_path: Path) -> None:
    with ExitStack() as stack:
        url = Workplace(tmp_path, stack).served(2000)
        answers = [json.loads(urlopen(f"{url}/backup-jobs/{query}").read()) for query in ("", "?nextToken=1&maxResults=7")]
    assert [answer.get("NextToken") for answer in answers] == ["1", None]
    assert len({job["BackupJobId"] for answer in answers for job in answer["BackupJobs"]}) == 2000
    assert all(isinstance(job["CreationDate"], int | float) for answer in answers for job in answer["BackupJobs"])


def test_failed_jobs_are_of_a_resource_each_and_all_violate_both_rules(tmp_path: Path) -> None:
    write_failed_jobs(tmp_path / "jobs.json", 200)
    evidence = read_job_files([str(tmp_path / "jobs.json")], as_of=AS_OF, covers=(COVERED_FROM, AS_OF), stdin=BytesIO())
    broken, kept = (
        judge(load_policies([(path, path.name)], {}), evidence, as_of=AS_OF, fail_on=None, backend=BACKEND, answers=True) for path in (VIOLATED, KEPT)
    )
    assert [(rule.examined, rule.subjects, len(rule.findings)) for rule in broken.rules] == [(200, 200, 200)] * 2
    assert [(rule.examined, rule.verdict, len(rule.findings)) for rule in kept.rules] == [(200, Verdict.PASS, 0)] * 2
    workplace = Workplace(tmp_path, ExitStack())
    workplace.result(VIOLATED).write_text(FORMATS["json"].render(broken), encoding="utf-8")
    assert bytes_a_finding(workplace) == workplace.result(VIOLATED).stat().st_size / 400 < 2200


# Baselines


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda dataset: dataset.name)
def test_decoded_structs_have_every_member_policycheck_knows(dataset: Dataset, tmp_path: Path) -> None:
    heads = [member.name.partition(".")[0] for member in dataset.members]
    file = tmp_path / "empty.json"
    file.write_text(json.dumps({dataset.result_key: [{}]}), encoding="utf-8")
    answer = baseline.decode(shape_of(dataset), str(file))
    (record,) = getattr(answer, dataset.result_key)
    assert set(record.__struct_fields__) == set(heads) == set(record_type(dataset).__struct_fields__)


def test_baseline_decodes_what_policycheck_reads(jobs: Path) -> None:
    decoded = baseline.decode(shape_of(BACKUP_JOBS), str(jobs)).BackupJobs
    read: JobList = read_job_files([str(jobs)], as_of=AS_OF, covers=None, stdin=BytesIO()).lists[BACKUP_JOBS.name]
    assert len(decoded) == len(read) == ONE_ORGANIZATION
    assert [micros(record.CreationDate) for record in decoded] == read.column(BACKUP_JOBS.fields["CreationDate"])
    assert [record.CreatedBy and record.CreatedBy.BackupPlanId for record in decoded] == read.column(BACKUP_JOBS.fields["CreatedBy.BackupPlanId"])


@pytest.mark.slow
def test_modules_are_those_of_a_real_check_without_its_own(tmp_path: Path) -> None:
    workplace = Workplace(tmp_path, ExitStack())
    names = json.loads(workplace.modules.read_text(encoding="utf-8"))
    assert {"polars", "narwhals", "msgspec", "pydantic", "typer", "lark", "ruamel.yaml"} <= set(names)
    assert [name for name in names if name.startswith("policycheck")] == []
    assert not {"boto3", "jinja2", "rich"} & set(names)
    subprocess.run([sys.executable, baseline.__file__, "import", str(workplace.modules)], env=workplace.environment, check=True)


def test_names_that_cannot_be_imported_are_left_out() -> None:
    assert baseline.importable(["json", "no_such_module", "xml.etree"]) == ["json", "xml.etree"]


# Report


def test_table_says_what_was_reached() -> None:
    outcomes = [Outcome(MEASURES["check-2"], [pair(1, 1), pair(4, 2), pair(9, 3)]), Outcome(MEASURES["check-2-bare"], [pair(50, 1)])]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in as_table(outcomes).splitlines()]
    assert rows[2] == ["check-2", "its imports", "2.00 (1.00..3.00)", "1.3", "no", "2.00 (1.00..3.00)", "4.00 / 2.00", "8.00 / 4.00", "0 / 0", ""]
    assert rows[3][:5] == ["check-2-bare", "bare Python", "50.00 (50.00..50.00)", "", ""]


def test_json_has_every_pair() -> None:
    written = json.loads(json.dumps(as_json(Outcome(MEASURES["version"], [pair(3, 1), pair(2, 1)]))))
    assert written["reached"] is True
    assert written["wall_ratio"] == {"median": 2.5, "least": 2.0, "greatest": 3.0}
    assert [row["subject"]["wall"] for row in written["pairs"]] == [3, 2]


def test_command_measures_what_is_asked_and_exits_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = tmp_path / "numbers.json"
    assert main(["--runs", "1", "--only", "version", "--json", str(numbers)]) == 0
    assert capsys.readouterr().out.splitlines()[2].startswith("| version ")
    assert [measure["name"] for measure in json.loads(numbers.read_text(encoding="utf-8"))["measures"]] == ["version"]


@pytest.mark.parametrize("arguments", [["--runs", "0"], ["--runs", "many"], ["--only", "everything"]])
def test_command_refuses_what_it_does_not_know(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "invalid" in capsys.readouterr().err


def test_the_program_written_by_hand_gives_the_same_answers(tmp_path: Path) -> None:
    path = tmp_path / "estate.json"
    write_estate(path, 6 * 30 * 100 // 5 + 10)
    evidence = read_job_files([str(path)], as_of=AS_OF, covers=None, stdin=BytesIO())
    result = judge(load_policies([(ESTATE, "estate-rules.yaml")], {}), evidence, as_of=AS_OF, fail_on=None, backend=BACKEND)
    by_hand = handwritten.answer(handwritten.read(str(path)), AS_OF)
    assert {rule.id: len(rule.findings) for rule in result.rules} == by_hand
    assert sum(found > 0 for found in by_hand.values()) >= 5


# An organization


@pytest.mark.slow
def test_every_region_lists_jobs_of_its_own_and_refuses_what_comes_too_fast() -> None:
    with ExitStack() as stack:
        url = Workplace(Path(), stack)._served_by("benchmarks.serving_regions", "2000", "0", "3")
        found: list[str] = []
        for region, token in (("eu-west-1", ""), ("eu-west-1", "?nextToken=1"), ("us-east-1", "")):
            signed = Request(f"{url}/backup-jobs/{token}", headers={"Authorization": f"AWS4-HMAC-SHA256 Credential=k/20260101/{region}/backup/aws4_request"})
            with urlopen(signed) as answer:
                page = json.loads(answer.read())
            assert {job["BackupVaultArn"].split(":")[3] for job in page["BackupJobs"]} == {region}
            assert ("NextToken" in page) is (token == "")
            found += [job["BackupJobId"] for job in page["BackupJobs"]]
        assert len(set(found)) == len(found) == 3000
        with pytest.raises(HTTPError) as caught:
            urlopen(f"{url}/backup-jobs/")
        assert (caught.value.code, caught.value.headers["x-amzn-ErrorType"]) == (400, "ThrottlingException")
        caught.value.close()
