"""Tokens: who signs, what is refused, and that identity is asked rarely."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey, RSAKey

from chassis.auth import PublishedKeys, StaticKeys, Verifier
from chassis.errors import TokenExpired, TokenInvalid, Unavailable
from chassis.testing import SIGNING_KEY, signed
from chassis.testing.tokens import claims_of

ME = "/api/workshop/v1/me"
KID = SIGNING_KEY.kid or ""
STRANGER = OKPKey.generate_key("Ed25519", parameters={"kid": "stranger"})
IMPOSTOR = OKPKey.generate_key("Ed25519", parameters={"kid": KID})


def claims(**changed: Any) -> dict[str, Any]:
    found = {**claims_of(uuid4(), "user", ["sales"]), **changed}
    return {name: value for name, value in found.items() if value is not None}


def unsigned(algorithm: str) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': algorithm, 'kid': SIGNING_KEY.kid})}.{part(claims())}."


def symmetric() -> str:
    """The old trick: the public key taken for an HMAC secret."""
    secret = OctKey.import_key(json.dumps(SIGNING_KEY.as_dict(private=False)))
    return jwt.encode({"alg": "HS256", "kid": SIGNING_KEY.kid}, claims(), secret, algorithms=["HS256"])


def by_rsa() -> str:
    key = RSAKey.generate_key(2048, parameters={"kid": KID})
    return jwt.encode({"alg": "RS256", "kid": SIGNING_KEY.kid}, claims(), key, algorithms=["RS256"])


def with_embedded_key() -> str:
    return signed(claims(), STRANGER, jwk=STRANGER.as_dict(private=False))


def changed_afterwards() -> str:
    head, _, signature = signed(claims()).split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(roles=["admin"])).encode()).decode().rstrip("=")
    return f"{head}.{body}.{signature}"


def in_an_hour() -> int:
    return int(time.time()) + 3600


# Made when they are used: a session of tests may outlive a token.
REFUSED: dict[str, Callable[[], str]] = {
    "unsigned": lambda: unsigned("none"),
    "unsigned in capitals": lambda: unsigned("NONE"),
    "signed with the public key": symmetric,
    "another algorithm": by_rsa,
    "unknown key": lambda: signed(claims(), STRANGER),
    "known name, other key": lambda: signed(claims(), IMPOSTOR),
    "its own key": with_embedded_key,
    "changed afterwards": changed_afterwards,
    "foreign issuer": lambda: signed(claims(iss="elsewhere")),
    "foreign audience": lambda: signed(claims(aud="elsewhere")),
    "no audience": lambda: signed(claims(aud=None)),
    "no end": lambda: signed(claims(exp=None)),
    "end as text": lambda: signed(claims(exp="tomorrow")),
    "not yet": lambda: signed(claims(nbf=in_an_hour())),
    "no subject": lambda: signed(claims(sub=None)),
    "subject is no id": lambda: signed(claims(sub="root")),
    "unknown kind": lambda: signed(claims(kind="god")),
    "teams are no ids": lambda: signed(claims(teams=["blue"])),
    "no key id": lambda: jwt.encode({"alg": "EdDSA"}, claims(), SIGNING_KEY, algorithms=["EdDSA"]),
    "garbage": lambda: "a.b.c",
    "two parts": lambda: "abc.def",
    "empty parts": lambda: "..",
    "very long": lambda: "a" * 10_000,
    "not ascii": lambda: "żółw.żółw.żółw",
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_wrong_token_is_refused(client: Any, name: str) -> None:
    answer = await client.get(ME, headers={"Authorization": f"Bearer {REFUSED[name]()}".encode()})
    assert answer.status_code == 401, name
    assert answer.json()["code"] == "token_invalid"
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_an_expired_token_says_so(client: Any) -> None:
    token = signed(claims(exp=time.time() - 120))
    answer = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401 and answer.json()["code"] == "token_expired"


async def test_clocks_may_differ_by_a_minute(client: Any) -> None:
    now = time.time()
    for token in (signed(claims(exp=now - 20)), signed(claims(nbf=now + 30))):
        assert (await client.get(ME, headers={"Authorization": f"Bearer {token}"})).status_code == 200


@pytest.mark.parametrize("header", [None, "Basic YTpi", "Bearer", "Bearer  ", "token"])
async def test_no_token_is_a_401(client: Any, header: str | None) -> None:
    answer = await client.get(ME, headers={"Authorization": header} if header is not None else {})
    assert answer.status_code == 401 and answer.json()["code"] == "unauthenticated"


async def test_a_good_token_names_its_principal(client: Any, as_role: Any) -> None:
    answer = await client.get(ME, headers=as_role("sales", "marketing"))
    assert answer.json()["roles"] == ["marketing", "sales"]
    assert (await client.get(ME, headers=as_role("service"))).json()["kind"] == "service"


async def test_a_remembered_token_expires_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = Verifier(StaticKeys(SIGNING_KEY))
    token = signed(claims(exp=time.time() + 10))
    await verifier.verify(token)
    later = time.time() + 120
    monkeypatch.setattr("chassis.auth.time.time", lambda: later)
    with pytest.raises(TokenExpired):
        await verifier.verify(token)


class Published:
    """Identity's key document, with a count of how often it was fetched."""

    def __init__(self, *keys: OKPKey) -> None:
        self.keys = list(keys)
        self.fetched = 0
        self.is_down = False

    async def fetch(self) -> dict[str, Any]:
        self.fetched += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise ConnectionRefusedError
        return {"keys": [key.as_dict(private=False) for key in self.keys]}


