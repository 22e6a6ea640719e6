"""The engine that the tests compute with: `make conformance` and `make conformance-spark` run them with each but the default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from policycheck.engine.backends.interface import Backend
from policycheck.engine.backends.registry import DEFAULT_ENGINE, open_engine

EMBEDDED = (DEFAULT_ENGINE, "duckdb")
"""The engines that start in no time, which every test of engines has at hand."""
ASKED = os.environ.get("POLICYCHECK_TEST_ENGINE", DEFAULT_ENGINE)


def open_small_spark() -> Backend:
    """Spark with a session for many small queries: one core, one task, nothing compiled."""
    from pyspark.sql import SparkSession

    from policycheck.engine.backends.spark import hushed

    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.driver.host": "127.0.0.1",
        "spark.log.level": "ERROR",
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.ui.enabled": "false",
    }
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.master("local[1]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    with hushed():
        session = builder.getOrCreate()
    _keep_names(session)
    return open_engine(session)


def _keep_names(session: Any) -> None:
    """Keep the functions of Spark that expressions are made of: Py4J else asks the JVM at each use whether there is one of this name."""
    jvm, path = session.sparkContext._jvm, "org.apache.spark.sql.functions"
    functions = getattr(jvm, path)
    for name in ("coalesce", "col", "ifnull", "isnull", "lit", "max", "not", "sum", "when"):
        setattr(functions, name, getattr(functions, name))
    setattr(jvm, path, functions)
    for name in ("PythonUtils", "functions"):
        setattr(jvm, name, getattr(jvm, name))


BACKEND: Backend = open_small_spark() if ASKED == "spark" else open_engine(ASKED)
BACKENDS: Mapping[str, Backend] = MappingProxyType({**{name: open_engine(name) for name in EMBEDDED}, ASKED: BACKEND})
"""Those to compare, by name."""
