"""Expected texts kept beside their cases; POLICYCHECK_UPDATE_GOLDENS=1 writes them anew, and the difference is reviewed like code."""

from __future__ import annotations

import os
from pathlib import Path


def assert_equals_golden(made: str, path: Path) -> None:
    """The file holds exactly this text."""
    if os.environ.get("POLICYCHECK_UPDATE_GOLDENS"):
        path.write_text(made, encoding="utf-8", newline="\n")
    kept = path.read_bytes().decode() if path.exists() else ""
    assert made == kept, f"POLICYCHECK_UPDATE_GOLDENS=1 pytest tests/policy accepts what {path.name} should hold now"
