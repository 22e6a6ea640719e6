"""The Regions of the partition `aws`, and which of them know a request: those an account has to enable (opt-in) are particular.

Source: the AWS Account Management reference guide (which Regions are enabled by default), and the IAM API reference, SetSecurityTokenServicePreferences:
session tokens of version 1, which the global endpoint of STS gives out, "are valid only in AWS Regions that are available by default". They begin with FwoG.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

BY_DEFAULT = tuple(
    "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 eu-north-1 eu-west-1 eu-west-2 eu-west-3 "
    "sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2".split()
)
OPT_IN = tuple(
    "af-south-1 ap-east-1 ap-east-2 ap-south-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-west-1 eu-central-2 eu-south-1 "
    "eu-south-2 il-central-1 me-central-1 me-south-1 mx-central-1".split()
)
VERSION_1 = "FwoG"
VERSION_2 = "IQoJ"
"""How the session tokens of a regional endpoint of STS begin; every Region that is enabled knows them."""


def knows(region: str, token: str, disabled: Collection[str]) -> bool:
    """Whether a Region knows the credentials of a request with this session token ("": none)."""
    return region not in disabled and not (region in OPT_IN and token.startswith(VERSION_1))


def statuses(disabled: Collection[str]) -> Mapping[str, str]:
    """RegionOptStatus by Region, as account:ListRegions has it."""
    by_default = dict.fromkeys(BY_DEFAULT, "ENABLED_BY_DEFAULT")
    return dict(sorted({**by_default, **{region: "DISABLED" if region in disabled else "ENABLED" for region in OPT_IN}}.items()))
