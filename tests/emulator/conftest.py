"""What the emulator's tests share: a store with a clock that stands still, and boto3 clients that do not retry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import moto.core  # noqa: F401 - before any session, or its clients are not mocked
import pytest
from botocore.config import Config

from policycheck.emulator.clock import Clock
from policycheck.emulator.store import Store
from tests.emulator.jobs import MANAGEMENT, NOW, REGION, ClientOf


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No profile, no configuration and no credentials of whoever runs the tests."""
    nothing = str(tmp_path_factory.getbasetemp() / "nothing")
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, nothing)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def store() -> Store:
    return Store(Clock(NOW), management=MANAGEMENT)


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """One for all tests, because it keeps the API model it has read. moto is imported by then, as it must be to mock the session's clients."""
    return boto3.Session()


@pytest.fixture
def client_of(session: boto3.Session) -> Iterator[ClientOf]:
    """Makes clients: `client_of(url, account=..., region=..., service=..., **config)`."""
    made: list[Any] = []

    def make(url: str | None = None, *, account: str = MANAGEMENT, region: str = REGION, service: str = "backup", **config: Any) -> Any:
        made.append(
            session.client(
                service,
                endpoint_url=url,
                region_name=region,
                aws_access_key_id=account,
                aws_secret_access_key="emulator",
                config=Config(retries={"total_max_attempts": 1}, **config),
            )
        )
        return made[-1]

    yield make
    for client in made:
        client.close()
