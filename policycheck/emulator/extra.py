"""Whether the `emulator` extra is installed."""

from __future__ import annotations

from importlib.util import find_spec

from policycheck.errors import UsageError


def require_moto() -> None:
    """Raises UsageError, which says what to install, where moto or boto3 is missing."""
    missing = [name for name in ("moto", "boto3") if find_spec(name) is None]
    if missing:
        raise UsageError(f"the emulator needs {' and '.join(missing)}", hint="pip install 'policycheck[emulator]'")
