"""The tree of errors a person may see; `cli.app` alone turns them into exit codes.

PolicycheckError
├── UsageError        exit 2: the command line is wrong
├── PolicyError       exit 2: a policy, scope or waiver file is wrong (all its mistakes at once)
│   ├── RunFileError  so is a run file
│   └── AccountsFileError  or a list of accounts
├── EngineError       exit 3: the engine could not compute, or its findings could not be kept, so that nothing was evaluated
└── EvidenceError     exit 3: the evidence is missing, unreadable or short
    ├── JobFileError  a saved job list cannot be used
    └── FetchError    AWS did not give a complete list
        └── LastingError  and will not, until somebody mends what is wrong
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the process returns; precedence BUG, USAGE, FINDINGS, EVIDENCE, OK."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    EVIDENCE = 3
    BUG = 4


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a text file; lines and columns count from 1, the end column is exclusive."""

    path: str
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake in a file: where it is, what is wrong, what to write instead.

    `source_line` is the whole text of the line the location starts on, for the caret. `proposals` are canonical sentences, each of which may stand, by itself,
    in the place of the value at `replaces`.
    """

    location: Location
    message: str
    hint: str = ""
    source_line: str = ""
    proposals: tuple[str, ...] = ()
    replaces: Location | None = None


class PolicycheckError(Exception):
    """Anything that is the user's or AWS's mistake: one message, a place, a hint."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE
    usual_aws_exit_code: ClassVar[int] = 252

    def __init__(self, message: str, *, hint: str = "", place: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.place = place
        self.aws_exit_code = self.usual_aws_exit_code
        """What the AWS CLI exits with for it."""


class UsageError(PolicycheckError):
    """The command line asks for something that cannot be."""


class EngineError(PolicycheckError):
    """The engine could not compute what was asked of it, or not keep what it found: nothing was evaluated."""

    exit_code: ClassVar[ExitCode] = ExitCode.EVIDENCE


class PolicyError(PolicycheckError):
    """One or more policy, scope or waiver files are wrong; nothing was judged."""

    files: ClassVar[str] = "policy files"

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda d: (d.location, d.message)))
        count = len(self.diagnostics)
        super().__init__(f"{count} {'error' if count == 1 else 'errors'} in {self.files}")


class RunFileError(PolicyError):
    """The run file is wrong; nothing was judged."""

    files = "the run file"


class AccountsFileError(PolicyError):
    """The list of accounts is wrong; nothing was fetched."""

    files = "the list of accounts"


class EvidenceError(PolicycheckError):
    """There is not enough to judge on: an answer given now would be a guess."""

    exit_code: ClassVar[ExitCode] = ExitCode.EVIDENCE
    usual_aws_exit_code: ClassVar[int] = 255


class JobFileError(EvidenceError):
    """A saved job list is unreadable, incomplete or not a job list. `place` names the file."""


class FetchError(EvidenceError):
    """AWS did not give a complete list. `place` names operation, account and Region."""


class LastingError(FetchError):
    """A fetch failed for a reason that does not mend itself: credentials, permissions, settings. Asking again in a minute is of no use."""
