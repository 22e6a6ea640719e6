"""What `policycheck check --wait` shows of its gate. The gate itself is `policycheck.gating`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policycheck.cli.diagnostics import show_note, show_warning
from policycheck.cli.evidence import parse_longest_job
from policycheck.cli.policies import read_matrices
from policycheck.cli.progress import StatusLine, show_progress

if TYPE_CHECKING:
    from policycheck.engine.backends.interface import Backend
    from policycheck.gating.pace import Pace
    from policycheck.policy.model import Policy
    from policycheck.result import Result, Severity
    from policycheck.settings.merging import Settings
    from policycheck.sources.connection import Connection
    from policycheck.sources.places import Progress


@dataclass(frozen=True, slots=True)
class Screen:
    """What a gate does, on stderr; nothing where the run is quiet."""

    quiet: bool

    def progress(self) -> AbstractContextManager[Callable[[Progress], None] | None]:
        """A bar or lines of a log."""
        return show_progress(quiet=self.quiet)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """A line that is gone once the waiting is over; in a log one that stays."""
        if self.quiet:
            yield
            return
        with StatusLine(sys.stderr) as line:
            line.show(text)
            yield

    def warn(self, text: str) -> None:
        """A warning."""
        if not self.quiet:
            show_warning(text)


def open_gate(
    settings: Settings,
    pace: Pace,
    policies: Sequence[Policy],
    connection: Connection,
    fail_on: Severity | None,
    write: Callable[[Result], None],
    backend: Backend,
    *,
    answers: bool,
) -> int:
    """Hold the gate, write the reports of the last judgement, and say why it ended; the exit code.

    Args:
        write: writes all reports.
        answers: whether these show what each subject came to.
    """
    from policycheck.gating import gate as gating
    from policycheck.gating.stops import catch_stops
    from policycheck.sources.inventories import read_inventories
    from policycheck.sources.watch import JobWatch

    inventories = read_inventories(settings.inventory or ())
    longest_job = parse_longest_job(settings.longest_job, settings.jobs)
    with catch_stops() as stops:
        timer, screen = gating.TIMER, Screen(settings.quiet)
        gate = gating.Gate(
            policies,
            JobWatch(connection, timer.now),
            fail_on,
            inventories,
            backend,
            pace,
            timer,
            screen,
            longest_job,
            answers,
            tuple(settings.framework or ()),
            read_matrices(settings),
        )
        ending = gate.hold(stops)
        if ending.result is not None:
            write(ending.result)
        if ending.message and not settings.quiet:
            show_note(f"policycheck: {ending.message}")
        # A signal that came while the reports were written ends the run as it would have before.
        return stops.exit_code if stops.number else int(ending.exit_code)
