"""The two spellings of a rule are one model, for whatever rules hypothesis thinks of; and no text whatever makes more than a diagnostic."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from policycheck.errors import PolicyError
from policycheck.policy.conditions import Comparison, Literal, Operator, bind, conjunction
from policycheck.policy.load import load_policies
from policycheck.policy.model import Following, NoneMatch, Statement
from policycheck.policy.rendering import render
from policycheck.policy.sentence import parse_sentence
from policycheck.policy.statements import structured_rule
from policycheck.policy.syntax import SentenceError
from policycheck.text import clean_line
from tests.policy.policies import as_yaml, load, sentence
from tests.policy.sentences import SENTENCES
from tests.policy.strategies import HARD_TEXTS, statements
from tests.properties import examples
from tests.tables import each

# One file is written over and over; nothing else of the folder is used.
ONE_FILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
MANY = settings(deadline=None, max_examples=100)


@examples(statements(), few=12, many=300)
def test_rendered_sentence_parses_to_the_same_statement(statement: Statement) -> None:
    rendered = render(statement)
    parsed = parse_sentence(sentence(rendered))
    assert parsed == statement
    assert render(parsed) == rendered


@examples(statement=statements(), few=6, many=150)
def test_structured_form_loads_as_the_same_statement(statement: Statement, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(f"policy: p\nrules: [{as_yaml({'id': 'r', **structured_rule(statement)})}]\n", encoding="utf-8")
    (rule,) = load(path).rules
    assert rule.statement == statement
    assert rule.sentence == render(statement)


@examples(statement=statements(), few=6, many=150)
def test_sentence_in_a_file_loads_as_the_same_statement(statement: Statement, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    rendered = render(statement)
    assume(len(rendered) <= 10_000)
    path.write_text(f"policy: p\nrules: [{as_yaml({'id': 'r', 'rule': rendered})}]\n", encoding="utf-8")
    assert load(path).rules[0].statement == statement


def test_a_condition_said_twice_is_rendered_twice() -> None:
    twice = Comparison("State", Operator.IS, (Literal("FAILED"),))
    statement = Statement(NoneMatch(conjunction([twice, twice, Comparison("IsEncrypted", Operator.IS, (Literal("true"),))])))
    assert render(statement) == "no FAILED jobs with State FAILED and IsEncrypted true"
    assert parse_sentence(sentence(render(statement))) == statement


@each("text", HARD_TEXTS)
def test_any_value_survives_in_a_sentence(text: str) -> None:
    for operator in (Operator.IS, Operator.CONTAINS):
        for field in ("StatusMessage", "ResourceType", "BackupVaultName"):
            statement = Statement(NoneMatch(Comparison(field, operator, (Literal(text),))))
            assert parse_sentence(sentence(render(statement))) == statement


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=80))
@example("no jobs with " + "not (" * 2000)
@example("no jobs with " + "not (" * 2000 + "vault a" + ")" * 2000)
@example("no jobs with " + "(" * 1999 + "vault a" + ")" * 1999)
@example('"')
@example("\u017fize must be x")
@example("no re\u017ftore jobs")
@example("\ud800")
def test_any_text_is_a_statement_or_a_sentence_error(text: str) -> None:
    _parse_or_refuse(text)


_SEPARATORS = [" ", "  ", "", ",", "\n", '"', "(", ")", " not ", " or ", " and ", " ${a} ", " within ", "\x00", "\u200b", "é", "."]


@st.composite
def mutated_sentences(draw: st.DrawFn) -> str:
    """A valid sentence with words dropped, doubled, swapped or put in from another one."""
    pieces = draw(st.sampled_from(SENTENCES)).split()
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(pieces)))
        match draw(st.sampled_from("drop double swap insert separate".split())):
            case "drop":
                pieces = pieces[:place] + pieces[place + 1 :]
            case "double":
                pieces = pieces[:place] + pieces[max(place - 1, 0) :]
            case "swap":
                pieces = pieces[place:] + pieces[:place]
            case "insert":
                pieces.insert(place, draw(st.sampled_from(draw(st.sampled_from(SENTENCES)).split())))
            case _:
                pieces.insert(place, draw(st.sampled_from(_SEPARATORS)))
    return " ".join(pieces)


@settings(deadline=None, max_examples=150)
@given(mutated_sentences())
def test_a_spoilt_sentence_is_a_statement_or_a_sentence_error(text: str) -> None:
    _parse_or_refuse(text)


def _parse_or_refuse(text: str) -> None:
    try:
        statement = parse_sentence(sentence(text))
    except SentenceError as error:
        assert error.message
        assert clean_line(error.message) == error.message
        assert 1 <= error.location.column < error.location.end_column <= len(text) + 2
    else:
        assert parse_sentence(sentence(render(statement))) == statement
        requirement = statement.requirement
        bind(statement.where, statement.list, lambda *_: None)
        bind(requirement.condition, requirement.list if isinstance(requirement, Following) else statement.list, lambda *_: None)


GOOD = sorted((Path(__file__).parents[1] / "cases" / "policies" / "good").glob("*.yaml"))


@st.composite
def mutated_policies(draw: st.DrawFn) -> bytes:
    """A good policy with bytes cut out, put in or exchanged."""
    content = draw(st.sampled_from(GOOD)).read_bytes()
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(content)))
        cut = draw(st.integers(0, 12))
        put = draw(
            st.one_of(
                st.binary(max_size=6),
                st.sampled_from(
                    [b"&a ", b"*a", b"<<: ", b"!!str ", b"- ", b"\n", b"\n  ", b": ", b"{", b"}", b"[", b"]", b"'", b'"', b"${", b"|", b"%", b"\xef\xbb\xbf"]
                ),
            )
        )
        content = content[:place] + put + content[place + cut :]
    return content


@examples(
    content=st.one_of(mutated_policies(), st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))),
    few=12,
    many=300,
)
def test_any_file_is_a_policy_or_a_policy_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(content)
    try:
        load_policies([(path, "policy.yaml")], {})
    except PolicyError as error:
        assert error.diagnostics
        for diagnostic in error.diagnostics:
            assert diagnostic.message
            assert diagnostic.location.path == "policy.yaml"
            assert diagnostic.location.line >= 1
            assert diagnostic.location.column >= 1
