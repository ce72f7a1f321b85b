"""Signatures and bodies as no client of AWS's sends them."""

import datetime
import hashlib
import hmac
import http.client
import json
import urllib.parse

import pytest

from conftest import client, make_pool
from server import ADMIN, HASTY, REGION, Key

JSON = "application/x-amz-json-1.1"
TARGET = "AWSCognitoIdentityProviderService.ListUserPools"
BODY = b'{"MaxResults": 1}'


def sign(text, *parts):
    key = b"AWS4" + text.encode()
    for part in parts:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


class Call:
    """A request that is signed by the book of Signature Version 4, after
    whatever a test changes before, and sent after whatever it changes then."""

    def __init__(self, server, key=ADMIN, body=BODY, target=TARGET, minutes=0):
        self.host = urllib.parse.urlsplit(server.url).netloc
        self.key, self.body = key, body
        time = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
        self.date = time.strftime("%Y%m%dT%H%M%SZ")
        self.day, self.region, self.service, self.end = self.date[:8], REGION, "cognito-idp", "aws4_request"
        self.algorithm = "AWS4-HMAC-SHA256"
        self.headers = [
            ("host", self.host),
            ("content-type", JSON),
            ("x-amz-target", target),
            ("x-amz-date", self.date),
        ]
        self.signed = ["content-type", "host", "x-amz-date", "x-amz-target"]
        self.authorization = None

    def sign(self):
        canonical = [
            f"{name}:{','.join(' '.join(v.split()) for n, v in self.headers if n == name)}\n"
            for name in self.signed
        ]
        request = "\n".join(
            [
                "POST", "/", "", "".join(canonical), ";".join(self.signed),
                hashlib.sha256(self.body).hexdigest(),
            ]
        )  # fmt: skip
        scope = [self.day, self.region, self.service, self.end]
        text = "\n".join(
            [
                "AWS4-HMAC-SHA256", self.date, "/".join(scope),
                hashlib.sha256(request.encode()).hexdigest(),
            ]
        )  # fmt: skip
        signature = hmac.new(sign(self.key.secret, *scope), text.encode(), hashlib.sha256)
        self.authorization = (
            f"{self.algorithm} Credential={'/'.join([self.key.access_key_id, *scope])},"
            f" SignedHeaders={';'.join(self.signed)}, Signature={signature.hexdigest()}"
        )
        return self

    def set(self, name, value):
        self.headers = [(n, v) for n, v in self.headers if n != name] + [(name, value)]
        return self

    def send(self, method="POST", path="/"):
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers:
            connection.putheader(name, value)
        if self.authorization is not None:
            connection.putheader("authorization", self.authorization)
        connection.putheader("content-length", str(len(self.body)))
        connection.endheaders()
        connection.send(self.body)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        self.response = response
        return response.status, json.loads(body)

    def refused(self, name, status=400, **how):
        found, body = self.send(**how)
        assert body["__type"] == name, body
        assert found == status
        assert set(body) == {"__type", "message"} and body["message"]
        assert self.response.getheader("x-amzn-ErrorType") == name
        assert self.response.getheader("x-amzn-RequestId")
        assert self.response.getheader("content-type") == JSON
        return body["message"]


def test_a_request_signed_by_the_book_is_let_in(server):
    call = Call(server).sign()
    status, body = call.send()
    assert status == 200 and set(body) <= {"UserPools", "NextToken"}
    assert call.response.getheader("content-type") == JSON
    assert call.response.getheader("x-amzn-RequestId")


def test_more_headers_may_be_signed(server):
    call = Call(server)
    call.headers += [("user-agent", "a  b "), ("x-amz-meta", "1"), ("x-amz-meta", "2")]
    call.signed = sorted([*call.signed, "user-agent", "x-amz-meta"])
    assert call.sign().send()[0] == 200


def test_no_signature(server):
    message = Call(server).refused("MissingAuthenticationTokenException")
    assert message == "Missing Authentication Token"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer abc",
        "Basic YTpi",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a",
        "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c",
        "AWS4-HMAC-SHA256 ,,,===,",
        "AWS4-HMAC-SHA256 " + "x" * 4000,
    ],
)
def test_half_a_signature(server, authorization):
    call = Call(server)
    call.authorization = authorization
    message = call.refused("IncompleteSignatureException")
    assert len(message) < 1000


def test_an_unknown_key(server):
    unknown = Key("AKIAUNKNOWNUNKNOWN01", ADMIN.secret, "unknown")
    message = Call(server, unknown).sign().refused("UnrecognizedClientException")
    assert message == "The security token included in the request is invalid."


def test_a_session_token_makes_another_key(server):
    call = Call(server)
    call.headers.append(("x-amz-security-token", "token"))
    call.signed.insert(3, "x-amz-security-token")
    call.sign().refused("UnrecognizedClientException")


def test_a_wrong_secret(server):
    wrong = Key(ADMIN.access_key_id, ADMIN.secret[:-1] + "X", "wrong")
    message = Call(server, wrong).sign().refused("InvalidSignatureException")
    assert message.startswith("The request signature we calculated does not match")


@pytest.mark.parametrize("minutes, word", [(-6, "expired"), (6, "not yet current")])
def test_a_clock_that_is_wrong(server, minutes, word):
    message = Call(server, minutes=minutes).sign().refused("InvalidSignatureException")
    assert message.startswith(f"Signature {word}: ")


@pytest.mark.parametrize("minutes", [-4, 4])
def test_a_clock_that_is_wrong_by_less_than_five_minutes(server, minutes):
    assert Call(server, minutes=minutes).sign().send()[0] == 200


