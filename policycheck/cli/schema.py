"""`policycheck schema`: the JSON Schema of policy files, for editors."""

from __future__ import annotations

import json

from policycheck.cli.terminal import write_document


def schema() -> None:
    """Print the JSON Schema of a policy file, for editors and other tools."""
    from policycheck.policy.schema import json_schema

    write_document(f"{json.dumps(json_schema(), indent=2, ensure_ascii=False)}\n".encode())
