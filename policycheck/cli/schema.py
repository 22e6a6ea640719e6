"""`policycheck schema`: the JSON Schema of policy files, for editors."""

from __future__ import annotations

import json

import typer


def schema() -> None:
    """Print the JSON Schema of a policy file, for editors and other tools."""
    from policycheck.policy.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
