"""Signatures against AWS's published vectors and against botocore's signer."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from unittest import mock

import pytest
from botocore import auth as botocore_auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from lanner.aws.credentials import Credentials
from lanner.aws.sigv4 import (
    RequestSigner,
    amz_date,
    authorization,
    canonical_path,
    forget_keys,
    signing_key,
)

SUITE = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
DATE = "20150830T123600Z"
BASE = [("Host", "example.amazonaws.com"), ("X-Amz-Date", DATE)]
FORM = ("Content-Type", "application/x-www-form-urlencoded")
UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

# name in aws-sig-v4-test-suite: method, path, query, headers beside host and date, body, signature
VECTORS: dict[str, tuple[str, str, str, list[tuple[str, str]], bytes, str]] = {
    "get-vanilla": ("GET", "/", "", [], b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    "post-vanilla": ("POST", "/", "", [], b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "get-vanilla-query-order-key-case": (
        *("GET", "/", "Param2=value2&Param1=value1", [], b""),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "get-vanilla-empty-query-key": (
        *("GET", "/", "Param1=value1", [], b""),
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
    ),
    "get-unreserved": (
        *("GET", f"/{UNRESERVED}", "", [], b""),
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    "get-utf8": (
        *("GET", "/\u1234", "", [], b""),  # the suite sends this path without encoding it first
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    ),
    "get-header-key-duplicate": (
        *("GET", "/", "", [("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")], b""),
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    "get-header-value-trim": (
        *("GET", "/", "", [("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')], b""),
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    "get-relative": (
        *("GET", "/example/..", "", [], b""),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "post-header-key-sort": (
        *("POST", "/", "", [("My-Header1", "value1")], b""),
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    "post-x-www-form-urlencoded": (
        *("POST", "/", "", [FORM], b"Param1=value1"),
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    "post-x-www-form-urlencoded-parameters": (
        *("POST", "/", "", [(FORM[0], FORM[1] + "; charset=utf8")], b"Param1=value1"),
        "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_signs_the_published_vectors(name: str) -> None:
    """Each request of AWS's test suite gets the signature published for it."""
    method, path, query, headers, body, signature = VECTORS[name]
    value = authorization(
        method,
        path,
        query,
        [*BASE, *headers],
        body,
        credentials=SUITE,
        region="us-east-1",
        service="service",
        date=DATE,
    )
    assert value.rpartition("Signature=")[2] == signature
    assert value.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, Signed")


@pytest.mark.parametrize(
    ("path", "signature"),
    [
        ("/%E1%88%B4", "57b1eb3df3b16a8479c0097b66c0b261cfd65b829419a3f2c3d05319722490b8"),
        ("/%20/foo", "2be9e587d1ee1f0fd02128724b86b4358ba3630d39f493b6e06610a19a50779e"),
    ],
)
def test_encodes_an_encoded_path_once_more(path: str, signature: str) -> None:
    """The two vectors of botocore's edition of the suite whose paths are encoded twice (get-utf8, get-space)."""
    headers = [("Date", "Mon, 09 Sep 2011 23:36:00 GMT"), ("Host", "host.foo.com")]
    value = authorization(
        "GET",
        path,
        "",
        headers,
        b"",
        credentials=SUITE,
        region="us-east-1",
        service="host",
        date="20110909T233600Z",
    )
    assert value.endswith(signature)


def test_derives_the_documented_signing_key() -> None:
    """The key of the IAM guide's ListUsers example has the published value."""
    key = signing_key(SUITE.secret_access_key, "20150830", "us-east-1", "iam")
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


def test_forgets_cached_keys() -> None:
    """After forget_keys nothing derived from a secret stays in memory."""
    signing_key("secret", "20150830", "us-east-1", "iam")
    forget_keys()
    assert signing_key.cache_info().currsize == 0


def test_dates_are_utc() -> None:
    """The date header is the moment in UTC, cut to the second."""
    moment = datetime(2015, 8, 30, 12, 36, 0, 900_000, tzinfo=UTC)
    assert amz_date(moment.timestamp()) == DATE


@pytest.mark.parametrize(
    ("path", "signed"),
    [("", "/"), ("/", "/"), ("//", "/"), ("/a/./b/", "/a/b/"), ("/a/../../b", "/b"), ("/a%3Ab", "/a%253Ab")],
)
def test_normalises_paths(path: str, signed: str) -> None:
    """Empty and dot segments go, a trailing slash stays, what was encoded is encoded again."""
    assert canonical_path(path) == signed


TOKEN_TEXT = st.text(string.ascii_letters + string.digits + "+/=", min_size=1, max_size=60)
HEADER_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True).filter(
    lambda name: (
        name not in {"expect", "transfer-encoding", "user-agent", "x-amzn-trace-id", "authorization", "date", "host"}
        and not name.startswith("x-amz-")
    )
)
HEADER_VALUES = st.text(string.ascii_letters + string.digits + " ;,=\"'()", max_size=30)
PATHS = st.text(string.ascii_letters + string.digits + "/.-_~%:@", max_size=40).map(lambda path: "/" + path.lstrip("/"))
QUERY_NAMES = st.from_regex(r"[A-Za-z0-9%/]{1,20}", fullmatch=True)
QUERY_VALUES = st.from_regex(r"[A-Za-z0-9%]{0,9}", fullmatch=True)
QUERIES = st.lists(st.tuples(QUERY_NAMES, QUERY_VALUES).map("=".join), max_size=4).map("&".join)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    path=PATHS,
    query=QUERIES,
    headers=st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=5),
    body=st.binary(max_size=200),
    secret=TOKEN_TEXT,
    token=st.none() | TOKEN_TEXT,
    moment=st.integers(946_684_800, 4_102_444_800).map(lambda second: datetime.fromtimestamp(second, UTC)),
)
def test_agrees_with_botocore(
    method: str,
    path: str,
    query: str,
    headers: dict[str, str],
    body: bytes,
    secret: str,
    token: str | None,
    moment: datetime,
) -> None:
    """Whatever the request, both of our entries and botocore's signer produce the same Authorization header."""
    date = amz_date(moment.timestamp())
    fixed = {**headers, "host": "service.eu-central-1.example"}
    request = AWSRequest(method, f"https://service.eu-central-1.example{path}?{query}", headers=fixed, data=body)
    signer = botocore_auth.SigV4Auth(BotocoreCredentials("AKID", secret, token), "dynamodb", "eu-central-1")
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment):
        signer.add_auth(request)
    expected = request.headers["Authorization"]

    ours = Credentials("AKID", secret, token)
    pairs = [*fixed.items(), ("x-amz-date", date), *([("x-amz-security-token", token)] if token else [])]
    general = authorization(
        method, path, query, pairs, body, credentials=ours, region="eu-central-1", service="dynamodb", date=date
    )
    prepared = RequestSigner(
        service="dynamodb", region="eu-central-1", method=method, path=path, query=query, headers=fixed.items()
    ).sign(body, ours, date)
    assert general == expected
    assert prepared.endswith(f"authorization: {expected}\r\n")
    assert (f"x-amz-security-token: {token}\r\n" in prepared) is (token is not None)
