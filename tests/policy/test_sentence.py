"""What every sentence means, how it is rendered, and what is said of those that are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policycheck.errors import Diagnostic, PolicyError
from policycheck.policy import grammar
from policycheck.policy.document import Text, parse_document
from policycheck.policy.load import load_policies
from policycheck.policy.model import JobChoice
from policycheck.policy.rendering import render, render_requirement
from policycheck.policy.sentence import parse_sentence
from policycheck.policy.statements import structured_rule
from policycheck.policy.syntax import SentenceError
from tests.policy.policies import as_yaml, load, sentence
from tests.policy.sentences import ACCEPTED, REFUSED, SENTENCES, Accepted, Refused
from tests.tables import each

PARAMS = "params: {vault: prod, rpo: 36h, most: 2}"


def named(row: Accepted | Refused) -> str:
    return row.sentence


def test_design_rows_come_first() -> None:
    flags = [row.design for row in ACCEPTED]
    assert flags == sorted(flags, reverse=True)
    assert sum(flags) == 31


def test_no_sentence_is_listed_twice() -> None:
    sentences = [*SENTENCES, *(row.sentence for row in REFUSED)]
    assert len(sentences) == len(set(sentences))


@each("row", ACCEPTED, ids=named)
def test_sentence_means_its_structured_form(row: Accepted) -> None:
    assert structured_rule(parse_sentence(sentence(row.sentence))) == row.means


@each("row", ACCEPTED, ids=named)
def test_sentence_is_rendered(row: Accepted) -> None:
    statement = parse_sentence(sentence(row.sentence))
    assert render(statement) == row.rendered
    assert parse_sentence(sentence(row.rendered)) == statement


@each("row", ACCEPTED, ids=named)
def test_both_spellings_load_as_the_same_rule(row: Accepted, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    rules = [{"id": "sentence", "rule": row.sentence}, {"id": "structured", **row.means}]
    path.write_text(f"policy: p\n{PARAMS}\nrules: {as_yaml(rules)}\n", encoding="utf-8")
    said, structured = load(path).rules
    assert said.statement == structured.statement
    assert said.sentence == structured.sentence == row.rendered.replace("${vault}", "prod").replace("${rpo}", "36h").replace("${most}", "2")


def diagnose_sentence(text: str, tmp_path: Path) -> tuple[Diagnostic, int]:
    """The one diagnostic of a rule that is this sentence, and the column of the sentence's first character."""
    path = tmp_path / "policy.yaml"
    before = "  rule: "
    written = f'"{text.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"' if "'" in text else f"'{text}'"
    path.write_text(f"policy: p\n{PARAMS}\nrules:\n- id: r\n{before}{written}\n", encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_policies([(path, "policy.yaml")], {})
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.location.line, diagnostic.location.end_line) == (5, 5)
    return diagnostic, len(before) + 2


@each("row", REFUSED, ids=named)
def test_refused_sentence_says_where_and_why(row: Refused, tmp_path: Path) -> None:
    diagnostic, first = diagnose_sentence(row.sentence, tmp_path)
    columns = f"{diagnostic.location.column - first + 1}-{diagnostic.location.end_column - first + 1}"
    assert (columns, diagnostic.message, diagnostic.hint) == (row.columns, row.message, row.hint)


SPELLED_OUT = re.compile(
    r"(?:Write|Name the field|Put the window before the comma|Omit the state|Write have and a field): "
    r"((?:for|no|State|Status|Outcome|VaultLockState|IsEncrypted) .+)"
)


def test_sentences_that_hints_spell_out_parse() -> None:
    spelled = [match[1] for row in REFUSED if (match := SPELLED_OUT.fullmatch(row.hint))]
    assert len(spelled) > 10
    for text in spelled:
        parse_sentence(sentence(text))


def test_sentences_of_the_documentation_are_rendered_as_themselves() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
    table = page.partition("| written | measure |")[2].partition("\n\n")[0]
    sentences = [text for text in re.findall(r"`([^`]+)`", table) if len(text.split()) > 5 and "..." not in text]
    assert len(sentences) == 20
    assert [text for text in sentences if render(parse_sentence(sentence(text))) != text] == []


REQUIREMENTS = {
    "no FAILED jobs within 24h": "State must not be FAILED",
    "no FAILED jobs unless recovered within 6h": "State must not be FAILED unless recovered within 6h",
    "for EC2 jobs, duration must be at most 4h": "duration must be at most 4h",
    "every RDS resource in vault prod must have an RDS job within 24h": "an RDS job within 24h",
    "every resource must have a clean job within less than 24h": "a clean job within less than 24h",
    "every resource must have at least 7 clean jobs within 8d": "at least 7 clean jobs",
    "at most 2 FAILED EC2 jobs in vault prod per resource within 7d": "at most 2 FAILED jobs",
    "fewer than 2 consecutive FAILED jobs within 7d": "fewer than 2 consecutive FAILED jobs",
    "at least 99% of EC2 jobs in vault prod must be COMPLETED within 7d": "at least 99% of jobs must be COMPLETED",
    "the latest EC2 job of every vault must have Retention at least 35d": "the latest job must have Retention at least 35d",
    "no resource may go longer than 26h without a clean job within 28d": "at most 26h may pass without a clean job",
    "for EC2 jobs, less than 26h may pass without a clean job within 28d": "less than 26h may pass without a clean job",
    "no scheduled EC2 run may be missed within 7d": "no scheduled run may be missed",
    "at most 2 scheduled runs may be missed within 7d": "at most 2 scheduled runs may be missed",
    "every clean job must be followed by a COMPLETED copy job within 6h": "every job must be followed by a COMPLETED copy job within 6h",
}


