"""`policycheck schema`: the JSON Schemas of policy files and of the run file, for editors."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from policycheck.cli.terminal import write_document


def schema(run_file: Annotated[bool, typer.Option("--run-file", help="The JSON Schema of the run file, policycheck.yaml.")] = False) -> None:
    """Print the JSON Schema of a policy file, for editors and other tools."""
    from policycheck.formats.registry import FORMATS
    from policycheck.policy.schema import json_schema
    from policycheck.settings.schema import run_file_schema

    chosen = run_file_schema(list(FORMATS)) if run_file else json_schema()
    write_document(f"{json.dumps(chosen, indent=2, ensure_ascii=False)}\n".encode())
