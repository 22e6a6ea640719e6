"""Everything docs/gate.md shows is run on the emulator, with its clock driven by the gate's pauses: one green run and one red."""

from __future__ import annotations

import re
import shlex
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from policycheck.emulator.clock import Clock
from policycheck.emulator.server import serve
from policycheck.emulator.store import Store
from policycheck.errors import ExitCode
from policycheck.gating import gate
from policycheck.gating.gate import Timer
from tests.samples import AS_OF as NOW
from tests.samples import sample
from tests.sources.conftest import no_aws  # noqa: F401 - a fixture
from tests.test_readme import TOP, execute

PAGE = (TOP / "docs" / "gate.md").read_text(encoding="utf-8")


def sessions(heading: str, end: str) -> list[tuple[str, str]]:
    """(command, what it shows) of the console blocks between two headings."""
    part = PAGE.partition(heading)[2].partition(end)[0]
    blocks = re.findall(r"^```console\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
    return [(command, shown) for block in blocks for command, _, shown in (text.partition("\n") for text in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:])]


INSTALLED, GREEN, RED = (sessions(*ends) for ends in (("# The gate", "### Green"), ("### Green", "### Red"), ("### Red", "## In a pipeline")))


def shows(shown: str, printed: str) -> bool:
    """Whether the shown lines are printed in this order; `...` stands for any lines, and within a line for any text."""
    lines = iter(printed.splitlines())
    wanted = [".*?".join(map(re.escape, line.split("..."))) for line in shown.splitlines() if line != "..."]
    return all(any(re.fullmatch(pattern, line) for line in lines) for pattern in wanted)


class Terminal:
    """Runs what the page shows. A command after `&&` runs where the one before it succeeded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stack: ExitStack) -> None:
        self._monkeypatch, self._stack = monkeypatch, stack
        self.codes: list[int] = []

    def run(self, line: str) -> str:
        printed = ""
        for command in line.split(" && "):
            code, told = self._run(command)
            printed += told
            if code:
                break
        return printed

    def _run(self, command: str) -> tuple[int, str]:
        match shlex.split(command):
            case ["policycheck", "emulator", "--port", "5000", *faults]:
                self._emulate(faults[1:])
                return 0, ""
            case ["policycheck", *_]:
                code, printed = execute(command)
                self.codes.append(code)
                # Both streams, in the order in which a terminal would show them: the waiting, the report, the reason.
                told = [line for line in printed.splitlines() if line.startswith("policycheck: ")]
                rest = [line for line in printed.splitlines() if not line.startswith("policycheck: ")]
                waiting = [line for line in told if "waiting, " in line]
                return code, "".join(f"{line}\n" for line in (*waiting, *rest, *told[len(waiting) :]))
            case ["aws", "backup", operation, *options]:
                names = ["".join(word.capitalize() for word in name.removeprefix("--").split("-")) for name in options[::2]]
                getattr(boto3.client("backup"), operation.replace("-", "_"))(**dict(zip(names, options[1::2], strict=True)))
                return 0, ""
            case ["echo", text]:
                return 0, f"{text}\n"
            case other:
                raise AssertionError(other)

    def _emulate(self, faults: list[str]) -> None:
        store = Store.of_organization(sample(NOW), Clock(NOW))
        endpoint = self._stack.enter_context(serve(store, faults=faults))
        for name, value in endpoint.environment.items():
            self._monkeypatch.setenv(name, value)

        def sleep(seconds: float) -> None:
            store.clock.advance(timedelta(seconds=seconds))

        self._monkeypatch.setattr(gate, "TIMER", Timer(store.clock.now, lambda: store.clock.now().timestamp(), sleep))


@pytest.mark.parametrize(("commands", "code"), [([*INSTALLED, *GREEN], ExitCode.OK), (RED, ExitCode.FINDINGS)])
def test_the_story_ends_as_the_page_says(
    commands: list[tuple[str, str]],
    code: ExitCode,
    no_aws: Any,  # noqa: F811 - the fixture
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "examples").symlink_to(TOP / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    with ExitStack() as stack:
        terminal = Terminal(monkeypatch, stack)
        for command, shown in commands:
            printed = terminal.run(command)
            assert shows(shown, printed), printed
            assert ("migrating" in printed) is ("migrating" in shown)
    assert terminal.codes == [code]


def test_the_variables_are_those_of_the_emulator() -> None:
    store = Store.of_organization(sample(NOW), Clock(NOW))
    with serve(store) as endpoint:
        variables = {**endpoint.environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:5000"}
    assert f"export {' '.join(f'{name}={value}' for name, value in variables.items())}\n" in PAGE


def test_the_policy_is_the_example() -> None:
    (policy,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert policy == (TOP / "examples" / "gate.yaml").read_text(encoding="utf-8")


def test_every_file_the_page_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert links
    assert [link for link in links if not (TOP / "docs" / link).exists()] == []
