"""The full result as JSON: the contract that other programs read, and from which every other format can be rendered again.

Schema `policycheck/result/2`. Keys may be added under the same number, never renamed or given another meaning. Keys are sorted; all but ASCII is escaped, so
that the bytes do not depend on an encoding and no character can steer a terminal. Each finding, each job and each entry of another list is a line. A job
stands once in the document, however many findings are about it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from itertools import chain, islice

import msgspec

from policycheck.control_matrix import ControlMatrix
from policycheck.controls import tell_controls
from policycheck.formats.interface import CleanResult, Format, Options
from policycheck.formats.json_baseline import baseline_members
from policycheck.formats.json_history import LISTS, history_members
from policycheck.formats.json_period import finding_spans, period_members, rule_spans
from policycheck.formats.json_population import Json, answer_members, population_members
from policycheck.formats.pieces import in_lines
from policycheck.job_records import JobRecord, encode_jobs
from policycheck.policy.controls import Control
from policycheck.reasons import Reason
from policycheck.records import iso
from policycheck.result import EVIDENCE_LIMIT, Coverage, Finding, Result, RuleResult, Universe, WaiverUse

SCHEMA = "policycheck/result/2"
_ENCODER = msgspec.json.Encoder(order="sorted")
_NOT_ASCII = re.compile(r"[^\x00-\x7e]")


def _render(result: CleanResult, _options: Options) -> Iterator[str]:
    members = _members(result)
    lists = {name: _lines(value) for name, value in members.items() if isinstance(value, list)}
    if result.history is not None:
        lists["history"] = _object(members["history"], {name: _lines(members["history"][name]) for name in LISTS})
    blocks = {**lists, "jobs": _array(_job_lines(result), "{}"), "rules": _rule_lines(result.rules)}
    return in_lines(chain(_object(members, blocks), "\n"))


def _object(members: Json, blocks: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """An object with a line for each member, and for each line of a member that is a block. Its parts begin lines, and hold no other line break."""
    mark = "{"
    for name in sorted({*members, *blocks}):
        yield mark
        yield f'\n"{name}":'
        if name in blocks:
            yield from blocks[name]
        else:
            yield _text(members[name])
        mark = ","
    yield "\n}"


def _array(entries: Iterable[str], brackets: str = "[]") -> Iterator[str]:
    """A list (or object) whose every entry begins a line; many of them are one part."""
    mark, entries = brackets[0], iter(entries)
    while some := list(islice(entries, _TOGETHER)):
        yield mark
        yield "\n" + ",\n".join(some)
        mark = ","
    yield f"\n{brackets[1]}" if mark == "," else brackets


_TOGETHER = 100
"""Entries of a list that are put together at once."""


def _lines(values: Iterable[object]) -> Iterator[str]:
    return _array(map(_text, values))


def _text(value: object) -> str:
    return _escaped(_ENCODER.encode(value))


def _escaped(encoded: bytes) -> str:
    """JSON in UTF-8 as ASCII: what is not stands in strings alone."""
    text = encoded.decode()
    return text if encoded.isascii() and "\x7f" not in text else _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)


def _job_lines(result: Result) -> Iterator[str]:
    table = jobs_by_key(result)
    keys = sorted(table)
    return (f"{_text(key)}:{_escaped(encoded)}" for key, encoded in zip(keys, encode_jobs(table[key] for key in keys), strict=True))


def jobs_by_key(result: Result) -> dict[str, JobRecord]:
    """The jobs of all findings by their keys."""
    table: dict[str, JobRecord] = {}
    for record in (record for rule in result.rules for finding in rule.findings for record in finding.evidence):
        known = table.setdefault(record.key, record)
        if known is not record and known != record:
            raise ValueError(f"two jobs have the key {record.key}")
    return table


def _rule_lines(rules: Iterable[RuleResult]) -> Iterator[str]:
    mark = "["
    for rule in rules:
        yield mark
        yield "\n"
        lists = {"findings": map(_finding, rule.findings), "waivers": map(_waiver, rule.waivers), "answers": answer_members(rule.answers)}
        yield from _object(_rule_members(rule), {name: _lines(values) for name, values in lists.items()})
        mark = ","
    yield "\n]" if mark == "," else "[]"


def document(result: Result) -> Json:
    """The whole document as JSON values, to hold what was read against."""
    rules = [
        {
            **_rule_members(rule),
            "findings": list(map(_finding, rule.findings)),
            "waivers": list(map(_waiver, rule.waivers)),
            "answers": answer_members(rule.answers),
        }
        for rule in result.rules
    ]
    return {**_members(result), "jobs": {key: dict(record.fields) for key, record in jobs_by_key(result).items()}, "rules": rules}


def _members(result: Result) -> Json:
    """What the document says, but for `jobs` and `rules`: derived counts and verdicts are included, and checked when it is read back."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "policycheck", "version": result.tool_version},
        "as_of": _time(result.as_of),
        "verdict": str(result.verdict),
        "exit_code": int(result.exit_code),
        "fail_on": None if result.fail_on is None else str(result.fail_on),
        "scope_uncovered": result.scope_uncovered,
        "summary": asdict(result.summary),
        "resources_seen": result.resources,
        "policies": [asdict(policy) for policy in result.policies],
        "coverage": [_coverage(entry) for entry in result.coverage],
        "not_seen": list(result.not_seen),
        **population_members(result.population),
        "frameworks": list(result.frameworks),
        **({"matrices": [_matrix(matrix) for matrix in result.matrices]} if result.matrices else {}),
        **({"controls": controls} if (controls := list(_control_rows(result))) else {}),
        "left_out": [{"policy": rule.policy, "id": rule.id, "controls": _controls(rule.controls)} for rule in result.left_out],
        "history": None if result.history is None else history_members(result.history),
        # Only where there is one: a result of a version that knew none is as whole without.
        **({} if result.baseline is None else {"baseline": baseline_members(result)}),
        **period_members(result.period),
    }


