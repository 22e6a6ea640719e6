"""Waivers: read beside the rules of a policy or from files of their own, and checked so that a malformed one never hides a finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from policycheck.errors import Diagnostic, PolicyError
from policycheck.policy.conditions import And, Condition, bind, comparisons, nearest
from policycheck.policy.document import MAX_LISTED_NODES, Document, Entries, Items, Node, Text, read_document
from policycheck.policy.literals import parse_duration
from policycheck.policy.measures import SHAPES
from policycheck.policy.model import YEAR_DAYS, Expectation, Policy, Rule, WaiverGrant
from policycheck.policy.schema import WaiverEntry, WaiversEntry
from policycheck.policy.shape import Path as TreePath
from policycheck.policy.shape import check_shape, find_entry, plain
from policycheck.policy.structure import read_conditions
from policycheck.result import Waiver
from policycheck.text import as_sentence, clean_line
from policycheck.units import DAY

GROUP_FIELDS = ("Account", "Region", "ResourceType")
"""What a waiver of a rule on groups may name beside the fields of `per`."""


def waivable_fields(rule: Rule) -> tuple[str, ...] | None:
    """The fields that a waiver of this rule may name; None: every field of its list, since it matches jobs."""
    match rule.statement.requirement:
        case Expectation(measure=measure) if SHAPES[measure].waived_by:
            return (*SHAPES[measure].waived_by, *GROUP_FIELDS)
        case Expectation(per=per):
            return (*(name for name in per if name not in GROUP_FIELDS), *GROUP_FIELDS)
        case _:
            return None


def read_longest(node: Node | None, document: Document) -> int:
    """`max_waiver` in days; a mistake is reported."""
    if not isinstance(node, Text):
        return YEAR_DAYS
    try:
        days = parse_duration(node.text) // DAY
    except ValueError as error:
        document.report(node.location, f"{clean_line(node.text)} is not a duration", as_sentence(str(error)))
        return YEAR_DAYS
    if days < 1:
        document.report(node.location, "max_waiver is less than a day", "Waivers are granted and expire by days: 30d, 90d.")
    return days


def read_waivers(node: Node | None, document: Document, rules: Mapping[str, Rule | None], longest_days: int, broken: Sequence[TreePath]) -> list[WaiverGrant]:
    """The waivers under a policy's `waivers`.

    Args:
        rules: by the names a waiver may call them; None: a rule whose own mistakes are reported already.
        broken: paths within the list to mistakes of shape, reported already.
    """
    items = node.items if isinstance(node, Items) else ()
    whole = [item for index, item in enumerate(items) if isinstance(item, Entries) and not any(path[:1] == (index,) for path in broken)]
    return [grant for item in whole if (grant := _read(item, document, rules, longest_days)) is not None]


def load_waivers(paths: Sequence[tuple[Path, str]], policies: Sequence[Policy], *, foreign: bool = False) -> tuple[Policy, ...]:
    """The policies, with the waivers of these files added to their own.

    Args:
        paths: each file and what diagnostics call it. In a file `rule` is the id of a rule that only one policy has, or POLICY/RULE.
        foreign: the files were written beside other policies, so that rules they name may be missing here.

    Raises:
        PolicyError: any file has a mistake; all mistakes of all files are in it.
    """
    diagnostics: list[Diagnostic] = []
    grants: list[WaiverGrant] = []
    for path, name in paths:
        try:
            document = read_document(path, name, most=MAX_LISTED_NODES)
        except PolicyError as error:
            diagnostics += error.diagnostics
            continue
        wrong = check_shape(WaiversEntry, document.root)
        for one in wrong:
            document.report(one.location, one.message, one.hint)
        listed = document.root.get("waivers") if isinstance(document.root, Entries) else None
        broken = [one.path[1:] for one in wrong if one.path[:1] == ("waivers",)]
        longest = min((policy.longest_waiver_days for policy in policies), default=YEAR_DAYS)
        named: Mapping[str, Rule | None] = _named(policies)
        if foreign:
            named = {**dict.fromkeys(_rules_of(listed)), **named}
        grants += read_waivers(listed, document, named, longest, broken)
        diagnostics += document.diagnostics
    if diagnostics:
        raise PolicyError(diagnostics)
    return tuple(replace(policy, waivers=(*policy.waivers, *(grant for grant in grants if grant.policy == policy.id))) for policy in policies)


def _rules_of(listed: Node | None) -> list[str]:
    entries = [item.get("rule") for item in listed.items if isinstance(item, Entries)] if isinstance(listed, Items) else []
    return [node.text for node in entries if isinstance(node, Text)]


def _named(policies: Sequence[Policy]) -> Mapping[str, Rule]:
    pairs = [(policy, rule) for policy in policies for rule in policy.rules]
    ids = [rule.id for _, rule in pairs]
    return {f"{policy.id}/{rule.id}": rule for policy, rule in pairs} | {rule.id: rule for _, rule in pairs if ids.count(rule.id) == 1}


def _read(node: Entries, document: Document, rules: Mapping[str, Rule | None], longest_days: int) -> WaiverGrant | None:
    before = len(document.diagnostics)
    entry = WaiverEntry.model_validate(plain(node))
    place = find_entry(node, "rule")
    if entry.rule not in rules:
        near = nearest(entry.rule, rules)
        many = f"Several policies have one: write POLICY/{clean_line(entry.rule)}." if any(name.endswith(f"/{entry.rule}") for name in rules) else ""
        document.report(place, f"there is no rule {clean_line(entry.rule)} to waive", many or (f"Did you mean {near}?" if near else ""))
        return None
    granted, expires = _days(node, document, longest_days)
    rule = rules[entry.rule]
    if rule is None:
        return None
    match = None if entry.match == "any" else _match(node, document, rule)
    if len(document.diagnostics) > before or granted is None or expires is None:
        return None
    text = {name: clean_line(str(getattr(entry, name) or "")) for name in ("reason", "owner", "granted", "expires", "ticket")}
    for name in ("reason", "owner"):
        if not text[name]:
            document.report(find_entry(node, name), f"{name} is empty")
    return WaiverGrant(rule.policy, rule.id, match, Waiver(**text), granted, expires, place)


def _days(node: Entries, document: Document, longest_days: int) -> tuple[date | None, date | None]:
    granted, expires = (_day(node, name, document) for name in ("granted", "expires"))
    if granted and expires and expires < granted:
        document.report(find_entry(node, "expires"), f"the waiver expires before it is granted, on {granted}")
    elif granted and expires and (expires - granted).days > longest_days:
        limit = "a year" if longest_days == YEAR_DAYS else f"{longest_days} days"
        document.report(
            find_entry(node, "expires"),
            f"the waiver is in force for {(expires - granted).days} days, more than {limit}",
            "Grant it for less time and renew it, or change max_waiver.",
        )
    return granted, expires


def _day(node: Entries, name: str, document: Document) -> date | None:
    text = node.get(name)
    try:
        return date.fromisoformat(text.text) if isinstance(text, Text) else None
    except ValueError:
        document.report(find_entry(node, name), f"{name}: this day does not exist")
        return None


def _match(node: Entries, document: Document, rule: Rule) -> Condition | None:
    before = len(document.diagnostics)
    condition = read_conditions(node.get("match"), document)
    place = find_entry(node, "match")
    if isinstance(condition, And) and not condition.parts:
        if len(document.diagnostics) == before:
            document.report(place, "match is empty, which would waive every finding", "To do that, write match: any. Otherwise name a resource.")
        return None
    for literal in (literal for comparison in comparisons(condition) for literal in comparison.literals if "${" in literal.text):
        document.report(literal.location, "a waiver takes no parameters", "Its owner must see what it waives.")
    fields = waivable_fields(rule)
    for comparison in comparisons(condition):
        if fields is not None and comparison.field not in fields:
            hint = f"It evaluates groups: a waiver of it can name {', '.join(fields)}, or match: any."
            document.report(comparison.location, f"the rule {rule.id} does not tell its subjects by {clean_line(comparison.field)}", hint)
    return bind(condition, rule.statement.list, document.report)
