"""The document that a bundle holds for `reperform.py`: of generated estates, saved in files of every form, the script comes to what the engine does."""

from __future__ import annotations

import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, seed, settings

from policycheck.engine.evaluate import judge
from policycheck.errors import JobFileError
from policycheck.evidence.input_document import encode_document, file_sources, make_document
from policycheck.evidence.manifest import place_of
from policycheck.evidence.reperform import reperform
from policycheck.inventory import Inventory
from policycheck.policy.model import Policy
from policycheck.sources.files import read_job_files
from policycheck.sources.raw import FileStore
from tests.backends import BACKEND
from tests.evidence.agree import FAST, Case, cases
from tests.evidence.agreement import AS_OF_TIME, inventory_of, said
from tests.evidence.files import write
from tests.properties import part_of


def compared(case: Case) -> bool:
    """Whether the files could be read; then both say the same."""
    store = FileStore()
    with tempfile.TemporaryDirectory() as folder:
        try:
            evidence = read_job_files(write(case.sources, Path(folder)), as_of=AS_OF_TIME, covers=case.covers, stdin=io.BytesIO(), keep=store)
        except JobFileError:
            return False
    inventories: dict[str, Inventory] = {name: inventory_of(name, entries) for name, entries in case.inventories.items()}
    whole = Policy("p", "", "p.yaml", case.rules, case.scope, tuple(case.waivers))
    half = Policy("q", "", "q.yaml", (replace(case.rules[0], policy="q"),))
    places = [(kept.name, place_of("lists", number, kept.name)) for number, kept in enumerate(store.files)]
    contents = {place: store.content(kept) for (_, place), kept in zip(places, store.files, strict=True)}
    sources = file_sources(evidence, places, contents.__getitem__)
    document = make_document([whole, half], sources, inventories, as_of=AS_OF_TIME, covers=case.covers, coverage=None)
    answer: Any = reperform(json.loads(encode_document(document)), contents.__getitem__)
    found = judge([whole, half], evidence.lists, evidence.coverage, AS_OF_TIME, BACKEND, inventories=inventories)
    for policy in answer["policies"]:
        ours = [dict(rule, findings=sorted(rule["findings"], key=str)) for rule in policy["rules"]]
        assert ours == sorted((said(rule) for rule in found if rule.policy == policy["id"]), key=lambda rule: str(rule["id"]))
    return True


def compare(count: int, number: int) -> None:
    read: list[bool] = []

    @seed(number)
    @settings(FAST, max_examples=count)
    @given(cases())
    def check(case: Case) -> None:
        read.append(compared(case))

    check()
    assert sum(read) > count / 2  # else little was compared


@pytest.mark.slow
@pytest.mark.search
def test_of_generated_files_both_say_the_same() -> None:
    compare(part_of(200), 4)
