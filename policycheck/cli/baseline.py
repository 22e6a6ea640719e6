"""`--baseline`: the result of an earlier run, read before anything is evaluated, and what this run shows against it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from policycheck.cli.diagnostics import show_warning
from policycheck.cli.reports import REDACT_KEY
from policycheck.errors import EvidenceError, UsageError
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.result import Result
    from policycheck.settings.options import RunOptions


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline that was read."""

    result: Result
    source: str
    redacted: bool
    """Whether pseudonyms stand in it, so that the run is compared by its own."""
    fail_on_new: bool

    def compare(self, result: Result, redact_key: bytes | None) -> tuple[Result, bytes | None]:
        """The result with what it shows against the baseline, and the key that it is still to be redacted with.

        Raises:
            UsageError: the baseline is of other policies, or of a later time.
        """
        from policycheck.baseline import compare

        if self.redacted and redact_key is not None:
            from policycheck.formats.redaction import redact

            result, redact_key = redact(result, redact_key), None
        return compare(result, self.result, source=self.source, fail_on_new=self.fail_on_new), redact_key


def read_baseline(options: RunOptions, *, waits: bool = False) -> Baseline | None:
    """The baseline that the options name; None where they name none.

    Raises:
        UsageError: a baseline of a gate, or a redacted one of a run that is not redacted with the same key.
        EvidenceError: it cannot be read, or is no saved result, or a damaged one.
    """
    if options.baseline is None:
        if options.fail_on_new and not options.quiet:
            show_warning("--fail-on-new has no baseline: every finding fails the run. Name the result of an earlier run with --baseline RESULT.json")
        return None
    if waits:
        raise UsageError(
            "--baseline and --wait exclude each other", hint="A gate opens when its rules pass, whatever an earlier run found. Use one of the two."
        )
    from policycheck.cli.saved import read_result
    from policycheck.formats.redaction import NOTE

    path = Path(options.baseline)
    source = clean_line(path.as_posix())
    try:
        result = read_result(path, "baseline")
    except EvidenceError as error:
        hint = "Name a file that `policycheck check --output json=FILE` wrote, unchanged."
        raise EvidenceError(error.message.replace("the saved result", "the baseline", 1), hint=hint, place=source) from None
    redacted = NOTE in result.not_seen
    if redacted and not (options.redact and os.environ.get(REDACT_KEY)):
        hint = f"Redact this run with the key of the baseline (--redact, {REDACT_KEY}), or name a result that is not redacted."
        raise UsageError("the baseline is redacted: pseudonyms cannot be compared with names", place=source, hint=hint)
    return Baseline(result, source, redacted, options.fail_on_new)


def parse_category(text: str | None) -> str:
    """The category of reports: what the options say, else the environment; empty where neither does. Raises UsageError."""
    from policycheck.settings.options import CATEGORY, OPTIONS

    text = text if text is not None else os.environ.get(OPTIONS["category"].option.variable)
    if text and not re.fullmatch(CATEGORY, text):
        hint = "It has at most 100 letters, digits, spaces and any of . _ : / -"
        raise UsageError(f"--category: '{clean_line(text)}' cannot be a category", hint=hint)
    return text or ""
