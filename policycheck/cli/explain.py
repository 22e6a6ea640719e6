"""`policycheck explain`: what a rule means, what would make it fail, and why a subject passed or failed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policycheck.cli.check import gather, open_backend, parse_times
from policycheck.cli.connection import connect
from policycheck.cli.evidence import parse_longest_job
from policycheck.cli.options import shared_options
from policycheck.cli.policies import load_all
from policycheck.cli.settings import settle
from policycheck.cli.terminal import colored, terminal_width, write_document
from policycheck.errors import UsageError
from policycheck.settings.merging import Settings
from policycheck.settings.options import RunOptions
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.engine.backends.interface import Backend
    from policycheck.engine.outcomes import SubjectOutcome, SubjectTrace
    from policycheck.policy.model import Policy, Rule
    from policycheck.result import RuleResult

_FORMATS = ("text", "json")


@shared_options("explain")
def explain(
    context: typer.Context,
    options: RunOptions,
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Rule: RULE, POLICY/RULE, or PACK/RULE of a shipped pack.")],
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="TEXT", help="Explain why this subject passed or failed: the end of its ARN, or its group's key.")
    ] = None,
    job: Annotated[str | None, typer.Option("--job", metavar="ID", help="Explain why this job violates the rule or does not.")] = None,
    last: Annotated[int, typer.Option("--last", metavar="N", min=1, help="Number of the subject's newest jobs to show.")] = 5,
    expression: Annotated[bool, typer.Option("--expression", help="Print the compiled expression in full.")] = False,
    form: Annotated[str, typer.Option("--output", "-o", metavar="FORMAT", help="text or json.")] = "text",
) -> None:
    """Explain a rule: its population, what would make it fail, samples that do and do not, its tests and waivers.

    With --jobs and --as-of, or with --subject or --job (jobs from the run file or AWS): why a subject passed or failed, condition by condition.

    Exit codes: 0 explained; 2 the command or a policy is wrong; 3 the evidence cannot be read; 4 a bug in policycheck.
    """
    if form not in _FORMATS:
        raise UsageError(f"there is no format {clean_line(form)} of explanations", hint=f"The formats are {', '.join(_FORMATS)}.")
    settings = settle(context, options, spare=_pack_of(rule))
    policy, found, path = _find_rule(rule, load_all(settings), settings)
    backend = open_backend(settings.engine)
    named = (options.jobs, options.profile, options.region, options.role_arn, options.accounts, options.longest_job, options.endpoint_url)
    asked = any(named) or subject is not None or job is not None
    judged = _judge(settings, policy, found, backend, subject, job, last) if asked else None
    if judged is None and (options.as_of or options.covers):
        raise UsageError("--as-of and --covers require --jobs or --subject", hint="Name the lists with --jobs, or a subject with --subject.")
    document = _write(policy, found, path, backend, judged, form=form, expression=expression, color=colored(sys.stdout, no_color=settings.no_color))
    write_document(document)


def _pack_of(rule: str) -> tuple[str, ...]:
    """The shipped pack that PACK/RULE names."""
    from policycheck.policy.catalogue import shipped_packs

    pack, slash, _ = rule.partition("/")
    return (pack,) if slash and pack in shipped_packs() else ()


def _find_rule(text: str, policies: Sequence[Policy], settings: Settings) -> tuple[Policy, Rule, Path]:
    """The rule, its policy and that policy's file."""
    from policycheck.policy.conditions import nearest

    known = [(policy, rule) for policy in policies for rule in policy.rules]
    found = [(policy, rule) for policy, rule in known if text in {rule.id, f"{policy.id}/{rule.id}"}]
    if not found:
        near = nearest(text, {name for policy, rule in known for name in (rule.id, f"{policy.id}/{rule.id}")})
        rest = f"The rules are {', '.join(rule.id for _, rule in known[:10])}{', ...' if len(known) > 10 else ''}."
        raise UsageError(f"no rule is called {clean_line(text)}", hint=f"Did you mean {near}?" if near else rest)
    if len(found) > 1:
        names = ", ".join(f"{policy.id}/{rule.id}" for policy, rule in found)
        raise UsageError(f"{len(found)} rules are called {clean_line(text)}", hint=f"Name one of {names}.")
    ((policy, rule),) = found
    path = next(path for path, name in settings.files if name == policy.path)
    return policy, rule, path


_Judged = tuple["RuleResult", "Sequence[SubjectOutcome]", "Sequence[SubjectTrace]", str]


def _judge(settings: Settings, policy: Policy, rule: Rule, backend: Backend, subject: str | None, job: str | None, last: int) -> _Judged:
    """The rule's result on the evidence, all of its subjects, and the traces of those that were asked about."""
    from dataclasses import replace

    from policycheck.explaining.subject_search import find_traces, trace_rule
    from policycheck.pipeline import resolve_scope, run
    from policycheck.records import iso

    connection = connect(settings)
    instant, claimed = parse_times(settings.jobs, settings.as_of, settings.covers, connection)
    parse_longest_job(settings.longest_job, settings.jobs)
    alone = replace(policy, rules=(rule,), waivers=tuple(grant for grant in policy.waivers if grant.rule == rule.id))
    evidence = gather(settings, [alone], connection, instant, claimed)
    (result,) = run([alone], evidence, as_of=instant, fail_on=None, backend=backend).rules
    trace = trace_rule(resolve_scope(policy, evidence.members), rule, evidence, instant, backend)
    if trace is None:
        return result, [], [], iso(instant)
    traces = find_traces(trace, subject, job, last) if subject is not None or job is not None else []
    return result, trace.subjects(), traces, iso(instant)


def _write(policy: Policy, rule: Rule, path: Path, backend: Backend, judged: _Judged | None, *, form: str, expression: bool, color: bool) -> bytes:
    from policycheck.explaining.explanation import explain as explain_rule
    from policycheck.explaining.report import ExplanationPage, explanation_document, outcome_document, write_json
    from policycheck.formats.escape import defuse_document

    traced = judged is not None and bool(judged[2])
    if form == "json":
        document = explanation_document(explain_rule(policy, rule, path, backend))
        if judged is not None:
            document["evidence"] = outcome_document(*judged)
        return defuse_document(write_json(document), "application/json").encode()
    page = ExplanationPage(width=terminal_width(sys.stdout), color=color)
    if traced:
        page.add_rule(policy, rule)
    else:
        page.add_explanation(explain_rule(policy, rule, path, backend), expression=expression)
    if judged is not None:
        result, subjects, traces, as_of = judged
        page.add_result(result, f"as of {as_of}")
        for trace in traces:
            page.add_trace(trace)
        if not traces:
            page.add_subjects(subjects)
    return page.text().encode()
