"""Everything the README shows is run: its console blocks as commands with their output, its policies as policies."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from policycheck.cli.app import run
from policycheck.policy.load import load_policies

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text(encoding="utf-8")


def blocks_of(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return blocks_of(README, language)


def sessions() -> Iterator[tuple[str, str]]:
    """(command, what it shows) of every command in a console block; `echo $?` belongs to the command before it."""
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield command, shown


SESSIONS = list(sessions())


def execute(command: str) -> tuple[int, str]:
    program, *arguments = shlex.split(command)
    assert program == "policycheck"
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    out.flush()
    buffer = out.buffer
    assert isinstance(buffer, io.BytesIO)
    return code, buffer.getvalue().decode() + err.getvalue()


def matches(shown: str, printed: str) -> bool:
    """Whether the printed text is the shown one, a line of three dots standing for any lines."""
    parts = [re.escape(part) for part in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE)]
    return re.fullmatch("(?:.*\n)*?".join(parts), printed) is not None


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where the README's relative paths lead to this checkout's files, and what is written goes nowhere else."""
    for name in ("examples", "policies"):
        (tmp_path / name).symlink_to(TOP / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def test_the_readme_shows_commands() -> None:
    assert len(SESSIONS) >= 4


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("number", [number for number, (command, _) in enumerate(SESSIONS) if command.startswith("policycheck")])
def test_a_command_prints_what_the_readme_shows(number: int) -> None:
    command, shown = SESSIONS[number]
    code, printed = execute(command)
    assert matches(shown, printed), printed
    if SESSIONS[number + 1 :] and SESSIONS[number + 1][0] == "echo $?":
        assert SESSIONS[number + 1][1].strip() == str(code)


def test_the_first_policy_is_the_file_it_says_it_is() -> None:
    policy = next(block for block in blocks("yaml") if block.startswith("policy: first"))
    assert policy == (TOP / "examples" / "first.yaml").read_text(encoding="utf-8")


def test_the_scope_loads(tmp_path: Path) -> None:
    scope = next(block for block in blocks("yaml") if block.startswith("scope:"))
    path = tmp_path / "p.yaml"
    path.write_text(f"policy: p\n{scope}rules: [{{id: r, rule: no FAILED jobs}}]\n", encoding="utf-8")
    (policy,) = load_policies([(path, "p.yaml")], {})
    assert policy.scope.accounts == ("111122223333",)
    assert policy.scope.regions == ("eu-west-1",)


def test_every_file_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not link.startswith("http") and not (TOP / link).exists()] == []


def test_every_format_is_listed() -> None:
    from policycheck.formats.registry import FORMATS

    assert [name for name in FORMATS if f"| `{name}` |" not in README] == []
