"""Regions by their codes and by what people call them."""

from __future__ import annotations

import json
from pathlib import Path

import botocore
import pytest

from policycheck.regions import REGIONS, find_region
from tests.tables import each


def test_the_table_is_what_botocore_says() -> None:
    endpoints = json.loads((Path(botocore.__file__).parent / "data" / "endpoints.json").read_text(encoding="utf-8"))
    described = {code: region["description"] for partition in endpoints["partitions"] for code, region in partition["regions"].items()}
    assert described.items() <= REGIONS.items()


@each("code", REGIONS)
def test_every_region_is_read_by_its_code_and_its_name_however_they_are_written(code: str) -> None:
    name = REGIONS[code]
    forms = [code, code.upper(), code.replace("-", "_"), code.replace("-", " "), f" {code} ", code.replace("-", ""), name, name.lower(), name.replace(" ", "")]
    assert {find_region(form) for form in (*forms, name.replace("(", "").replace(")", ""), f"{name} {code}", f"{code} ({name})")} == {code}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Ireland", "eu-west-1"),
        ("EU (Ireland)", "eu-west-1"),
        ("EU Ireland", "eu-west-1"),
        ("eu-west-1 (Ireland)", "eu-west-1"),
        ("Frankfurt", "eu-central-1"),
        ("N. Virginia", "us-east-1"),
        ("Virginia", "us-east-1"),
        ("US East (Northern Virginia)", "us-east-1"),
        ("Ohio", "us-east-2"),
        ("oregon", "us-west-2"),
        ("São Paulo", "sa-east-1"),
        ("GovCloud (US-West)", "us-gov-west-1"),
        ("xx-north-12", "xx-north-12"),
        ("Central", None),
        ("Irland", None),
        ("global", None),
        ("eu-west-1a", None),
        ("eu-west", None),
        ("-", None),
        ("", None),
        ("all", None),
    ],
)
def test_words_mean_one_region_or_none(text: str, code: str | None) -> None:
    assert find_region(text) == code