@pytest.mark.parametrize("text", REQUIREMENTS)
def test_requirement_is_told_without_its_population(text: str) -> None:
    statement = parse_sentence(sentence(text))
    assert render_requirement(statement.requirement, statement.list) == REQUIREMENTS[text]


def test_requirement_of_another_list_names_its_jobs() -> None:
    statement = parse_sentence(sentence("every resource must have an ABORTED restore job within 24h"))
    assert render_requirement(statement.requirement, statement.list) == "an ABORTED restore job within 24h"


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("no FAILED jobs", JobChoice.ALL),
        ("at least 99% of jobs per resource must be COMPLETED", JobChoice.ONCE),
        ("at most 2 FAILED jobs per account", JobChoice.ONCE),
        ("at most 2 FAILED jobs", JobChoice.ONCE),
        ("at most 2 FAILED jobs per account and resource", JobChoice.ONCE),
        ("at most 2 consecutive FAILED jobs per account", JobChoice.ALL),
        ("every vault must have a clean job within 24h", JobChoice.ALL),
    ],
)
def test_shares_and_counts_count_a_composite_job_once(text: str, choice: JobChoice) -> None:
    assert parse_sentence(sentence(text)).default_jobs is choice


def error_in(written: str) -> tuple[str, SentenceError]:
    """The source line of `rule:` with this YAML, and the error of its sentence."""
    document = parse_document(f"rule: {written}", "policy.yaml")
    node = next(iter(document.root.entries.values()))[1]  # type: ignore[union-attr]  # the root is the mapping just written
    assert isinstance(node, Text)
    with pytest.raises(SentenceError) as caught:
        parse_sentence(node)
    return document.lines[0], caught.value


@pytest.mark.parametrize(
    "written",
    [
        "no FAILED jobs in vault prod someday",
        "'no FAILED jobs in vault prod someday'",
        "'no jobs with status message containing \"it''s it''s\" someday'",
        '"no FAILED jobs in vault prod someday"',
        r'"no FAILED jobs in vault \"prod\" someday"',
        r'"no FAILED jobs in vault \x70\u0072\U0000006Fd someday"',
        r'"no FAILED\tjobs in vault \"\\\\\" someday"',
        '"no jobs with status message containing \\"日本 é\\" someday"',
        "no FAILED jobs in vault prod someday.",
        "   no FAILED jobs in vault prod someday",
    ],
)
def test_caret_stands_under_the_word_whatever_the_quotes(written: str) -> None:
    line, error = error_in(written)
    assert line[error.location.column - 1 : error.location.end_column - 1] == "someday"


@pytest.mark.parametrize(
    "written",
    [
        "no FAILED\n  jobs someday",
        "'no FAILED\n  jobs someday'",
        '"no FAILED\\\n  jobs someday"',
        ">\n  no FAILED\n  jobs someday",
        "|-\n  no FAILED\n  jobs someday",
    ],
)
def test_error_in_a_sentence_of_several_lines_points_at_the_first(written: str) -> None:
    _, error = error_in(written)
    assert (error.location.line, error.location.column) == (1, 7)


def test_parser_error_at_the_end_points_behind_the_last_word() -> None:
    line, error = error_in("'no FAILED jobs in vault'")
    assert line[error.location.column - 1] == "'"
    assert error.location.column == len(line)


def test_kept_tables_fit_the_grammar() -> None:
    assert grammar.tables_fit(), "python -m policycheck.policy.grammar writes them again"


def test_parser_built_from_the_grammar_agrees_with_the_kept_one() -> None:
    built, kept = grammar.build(), grammar.parser()
    assert [text for text in SENTENCES if built.parse(text.removesuffix(".")) != kept.parse(text.removesuffix("."))] == []


def test_tables_of_another_grammar_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = tmp_path / "sentence.tables"
    tables.write_bytes(b"lark 0.0.0 sha256 0\nnot tables at all")
    monkeypatch.setattr(grammar, "_TABLES", tables)
    grammar.parser.cache_clear()
    try:
        assert not grammar.tables_fit()
        assert grammar.parser().parse("no FAILED jobs") == grammar.build().parse("no FAILED jobs")
        grammar.write_tables()
        assert grammar.tables_fit()
    finally:
        grammar.parser.cache_clear()


def test_grammar_has_no_conflict() -> None:
    pytest.importorskip("interegular", reason="strict mode compares the terminals with interegular")
    from lark import Lark
    from lark.exceptions import GrammarError

    # Strict mode refuses every conflict and every pair of terminals that could match the same word.
    Lark(grammar.grammar(), parser="lalr", strict=True, maybe_placeholders=True)
    with pytest.raises(GrammarError, match="collision"):
        Lark('start: a | b\na: "x"\nb: "x"', parser="lalr", strict=True)
