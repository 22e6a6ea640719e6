"""What a pattern is, and what several of them have in common. A row is data: `matching` says how a pattern is read, `saying` how a sentence is filled.

In a canonical sentence `{name}` is a slot, or what `saying` makes of several; `{name!}` must be filled, `{name|word}` has a word where it is not, `{name?word}`
a word that was not said: then the sentence is proposed and not accepted. `{name-}` uses a slot whose word the sentence says otherwise. Several sentences are
several meanings: none is accepted, all are proposed with what tells
them apart. A sentence that the language refuses for the list it is about (restore jobs have no outcome) counts as not there.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class Meaning(Struct, frozen=True):
    """One canonical sentence, and in a few words what it asks where there are several."""

    says: str
    asks: str = ""
    proposed: bool = False
    """Never accepted, even where it is the only one."""


class Pattern(Struct, frozen=True):
    """One way of saying something."""

    family: str
    """What the rules are about, as a heading."""
    reads: str
    meanings: Sequence[Meaning]
    examples: Sequence[str]
    """Sentences as people type them; each is a test."""


def row(family: str, reads: str, *says: str | tuple[str, str] | Meaning, of: Sequence[str]) -> Pattern:
    """A pattern; each of its sentences is a text, a text and what it asks, or a meaning."""
    meanings = [one if isinstance(one, Meaning) else Meaning(one) if isinstance(one, str) else Meaning(*one) for one in says]
    return Pattern(family, reads, meanings, of)


FORBIDDEN, COUNTS, ENDS, FRESHNESS, SCHEDULES = "What must not be", "How many", "How jobs end", "How recent backups are", "Schedules"
QUALITIES, PLACES, COPIES = "What a backup must be", "Where backups are, and who makes them", "Copies and restore tests"

COMPARED = "Jobs beside those before them"

NEWEST = "{order-}every {subject} must have a {job|clean} within {window?24h}"
OFTEN = (
    ("{order-}every {subject} must have a {job|clean} within {frequency!}", "the newest is recent enough today"),
    ("{order-}no {subject} may go longer than {frequency!} without a {job|clean} within {period}", "and it was so all the time"),
    ("{order-}every {subject} must have a {job|clean} on each of the last {periods_of!}", "and so on each day, week or month of the calendar"),
)
WANTED_OFTEN = tuple((says.replace("{job|", "{wanted|"), asks) for says, asks in OFTEN)
AT_LEAST = "{order-}every {subject} must have at least {number!} {jobs|clean} within {span?7d}"
NOT_OLDER = "{order-}every {subject_of_jobs} must have a {wanted_alone|clean} within {length!}"
LESS_OLD = "{order-}every {subject} must have a {wanted|clean} within less than {length!}"
TESTED = "every {{subject}} must have a restore job with ValidationStatus SUCCESSFUL within {{{}}}"
COPIED_ELSEWHERE = "every {job|clean} must be followed by a COMPLETED copy job with {another!} within {deadline?24h}"
COPIED_THERE = "every {job|clean} must be followed by a COMPLETED copy job with {destination!} within {deadline?24h}"
FIELD = "(AT_MOST_WANTED | AT_LEAST_WANTED)"
OF_JOBS = "(FOR? EACH? jobs)?"
ORDER = "(MORE | LONGER | LARGER | LESS | SHORTER | SMALLER | LEAST | NOT_SHORTER | NOT_SMALLER | MOST | NOT_LONGER | NOT_LARGER)"
FIELD_OF = "((OF | FOR) EACH? jobs)?"
ABOVE, BELOW = "(MORE | LONGER | LARGER)", "(LESS | SHORTER | SMALLER)"
OF_SIZES = "(MORE | LARGER | LESS | SMALLER | LEAST | NOT_SMALLER | MOST | NOT_LARGER)"
OF_LENGTHS = "(LONGER | SHORTER | NOT_LONGER | NOT_SHORTER)"
ENDS_WELL = "(SUCCEED | BE? GOOD)"
