"""The full result as JSON: the contract that other programs read, and from which every other format can be rendered again.

Schema `policycheck/result/1`. Keys may be added under the same number, never renamed or given another meaning. Keys are sorted; all but ASCII is
escaped, so that the bytes do not depend on an encoding and no character can steer a terminal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from policycheck.errors import EvidenceError
from policycheck.formats.cleaning import cleaned
from policycheck.formats.interface import Format, Options
from policycheck.records import iso
from policycheck.result import Answer, Coverage, Finding, Result, RuleResult, SubjectAnswer, Universe, Verdict, WaiverUse

SCHEMA = "policycheck/result/1"
_HINT = "render a file that `policycheck check --output json=FILE` wrote, unchanged"


def _render(result: Result, _options: Options) -> str:
    return json.dumps(document(result), sort_keys=True, indent=2, allow_nan=False) + "\n"


# What the document holds is JSON: Any stands for its values.
def document(result: Result) -> dict[str, Any]:
    """The result as JSON values: derived counts and verdicts are included, and checked when it is read back."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "policycheck", "version": result.tool_version},
        "as_of": _time(result.as_of),
        "verdict": str(result.verdict),
        "exit_code": int(result.exit_code),
        "fail_on": None if result.fail_on is None else str(result.fail_on),
        "scope_uncovered": result.scope_uncovered,
        "summary": asdict(result.summary),
        "policies": [asdict(policy) for policy in result.policies],
        "coverage": [_coverage(entry) for entry in result.coverage],
        "not_seen": list(result.not_seen),
        "rules": [_rule(rule) for rule in result.rules],
    }


