"""`policycheck rules`: what can be said, narrowed by words."""

from __future__ import annotations

from tests.cli.conftest import Cli, cli, folder

__all__ = ["cli", "folder"]


def test_rules_lists_families_with_what_is_typed(cli: Cli) -> None:
    outcome = cli("rules")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(
        "What must not be\n  no FAILED EC2 jobs in vault prod within 24h\n      typed: no failed EC2 jobs in vault prod within 24 hours\n"
    )
    assert "\nCopies and restore tests\n" in outcome.out


def test_rules_are_narrowed_by_words(cli: Cli) -> None:
    outcome = cli("rules", "copies", "REGION")
    assert "DestinationRegion" in outcome.out
    assert "Retention" not in outcome.out
    assert cli("rules", "zorgle") == (
        2,
        "",
        "error: no sentence has the words 'zorgle'\n  = help: Use fewer words, or list all sentences: policycheck rules\n",
    )
