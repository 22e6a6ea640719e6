"""What holds for every test."""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import typer
from botocore import hooks
from botocore.client import ClientCreator
from hypothesis import settings

from policycheck import finding_list, long_tables
from policycheck.cli import listing

# No test is timed: how long an example takes says how busy the machine is. The same code tries the same examples, so that who sees a
# failure caused it; `make search` tries others.
settings.register_profile("policycheck", deadline=None, max_examples=50, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=50)
settings.load_profile("policycheck")

# `make conformance-long`: frames of two rows are long already, and in files; so are two findings of a rule.
if limit := os.environ.get("POLICYCHECK_TEST_LIMIT"):
    long_tables.LIMIT = finding_list.MOST_IN_MEMORY = int(limit)

# As the program itself does. Looking through a process that has imported everything for garbage, every 700 objects, is an eighth of all that tests do.
gc.set_threshold(100_000)
# jsonschema compiles the grammars of 38 kinds of IRI as it is imported, which takes half a second. No schema here has one.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # what the import statement takes for a package that is not installed


def pytest_collection_finish() -> None:
    """What is imported and collected by now stays to the end: it is no garbage."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """pytest looks for garbage five times as it ends; looking once finds what it looks for, and what is left is no garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def commands_built_once() -> Iterator[None]:
    """A process builds the tree of commands once; the tests call it hundreds of times in one process, and building is a third of a short command."""
    build, built = typer.main.get_command_from_info, {}

    def build_once(command_info: Any, **options: Any) -> Any:
        # Of the list commands the callback changes when their options are loaded.
        key = (command_info.name, command_info.callback, command_info.help, command_info.cls, *sorted(options.items()))
        if key not in built:
            built[key] = build(command_info, **options)
        return built[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command_from_info", build_once)
        # The function that a list command gets with its options, too.
        patch.setattr(listing, "_build", cache(listing._build))
        yield


@pytest.fixture(scope="session", autouse=True)
def clients_built_from_one_model() -> Iterator[None]:
    """botocore makes the hundred methods of a service again for each client, and reads the signature of each handler again for each session."""
    with pytest.MonkeyPatch.context() as patch:
        make, made = ClientCreator._create_methods, dict[str, dict[str, Any]]()

        def make_once(creator: ClientCreator, service_model: Any) -> dict[str, Any]:
            name = service_model.service_name
            if name not in made:
                made[name] = make(creator, service_model)
            return dict(made[name])

        patch.setattr(ClientCreator, "_create_methods", make_once)
        patch.setattr(hooks, "accepts_kwargs", cache(hooks.accepts_kwargs))
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many command lines were compared with which other program, after `record_property("compared", NAME)` of the tests that passed."""
    passed = terminalreporter.stats.get("passed", [])
    compared = Counter(str(value) for report in passed for name, value in report.user_properties if name == "compared")
    if compared:
        told = ", ".join(f"{number} with {name}" for name, number in sorted(compared.items()))
        terminalreporter.write_line(f"command lines compared: {told}")