async def test_identity_is_asked_once_for_many_requests() -> None:
    identity = Published(SIGNING_KEY)
    verifier = Verifier(PublishedKeys(identity.fetch))
    await asyncio.gather(*(verifier.verify(signed(claims())) for _ in range(20)))
    assert identity.fetched == 1


async def test_unknown_key_names_cause_no_storm() -> None:
    identity = Published(SIGNING_KEY)
    verifier = Verifier(PublishedKeys(identity.fetch))
    await verifier.verify(signed(claims()))
    for _ in range(20):
        with pytest.raises(TokenInvalid):
            await verifier.verify(signed(claims(), STRANGER))
    assert identity.fetched == 1


async def test_a_new_key_is_found_and_the_old_one_stays() -> None:
    identity = Published(SIGNING_KEY)
    verifier = Verifier(PublishedKeys(identity.fetch, pause=0))
    await verifier.verify(signed(claims()))
    identity.keys.append(STRANGER)
    await verifier.verify(signed(claims(), STRANGER))
    await verifier.verify(signed(claims()))
    assert identity.fetched == 2


async def test_a_withdrawn_key_is_forgotten() -> None:
    identity = Published(SIGNING_KEY, STRANGER)
    keys = PublishedKeys(identity.fetch, pause=0, max_age=0)
    assert await keys.key("stranger") is not None
    identity.keys.remove(STRANGER)
    assert await keys.key("stranger") is None
    identity.is_down = True
    assert await keys.key(KID) is not None, "what was known serves while nobody answers"


async def test_known_keys_serve_while_identity_is_down() -> None:
    identity = Published(SIGNING_KEY)
    verifier = Verifier(PublishedKeys(identity.fetch, pause=0))
    await verifier.verify(signed(claims()))
    identity.is_down = True
    await verifier.verify(signed(claims()))
    with pytest.raises(TokenInvalid):
        await verifier.verify(signed(claims(), STRANGER))


async def test_without_any_key_the_answer_is_come_back() -> None:
    identity = Published(SIGNING_KEY)
    identity.is_down = True
    with pytest.raises(Unavailable):
        await Verifier(PublishedKeys(identity.fetch)).verify(signed(claims()))


async def test_private_parts_of_a_published_document_are_no_signing_keys() -> None:
    """Keys of other kinds in the document are passed over."""

    async def fetch() -> dict[str, Any]:
        rsa = RSAKey.generate_key(2048, parameters={"kid": "rsa"})
        return {"keys": [rsa.as_dict(private=False), SIGNING_KEY.as_dict(private=False)]}

    keys = PublishedKeys(fetch)
    assert await keys.key(SIGNING_KEY.kid or "") is not None
    assert await keys.key("rsa") is None
