"""An in-toto Statement with the test-result predicate, for whoever signs what was tested and what came of it.

The only place that makes one. Schemas: in-toto/attestation, spec/v1/statement.md and spec/predicates/test-result.md (v0.1). It is not signed: that is done by
what keeps keys, such as GitHub's actions/attest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from policycheck.formats import json_result
from policycheck.formats.alerts import rule_name
from policycheck.formats.cleaning import line
from policycheck.formats.interface import CleanResult, Format, Options
from policycheck.formats.pieces import json_pieces
from policycheck.formats.words import incomplete
from policycheck.population import InputFile
from policycheck.result import Result, Verdict

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
RESULT_NAME = "result.json"
"""What the saved result is called among the subjects."""

# in-toto is JSON: Any stands for its values.
Json = dict[str, Any]


def make_statement(subjects: Sequence[InputFile], predicate: Json) -> Json:
    """The statement that these files were tested with this outcome; there is at least one."""
    if not subjects:
        raise ValueError("a statement is about at least one file")
    described = [_described(subject.name, subject.sha256) for subject in subjects]
    return {"_type": STATEMENT_TYPE, "subject": described, "predicateType": PREDICATE_TYPE, "predicate": predicate}


def make_predicate(result: Result, *, url: str = "") -> Json:
    """What came of the test: PASSED only where every rule passed, WARNED where others were waived or had nothing to evaluate, or a list is not complete;
    else FAILED.

    An inconclusive rule is among the failed ones: a reader of the predicate takes those that only warn for passed ones.

    Args:
        url: of the run, where there is one.
    """
    named: dict[str, list[str]] = {"passedTests": [], "warnedTests": [], "failedTests": []}
    for rule in result.rules:
        named[_LIST_OF[rule.verdict]].append(rule_name(rule))
    passed = result.verdict is Verdict.PASS and not named["failedTests"]
    warned = named["warnedTests"] or incomplete(result.coverage)
    return {
        "result": ("WARNED" if warned else "PASSED") if passed else "FAILED",
        "configuration": [_described(policy.path, policy.sha256) for policy in result.policies],
        **({"url": url} if url else {}),
        **named,
    }


_LIST_OF = {
    Verdict.PASS: "passedTests",
    Verdict.WAIVED: "warnedTests",
    Verdict.SKIPPED: "warnedTests",
    Verdict.FAIL: "failedTests",
    Verdict.INCONCLUSIVE: "failedTests",
}


def _described(name: str, sha256: str) -> Json:
    return {"name": line(name), **({"digest": {"sha256": sha256}} if is_sha256(sha256) else {})}


def is_sha256(text: str) -> bool:
    """Whether this is a hash: 64 hex digits."""
    return re.fullmatch("[0-9a-f]{64}", text) is not None


def _render(result: CleanResult, options: Options) -> Iterator[str]:
    hashed = [one for one in result.population.inputs if is_sha256(one.sha256)]
    return json_pieces(make_statement(hashed or [InputFile(RESULT_NAME, digest_result(result, options))], make_predicate(result)))


def digest_result(result: CleanResult, options: Options) -> str:
    """The SHA-256 of the result as `--output json` writes it."""
    found = hashlib.sha256()
    for piece in json_result.FORMAT.pieces(result, options):
        found.update(piece.encode())
    return found.hexdigest()


FORMAT = Format(
    "in-toto", "an in-toto Statement with the test-result predicate, to be signed", ".intoto.json", "application/vnd.in-toto+json", _render, shows_answers=True
)
