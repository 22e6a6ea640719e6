"""Lint run: every chosen check, then the suppressions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from policycheck.errors import PolicyError
from policycheck.policy.conditions import nearest
from policycheck.policy.lint.finding import POLICY_ERROR, Level, LintFinding, Place, Run
from policycheck.policy.lint.registry import CHECKS
from policycheck.policy.lint.suppressions import Suppression, read_suppressions
from policycheck.policy.literals import BadValue
from policycheck.text import clean_line

NO_LINES: Mapping[str, Sequence[str]] = {}


def choose_codes(select: Sequence[str], ignore: Sequence[str]) -> frozenset[str]:
    """The codes to check for: those selected (all where none is), without those ignored; each is a code, the beginning of one, or a name.

    Raises:
        ValueError: one is neither, or nothing is left.
    """
    for text in (*select, *ignore):
        if not _meant(text):
            near = nearest(text, [*CHECKS, *(check.name for check in CHECKS.values())])
            raise BadValue(f"there is no check {clean_line(text)}", f"Did you mean {near}?" if near else "docs/lint/README.md lists them.")
    chosen = {code for text in select for code in _meant(text)} if select else set(CHECKS)
    chosen -= {code for text in ignore for code in _meant(text)}
    if not chosen:
        raise ValueError("the selection leaves nothing to check")
    return frozenset(chosen)


def _meant(text: str) -> list[str]:
    return [code for code, check in CHECKS.items() if check.name == text or (text.startswith("PC") and code.startswith(text))]


def lint(run: Run, codes: Collection[str], more: Mapping[str, Sequence[Place]], lines: Mapping[str, Sequence[str]] = NO_LINES) -> tuple[LintFinding, ...]:
    """Everything that is found, in the order of the files; what is suppressed says so.

    Args:
        codes: the codes to check for.
        more: what was found elsewhere, by code (tests, schedules); of chosen codes only.
        lines: the text of other files than the policies' own, by path, for carets.
    """
    found: list[tuple[str, Place]] = []
    for code, check in CHECKS.items():
        if code in codes:
            places = check.find(run) if check.find else more.get(code, ())
            found += [(code, place) for place in places]
    suppressions = [suppression for policy in run.policies for suppression in read_suppressions(policy)]
    findings = [_finding(code, place, lines, suppressions) for code, place in found]
    findings += [_finding(code, place, lines, ()) for code, place in _check_suppressions(suppressions, found, codes)]
    order = {policy.path: index for index, policy in enumerate(run.policies)}
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda one: (order.get(one.location.path, len(order)), one.location, one.code, one.message)))


def _finding(code: str, place: Place, lines: Mapping[str, Sequence[str]], suppressions: Sequence[Suppression]) -> LintFinding:
    check, location, rule = CHECKS[code], place.location, place.rule
    text = place.policy.lines if location.path == place.policy.path else lines.get(location.path, ())
    reason = next((one.reason for one in suppressions if one.reason and _covers(one, code, place)), None)
    return LintFinding(
        code,
        check.name,
        check.level,
        location,
        place.message,
        place.hint,
        place.policy.id,
        rule.id if rule else "",
        suppressed=reason,
        source_line=text[location.line - 1] if 0 < location.line <= len(text) else "",
        proposals=place.proposals,
        replaces=location if place.proposals else None,
        always_shown=check.always_shown,
    )


def policy_errors(error: PolicyError) -> tuple[LintFinding, ...]:
    """The mistakes that keep files from loading, as findings."""
    return tuple(
        LintFinding(
            POLICY_ERROR,
            "policy-error",
            Level.ERROR,
            mistake.location,
            mistake.message,
            mistake.hint,
            source_line=mistake.source_line,
            proposals=mistake.proposals,
            replaces=mistake.replaces,
        )
        for mistake in error.diagnostics
    )


def _covers(suppression: Suppression, code: str, place: Place) -> bool:
    return suppression.covers(code, place.location, place.rule.location.line if place.rule else None)


def _check_suppressions(suppressions: Sequence[Suppression], found: Sequence[tuple[str, Place]], codes: Collection[str]) -> Iterator[tuple[str, Place]]:
    for one in suppressions:
        unknown = [code for code in one.codes if code not in CHECKS]
        problem = ""
        if not one.codes:
            problem = "the suppression names no code: it has no effect"
        elif unknown:
            problem = f"the suppression names {clean_line(unknown[0])}, which is not a code"
        elif not one.reason:
            problem = "the suppression gives no reason: it has no effect"
        if problem and "PC901" in codes:
            near = nearest(unknown[0], CHECKS) if unknown else ""
            yield "PC901", Place(one.policy, one.location, problem, f"Did you mean {near}?" if near else "# policycheck: ignore[PC003] reason")
        if not one.reason or "PC902" not in codes:
            continue
        for code in one.codes:
            # What was not looked for may well be there.
            if code in codes and not any(other == code and _covers(one, code, place) for other, place in found):
                location = replace(one.location)
                yield "PC902", Place(one.policy, location, f"the suppression of {code} suppresses nothing", "Remove it.")
