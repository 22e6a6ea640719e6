"""What a report format is: a name, a kind of file, and a function from Result to text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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
    show_passed: bool = False
    """List the rules that passed too (text and Markdown)."""
    min_severity: Severity | None = None
    """Leave out the details of rules below it (text and Markdown); they stay in every count."""
    junit_strict: bool = False
    """Only what the published JUnit schemas know: no `file` and `line`."""
    source_lines: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """(path, line) of a policy file -> the text of that line, for the caret (text only)."""
    root: str = ""
    """Absolute folder that absolute policy paths are made relative to (SARIF, GitHub and GitLab): the checkout's top."""
    folder: str = ""
    """Where relative policy paths start, seen from `root`."""


DEFAULTS = Options()


@dataclass(frozen=True, slots=True)
class Format:
    """One report format. Every string of the result is cleaned before `writer` sees it, so that no format can forget to."""

    name: str
    """The word after `--output`."""
    description: str
    """One line for the help."""
    file_suffix: str
    media_type: str
    writer: Callable[[Result, Options], str]

    def render(self, result: Result, options: Options = DEFAULTS) -> str:
        """The whole document, ending with a newline; the same result and options give the same text, encodable as UTF-8."""
        return self.writer(cleaned(result), options)

    def printed(self, document: str) -> str:
        """What `render` gave, for a stream that a CI runner may listen to: text in it is no command, JSON and XML read the same."""
        return defuse_document(document, self.media_type)
