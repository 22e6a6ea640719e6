"""Spark, the distributed engine (extra `spark`): a session of its own, or the one that a job has."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

import narwhals as nw
import pyspark
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.types import BooleanType, LongType, StringType, StructField, StructType

from policycheck.engine.backends.interface import ColumnType, Values
from policycheck.errors import EngineError, UsageError
from policycheck.text import clean_line

_TYPES = {ColumnType.TEXT: StringType, ColumnType.INTEGER: LongType, ColumnType.BOOLEAN: BooleanType}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ALWAYS = {
    "spark.app.name": "policycheck",
    "spark.log.level": "ERROR",
    # Else Spark 4 notes of each part of an expression which line of Python made it: four of five messages to the JVM.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
}
_OF_ONE_MACHINE = {
    "spark.sql.adaptive.enabled": "false",
    # Of a list that is made here, each batch becomes a task.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
}
_MOST_LITERALS = 50
"""Each takes a message to the JVM, and makes the plan longer."""
_WAIT_FOR_MASTER = 5
"""Seconds until a master that does not answer is given up: Spark itself tries for a minute, and says little."""
_WAIT_FOR_EXECUTORS = 60
_Made = TypeVar("_Made")


class SparkBackend:
    """See `Backend`. What it keeps lies with the executors, and goes when nothing refers to it any more."""

    name = "spark"

    def __init__(self, session: Any) -> None:
        """
        Args:
            session: a SparkSession, classic or of Spark Connect. Its configuration stays as it is: no expression reads its time zone, its ANSI mode or
                whether names differ by case.
        """
        self._session = session
        self._keeps = True
        # Spark 3 takes no Arrow table, and some clusters have no PyArrow.
        self._arrow = int(pyspark.__version__.partition(".")[0]) >= 4 and find_spec("pyarrow") is not None

    @classmethod
    def start(cls, master: str | None = None) -> SparkBackend:
        """With the session that spark-submit gives, else with one of its own.

        Args:
            master: where it computes, `spark://HOST:PORT`; None: on this machine, with all its cores.

        Raises:
            UsageError: Spark cannot be started, or the master does not answer.
        """
        return cls(_start(master))

    def frame(self, columns: Mapping[str, tuple[ColumnType, Values]]) -> nw.LazyFrame[Any]:
        return _try(lambda: _named(self._session.createDataFrame(*(_table(columns) if self._arrow else _rows(columns)))))

    def persist(self, frame: nw.LazyFrame[Any], *, wide: bool = False) -> nw.LazyFrame[Any]:
        # Beside keeping what was computed it forgets how: plans that grow from step to step take longer to read than lists do.
        native = frame.to_native()
        if self._keeps:
            try:
                return _named(native.localCheckpoint(eager=False))
            except (PySparkException, Py4JError):
                # Serverless compute keeps nothing. The frame says the same each time that it is computed.
                self._keeps = False
        return frame

    def until(self, frame: nw.LazyFrame[Any], column: str, limit: int) -> nw.LazyFrame[Any]:
        return frame.filter(nw.col(column).is_null() | (nw.col(column) <= limit))

    def among(self, frame: nw.LazyFrame[Any], column: str, numbers: Sequence[int]) -> nw.LazyFrame[Any]:
        if len(numbers) <= _MOST_LITERALS:
            return frame.filter(nw.col(column).is_in(numbers))
        return frame.join(self.frame({column: (ColumnType.INTEGER, numbers)}), on=column, how="semi")

    def look_up(self, frame: nw.LazyFrame[Any], table: Mapping[str, tuple[ColumnType, Values]], name: str) -> nw.LazyFrame[Any]:
        return self.persist(frame.join(self.frame(table), on=[other for other in table if other != name], how="left"))

    def rows(self, frame: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
        return _try(lambda: list(map(tuple, frame.to_native().collect())))


def _named(native: Any) -> nw.LazyFrame[Any]:
    frame: nw.LazyFrame[Any] = nw.from_native(native)
    return frame


def _try(compute: Callable[[], _Made]) -> _Made:
    """What comes of it; raises EngineError with Spark's own words where it fails, since nothing can be evaluated then."""
    try:
        return compute()
    except (PySparkException, Py4JError) as error:
        raise EngineError(f"Spark could not compute: {_briefly(error)}", hint="Spark's own logs say more.") from error


def _briefly(error: Exception) -> str:
    cause = getattr(error, "java_exception", None)
    told = str(cause.getMessage()) if cause is not None else str(error)
    return clean_line(next((line for line in told.splitlines() if line.strip()), type(error).__name__))


