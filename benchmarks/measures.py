"""What is measured against what, and the targets.

An *estate* is a check of the jobs of `estate.py`, thirty a resource, against the twenty rules of `estate-rules.yaml`, half of them on groups; *hand-written
Polars* is `handwritten.py`, which answers the same questions of the same file and nothing else. *The AWS CLI 1* alone is `aws --version`.

A *period* is a check of 90 daily steps, over 100,000 jobs of four months of each resource; *one check* is one of its last step.

A *fetch* is `fetching.py`: one list of 50,000 jobs from a process that serves them in pages of 1,000, made beforehand; *boto3's paginator* reads the same.

An *archive* is `archiving.py`: the same list, fetched into a new archive; a *day* of 1,000 jobs is fetched into a copy of that archive, and into a new one.

A *list* is `policycheck list-backup-jobs` of the list that `serving.py` serves, thrown away; *the AWS CLI 1* lists the same, with its times as they come.

An *organization* is a check of one rule of 20 Regions with 20,000 jobs each, from `serving_regions.py`, which answers a page of 1,000 jobs after 150 ms. *The
AWS CLI 1, Region by Region* lists the same, a command a Region, as a script would. *At 20 calls a second* the endpoint refuses what is more than that; the
subject is the fetch alone, and the baseline a process that sleeps for a twentieth of a second a call, which is as fast as it can be done.

*Findings* are a check of 100,000 jobs, each FAILED and of a resource of its own, against `violated.yaml`, two rules that every job violates: 200,000 findings,
written as JSON and as SARIF. *No finding* is a check of the same jobs against `kept.yaml`, the same rules as none violates them, written likewise.

A *check* is `python -m policycheck check` of the twenty rules beside this file, its text report thrown away. Baselines:

- *bare Python*: `python -c pass`; no program in Python starts faster.
- *its imports*: an interpreter that imports every module a check imports, of the standard library and of others, but none of policycheck's own, and ends.
- *imports and decode*: the same, then msgspec alone reads the same file: its bytes in one piece, one call of `msgspec.json.decode`, one struct a job with every
  member that policycheck knows, in the type it has (texts, whole numbers, truth values, nested structs, times as `datetime | float | int`). Nothing is done
  with the structs. The types are this baseline's own, so that it stays put when policycheck learns to decode otherwise.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.estate import write_estate, write_quarter
from benchmarks.jobs import AS_OF, COVERED_FROM, write_failed_jobs, write_jobs
from benchmarks.many_rules import write_many_rules
from benchmarks.timing import Command
from policycheck.datasets import BACKUP_JOBS, Dataset

ROOT = Path(__file__).parents[1]
POLICY = Path(__file__).with_name("twenty-rules.yaml")
VIOLATED, KEPT = (Path(__file__).with_name(name) for name in ("violated.yaml", "kept.yaml"))
ESTATE = Path(__file__).with_name("estate-rules.yaml")
_HANDWRITTEN = Path(__file__).with_name("handwritten.py")
FAILED = 100_000
"""Jobs, each of which violates two rules."""
_FETCHING = Path(__file__).with_name("fetching.py")
_ARCHIVING = Path(__file__).with_name("archiving.py")
FETCHED = 50_000
REGIONS = (
    "us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 sa-east-1 eu-west-1 eu-west-2 eu-west-3 eu-central-1 eu-north-1 ap-south-1 ap-northeast-1 "
    "ap-northeast-2 ap-northeast-3 ap-southeast-1 ap-southeast-2 af-south-1 ap-east-1 eu-south-1"
).split()
REGION_JOBS, LATENCY, CALLS_A_SECOND = 20_000, 0.15, 20
_REGION_RULES = Path(__file__).with_name("regions-rules.yaml")
_IN_TURN = "import subprocess, sys; [subprocess.run([*sys.argv[2:], '--region', name], stdout=subprocess.DEVNULL, check=True) for name in sys.argv[1].split()]"
OF_A_DAY = 1_000
"""Jobs that are added to an archive of `FETCHED`."""
LISTED = (("json", 50_000), ("json", 200_000), ("text", 50_000), ("text", 200_000), ("yaml-stream", 50_000), ("yaml-stream", 200_000))
SHORT = 10_000
"""Lists whose memory is compared with that of a short one, by output and number of jobs."""
_BASELINE = Path(__file__).with_name("baseline.py")
FINDINGS = frozenset({1})
"""The exit code of a check that worked: the jobs violate some rules."""
_OWN = ("policycheck", "__main__", "__mp_main__")

# Ends as main() does, but says first what it has imported.
_LIST_MODULES = """
import json, sys
sys.argv[0] = "policycheck"
from policycheck.__main__ import main
main()
with open({path!r}, "w") as stream:
    json.dump(list(sys.modules), stream)
