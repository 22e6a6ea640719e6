"""Suppressions in a policy file: `# policycheck: ignore[PC003] reason`.

At the line of a rule's id, or on a line of its own above it, it holds for the whole rule; at any other line, for what is found there. The reason is not
optional: a reviewer must be able to judge it without asking.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policycheck.errors import Location
from policycheck.policy.document import Text
from policycheck.policy.lint.source import read_source
from policycheck.policy.model import Policy
from policycheck.text import clean_line

_COMMENT = re.compile(r"#\s*policycheck:\s*ignore\b(?P<rest>.*)$")
_REST = re.compile(r"\[(?P<codes>[^\]]*)\]\s*(?P<reason>.*)$")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment that lets findings stand."""

    policy: Policy
    location: Location
    codes: tuple[str, ...]
    reason: str
    own_line: bool
    """Nothing but the comment stands on its line: it is about the next one."""

    def covers(self, code: str, location: Location, rule_line: int | None) -> bool:
        """Whether a finding is let stand.

        Args:
            rule_line: the line of the id of the rule the finding is about.
        """
        if code not in self.codes or location.path != self.policy.path:
            return False
        about = self.location.line + 1 if self.own_line else self.location.line
        return about in {location.line, rule_line}


def read_suppressions(policy: Policy) -> Iterator[Suppression]:
    """The suppressions of a file, whole or not, in order; one within a value is none."""
    found = [(number, match) for number, line in enumerate(policy.lines, 1) if (match := _COMMENT.search(line))]
    source = read_source(policy) if found else None
    texts = list(source.texts()) if source else []
    for number, match in found:
        column = match.start() + 1
        if _within(texts, number, column):
            continue
        location = Location(policy.path, number, column, number, len(policy.lines[number - 1]) + 1)
        rest = _REST.match(match["rest"].strip())
        codes = tuple(code.strip() for code in rest["codes"].split(",") if code.strip()) if rest else ()
        own_line = not policy.lines[number - 1][: match.start()].strip()
        yield Suppression(policy, location, codes, clean_line(rest["reason"]) if rest else "", own_line)


def _within(texts: Sequence[Text], line: int, column: int) -> bool:
    return any((text.location.line, text.location.column) <= (line, column) < (text.location.end_line, text.location.end_column) for text in texts)
