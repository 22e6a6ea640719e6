"""`policycheck lint`: load policies and say everything that is wrong with them."""

from __future__ import annotations

import typer

from policycheck.cli.diagnostics import show_note
from policycheck.cli.policies import load_all
from policycheck.cli.settings import Config, NoConfig, Policies, settle


def lint(
    context: typer.Context,
    policies: Policies = None,
    config: Config = None,
    no_config: NoConfig = False,
) -> None:
    """Check policy files and the run file without judging anything; every mistake of every file is shown. Exit 2 if there is any."""
    from policycheck.engine.backends.polars import PolarsBackend
    from policycheck.engine.patterns import check_patterns

    loaded = load_all(settle(context))
    check_patterns(loaded, PolarsBackend())
    rules = sum(len(policy.rules) for policy in loaded)
    show_note(f"{len(loaded)} {'policy' if len(loaded) == 1 else 'policies'}, {rules} {'rule' if rules == 1 else 'rules'}: no errors")
