from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from policycheck.errors import EvidenceError
from policycheck.formats.json_reading import load_result
from policycheck.formats.registry import FORMATS
from tests.formats.results import compared, mixed

Document = dict[str, Any]


def test_a_comparison_reads_back_as_it_was() -> None:
    assert load_result(FORMATS["json"].render(compared()).encode()) == compared()


def test_a_result_without_a_baseline_says_nothing_of_one() -> None:
    document = json.loads(FORMATS["json"].render(mixed()))
    assert "baseline" not in document
    assert not any("state" in finding for rule in document["rules"] for finding in rule["findings"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.pop("baseline"), "says whether it is new, and there is no baseline"),
        (lambda d: d["rules"][0]["findings"][0].pop("state"), "do not say which are new"),
        (lambda d: d["rules"][0]["findings"][1].update(state="unchanged"), "$.baseline.counts"),
        (lambda d: d["rules"][0]["findings"][1].update(state="old"), "Invalid enum value"),
        (lambda d: d["baseline"]["counts"].update(gone=0), "$.baseline.counts.gone"),
        (lambda d: d["baseline"]["gone"].pop(), "$.baseline.counts.gone"),
        (lambda d: d["baseline"]["not_seen"][0].update(fingerprint="0" * 64), "fingerprint"),
        (lambda d: d["baseline"]["not_seen"][0].update(severity="bad"), "Invalid enum value"),
        (lambda d: d["baseline"].pop("lost"), "lacks 'lost'"),
    ],
)
def test_a_comparison_that_contradicts_itself_is_refused(change: Callable[[Document], object], said: str) -> None:
    document = json.loads(FORMATS["json"].render(compared()))
    change(document)
    with pytest.raises(EvidenceError) as caught:
        load_result(json.dumps(document).encode())
    assert said in caught.value.message
