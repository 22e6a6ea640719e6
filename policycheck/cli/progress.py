"""How far a fetch is, on one line of a terminal; nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.sources.places import Progress


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """What to call after each page; None where nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text("Fetching from AWS")) as status:
        yield lambda progress: status.update(Text(clean_line(progress.line)))
