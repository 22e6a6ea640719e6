"""What a report format is: a name, a kind of file, and a function from Result to text, a piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NewType

from policycheck.formats.cleaning import cleaned
from policycheck.formats.escape import defuse_document
from policycheck.result import Result, Severity


@dataclass(frozen=True, slots=True)
class Options:
    """How to show a result. None of it changes a verdict, a count or the exit code."""

    color: bool = False
    """Use terminal colours (text only)."""
    width: int = 100
    """Terminal columns (text only)."""
    verbose: bool = False
    """Show everything, not only what fits a screen (text only)."""
    show_passed: bool = False
    """List the rules that passed too (text and Markdown)."""
    min_severity: Severity | None = None
    """Leave out the details of rules below it (text and Markdown); they stay in every count."""
    junit_strict: bool = False
    """Only what the published JUnit schemas know: no `file` and `line`."""
    category: str = ""
    """Of several checks of one repository and policy, which this is (SARIF)."""
    source_lines: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """(path, line) of a policy file -> the text of that line, for the caret (text only)."""
    root: str = ""
    """Absolute folder that absolute policy paths are made relative to (SARIF, GitHub and GitLab): the checkout's top."""
    folder: str = ""
    """Where relative policy paths start, seen from `root`."""


DEFAULTS = Options()


CleanResult = NewType("CleanResult", Result)
"""A result whose every string was cleaned (`clean_result`)."""


def clean_result(result: Result) -> CleanResult:
    """The result as formats take it, so that none can forget to clean it and several need it done once."""
    return CleanResult(cleaned(result))


@dataclass(frozen=True, slots=True)
class Format:
    """One report format."""

    name: str
    """The word after `--output`."""
    description: str
    """One line for the help."""
    file_suffix: str
    media_type: str
    writer: Callable[[CleanResult, Options], Iterable[str]]
    """The document in pieces of whole lines, made as they are asked for: a document of many findings is never in memory as a whole."""
    shows_answers: bool = False
    """Whether it shows what each subject came to, so that a run has to find it out."""
    companions: Mapping[str, Callable[[CleanResult, Options], Iterable[str]]] = field(default_factory=dict)
    """Documents that are written to files beside its own, by what is put into their names; none is where it goes to stdout."""

    def pieces(self, result: CleanResult, options: Options = DEFAULTS) -> Iterable[str]:
        """The document, ending with a newline; the same result and options give the same text, encodable as UTF-8."""
        return self.writer(result, options)

    def companion_paths(self, path: Path) -> dict[str, Path]:
        """Where its companions are written: `report.coverage.csv` beside `report.csv`, `report.txt.coverage.csv` beside `report.txt`."""
        stem = path.name.removesuffix(self.file_suffix) or path.name
        return {name: path.with_name(f"{stem}.{name}{self.file_suffix}") for name in self.companions}

    def render(self, result: Result, options: Options = DEFAULTS) -> str:
        """The whole document as one text."""
        return "".join(self.pieces(clean_result(result), options))

    def printed(self, document: str) -> str:
        """A document, or a piece of whole lines, for a stream that a CI runner may listen to: text in it is no command, JSON and XML read the same."""
        return defuse_document(document, self.media_type)
