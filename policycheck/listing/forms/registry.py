"""The output forms by the names of the AWS CLI."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from policycheck.listing.forms.interface import Form
from policycheck.listing.forms.json_document import write_json
from policycheck.listing.forms.table import write_table
from policycheck.listing.forms.text_lines import write_text
from policycheck.listing.forms.yaml_document import write_yaml, write_yaml_stream

FORMS: Mapping[str, Form] = MappingProxyType(
    {"json": write_json, "text": write_text, "table": write_table, "yaml": write_yaml, "yaml-stream": write_yaml_stream},
)
