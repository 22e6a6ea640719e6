"""The population of a result as members of its JSON document, and the answers of a rule, which are the greater part of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from policycheck.answers import Answer, SubjectAnswer
from policycheck.population import Population

# What the document holds is JSON: Any stands for its values.
Json = dict[str, Any]
_PARALLEL = ("subjects", "measured", "margins", "newest")
"""Lists of one length: an entry for each subject."""


def population_members(population: Population) -> Json:
    """What the document says of a population, each list an entry a line."""
    return {
        "account_names": dict(population.account_names),
        "inputs": [one._asdict() for one in population.inputs],
        "newest_jobs": [one._asdict() for one in population.newest_jobs],
        "reconciliation": [
            {
                "dataset": one.dataset,
                "account": one.account,
                "region": one.region,
                "day": one.day,
                "records": one.records,
                "repeated": one.repeated,
                "jobs": one.jobs,
                "evaluated": one.evaluated,
                "out_of_scope": one.out_of_scope,
                "unusable": one.unusable,
                "covered": str(one.covered),
                "repeated_jobs": list(one.repeated_jobs),
            }
            for one in population.reconciliation
        ],
        "resources": [one._asdict() for one in population.resources],
    }


def inward_population(given: Mapping[str, Any]) -> Json:
    """The same members in the shape of `Population`."""

    def rows(name: str, keys: tuple[str, ...]) -> list[list[Any]]:
        return [[entry[key] for key in keys] for entry in given[name]]

    return {
        "account_names": given["account_names"],
        "inputs": rows("inputs", ("name", "sha256")),
        "newest_jobs": rows("newest_jobs", ("key", "id", "state", "created")),
        "reconciliation": given["reconciliation"],
        "resources": rows("resources", ("account", "region", "subject", "resource_type", "name")),
    }


def answer_members(answers: Iterable[SubjectAnswer]) -> list[Json]:
    """Every subject's answer, together where account, Region and answer are the same."""
    alike: dict[tuple[str | None, str | None, Answer], tuple[list[str], ...]] = {}
    for one in answers:
        lists = alike.setdefault((one.account, one.region, one.answer), ([], [], [], []))
        for values, value in zip(lists, (one.subject, one.measured, one.margin, one.newest), strict=True):
            values.append(value)
    return [
        {"account": account, "region": region, "answer": str(answer), **dict(zip(_PARALLEL, lists, strict=True))}
        for (account, region, answer), lists in alike.items()
    ]


def inward_answers(given: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    """The answers of one rule in the shape of `SubjectAnswer`, sorted by account, Region and subject.

    Raises:
        ValueError: lists that belong together are of different lengths.
    """

    def told() -> Iterator[list[Any]]:
        for same in given:
            for subject, *more in zip(*(same[name] for name in _PARALLEL), strict=True):
                yield [same["account"], same["region"], subject, same["answer"], *more]

    return sorted(told(), key=lambda answer: [answer[0] or "", answer[1] or "", answer[2]])
