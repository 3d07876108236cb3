"""Who calls is proven: against Amazon's published examples, a computation of our own, and documented token answers."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import anyio
import httpx
import pytest
import respx
from pydantic import SecretStr
from tests.net.raw_server import RawServer, answer, says

from aiorch.errors import AttemptFailed, MissingExtra
from aiorch.net import Transport
from aiorch.providers import SPECS, HTTPProvider
from aiorch.providers.signing import signer_for
from aiorch.providers.signing.aws import AWSSigner
from aiorch.providers.signing.google import GoogleSigner
from aiorch.providers.signing.ibm import IAM, IBMSigner
from aiorch.testing.clock import FakeClock
from aiorch.testing.transport import respx_transport
from aiorch.types import Deployment, Failure, FailureKind, Message, Request

pytestmark = pytest.mark.anyio

EXAMPLE = SecretStr("AKIDEXAMPLE"), SecretStr("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
NOON = 1_440_938_160.0  # 2015-08-30 12:36:00 UTC, the moment of Amazon's examples


def aws(**differs: Any) -> AWSSigner:
    told: dict[str, Any] = {"region": "us-east-1", "access_key": EXAMPLE[0], "secret_key": EXAMPLE[1]}
    return AWSSigner(FakeClock(NOON), **{**told, **differs})


async def failure_of(signer: Any, key: str | None = None) -> Failure:
    with pytest.raises(AttemptFailed) as caught:
        await signer.headers("GET", "https://example.amazonaws.com/", None, key)
    return caught.value.failure


# --- Amazon ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "url", "signature"),
    [
        ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
    ids=["get-vanilla", "post-vanilla", "get-vanilla-query-order-key-case"],
)
async def test_the_examples_that_amazon_publishes(method: str, url: str, signature: str) -> None:
    signed = await aws(service="service").headers(method, "https://example.amazonaws.com" + url, None, None)
    assert signed == {
        "X-Amz-Date": "20150830T123600Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={signature}",
    }


def by_hand(method: str, url: str, body: bytes, signed: Mapping[str, str], region: str) -> str:
    """The signature as Amazon's guide has it computed, of the path as it goes over the wire."""
    parts = urlsplit(url)
    told = {"host": parts.netloc, **{k.lower(): v for k, v in signed.items() if k != "Authorization"}}
    names = sorted(told)
    canonical = "\n".join(
        [
            method,
            quote(parts.path, safe="/~"),  # encoded twice in all
            "&".join(sorted(parts.query.split("&"))),
            *(f"{name}:{told[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    date = signed["X-Amz-Date"]
    scope = f"{date[:8]}/{region}/bedrock/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4" + EXAMPLE[1].get_secret_value().encode()
    for piece in (*scope.split("/"), text):
        key = hmac.digest(key, piece.encode(), "sha256")
    return key.hex()


@pytest.mark.parametrize(
    "url",
    [
        "https://bedrock-runtime.eu-central-1.amazonaws.com/model/amazon.nova-micro-v1%3A0/converse",
        "https://bedrock-runtime.eu-central-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aeu%3A1%3Ainference-profile%2Fx/converse",
        "https://bedrock.eu-central-1.amazonaws.com/inference-profiles?maxResults=1000&nextToken=a%2Bb%2F%3D",
    ],
)
async def test_ids_with_colons_and_slashes_are_signed_as_they_are_sent(url: str) -> None:
    signer = aws(region="eu-central-1", session_token=SecretStr("the-session"))
    signed = await signer.headers("POST", url, b'{"a": 1}', None)
    assert signed["X-Amz-Security-Token"] == "the-session"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token" in signed["Authorization"]
    assert signed["Authorization"].endswith(
        "Signature=" + by_hand("POST", url, b'{"a": 1}', signed, "eu-central-1")
    )


async def test_a_path_goes_over_the_wire_as_it_was_signed() -> None:
    path = "/model/arn%3Aaws%3Abedrock%3Aeu%3A%3Aprofile%2Fnova-v1%3A0/converse"
    with RawServer() as server:
        server.scripts[path] = says(answer(b"{}"))
        transport = Transport()
        await transport.send(transport.prepare("POST", server.url + path), b"{}")
        await transport.aclose()
        assert [came.path for came in server.requests] == [path]


async def test_no_secret_of_amazons_is_shown_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    signer = aws(session_token=SecretStr("the-session-token"))
    await signer.headers("POST", "https://bedrock.us-east-1.amazonaws.com/x", b"{}", None)
    shown = repr(signer) + repr(vars(signer)) + caplog.text
    assert "wJalrX" not in shown
    assert "the-session-token" not in caplog.text + repr(signer)


@pytest.fixture
def home() -> Path:
    return Path.home()


@pytest.fixture
def no_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is not Amazon's: it is not asked who it is."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("no_machine")
async def test_without_a_key_pair_the_users_own_profile_signs(home: Path) -> None:
    folder = home / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(
        "[work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = secret-of-work\n"
    )
    signer = AWSSigner(FakeClock(NOON), region="us-east-1", profile="work")
    for _ in range(2):
        signed = await signer.headers("GET", "https://bedrock.us-east-1.amazonaws.com/", None, None)
        assert "Credential=AKIDWORK/20150830/" in signed["Authorization"]
    failure = await failure_of(AWSSigner(FakeClock(NOON), region="us-east-1", profile="play"))
    assert (failure.kind, failure.scope) == (FailureKind.AUTH, "account")
    assert "profile 'play'" in failure.message


@pytest.mark.usefixtures("no_machine")
async def test_credentials_that_expire_are_renewed(home: Path) -> None:
    """A helper program gives credentials for a minute: the next call has it run again."""
    folder = home / ".aws"
    folder.mkdir()
    program = folder / "helper.py"
    program.write_text(
        textwrap.dedent("""
        import datetime, json, pathlib
        counter = pathlib.Path(__file__).with_name("counter")
        n = int(counter.read_text()) + 1 if counter.exists() else 1
        counter.write_text(str(n))
        if n > 3:
            print("password=hunter2"); raise SystemExit(1)
        seconds = 60 if n == 1 else 36000
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
        print(json.dumps({"Version": 1, "AccessKeyId": f"AKID{n}", "SecretAccessKey": "s", "SessionToken": "t",
                          "Expiration": ends.isoformat()}))
        """)
    )
    (folder / "config").write_text(f"[profile helped]\ncredential_process = {sys.executable} {program}\n")
    signer = AWSSigner(FakeClock(NOON), region="us-east-1", profile="helped")
    seen: list[str] = []
    for _ in range(3):
        signed = await signer.headers("GET", "https://bedrock.us-east-1.amazonaws.com/", None, None)
        seen.append(signed["Authorization"].partition("Credential=")[2].partition("/")[0])
    assert len(set(seen[1:])) == 1
    assert seen[1] != "AKID1"
    (folder / "counter").write_text("9")
    failure = await failure_of(AWSSigner(FakeClock(NOON), region="us-east-1", profile="helped"))
    assert failure.kind is FailureKind.AUTH
    assert "hunter2" not in failure.message


@pytest.mark.usefixtures("no_machine")
async def test_without_any_credentials_the_names_to_set_are_said() -> None:
    failure = await failure_of(AWSSigner(FakeClock(NOON), region="us-east-1"))
    assert (failure.kind, failure.scope) == (FailureKind.AUTH, "account")
    assert "AWS_ACCESS_KEY_ID" in failure.message


@pytest.mark.usefixtures("no_machine")
async def test_a_role_that_cannot_be_taken(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / ".aws"
    folder.mkdir()
    (folder / "config").write_text(
        "[profile work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = secret-of-work\n"
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = work\nregion = us-east-1\n"
    )
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    why = b"<Code>AccessDenied</Code><Message>secret-of-work</Message>"
    refused = b"<ErrorResponse><Error>" + why + b"</Error></ErrorResponse>"
    with RawServer() as server:
        server.scripts["/"] = says(answer(refused, "403 Forbidden", "text/xml"))
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
        failure = await failure_of(AWSSigner(FakeClock(NOON), region="us-east-1", profile="role"))
        assert (failure.kind, failure.scope) == (FailureKind.AUTH, "account")
        assert "secret-of-work" not in failure.message
    # The server is gone: that is no fault of the credentials.
    failure = await failure_of(AWSSigner(FakeClock(NOON), region="us-east-1", profile="role"))
    assert (failure.kind, failure.scope) == (FailureKind.TRANSPORT, "account")


# --- IBM ---------------------------------------------------------------------------------------------------------

KEY = "the-secret-key-of-ibm"
TOKEN = {
    "access_token": "eyJraWQiOiIyMDI2MTEi.the-token",
    "refresh_token": "not_supported",
    "token_type": "Bearer",
    "expires_in": 3600,
    "expiration": 1_800_003_600,
    "scope": "ibm openid",
}


@pytest.fixture
def router() -> respx.Router:
    return respx.Router(assert_all_called=False)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_800_000_000.0)


@pytest.fixture
def ibm(router: respx.Router, clock: FakeClock) -> IBMSigner:
    return IBMSigner(SPECS["watsonx"], respx_transport(router), clock)


async def bearer(signer: Any, key: str | None = None) -> str:
    signed = await signer.headers("POST", "https://us-south.ml.cloud.ibm.com/ml/v1/text/chat", b"{}", key)
    return {name.lower(): value for name, value in signed.items()}["authorization"]


async def test_a_key_is_exchanged_for_a_token_that_is_kept_until_shortly_before_its_end(
    ibm: IBMSigner, router: respx.Router, clock: FakeClock
) -> None:
    route = router.post(IAM).respond(json=TOKEN)
    assert await bearer(ibm, KEY) == f"Bearer {TOKEN['access_token']}"
    request = route.calls.last.request
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.content.decode()) == {
        "grant_type": ["urn:ibm:params:oauth:grant-type:apikey"],
        "apikey": [KEY],
    }
    clock.advance(3530)
    await bearer(ibm, KEY)
    assert route.call_count == 1
    clock.advance(20)
    await bearer(ibm, KEY)
    assert route.call_count == 2


async def test_each_key_is_exchanged_once_however_many_calls_wait(
    ibm: IBMSigner, router: respx.Router
) -> None:
    asked: list[str] = []

    async def slowly(request: httpx.Request) -> httpx.Response:
        key = parse_qs(request.content.decode())["apikey"][0]
        asked.append(key)
        await anyio.sleep(0.01)
        return httpx.Response(200, json={**TOKEN, "access_token": f"token-of-{key}"})

    router.post(IAM).mock(side_effect=slowly)
    got: list[str] = []

    async def ask(key: str) -> None:
        got.append(await bearer(ibm, key))

    async with anyio.create_task_group() as tasks:
        for key in ("one", "two") * 5:
            tasks.start_soon(ask, key)
    assert sorted(asked) == ["one", "two"]
    assert sorted(got) == ["Bearer token-of-one"] * 5 + ["Bearer token-of-two"] * 5


NO_SUCH_KEY = {
    "errorCode": "BXNIM0415E",
    "errorMessage": f"Provided API key could not be found: {KEY}",
    "context": {"requestId": "x", "requestType": "incoming.Identity_Token"},
}


@pytest.mark.parametrize(
    ("response", "kind", "scope"),
    [
        ({"status_code": 400, "json": NO_SUCH_KEY}, FailureKind.AUTH, "account"),
        ({"status_code": 400, "json": {"errorCode": "BXNIM0109E"}}, FailureKind.AUTH, "account"),
        ({"status_code": 404, "text": "nothing here"}, FailureKind.AUTH, "account"),
        ({"status_code": 429, "json": {"errorCode": "BXNIM0444E"}}, FailureKind.RATE_MINUTE, "account"),
        ({"status_code": 503, "text": "<html><title>Sorry</title>"}, FailureKind.OVERLOADED, "upstream"),
        ({"status_code": 200, "text": "<html>"}, FailureKind.MALFORMED, "upstream"),
        ({"status_code": 200, "json": {"token": "?"}}, FailureKind.MALFORMED, "upstream"),
    ],
)
async def test_a_key_that_gets_no_token(
    ibm: IBMSigner, router: respx.Router, response: dict[str, Any], kind: FailureKind, scope: str
) -> None:
    router.post(IAM).respond(**response)
    failure = await failure_of(ibm, KEY)
    assert (failure.kind, failure.scope) == (kind, scope)
    assert KEY not in failure.message + repr(ibm)


async def test_ibm_out_of_reach(ibm: IBMSigner, router: respx.Router) -> None:
    router.post(IAM).mock(side_effect=httpx.ConnectError("no route"))
    assert (await failure_of(ibm, KEY)).kind is FailureKind.TRANSPORT


async def test_a_token_of_unknown_length_serves_one_call(ibm: IBMSigner, router: respx.Router) -> None:
    route = router.post(IAM).respond(json={"access_token": "t"})
    await bearer(ibm, KEY)
    await bearer(ibm, KEY)
    assert route.call_count == 2
    assert "t'" not in repr(ibm._tokens)


async def test_without_a_key_nothing_is_exchanged(ibm: IBMSigner, router: respx.Router) -> None:
    assert (await failure_of(ibm)).kind is FailureKind.AUTH
    assert not router.calls


def test_a_signer_serves_one_event_loop_after_the_other(ibm: IBMSigner, router: respx.Router) -> None:
    router.post(IAM).respond(json={**TOKEN, "expires_in": 1})
    for backend in ("asyncio", "trio", "asyncio"):
        assert anyio.run(bearer, ibm, KEY, backend=backend).startswith("Bearer ")


# --- Google ------------------------------------------------------------------------------------------------------

TOKEN_URI = "https://oauth2.googleapis.com/token"


def service_account(folder: Path, **differs: Any) -> Path:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "account.json"
    told = {
        "type": "service_account",
        "project_id": "acme",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "bot@acme.iam.gserviceaccount.com",
        "client_id": "2",
        "token_uri": TOKEN_URI,
        **differs,
    }
    file.write_text(json.dumps(told))
    return file


@pytest.fixture
def account(tmp_path: Path) -> Path:
    return service_account(tmp_path)


async def test_a_service_account_signs_for_a_token_that_is_kept(router: respx.Router, account: Path) -> None:
    route = router.post(TOKEN_URI).respond(
        json={"access_token": "ya29.first", "expires_in": 3599, "token_type": "Bearer"}
    )
    signer = GoogleSigner(respx_transport(router), file=str(account))
    assert await bearer(signer) == "Bearer ya29.first"
    assert await bearer(signer) == "Bearer ya29.first"
    assert route.call_count == 1
    form = parse_qs(route.calls.last.request.content.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert len(form["assertion"][0].split(".")) == 3
    assert "PRIVATE KEY" not in repr(signer)


async def test_a_token_that_ends_is_renewed(router: respx.Router, account: Path) -> None:
    answers = [{"access_token": f"ya29.{n}", "expires_in": 10} for n in range(2)]
    router.post(TOKEN_URI).mock(side_effect=[httpx.Response(200, json=a) for a in answers])
    signer = GoogleSigner(respx_transport(router), file=str(account))
    assert [await bearer(signer), await bearer(signer)] == ["Bearer ya29.0", "Bearer ya29.1"]


async def test_many_calls_at_once_ask_for_one_token(router: respx.Router, account: Path) -> None:
    async def slowly(request: httpx.Request) -> httpx.Response:
        await anyio.sleep(0.02)
        return httpx.Response(200, json={"access_token": "ya29.x", "expires_in": 3599})

    route = router.post(TOKEN_URI).mock(side_effect=slowly)
    signer = GoogleSigner(respx_transport(router), file=str(account))
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(bearer, signer)
    assert route.call_count == 1


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (
            {
                "status_code": 400,
                "json": {"error": "invalid_grant", "error_description": "Invalid JWT Signature."},
            },
            FailureKind.AUTH,
        ),
        ({"status_code": 503, "text": "sorry"}, FailureKind.OVERLOADED),
        ({"status_code": 429, "text": "slowly"}, FailureKind.OVERLOADED),
        ({"status_code": 200, "json": {"expires_in": 1}}, FailureKind.AUTH),
    ],
)
async def test_a_service_account_that_gets_no_token(
    router: respx.Router, account: Path, response: dict[str, Any], kind: FailureKind
) -> None:
    route = router.post(TOKEN_URI).respond(**response)
    failure = await failure_of(GoogleSigner(respx_transport(router), file=str(account)))
    assert failure.kind is kind
    assert route.call_count == 1  # exactly one attempt


async def test_google_out_of_reach(router: respx.Router, account: Path) -> None:
    router.post(TOKEN_URI).mock(side_effect=httpx.ConnectError("no route"))
    failure = await failure_of(GoogleSigner(respx_transport(router), file=str(account)))
    assert failure.kind is FailureKind.TRANSPORT


@pytest.mark.parametrize(
    "text",
    ["not json", "[]", "{}", '{"type": "other"}', '{"type": "service_account", "private_key": "hunter2"}'],
)
async def test_a_file_without_credentials(router: respx.Router, tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.json"
    file.write_text(text)
    failure = await failure_of(GoogleSigner(respx_transport(router), file=str(file)))
    assert (failure.kind, failure.scope) == (FailureKind.AUTH, "account")
    assert "broken.json" in failure.message
    assert "hunter2" not in failure.message


async def test_a_file_that_is_not_there(router: respx.Router, tmp_path: Path) -> None:
    failure = await failure_of(GoogleSigner(respx_transport(router), file=str(tmp_path / "none.json")))
    assert failure.kind is FailureKind.AUTH
    assert "none.json" in failure.message


async def test_a_key_that_is_none_says_nothing_of_itself(router: respx.Router, tmp_path: Path) -> None:
    file = service_account(
        tmp_path, private_key="-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----"
    )
    failure = await failure_of(GoogleSigner(respx_transport(router), file=str(file)))
    assert failure.kind is FailureKind.AUTH
    assert "hunter2" not in failure.message


async def test_without_a_file_whoever_is_signed_in_calls(
    router: respx.Router, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "gcloud"
    folder.mkdir()
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(folder))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "acme")
    told = {
        "type": "authorized_user",
        "client_id": "c",
        "client_secret": "s",
        "refresh_token": "r",
        "quota_project_id": "acme-pays",
    }
    (folder / "application_default_credentials.json").write_text(json.dumps(told))
    router.post(TOKEN_URI).respond(json={"access_token": "ya29.mine", "expires_in": 3599})
    signer = GoogleSigner(respx_transport(router))
    signed = await signer.headers("POST", "https://aiplatform.googleapis.com/", b"{}", None)
    assert signed == {"authorization": "Bearer ya29.mine", "x-goog-user-project": "acme-pays"}


async def test_nobody_is_signed_in(router: respx.Router, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    failure = await failure_of(GoogleSigner(respx_transport(router)))
    assert failure.kind is FailureKind.AUTH


# --- which one ---------------------------------------------------------------------------------------------------


def chosen(provider: str, found: Mapping[str, str], variables: Mapping[str, str] = {}) -> Any:
    secrets = {name: SecretStr(value) for name, value in found.items()}
    return signer_for(SPECS[provider], secrets, variables, Transport(), FakeClock(NOON))


async def test_a_row_names_its_signer() -> None:
    assert chosen("groq", {}) is None
    assert isinstance(chosen("watsonx", {}), IBMSigner)
    assert (
        repr(chosen("vertex", {"GOOGLE_APPLICATION_CREDENTIALS": "a.json"})) == "GoogleSigner(file='a.json')"
    )
    assert repr(chosen("vertex", {})) == "GoogleSigner(file=None)"
    assert repr(chosen("bedrock", {"AWS_PROFILE": "work"}, {"region": "eu-west-1"})) == (
        "AWSSigner('bedrock', 'eu-west-1', profile='work')"
    )
    found = {"AWS_ACCESS_KEY_ID": "AKIDX", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "tok"}
    signed = await chosen("bedrock", found).headers("GET", "https://a.amazonaws.com/", None, None)
    assert "Credential=AKIDX/20150830/us-east-1/bedrock/aws4_request" in signed["Authorization"]
    assert signed["X-Amz-Security-Token"] == "tok"


@pytest.mark.parametrize(
    ("provider", "module", "extra"),
    [("bedrock", "botocore", "bedrock"), ("vertex", "google.auth", "vertex"), ("vertex", "google", "vertex")],
)
def test_what_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, provider: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    if module == "google":
        monkeypatch.delitem(sys.modules, "google.auth", raising=False)
    with pytest.raises(MissingExtra, match=rf"aiorch-sdk\[{extra}\]"):
        chosen(provider, {})


# --- a call through a provider -----------------------------------------------------------------------------------


@pytest.fixture
async def signed_call(router: respx.Router, anyio_backend: str) -> httpx.Request:
    router.post(url__startswith="https://bedrock-runtime.eu-west-1.amazonaws.com/").respond(
        json={"output": {"message": {"content": [{"text": "hello"}]}}, "stopReason": "end_turn"}
    )
    clock = FakeClock(NOON)
    signer = AWSSigner(clock, region="eu-west-1", access_key=EXAMPLE[0], secret_key=EXAMPLE[1])
    provider = HTTPProvider(
        SPECS["bedrock"],
        respx_transport(router),
        keys={},
        variables={"region": "eu-west-1"},
        signer=signer,
        clock=clock,
    )
    response = await provider.complete(
        Deployment("bedrock", "amazon.nova-micro-v1:0"), Request((Message.user("hi"),))
    )
    assert response.message.text == "hello"
    return router.calls.last.request


async def test_a_provider_signs_the_very_bytes_that_it_sends(signed_call: httpx.Request) -> None:
    request = signed_call
    url = "https://bedrock-runtime.eu-west-1.amazonaws.com/model/amazon.nova-micro-v1%3A0/converse"
    assert str(request.url) == url
    signed = {"X-Amz-Date": request.headers["x-amz-date"]}
    expected = by_hand("POST", url, request.content, signed, "eu-west-1")
    assert request.headers["authorization"].endswith(expected)
    assert time.strptime(signed["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
