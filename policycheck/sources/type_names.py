"""The types of resources, in the words of AWS Backup, AWS Config, AWS Resource Explorer, CloudFormation, ARNs and people.

Sources: the ListBackupJobs reference (types), the CloudFormation resource type reference (AWS::Service::Resource, which AWS Config shares), the Service
Authorization Reference (ARNs), and Resource Explorer's list of supported types (service:resource).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from policycheck.datasets import RESOURCE_TYPES

_NAMES: Mapping[str, str] = {
    "Aurora": "Aurora; RDS Aurora; Aurora MySQL; Aurora PostgreSQL",
    "Aurora DSQL": "Aurora DSQL; DSQL",
    "CloudFormation": "CloudFormation",
    "DocumentDB": "DocumentDB; DocDB; DocumentDB (with MongoDB compatibility)",
    "DynamoDB": "DynamoDB; Dynamo DB",
    "EBS": "EBS; Elastic Block Store; Elastic Block Storage",
    "EC2": "EC2; Elastic Compute Cloud",
    "EFS": "EFS; Elastic File System",
    "EKS": "EKS; Elastic Kubernetes Service",
    "FSx": "FSx; FSx for Lustre; FSx for NetApp ONTAP; FSx for ONTAP; FSx for OpenZFS; FSx for Windows; FSx for Windows File Server",
    "Neptune": "Neptune",
    "RDS": "RDS; Relational Database Service",
    "Redshift": "Redshift",
    "Redshift Serverless": "Redshift Serverless",
    "S3": "S3; Simple Storage Service",
    "SAP HANA on Amazon EC2": "SAP HANA on Amazon EC2; SAP HANA on EC2; SAP HANA",
    "Storage Gateway": "Storage Gateway",
    "Timestream": "Timestream; Timestream for LiveAnalytics",
    "VirtualMachine": "VirtualMachine; VMware; VMware VirtualMachine; Backup gateway",
}
"""How a service is called; `Amazon` and `AWS` may stand before."""
_NOUNS: Mapping[str, str] = {
    "Aurora": "cluster; DB cluster; database; database cluster",
    "Aurora DSQL": "cluster",
    "CloudFormation": "stack",
    "DocumentDB": "cluster; DB cluster; database",
    "DynamoDB": "table; global table",
    "EBS": "volume",
    "EC2": "instance; server; virtual server",
    "EFS": "file system",
    "EKS": "cluster",
    "FSx": "file system; volume",
    "Neptune": "cluster; DB cluster; database",
    "RDS": "instance; DB instance; DB; database; database instance",
    "Redshift": "cluster; provisioned cluster",
    "Redshift Serverless": "namespace",
    "S3": "bucket",
    "SAP HANA on Amazon EC2": "database",
    "Storage Gateway": "volume",
    "Timestream": "table",
    "VirtualMachine": "virtual machine; vm",
}
"""What one resource of a type is called, after the service's name."""
_ALONE: Mapping[str, str] = {
    "DB instance": "RDS", "EC2 volume": "EBS", "AWS EC2 volume": "EBS", "Amazon EC2 volume": "EBS", "stack": "CloudFormation",
    "bucket": "S3", "elasticfilesystem": "EFS",
    "elasticfilesystem:file-system": "EFS", "AWS::SystemsManagerSAP::Database": "SAP HANA on Amazon EC2", "ssm-sap:HANA": "SAP HANA on Amazon EC2",
    "ssm-sap:database": "SAP HANA on Amazon EC2",
}  # fmt: skip
"""Other words that are of one type."""
AMBIGUOUS: frozenset[str] = frozenset({"awsrdsdbcluster", "rdscluster", "rdsdbcluster", "rdsclusterdb"})
"""Types, by their letters, that say no type of AWS Backup: a DBCluster may be Aurora, DocumentDB, Neptune or an RDS cluster."""
_OF_ARNS: Sequence[tuple[str, str, tuple[str, ...]]] = (
    ("ec2", "instance/", ("EC2", "SAP HANA on Amazon EC2")),
    ("ec2", "volume/", ("EBS",)),
    ("rds", "db:", ("RDS",)),
    ("rds", "cluster:", ("Aurora", "DocumentDB", "Neptune", "RDS")),
    ("dynamodb", "table/", ("DynamoDB",)),
    ("elasticfilesystem", "file-system/", ("EFS",)),
    ("eks", "cluster/", ("EKS",)),
    ("fsx", "", ("FSx",)),
    ("s3", "", ("S3",)),
    ("cloudformation", "stack/", ("CloudFormation",)),
    ("redshift-serverless", "", ("Redshift Serverless",)),
    ("redshift", "", ("Redshift",)),
    ("timestream", "", ("Timestream",)),
    ("storagegateway", "", ("Storage Gateway",)),
    ("backup-gateway", "vm/", ("VirtualMachine",)),
    ("ssm-sap", "", ("SAP HANA on Amazon EC2",)),
    ("dsql", "cluster/", ("Aurora DSQL",)),
)
"""Service and start of the resource in an ARN, and the types that can have it."""
_CERTAIN = frozenset({("ec2", "instance/")})
"""ARNs that are taken for their first type where nothing says another."""
_MARKS = re.compile(r"[\W_]+")
_SERVICE_TYPE = re.compile(r"AWS::[A-Za-z0-9]+::[A-Za-z0-9]+|[a-z0-9-]+:[A-Za-z0-9/_-]+", re.ASCII)


