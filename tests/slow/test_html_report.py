"""The HTML report in a real browser: on a phone and a desk, light and dark, printed, with ten thousand findings; and before two independent checkers.

`POLICYCHECK_REPORT_PICTURES=FOLDER` keeps the pictures and the PDF files that are made, to be looked at.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from policycheck.formats.json_reading import load_result
from policycheck.formats.registry import FORMATS
from policycheck.job_records import SavedJob
from policycheck.result import Result, Verdict
from tests.cli.conftest import start
from tests.formats.results import CASES, make_finding, make_result, make_rule
from tests.slow.conftest import install_package

PLAYWRIGHT, AXE, VNU = "playwright-core@1.65.1", "axe-core@4.14.1", "vnu-jar@26.9.27"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SCRIPT = Path(__file__).with_name("browse.cjs")
WIDTHS = (360, 1280)
MOST_SECONDS = 3

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, "Chromium is needed; .ci/run installs it"
    return found


@pytest.fixture(scope="session")
def modules() -> Mapping[str, Path]:
    """The folders of the packages from npm, by name."""
    names = {package.partition("@")[0]: package for package in (PLAYWRIGHT, AXE, VNU)}
    return {name: install_package(package) / "node_modules" / name for name, package in names.items()}


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of the demo: report.html as `make demo` writes it."""
    folder = tmp_path_factory.mktemp("demo")
    process = start("demo", "--directory", str(folder), "--as-of", "2026-11-20T06:00:00Z", folder=folder)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    assert f"html: {folder / 'report.html'}" in errors.decode()
    return folder


def many() -> Result:
    """Ten thousand findings of three causes, with all that findings show."""

    def fields(number: int) -> SavedJob:
        return SavedJob(
            f"j{number}",
            {
                "State": "FAILED", "CreationDate": "2026-11-20T03:00:00Z", "BackupVaultName": "prod", "ResourceName": f"web-{number}",
                "StatusMessage": "Access denied", "CreatedBy": {"BackupPlanName": "daily", "BackupRuleName": "nightly"},
            },
        )  # fmt: skip

    causes = ("kms_key", "access_denied", "throttled")
    findings = tuple(make_finding(f"i-{number:017x}", cause=causes[number % 3], jobs=(f"j{number}",), evidence=(fields(number),)) for number in range(10_000))
    return make_result(make_rule(verdict=Verdict.FAIL, findings=findings))


@pytest.fixture(scope="session")
def reports(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    made = {name: FORMATS["html"].render(case()) for name, case in CASES.items()} | {"many": FORMATS["html"].render(many())}
    for name, document in made.items():
        (folder / f"{name}.html").write_text(document, encoding="utf-8")
    shutil.copy(demo / "report.html", folder / "demo.html")
    return {path.stem: path for path in sorted(folder.glob("*.html"))}


def browse(browser: str, modules: Mapping[str, Path], pictures: Path, files: Sequence[Path], *, audit: bool) -> list[dict[str, Any]]:
    """What the browser tells of each file in each width and scheme."""
    kept = Path(os.environ.get("POLICYCHECK_REPORT_PICTURES", pictures))
    kept.mkdir(parents=True, exist_ok=True)
    task = {
        "browser": browser,
        "playwright": str(modules["playwright-core"]),
        "axe": str(modules["axe-core"] / "axe.min.js") if audit else None,
        "files": [str(path) for path in files],
        "widths": WIDTHS,
        "pictures": str(kept),
    }
    done = subprocess.run(["node", str(SCRIPT)], input=json.dumps(task), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    told: list[dict[str, Any]] = json.loads(done.stdout)
    assert len(told) == len(files) * len(WIDTHS) * 2
    return told


def test_a_page_of_any_run_fits_its_screen_and_asks_for_nothing(browser: str, modules: Mapping[str, Path], reports: Mapping[str, Path], tmp_path: Path) -> None:
    told = browse(browser, modules, tmp_path, [path for name, path in reports.items() if name != "many"], audit=True)
    for page in told:
        assert page["requests"] == [page["url"]], page
        assert page["messages"] == [], page
        assert page["overflow"] <= 0, page
        assert [violation for violation in page["violations"] if violation["impact"] in {"serious", "critical"}] == [], page
        assert page["shown"] > 10_000, "the page is empty"


def test_ten_thousand_findings_open_in_seconds(browser: str, modules: Mapping[str, Path], reports: Mapping[str, Path], tmp_path: Path) -> None:
    path = reports["many"]
    assert path.stat().st_size <= 5_000_000
    for page in browse(browser, modules, tmp_path, [path], audit=False):
        assert page["milliseconds"] < MOST_SECONDS * 1000, page
        assert page["requests"] == [page["url"]]


def test_a_report_prints_whole_with_what_is_folded_on_the_screen(
    browser: str, modules: Mapping[str, Path], reports: Mapping[str, Path], tmp_path: Path
) -> None:
    browse(browser, modules, tmp_path, [reports["demo"]], audit=False)
    printed = Path(os.environ.get("POLICYCHECK_REPORT_PICTURES", tmp_path)) / "demo.pdf"
    text = subprocess.run(["pdftotext", "-layout", str(printed), "-"], capture_output=True, text=True, timeout=60, check=True).stdout
    pages = text.removesuffix("\f").split("\f")
    assert 5 < len(pages) < 40
    assert "FAIL" in pages[0] and "Evidence" in pages[0] and "no-failed-ec2" in pages[0]
    # A folded block is open on paper, and the end of the report is there.
    assert "An error inside AWS" in text and "CP-9" in text
    assert "Nothing is said about the time before the lists begin" in pages[-1]


def test_the_checker_of_the_w3c_finds_no_error(modules: Mapping[str, Path], reports: Mapping[str, Path], tmp_path: Path) -> None:
    assert validate(modules, *reports.values()) == []
    broken = tmp_path / "broken.html"
    broken.write_text(reports["mixed"].read_text(encoding="utf-8").replace("<main>", "<main><p><table><li>"), encoding="utf-8")
    assert validate(modules, broken)


def validate(modules: Mapping[str, Path], *files: Path) -> list[str]:
    jar = modules["vnu-jar"] / "build" / "dist" / "vnu.jar"
    command = ["java", "-jar", str(jar), "--format", "json", "--exit-zero-always", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return [f"{found['url']}: {found['message']}" for found in json.loads(done.stderr)["messages"] if found["type"] == "error"]


def test_a_saved_result_gives_the_same_bytes(demo: Path) -> None:
    saved = load_result((demo / "result.json").read_bytes())
    assert FORMATS["html"].render(saved) == (demo / "report.html").read_text(encoding="utf-8")
