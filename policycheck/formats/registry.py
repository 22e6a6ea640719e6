"""The formats by name, in the order the help lists them. A new format is its module and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from policycheck.formats.lazy import LazyFormats

if TYPE_CHECKING:
    from policycheck.formats.interface import Format

FORMATS: Mapping[str, Format] = LazyFormats(
    {
        "text": "policycheck.formats.text_report",
        "json": "policycheck.formats.json_result",
        "junit": "policycheck.formats.junit",
        "sarif": "policycheck.formats.sarif",
        "markdown": "policycheck.formats.markdown",
        "comment": "policycheck.formats.comment",
        "html": "policycheck.formats.html",
        "github": "policycheck.formats.github",
        "gitlab": "policycheck.formats.gitlab",
        "csv": "policycheck.formats.population_csv",
        "ocsf": "policycheck.formats.ocsf",
        "oscal": "policycheck.formats.oscal",
        "in-toto": "policycheck.formats.in_toto",
    }
)