def _matrix(matrix: ControlMatrix) -> Json:
    return {**asdict(matrix), "controls": [{**asdict(control), "rules": list(control.rules)} for control in matrix.controls]}


def _control_rows(result: Result) -> Iterator[Json]:
    """What the run shows of every control of the frameworks that it tells, a row each."""
    for framework in tell_controls(result):
        for control in framework.controls:
            asked = control.control or Control("")
            yield {
                "framework": framework.name,
                "id": control.id,
                "title": asked.asks,
                "must_show": asked.must_show,
                "beyond": asked.beyond,
                "verdict": str(control.verdict),
                "shown": list(map(str, control.shown)),
                "rules": [f"{rule.policy}/{rule.id}" for rule in control.rules],
                "left_out": [f"{rule.policy}/{rule.id}" for rule in control.left_out],
                "missing": list(control.missing),
            }


def _controls(controls: Mapping[str, tuple[str, ...]]) -> Json:
    return {framework: list(ids) for framework, ids in controls.items()}


def _time(value: datetime) -> str:
    """Whole milliseconds, or none: what is written must read back as what would be written again."""
    return iso(value.replace(microsecond=value.microsecond // 1000 * 1000))


def _coverage(entry: Coverage) -> Json:
    return {
        **({"account_name": entry.account_name} if entry.account_name is not None else {}),
        "dataset": entry.dataset,
        "account": entry.account,
        "region": entry.region,
        "from": None if entry.start is None else _time(entry.start),
        "to": None if entry.end is None else _time(entry.end),
        "jobs": entry.jobs,
        "complete": entry.complete,
        "basis": str(entry.basis),
        "source": entry.source,
        "reason": entry.reason,
        "cut_off": entry.cut_off,
        "rewound": entry.rewound,
        "gaps": [_interval((min(gap), max(gap))) for gap in entry.gaps],
        "holes": [_interval(hole) for hole in entry.holes],
        "evidence": entry.evidence and _interval(entry.evidence),
        "files": list(entry.files),
    }


def _interval(times: tuple[datetime, datetime]) -> dict[str, str]:
    return {"from": _time(times[0]), "to": _time(times[1])}


def _reason_members(reason: Reason) -> Json:
    return {
        "kind": str(reason.kind),
        "names": list(reason.names),
        "numbers": list(reason.numbers),
        "fields": list(reason.fields),
        "keep": list(reason.keep),
        "because": list(map(_reason_members, reason.because)),
    }


def _rule_members(rule: RuleResult) -> Json:
    """What a rule says, but for its findings, waivers and answers."""
    return {
        "id": rule.id,
        "policy": rule.policy,
        "sentence": rule.sentence,
        "read_from": rule.read_from,
        "severity": str(rule.severity),
        "verdict": str(rule.verdict),
        "reason": rule.reason,
        "reasons": list(map(_reason_members, rule.reasons)),
        "examined": rule.examined,
        "subjects": rule.subjects,
        "undecided": rule.undecided,
        "undecided_of": str(rule.undecided_of),
        "possible": rule.possible,
        "pending": rule.pending,
        "universe": _universe(rule.universe),
        "breach": None if rule.breach is None else {"at": _time(rule.breach.at), "subject": rule.breach.subject},
        "notes": list(rule.notes),
        "controls": _controls(rule.controls),
        "lists": list(rule.lists),
        "location": asdict(rule.location),
        "title": rule.title,
        "why": rule.why,
        "fix": rule.fix,
        "url": rule.url,
        "tags": list(rule.tags),
        "limit": rule.limit,
        "names": list(rule.names),
        "source_line": rule.source_line,
        **({} if rule.state is None else {"state": str(rule.state)}),
        **rule_spans(rule.spans),
        **({} if rule.limit_verdict is None else {"limit_verdict": str(rule.limit_verdict)}),
    }


def _universe(universe: Universe | None) -> Json | None:
    if universe is None:
        return None
    start = None if universe.start is None else _time(universe.start)
    return {"source": universe.source, "from": start, "count": universe.count, "inventory": universe.inventory}


def _waiver(use: WaiverUse) -> Json:
    return {
        "policy": use.policy,
        "rule": use.rule,
        **asdict(use.waiver),
        "status": str(use.status),
        "days_left": use.days_left,
        "findings": use.findings,
        "location": asdict(use.location),
    }


def _finding(finding: Finding) -> Json:
    jobs, keys = list(finding.jobs[:EVIDENCE_LIMIT]), [record.key for record in finding.evidence]
    return {
        "subject": finding.subject,
        "account": finding.account,
        "account_name": finding.account_name,
        "region": finding.region,
        "resource_type": finding.resource_type,
        "jobs": jobs,
        "jobs_count": finding.jobs_count,
        "job_keys": None if keys == jobs else keys,
        "message": finding.message,
        "details": list(finding.details),
        "cause": finding.cause,
        "identity": finding.identity,
        "severity": finding.severity.value,
        "fingerprint": finding.fingerprint,
        "waiver": None if finding.waiver is None else asdict(finding.waiver),
        **({} if finding.state is None else {"state": finding.state.value}),
        **finding_spans(finding.spans),
    }


FORMAT = Format("json", "the full result, from which every other format can be rendered", ".json", "application/json", _render, shows_answers=True)
