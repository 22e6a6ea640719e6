"""A draft as the text of a policy file, from the template `policy.yaml.j2`.

Names in it come from job lists and are nobody's word: the template can print nothing but what a filter made a YAML scalar or a comment of.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, assert_never

from policycheck.datasets import DEFAULT
from policycheck.drafting.proposal import Draft, Proposal
from policycheck.formats.escape import defuse_commands
from policycheck.policy.conditions import Condition, comparisons, structured
from policycheck.policy.model import AllMatch, Expectation, Following, NoneMatch, Statement
from policycheck.policy.rendering import render
from policycheck.policy.vocabulary import is_parameter, is_plain
from policycheck.resources import open_templates
from policycheck.text import clean_line

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

WIDTH = 110
"""Columns of a comment."""
LONGEST_SENTENCE = 150
"""A longer rule is written in keys."""
# What YAML takes for one text after a key: no colon before a space, no # after one. A parameter and a duration read well without quotes, too.
_PLAIN = re.compile(r"[A-Za-z](?:[\x21-\x7e]|(?<!:) (?!#))*(?<![: ])|\$\{[A-Za-z0-9._-]+\}|[0-9]+[smhd]", re.ASCII)
_IN_BRACKETS = re.compile(r"[A-Za-z0-9][A-Za-z0-9/_.-]*", re.ASCII)
_WORDS = frozenset("true false yes no on off null y n".split())

Tree = Mapping[str, object]


def render_draft(draft: Draft) -> str:
    """The file's text; the same draft gives the same bytes."""
    text = _environment().get_template("policy.yaml.j2").render(draft=draft)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"


def scalar(value: object) -> str:
    """A YAML scalar that reads back as this text, in double quotes where it must be."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and "##" not in text else _quoted(text)


def _quoted(text: str) -> str:
    # What is printed may be a CI runner's log: `##[` in it would be a command.
    text = text.replace("##", "#\x00")
    escaped = "".join(f"\\{character}" if character in '"\\' else character if character.isprintable() else _escape(character) for character in text)
    return f'"{escaped}"'


def _escape(character: str) -> str:
    return "\\x23" if character == "\x00" else f"\\U{ord(character):08x}"


def flow(values: Sequence[object]) -> str:
    """A YAML sequence on one line, whose items read back as these texts."""
    return f"[{', '.join(map(_flow_scalar, values))}]"


def _flow_scalar(value: object) -> str:
    text = str(value)
    # Within brackets a brace or a comma is YAML's own. An account's digits stay text: the loader reads all values as written.
    return text if _IN_BRACKETS.fullmatch(text) and text.lower() not in _WORDS else _quoted(text)


def comment(text: object, indent: str = "") -> str:
    """Comment lines of one sentence; whatever it quotes stays in them."""
    lines = textwrap.wrap(defuse_commands(clean_line(str(text))), WIDTH - len(indent), break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"{indent}# {line}" for line in lines)


def statement_lines(proposal: Proposal) -> str:
    """A rule's sentence, or its keys where a name needs quotes in a sentence or it would be too long."""
    statement = proposal.statement
    sentence = render(statement)
    values = [literal.text for condition in _conditions(statement) for comparison in comparisons(condition) for literal in comparison.literals]
    if len(sentence) <= LONGEST_SENTENCE and all(is_plain(value) or is_parameter(value) or value.startswith("/") for value in values):
        return f"rule: {scalar(sentence)}"
    return "\n    ".join(_block(_keys(statement)))


def _conditions(statement: Statement) -> list[Condition]:
    return [statement.where, statement.requirement.condition]


def _keys(statement: Statement) -> Tree:
    """The structured form of a statement."""
    tree: dict[str, object] = {} if statement.dataset == DEFAULT.name else {"dataset": statement.dataset}
    if where := structured(statement.where):
        tree["where"] = where
    if statement.within:
        tree["within"] = statement.within.text
    requirement = statement.requirement
    match requirement:
        case NoneMatch():
            tree["none"] = structured(requirement.condition)
        case AllMatch():
            tree["all"] = structured(requirement.condition)
        case Expectation():
            measure: dict[str, object] = {"of": of} if (of := structured(requirement.condition)) else {}
            if requirement.operator is not None and requirement.limit is not None:
                measure[requirement.operator.value] = requirement.limit.text
            if requirement.per:
                tree["per"] = requirement.per[0] if len(requirement.per) == 1 else list(requirement.per)
            tree["expect"] = {requirement.measure.value: measure}
        case Following():
            tree["followed_by"] = {"dataset": requirement.dataset, "where": structured(requirement.condition), "within": requirement.within.text}
        case _:
            assert_never(requirement)
    return tree


def _block(tree: Tree) -> list[str]:
    """The lines of a mapping in block style."""
    lines = []
    for key, value in tree.items():
        match value:
            case Mapping():
                lines.append(f"{_key(key)}:")
                lines += [f"  {line}" for line in _block(value)]
            case list():
                lines.append(f"{_key(key)}: {flow(value)}")
            case _:
                lines.append(f"{_key(key)}: {scalar(value)}")
    return lines


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z_][\w.]*", text, re.ASCII) else scalar(text)


def _controls(controls: Mapping[str, Sequence[str]]) -> str:
    return f"{{{', '.join(f'{framework}: {flow(ids)}' for framework, ids in controls.items())}}}"


@cache
def _environment() -> Environment:
    from jinja2 import Undefined
    from markupsafe import Markup

    def printable(value: object) -> object:
        """Jinja's last step before a value is printed."""
        if isinstance(value, Markup | Undefined):
            return value
        raise TypeError(f"the template prints {type(value).__name__} {value!r} without a filter that makes it safe for YAML")

    environment = open_templates(printable, autoescape=False)
    filters: dict[str, Callable[..., str]] = {"scalar": scalar, "flow": flow, "comment": comment, "statement": statement_lines, "controls": _controls}
    for name, function in filters.items():
        environment.filters[name] = _safe(function)
    return environment


def _safe(function: Callable[..., str]) -> Callable[..., Markup]:
    """The function as a filter whose result may be printed."""
    from markupsafe import Markup

    return lambda *arguments: Markup(function(*arguments))
