"""Judge again and again until the run passes, cannot pass any more, or time is up.

A gate that is stopped or runs out of time leaves the reports of the last judgement, and never the exit code of a pass. It prints nothing: a `Listener` is told.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from policycheck.errors import EvidenceError, ExitCode, LastingError
from policycheck.gating.pace import Pace
from policycheck.gating.stops import Stopped, Stops
from policycheck.result import Result, RuleResult, Severity, Verdict
from policycheck.text import spell_duration

if TYPE_CHECKING:
    from policycheck.control_matrix import ControlMatrix
    from policycheck.engine.backends.interface import Backend
    from policycheck.engine.prospects import Prospect
    from policycheck.inventory import Inventory
    from policycheck.policy.model import Policy
    from policycheck.sources.aws import FetchedEvidence
    from policycheck.sources.places import Progress
    from policycheck.sources.watch import JobWatch


class Listener(Protocol):
    """Who is told what a gate does."""

    def progress(self) -> AbstractContextManager[Callable[[Progress], None] | None]:
        """While a fetch goes on: what to call after each page; None: nobody is told."""

    def waiting(self, text: str) -> AbstractContextManager[None]:
        """While the gate waits: for what."""

    def warn(self, text: str) -> None:
        """What is odd about a fetch; each is told once a gate."""


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
    listener: Listener
    longest_job: timedelta | None = None
    """What the user claims; None: nothing."""
    answers: bool = False
    """Whether the reports show what each subject came to."""
    frameworks: tuple[str, ...] = ()
    """The frameworks of controls that the rules were selected by."""
    matrices: tuple[ControlMatrix, ...] = ()
    """The user's own matrices of controls."""
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
            judged = f"the reports are those of poll {self._looks}" if self._last else "nothing was evaluated"
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
        with self.listener.progress() as progress:
            plan = plan_fetch(self.policies, as_of, self.longest_job)
            evidence, was_whole = self.watch.fetch(plan, as_of=as_of, progress=progress, whole=whole)
        self._warn(evidence)
        given = replace(evidence, inventories=self.inventories)
        judged = run(
            self.policies, given, as_of=as_of, fail_on=self.fail_on, backend=self.backend, answers=self.answers, frameworks=self.frameworks,
            matrices=self.matrices,
        )  # fmt: skip
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
        return rule.counts(Verdict.FAIL, self.fail_on) or rule.counts(Verdict.INCONCLUSIVE, self.fail_on)

    def _fail(self, error: EvidenceError, *, final: bool) -> Ending | None:
        """What to do where a fetch gave nothing at all."""
        lasting = isinstance(error, LastingError)
        again = lasting and isinstance(self._failure, LastingError)
        if self._last is None:
            if lasting or final:
                raise error
        elif again:
            return Ending(self._last, self._last.exit_code, f"waiting cannot help: rejected twice: {_place(error)}{error.message}")
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
            parts.append(f"the last fetch failed: {_place(self._failure)}{self._failure.message}; the reports are those of an earlier poll")
        else:
            parts.append(f"still {self._last.verdict}" + (f"; {waiting}" if waiting else ""))
        return Ending(self._last, self._last.exit_code, ": ".join(parts))

    def _pause(self) -> None:
        with self.listener.waiting(self._status):
            self.timer.sleep(min(self.pace.poll, self._remaining).total_seconds())

    def _tell(self, text: str) -> None:
        self._status = f"waiting, {self._spell(self._passed)} of {self._spell(self.pace.wait)}: {text}"

    def _warn(self, evidence: FetchedEvidence) -> None:
        """Warnings, each once a gate."""
        for warning in evidence.warnings:
            if warning not in self._told:
                self.listener.warn(warning)
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
