"""`policycheck lint`: load policies and say everything that is wrong with them."""

from __future__ import annotations

from typing import Annotated

import typer

from policycheck.cli.diagnostics import show_note


def lint(
    policies: Annotated[list[str], typer.Argument(metavar="POLICY", help="Policy files, folders or names of shipped packs.")],
) -> None:
    """Check policy files without judging anything; every mistake of every file is shown. Exit 2 if there is any."""
    from policycheck.engine.backends.polars import PolarsBackend
    from policycheck.engine.patterns import check_patterns
    from policycheck.policy.catalogue import find_policies
    from policycheck.policy.load import load_policies

    loaded = load_policies(find_policies(policies), {})
    check_patterns(loaded, PolarsBackend())
    rules = sum(len(policy.rules) for policy in loaded)
    show_note(f"{len(loaded)} {'policy' if len(loaded) == 1 else 'policies'}, {rules} {'rule' if rules == 1 else 'rules'}: no errors")