def _table(columns: Mapping[str, tuple[ColumnType, Values]]) -> tuple[Any]:
    """The columns as an Arrow table."""
    import pyarrow as pa

    types = {ColumnType.TEXT: pa.string(), ColumnType.INTEGER: pa.int64(), ColumnType.BOOLEAN: pa.bool_()}

    def column(kind: ColumnType, values: Any) -> Any:
        return pa.chunked_array(values).cast(types[kind]) if hasattr(values, "__arrow_c_stream__") else pa.array(values, types[kind])

    return (pa.table({name: column(kind, values) for name, (kind, values) in columns.items()}),)


def _rows(columns: Mapping[str, tuple[ColumnType, Values]]) -> tuple[list[tuple[Any, ...]], StructType]:
    """The columns row by row, and what they are."""
    schema = StructType([StructField(name, _TYPES[kind]()) for name, (kind, _) in columns.items()])
    return list(zip(*(values.to_list() if hasattr(values, "to_list") else values for _, values in columns.values()), strict=True)), schema


# Sessions


def _start(master: str | None) -> Any:
    if "PYSPARK_GATEWAY_PORT" in os.environ or SparkSession.getActiveSession() is not None:
        if master is not None:
            raise UsageError(f"Spark runs already, and {clean_line(master)} would be a second master", hint="Omit --spark-master: spark-submit names it.")
        return SparkSession.builder.getOrCreate()
    if master is not None and master.startswith("sc://"):
        return _begin(lambda: SparkSession.builder.remote(master).getOrCreate(), master, "")
    _require_java()
    url = master or "local[*]"
    _require_master(url)
    settings = _ALWAYS | (_OF_ONE_MACHINE | {"spark.sql.shuffle.partitions": str(_cores(url))} if url.startswith("local") else {})
    if url.startswith("local") or set(map(_host, _addresses(url))) & _LOOPBACK:
        # Nobody but this machine is to reach it.
        settings |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.master(url)
    for name, value in settings.items():
        builder = builder.config(name, value)
    with hushed() as said:
        session = _begin(builder.getOrCreate, url, said)
    atexit.register(session.stop)
    if url.startswith("spark://"):
        _require_executors(session, url)
    return session


def _begin(start: Callable[[], Any], url: str, said: IO[str] | str) -> Any:
    try:
        return start()
    except Exception as error:
        # Py4J, the JVM, gRPC and missing packages each have errors of their own.
        told = ""
        if not isinstance(said, str):
            said.seek(0)
            told = next((line for line in said if "Error" in line or "Exception" in line), "")
        raise UsageError(f"Spark could not be started on {clean_line(url)}: {clean_line(told) or _briefly(error)}") from error


@contextmanager
def hushed() -> Iterator[IO[str]]:
    """A JVM that is started in it says what it has to say into this file; else it would say it on stderr from then on."""
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME") or None
    if shutil.which("java") is None if home is None else not (Path(home) / "bin" / "java").exists():
        missing = "there is no java on the path" if home is None else f"JAVA_HOME has no bin/java: {clean_line(home)}"
        raise UsageError(f"the engine spark needs Java, and {missing}", hint="Install Java 17 or later, or set JAVA_HOME to where it is.")


def _require_master(url: str) -> None:
    """Raise UsageError where no master of a standalone cluster answers."""
    problem = ""
    for address in _addresses(url):
        parts = urlsplit(f"//{address}")
        try:
            socket.create_connection((parts.hostname or "", parts.port or 7077), _WAIT_FOR_MASTER).close()
            return
        except (OSError, ValueError) as error:
            problem = clean_line(str(error))
    if problem:
        raise UsageError(f"no Spark master answers at {clean_line(url)}: {problem}", hint="--spark-master takes the URL that the master's own page shows.")


def _addresses(url: str) -> list[str]:
    return url.removeprefix("spark://").split(",") if url.startswith("spark://") else []


def _host(address: str) -> str:
    return urlsplit(f"//{address}").hostname or ""


def _cores(url: str) -> int:
    """How many cores `local[4]` names."""
    told = url.partition("[")[2].partition("]")[0].partition(",")[0]
    return int(told) if told.isdecimal() and int(told) else (os.cpu_count() or 1) if told == "*" else 1


def _require_executors(session: Any, url: str) -> None:
    """Raise UsageError where a standalone cluster gives no executor: Spark itself would wait for ever."""
    status = session.sparkContext._jsc.sc()
    until = time.monotonic() + _WAIT_FOR_EXECUTORS
    # The driver is one of them.
    while status.getExecutorMemoryStatus().size() < 2:
        if time.monotonic() > until:
            problem = f"the Spark master {clean_line(url)} gave no executor in {_WAIT_FOR_EXECUTORS} s"
            raise UsageError(problem, hint="Are there workers with free cores and memory?")
        time.sleep(0.1)