"""


class Workplace:
    """A temporary folder, and what has been made in it so far: job lists by length, the modules of a check, an endpoint that serves jobs."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._served: dict[tuple[str, ...], str] = {}

    def jobs(self, number: int) -> Path:
        """The file with this many jobs."""
        return self._made(f"{number}.json", write_jobs, number)

    def failed_jobs(self, number: int) -> Path:
        """The file with this many jobs, all FAILED."""
        return self._made(f"{number}-failed.json", write_failed_jobs, number)

    def estate(self, number: int) -> Path:
        """The file with this many jobs of an ordinary estate."""
        return self._made(f"{number}-estate.json", write_estate, number)

    def quarter(self, number: int) -> Path:
        """The file with this many jobs of four months of an estate."""
        return self._made(f"{number}-quarter.json", write_quarter, number)

    def _made(self, name: str, write: Callable[[Path, int], None], number: int) -> Path:
        path = self.folder / name
        if not path.exists():
            write(path, number)
        return path

    def result(self, policy: Path) -> Path:
        """Where a check of a policy writes its result as JSON."""
        return self.folder / f"{policy.stem}-result.json"

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment of every process: this checkout's package, and nothing that changes what a report looks like."""
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR"}}
        return kept | {"PYTHONPATH": str(ROOT)}

    @cached_property
    def modules(self) -> Path:
        """A file with the names of the modules that a check of two jobs imports, policycheck's own left out, in the order it does so."""
        seen = self.folder / "seen.json"
        command = [sys.executable, "-c", _LIST_MODULES.format(path=str(seen)), *check_arguments(self.jobs(2))]
        subprocess.run(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        names = [name for name in json.loads(seen.read_text(encoding="utf-8")) if name.partition(".")[0] not in _OWN]
        path = self.folder / "modules.json"
        path.write_text(json.dumps(self._importable(names)), encoding="utf-8")
        return path

    @cached_property
    def endpoint(self) -> str:
        """The URL of a process that serves `FETCHED` jobs in pages made beforehand; it ends with the workplace."""
        return self._serve("tests.sources.loopback", str(FETCHED))

    def served(self, number: int, *more: str) -> str:
        """The URL of a process that serves a list of this many jobs (`ended`: that have all ended); it ends with the workplace."""
        return self._served_by("benchmarks.serving", str(number), *more)

    def regions(self, limit: int) -> str:
        """The URL of a process that serves `REGION_JOBS` jobs in every Region, each page after `LATENCY`, and so many requests a second (0: all)."""
        return self._served_by("benchmarks.serving_regions", str(REGION_JOBS), str(LATENCY), str(limit))

    def _served_by(self, *arguments: str) -> str:
        if arguments not in self._served:
            self._served[arguments] = self._serve(*arguments)
        return self._served[arguments]

    def _serve(self, module: str, *arguments: str) -> str:
        command = [sys.executable, "-m", module, *arguments]
        server = self._stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT))
        assert server.stdin is not None
        assert server.stdout is not None
        # It serves until its standard input ends.
        self._stack.callback(server.stdin.close)
        return server.stdout.readline().strip()

    @cached_property
    def archive(self) -> Path:
        """An archive of `FETCHED` jobs."""
        folder = self.folder / "archive"
        code = "import sys; from pathlib import Path; from benchmarks.archiving import fetch; fetch(sys.argv[1], Path(sys.argv[2]))"
        subprocess.run([sys.executable, "-c", code, self.served(FETCHED, "ended"), str(folder)], env=self.aws_environment, cwd=ROOT, check=True)
        return folder

    @cached_property
    def aws_environment(self) -> dict[str, str]:
        """The environment of processes that ask an endpoint: credentials and no configuration."""
        nowhere = str(self.folder / "no-configuration")
        own = {"AWS_ACCESS_KEY_ID": "111122223333", "AWS_SECRET_ACCESS_KEY": "none", "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere}
        return self.environment | own | {"AWS_DEFAULT_REGION": "eu-west-1", "NO_PROXY": "127.0.0.1"}

    def _importable(self, names: list[str]) -> list[str]:
        """These names without the few that only a library can put into sys.modules (`os.path` can be imported, `pyexpat.model` cannot)."""
        asked = json.dumps(names)
        answer = subprocess.run([sys.executable, _BASELINE, "try"], env=self.environment, input=asked, text=True, stdout=subprocess.PIPE, check=True)
        importable: list[str] = json.loads(answer.stdout)
        return importable


def check_arguments(jobs: Path, policy: Path = POLICY) -> list[str]:
    """The arguments of a check, of the twenty rules if not told otherwise."""
    return ["check", str(policy), "--jobs", str(jobs), "--as-of", AS_OF.isoformat(), "--covers", f"{COVERED_FROM.isoformat()}..{AS_OF.isoformat()}"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A process, its baseline, and the ratio it should stay within (None: told, not asked for).

    `by_cpu`: the ratio of processor time is held against the target, in place of that of time by the clock. `runs`: this many pairs tell enough. `size`: the
    bytes of JSON a finding that the subject has written.
    """

    name: str
    against: str
    target: float | None
    subject: Callable[[Workplace], Command]
    baseline: Callable[[Workplace], Command]
    by_cpu: bool = False
    runs: int | None = None
    size: Callable[[Workplace], float] | None = None


def _version(workplace: Workplace) -> Command:
    return Command([sys.executable, "-m", "policycheck", "--version"], workplace.environment)


def _check(number: int) -> Callable[[Workplace], Command]:
    def command(workplace: Workplace) -> Command:
        arguments = [sys.executable, "-m", "policycheck", *check_arguments(workplace.jobs(number))]
        return Command(arguments, workplace.environment, FINDINGS)

    return command


def _findings(policy: Path, accepted: frozenset[int]) -> Callable[[Workplace], Command]:
    def command(workplace: Workplace) -> Command:
        outputs = [f"--output=json={workplace.result(policy)}", f"--output=sarif={workplace.folder / policy.stem}.sarif"]
        arguments = [sys.executable, "-m", "policycheck", *check_arguments(workplace.failed_jobs(FAILED), policy), *outputs]
        return Command(arguments, workplace.environment, accepted)

    return command


def _estate(number: int, engine: str = "polars") -> Callable[[Workplace], Command]:
    def command(workplace: Workplace) -> Command:
        arguments = [sys.executable, "-m", "policycheck", "check", str(ESTATE), "--jobs", str(workplace.estate(number)), "--as-of", AS_OF.isoformat()]
        return Command([*arguments, "--engine", engine], workplace.environment, FINDINGS)

    return command


def _quarter(policy: Path, *period: str) -> Callable[[Workplace], Command]:
    def command(workplace: Workplace) -> Command:
        when = period or ("--as-of", AS_OF.isoformat())
        arguments = [sys.executable, "-m", "policycheck", "check", str(policy), "--jobs", str(workplace.quarter(100_000)), *when]
        return Command(arguments, workplace.environment, FINDINGS)

    return command


_DAYS = ("--from", "89d", "--to", AS_OF.isoformat())
"""90 daily steps."""


def _population(policy: Path, jobs: Callable[[Workplace], Path], *outputs: str) -> Callable[[Workplace], Command]:
    def command(workplace: Workplace) -> Command:
        written = [f"--output={name}={workplace.folder / policy.stem}.{name}" for name in outputs]
        arguments = [sys.executable, "-m", "policycheck", *check_arguments(jobs(workplace), policy), *written]
        return Command(arguments, workplace.environment, FINDINGS)

    return command


def _many_rules(copies: int) -> Callable[[Workplace], Command]:
    def command(workplace: Workplace) -> Command:
        policy = workplace.folder / f"{copies}-times"
        write_many_rules(policy, ESTATE, copies)
        arguments = [sys.executable, "-m", "policycheck", "check", str(policy), "--jobs", str(workplace.estate(100_000)), "--as-of", AS_OF.isoformat()]
        return Command(arguments, workplace.environment, FINDINGS)

    return command


def _by_hand(number: int) -> Callable[[Workplace], Command]:
    def command(workplace: Workplace) -> Command:
        return Command([sys.executable, str(_HANDWRITTEN), str(workplace.estate(number)), AS_OF.isoformat()], workplace.environment)

    return command


def _aws_version(workplace: Workplace) -> Command:
    return Command([sys.executable, "-m", "awscli", "--version"], workplace.environment)


def bytes_a_finding(workplace: Workplace) -> float:
    """The size of the JSON that a check of `VIOLATED` has written, by its findings."""
    content = workplace.result(VIOLATED).read_bytes()
    return len(content) / content.count(b'"fingerprint":')


def _bare(workplace: Workplace) -> Command:
    return Command([sys.executable, "-c", "pass"], workplace.environment)


def _imports(workplace: Workplace) -> Command:
    return Command([sys.executable, str(_BASELINE), "import", str(workplace.modules)], workplace.environment)


def _decode(number: int) -> Callable[[Workplace], Command]:
    def command(workplace: Workplace) -> Command:
        shape = workplace.folder / "shape.json"
        shape.write_text(json.dumps(shape_of(BACKUP_JOBS)), encoding="utf-8")
        return Command([sys.executable, str(_BASELINE), "decode", str(workplace.modules), str(shape), str(workplace.jobs(number))], workplace.environment)

    return command


def _fetch(who: str) -> Callable[[Workplace], Command]:
    def command(workplace: Workplace) -> Command:
        arguments = [sys.executable, str(_FETCHING), who, workplace.endpoint, str(FETCHED)]
        return Command(arguments, workplace.aws_environment)

    return command


def _fetch_served(workplace: Workplace) -> Command:
    return Command([sys.executable, str(_FETCHING), "ours", workplace.served(FETCHED, "ended"), str(FETCHED)], workplace.aws_environment)


def _archive(number: int, *, added: bool = False) -> Callable[[Workplace], Command]:
    def command(workplace: Workplace) -> Command:
        arguments = [sys.executable, str(_ARCHIVING), workplace.served(number, "ended"), *([str(workplace.archive)] if added else [])]
        return Command(arguments, workplace.aws_environment)

    return command


def _list(number: int, output: str = "json", program: Sequence[str] = ("policycheck",)) -> Callable[[Workplace], Command]:
    def command(workplace: Workplace) -> Command:
        arguments = [sys.executable, "-m", *program, "list-backup-jobs", "--endpoint-url", workplace.served(number), "--output", output]
        return Command(arguments, workplace.aws_environment)

    return command


def _organization(workplace: Workplace) -> Command:
    regions = [f"--region={name}" for name in REGIONS]
    arguments = [sys.executable, "-m", "policycheck", "check", str(_REGION_RULES), "--endpoint-url", workplace.regions(0), *regions]
    # The rule passes, and passes only if every page was read.
    return Command(arguments, workplace.aws_environment)


def _limited(workplace: Workplace) -> Command:
    jobs = str(len(REGIONS) * REGION_JOBS)
    return Command([sys.executable, str(_FETCHING), "ours", workplace.regions(CALLS_A_SECOND), jobs, *REGIONS], workplace.aws_environment)


def _region_by_region(workplace: Workplace) -> Command:
    listing = [sys.executable, "-m", "awscli", "backup", "list-backup-jobs", "--endpoint-url", workplace.regions(0)]
    return Command([sys.executable, "-c", _IN_TURN, " ".join(REGIONS), *listing], workplace.aws_environment)


def _ideal(workplace: Workplace) -> Command:
    calls = len(REGIONS) * REGION_JOBS // 1000
    return Command([sys.executable, "-c", f"import time; time.sleep({calls / CALLS_A_SECOND})"], workplace.environment)


def shape_of(dataset: Dataset) -> dict[str, dict[str, str]]:
    """A list's records for `baseline.py`: the kind of each member by its dotted name, under the key of the answer."""
    return {dataset.result_key: {member.name: member.kind.value for member in dataset.members}}


_ALL = (
    Measure("version", "bare Python", 6.0, _version, _bare),
    Measure("check-2-bare", "bare Python", None, _check(2), _bare),
    Measure("check-2", "its imports", 1.3, _check(2), _imports),
    Measure("check-10000", "imports and decode", 1.8, _check(10_000), _decode(10_000)),
    Measure("check-100000", "imports and decode", 2.5, _check(100_000), _decode(100_000)),
    Measure("estate-10000", "the AWS CLI 1", 1.5, _estate(10_000), _aws_version, by_cpu=True),
    Measure("estate-100000", "hand-written Polars", 3.0, _estate(100_000), _by_hand(100_000), by_cpu=True),
    Measure("estate-1000000", "hand-written Polars", 2.0, _estate(1_000_000), _by_hand(1_000_000), by_cpu=True, runs=1),
    Measure("estate-100000-duckdb", "hand-written Polars", None, _estate(100_000, "duckdb"), _by_hand(100_000), by_cpu=True),
    Measure("rules-1000", "20 rules", 15.0, _many_rules(50), _estate(100_000), by_cpu=True, runs=1),
    Measure("period-100000", "one check", 10.0, _quarter(POLICY, *_DAYS), _quarter(POLICY), runs=3),
    Measure("period-estate-100000", "one check", 10.0, _quarter(ESTATE, *_DAYS), _quarter(ESTATE), runs=3),
    Measure("findings-200000", "no finding", None, _findings(VIOLATED, FINDINGS), _findings(KEPT, frozenset({0})), runs=3, size=bytes_a_finding),
    *(
        Measure(f"population-{name}", "the same without", 2.0, _population(policy, jobs, "csv"), _population(policy, jobs), by_cpu=True, runs=5)
        for name, policy, jobs in (
            ("100000", POLICY, lambda workplace: workplace.jobs(100_000)),
            ("estate-100000", ESTATE, lambda workplace: workplace.estate(100_000)),
        )
    ),
    Measure("fetch-50000", "boto3's paginator", 0.5, _fetch("ours"), _fetch("paginator")),
    Measure("organization", "the AWS CLI 1, Region by Region", 0.25, _organization, _region_by_region, runs=1),
    Measure("organization-limited", "20 calls a second", 1.25, _limited, _ideal, runs=3),
    Measure("archive-50000", "the fetch alone", None, _archive(FETCHED), _fetch_served, by_cpu=True),
    Measure("archive-day", "into a new archive", 1.5, _archive(OF_A_DAY, added=True), _archive(OF_A_DAY), by_cpu=True),
    Measure("list-50000", "the AWS CLI 1", 0.5, _list(50_000), _list(50_000, program=("awscli", "backup")), by_cpu=True),
    *(Measure(f"list-{number}-{output}", f"{SHORT:,} jobs", None, _list(number, output), _list(SHORT, output), runs=1) for output, number in LISTED),
)
MEASURES = {measure.name: measure for measure in _ALL}
