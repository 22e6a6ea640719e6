"""A result for readers outside: account ids, names and ARNs are pseudonyms, the same wherever they stand, and everything else is as it was.

A pseudonym is a keyed hash (HMAC-SHA-256): with the same key an account has the same one in every run, and without the key nobody can tell whose it is. A
plain hash would not do: there are only a million million account ids, which a machine tries in minutes.
"""

from __future__ import annotations

import hmac
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache, lru_cache
from typing import Any, TypeVar, cast

from policycheck.comparison import Comparison
from policycheck.datasets import DATASETS, RESOURCE_TYPES, is_naming
from policycheck.finding import ALL_JOBS
from policycheck.finding_list import FindingList, retell
from policycheck.job_records import Fields, JobRecord, ListedJob, WrappedJob
from policycheck.population import Population
from policycheck.regions import REGIONS
from policycheck.result import Result, RuleResult

T = TypeVar("T")
NOTE = "redacted: account IDs, names and ARNs are pseudonyms, which only the holder of the key can resolve"
_ARN = re.compile(r"arn:(aws[a-z-]*):([a-z0-9-]*):([a-z0-9-]*):([0-9]{12})?:([^\s\"'<>()\[\]{},;|`]+)")
_WHOLE_ARN = re.compile(r"arn:(aws[a-z-]*):([a-z0-9-]*):([a-z0-9-]*):([0-9]{12})?:(.+)", re.DOTALL)
_ACCOUNT = re.compile(r"(?<![0-9])(?<![0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-)[0-9]{12}(?![0-9])")
"""Twelve digits, but for the end of a UUID."""
_TYPE = re.compile(r"([a-z][a-z-]*)([:/])")
_PIECE = re.compile(r"[^:/]+")
_TOKEN = re.compile(r"[\w.-]+")
_UNTYPED = frozenset({"s3", "sns", "sqs"})
"""Services whose ARNs name the resource without its type."""
_OWN = frozenset(
    {"id", "policy", "rule", "path", "dataset", "region", "resource_type", "cause", "granted", "expires", "tool_version", "day", "created", "state"}
)
"""Fields of a result in which words are not names; an account id or an ARN in one is replaced all the same."""
_WORDS = frozenset(
    "account accounts all any aws backup backups clean cluster copies copy database days default every file fail from function hours instance issues job jobs "
    "list must name none not null pass plan policy region resource resources restore role rule rules service-role snapshot state status table the true type "
    "unknown vault vaults volume with within".split()
)
_KEPT = frozenset({*_WORDS, *(name.lower() for name in RESOURCE_TYPES), *REGIONS, *(state.lower() for one in DATASETS.values() for state in one.states)})
"""What is no name of anybody's: a vault called Default, a resource called backup."""
_SHORTEST = 3
"""Shorter names are replaced where they stand alone: in text they would be found in everything."""
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


def redact(result: Result, key: bytes) -> Result:
    """The result with pseudonyms, sorted by them; it says that it was redacted.

    Policies keep their ids, paths and text, but for what is replaced elsewhere, too; jobs keep their ids, Regions and types stay.

    Args:
        key: who has it can tell by trial which account a pseudonym is of.
    """
    redactor = _Redactor(key, set(_names(result)))
    rules = tuple(_redacted_rule(redactor, rule) for rule in result.rules)
    coverage = sorted(redactor.mapped(result.coverage), key=lambda entry: (entry.dataset, entry.account or "", entry.region or ""))
    population = _sorted_population(redactor.mapped(result.population))
    rest = redactor.mapped(replace(result, rules=(), coverage=(), population=Population(), baseline=None))
    return replace(
        rest,
        baseline=_sorted_baseline(redactor, result.baseline),
        rules=rules,
        coverage=tuple(coverage),
        population=population,
        # First, so that no screen is too short for it.
        not_seen=(NOTE, *rest.not_seen),
    )


def _redacted_rule(redactor: _Redactor, rule: RuleResult) -> RuleResult:
    findings = retell(redactor.mapped, rule.findings)
    rule = redactor.mapped(replace(rule, source_line="", findings=()))
    answers = sorted(rule.answers, key=lambda one: (one.account or "", one.region or "", one.subject))
    return replace(rule, findings=findings, answers=tuple(answers))


def _sorted_baseline(redactor: _Redactor, told: Comparison | None) -> Comparison | None:
    if told is None:
        return None
    told = redactor.mapped(told)
    gone, not_seen = (
        tuple(sorted(found, key=lambda one: (one.policy, one.rule, one.account or "", one.region or "", one.subject))) for found in (told.gone, told.not_seen)
    )
    return replace(told, gone=gone, not_seen=not_seen, lost=tuple(sorted(told.lost)))


