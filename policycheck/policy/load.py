"""Policy files to policies: every mistake of every file in one error, one diagnostic a mistake."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, assert_never

from policycheck.datasets import Kind
from policycheck.errors import Diagnostic, Location, PolicyError
from policycheck.policy.binding import Binder, Parameters
from policycheck.policy.canonical import canonical
from policycheck.policy.conditions import Literal, find_field, nearest
from policycheck.policy.document import Document, Entries, Items, Node, Text, read_document
from policycheck.policy.measures import SHAPES
from policycheck.policy.model import (
    RESOURCE,
    AllMatch,
    Expectation,
    Following,
    JobChoice,
    NoData,
    NoneMatch,
    Policy,
    Qualifiers,
    Requirement,
    Rule,
    Scope,
    Statement,
    Typed,
)
from policycheck.policy.rendering import render
from policycheck.policy.schema import DefaultsEntry, PolicyEntry, RuleEntry, ScopeEntry
from policycheck.policy.sentence import parse_sentence
from policycheck.policy.shape import Path as TreePath
from policycheck.policy.shape import check_shape, find_entry, plain
from policycheck.policy.statements import REQUIREMENTS, STRUCTURED, read_statement
from policycheck.policy.syntax import PhraseReader, SentenceError
from policycheck.policy.waivers import read_longest, read_waivers
from policycheck.result import Severity
from policycheck.text import clean, clean_line

if TYPE_CHECKING:
    from policycheck.policy.reader.reading import Refusal


def load_policies(
    paths: Sequence[tuple[Path, str]],
    params: Mapping[str, str],
    *,
    spare: Collection[str] = (),
    places: Mapping[str, Diagnostic] = MappingProxyType({}),
) -> tuple[Policy, ...]:
    """Load policy files.

    Args:
        paths: each file and what diagnostics call it, in the order they are judged.
        params: values that override the files' own `params`.
        spare: those of `params` that no file needs to declare.
        places: where `params` were set, unless by `--param`.

    Raises:
        PolicyError: any file has a mistake; all mistakes of all files are in it.
    """
    diagnostics: list[Diagnostic] = []
    policies: list[Policy] = []
    declared: set[str] = set()
    for path, name in paths:
        try:
            document = read_document(path, name)
        except PolicyError as error:
            diagnostics += error.diagnostics
            continue
        reader = _Reader(document, params)
        policy = reader.read()
        declared |= reader.params.keys()
        diagnostics += document.diagnostics
        if policy is not None:
            twin = next((other for other in policies if other.id == policy.id), None)
            if twin:
                place = reader.place_of_id
                diagnostics.append(
                    Diagnostic(place, f"the policy id {policy.id} is used twice in this run", f"Also the id of {twin.path}.", document.line(place.line))
                )
            policies.append(policy)
    if diagnostics:
        raise PolicyError(diagnostics)
    unknown = sorted(params.keys() - declared - set(spare))
    if unknown and policies:
        near = nearest(unknown[0], declared)
        where = places.get(unknown[0], Diagnostic(Location("--param"), ""))
        message = f"no policy has a parameter {clean_line(unknown[0])}"
        raise PolicyError([replace(where, message=message, hint=f"Did you mean {near}?" if near else "")])
    return tuple(policies)


def load_scope(path: Path, name: str) -> Scope:
    """A scope from a file of its own (`--scope`): the keys that stand under `scope:` in a policy. Raises PolicyError."""
    document = read_document(path, name)
    for wrong in check_shape(ScopeEntry, document.root):
        document.report(wrong.location, wrong.message, wrong.hint)
    scope = read_scope(document.root)
    if not document.diagnostics and not scope.declared:
        document.report(document.root.location, _NO_SCOPE)
    if document.diagnostics:
        raise PolicyError(document.diagnostics)
    return scope


_NO_SCOPE = "the scope declares neither accounts nor regions"


class _Reader:
    """Builds one policy out of one document, noting every mistake on the way."""

    def __init__(self, document: Document, overrides: Mapping[str, str]) -> None:
        self._document = document
        self._overrides = overrides
        self.params: dict[str, str] = {}
        self._typed: dict[Location, Typed] = {}
        """Sentences that were read as others, by their place."""
        self.place_of_id = Location(document.path)
        self._binder = Binder(document, Parameters({}))

    def read(self) -> Policy | None:
        """The policy, or None where the file has any mistake."""
        root = self._document.root
        if not isinstance(root, Entries):
            self._document.report(root.location, "a policy is a mapping with the keys policy and rules")
            return None
        broken = self._report_shape(root)
        self.params = self._params(root)
        self._binder = Binder(self._document, Parameters(self.params, frozenset(self._overrides)))
        self.place_of_id = find_entry(root, "policy")
        defaults = DefaultsEntry() if ("defaults",) in broken else DefaultsEntry.model_validate(plain(root.get("defaults") or _NOTHING))
        policy_id, listed = _text(root.get("policy")) or "", root.get("rules")
        nodes = dict(enumerate(listed.items if isinstance(listed, Items) else ()))
        self._report_twins(node for node in nodes.values() if isinstance(node, Entries))
        rules = [
            self._rule(node, policy_id, defaults, [path[2:] for path in broken if path[:2] == ("rules", index)])
            for index, node in nodes.items()
            if isinstance(node, Entries)
        ]
        longest = read_longest(root.get("max_waiver"), self._document)
        ids = {_text(node.get("id")) or "": None for node in nodes.values() if isinstance(node, Entries)}
        waivers = read_waivers(
            root.get("waivers"),
            self._document,
            {**ids, **{rule.id: rule for rule in rules if rule is not None}},
            longest,
            [path[1:] for path in broken if path[:1] == ("waivers",)],
        )
        scope = read_scope(root.get("scope"))
        if isinstance(root.get("scope"), Entries) and not scope.declared and not any(path[:1] == ("scope",) for path in broken):
            self._document.report(find_entry(root, "scope"), _NO_SCOPE, "Name at least one, or omit scope.")
        if self._document.diagnostics:
            return None
        title = _text(root.get("title")) or ""
        built = tuple(rule for rule in rules if rule is not None)
        document = self._document
        return Policy(policy_id, clean_line(title), document.path, built, scope, tuple(waivers), longest, tuple(document.lines), document.sha256)

    def _report_shape(self, root: Entries) -> set[TreePath]:
        """Report what does not have the shape of a policy; where that is."""
        wrong = check_shape(PolicyEntry, root)
        for one in wrong:
            self._document.report(one.location, one.message, one.hint)
        return {one.path[:1] if one.path[:1] == ("defaults",) else one.path for one in wrong}

    def _params(self, root: Entries) -> dict[str, str]:
        node = root.get("params")
        if not isinstance(node, Entries):
            return {}
        own = {key: value.text for key, (_, value) in node.entries.items() if isinstance(value, Text)}
        return {key: self._overrides.get(key, text) for key, text in own.items()}

    def _report_twins(self, rules: Iterable[Entries]) -> None:
        seen: dict[str, Location] = {}
        for rule in rules:
            name, place = _text(rule.get("id")), find_entry(rule, "id")
            if name in seen:
                self._document.report(place, f"the rule id {clean_line(name)} is used twice", f"First on line {seen[name].line}.")
            elif name is not None:
                seen[name] = place

    # One rule

    def _rule(self, node: Entries, policy: str, defaults: DefaultsEntry, broken: Sequence[TreePath]) -> Rule | None:
        """The rule, or None once its mistakes are reported; `broken` leads to those of its shape, which are reported already."""
        before = len(self._document.diagnostics)
        statement = self._statement(node, {str(path[0]) for path in broken if path})
        if statement is None:
            return None
        statement = self._binder.bind(statement)
        clock = self._clock(node, statement)
        self._check_recovery(statement)
        if broken or len(self._document.diagnostics) > before:
            return None
        entry = RuleEntry.model_validate(plain(node))
        qualifiers = Qualifiers(
            clock, JobChoice(entry.jobs or defaults.jobs or statement.default_jobs), entry.no_data or defaults.no_data or NoData.INCONCLUSIVE
        )
        said = node.get("rule")
        return Rule(
            id=entry.id,
            policy=policy,
            statement=statement,
            qualifiers=qualifiers,
            sentence=clean(render(statement, qualifiers)),
            location=find_entry(node, "id"),
            severity=entry.severity or defaults.severity or Severity.MEDIUM,
            title=clean_line(entry.title or ""),
            why=clean_line(entry.why or ""),
            fix=clean_line(entry.fix or ""),
            url=entry.url or "",
            controls={clean_line(name): tuple(clean_line(control) for control in ids) for name, ids in (entry.controls or {}).items()},
            tags=tuple(clean_line(tag) for tag in entry.tags or ()),
            typed=self._typed.get(said.location) if isinstance(said, Text) else None,
        )

    def _statement(self, node: Entries, broken: set[str]) -> Statement | None:
        keys = [key for key in ("rule", *STRUCTURED) if key in node.entries]
        if broken & {*keys, "inventory"} or (broken and not {"rule", *REQUIREMENTS} & set(keys)):
            # What is broken already may be what seems to be missing here.
            return None
        sentence = node.get("rule")
        if not isinstance(sentence, Text):
            return read_statement(node, self._document)
        if len(keys) > 1:
            place = node.entries[keys[1]][0].location
            self._document.report(place, f"{keys[1]} cannot be combined with a sentence", "Write it in the sentence, or write the whole rule in keys.")
            return None
        statement = self._sentence(sentence)
        return self._with_inventory(statement, node) if statement and "inventory" in node.entries else statement

    def _with_inventory(self, statement: Statement, node: Entries) -> Statement:
        """The statement of a sentence whose inventory stands beside it."""
        key, value = node.entries["inventory"]
        requirement = statement.requirement
        if not isinstance(value, Text):
            return statement
        if not isinstance(requirement, Expectation) or RESOURCE not in requirement.per:
            self._document.report(key.location, "an inventory requires a sentence about every resource", "Write: every resource must have ...")
            return statement
        said = requirement.inventory
        if said is not None and self._filled(said.text) != self._filled(value.text):
            self._document.report(value.location, f"the sentence names the inventory {clean_line(said.text)}", "Keep one of the two.")
        return replace(statement, requirement=replace(requirement, inventory=said or Literal(value.text, value.location)))

    def _filled(self, text: str) -> str:
        return self.params.get(text[2:-1], text) if text.startswith("${") else text

    def _sentence(self, text: Text) -> Statement | None:
        location = text.location
        rest = self._document.line(location.end_line)[location.end_column - 1 :].lstrip()
        if text.verbatim and rest.startswith("#") and rest[1:2].strip():
            self._document.report(location, f"YAML takes {clean_line(rest)} as a comment", "Quote the sentence: rule: '...'")
            return None
        try:
            return parse_sentence(text)
        except SentenceError as error:
            return self._read_as(text, error)

    def _read_as(self, text: Text, mistake: SentenceError) -> Statement | None:
        """The statement that a sentence means which is not canonical; None once it is reported that it means none, or several."""
        from policycheck.policy.reader.reading import read

        parameters = Parameters(self.params, frozenset(self._overrides))
        reading = read(text.text, lambda sentence: canonical(sentence, parameters))
        if reading.accepted:
            self._typed[text.location] = Typed(clean_line(text.text), reading.accepted, text.location)
            return parse_sentence(Text(reading.accepted, text.location), as_typed=False)
        refusal = reading.refusal
        if refusal is None or not _helps_more(refusal, mistake):
            self._document.report(mistake.location, mistake.message, mistake.hint)
        else:
            start, end = refusal.span or (0, len(text.text))
            place = PhraseReader(text, text.text).span(start, end)
            self._document.report(place, refusal.message, refusal.hint, refusal.proposals, text.location)
        return None

    def _check_recovery(self, statement: Statement) -> None:
        requirement = statement.requirement
        if isinstance(requirement, NoneMatch) and requirement.recovery is not None and "Outcome" not in statement.list.fields:
            self._document.report(requirement.recovery.location, f"{statement.list.noun}s have no outcome that could recover one")

    def _clock(self, node: Entries, statement: Statement) -> str | None:
        clock = node.get("clock")
        if not isinstance(clock, Text):
            return None
        refused = _why_no_clock(statement.requirement)
        if refused:
            self._document.report(node.entries["clock"][0].location, *refused)
            return None
        if statement.within is None:
            self._document.report(clock.location, "clock requires a window", "Add within: 24h, or write within in the sentence.")
            return None
        dataset = statement.list
        column = find_field(clock.text, dataset, clock.location, self._document.report)
        if column is not None and column.kind is not Kind.TIME:
            times = [field.name for field in dataset.members if field.kind is Kind.TIME]
            self._document.report(clock.location, f"{column.name} is not a time", f"The times of a {dataset.noun} are {', '.join(times)}.")
        return clock.text


def _helps_more(refusal: Refusal, mistake: SentenceError) -> bool:
    """Whether what the reader says of a sentence helps more than what the grammar says."""
    if not refusal.proposals and (not mistake.of_grammar or mistake.message.startswith("there is no field")):
        return False
    # The grammar takes `backup` for the beginning of a field.
    return refusal.is_sure or (refusal.is_unknown and mistake.hint.startswith("Expected '")) or mistake.hint.startswith("Did you mean Backup")


def _why_no_clock(requirement: Requirement) -> tuple[str, str] | None:
    """Why a clock cannot stand beside this; None where it can."""
    match requirement:
        case NoneMatch(recovery=recovery) if recovery is not None:
            return "clock cannot be combined with a recovery", "A recovery is evaluated at its deadline."
        case Following():
            return "clock cannot be combined with a following job", "A job is evaluated at the deadline of the following job."
        case Expectation(measure=measure) if SHAPES[measure].by_creation:
            return f"clock cannot be combined with {measure}", f"{measure} goes by CreationDate."
        case NoneMatch() | AllMatch() | Expectation():
            return None
        case _:
            assert_never(requirement)


_NOTHING = Entries({}, Location(""))


def _text(node: Node | None) -> str | None:
    return node.text if isinstance(node, Text) else None


def read_scope(node: Node | None) -> Scope:
    """The scope of a node that has its shape; one that declares nothing where it has not."""
    if not isinstance(node, Entries):
        return Scope()
    values = {key: plain(value) for key, (_, value) in node.entries.items()}

    def texts(key: str) -> tuple[str, ...]:
        value = values.get(key)
        return tuple(clean_line(str(item)) for item in value) if isinstance(value, list) else ()

    return Scope(texts("accounts"), texts("regions"), texts("may_be_empty"), organization=values.get("accounts") == "organization")
