"""What holds for every test."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings

# No test is timed: how long an example takes says how busy the machine is.
settings.register_profile("policycheck", deadline=None)
settings.load_profile("policycheck")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many command lines were compared with which other program, after `record_property("compared", NAME)` of the tests that passed."""
    passed = terminalreporter.stats.get("passed", [])
    compared = Counter(str(value) for report in passed for name, value in report.user_properties if name == "compared")
    if compared:
        told = ", ".join(f"{number} with {name}" for name, number in sorted(compared.items()))
        terminalreporter.write_line(f"command lines compared: {told}")
