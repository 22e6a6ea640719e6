"""`policycheck test`: run the tests of policies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from policycheck.cli.diagnostics import show_note
from policycheck.cli.options import shared_options
from policycheck.cli.policies import usual_policies
from policycheck.cli.reports import require_folder
from policycheck.cli.settings import read_run_file
from policycheck.cli.terminal import write_document
from policycheck.errors import ExitCode, UsageError
from policycheck.settings.options import RunOptions
from policycheck.text import clean_line

_FORMATS = ("text", "junit")


@shared_options("test")
def test(
    options: RunOptions,
    output: Annotated[list[str] | None, typer.Option("--output", "-o", metavar="FORMAT[=PATH]", help="text or junit, to stdout or to a file.")] = None,
    mutate: Annotated[bool, typer.Option("--mutate", help="Change the rules one thing at a time, and list the changes that no test notices.")] = False,
    killed: Annotated[
        int | None, typer.Option("--killed", metavar="PERCENT", min=0, max=100, help="With --mutate: lowest percentage of killed mutants that passes.")
    ] = None,
) -> None:
    """Run the tests of policies: NAME.test.yaml beside NAME.yaml.

    A missing finding fails a test, and so does an unexpected one.

    Exit codes: 0 all passed; 1 a test failed; 2 a test or a policy is wrong, or there are no tests.
    """
    from policycheck.engine.backends.registry import open_engine
    from policycheck.formats.output import write_atomically
    from policycheck.testing.catalogue import find_tests, find_untested
    from policycheck.testing.document import load_tests
    from policycheck.testing.mutation import judge_mutants
    from policycheck.testing.report import count_line, render_junit, render_text
    from policycheck.testing.runner import run_tests, unfired_rules

    policies = options.policies or _policies_of_run_file(options)
    if killed is not None and not mutate:
        raise UsageError("--killed requires --mutate", hint=f"policycheck test --mutate --killed {killed} POLICY")
    outputs = _parse(output or [])
    backend = open_engine()
    tests = load_tests(find_tests(policies))
    outcomes = run_tests(tests, backend)
    passed = all(outcome.passed for outcome in outcomes)
    # A rule whose own tests fail says nothing about its mutants.
    mutants = judge_mutants(tests, backend) if mutate and passed else None
    untested = find_untested(policies, {Path(test.policy.path) for test in tests})
    documents = {"text": render_text(outcomes, unfired_rules(outcomes), mutants, untested), "junit": render_junit(outcomes)}
    for name, path in sorted(outputs, key=lambda pair: pair[1] is None):
        content = documents[name].encode()
        if path is None:
            write_document(content)
        else:
            write_atomically(path, content)
    if ("text", None) not in outputs:
        show_note(f"policycheck: {count_line(outcomes)}")
    short = mutants is not None and mutants.killed * 100 < (killed or 0) * mutants.total
    if not passed or short:
        raise typer.Exit(int(ExitCode.FINDINGS))


def _policies_of_run_file(options: RunOptions) -> list[str]:
    """What the run file names, as a command line would name it."""
    from policycheck.policy.catalogue import shipped_packs

    run_file = read_run_file(options.config, no_config=options.no_config)
    if run_file is None or not run_file.policies:
        if usual := usual_policies():
            return list(usual)
        raise UsageError("no policy is named", hint="policycheck test POLICY, or policycheck test policies/, or name the policies in policycheck.yaml.")
    run_file.find_policies()
    packs = shipped_packs()
    # Without the dot, a folder beside the run file that has the name of a pack would be the pack.
    return [entry if entry in packs else f"./{(run_file.folder / entry).as_posix()}" for entry in run_file.policies]


def _parse(texts: Sequence[str]) -> list[tuple[str, Path | None]]:
    outputs: list[tuple[str, Path | None]] = []
    for text in texts:
        name, _, path = text.partition("=")
        if name not in _FORMATS:
            raise UsageError(f"there is no format {clean_line(name)} of tests", hint=f"The formats are {', '.join(_FORMATS)}.")
        outputs.append((name, Path(path) if path and path != "-" else None))
    for file in (path for _, path in outputs if path is not None):
        require_folder(file)
    if sum(path is None for _, path in outputs) > 1:
        raise UsageError("only one format can go to stdout", hint="Write the other to a file: --output junit=tests.xml")
    return outputs or [("text", None)]
