"""A saved result, read back from the JSON that `json_result` wrote, and held against what its own contents would be written as."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from policycheck.errors import EvidenceError
from policycheck.formats.interface import clean_result
from policycheck.formats.json_baseline import wrong_states
from policycheck.formats.json_history import inward_history, wrong_days
from policycheck.formats.json_period import inward_finding_spans, inward_period, inward_rule_spans, wrong_period
from policycheck.formats.json_population import Json, inward_answers, inward_population
from policycheck.formats.json_result import SCHEMA, document, jobs_by_key
from policycheck.job_records import SavedJob
from policycheck.result import Result, Verdict

_BEFORE = "policycheck/result/1"
_HINT = "render a file that `policycheck check --output json=FILE` wrote, unchanged"


def load_result(content: bytes, *, place: str = "") -> Result:
    """The result that `--output json` wrote: the inverse of rendering.

    Every member is required, and every derived one (verdict, exit code, counts, fingerprints) must agree with what it derives from: a file that was cut,
    edited or damaged is refused, never rendered as something better than it is. Members this version does not know are left out.

    Args:
        content: the file's bytes.
        place: the file's name, for the error.

    Raises:
        EvidenceError: not such a file, or one of an earlier version.
    """
    try:
        given = json.loads(content, parse_constant=_refuse_constant, object_pairs_hook=_once)
        if isinstance(given, dict) and given.get("schema") == _BEFORE:
            told = f"it has the schema {_BEFORE} of an earlier version, and this one reads {SCHEMA}"
            raise _refusal(told, place, "Make it again: policycheck check --output json=FILE")
        if not isinstance(given, dict) or given.get("schema") != SCHEMA:
            raise _refusal(f"not a result of schema {SCHEMA}", place)
        result = msgspec.convert(_inward(given), Result, dec_hook=_taken_over)
        # A sequence of any kind is read as a list.
        result = replace(result, rules=tuple(replace(rule, findings=tuple(rule.findings)) for rule in result.rules))
        problem = _contradiction(result) or _difference(document(clean_result(result)), given, "$") or _spare_jobs(result, given)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), place) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _refusal(f"not a saved result: {type(error).__name__}: {error}", place) from error
    if problem:
        raise _refusal(problem, place)
    return result


def _refusal(problem: str, place: str, hint: str = _HINT) -> EvidenceError:
    return EvidenceError(f"the saved result cannot be used: {problem}", hint=hint, place=place)


def _once(members: list[tuple[str, Any]]) -> Json:
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("a key stands twice in one object")
    return found


def _taken_over(_kind: type, value: Any) -> Any:
    """What `_inward` has made: the jobs of findings."""
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _inward(given: Json) -> Json:
    """The document in the shape of the dataclasses; what is derived is simply unknown to them."""
    jobs = {key: SavedJob(key, dict(fields)) for key, fields in given["jobs"].items()}
    return {
        **given,
        "tool_version": given["tool"]["version"],
        "jobs": given["summary"]["jobs"],
        # Results of versions before this member have none.
        "resources": given.get("resources_seen", 0),
        "coverage": [_inward_coverage(entry) for entry in given["coverage"]],
        "population": inward_population(given),
        "rules": [_inward_rule(rule, jobs) for rule in given["rules"]],
        "history": given["history"] and inward_history(given["history"]),
        **inward_period(given),
    }


def _inward_coverage(entry: Json) -> Json:
    evidence = entry["evidence"]
    gaps, holes = ([[gap["from"], gap["to"]] for gap in entry[name]] for name in ("gaps", "holes"))
    return {**entry, "start": entry["from"], "end": entry["to"], "gaps": gaps, "holes": holes, "evidence": evidence and [evidence["from"], evidence["to"]]}


def _inward_rule(rule: Json, jobs: Mapping[str, SavedJob]) -> Json:
    universe = rule["universe"] and {**rule["universe"], "start": rule["universe"]["from"]}
    return {
        **rule,
        "universe": universe,
        "findings": [{**_inward_finding(finding, jobs), "rule": rule["id"], "policy": rule["policy"]} for finding in rule["findings"]],
        "waivers": [{**use, "waiver": use} for use in rule["waivers"]],
        "answers": inward_answers(rule["answers"]),
        **inward_rule_spans(rule),
    }


def _inward_finding(finding: Json, jobs: Mapping[str, SavedJob]) -> Json:
    keys = finding["jobs"] if finding["job_keys"] is None else finding["job_keys"]
    lost = next((key for key in keys if key not in jobs), None)
    if lost is not None:
        raise ValueError(f"a finding names the job {_short(lost)}, which is not among the jobs")
    return {**finding, "evidence": [jobs[key] for key in keys], "unnamed": finding["jobs_count"] - len(finding["jobs"]), **inward_finding_spans(finding)}


def _contradiction(result: Result) -> str:
    """What no reading of the document can be right about; "" where there is nothing."""
    for rule in result.rules:
        if rule.open_findings and rule.verdict is not Verdict.FAIL:
            return f"rule {rule.id} has findings that are not waived, and the verdict {rule.verdict}"
        if any(finding.unnamed < 0 for finding in rule.findings):
            return f"a finding of rule {rule.id} names more jobs than it counts"
    return wrong_states(result) or wrong_period(result) or ("" if result.history is None else wrong_days(result.history))


def _spare_jobs(result: Result, given: Json) -> str:
    spare = len(given["jobs"]) - len(jobs_by_key(result))
    return f"no finding is about {spare} of the jobs" if spare else ""


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
