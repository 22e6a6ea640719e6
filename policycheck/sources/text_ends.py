"""Where YAML may have been cut off: at the end of any line. What the record at the end of a text may have lost stood behind all that is left of it.

JSON closes its brackets, and a text that is cut does not; YAML has none to close. A member that follows the list in its answer (NextToken, ResponseMetadata)
and a further document show that the list before it is whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policycheck.datasets import BY_RESULT_KEY, JOB_LISTS, Dataset

_BY_ID = {dataset.id_field: dataset for dataset in JOB_LISTS.values()}
_BY_WRAPPER = {dataset.wrapper: dataset for dataset in JOB_LISTS.values()}
_METADATA = "ResponseMetadata"


@dataclass(frozen=True, slots=True)
class TextEnd:
    """The record that ends a text."""

    dataset: Dataset
    listed: bool
    """It stands in the list of an answer; else by itself or in a wrapper."""
    behind: frozenset[str]
    """The members it lacks that may have stood behind what is left of it, by their dotted names."""


def find_text_end(elements: Sequence[object]) -> TextEnd | None:
    """The record that ends a text of these answers and jobs, whose members have the order of the text; None where something follows the last record."""
    last = elements[-1] if elements else None
    if not isinstance(last, dict) or not last:
        return None
    key = next(reversed(last))
    if key in BY_RESULT_KEY:
        dataset, listed, record = BY_RESULT_KEY[key], True, last[key][-1] if isinstance(last[key], list) and last[key] else None
    elif key in _BY_WRAPPER:
        dataset, listed, record = _BY_WRAPPER[key], False, last[key]
    else:
        found = next((found for name, found in _BY_ID.items() if last.get(name) is not None), None)
        if found is None or key == _METADATA or any(name in last for name in BY_RESULT_KEY):
            return None
        dataset, listed, record = found, False, last
    if not isinstance(record, dict) or not record:
        return None
    return TextEnd(dataset, listed, _behind(dataset, record, [other for other in _records(dataset, elements) if other is not record]))


def _records(dataset: Dataset, elements: Sequence[object]) -> list[Mapping[str, object]]:
    """The records of one list, wherever they stand."""
    found: list[object] = []
    for element in elements:
        if isinstance(element, dict):
            listed = element.get(dataset.result_key)
            found += listed if isinstance(listed, list) else [element.get(dataset.wrapper, element)]
    return [record for record in found if isinstance(record, dict)]


def _behind(dataset: Dataset, record: Mapping[str, object], others: Sequence[Mapping[str, object]]) -> frozenset[str]:
    """What a record lacks and what no other one has before the last member that is left of it, as programs write members in one order."""
    last = next(reversed(list(record)))
    places = [{name: place for place, name in enumerate(other)} for other in others if last in other]

    def may_follow(head: str) -> bool:
        told = [other[head] < other[last] for other in places if head in other]
        return not told or not all(told)

    found: set[str] = set()
    for member in dataset.members:
        head, _, tail = member.name.partition(".")
        held = record.get(head)
        if (head not in record and may_follow(head)) or (tail and head == last and isinstance(held, dict) and tail not in held):
            found.add(member.name)
    return frozenset(found)