def find_type(text: str, among: Sequence[str] = ()) -> str | None:
    """The type that a person or a service means, as AWS Backup spells it; None where these words are not known, or mean several.

    Args:
        among: the types that its ARN can have, of which a word such as `instance` means one.
    """
    found = _by_letters().get(letters(text))
    if found is None:
        meant = [kind for kind in among if letters(text) in {letters(noun) for noun in _NOUNS[kind].split(";")}]
        found = meant[0] if len(meant) == 1 else None
    return found


def is_service_type(text: str) -> bool:
    """Whether this is how AWS Config or Resource Explorer spell types, be it one that AWS Backup knows or not."""
    return _SERVICE_TYPE.fullmatch(text) is not None


def says_several(text: str) -> bool:
    """Whether this is a type of a service that may be any of several types of AWS Backup."""
    return letters(text) in AMBIGUOUS


def letters(text: str) -> str:
    """A type by its letters and digits alone, in the singular."""
    return _MARKS.sub("", text).lower().removesuffix("s") if len(text) > 3 else _MARKS.sub("", text).lower()


def types_of_arn(service: str, resource: str) -> tuple[str, ...]:
    """The types that a resource with such an ARN can have; empty where it tells none.

    Args:
        service: the third part of the ARN.
        resource: the sixth.
    """
    return next((types for named, start, types in _OF_ARNS if service == named and resource.startswith(start)), ())


def type_of_arn(service: str, resource: str) -> str | None:
    """The one type that a resource with such an ARN has where nothing says otherwise; None where it may have several."""
    types = types_of_arn(service, resource)
    certain = len(types) == 1 or any(service == named and resource.startswith(start) for named, start in _CERTAIN)
    return types[0] if types and certain else None


@cache
def _by_letters() -> Mapping[str, str]:
    found: dict[str, set[str]] = {}
    for kind, names in _NAMES.items():
        for name in (part.strip() for part in names.split(";")):
            for way in (name, *(f"{name} {noun}" for noun in _NOUNS[kind].split(";"))):
                for start in ("", "Amazon ", "AWS "):
                    found.setdefault(letters(start + way), set()).add(kind)
    for way, kind in _ALONE.items():
        found.setdefault(letters(way), set()).add(kind)
    for kind in RESOURCE_TYPES:
        found.setdefault(letters(kind), set()).add(kind)
    return {way: min(kinds) for way, kinds in found.items() if len(kinds) == 1 and way not in AMBIGUOUS}