def _time(value: datetime) -> str:
    """Whole milliseconds, or none: what is written must read back as what would be written again."""
    return iso(value.replace(microsecond=value.microsecond // 1000 * 1000))


def _coverage(entry: Coverage) -> dict[str, Any]:
    return {
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
        "gaps": [_interval((min(gap), max(gap))) for gap in entry.gaps],
        "evidence": entry.evidence and _interval(entry.evidence),
    }


def _interval(times: tuple[datetime, datetime]) -> dict[str, str]:
    return {"from": _time(times[0]), "to": _time(times[1])}


def _rule(rule: RuleResult) -> dict[str, Any]:
    return {
        "id": rule.id,
        "policy": rule.policy,
        "sentence": rule.sentence,
        "severity": str(rule.severity),
        "verdict": str(rule.verdict),
        "reason": rule.reason,
        "examined": rule.examined,
        "subjects": rule.subjects,
        "undecided": rule.undecided,
        "undecided_of": str(rule.undecided_of),
        "possible": rule.possible,
        "pending": rule.pending,
        "universe": _universe(rule.universe),
        "breach": None if rule.breach is None else {"at": _time(rule.breach.at), "subject": rule.breach.subject},
        "notes": list(rule.notes),
        "controls": {framework: list(controls) for framework, controls in rule.controls.items()},
        "location": asdict(rule.location),
        "title": rule.title,
        "why": rule.why,
        "fix": rule.fix,
        "url": rule.url,
        "tags": list(rule.tags),
        "findings": [_finding(finding) for finding in rule.findings],
        "waivers": [_waiver(use) for use in rule.waivers],
        "answers": _answers(rule.answers),
    }


def _answers(answers: Iterable[SubjectAnswer]) -> list[dict[str, Any]]:
    """Every subject's answer, together where account, Region and answer are the same."""
    alike: dict[tuple[str | None, str | None, Answer], list[str]] = {}
    for one in answers:
        alike.setdefault((one.account, one.region, one.answer), []).append(one.subject)
    return [{"account": account, "region": region, "answer": str(answer), "subjects": subjects} for (account, region, answer), subjects in alike.items()]


def _universe(universe: Universe | None) -> dict[str, Any] | None:
    if universe is None:
        return None
    start = None if universe.start is None else _time(universe.start)
    return {"source": universe.source, "from": start, "count": universe.count, "inventory": universe.inventory}


def _waiver(use: WaiverUse) -> dict[str, Any]:
    return {
        "policy": use.policy,
        "rule": use.rule,
        **asdict(use.waiver),
        "status": str(use.status),
        "days_left": use.days_left,
        "findings": use.findings,
        "location": asdict(use.location),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "subject": finding.subject,
        "account": finding.account,
        "account_name": finding.account_name,
        "region": finding.region,
        "resource_type": finding.resource_type,
        "jobs": list(finding.jobs),
        "message": finding.message,
        "details": list(finding.details),
        "cause": finding.cause,
        "identity": dict(finding.identity),
        "severity": str(finding.severity),
        "fingerprint": finding.fingerprint,
        "waiver": None if finding.waiver is None else asdict(finding.waiver),
        "evidence": list(finding.evidence),
    }


def load_result(content: bytes, *, place: str = "") -> Result:
    """The result that `--output json` wrote: the inverse of rendering.

    Every member is required, and every derived one (verdict, exit code, counts, fingerprints) must agree with what it derives from: a file that was cut,
    edited or damaged is refused, never rendered as something better than it is. Members this version does not know are left out.

    Args:
        content: the file's bytes.
        place: the file's name, for the error.

    Raises:
        EvidenceError: not such a file.
    """
    import msgspec  # only what reads a saved result pays for it

    try:
        given = json.loads(content, parse_constant=_refuse_constant)
        if not isinstance(given, dict) or given.get("schema") != SCHEMA:
            raise _refusal(f"not a result of schema {SCHEMA}", place)
        result = msgspec.convert(_inward(given), Result)
        problem = _contradiction(result) or _difference(document(cleaned(result)), given, "$")
    except msgspec.ValidationError as error:
        raise _refusal(str(error), place) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _refusal(f"not a saved result: {type(error).__name__}: {error}", place) from error
    if problem:
        raise _refusal(problem, place)
    return result


def _refusal(problem: str, place: str) -> EvidenceError:
    return EvidenceError(f"the saved result cannot be used: {problem}", hint=_HINT, place=place)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _inward(given: dict[str, Any]) -> dict[str, Any]:
    """The document in the shape of the dataclasses; what is derived is simply unknown to them."""
    return {
        **given,
        "tool_version": given["tool"]["version"],
        "jobs": given["summary"]["jobs"],
        "coverage": [_inward_coverage(entry) for entry in given["coverage"]],
        "rules": [_inward_rule(rule) for rule in given["rules"]],
    }


def _inward_coverage(entry: dict[str, Any]) -> dict[str, Any]:
    evidence = entry["evidence"]
    gaps = [[gap["from"], gap["to"]] for gap in entry["gaps"]]
    return {**entry, "start": entry["from"], "end": entry["to"], "gaps": gaps, "evidence": evidence and [evidence["from"], evidence["to"]]}


def _inward_rule(rule: dict[str, Any]) -> dict[str, Any]:
    universe = rule["universe"] and {**rule["universe"], "start": rule["universe"]["from"]}
    answers = [[same["account"], same["region"], subject, same["answer"]] for same in rule["answers"] for subject in same["subjects"]]
    return {
        **rule,
        "universe": universe,
        "findings": [{**finding, "rule": rule["id"], "policy": rule["policy"]} for finding in rule["findings"]],
        "waivers": [{**use, "waiver": use} for use in rule["waivers"]],
        "answers": sorted(answers, key=lambda answer: [answer[0] or "", answer[1] or "", answer[2]]),
    }


def _contradiction(result: Result) -> str:
    return next(
        (
            f"rule {rule.id} has findings that nobody waived, and the verdict {rule.verdict}"
            for rule in result.rules
            if rule.open_findings and rule.verdict is not Verdict.FAIL
        ),
        "",
    )


def _difference(expected: object, given: object, where: str) -> str:
    """Where `given` lacks or contradicts what its own contents would be written as; "" where nowhere."""
    if isinstance(expected, Mapping) and isinstance(given, Mapping):
        problems = (_difference(value, given[key], f"{where}.{key}") if key in given else f"{where} lacks {key!r}" for key, value in expected.items())
    elif isinstance(expected, list) and isinstance(given, list):
        if len(expected) != len(given):
            return f"{where} has {len(given)} entries, not {len(expected)}"
        problems = (_difference(one, other, f"{where}[{index}]") for index, (one, other) in enumerate(zip(expected, given, strict=True)))
    elif type(expected) is type(given) and expected == given:
        return ""
    else:
        return f"{where} is {_short(given)}, but the rest of the file makes it {_short(expected)}"
    return next(filter(None, problems), "")


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:59] + "…"


FORMAT = Format("json", "the full result, from which every other format can be rendered", ".json", "application/json", _render)