def _sorted_population(population: Population) -> Population:
    days = sorted(population.reconciliation, key=lambda one: (one.dataset, one.account or "", one.region or "", one.day or ""))
    resources = sorted(population.resources, key=lambda one: (one.account or "", one.region or "", one.subject))
    jobs = sorted(population.newest_jobs, key=lambda one: one.key)
    names = dict(sorted(population.account_names.items()))
    return replace(population, reconciliation=tuple(days), resources=tuple(resources), newest_jobs=tuple(jobs), account_names=names)


_KEPT_TEXTS = 100_000
"""Texts that are replaced once only, wherever they stand."""


class _Redactor:
    """Replaces what is to be replaced in any value of a result."""

    def __init__(self, key: bytes, names: Iterable[str]) -> None:
        self._key = key
        self._by_token: defaultdict[str, list[str]] = defaultdict(list)
        self._names = frozenset(names)
        for name in sorted(self._names, key=len, reverse=True):
            if len(name) >= _SHORTEST and (first := _TOKEN.search(name)) is not None:
                self._by_token[first[0]].append(name[first.start() :])

    def mapped(self, value: T, *, own: bool = False) -> T:
        """The same value with every text in it replaced.

        Args:
            own: words in it are not names.
        """
        # A result holds dataclasses, tuples, mappings, records and leaves: only Any spans them, and each keeps its kind.
        found: Any = value
        if isinstance(value, str) and not isinstance(value, Enum):
            found = self.words(value) if own else self.text(value)
        elif isinstance(value, JobRecord):
            found = _RedactedJob(self, value)
        elif isinstance(value, tuple | list):
            named = getattr(value, "_fields", None)
            parts = [self.mapped(item, own=own or (named is not None and named[place] in _OWN)) for place, item in enumerate(value)]
            found = cast("Any", value)._make(parts) if named is not None else type(value)(parts)
        elif isinstance(value, Mapping):
            found = {self.words(name): self.mapped(item, own=own) for name, item in value.items()}
        elif is_dataclass(value) and not isinstance(value, type):
            found = replace(value, **{one.name: self.mapped(getattr(value, one.name), own=own or one.name in _OWN) for one in fields(value)})
        return cast("T", found)

    @lru_cache(maxsize=_KEPT_TEXTS)  # noqa: B019 - it lives as long as one redaction
    def words(self, text: str) -> str:
        """Text in which account ids and ARNs are replaced."""
        if (whole := _WHOLE_ARN.fullmatch(text)) is not None:
            return self._arn(whole)
        if "arn:" in text:
            text = _ARN.sub(self._arn, text)
        return _ACCOUNT.sub(lambda found: self._account(found[0]), text)

    @lru_cache(maxsize=_KEPT_TEXTS)  # noqa: B019 - as above
    def text(self, text: str) -> str:
        """Text in which names are replaced, too."""
        if (whole := _WHOLE_ARN.fullmatch(text)) is not None:
            return self._arn(whole)
        if text in self._names:
            return self._name(text)
        pieces: list[str] = []
        start = 0
        # ARNs first: their parts are names, and their types none.
        for found in _ARN.finditer(text):
            pieces += [self._named(text[start : found.start()]), self._arn(found)]
            start = found.end()
        return "".join([*pieces, self._named(text[start:])])

    def _named(self, text: str) -> str:
        parts: list[str] = []
        start = position = 0
        while (token := _TOKEN.search(text, position)) is not None:
            name = self._name_at(text, token)
            if name is None:
                position = token.end()
                continue
            parts += [text[start : token.start()], self._name(name)]
            start = position = token.start() + len(name)
        told = "".join([*parts, text[start:]])
        return _ACCOUNT.sub(lambda found: self._account(found[0]), told)

    def _name_at(self, text: str, token: re.Match[str]) -> str | None:
        """The longest name that stands at a token and ends with one; a full stop may end the sentence."""
        for first in (token[0], token[0].rstrip(".-")):
            for name in self._by_token.get(first, ()):
                end = token.start() + len(name)
                if text.startswith(name, token.start()) and not re.match(r"\w|[.-]\w", text[end : end + 2]):
                    return name
        return None

    def _arn(self, found: re.Match[str]) -> str:
        partition, service, region, account, resource = found.groups()
        kind = None if service in _UNTYPED else _TYPE.match(resource)
        head = kind[0] if kind is not None else ""
        tail = _PIECE.sub(lambda piece: piece[0] if piece[0].lower() in _KEPT else self._name(piece[0]), resource[len(head) :])
        return f"arn:{partition}:{service}:{region}:{self._account(account) if account else ''}:{head}{tail}"

    @cache  # noqa: B019 - as above
    def _account(self, account: str) -> str:
        number = int.from_bytes(self._hash("account", account)[:16]) % 10**12
        return f"{number:012}"

    @cache  # noqa: B019 - as above
    def _name(self, name: str) -> str:
        # Letters alone, so that no pseudonym looks like an account id.
        return "x-" + self._hash("name", name).hex()[:14].translate(_LETTERS)

    def _hash(self, kind: str, text: str) -> bytes:
        return hmac.digest(self._key, f"{kind}\0{text}".encode(errors="surrogatepass"), "sha256")


