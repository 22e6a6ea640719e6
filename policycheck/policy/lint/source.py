"""The text of a policy file, where the model no longer says what stood in it: parameters, comments, places of keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policycheck.errors import Location, PolicyError
from policycheck.policy.document import Entries, Items, Node, Text, parse_document
from policycheck.policy.model import Policy


@dataclass(frozen=True, slots=True)
class Source:
    """One file as a tree with positions."""

    root: Node

    def texts(self) -> Iterator[Text]:
        """Every scalar, keys included."""
        yield from _texts(self.root)


def read_source(policy: Policy) -> Source | None:
    """The file's tree, from the lines the policy kept; None where it has none (it was built, not loaded)."""
    if not policy.lines:
        return None
    try:
        return Source(parse_document("\n".join(policy.lines), policy.path).root)
    except PolicyError:
        return None


def _texts(node: Node) -> Iterator[Text]:
    match node:
        case Text():
            yield node
        case Items(items=items):
            for item in items:
                yield from _texts(item)
        case Entries(entries=entries):
            for key, value in entries.values():
                yield key
                yield from _texts(value)


def find_key(policy: Policy, *keys: str) -> Location:
    """Where a key of the file stands, or the nearest one above it; the file where it has no lines."""
    source = read_source(policy)
    node, location = (source.root if source else None), Location(policy.path)
    for key in keys:
        entry = node.entries.get(key) if isinstance(node, Entries) else None
        if entry is None:
            break
        location, node = entry[0].location, entry[1]
    return location
