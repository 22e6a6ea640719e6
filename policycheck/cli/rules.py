"""`policycheck rules`: what can be said, as a page."""

from __future__ import annotations

import sys
from itertools import groupby
from typing import Annotated

import typer

from policycheck.cli.terminal import colored, terminal_width, write_document
from policycheck.errors import UsageError
from policycheck.text import clean_line


def rules(
    words: Annotated[list[str] | None, typer.Argument(metavar="WORD", help="Show sentences with all of these words: copy, retention, RDS.")] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print no color.")] = False,
) -> None:
    """List what rules can say: an example of each kind of sentence, as it is evaluated, and how you can type it.

    Exit codes: 0 something is listed; 2 no sentence has these words.
    """
    from policycheck.formats.layout import Page
    from policycheck.policy.reader.families import sayable

    found = sayable(words or [])
    if not found:
        shown = clean_line(" ".join(words or []))
        raise UsageError(f"no sentence has the words '{shown}'", hint="Use fewer words, or list all sentences: policycheck rules")
    page = Page(width=terminal_width(sys.stdout), color=colored(sys.stdout, no_color=no_color))
    for family, members in groupby(found, key=lambda one: one.family):
        page.add(page.paint("strong", family))
        for one in members:
            for index, sentence in enumerate(one.sentences):
                page.add_wrapped("  or  " if index else "  ", sentence, indent=6)
            page.add_wrapped("      typed: " if one.is_accepted else "      asks: ", one.typed, style="skipped", indent=13)
        page.add()
    write_document(page.text().encode())