def test_an_old_request_that_is_sent_again(server):
    """Word for word one of the AWS CLI's, long ago."""
    call = Call(server)
    call.body = b'{"UserPoolId": "us-west-2_aaaaaaaaa", "MaxResults": 20}'
    call.headers = [
        ("host", "127.0.0.1:50611"),
        ("x-amz-target", "AWSCognitoIdentityProviderService.ListUserImportJobs"),
        ("content-type", JSON),
        ("x-amz-date", "20251120T114335Z"),
    ]
    call.authorization = (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20251120/us-west-2/cognito-idp/aws4_request,"
        " SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=" + "47" * 32
    )
    message = call.refused("InvalidSignatureException")
    assert message.startswith("Signature expired: 20251120T114335Z is now earlier than")


def test_a_body_that_was_changed_after_signing(server):
    call = Call(server).sign()
    call.body = b'{"MaxResults": 2}'
    call.refused("InvalidSignatureException")


@pytest.mark.parametrize(
    "name, value",
    [
        ("x-amz-target", "AWSCognitoIdentityProviderService.DeleteUserPool"),
        ("x-amz-date", "20261120T114335Z"),
        ("host", "example.com"),
    ],
)
def test_a_header_that_was_changed_after_signing(server, name, value):
    Call(server).sign().set(name, value).refused("InvalidSignatureException")


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-target"])
def test_a_header_that_has_to_be_signed(server, name):
    call = Call(server)
    call.signed.remove(name)
    assert "must be a 'SignedHeader'" in call.sign().refused("InvalidSignatureException")


@pytest.mark.parametrize("part, value", [("service", "iam"), ("end", "aws5_request"), ("day", "20200101")])
def test_a_signature_for_something_else(server, part, value):
    call = Call(server)
    setattr(call, part, value)
    assert "Credential" in call.sign().refused("InvalidSignatureException")


def test_any_region_is_good(server):
    call = Call(server)
    call.region = "mars-north-1"
    assert call.sign().send()[0] == 200


@pytest.mark.parametrize(
    "name, error",
    [
        ("x-amz-date", "IncompleteSignatureException"),
        ("x-amz-target", "UnknownOperationException"),
        ("content-type", "UnknownOperationException"),
    ],
)
def test_a_header_that_is_there_twice(server, name, error):
    call = Call(server)
    call.headers.append(next(h for h in call.headers if h[0] == name))
    call.sign().refused(error)


def test_two_signatures(server):
    call = Call(server).sign()
    call.headers.append(("authorization", call.authorization))
    call.refused("IncompleteSignatureException")


@pytest.mark.parametrize("target", ["", "x", "ListUserPools", "AWSCognitoIdentityService.GetId", TARGET + "x"])
def test_an_unknown_target(server, target):
    Call(server, target=target).sign().refused("UnknownOperationException")


def test_no_target_and_another_protocol(server):
    call = Call(server)
    call.headers = [h for h in call.headers if h[0] != "x-amz-target"]
    call.refused("UnknownOperationException")
    Call(server).set("content-type", "application/json").refused("UnknownOperationException")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b"7", b'"x"', b"\xff\xfe", b"{}{}", b"[" * 500_000,
        b'{"MaxResults": "1"}', b'{"MaxResults": 1.5}', b'{"MaxResults": true}',
        b'{"MaxResults": 1e400}', b'{"MaxResults": [1]}', b'{"MaxResults": 99999999999999999999}',
    ],
)  # fmt: skip
def test_a_body_that_is_no_request(server, body):
    Call(server, body=body).sign().refused("SerializationException")


def test_null_and_unknown_members_are_passed_over(server):
    body = b'{"MaxResults": 1, "NextToken": null, "Unknown": {"a": [1]}, "maxResults": 9}'
    assert Call(server, body=body).sign().send()[0] == 200
    message = Call(server, body=b'{"maxResults": 1}').sign().refused("InvalidParameterException")
    assert "Value null at 'maxResults' failed to satisfy constraint: Member must not be null" in message


def test_a_body_of_10_mb(server):
    body = b'{"MaxResults": 1, "NextToken": "' + b"x" * 10_000_000 + b'"}'
    message = Call(server, body=body).sign().refused("RequestEntityTooLargeException", status=413)
    assert message == "Request must be smaller than 1048576 bytes."
    # boto3 sees it, too, and not a broken connection.
    idp = client(server, parameter_validation=False)
    with pytest.raises(idp.exceptions.ClientError) as caught:
        idp.list_user_pools(MaxResults=1, NextToken="x" * 10_000_000)
    assert caught.value.response["Error"]["Code"] == "RequestEntityTooLargeException"


def test_other_methods_and_paths(server):
    for method, path, status in [("GET", "/", 405), ("PUT", "/", 405), ("POST", "/x", 404)]:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc)
        connection.request(method, path, body=b"{}")
        assert connection.getresponse().status == status


def test_a_hasty_key_hinders_no_other(server, idp):
    hasty = client(server, HASTY)
    with pytest.raises(hasty.exceptions.TooManyRequestsException):
        for _ in range(50):
            hasty.list_user_pools(MaxResults=1)
    assert idp.list_user_pools(MaxResults=1)["UserPools"]


def test_nothing_secret_is_logged(server, idp):
    make_pool(idp)
    text = server.log.read_text()
    assert ADMIN.secret not in text
    assert "Signature=" not in text and "@example.com" not in text
