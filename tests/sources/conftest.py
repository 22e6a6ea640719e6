"""What the tests of AWS as a source share: an environment without anybody's settings, and botocore without its pauses."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.hooks import EventAliaser
from botocore.loaders import create_loader

_SETTINGS = (
    "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_SECURITY_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION AWS_DEFAULT_REGION "
    "AWS_ENDPOINT_URL AWS_ENDPOINT_URL_BACKUP AWS_ENDPOINT_URL_STS AWS_CA_BUNDLE AWS_MAX_ATTEMPTS AWS_RETRY_MODE AWS_ROLE_ARN "
    "AWS_WEB_IDENTITY_TOKEN_FILE AWS_STS_REGIONAL_ENDPOINTS AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI "
    "REQUESTS_CA_BUNDLE HTTP_PROXY HTTPS_PROXY http_proxy https_proxy ALL_PROXY all_proxy"
).split()
_shared_loader = cache(create_loader)
_shared_names = cache(EventAliaser(None)._alias_event_name)


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No profile, no credentials and no settings of whoever runs the tests; the path of the (empty) configuration file."""
    for name in _SETTINGS:
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "aws-config"
    config.touch()
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(config))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    # Every session would read the same megabytes of API models again.
    monkeypatch.setattr("botocore.session.create_loader", _shared_loader)
    # And look up the names of the same hundred events.
    monkeypatch.setattr(EventAliaser, "_alias_event_name", lambda _, name: _shared_names(name))
    return config


@pytest.fixture
def aws(no_aws: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As `no_aws`, with credentials of the account 111122223333 (an emulator takes an account for a key id)."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "111122223333")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    return no_aws


@pytest.fixture
def few_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `--region all` means, but for its number."""
    regions = ["af-south-1", "ap-east-1", "eu-west-1", "us-east-1", "us-west-2"]
    monkeypatch.setattr("boto3.Session.get_available_regions", lambda *_, **__: regions)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """botocore waits for nothing between its attempts, and no request is held back; the seconds botocore would have waited."""
    waited: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=waited.append))
    monkeypatch.setattr("policycheck.sources.pacing.Pacer.hold", lambda *_: 0.0)
    return waited
