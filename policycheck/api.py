"""policycheck as a library: one call from policies and jobs to a result (docs/python.md)."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from narwhals.typing import IntoFrame

from policycheck.engine.backends.registry import DEFAULT_ENGINE, open_engine
from policycheck.errors import UsageError
from policycheck.pipeline import run
from policycheck.policy.catalogue import find_policies
from policycheck.policy.load import load_policies
from policycheck.policy.model import Policy
from policycheck.policy.waivers import load_waivers
from policycheck.result import Result, Severity
from policycheck.sources.given import is_frame, read_given
from policycheck.sources.interface import Evidence
from policycheck.sources.inventories import read_inventories
from policycheck.sources.saved import read_saved

AnyPath = str | os.PathLike[str]
Job = Mapping[str, Any]
"""A job as boto3 gives it, or an answer that holds jobs."""
Jobs = AnyPath | Sequence[AnyPath] | Job | Iterable[Job] | IntoFrame | Sequence[IntoFrame]


Policies = AnyPath | Sequence[AnyPath] | Sequence[Policy]
"""Policy files, folders or names of shipped packs; or what `load` gave."""


def load(policies: AnyPath | Sequence[AnyPath], *, params: Mapping[str, str] | None = None, waivers: Sequence[AnyPath] = ()) -> tuple[Policy, ...]:
    """Read policies once, for several checks.

    Args:
        policies, params, waivers: as of `check`.

    Raises:
        PolicyError: policies or waivers are wrong; all their mistakes at once.
    """
    loaded = load_policies(find_policies([os.fspath(path) for path in _several(policies)]), params or {})
    return tuple(load_waivers([(Path(path), Path(path).as_posix()) for path in waivers], loaded) if waivers else loaded)


def check(
    policies: Policies,
    jobs: Jobs,
    *,
    as_of: datetime,
    covers: tuple[datetime, datetime] | None = None,
    params: Mapping[str, str] | None = None,
    inventories: Mapping[str, AnyPath] | None = None,
    waivers: Sequence[AnyPath] = (),
    fail_on: Severity | str | None = Severity.LOW,
    engine: str | object = DEFAULT_ENGINE,
    answers: bool = False,
) -> Result:
    """Evaluate policies against job lists, as `policycheck check --jobs` does.

    Args:
        policies: files, folders or names of shipped packs; or what `load` gave, in which the parameters and waivers stand already.
        jobs: saved lists (files and folders), jobs or answers as boto3 gives them, or frames of a library that Narwhals knows (Polars, pandas, PyArrow, DuckDB)
            with a column a member of one list. What they cover is told from their own times, as for a saved list.
        as_of: the instant everything is measured from; it has a time zone.
        covers: your claim of the time that the lists cover completely, from and to.
        params: values of the policies' parameters.
        inventories: files of what must be backed up, by the name that rules use.
        waivers: files of waivers.
        fail_on: the least severity that makes `Result.exit_code` a failure; None: never.
        engine: what computes, by name; or the SparkSession of a program that has one, whose configuration stays as it is.
        answers: whether `RuleResult.answers` lists what each subject of a rule came to.

    Returns:
        Verdicts, findings and the evidence they rest on. `Result.verdict` is fail, inconclusive or pass; a pass claims enough evidence.

    Raises:
        UsageError: an argument cannot be.
        PolicyError: policies or waivers are wrong; all their mistakes at once.
        JobFileError: jobs that cannot be read, or are incomplete.
        EngineError: Spark could not compute, or very many findings do not fit into a temporary file.
    """
    if as_of.tzinfo is None or any(time.tzinfo is None for time in covers or ()):
        raise UsageError("as_of and covers need a time zone", hint="datetime.now(UTC)")
    threshold = _severity(fail_on)
    backend = open_engine(engine)
    loaded = _loaded(policies, params, waivers)
    evidence = _read(jobs, as_of, covers, loaded, hashed=answers)
    given = read_inventories([f"{name}={os.fspath(path)}" for name, path in (inventories or {}).items()])
    return run(loaded, replace(evidence, inventories=given), as_of=as_of, fail_on=threshold, backend=backend, answers=answers)


def _loaded(policies: Policies, params: Mapping[str, str] | None, waivers: Sequence[AnyPath]) -> tuple[Policy, ...]:
    given = [] if isinstance(policies, str | os.PathLike) else list(policies)
    ready = tuple(one for one in given if isinstance(one, Policy))
    if not ready:
        return load(cast("AnyPath | Sequence[AnyPath]", policies), params=params, waivers=waivers)
    if len(ready) < len(given):
        raise UsageError("policies are paths or loaded, and not some of each")
    if params or waivers:
        raise UsageError("loaded policies have their parameters and waivers", hint="Give params and waivers to load.")
    return ready


def _read(jobs: Jobs, as_of: datetime, covers: tuple[datetime, datetime] | None, policies: Sequence[Policy], *, hashed: bool) -> Evidence:
    if isinstance(jobs, Mapping):
        return read_given([jobs], as_of=as_of, covers=covers, policies=policies)
    lists: Sequence[object] = [jobs] if isinstance(jobs, str | os.PathLike) or is_frame(jobs) else _listed(jobs)
    if lists and all(isinstance(one, str | os.PathLike) for one in lists):
        paths = [os.fspath(cast("AnyPath", one)) for one in lists]
        return read_saved(paths, as_of=as_of, covers=covers, stdin=io.BytesIO(), policies=policies, hashed=hashed)
    frames = [one for one in lists if not isinstance(one, Mapping) and is_frame(one)]
    if frames and len(frames) < len(lists):
        raise UsageError("jobs must be all paths, all records or all frames")
    return read_given(frames or [lists], as_of=as_of, covers=covers, policies=policies)


def _listed(jobs: Any) -> Sequence[object]:
    if not isinstance(jobs, Iterable):
        raise UsageError(f"jobs are paths, records or frames, not {type(jobs).__name__}")
    return list(jobs)


def _several(paths: AnyPath | Sequence[AnyPath]) -> Sequence[AnyPath]:
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)


def _severity(fail_on: Severity | str | None) -> Severity | None:
    if fail_on is None:
        return None
    try:
        return Severity(fail_on)
    except ValueError:
        raise UsageError(f"there is no severity {fail_on}", hint=f"The severities are {', '.join(Severity)}; None never fails.") from None
