"""The engine that the tests compute with: `make conformance` runs them with each but the default."""

from __future__ import annotations

import os

from policycheck.engine.backends.interface import Backend
from policycheck.engine.backends.registry import DEFAULT_ENGINE, open_engine

BACKEND: Backend = open_engine(os.environ.get("POLICYCHECK_TEST_ENGINE", DEFAULT_ENGINE))
