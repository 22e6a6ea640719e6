"""`policycheck check --wait`: judge again and again until the run passes, cannot pass any more, or time is up.

A gate that is stopped or runs out of time leaves the reports of the last judgement, and never the exit code of a pass.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from policycheck.cli.diagnostics import show_note, show_warning
from policycheck.cli.evidence import parse_longest_job
from policycheck.cli.progress import StatusLine, show_progress
from policycheck.errors import EvidenceError, ExitCode, LastingError, UsageError
from policycheck.result import Result, RuleResult, Severity, Verdict
from policycheck.text import spell_duration

if TYPE_CHECKING:
    from policycheck.cli.settings import Settings
    from policycheck.engine.backends.interface import Backend
    from policycheck.engine.prospects import Prospect
    from policycheck.inventory import Inventory
    from policycheck.policy.model import Policy
    from policycheck.sources.aws import FetchedEvidence
    from policycheck.sources.connection import Connection
    from policycheck.sources.watch import JobWatch

Wait = Annotated[
    str | None,
    typer.Option("--wait", metavar="DURATION", help="A gate: fetch and judge again until every rule passes, one cannot pass any more, or time is up (30m)."),
]
Poll = Annotated[str | None, typer.Option("--poll", metavar="DURATION", help="How long --wait pauses between two looks; 30s if not given.")]

DEFAULT_POLL = "30s"
LEAST_POLL = timedelta(seconds=1)
LONGEST_WAIT = timedelta(days=7)
"""A process that looks again for longer is a service, not a gate."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a gate waits in all, and between two looks."""

    wait: timedelta
    poll: timedelta


@dataclass(frozen=True, slots=True)
class Timer:
    """Where a gate has its time from."""

    now: Callable[[], datetime]
    """This machine's clock, aware."""
    elapsed: Callable[[], float]
    """Seconds from anywhere, whatever is done to the clock."""
    sleep: Callable[[float], None]
    """Seconds."""


