"""Which Regions there are, which have to be enabled, and what the emulator says of them."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from policycheck.emulator.clock import Clock
from policycheck.emulator.regions import BY_DEFAULT, OPT_IN
from policycheck.emulator.server import serve
from policycheck.emulator.store import Store
from policycheck.sources.connection import is_opt_in
from tests.emulator.jobs import MANAGEMENT, MEMBER, NOW, REGION, jobs


def test_the_regions_are_botocore_s_and_the_opt_in_ones_those_of_the_client() -> None:
    known = boto3.Session().get_available_regions("backup", partition_name="aws")
    assert set(known) <= {*BY_DEFAULT, *OPT_IN}
    assert [region for region in (*BY_DEFAULT, *OPT_IN) if is_opt_in(region)] == list(OPT_IN)


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1", "eusc-de-east-1"])
def test_no_region_of_another_partition_has_to_be_enabled(region: str) -> None:
    assert not is_opt_in(region)


def client(service: str, url: str, *, account: str = MANAGEMENT, region: str = REGION, token: str | None = None) -> Any:
    keys = {"aws_access_key_id": account, "aws_secret_access_key": "emulator", "aws_session_token": token}
    return boto3.client(service, region_name=region, endpoint_url=url, **keys)


@pytest.fixture
def store() -> Store:
    made = Store(Clock(NOW), management=MANAGEMENT)
    made.add(MANAGEMENT, "af-south-1", "backup_jobs", jobs(2))
    made.add(MEMBER, REGION, "backup_jobs", [])
    return made


def test_list_regions_pages_and_says_what_is_not_enabled(store: Store) -> None:
    store.disabled_regions = frozenset({"ap-east-1"})
    with serve(store) as served:
        pages = client("account", served.url).get_paginator("list_regions").paginate(PaginationConfig={"PageSize": 10})
        statuses = {region["RegionName"]: region["RegionOptStatus"] for page in pages for region in page["Regions"]}
    assert statuses == {
        **dict.fromkeys(BY_DEFAULT, "ENABLED_BY_DEFAULT"),
        **{region: "DISABLED" if region == "ap-east-1" else "ENABLED" for region in OPT_IN},
    }


KNOWN = [("af-south-1", None, 2), ("af-south-1", "IQoJEXAMPLE", 2), ("af-south-1", "FwoGEXAMPLE", None), (REGION, "FwoGEXAMPLE", 0), ("ap-east-1", None, None)]


@pytest.mark.parametrize(("region", "token", "count"), KNOWN)
def test_a_region_knows_the_credentials_it_would(region: str, token: str | None, count: int | None, store: Store) -> None:
    store.disabled_regions = frozenset({"ap-east-1"})
    with serve(store) as served:
        backup = client("backup", served.url, region=region, token=token)
        if count is not None:
            assert len(backup.list_backup_jobs()["BackupJobs"]) == count
        else:
            with pytest.raises(ClientError, match="UnrecognizedClientException"):
                backup.list_backup_jobs()


@pytest.mark.parametrize("account", [MANAGEMENT, MEMBER])
def test_every_account_is_told_who_manages_the_organization(account: str, store: Store) -> None:
    with serve(store) as served:
        assert client("organizations", served.url, account=account).describe_organization()["Organization"]["MasterAccountId"] == MANAGEMENT


FAULTS = [
    ("account", "ListRegions", "list_regions"),
    ("organizations", "DescribeOrganization", "describe_organization"),
    ("organizations", "ListAccounts", "list_accounts"),
]


@pytest.mark.parametrize(("service", "operation", "method"), FAULTS)
def test_they_can_be_denied(service: str, operation: str, method: str, store: Store) -> None:
    with serve(store, faults=[f"{operation}:*=denied"]) as served, pytest.raises(ClientError, match=f"AccessDenied.*{service}:{operation}"):
        getattr(client(service, served.url), method)()


def test_an_account_outside_the_organization_is_told_that_there_is_none(store: Store) -> None:
    with serve(store) as served, pytest.raises(ClientError, match="AWSOrganizationsNotInUseException"):
        client("organizations", served.url, account="999999999999").describe_organization()


def test_roles_get_tokens_of_a_regional_endpoint(store: Store) -> None:
    with serve(store) as served:
        given = client("sts", served.url).assume_role(RoleArn=f"arn:aws:iam::{MEMBER}:role/Audit", RoleSessionName="audit")["Credentials"]
    assert given["SessionToken"].startswith("IQoJ")
