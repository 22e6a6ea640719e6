from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


@pytest.fixture
def schemas() -> Callable[[str], Path]:
    """Finds a published schema in POLICYCHECK_SCHEMAS, or in `shared/schemas` beside the checkout; the test is skipped where there is none."""

    def find(name: str) -> Path:
        path = Path(os.environ.get("POLICYCHECK_SCHEMAS", TOP.parent / "shared" / "schemas")) / name
        if not path.is_file():
            pytest.skip(f"POLICYCHECK_SCHEMAS names no folder with {name}")
        return path

    return find
