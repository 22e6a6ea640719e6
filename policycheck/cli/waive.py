"""`policycheck waive`: write waivers for what a run found, to be reviewed and kept beside the policies."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from policycheck.cli.diagnostics import show_note
from policycheck.cli.reports import require_folder
from policycheck.cli.saved import read_result
from policycheck.cli.terminal import write_document
from policycheck.errors import UsageError
from policycheck.finding import ALL_JOBS
from policycheck.policy.model import YEAR_DAYS
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.result import Finding, Result


def waive(
    result: Annotated[Path, typer.Argument(metavar="RESULT.json", help="What --output json wrote.")],
    owner: Annotated[str, typer.Option("--owner", metavar="NAME", help="Owner of the waivers.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Reason why the findings are accepted.")],
    expires: Annotated[str, typer.Option("--expires", metavar="DATE|DAYS", help="Last day in force: 2026-12-31, or 30d after they are granted.")],
    granted: Annotated[str | None, typer.Option("--granted", metavar="DATE", help="First day in force. Default: the day of the result.")] = None,
    ticket: Annotated[str | None, typer.Option("--ticket", metavar="ID", help="Ticket or link for the follow-up.")] = None,
    select: Annotated[
        list[str] | None, typer.Option("--select", metavar="ID", help="Waive only findings of this rule: RULE or POLICY/RULE. Can be repeated.")
    ] = None,
    subject: Annotated[
        list[str] | None, typer.Option("--subject", metavar="TEXT", help="Waive only findings whose subject contains this text. Can be repeated.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="New file for the waivers. Default: stdout.")] = None,
) -> None:
    """Write a waiver for each open finding of a saved result, to be used with --waivers.

    A waiver names the resource or group of its finding, not a job. It is in force for that subject and rule until it expires.
    """
    from policycheck.formats.output import write_atomically

    if output is not None:
        if output.exists():
            raise UsageError(f"{clean_line(str(output))} already exists", hint="Name a new file; --waivers can be repeated.")
        require_folder(output)
    loaded = read_result(result)
    first = _day("--granted", granted) if granted else loaded.as_of.date()
    last = _last_day(first, expires)
    signed = {"reason": _line("--reason", reason), "owner": _line("--owner", owner), **({"ticket": ticket} if ticket else {})}
    entries = [
        {"rule": name, "match": match, **signed, "granted": first.isoformat(), "expires": last.isoformat()}
        for name, match in _matches(loaded, select or [], subject or [])
    ]
    document = _written(entries)
    if output is None:
        write_document(document)
    else:
        write_atomically(output, document)
        show_note(f"policycheck: {len(entries)} {'waiver' if len(entries) == 1 else 'waivers'} in {output}")


def _matches(result: Result, select: Sequence[str], subjects: Sequence[str]) -> list[tuple[str, Any]]:
    """For each finding to waive, POLICY/RULE and what tells its subject."""
    from policycheck.policy.conditions import nearest

    known = {name for rule in result.rules for name in (rule.id, f"{rule.policy}/{rule.id}")}
    for choice in select:
        if choice not in known:
            near = nearest(choice, known)
            raise UsageError(f"the result has no rule {clean_line(choice)}", hint=f"Did you mean {near}?" if near else "")
    chosen = [
        finding
        for rule in result.rules
        if not select or {rule.id, f"{rule.policy}/{rule.id}"} & set(select)
        for finding in rule.open_findings
        if not subjects or any(text in finding.subject for text in subjects)
    ]
    if not chosen:
        raise UsageError("no open finding to waive", hint="Only findings that are not waived are written.")
    matches = [(f"{finding.policy}/{finding.rule}", _match(finding)) for finding in chosen]
    nameless = next((finding for finding, (_, match) in zip(chosen, matches, strict=True) if match is None), None)
    if nameless is not None:
        raise UsageError(
            f"the finding {nameless.subject} of {nameless.rule} cannot be waived by what it is about: a waiver would hold for every finding to come",
            hint="Exclude it with --select or --subject, or waive all findings of the rule with match: any.",
        )
    return matches


def _match(finding: Finding) -> Any:
    """The conditions of a waiver of this subject alone; None where nothing tells it."""
    if not finding.identity:
        # A rule on one group of all jobs has one finding; a rule that found nothing to judge has none to be waived by name.
        return "any" if finding.subject == ALL_JOBS else None
    places = {"Account", "Region"}
    if any(value is None for name, value in finding.identity.items() if name not in places):
        return None
    return {name: value for name, value in finding.identity.items() if value is not None} or None


def _line(option: str, text: str) -> str:
    if not clean_line(text):
        raise UsageError(f"{option} is empty", hint="Give a reason and an owner for every waiver.")
    return clean_line(text)


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: {clean_line(text)} is not a date", hint="Write it as 2026-12-31.") from None


def _last_day(first: date, text: str) -> date:
    days = re.fullmatch(r"([0-9]{1,4})d", text)
    try:
        last = first + timedelta(days=int(days[1])) if days else _day("--expires", text)
    except OverflowError:
        raise UsageError(f"--expires: {text} after {first} is not a date", hint="The waivers are granted too late. Set --granted.") from None
    if last < first:
        raise UsageError(f"--expires: {last} is before the waivers are granted, on {first}")
    if (last - first).days > YEAR_DAYS:
        raise UsageError(f"--expires: the waivers would be in force for {(last - first).days} days, more than a year", hint="Waive for less time, and renew.")
    return last


def _written(entries: Sequence[dict[str, Any]]) -> bytes:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 4096
    stream = io.BytesIO()
    yaml.dump({"waivers": list(entries)}, stream)
    return stream.getvalue()
