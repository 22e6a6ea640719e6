"""What the columns of fields are called, so that every engine can tell them apart: to some a dot is a member of a member, and to some `Env` is `env`."""

from __future__ import annotations

from policycheck.datasets import TAGS


def column_of(name: str) -> str:
    """The column of a field; what is a column's name already stays as it is."""
    if name.startswith(TAGS):
        return f"Tags__{spell(name.removeprefix(TAGS))}"
    return name.replace(".", "__")


def spell(name: str) -> str:
    """A name that users choose in small letters, digits and underscores: `Env` is `_45_nv`. No two names are spelled alike."""
    return "".join(sign if sign.isascii() and (sign.islower() or sign.isdigit()) else f"_{ord(sign):x}_" for sign in name)
