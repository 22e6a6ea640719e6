"""Types of resources in other words."""

from __future__ import annotations

import pytest

from policycheck.datasets import RESOURCE_TYPES
from policycheck.sources.type_names import find_type, is_service_type, type_of_arn
from tests.tables import each

SPELLED = {
    "EC2": "EC2 Instance; ec2 instances; EC2-Instance; ec2_instance; Amazon EC2; AWS::EC2::Instance; ec2:instance; amazon ec2 instance",
    "EBS": "EBS Volume; ebs volumes; EC2 Volume; AWS::EC2::Volume; ec2:volume; Elastic Block Store",
    "RDS": "rds; RDS Instance; RDS DB instance; AWS::RDS::DBInstance; rds:db; RDS database; DB instance; Amazon RDS",
    "DynamoDB": "dynamodb table; DynamoDB Tables; Dynamo DB; AWS::DynamoDB::Table; dynamodb:table; AWS::DynamoDB::GlobalTable",
    "S3": "s3 bucket; S3 Buckets; AWS::S3::Bucket; s3:bucket; bucket",
    "EFS": "EFS file system; efs filesystems; AWS::EFS::FileSystem; elasticfilesystem:file-system",
    "FSx": "fsx; FSX; FSx file system; AWS::FSx::FileSystem; FSx for Lustre; fsx:file-system; AWS::FSx::Volume",
    "CloudFormation": "CloudFormation stack; AWS::CloudFormation::Stack; cloudformation:stack; cloud formation",
    "Aurora": "aurora cluster; RDS Aurora; Aurora PostgreSQL",
    "DocumentDB": "DocDB; AWS::DocDB::DBCluster; Amazon DocumentDB (with MongoDB compatibility)",
    "Neptune": "AWS::Neptune::DBCluster; neptune cluster",
    "Redshift": "AWS::Redshift::Cluster; redshift:cluster",
    "Redshift Serverless": "redshift-serverless; AWS::RedshiftServerless::Namespace; redshift-serverless:namespace",
    "EKS": "EKS cluster; AWS::EKS::Cluster; eks:cluster",
    "Timestream": "AWS::Timestream::Table; timestream:table",
    "Storage Gateway": "storage-gateway; StorageGateway volume",
    "VirtualMachine": "Virtual Machine; virtual machines; backup-gateway:vm",
    "SAP HANA on Amazon EC2": "SAP HANA; sap hana on ec2",
}
NONE = ["AWS::RDS::DBCluster", "rds:cluster", "instance", "EC3", "Lambda", "AWS::Lambda::Function", "database", "", "-", "?"]


@pytest.mark.parametrize("kind", RESOURCE_TYPES)
def test_every_type_is_read_in_any_case_with_any_marks(kind: str) -> None:
    forms = [kind, kind.lower(), kind.upper(), kind.replace(" ", ""), kind.replace(" ", "-"), kind.replace(" ", "_"), f"Amazon {kind}", f"AWS {kind}"]
    assert {find_type(form) for form in forms} == {kind}


@each(("kind", "text"), [(kind, text.strip()) for kind, texts in SPELLED.items() for text in texts.split(";")])
def test_the_words_of_services_and_people_are_read(kind: str, text: str) -> None:
    assert find_type(text) == kind


@pytest.mark.parametrize("text", NONE)
def test_words_that_mean_no_type_or_several_mean_none(text: str) -> None:
    assert find_type(text) is None


def test_a_word_for_one_of_several_is_told_by_the_arn() -> None:
    assert find_type("instance", ("EC2",)) == "EC2"
    assert find_type("Volume", ("EBS",)) == "EBS"
    assert find_type("cluster", ("Aurora", "DocumentDB")) is None


def test_an_arn_tells_the_type_where_it_can_be_of_one_alone() -> None:
    assert type_of_arn("ec2", "instance/i-1") == "EC2"
    assert type_of_arn("rds", "cluster:x") is None
    assert type_of_arn("lambda", "function:x") is None


def test_types_of_other_services_are_told_by_how_services_spell_them() -> None:
    assert [is_service_type(text) for text in ("AWS::Lambda::Function", "lambda:function", "Lambda", "a web server")] == [True, True, False, False]
