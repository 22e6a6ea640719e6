"""SARIF and JUnit as readers take them that nobody here wrote: sarif-tools and junitparser, each in an environment of its own."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.formats.results import CASES

GOLDEN = Path(__file__).parents[1] / "golden"
READERS = ("sarif-tools==3.0.5", "junitparser==5.0.3")
READ_JUNIT = """
import json, sys
from junitparser import JUnitXml
kind = lambda case: type(case.result[0]).__name__.lower() if case.result else "pass"
suites = [suite for suite in JUnitXml.fromfile(sys.argv[1])]
cases = [[case.classname, case.name, kind(case)] for suite in suites for case in suite]
print(json.dumps({"counts": [[suite.tests, suite.failures, suite.errors, suite.skipped] for suite in suites], "cases": cases}))
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with both."""
    folder = tmp_path_factory.mktemp("readers")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=300)
    subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *READERS], check=True, capture_output=True, timeout=600)
    return folder / "bin"


@pytest.mark.parametrize("case", CASES)
def test_sarif_tools_lists_every_result(readers: Path, tmp_path: Path, case: str) -> None:
    path = GOLDEN / f"{case}-sarif.sarif"
    subprocess.run([str(readers / "sarif"), "csv", str(path), "--output", str(tmp_path / "found.csv")], check=True, capture_output=True, timeout=120)
    with (tmp_path / "found.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    results = [result for run in json.loads(path.read_text(encoding="utf-8"))["runs"] for result in run["results"]]
    assert sorted((row["Severity"], int(row["Line"])) for row in rows) == sorted(
        (result["level"], result["locations"][0]["physicalLocation"]["region"]["startLine"]) for result in results
    )


@pytest.mark.parametrize("case", CASES)
def test_junitparser_reads_a_case_for_each_rule_and_its_outcome(readers: Path, case: str) -> None:
    done = subprocess.run(
        [str(readers / "python"), "-c", READ_JUNIT, str(GOLDEN / f"{case}-junit.xml")], check=True, capture_output=True, text=True, timeout=120
    )
    read = json.loads(done.stdout)
    kinds = {"fail": "failure", "inconclusive": "error", "skipped": "skipped", "pass": "pass", "waived": "pass"}
    assert [kind for suite, _, kind in read["cases"] if suite != "policycheck"] == [kinds[rule.verdict] for rule in CASES[case]().rules]
    told = [[kind for _, _, kind in read["cases"]].count(name) for name in ("failure", "error", "skipped")]
    assert [sum(counts) for counts in zip(*read["counts"], strict=True)] == [len(read["cases"]), *told]
