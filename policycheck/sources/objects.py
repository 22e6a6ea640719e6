"""Objects in Amazon S3: how a bucket is reached, which objects lie under a name, and what is in them.

Credentials, profile and endpoint are those that boto3 finds (environment, shared configuration, SSO, instance or container), and are printed nowhere. Reading
is obstore's, the object store that Delta Lake and Polars have inside; it is an extra, `archive`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policycheck.errors import EvidenceError, FetchError, JobFileError, LastingError, UsageError
from policycheck.sources.connection import Connection
from policycheck.sources.contents import MAX_BYTES
from policycheck.sources.session import AwsSession
from policycheck.text import clean_line, truncate

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from obstore.store import S3Store

SCHEME = "s3://"
_AHEAD = 8
"""Objects that are asked for before they are needed."""
_BUCKET = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,254}", re.ASCII)
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_BAD_NAME = re.compile(r'Path "(.*?)"')
_DENIED = frozenset({"AccessDenied", "AllAccessDisabled", "403"})
_ANY = Connection()


def is_object_url(path: str) -> bool:
    """Whether this names objects in S3 rather than files."""
    return path.startswith(SCHEME)


def s3_options(bucket: str = "", session: AwsSession | None = None) -> dict[str, str]:
    """The storage options, by the names that deltalake, Polars and obstore share, with which this bucket is read and written now.

    Without a bucket its Region is taken to be that of the environment, and AWS is not asked. The keys are those of the moment: a session of an hour ends in
    an hour.

    Raises:
        FetchError, UsageError: no credentials, no such bucket, or AWS is not reached.
    """
    session = session or AwsSession(_ANY)
    options = _reached(bucket, session)
    frozen = session.frozen_credentials()
    if frozen is not None:
        options |= {"AWS_ACCESS_KEY_ID": frozen.access_key, "AWS_SECRET_ACCESS_KEY": frozen.secret_key}
        options |= {"AWS_SESSION_TOKEN": frozen.token} if frozen.token else {}
    return options


def _reached(bucket: str, session: AwsSession) -> dict[str, str]:
    """Region and endpoint of a bucket, as botocore has them: S3 itself, an endpoint of the environment or the profile, another partition."""
    client = session.s3_client(_region_of(bucket, session) if bucket else None)
    region = str(client.meta.region_name)
    # botocore's name for us-east-1 where it means every Region, which S3's FIPS endpoint does not have.
    url = str(client.meta.endpoint_url).replace(".aws-global.", f".{region}.")
    return {"AWS_REGION": region, "AWS_ENDPOINT_URL": url, **({"AWS_ALLOW_HTTP": "true"} if url.startswith("http://") else {})}


def _region_of(bucket: str, session: AwsSession) -> str:
    """Where a bucket is. HeadBucket says it even to those who may not ask."""
    from botocore.exceptions import ClientError

    from policycheck.sources.aws_errors import explained

    client = session.s3_client(None)
    place = f"{SCHEME}{bucket}"
    try:
        with explained("HeadBucket", place, service="s3"):
            try:
                answer = client.head_bucket(Bucket=bucket)
            except ClientError as error:
                answer = error.response
                if answer["ResponseMetadata"].get("HTTPStatusCode") == 404:
                    raise LastingError("the bucket does not exist", hint="Check the name, the profile and the endpoint.") from None
                if answer["ResponseMetadata"].get("HTTPStatusCode") not in (301, 400, 403):
                    raise
    except EvidenceError as error:
        raise _of_s3(error, place) from None
    headers: Mapping[str, str] = answer["ResponseMetadata"].get("HTTPHeaders", {})
    return headers.get("x-amz-bucket-region") or str(client.meta.region_name)


@dataclass(frozen=True, slots=True)
class _Address:
    bucket: str
    key: str

    @classmethod
    def of(cls, url: str) -> _Address:
        bucket, _, key = url.removeprefix(SCHEME).partition("/")
        if not _BUCKET.fullmatch(bucket):
            raise UsageError(f"{clean_line(url)}: not the name of a bucket", hint="s3://BUCKET/KEY, or s3://BUCKET/PREFIX/")
        return cls(bucket, key)


class Objects:
    """The objects of one run. What comes next is fetched while the one before is read."""

    def __init__(self, connection: Connection | None = None) -> None:
        """`connection`: by whose credentials S3 is reached; None: those of the environment."""
        self._connection = connection or _ANY
        self._stores: dict[str, S3Store] = {}
        self._found: set[str] = set()
        self._ahead: dict[str, None] = {}
        self._coming: dict[str, Future[bytes]] = {}

    def find(self, url: str) -> list[str]:
        """The object of this name, or all below it; sorted by name. What a point begins with is hidden, as in folders.

        Raises:
            JobFileError: there is none.
            FetchError, UsageError: they cannot be listed.
        """
        address = _Address.of(url)
        store = self._store(address.bucket)
        problem: EvidenceError | None = None
        try:
            found = [address.key] if self._exists(store, address, url) else []
        except EvidenceError as error:
            # The answer to HEAD has no words. Listing says more, and may be allowed where reading is not.
            found, problem = [], error
        found = found or self._below(store, address, url)
        if not found and problem is not None:
            raise problem
        if not found:
            where = "no object has this name or prefix" if address.key else "is a bucket without an object"
            raise JobFileError(where, hint="a prefix must end with a whole name between two slashes", place=clean_line(url))
        urls = [f"{SCHEME}{address.bucket}/{key}" for key in found]
        self._ahead |= dict.fromkeys(url for url in urls if url not in self._found)
        self._found.update(urls)
        return urls

    def read(self, url: str) -> bytes:
        """What an object that was found holds.

        Raises:
            JobFileError: larger than MAX_BYTES, or gone.
            FetchError: it cannot be read.
        """
        for following in list(islice(self._ahead, _AHEAD - len(self._coming))):
            del self._ahead[following]
            self._coming[following] = self._pool.submit(self._fetch, following)
        coming = self._coming.pop(url, None)
        return self._fetch(url) if coming is None else coming.result()

    def close(self) -> None:
        """Ask for nothing more."""
        if "_pool" in self.__dict__:
            self._pool.shutdown(cancel_futures=True)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(_AHEAD)

    @cached_property
    def _session(self) -> AwsSession:
        try:
            return AwsSession(self._connection)
        except EvidenceError as error:
            raise _of_s3(error, "S3") from None

    def _store(self, bucket: str) -> S3Store:
        if bucket not in self._stores:
            self._stores[bucket] = _open(bucket, self._session)
        return self._stores[bucket]

    def _exists(self, store: S3Store, address: _Address, url: str) -> bool:
        import obstore

        if not address.key or address.key.endswith("/"):
            return False
        try:
            with _explained("GetObject", url):
                obstore.head(store, address.key)
        except FileNotFoundError:
            return False
        return True

    def _below(self, store: S3Store, address: _Address, url: str) -> list[str]:
        import obstore

        prefix = address.key.strip("/")
        with _explained("ListBucket", url):
            listed = [(str(one["path"]), int(one["size"])) for chunk in obstore.list(store, prefix=prefix or None) for one in chunk]
        shown = [(key, size) for key, size in listed if not any(part.startswith(".") for part in key[len(prefix) :].split("/"))]
        # An object without content and with others below its name is what the console makes as a folder.
        folders = {key[: position.start()] for key, _ in listed for position in re.finditer("/", key)} | {prefix}
        return sorted(key for key, size in shown if size or key not in folders)

    def _fetch(self, url: str) -> bytes:
        import obstore

        address = _Address.of(url)
        try:
            with _explained("GetObject", url):
                found = obstore.get(self._stores[address.bucket], address.key)
                size = int(found.meta["size"])
                if size > MAX_BYTES:
                    raise JobFileError(f"is larger than {MAX_BYTES // 1024**3} GiB", hint="split the list into several files", place=clean_line(url))
                data = found.bytes().to_bytes()
        except FileNotFoundError:
            raise JobFileError("was deleted after the objects were listed", hint="run the command again", place=clean_line(url)) from None
        if len(data) != size:
            raise JobFileError(f"is cut off: {len(data):,} of {size:,} bytes came", hint="run the command again", place=clean_line(url))
        return data


def _open(bucket: str, session: AwsSession) -> S3Store:
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider
        from obstore.store import S3Store
    except ImportError:
        raise UsageError(f"{SCHEME}{bucket}: reading from S3 requires the extra archive", hint="pip install 'policycheck[archive]'") from None
    options: Any = _reached(bucket, session)
    client: Any = {"allow_http": True} if options.pop("AWS_ALLOW_HTTP", None) else {}
    if bundle := session.ca_bundle():
        client["root_certificate"] = _read_bundle(bundle)
    return S3Store(
        bucket,
        config=options,
        client_options=client,
        retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=60)},
        credential_provider=Boto3CredentialProvider(session.boto3_session),
    )


def _read_bundle(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise LastingError(f"the CA certificates {clean_line(path)} cannot be read: {reason}", hint="see AWS_CA_BUNDLE") from None


def _of_s3(error: EvidenceError, place: str) -> EvidenceError:
    """The error as it is where no option says how AWS is reached."""
    error.place = place
    if "--" in error.hint:
        error.hint = "Check AWS_PROFILE and the other AWS_ variables, including AWS_ENDPOINT_URL_S3; `aws s3 ls` uses the same"
    return error


@contextmanager
def _explained(action: str, url: str) -> Iterator[None]:
    """Turn what obstore raises into one line, without the request and what it carried; FileNotFoundError stays what it is."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, ValueError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise _explain(str(error), action, clean_line(url)) from None


