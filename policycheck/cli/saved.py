"""Results that an earlier run saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from policycheck.errors import EvidenceError
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.result import Result


def read_result(path: Path, what: str = "result") -> Result:
    """The result in a file; `what` it is called.

    Raises:
        EvidenceError: it cannot be read, or is no saved result, or a damaged one.
    """
    from policycheck.formats.json_reading import load_result

    try:
        content = path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"cannot read the {what}: {error.strerror or error}", place=clean_line(str(path))) from None
    return load_result(content, place=clean_line(str(path)))
