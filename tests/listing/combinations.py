"""The command lines of the comparison, out of cases.yaml, and the world they are run in: both endpoints, the configuration files, the environment."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from string import Template

from ruamel.yaml import YAML

from policycheck.emulator.clock import Clock
from policycheck.emulator.server import serve
from policycheck.emulator.store import Store
from tests.certificates import write_certificate
from tests.listing.generated import FARTHER_REGION, MANAGEMENT, NOW, OTHER, PLACES, REGION, Record, lists_of
from tests.listing.second_backup import serve_second_backup

_CASES = Path(__file__).with_name("cases.yaml")
SEED, JOBS, PAGE = 7, 40, 9
"""What both endpoints serve in each place, and how many jobs make a page unless a request says."""
ENDPOINTS = ["emulator", "second"]
DATASETS = {"backup-jobs": "backup_jobs", "copy-jobs": "copy_jobs", "restore-jobs": "restore_jobs"}
KEYS = {"backup-jobs": "BackupJobs", "copy-jobs": "CopyJobs", "restore-jobs": "RestoreJobs"}
ZONE = "America/St_Johns"
"""Three and a half hours behind UTC: a time read or printed in the wrong zone is not mistaken for the right one."""


@dataclass(frozen=True, slots=True)
class Combination:
    """One command line, and the settings beside it."""

    group: str
    command: str
    options: str
    output: str
    timestamps: str
    zone: str
    against: tuple[int, ...]
    endpoint: str
    fast: bool
    selective: bool

    def __str__(self) -> str:
        return f"{self.endpoint} {self.command} {self.output} {self.timestamps} {self.options}".strip()


def combinations() -> Iterator[Combination]:
    """All products of all groups of cases.yaml, in its order."""
    for group in YAML(typ="safe", pure=True).load(_CASES):
        name, zone, against = group.pop("name"), group.pop("zone", ZONE), tuple(group.pop("against", [1]))
        fast, selective = group.pop("fast", False), group.pop("selective", False)
        defaults = {"commands": list(KEYS), "options": [""], "outputs": ["json"], "timestamps": ["wire"], "endpoints": ENDPOINTS}
        axes = [group.pop(axis, default) for axis, default in defaults.items()]
        assert not group, f"{name}: unknown keys {sorted(group)}"
        for command, options, output, timestamps, endpoint in product(*axes):
            versions = (2,) if output.startswith("yaml") else against
            yield Combination(name, command, options, output, timestamps, zone, versions, endpoint, fast, selective)


@contextmanager
def endpoints(*, faults: Sequence[str] = ()) -> Iterator[Mapping[str, str]]:
    """Both, with the same jobs: the URL of each by its name. Faults are the emulator's."""
    store = Store(Clock(NOW), management=MANAGEMENT, page_size=PAGE)
    for place in PLACES:
        lists = lists_of(*place, seed=SEED, count=JOBS)
        for command, dataset in DATASETS.items():
            store.add(*place, dataset, [_without_nulls(record) for record in lists[KEYS[command]]])
    with serve(store, faults=faults) as emulator, serve_second_backup(seed=SEED, count=JOBS, page_size=PAGE) as second:
        yield {"emulator": emulator.url, "second": second.url}


def _without_nulls(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not None}


class World:
    """A folder with what command lines name: configuration, credentials, files of input."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        for timestamps in ("wire", "iso8601", "none"):
            chosen = "" if timestamps == "none" else f"cli_timestamp_format = {timestamps}\n"
            profile = f"[profile other]\n{chosen}region = {REGION}\naws_access_key_id = {OTHER}\naws_secret_access_key = secret\n"
            self._config(timestamps).write_text(f"[default]\n{chosen}{profile}", encoding="utf-8")
        write_certificate(self._bundle)
        self._input.write_text('{"ByCreatedAfter": "2026-02-15T00:00:00Z", "ByResourceType": "EBS"}', encoding="utf-8")
        self._yaml_input.write_text("# of the middle of the month\nByCreatedAfter: '2026-02-15T00:00:00Z'\nByResourceType: EBS\n", encoding="utf-8")

    def _config(self, timestamps: str) -> Path:
        return self.folder / f"config-{timestamps}"

    @property
    def _input(self) -> Path:
        return self.folder / "input.json"

    @property
    def _yaml_input(self) -> Path:
        return self.folder / "input.yaml"

    @property
    def _bundle(self) -> Path:
        return self.folder / "bundle.pem"

    def environment(self, *, timestamps: str = "wire", zone: str = ZONE, **variables: str | None) -> dict[str, str]:
        """All of a run's variables; one named here replaces its own, or is left out if it is None."""
        own = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "TZ": zone,
            "LC_ALL": "C.UTF-8",
            "PYTHONUTF8": "1",
            "NO_PROXY": "127.0.0.1",
            "AWS_CONFIG_FILE": str(self._config(timestamps)),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "no-credentials"),
            "AWS_ACCESS_KEY_ID": MANAGEMENT,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
        }
        return {name: value for name, value in (own | variables).items() if value is not None}

    def arguments(self, options: str) -> Sequence[str]:
        """A line of options as words, its $names replaced by what they stand for."""
        lists = lists_of(*PLACES[0], seed=SEED, count=JOBS)
        named = {
            "resource": _value(lists["BackupJobs"], "ResourceArn"),
            "vault": _value(lists["CopyJobs"], "DestinationBackupVaultArn"),
            "recovery_point": _value(lists["CopyJobs"], "SourceRecoveryPointArn"),
            "testing_plan": next(record["CreatedBy"]["RestoreTestingPlanArn"] for record in lists["RestoreJobs"] if record.get("CreatedBy")),
            "management": MANAGEMENT,
            "other": OTHER,
            "region": REGION,
            "farther_region": FARTHER_REGION,
            "input": str(self._input),
            "yaml_input": str(self._yaml_input),
            "bundle": str(self._bundle),
        }
        return shlex.split(Template(options).safe_substitute(named))


def _value(records: Sequence[Record], member: str) -> str:
    return str(next(record[member] for record in records if record.get(member)))