class _RedactedJob(WrappedJob):
    """A job with pseudonyms. Its fields are made whenever they are asked for."""

    __slots__ = ("_redactor",)

    def __init__(self, redactor: _Redactor, job: JobRecord) -> None:
        super().__init__(redactor.words(job.key), job)
        self._redactor = redactor

    @property
    def fields(self) -> Fields:
        return self._redactor.mapped(dict(self.job.fields))

    def cleaned(self) -> _RedactedJob:
        # Pseudonyms are clean.
        job = self.job.cleaned()
        return self if job is self.job else _RedactedJob(self._redactor, job)

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, _RedactedJob) and other._redactor is self._redactor and other.key == self.key and other.job == self.job
        return same or super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]  # as of any mapping


def _names(result: Result) -> Iterator[str]:
    """The names in a result, each whole."""
    for name in _candidates(result):
        told = name.strip()
        if told and told.lower() not in _KEPT and not _ACCOUNT.fullmatch(told) and not told.startswith("aws/"):
            yield told


def _candidates(result: Result) -> Iterator[str]:
    population = result.population
    yield from population.account_names.values()
    yield from (one.name for one in population.resources if one.name)
    yield from (entry.account_name for entry in result.coverage if entry.account_name)
    for rule in result.rules:
        yield from rule.names
        for use in rule.waivers:
            yield from (use.waiver.owner, use.waiver.ticket)
        for answer in rule.answers:
            yield from _parts(answer.subject)
        for finding in rule.findings:
            yield from _parts(finding.subject)
            yield finding.account_name or ""
            yield from (value for name, value in finding.identity.items() if value and is_naming(name))
            if finding.waiver is not None:
                yield from (finding.waiver.owner, finding.waiver.ticket)
    for earlier in () if result.baseline is None else (*result.baseline.gone, *result.baseline.not_seen):
        yield from _parts(earlier.subject)
        yield earlier.account_name or ""
    for record in _records(result):
        yield from _of_record(record.fields)
    yield from (part for text in _texts(result) if "arn:" in text for found in _ARN.finditer(text) for part in _of_arn(found))


def _records(result: Result) -> Iterator[JobRecord]:
    """The jobs of all findings, those of lists that the run has once."""
    seen: defaultdict[int, set[int]] = defaultdict(set)
    for record in (record for rule in result.rules for finding in rule.findings for record in finding.evidence):
        if isinstance(record, ListedJob):
            rows = seen[id(record.job_list)]
            if record.row in rows:
                continue
            rows.add(record.row)
        yield record


def _parts(subject: str) -> Iterator[str]:
    """What tells a subject: the parts of its ARN, or the values that make the group."""
    for part in subject.split(" / "):
        if (found := _WHOLE_ARN.fullmatch(part)) is not None:
            yield from _of_arn(found)
        elif not part.startswith("(no ") and part != ALL_JOBS:
            yield part


def _of_arn(found: re.Match[str]) -> Iterator[str]:
    """The parts of the resource that an ARN names."""
    service, resource = found[2], found[5]
    kind = None if service in _UNTYPED else _TYPE.match(resource)
    named = resource[kind.end() :] if kind is not None else resource
    yield from _PIECE.findall(named)


def _of_record(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if is_naming(name) and isinstance(item, str):
                yield item
            elif isinstance(item, str) and (found := _WHOLE_ARN.fullmatch(item)) is not None:
                yield from _of_arn(found)
            else:
                yield from _of_record(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _of_record(item)


def _texts(value: object) -> Iterator[str]:
    """Every text of a result, but for those of records."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, JobRecord):
        yield value.key
    elif isinstance(value, tuple | list | FindingList):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(name)
            yield from _texts(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            yield from _texts(getattr(value, one.name))