def _explain(text: str, action: str, place: str) -> EvidenceError:
    from botocore.exceptions import ClientError

    from policycheck.sources.aws_errors import explain

    status, code = _STATUS.search(text), _CODE.search(text)
    if named := _BAD_NAME.search(text):
        shown = truncate(clean_line(named[1]), 120)
        return LastingError(f"holds the object '{shown}', whose name is not supported", hint="Name a prefix beside it.", place=place)
    said = code[1] if code else status[1] if status else ""
    if said in _DENIED:
        return LastingError(f"access denied: s3:{action} is not allowed", hint=f"Allow s3:{action}, and kms:Decrypt of the bucket's key.", place=place)
    if said:
        answer: Any = {"Error": {"Code": said}, "ResponseMetadata": {"HTTPStatusCode": int(status[1]) if status else 0}}
        explained = explain(ClientError(answer, action), action, place, service="s3")
        assert isinstance(explained, EvidenceError)  # an answer of AWS is never a mistake of the command line
        explained.place = place
        return explained
    if "InvalidCertificate" in text:
        return LastingError("the certificate of the endpoint is not accepted", hint="Name the certificates you trust with AWS_CA_BUNDLE.", place=place)
    return FetchError("S3 did not answer, or the connection broke", hint="Check the network and AWS_ENDPOINT_URL_S3, and run the command again.", place=place)