TIMER = Timer(lambda: datetime.now(UTC), time.monotonic, time.sleep)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a gate ended."""

    result: Result | None
    """The last judgement; None where there was none."""
    exit_code: int
    message: str = ""
    """Why it ended, for stderr."""


def parse_pace(settings: Settings) -> Pace | None:
    """What --wait and --poll say; None: the run judges once.

    Raises:
        UsageError: not a duration, out of bounds, or beside what stays as it is however long one waits.
    """
    if settings.wait is None:
        if settings.poll is not None:
            raise UsageError("--poll is for --wait: without it the run looks once", hint="--wait 30m --poll 30s")
        return None
    from policycheck.policy.runfile import NOW

    wait, poll = _duration("--wait", settings.wait), _duration("--poll", settings.poll or DEFAULT_POLL)
    if not timedelta() < wait <= LONGEST_WAIT:
        raise UsageError(f"--wait {settings.wait}: a gate waits more than 0 and at most 7d", hint="Run it again for more.")
    if poll < LEAST_POLL:
        raise UsageError(f"--poll {settings.poll}: at least 1s lies between two looks", hint="AWS gives each list 20 requests a second, for all who ask.")
    if settings.jobs:
        hint = "Leave out --wait, or fetch the jobs from AWS" + (": the run file names the lists." if settings.run_file else ".")
        raise UsageError("--wait asks AWS again; a saved list stays as it is, and time alone must not make it pass", hint=hint)
    if settings.as_of not in (None, NOW):
        raise UsageError(f"--as-of {settings.as_of} stands still, and --wait judges as of now each time", hint="Leave out --as-of.")
    return Pace(wait, poll)


def _duration(option: str, text: str) -> timedelta:
    from policycheck.policy.literals import parse_duration

    try:
        return timedelta(microseconds=parse_duration(text))
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option} {text}: {error}", hint=f"{option} 90s, 30m or 2h") from None


# --- being stopped ---


class Stopped(BaseException):
    """SIGINT or SIGTERM came while the gate waited, fetched or judged."""


@dataclass(slots=True)
class Stops:
    """SIGINT and SIGTERM while a gate is open: the first ends the waiting, so that the reports can be written; a second ends the process at once."""

    number: int = 0
    """Of the signal that came; 0: none."""
    waiting: bool = False
    """Whether one may end what is being done; reports are written to their end."""

    @property
    def exit_code(self) -> int:
        """128 and the number, as shells have it."""
        return 128 + self.number

    def check(self) -> None:
        """Raise Stopped where a signal came and whoever was called kept the exception to himself."""
        if self.number:
            raise Stopped

    def receive(self, number: int, _frame: FrameType | None = None) -> None:
        if self.number:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self.number = number
        if self.waiting:
            raise Stopped


@contextlib.contextmanager
def catch_stops() -> Iterator[Stops]:
    """Receive the signals until the block ends; only the main thread can."""
    stops = Stops()
    if threading.current_thread() is not threading.main_thread():
        yield stops
        return
    before = {number: signal.signal(number, stops.receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stops
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# --- the loop ---


@dataclass(slots=True)
class Gate:
    """One gate. `hold` may be called once."""

    policies: Sequence[Policy]
    watch: JobWatch
    fail_on: Severity | None
    inventories: Mapping[str, Inventory]
    backend: Backend
    pace: Pace
    timer: Timer
    quiet: bool
    longest_job: timedelta | None = None
    """What the user claims; None: nothing."""
    answers: bool = False
    """Whether the reports show what each subject came to."""
    _start: float = 0.0
    _looks: int = 0
    _last: Result | None = None
    _refused: frozenset[tuple[str, str | None, str]] = frozenset()
    """What AWS refused in the last fetch."""
    _failure: EvidenceError | None = None
    """Why the last fetch gave nothing."""
    _status: str = ""
    _told: set[str] = field(default_factory=set)

    def hold(self, stops: Stops) -> Ending:
        """Wait until the run passes, cannot pass any more, or time is up.

        Raises:
            EvidenceError: nothing was ever judged, and nothing will be, or time is up.
            UsageError, PolicyError: what no waiting mends.
        """
        self._start = self.timer.elapsed()
        try:
            stops.waiting = True
            while True:
                ending = self._look()
                stops.check()
                if ending is not None:
                    stops.waiting = False
                    return ending
                self._pause()
                stops.check()
        except Stopped:
            stops.waiting = False
            judged = f"the reports are those of look {self._looks}" if self._last else "nothing was judged"
            return Ending(self._last, stops.exit_code, f"stopped by {signal.Signals(stops.number).name} after {self._spell(self._passed)}: {judged}")

    @property
    def _passed(self) -> timedelta:
        return timedelta(seconds=self.timer.elapsed() - self._start)

    @property
    def _remaining(self) -> timedelta:
        return max(self.pace.wait - self._passed, timedelta())

    def _look(self) -> Ending | None:
        """Fetch and judge once; how the gate ends, where it does."""
        final = not self._remaining
        try:
            evidence, result, as_of = self._judge(whole=False)
        except EvidenceError as error:
            return self._fail(error, final=final)
        if result.exit_code is ExitCode.OK:
            # It is not kept: a gate that is stopped from here on must not leave the reports of a pass.
            return Ending(result, ExitCode.OK)
        self._failure, self._last, self._looks = None, result, self._looks + 1
        prospects = self._foresee(result, evidence, as_of)
        hopeless = [prospect for prospect in prospects if not prospect.may_pass]
        if hopeless:
            return Ending(result, result.exit_code, f"waiting cannot help: {_name(hopeless)}")
        if final:
            return self._time_up(_name(prospects))
        self._tell(f"{result.verdict}; {_name(prospects)}")
        return None

    def _judge(self, *, whole: bool) -> tuple[FetchedEvidence, Result, datetime]:
        from policycheck.pipeline import run
        from policycheck.sources.plan import plan_fetch

        as_of = self.timer.now()
        with show_progress(quiet=self.quiet) as progress:
            plan = plan_fetch(self.policies, as_of, self.longest_job)
            evidence, was_whole = self.watch.fetch(plan, as_of=as_of, progress=progress, whole=whole)
        self._warn(evidence)
        given = replace(evidence, inventories=self.inventories)
        judged = run(self.policies, given, as_of=as_of, fail_on=self.fail_on, backend=self.backend, answers=self.answers)
        if judged.exit_code is ExitCode.OK and not was_whole:
            # A pass rests on lists that were read whole, at the price of one more fetch.
            return self._judge(whole=True)
        return evidence, judged, as_of

    def _foresee(self, result: Result, evidence: FetchedEvidence, as_of: datetime) -> list[Prospect]:
        """The prospects of the rules that keep the gate closed."""
        from policycheck.engine.context import Context
        from policycheck.engine.prospects import foresee

        counting = {(rule.policy, rule.id) for rule in result.rules if self._counts(rule)}
        context = Context(evidence.lists, evidence.coverage, as_of, self.backend, self.inventories)
        # What was granted a moment ago may take a moment to hold: one refusal is no answer yet.
        again, self._refused = self._refused & evidence.refused, evidence.refused
        rules = [rule for rule in result.rules if (rule.policy, rule.id) in counting]
        # The last look may be late by what the look before it takes.
        until = self.timer.now() + self._remaining + self.pace.poll
        return list(foresee(self.policies, rules, context, until, again))

    def _counts(self, rule: RuleResult) -> bool:
        return rule.verdict in {Verdict.FAIL, Verdict.INCONCLUSIVE} and self.fail_on is not None and rule.severity.at_least(self.fail_on)

    def _fail(self, error: EvidenceError, *, final: bool) -> Ending | None:
        """What to do where a fetch gave nothing at all."""
        lasting = isinstance(error, LastingError)
        again = lasting and isinstance(self._failure, LastingError)
        if self._last is None:
            if lasting or final:
                raise error
        elif again:
            return Ending(self._last, self._last.exit_code, f"waiting cannot help: refused twice: {_place(error)}{error.message}")
        elif final:
            self._failure = error
            return self._time_up("")
        self._failure = error
        self._tell(f"nothing could be fetched: {_place(error)}{error.message}")
        return None

    def _time_up(self, waiting: str) -> Ending:
        assert self._last is not None
        parts = [f"time is up after {self._spell(self.pace.wait)}"]
        if self._failure is not None:
            parts.append(f"the last fetch failed: {_place(self._failure)}{self._failure.message}; the reports are those of an earlier look")
        else:
            parts.append(f"still {self._last.verdict}" + (f"; {waiting}" if waiting else ""))
        return Ending(self._last, self._last.exit_code, ": ".join(parts))

    def _pause(self) -> None:
        with StatusLine(sys.stderr) if not self.quiet else contextlib.nullcontext() as line:
            if line is not None:
                line.show(self._status)
            self.timer.sleep(min(self.pace.poll, self._remaining).total_seconds())

    def _tell(self, text: str) -> None:
        self._status = f"waiting, {self._spell(self._passed)} of {self._spell(self.pace.wait)}: {text}"

    def _warn(self, evidence: FetchedEvidence) -> None:
        """Warnings, each once a gate."""
        for warning in evidence.warnings:
            if warning not in self._told and not self.quiet:
                show_warning(warning)
            self._told.add(warning)

    @staticmethod
    def _spell(time_: timedelta) -> str:
        return spell_duration(time_ // timedelta(microseconds=1))


def _place(error: EvidenceError) -> str:
    return f"{error.place}: " if error.place else ""


def _name(prospects: Sequence[Prospect], most: int = 3) -> str:
    """`p/recent-backup: a later backup job may make it pass; and 2 more rules`."""
    shown = [f"{prospect.policy}/{prospect.rule}: {prospect.reason}" for prospect in prospects[:most]]
    more = len(prospects) - most
    return "; ".join([*shown, *([f"and {more} more {'rule' if more == 1 else 'rules'}"] if more > 0 else [])])


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
    from policycheck.sources.inventories import read_inventories
    from policycheck.sources.watch import JobWatch

    inventories = read_inventories(settings.inventory or ())
    longest_job = parse_longest_job(settings.longest_job, settings.jobs)
    with catch_stops() as stops:
        gate = Gate(policies, JobWatch(connection, TIMER.now), fail_on, inventories, backend, pace, TIMER, settings.quiet, longest_job, answers)
        ending = gate.hold(stops)
        if ending.result is not None:
            write(ending.result)
        if ending.message and not settings.quiet:
            show_note(f"policycheck: {ending.message}")
        # A signal that came while the reports were written ends the run as it would have before.
        return stops.exit_code if stops.number else int(ending.exit_code)
