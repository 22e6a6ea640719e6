"""What must hold of the second implementation's answers on any lists: of jobs, groups, schedules and following jobs."""

from __future__ import annotations

import copy
import dataclasses
from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policycheck.evidence.reperform import reperform
from policycheck.policy.measures import Measure
from tests.evidence.agree import FAST, Case, cases
from tests.evidence.files import Source
from tests.evidence.rules import following_rules, group_rules, job_rules
from tests.properties import examples

RULES = st.tuples(*(group_rules(measure, number) for number, measure in enumerate(Measure)), following_rules(len(Measure)), job_rules(len(Measure) + 1))
SEEDS = st.integers(0, 2**32 - 1)


def results(case: Case) -> dict[str, dict[str, Any]]:
    return {result["id"]: result for result in reperform(case.document())["rules"]}


def shuffled(case: Case, chance: Random) -> Case:
    """The case with files, records, members and rules in another order. What ends a text that may have been cut off stays where it is."""
    sources = copy.deepcopy(case.sources)
    for source in sources:
        if source.get("unclosed"):
            source["records"][:-1] = chance.sample(source["records"][:-1], len(source["records"]) - 1)
            continue
        source["records"] = [dict(chance.sample(sorted(record.items()), len(record))) for record in chance.sample(source["records"], len(source["records"]))]
    return dataclasses.replace(case, sources=chance.sample(sources, len(sources)), rules=case.rules[::-1])


def split(case: Case, chance: Random) -> Case:
    """The case with the records of each file in two files."""
    sources: list[Source] = []
    for source in case.sources:
        first = {index for index in range(len(source["records"])) if chance.random() < 0.5}
        parts = [[record for index, record in enumerate(source["records"]) if (index in first) is half] for half in (True, False)]
        # A part of YAML ends elsewhere, and what ended it would be unclosed no more.
        sources += [source] if source["lone"] or source.get("unclosed") else [{**source, "records": part} for part in parts]
    return dataclasses.replace(case, sources=sources)


@examples(cases(RULES), SEEDS, few=4, many=60)
def test_the_order_of_files_records_members_and_rules_changes_nothing(case: Case, seed: int) -> None:
    assert results(case) == results(shuffled(case, Random(seed)))


@examples(cases(RULES), SEEDS, few=4, many=60)
def test_splitting_files_never_gains_a_pass(case: Case, seed: int) -> None:
    whole, parts = results(case), results(split(case, Random(seed)))
    assert [name for name, result in parts.items() if result["verdict"] in {"pass", "skipped"} and whole[name]["verdict"] not in {"pass", "skipped"}] == []


@examples(cases(RULES), few=4, many=60)
def test_no_pass_beside_a_possible_violation_or_a_list_that_was_not_read(case: Case) -> None:
    needed = {rule.id: rule.statement.lists_needed for rule in case.rules}
    for name, result in results(case).items():
        assert (result["verdict"] == "fail") is not all(finding["waived"] for finding in result["findings"])
        if result["verdict"] in {"pass", "skipped"}:
            assert result["possible"] == 0
            assert needed[name] <= {source["dataset"] for source in case.sources}


@pytest.mark.slow
def test_the_generated_lists_reach_every_verdict() -> None:
    verdicts: Counter[str] = Counter()

    @settings(FAST, max_examples=500, derandomize=True)
    @given(cases())
    def count(case: Case) -> None:
        verdicts.update(result["verdict"] for result in results(case).values())

    count()
    assert set(verdicts) == {"pass", "fail", "waived", "inconclusive", "skipped"}
    assert min(verdicts["pass"], verdicts["fail"]) > 20
