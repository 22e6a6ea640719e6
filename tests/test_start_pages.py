"""The pages of ten minutes: what those for a gate and for evidence show is run on the emulator (test_docs.py runs that for CI); workflows are valid."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import sys
import zipfile
from contextlib import ExitStack
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest

from policycheck.gating import gate
from tests.sources.conftest import no_aws  # noqa: F401 - a fixture
from tests.test_docs import walk
from tests.test_gate_document import Terminal, shows
from tests.test_readme import TOP

PAGES = {name: (TOP / "docs" / f"start-{name}.md").read_text(encoding="utf-8") for name in ("ci", "gate", "evidence")}
EXPORT = re.search(r"^export AWS_ENDPOINT_URL.*$", (TOP / "docs" / "gate.md").read_text(encoding="utf-8"), re.MULTILINE)


class Shell(Terminal):
    """Runs the programs of Python that the pages show, too; this machine's clock is that of the emulator."""

    def _emulate(self, faults: list[str]) -> None:
        super()._emulate(faults)

        class Now(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # not one of this class, which nothing else knows
                return gate.TIMER.now().astimezone(tz)

        for module in ("policycheck.sources.places", "policycheck.cli.evidence"):
            self._monkeypatch.setattr(f"{module}.datetime", Now)

    def run(self, line: str) -> str:
        match line.split():
            case ["python3", "-m", "zipfile", "-e", bundle, folder]:
                with zipfile.ZipFile(bundle) as archive:
                    archive.extractall(folder)
                return ""
            case ["python3", script]:
                return reperform(Path(script))
            case _:
                return super().run(line)


def reperform(script: Path) -> str:
    """What the script of a bundle prints; it must end with exit code 0."""
    out = io.StringIO()
    before = sys.argv
    sys.argv = [str(script)]
    try:
        with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as ended:
            runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.argv = before
    assert not ended.value.code, out.getvalue()
    return out.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "codes"), [("gate", [1, 0]), ("evidence", [1, 0])])
def test_the_walk_ends_as_the_page_says(
    name: str,
    codes: list[int],
    no_aws: Any,  # noqa: F811 - the fixture
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "examples").symlink_to(TOP / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    with ExitStack() as stack:
        shell = Shell(monkeypatch, stack)
        for file, content in walk(PAGES[name]):
            if file != "$":
                Path(file).parent.mkdir(parents=True, exist_ok=True)
                Path(file).write_text(content, encoding="utf-8")
                continue
            for part in re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]:
                command, _, shown = part.partition("\n")
                printed = shell.run(command)
                assert shows(shown, printed), f"$ {command}\n{printed}"
                assert ("deploying\n" in printed) is ("deploying\n" in shown)
    assert shell.codes == codes


@pytest.mark.parametrize("name", ["gate", "evidence"])
def test_the_variables_are_those_of_the_page_of_the_gate(name: str) -> None:
    assert EXPORT and EXPORT[0] in PAGES[name]


@pytest.mark.parametrize("name", ["ci", "gate"])
def test_the_workflow_of_the_page_is_valid(name: str, tmp_path: Path) -> None:
    from check_jsonschema import main  # type: ignore[import-untyped]  # it ships no types

    (workflow,) = re.findall(r"^```yaml\n(name: .*?)^```$", PAGES[name], re.MULTILINE | re.DOTALL)
    path = tmp_path / "workflow.yml"
    path.write_text(workflow, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["--builtin-schema", "vendor.github-workflows", str(path)])
    assert ended.value.code == 0
