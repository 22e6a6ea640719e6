"""Spark as users have it: a cluster, spark-submit, a session that a program has; and what is said where it cannot start.

`make slow` installs it (`action/requirements-spark.txt`); Java is needed. `make million` runs the comparison with a million jobs.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import IO

import pytest

from benchmarks.jobs import AS_OF
from benchmarks.scale.__main__ import rules
from benchmarks.scale.archive import write_archive
from benchmarks.scale.shapes import Shape
from tests.slow.spark_estate import write_skewed_estate
from tests.test_project import ROOT

pytestmark = pytest.mark.slow
JOBS = 100_000
"""Of the one resource that has far more than any other."""
OTHERS = int(os.environ.get("POLICYCHECK_SPARK_RESOURCES", "40"))
"""The other resources, with 14 jobs each."""
JAVA_TRUTH = "Install Java 17 or later, or set JAVA_HOME to where it is."


@pytest.fixture(scope="module")
def spark_home() -> Path:
    found = find_spec("pyspark")
    assert found is not None and found.origin is not None, "pyspark is needed; make slow and make million install it"
    return Path(found.origin).parent


@pytest.fixture(scope="module", autouse=True)
def _short_lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Of a program that runs for a minute, more time goes to compiling it well than that saves; with a million jobs it pays."""
    if OTHERS > 1_000:
        yield
        return
    folder = tmp_path_factory.mktemp("conf")
    options = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    (folder / "spark-defaults.conf").write_text(f"spark.driver.extraJavaOptions {options}\nspark.executor.extraJavaOptions {options}\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(folder))
        yield


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_skewed_estate(tmp_path_factory.mktemp("estate"), JOBS, OTHERS)


@pytest.fixture(scope="module")
def small_estate(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_skewed_estate(tmp_path_factory.mktemp("small"), 200)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def daemon(spark_home: Path, name: str, *arguments: str, until: str) -> Iterator[None]:
    """A process of a standalone cluster, from the moment that it says it is ready."""
    command = [str(spark_home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", "--host", "127.0.0.1", "--webui-port", "0", *arguments]
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(spark_home)}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        reader = Thread(target=_drain, args=[process.stderr])
        try:
            said = []
            for line in process.stderr:
                said.append(line)
                if until in line:
                    break
            else:
                raise AssertionError("".join(said))
            reader.start()
            yield
        finally:
            process.terminate()
            if reader.ident is not None:
                reader.join()


def _drain(stream: IO[str]) -> None:
    """A pipe that nobody reads stops who writes to it."""
    for _ in stream:
        pass


@pytest.fixture(scope="module")
def cluster(spark_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a standalone master with two workers of a core each, all on loopback."""
    port = free_port()
    url = f"spark://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        stack.enter_context(daemon(spark_home, "master.Master", "--port", str(port), until="New state: ALIVE"))
        for number in range(2):
            folder = str(tmp_path_factory.mktemp(f"worker-{number}"))
            worker = ("--port", "0", "--cores", "1", "--memory", "1g", "--work-dir", folder, url)
            stack.enter_context(daemon(spark_home, "worker.Worker", *worker, until="Successfully registered with master"))
        yield url


def policycheck(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "policycheck", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=3000, check=False)


def check(asked: list[str], report: Path, *more: str) -> tuple[subprocess.CompletedProcess[str], bytes, float]:
    """What a check printed, its report as JSON, and how long it took."""
    started = time.monotonic()
    done = policycheck("check", *asked, "-o", f"json={report}", *more)
    assert done.returncode == 1, done.stderr
    return done, report.read_bytes(), time.monotonic() - started


def test_a_cluster_finds_what_polars_finds(cluster: str, estate: list[str], tmp_path: Path) -> None:
    usual, expected, seconds = check(estate, tmp_path / "polars.json")
    spread, found, longer = check(estate, tmp_path / "spark.json", "--engine", "spark", "--spark-master", cluster)
    assert found == expected
    assert (spread.stdout, spread.stderr) == (usual.stdout, usual.stderr)
    told = json.loads(expected)
    verdicts = {rule["id"]: rule["verdict"] for rule in told["rules"]}
    # Every kind of rule is here, and they do not all say the same.
    assert len(verdicts) == 23
    assert {"pass", "fail", "inconclusive"} <= set(verdicts.values()), verdicts
    print(f"\n{JOBS:,} jobs of one resource, {14 * OTHERS:,} of {OTHERS:,} others: polars {seconds:.1f} s, spark on two workers {longer:.1f} s")


def test_a_cluster_checks_an_archive(cluster: str, tmp_path: Path) -> None:
    write_archive(tmp_path / "archive", Shape(10_000, failed=50))
    asked = [str(rules("year")), "--jobs", str(tmp_path / "archive"), "--as-of", AS_OF.isoformat()]
    usual, expected, _ = check(asked, tmp_path / "polars.json")
    spread, found, _ = check(asked, tmp_path / "spark.json", "--engine", "spark", "--spark-master", cluster)
    assert found == expected
    assert (spread.stdout, spread.stderr) == (usual.stdout, usual.stderr)
    assert len(json.loads(expected)["rules"]) == 20


SESSION = """
import os, sys
from datetime import UTC, datetime
from pyspark.sql import SparkSession
import policycheck

builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.log.level", "ERROR")
builder = builder.config("spark.python.sql.dataFrameDebugging.enabled", "false")
for setting in sys.argv[1].split(","):
    builder = builder.config(*setting.split("="))
session = builder.getOrCreate()
before = sorted(session.conf.getAll.items())
folder = sys.argv[2]
asked = dict(
    as_of=datetime(2026, 11, 20, 6, tzinfo=UTC), covers=(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 20, 6, tzinfo=UTC)),
    inventories={"prod": f"{folder}/inventory.json"}, answers=True,
)
jobs = [f"{folder}/{name}.json" for name in ("backups", "copies", "restores")]
found = policycheck.check(f"{folder}/rules.yaml", jobs, engine=session, **asked)
assert found == policycheck.check(f"{folder}/rules.yaml", jobs, **asked)
assert sorted(session.conf.getAll.items()) == before
assert session.range(3).count() == 3
print(len(found.rules), found.verdict)
"""
AWKWARD = (
    "spark.sql.ansi.enabled=false",
    "spark.sql.caseSensitive=true",
    "spark.sql.session.timeZone=America/St_Johns",
    "spark.sql.shuffle.partitions=7",
)


OTHER = (
    "spark.sql.adaptive.enabled=false",
    "spark.sql.ansi.enabled=true",
    "spark.sql.codegen.factoryMode=NO_CODEGEN",
    "spark.sql.codegen.wholeStage=false",
    "spark.sql.shuffle.partitions=3",
)


@pytest.mark.parametrize("settings", [",".join(AWKWARD), ",".join(OTHER)])
def test_a_session_that_is_given_is_taken_as_it_is(settings: str, small_estate: list[str]) -> None:
    code = [sys.executable, "-c", SESSION, settings, str(Path(small_estate[0]).parent)]
    done = subprocess.run(code, capture_output=True, text=True, cwd=ROOT, timeout=900, check=False)
    assert (done.returncode, done.stdout) == (0, "23 fail\n"), done.stderr


def test_spark_submit_says_where_it_computes(spark_home: Path, small_estate: list[str], tmp_path: Path) -> None:
    _, expected, _ = check(small_estate, tmp_path / "polars.json")
    submit = [
        str(spark_home / "bin" / "spark-submit"),
        "--master",
        "local[1]",
        "--conf",
        "spark.ui.enabled=false",
        str(ROOT / "examples" / "spark" / "submit.py"),
    ]
    command = [*submit, "check", *small_estate, "--engine", "spark", "-o", f"json={tmp_path / 'spark.json'}"]
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900, check=False)
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "spark.json").read_bytes() == expected
    again = subprocess.run([*command, "--spark-master", "local"], capture_output=True, text=True, env=environment, timeout=900, check=False)
    assert again.returncode == 2, again.stdout
    # spark-submit passes stderr of the program on as its own stdout.
    assert "Spark runs already, and local would be a second master" in again.stdout


def test_this_machine_computes_where_nothing_else_is_said(small_estate: list[str], tmp_path: Path) -> None:
    usual, expected, _ = check(small_estate, tmp_path / "polars.json")
    here, found, _ = check(small_estate, tmp_path / "spark.json", "--engine", "spark")
    assert found == expected
    assert (here.stdout, here.stderr) == (usual.stdout, usual.stderr)


@pytest.mark.parametrize(
    ("master", "environment", "says"),
    [
        ("local", {"JAVA_HOME": "/nowhere"}, f"the engine spark needs Java, and JAVA_HOME has no bin/java: /nowhere\n  = help: {JAVA_TRUTH}"),
        ("local", {"JAVA_HOME": "", "PATH": "/nowhere"}, "the engine spark needs Java, and there is no java on the path"),
        ("spark://127.0.0.1:1", {}, "no Spark master answers at spark://127.0.0.1:1: [Errno 111] Connection refused"),
        ("lokal", {}, "Spark could not be started on lokal: "),
        ("local[0]", {}, "Spark could not be started on local[0]: "),
    ],
)  # fmt: skip
def test_where_spark_cannot_start_one_line_says_why(master: str, environment: dict[str, str], says: str, small_estate: list[str], spark_home: Path) -> None:
    done = policycheck("check", *small_estate, "--engine", "spark", "--spark-master", master, **environment)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert len(done.stderr.splitlines()) <= 2, done.stderr
