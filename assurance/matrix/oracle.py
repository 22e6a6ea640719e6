"""The second evaluation of many parts of one organization's evidence: `reperform.py`, with what it read of the complete lists kept from one to the next.

What is kept is what the script itself made of the same records under the same number: nothing else of it is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any
from unittest.mock import patch

from assurance.matrix.organization import Lists
from policycheck.datasets import JOB_LISTS
from policycheck.evidence import reperform as script

_READ_RECORD, _READ_SOURCE, _EVIDENCE = script.read_record, script.read_source, script.Evidence


class Oracle:
    """The verdicts of `reperform.py` on the lists of an organization, of which some are changed."""

    def __init__(self, document: Mapping[str, Any], lists: Lists) -> None:
        """A document of an evidence bundle, for its rules and all beside the records; and the complete lists."""
        self._document = document
        self._lists = lists
        self._policies = {policy["id"]: policy for policy in document["policies"]}
        self._known = {id(record) for records in lists.values() for record in records}
        self._whole = {id(records) for records in lists.values()}
        self._jobs: dict[tuple[int, int], script.Job] = {}
        self._sources: dict[tuple[int, int], tuple[list[script.Job], bool]] = {}
        self._evidence: dict[tuple[int, int], tuple[Any, script.Evidence]] = {}

    @property
    def rules(self) -> frozenset[str]:
        """The rules that it evaluates."""
        return frozenset(self._policies)

    def judge(
        self, names: Sequence[str], lists: Set[str], records: Mapping[str, Sequence[Any]], marks: Mapping[str, Set[str]], **beside: Any
    ) -> Mapping[str, str]:
        """The verdicts of some rules, by rule.

        Args:
            lists: those that are evaluated; of what there is the script knows no list, and these rules need none.
            records: the changed ones; others are as they were.
            marks: which lists are `unclosed`, and which are `lone` (docs/reperform.md).
            beside: other members of the document, such as its inventories.
        """
        document = {**self._document, **beside, "policies": [self._policies[name] for name in self._policies if name in names]}
        document["sources"] = [
            {"dataset": name, "name": name, "records": list(records[name]) if name in records else self._lists[name]}
            | {mark: name in of for mark, of in marks.items()}
            for name in sorted(lists & JOB_LISTS.keys())
        ]
        # What is kept of a list was made with the inventories of the complete evidence.
        evidence: Any = _EVIDENCE if beside else self._evidence_of
        with patch.multiple(script, read_record=self._read_record, read_source=self._read_source, Evidence=evidence):
            return {policy["id"]: policy["rules"][0]["verdict"] for policy in script.reperform(document)["policies"]}

    def _read_record(self, record: Any, jobs: script.JobList, source: int) -> script.Job:
        if id(record) not in self._known:
            return _READ_RECORD(record, jobs, source)
        key = (id(record), source)
        if key not in self._jobs:
            self._jobs[key] = _READ_RECORD(record, jobs, source)
        read = self._jobs[key]
        # The script writes into what it reads.
        made = script.Job(read, source)
        made.unusable = set(read.unusable)
        return made

    def _read_source(self, records: Any, jobs: script.JobList, source: int, unclosed: bool = False) -> tuple[list[script.Job], bool]:
        if unclosed or id(records) not in self._whole:
            return _READ_SOURCE(records, jobs, source, unclosed)
        key = (id(records), source)
        if key not in self._sources:
            self._sources[key] = _READ_SOURCE(records, jobs, source, unclosed)
        return self._sources[key]

    def _evidence_of(self, jobs: script.JobList, sources: list[list[script.Job]], as_of: int, inventories: Any) -> script.Evidence:
        whole = {id(found) for found, _ in self._sources.values()}
        if len(sources) != 1 or id(sources[0]) not in whole:
            return _EVIDENCE(jobs, sources, as_of, inventories)
        key = (id(sources[0]), as_of)
        if key not in self._evidence:
            # The records are kept with it, so that no other list has their place in memory.
            self._evidence[key] = (sources, _EVIDENCE(jobs, sources, as_of, inventories))
        return self._evidence[key][1]
