"""policycheck: judge AWS Backup job lists against policies that read like the sentence an auditor signs.

As a library: `policycheck.check(policies, jobs, as_of=...)` (docs/python.md). What it needs is imported when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policycheck.version import __version__

if TYPE_CHECKING:
    from policycheck.api import check, load
    from policycheck.errors import PolicycheckError
    from policycheck.result import Result

__all__ = ["PolicycheckError", "Result", "__version__", "check", "load"]

_HOMES = {"check": "policycheck.api", "load": "policycheck.api", "PolicycheckError": "policycheck.errors", "Result": "policycheck.result"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module policycheck has no attribute {name}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
