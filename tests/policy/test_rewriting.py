"""Canonical sentences written into policy files: what changes, and what stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from policycheck.policy.document import Entries, Text, parse_document
from policycheck.policy.rewriting import raw_value, rewrite, spell_value
from tests.policy.policies import load
from tests.tables import each

TYPED = """\
# head\r
policy: a\r
params: {rpo: 24h}\r
rules:\r
  - id: plain   # of the id\r
    rule: no failed backups in the last 24 hours   # why\r
    severity: high\r
  - {id: flow, rule: 'EC2 backups must not fail', severity: low}\r
  - id: long\r
    rule: "every RDS resource must have a successful backup\r
      within ${rpo}"\r
  - id: block\r
    rule: >-\r
      all backup jobs\r
      must succeed\r
  - {id: comma, rule: EC2 backups must not last longer than 4 hours}\r
  - id: quotes\r
    rule: "no jobs with ResourceName \\"a b\\" in the last 24 hours"\r
"""
FIXED = """\
# head\r
policy: a\r
params: {rpo: 24h}\r
rules:\r
  - id: plain   # of the id\r
    rule: no FAILED jobs within 24h   # why\r
    severity: high\r
  - {id: flow, rule: 'no FAILED EC2 jobs', severity: low}\r
  - id: long\r
    rule: 'every RDS resource must have a clean job within ${rpo}'\r
  - id: block\r
    rule: >-\r
      all backup jobs\r
      must succeed\r
  - {id: comma, rule: 'for EC2 jobs, duration must be at most 4h'}\r
  - id: quotes\r
    rule: "ResourceName must not be \\"a b\\" within 24h"\r
"""


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_only_the_sentences_change(mark: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes((mark + TYPED).encode())
    policy = load(path)
    rewritten, told = rewrite(policy, mark + TYPED)
    assert rewritten == mark + FIXED
    assert [(one.rule.id, bool(one.why_not)) for one in told] == [
        ("plain", False),
        ("flow", False),
        ("long", False),
        ("block", True),
        ("comma", False),
        ("quotes", False),
    ]
    path.write_bytes(rewritten.encode())
    after = load(path)
    assert [rule.sentence for rule in after.rules] == [rule.sentence for rule in policy.rules]
    assert [rule.id for rule in after.rules if rule.typed] == ["block"]
    assert rewrite(after, rewritten)[0] == rewritten


@each(
    ("text", "raw", "written"),
    [
        ("no jobs", "no backups", "no jobs"),
        ("for EC2 jobs, x", "EC2 backups", "'for EC2 jobs, x'"),
        ("for EC2 jobs, x", "RDS, EC2 backups", "for EC2 jobs, x"),
        ('a "b: c"', "x", "'a \"b: c\"'"),
        ('a "b # c"', "x", "'a \"b # c\"'"),
        ("a it's", "'x'", "'a it''s'"),
        ('a "\\d"', '"x"', '"a \\"\\\\d\\""'),
        ("${a} b", "x", "'${a} b'"),
    ],
)
def test_a_value_is_quoted_where_it_needs_to_be(text: str, raw: str, written: str) -> None:
    assert spell_value(text, raw) == written
    for around in ("rule: {}\n", "{{rule: {}}}\n"):
        if not ("," in raw and around.startswith("{")):
            root = parse_document(around.format(written), "p").root
            assert isinstance(root, Entries)
            value = root.get("rule")
            assert isinstance(value, Text)
            assert value.text == text


def test_a_value_over_several_lines_is_none() -> None:
    place = parse_document("rule: a\n  b\n", "p").root.location
    assert raw_value("rule: a", place) == ""
