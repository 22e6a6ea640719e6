"""The sentences of `tests/cases/sentences.yaml`: what each one means, and what is said of those that are refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

SENTENCE_FILE = Path(__file__).parents[1] / "cases" / "sentences.yaml"


@dataclass(frozen=True)
class Accepted:
    """A sentence, the structured form it means, and how it is rendered where that is not the sentence itself."""

    sentence: str
    means: dict[str, Any]
    rendered: str
    design: bool


@dataclass(frozen=True)
class Refused:
    """A sentence that says no rule, and the diagnostic it gets; columns count from 1 within the sentence, the end is exclusive."""

    sentence: str
    columns: str
    message: str
    hint: str


def _read() -> tuple[list[Accepted], list[Refused]]:
    # The base loader leaves every scalar the text it is, as policies do.
    tree = YAML(typ="base", pure=True).load(SENTENCE_FILE.read_text(encoding="utf-8"))
    accepted = [Accepted(row["sentence"], row["means"], row.get("rendered", row["sentence"]), "design" in row) for row in tree["accepted"]]
    refused = [Refused(row["sentence"], row["columns"], row["message"], row.get("hint", "")) for row in tree["refused"]]
    return accepted, refused


ACCEPTED, REFUSED = _read()
SENTENCES = [row.sentence for row in ACCEPTED]
