"""The comment on a pull request: the Markdown summary, as much of it as GitHub takes, and one line where there is nothing to do.

GitHub takes 65,536 characters a comment. Whole findings are left out, as from the summary. Who posts it puts a hidden line before it, by which the comment
is found again; room is left for that.
"""

from __future__ import annotations

from collections.abc import Iterator

from policycheck.errors import ExitCode
from policycheck.formats.interface import CleanResult, Format, Options
from policycheck.formats.markdown import summarize
from policycheck.formats.words import verdict_sentence
from policycheck.records import iso
from policycheck.result import Result, Verdict

MAX_CHARACTERS = 65_000


def is_clean(result: Result) -> bool:
    """Whether nobody has to do anything: a pass that the exit code calls one."""
    return result.verdict is Verdict.PASS and result.exit_code is ExitCode.OK


def _render(result: CleanResult, options: Options) -> Iterator[str]:
    if is_clean(result):
        yield f"**policycheck.** {verdict_sentence(result)} As of {iso(result.as_of)}.\n"
        return
    yield summarize(result, options, lambda text: len(text) <= MAX_CHARACTERS)


FORMAT = Format("comment", "a comment on a pull request, one line if the run is clean", ".md", "text/markdown", _render)
