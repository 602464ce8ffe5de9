"""HTTP in; the answer, the rows and the events out."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient
from sqlalchemy import func, select, text

from accounts.models import Account, Contact
from accounts.queries.search import found_in
from chassis.service import Runtime
from chassis.testing import Answers, AsRole, Outbox, Publisher
from contracts import accounts as facts
from contracts.event import utc
from contracts.identity import UserCreated, UserState

CLAIMS = "/api/dedup/v1/claims"
ROOT = "/api/accounts/v1"
ACCOUNTS = f"{ROOT}/accounts"
CONTACTS = f"{ROOT}/contacts"
NOW = utc("2026-11-23T09:00:00Z")

# The values of ACC-03: what a salesperson typed when the first CRM was shown.
GET_CLOUDY = {
    "name": "Get Cloudy",
    "phone": "775-555-5309",
    "account_number": "117",
    "site": "Single Location",
    "type": "Customer - Direct",
    "industry": "Consulting",
}
COMPLETE = {
    "name": "Alfa",
    "legal_name": "Alfa S.r.l.",
    "billing": {"street": "Via Roma 1", "city": "Roma", "postal_code": "00100", "country": "IT"},
    "tax_number": "IT 00743110157",
}
Make = Callable[..., Awaitable[dict[str, Any]]]


def decided(decision: str, **more: Any) -> Callable[[Any], Any]:
    def decide(body: Any) -> Any:
        if not isinstance(body, dict):
            return None
        return {"results": [{"record_id": each["record_id"], "decision": decision, **more} for each in body["items"]]}

    return decide


@pytest.fixture(autouse=True)
def dedup_answers(answer: Answers) -> None:
    answer("dedup", CLAIMS, decided("clear"))


@pytest.fixture
def make(client: AsyncClient, as_role: AsRole) -> Make:
    async def create(path: str = ACCOUNTS, *, by: str = "sales", **fields: Any) -> dict[str, Any]:
        response = await client.post(path, json=fields, headers=as_role(by))
        assert response.status_code == 201, response.text
        return dict(response.json())

    return create


@pytest.fixture
def known_user(publish: Publisher) -> Callable[..., Awaitable[UUID]]:
    async def add(**fields: Any) -> UUID:
        user_id = fields.pop("id", None) or uuid4()
        state = {
            "id": user_id,
            "version": 1,
            "created_at": NOW,
            "updated_at": NOW,
            "email": "b@example.com",
            "name": "Bo",
        }
        await publish(UserCreated(state=UserState.model_validate({**state, **fields})))
        return UUID(str(user_id))

    return add


def problems(response: Any) -> list[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in response.json()["errors"]]


class TestCreate:
    async def test_an_account_is_read_back_as_it_was_typed(
        self, client: AsyncClient, as_role: AsRole, emitted: Outbox
    ) -> None:
        sent = {**GET_CLOUDY, "billing": {"city": "Reno", "region": "NV"}}
        created = await client.post(ACCOUNTS, json=sent, headers=as_role("sales"))
        assert (created.status_code, created.headers["etag"]) == (201, '"1"')
        read = (await client.get(created.headers["location"], headers=as_role("read_only"))).json()
        assert {name: read[name] for name in GET_CLOUDY} == GET_CLOUDY
        assert (read["billing"]["city"], read["billing"]["region"]) == ("Reno", "NV")
        [event] = await emitted()
        assert isinstance(event, facts.AccountCreated)
        assert (event.state.billing, event.previous) == (facts.Address(city="Reno", region="NV"), {})

    async def test_only_a_name_is_needed(self, make: Make) -> None:
        created = await make(name="Alfa")
        assert (created["kind"], created["verification"], created["version"]) == ("business", "to_verify", 1)
        assert created["owner_id"] == created["created_by"]

    async def test_a_phone_is_kept_as_typed_and_in_e164(self, make: Make) -> None:
        created = await make(name="Alfa", phone="055 234 5678", billing={"country": "it"})
        assert (created["phone"], created["phone_e164"]) == ("055 234 5678", "+390552345678")

    async def test_a_tax_number_is_coded_by_its_country(self, make: Make) -> None:
        created = await make(name="Alfa", tax_number="PL 526-025-02-74")
        assert (created["tax_number"], created["tax_country"]) == ("5260250274", "PL")

    async def test_the_longest_texts_fit_into_an_event(
        self, make: Make, client: AsyncClient, as_role: AsRole, emitted: Outbox
    ) -> None:
        created = await make(name="𝔸" * 255, description="𝔸" * 5_000)
        sent = {"name": "𝔹" * 255, "description": "\x01\x02" + "𝔹" * 4_999 + "\n"}
        headers = {**as_role("sales"), "If-Match": '"1"'}
        response = await client.patch(f"{ACCOUNTS}/{created['id']}", json=sent, headers=headers)
        assert (response.status_code, response.json()["description"]) == (200, "𝔹" * 4_999)
        [changed] = await emitted(facts.AccountChanged)
        assert changed.previous["description"] == "𝔸" * 5_000

    async def test_money_keeps_its_digits(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        created = await make(name="Alfa", annual_revenue={"amount": "1250000.10", "currency": "EUR"}, currency="pln")
        read = (await client.get(f"{ACCOUNTS}/{created['id']}", headers=as_role("sales"))).json()
        assert (read["annual_revenue"], read["currency"]) == ({"amount": "1250000.10", "currency": "EUR"}, "PLN")

    async def test_a_person_account_is_named_by_its_person(self, make: Make, emitted: Outbox) -> None:
        created = await make(
            kind="person", first_name="Łucja", last_name="Żak", email="l@example.com", birthday="1990-02-28"
        )
        assert created["name"] == "Łucja Żak"
        [event] = await emitted(facts.AccountCreated)
        assert (event.state.kind, event.state.name, str(event.state.birthday)) == ("person", "Łucja Żak", "1990-02-28")

    @pytest.mark.parametrize(
        ("fields", "pointer", "code"),
        [
            ({"name": None}, "/name", "not_text"),
            ({"name": ""}, "/name", "required"),
            ({"name": "x" * 256}, "/name", "too_long"),
            ({"name": 5}, "/name", "not_text"),
            ({"name": "a\x00b"}, None, "malformed_json"),
            ({"colour": "red"}, "/colour", "unknown_field"),
            ({"version": 7}, "/version", "unknown_field"),
            ({"kind": "partner"}, "/kind", "not_an_option"),
            ({"type": "Friend"}, "/type", "not_an_option"),
            ({"email": "nobody"}, "/email", "email_invalid"),
            ({"phone": "call me"}, "/phone", "phone_invalid"),
            ({"phone": "+1"}, "/phone", "phone_invalid"),
            ({"website": "not a page"}, "/website", "url_invalid"),
            ({"tax_number": "!"}, "/tax_number", "tax_number_invalid"),
            ({"tax_number": "526-025-02-75", "tax_country": "PL"}, "/tax_number", "tax_number_invalid"),
            ({"tax_country": "Poland"}, "/tax_country", "country_unknown"),
            ({"billing": {"country": "XX"}}, "/billing/country", "country_unknown"),
            ({"billing": {"planet": "Mars"}}, "/billing/planet", "unknown_field"),
            ({"billing": "Roma"}, "/billing", "not_an_object"),
            ({"employees": "five"}, "/employees", "not_a_whole_number"),
            ({"employees": True}, "/employees", "not_a_whole_number"),
            ({"employees": -1}, "/employees", "out_of_range"),
            ({"annual_revenue": {"amount": "1"}}, "/annual_revenue/currency", "required"),
            ({"annual_revenue": {"amount": "NaN", "currency": "EUR"}}, "/annual_revenue/amount", "not_a_number"),
            ({"currency": "EURO"}, "/currency", "currency_unknown"),
            ({"birthday": "30.2.1990"}, "/birthday", "date_invalid"),
            ({"birthday": 0}, "/birthday", "date_invalid"),
            ({"owner_id": "me"}, "/owner_id", "id_invalid"),
            ({"description": "x" * 5_001}, "/description", "too_long"),
            ({"owner_id": "00000000-0000-7000-8000-000000000001"}, "/owner_id", "user_unknown"),
            ({"parent_id": "00000000-0000-7000-8000-000000000001"}, "/parent_id", "account_unknown"),
        ],
    )
    async def test_wrong_values_are_pointed_at(
        self,
        client: AsyncClient,
        as_role: AsRole,
        emitted: Outbox,
        answer: Answers,
        fields: dict[str, Any],
        pointer: str | None,
        code: str,
    ) -> None:
        response = await client.post(ACCOUNTS, json={"name": "Alfa", **fields}, headers=as_role("sales"))
        if pointer is None:
            assert (response.status_code, response.json()["code"]) == (400, code)
        else:
            assert (response.status_code, problems(response)) == (422, [(pointer, code)]), response.text
        assert response.headers["content-type"] == "application/problem+json"
        assert await emitted() == []
        assert answer.asked == []

    async def test_a_missing_name_is_named(self, client: AsyncClient, as_role: AsRole) -> None:
        response = await client.post(ACCOUNTS, json={}, headers=as_role("sales"))
        assert (response.status_code, problems(response)) == (422, [("/name", "required")])

    async def test_a_huge_body_is_refused(self, client: AsyncClient, as_role: AsRole) -> None:
        body = {"name": "Alfa", "description": "x" * 20_000_000}
        response = await client.post(ACCOUNTS, json=body, headers=as_role("sales"))
        assert (response.status_code, response.json()["code"]) == (413, "body_too_large")

    @pytest.mark.parametrize("role", ["read_only", "service"])
    async def test_who_may_only_read_creates_nothing(self, client: AsyncClient, as_role: AsRole, role: str) -> None:
        response = await client.post(ACCOUNTS, json={"name": "Alfa"}, headers=as_role(role))
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")

    async def test_nobody_unknown_reads_or_writes(self, client: AsyncClient) -> None:
        for path in (ACCOUNTS, CONTACTS, f"{ROOT}/search?q=a", f"{ROOT}/imports", f"{ROOT}/meta"):
            assert (await client.get(path)).status_code == 401
        assert (await client.post(ACCOUNTS, json={"name": "Alfa"})).status_code == 401

    async def test_a_repeated_request_has_its_effect_once(
        self, client: AsyncClient, as_role: AsRole, emitted: Outbox
    ) -> None:
        headers = {**as_role("sales"), "Idempotency-Key": "k1"}
        first = await client.post(ACCOUNTS, json={"name": "Alfa"}, headers=headers)
        again = await client.post(ACCOUNTS, json={"name": "Alfa"}, headers=headers)
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotent-replay"] == "true"
        other = await client.post(ACCOUNTS, json={"name": "Beta"}, headers=headers)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert len(await emitted()) == 1

    async def test_the_owner_is_an_active_user(
        self, client: AsyncClient, as_role: AsRole, known_user: Callable[..., Awaitable[UUID]], make: Make
    ) -> None:
        active, gone = await known_user(), await known_user(is_active=False)
        assert (await make(name="Alfa", owner_id=str(active)))["owner_id"] == str(active)
        response = await client.post(ACCOUNTS, json={"name": "Beta", "owner_id": str(gone)}, headers=as_role("sales"))
        assert (response.status_code, problems(response)) == (422, [("/owner_id", "user_inactive")])


class TestDuplicates:
    CANDIDATE = {"object": "account", "id": str(uuid4()), "label": "Alfa", "score": 0.99, "reasons": []}

    async def test_a_block_is_told_with_its_candidates(
        self, client: AsyncClient, as_role: AsRole, answer: Answers, emitted: Outbox
    ) -> None:
        answer("dedup", CLAIMS, decided("blocked", candidates=[self.CANDIDATE], hidden_matches=1))
        response = await client.post(ACCOUNTS, json={"name": "Alfa"}, headers=as_role("sales"))
        problem = response.json()
        assert (response.status_code, problem["code"], problem["hidden_matches"]) == (409, "duplicate_blocked", 1)
        assert problem["candidates"][0]["label"] == "Alfa"
        assert await emitted() == []

    async def test_a_warning_is_answered_with_its_token(
        self, client: AsyncClient, as_role: AsRole, answer: Answers
    ) -> None:
        def ask_once(body: Any) -> Any:
            known = body["items"][0]["confirm_token"] == "seen"
            return decided("clear" if known else "confirm", token="seen", candidates=[self.CANDIDATE])(body)

        answer("dedup", CLAIMS, ask_once)
        response = await client.post(ACCOUNTS, json={"name": "Alfa"}, headers=as_role("sales"))
        assert (response.status_code, response.json()["code"]) == (409, "duplicate_confirm")
        sent = {"name": "Alfa", "duplicate_token": response.json()["token"]}
        assert (await client.post(ACCOUNTS, json=sent, headers=as_role("sales"))).status_code == 201

    async def test_an_alert_comes_with_the_new_record(self, make: Make, answer: Answers) -> None:
        answer("dedup", CLAIMS, decided("alert", candidates=[self.CANDIDATE], hidden_matches=2))
        created = await make(name="Alfa")
        assert [each["id"] for each in created["duplicate_candidates"]] == [self.CANDIDATE["id"]]
        assert created["hidden_matches"] == 2

    async def test_without_an_answer_nothing_is_saved(
        self, client: AsyncClient, as_role: AsRole, answer: Answers, emitted: Outbox
    ) -> None:
        answer("dedup", CLAIMS, lambda body: (503, {"code": "unavailable"}))
        response = await client.post(ACCOUNTS, json={"name": "Alfa"}, headers=as_role("sales"))
        assert (response.status_code, response.json()["code"]) == (503, "duplicate_check_unavailable")
        assert await emitted() == []

    async def test_the_question_shows_who_asks_and_what_will_be_stored(self, make: Make, answer: Answers) -> None:
        created = await make(**COMPLETE)
        [(_, _, body)] = answer.asked
        [item] = body["items"]
        assert (item["object"], item["record_id"], item["event"], item["path"]) == (
            "account",
            created["id"],
            "create",
            "api",
        )
        assert item["viewer"] == {"user_id": created["owner_id"], "roles": ["sales"], "team_ids": []}
        assert item["fields"]["tax_number"] == "00743110157"
        assert item["fields"]["billing"]["postal_code"] == "00100"

    async def test_an_edit_asks_only_when_a_matched_field_changes(
        self, make: Make, client: AsyncClient, as_role: AsRole, answer: Answers
    ) -> None:
        created = await make(name="Alfa", phone="055 2345678")
        address, headers = f"{ACCOUNTS}/{created['id']}", as_role("sales")
        answer.asked.clear()
        same = {"rating": "Hot", "phone": "055 2345678"}
        assert (await client.patch(address, json=same, headers={**headers, "If-Match": '"1"'})).status_code == 200
        assert answer.asked == []
        answer("dedup", CLAIMS, decided("blocked"))
        response = await client.patch(address, json={"name": "Beta"}, headers={**headers, "If-Match": '"2"'})
        assert (response.status_code, response.json()["code"]) == (409, "duplicate_blocked")
        assert answer.asked[0][2]["items"][0]["event"] == "edit"
        assert (await client.get(address, headers=headers)).json()["name"] == "Alfa"

    async def test_a_failed_write_lets_its_claim_go(
        self, make: Make, client: AsyncClient, as_role: AsRole, answer: Answers
    ) -> None:
        created = await make(name="Alfa")
        claim_id = str(uuid4())
        answer("dedup", CLAIMS, decided("clear", claim_id=claim_id))
        headers = {**as_role("sales"), "If-Match": '"9"'}
        response = await client.patch(f"{ACCOUNTS}/{created['id']}", json={"name": "Beta"}, headers=headers)
        assert response.status_code == 412
        assert answer.asked[-1][:2] == ("DELETE", f"/dedup{CLAIMS}/{claim_id}")


class TestEdit:
    async def test_an_edit_says_what_was_before(
        self, make: Make, client: AsyncClient, as_role: AsRole, emitted: Outbox
    ) -> None:
        created = await make(name="Alfa", billing={"city": "Roma", "country": "IT"}, rating="Cold")
        headers = {**as_role("sales"), "If-Match": '"1"'}
        sent = {"rating": "Hot", "billing": {"city": "Bari"}, "phone": "055 2345678"}
        response = await client.patch(f"{ACCOUNTS}/{created['id']}", json=sent, headers=headers)
        assert (response.status_code, response.headers["etag"]) == (200, '"2"')
        assert response.json()["billing"]["country"] == "IT"
        [event] = await emitted(facts.AccountChanged)
        assert set(event.previous) == {"rating", "billing", "phone", "phone_e164"}
        assert (event.previous["rating"], event.previous["billing"]["city"]) == ("Cold", "Roma")
        assert event.state.version == 2

    async def test_an_edit_without_effect_writes_nothing(
        self, make: Make, client: AsyncClient, as_role: AsRole, emitted: Outbox
    ) -> None:
        created = await make(name="Alfa")
        headers = {**as_role("sales"), "If-Match": '"1"'}
        response = await client.patch(f"{ACCOUNTS}/{created['id']}", json={"name": "Alfa"}, headers=headers)
        assert (response.status_code, response.headers["etag"]) == (200, '"1"')
        assert len(await emitted()) == 1

    async def test_null_clears_a_field(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        created = await make(name="Alfa", phone="055 2345678", billing={"city": "Roma"})
        headers = {**as_role("sales"), "If-Match": '"1"'}
        sent = {"phone": None, "billing": None}
        read = (await client.patch(f"{ACCOUNTS}/{created['id']}", json=sent, headers=headers)).json()
        assert (read["phone"], read["billing"]) == (None, None)

    @pytest.mark.parametrize(
        ("if_match", "status", "code"),
        [
            (None, 428, "if_match_required"),
            ('"7"', 412, "version_conflict"),
            ("7", 400, "if_match_malformed"),
            ("*", 400, "if_match_malformed"),
            ('W/"1"', 400, "if_match_malformed"),
        ],
    )
    async def test_an_edit_names_the_version_it_has_seen(
        self, make: Make, client: AsyncClient, as_role: AsRole, if_match: str | None, status: int, code: str
    ) -> None:
        created = await make(name="Alfa")
        headers = as_role("sales") | ({"If-Match": if_match} if if_match else {})
        response = await client.patch(f"{ACCOUNTS}/{created['id']}", json={"rating": "Hot"}, headers=headers)
        assert (response.status_code, response.json()["code"]) == (status, code)

    async def test_of_two_edits_at_once_one_wins(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        created = await make(name="Alfa")
        headers = {**as_role("sales"), "If-Match": '"1"'}
        answers = await asyncio.gather(
            *(
                client.patch(f"{ACCOUNTS}/{created['id']}", json={"rating": rating}, headers=headers)
                for rating in ("Hot", "Warm", "Cold")
            )
        )
        assert sorted(each.status_code for each in answers) == [200, 412, 412]

    @pytest.mark.parametrize(
        ("fields", "status", "code"),
        [
            ({"kind": "person"}, 409, "account_kind_immutable"),
            ({"name": None}, 422, "validation_failed"),
            ({"owner_id": None}, 422, "validation_failed"),
            ({"verification": "verified"}, 422, "validation_failed"),
            ({"is_deleted": True}, 422, "validation_failed"),
            ({"tax_number": "1234567890", "tax_country": "PL"}, 422, "validation_failed"),
        ],
    )
    async def test_what_an_edit_may_not_do(
        self, make: Make, client: AsyncClient, as_role: AsRole, fields: dict[str, Any], status: int, code: str
    ) -> None:
        created = await make(name="Alfa")
        headers = {**as_role("admin"), "If-Match": '"1"'}
        response = await client.patch(f"{ACCOUNTS}/{created['id']}", json=fields, headers=headers)
        assert (response.status_code, response.json()["code"]) == (status, code)

    async def test_salespeople_change_their_own_records_only(
        self, make: Make, client: AsyncClient, as_role: AsRole
    ) -> None:
        created = await make(name="Alfa")
        address = f"{ACCOUNTS}/{created['id']}"
        someone = {**as_role("sales", user_id=uuid4()), "If-Match": '"1"'}
        assert (await client.patch(address, json={"rating": "Hot"}, headers=someone)).status_code == 403
        assert (await client.delete(address, headers=someone)).status_code == 403
        unknown = await client.patch(f"{ACCOUNTS}/{uuid4()}", json={"rating": "Hot"}, headers=someone)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "account_not_found")

    async def test_managers_change_what_their_team_owns(
        self, client: AsyncClient, as_role: AsRole, known_user: Callable[..., Awaitable[UUID]], make: Make
    ) -> None:
        team, other = uuid4(), uuid4()
        owner = await known_user(team_ids=[team])
        created = await make(name="Alfa", owner_id=str(owner))
        address = f"{ACCOUNTS}/{created['id']}"
        outsider = {**as_role("sales_manager", team_ids=[other]), "If-Match": '"1"'}
        assert (await client.patch(address, json={"rating": "Hot"}, headers=outsider)).status_code == 403
        manager = {**as_role("sales_manager", team_ids=[team]), "If-Match": '"1"'}
        assert (await client.patch(address, json={"rating": "Hot"}, headers=manager)).status_code == 200


class TestHierarchy:
    async def test_the_group_is_returned_in_one_call(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        top = await make(name="Holding")
        middle = await make(name="Italia", parent_id=top["id"])
        leaf = await make(name="Milano", parent_id=middle["id"])
        await make(name="Polska", parent_id=top["id"])
        tree = (await client.get(f"{ACCOUNTS}/{leaf['id']}/hierarchy", headers=as_role("read_only"))).json()["items"]
        assert [(node["depth"], node["name"]) for node in tree] == [
            (0, "Holding"),
            (1, "Italia"),
            (1, "Polska"),
            (2, "Milano"),
        ]

    async def test_a_deleted_parent_ends_the_way_up(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        top = await make(name="Holding")
        leaf = await make(name="Milano", parent_id=top["id"])
        await client.delete(f"{ACCOUNTS}/{top['id']}", headers=as_role("sales"))
        tree = (await client.get(f"{ACCOUNTS}/{leaf['id']}/hierarchy", headers=as_role("sales"))).json()["items"]
        assert [node["name"] for node in tree] == ["Milano"]

    async def test_nobody_stands_above_himself(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        top = await make(name="Holding")
        leaf = await make(name="Milano", parent_id=(await make(name="Italia", parent_id=top["id"]))["id"])
        for parent in (top["id"], leaf["id"]):
            headers = {**as_role("sales"), "If-Match": '"1"'}
            response = await client.patch(f"{ACCOUNTS}/{top['id']}", json={"parent_id": parent}, headers=headers)
            assert (response.status_code, response.json()["code"]) == (409, "account_hierarchy_cycle")

    async def test_two_moves_at_once_make_no_cycle(
        self, make: Make, client: AsyncClient, as_role: AsRole, runtime: Runtime
    ) -> None:
        one, two = await make(name="One"), await make(name="Two")
        headers = {**as_role("sales"), "If-Match": '"1"'}
        answers = await asyncio.gather(
            client.patch(f"{ACCOUNTS}/{one['id']}", json={"parent_id": two["id"]}, headers=headers),
            client.patch(f"{ACCOUNTS}/{two['id']}", json={"parent_id": one["id"]}, headers=headers),
        )
        assert sorted(each.status_code for each in answers) == [200, 409]
        async with runtime.db.read() as session:
            count = select(func.count()).select_from(Account).where(Account.parent_id.is_not(None))
            assert await session.scalar(count) == 1

    async def test_persons_stand_in_no_hierarchy(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        person, company = await make(kind="person", last_name="Rossi"), await make(name="Alfa")
        for kind, parent in (("person", company), ("business", person)):
            sent = {"kind": kind, "name": "Beta", "parent_id": parent["id"]}
            response = await client.post(ACCOUNTS, json=sent, headers=as_role("sales"))
            assert (response.status_code, response.json()["code"]) == (409, "person_account_has_no_hierarchy")


class TestOwner:
    async def test_an_account_changes_hands_with_its_owners_contacts(
        self,
        make: Make,
        client: AsyncClient,
        as_role: AsRole,
        emitted: Outbox,
        known_user: Callable[..., Awaitable[UUID]],
    ) -> None:
        heir = await known_user()
        created = await make(name="Alfa")
        own = await make(CONTACTS, last_name="Rossi", account_id=created["id"])
        others = await make(CONTACTS, last_name="Bianchi", account_id=created["id"], by="marketing")
        response = await client.post(
            f"{ACCOUNTS}/{created['id']}/owner", json={"owner_id": str(heir)}, headers=as_role("sales")
        )
        assert (response.status_code, response.json()["owner_id"]) == (200, str(heir))
        [assigned] = await emitted(facts.AccountAssigned)
        assert (assigned.state.owner_id, assigned.previous) == (heir, {"owner_id": created["owner_id"]})
        assert [str(event.state.id) for event in await emitted(facts.ContactAssigned)] == [own["id"]]
        untouched = await client.get(f"{CONTACTS}/{others['id']}", headers=as_role("sales"))
        assert untouched.json()["owner_id"] == others["owner_id"]

    async def test_an_edit_that_changes_hands_too_tells_both(
        self,
        make: Make,
        client: AsyncClient,
        as_role: AsRole,
        emitted: Outbox,
        known_user: Callable[..., Awaitable[UUID]],
    ) -> None:
        heir, created, contact = await known_user(), await make(name="Alfa"), await make(CONTACTS, last_name="Rossi")
        headers = {**as_role("sales"), "If-Match": '"1"'}
        sent = {"owner_id": str(heir), "rating": "Hot"}
        await client.patch(f"{ACCOUNTS}/{created['id']}", json=sent, headers=headers)
        sent = {"owner_id": str(heir), "account_id": created["id"]}
        await client.patch(f"{CONTACTS}/{contact['id']}", json=sent, headers=headers)
        kinds = [type(event).__name__ for event in await emitted()]
        assert kinds[2:] == ["AccountChanged", "AccountAssigned", "ContactPublished", "ContactAssigned"]

    @pytest.mark.parametrize(("fields", "code"), [({"is_active": False}, "user_inactive"), (None, "user_unknown")])
    async def test_only_active_users_are_given_records(
        self,
        make: Make,
        client: AsyncClient,
        as_role: AsRole,
        known_user: Callable[..., Awaitable[UUID]],
        fields: dict[str, Any] | None,
        code: str,
    ) -> None:
        created = await make(name="Alfa")
        heir = uuid4() if fields is None else await known_user(**fields)
        response = await client.post(
            f"{ACCOUNTS}/{created['id']}/owner", json={"owner_id": str(heir)}, headers=as_role("sales")
        )
        assert (response.status_code, problems(response)) == (422, [("/owner_id", code)])


class TestBin:
    async def test_deleted_records_are_gone_and_can_come_back(
        self, make: Make, client: AsyncClient, as_role: AsRole, emitted: Outbox
    ) -> None:
        created = await make(name="Alfa")
        contact = await make(CONTACTS, last_name="Rossi", account_id=created["id"])
        address, headers = f"{ACCOUNTS}/{created['id']}", as_role("sales")
        assert (await client.delete(address, headers=headers)).status_code == 204
        assert (await client.get(address, headers=headers)).status_code == 404
        assert (await client.get(f"{CONTACTS}/{contact['id']}", headers=headers)).status_code == 404
        assert (await client.delete(address, headers=headers)).status_code == 404
        assert (await client.get(ACCOUNTS, headers=headers)).json()["items"] == []
        assert (await client.get(f"{ROOT}/search?q=alfa", headers=headers)).json()["items"] == []
        binned = (await client.get(ACCOUNTS, params={"deleted": True}, headers=headers)).json()["items"]
        assert [(each["id"], each["is_deleted"]) for each in binned] == [(created["id"], True)]
        restored = await client.post(f"{address}/restoration", headers=headers)
        assert (restored.status_code, restored.json()["is_deleted"], restored.json()["version"]) == (200, False, 3)
        assert (await client.get(f"{CONTACTS}/{contact['id']}", headers=headers)).status_code == 200
        kinds = [type(event).__name__ for event in await emitted()]
        assert kinds[2:] == ["AccountDeleted", "ContactDeleted", "AccountRestored", "ContactRestored"]

    async def test_what_is_not_deleted_is_not_restored(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        created = await make(name="Alfa")
        response = await client.post(f"{ACCOUNTS}/{created['id']}/restoration", headers=as_role("sales"))
        assert (response.status_code, response.json()["code"]) == (409, "not_deleted")

    async def test_a_restored_record_is_reported_and_never_refused(
        self, make: Make, client: AsyncClient, as_role: AsRole, answer: Answers
    ) -> None:
        created = await make(name="Alfa")
        await client.delete(f"{ACCOUNTS}/{created['id']}", headers=as_role("sales"))
        answer("dedup", CLAIMS, lambda body: (503, {"code": "unavailable"}))
        response = await client.post(f"{ACCOUNTS}/{created['id']}/restoration", headers=as_role("sales"))
        assert response.status_code == 200
        item = answer.asked[-1][2]["items"][0]
        assert (item["path"], item["action"]) == ("restore", "alert")

    async def test_a_contact_waits_for_its_account(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        created = await make(name="Alfa")
        contact = await make(CONTACTS, last_name="Rossi", account_id=created["id"])
        headers = as_role("sales")
        await client.delete(f"{CONTACTS}/{contact['id']}", headers=headers)
        await client.delete(f"{ACCOUNTS}/{created['id']}", headers=headers)
        response = await client.post(f"{CONTACTS}/{contact['id']}/restoration", headers=headers)
        assert (response.status_code, response.json()["code"]) == (409, "account_deleted")


class TestVerification:
    async def decide(self, client: AsyncClient, headers: dict[str, str], account_id: str, **body: Any) -> Any:
        return await client.post(f"{ACCOUNTS}/{account_id}/verification", json=body, headers=headers)

    async def test_a_complete_account_is_verified(
        self, make: Make, client: AsyncClient, as_role: AsRole, emitted: Outbox
    ) -> None:
        created = await make(**COMPLETE)
        response = await self.decide(client, as_role("verifier"), created["id"], decision="verified")
        assert (response.status_code, response.json()["verification"]) == (200, "verified")
        again = await self.decide(client, as_role("verifier"), created["id"], decision="verified")
        assert (again.status_code, again.headers["etag"]) == (200, '"2"')
        [event] = await emitted(facts.AccountVerified)
        assert event.previous == {"verification": "to_verify"}

    async def test_an_incomplete_one_is_not_and_every_gap_is_named(
        self, make: Make, client: AsyncClient, as_role: AsRole
    ) -> None:
        created = await make(name="Alfa", tax_number="123")
        response = await self.decide(client, as_role("verifier"), created["id"], decision="verified")
        assert (response.status_code, response.json()["code"]) == (409, "account_incomplete")
        assert [pointer for pointer, _ in problems(response)] == [
            "/legal_name",
            "/billing/street",
            "/billing/city",
            "/billing/country",
            "/billing/postal_code",
            "/tax_number",
        ]

    @pytest.mark.parametrize("role", ["sales", "sales_manager", "marketing", "read_only", "service"])
    async def test_only_verifiers_decide(self, make: Make, client: AsyncClient, as_role: AsRole, role: str) -> None:
        created = await make(**COMPLETE, by="sales")
        response = await self.decide(client, as_role(role), created["id"], decision="verified")
        assert response.status_code == 403

    async def test_four_eyes(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        created = await make(**COMPLETE, by="verifier")
        response = await self.decide(client, as_role("verifier"), created["id"], decision="verified")
        assert (response.status_code, response.json()["code"]) == (409, "own_account_not_verifiable")
        other = as_role("verifier", user_id=uuid4())
        assert (await self.decide(client, other, created["id"], decision="verified")).status_code == 200

    async def test_the_first_status_is_the_data_departments_choice(
        self, make: Make, client: AsyncClient, as_role: AsRole
    ) -> None:
        assert (await make(**COMPLETE, by="verifier", verification="verified"))["verification"] == "verified"
        refused = await client.post(ACCOUNTS, json={**COMPLETE, "verification": "verified"}, headers=as_role("sales"))
        assert (refused.status_code, refused.json()["code"]) == (403, "verification_not_yours")
        hollow = await client.post(
            ACCOUNTS, json={"name": "Beta", "verification": "verified"}, headers=as_role("admin")
        )
        assert (hollow.status_code, hollow.json()["code"]) == (409, "account_incomplete")

    async def test_a_rejection_says_why(
        self, make: Make, client: AsyncClient, as_role: AsRole, emitted: Outbox
    ) -> None:
        created, survivor = await make(name="Alfa"), await make(name="Alfa S.r.l.")
        headers = as_role("verifier")
        response = await self.decide(client, headers, created["id"], decision="rejected")
        assert (response.status_code, problems(response)) == (422, [("/reason", "required")])
        for other, code in ((created["id"], "same_account"), (str(uuid4()), "account_unknown")):
            sent = {"decision": "rejected", "reason": "twice", "duplicate_of": other}
            response = await self.decide(client, headers, created["id"], **sent)
            assert (response.status_code, problems(response)) == (422, [("/duplicate_of", code)])
        sent = {"decision": "rejected", "reason": "twice", "duplicate_of": survivor["id"]}
        response = await self.decide(client, headers, created["id"], **sent)
        assert (response.status_code, response.json()["duplicate_of"]) == (200, survivor["id"])
        [event] = await emitted(facts.AccountRejected)
        assert (event.state.verification, event.state.verification_reason) == ("rejected", "twice")

    async def test_editing_a_verified_field_asks_for_a_new_look(
        self, make: Make, client: AsyncClient, as_role: AsRole, emitted: Outbox
    ) -> None:
        created = await make(**COMPLETE)
        await self.decide(client, as_role("verifier"), created["id"], decision="verified")
        address, headers = f"{ACCOUNTS}/{created['id']}", as_role("sales")
        rated = await client.patch(address, json={"rating": "Hot"}, headers={**headers, "If-Match": '"2"'})
        assert rated.json()["verification"] == "verified"
        moved = await client.patch(
            address, json={"billing": {"street": "Via Po 2"}}, headers={**headers, "If-Match": '"3"'}
        )
        assert (moved.status_code, moved.json()["verification"]) == (200, "to_verify")
        [event] = await emitted(facts.AccountVerificationReopened)
        assert event.previous["verification"] == "verified"

    async def test_a_verifier_decides_on_what_was_seen(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        created = await make(**COMPLETE)
        headers = {**as_role("sales"), "If-Match": '"1"'}
        await client.patch(f"{ACCOUNTS}/{created['id']}", json={"rating": "Hot"}, headers=headers)
        response = await self.decide(client, as_role("verifier"), created["id"], decision="verified", version=1)
        assert (response.status_code, response.json()["code"]) == (412, "version_conflict")

    async def test_the_queue_is_a_filter_oldest_first(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        first, done, last = await make(name="One"), await make(**COMPLETE), await make(name="Two")
        await self.decide(client, as_role("verifier"), done["id"], decision="verified")
        query = {"filter": "verification:eq:to_verify", "sort": "created_at"}
        page = (await client.get(ACCOUNTS, params=query, headers=as_role("verifier"))).json()
        assert [each["id"] for each in page["items"]] == [first["id"], last["id"]]


class TestContacts:
    async def test_a_contact_is_read_back_as_it_was_typed(
        self, make: Make, client: AsyncClient, as_role: AsRole, emitted: Outbox
    ) -> None:
        account = await make(name="Alfa")
        sent = {
            "first_name": "Jack",
            "last_name": "Rogers",
            "title": "CEO",
            "phone": "(336) 222-7000",
            "email": "jack@example.com",
            "roles": ["Decision maker", "Accountant"],
        }
        created = await make(CONTACTS, account_id=account["id"], **sent)
        assert {name: created[name] for name in sent} == sent
        assert (created["is_private"], created["warnings"]) == (False, [])
        page = (await client.get(f"{ACCOUNTS}/{account['id']}/contacts", headers=as_role("read_only"))).json()
        assert [each["id"] for each in page["items"]] == [created["id"]]
        [event] = await emitted(facts.ContactCreated)
        assert str(event.state.account_id) == account["id"]
        query = {"filter": "roles:contains:Accountant"}
        assert len((await client.get(CONTACTS, params=query, headers=as_role("sales"))).json()["items"]) == 1

    async def test_a_last_name_and_an_email_are_enough(self, make: Make) -> None:
        account = await make(name="Alfa")
        created = await make(CONTACTS, last_name="Leung", email="leung@example.com", account_id=account["id"])
        assert created["phone"] is None

    @pytest.mark.parametrize(
        ("fields", "pointer", "code"),
        [
            ({"last_name": None}, "/last_name", "not_text"),
            ({"email": "@"}, "/email", "email_invalid"),
            ({"mobile": "none"}, "/mobile", "phone_invalid"),
            ({"mailing": {"country": "Italia"}}, "/mailing/country", "country_unknown"),
            ({"roles": ["Friend"]}, "/roles", "not_an_option"),
            ({"do_not_call": "perhaps"}, "/do_not_call", "not_yes_or_no"),
            ({"is_private": True}, "/is_private", "unknown_field"),
            ({"account_id": "00000000-0000-7000-8000-000000000001"}, "/account_id", "account_unknown"),
        ],
    )
    async def test_wrong_values_are_pointed_at(
        self, client: AsyncClient, as_role: AsRole, fields: dict[str, Any], pointer: str, code: str
    ) -> None:
        response = await client.post(CONTACTS, json={"last_name": "Rossi", **fields}, headers=as_role("sales"))
        assert (response.status_code, problems(response)) == (422, [(pointer, code)])

    async def test_a_person_account_has_no_contacts(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        person = await make(kind="person", last_name="Rossi")
        sent = {"last_name": "Bianchi", "account_id": person["id"]}
        response = await client.post(CONTACTS, json=sent, headers=as_role("sales"))
        assert (response.status_code, response.json()["code"]) == (409, "person_account_has_no_contacts")

    async def test_nobody_is_left_behind_when_an_account_goes(
        self, make: Make, client: AsyncClient, as_role: AsRole, runtime: Runtime
    ) -> None:
        account = await make(name="Alfa")
        sent = {"last_name": "Rossi", "account_id": account["id"]}
        answers = await asyncio.gather(
            client.delete(f"{ACCOUNTS}/{account['id']}", headers=as_role("sales")),
            *(client.post(CONTACTS, json=sent, headers=as_role("sales")) for _ in range(4)),
        )
        assert {each.status_code for each in answers} <= {201, 204, 422}
        async with runtime.db.read() as session:
            left = select(func.count()).select_from(Contact).where(Contact.deleted_at.is_(None))
            assert await session.scalar(left) == 0

    async def test_a_contact_changes_hands(
        self,
        make: Make,
        client: AsyncClient,
        as_role: AsRole,
        emitted: Outbox,
        known_user: Callable[..., Awaitable[UUID]],
    ) -> None:
        heir, contact = await known_user(), await make(CONTACTS, last_name="Rossi")
        response = await client.post(
            f"{CONTACTS}/{contact['id']}/owner", json={"owner_id": str(heir)}, headers=as_role("sales")
        )
        assert response.status_code == 200
        [event] = await emitted(facts.ContactAssigned)
        assert (event.state.owner_id, event.state.is_private) == (heir, True)
        assert (await client.get(f"{CONTACTS}/{contact['id']}", headers=as_role("sales"))).status_code == 404


MARKER = "Xyzzymarker"


class TestPrivateContacts:
    """Without an account a contact exists for its owner and for admins, and for nobody else, on every surface."""

    async def seen(self, client: AsyncClient, headers: dict[str, str], contact_id: str) -> list[str]:
        """Which ways lead to a byte of the contact."""
        ways = {
            "id": f"{CONTACTS}/{contact_id}",
            "list": CONTACTS,
            "q": f"{CONTACTS}?q={MARKER}",
            "filter": f"{CONTACTS}?filter=last_name:contains:zzym",
            "counted": f"{CONTACTS}?count=true",
            "search": f"{ROOT}/search?q={MARKER}",
            "short search": f"{ROOT}/search?q={MARKER[:2]}",
            "phone": f"{ROOT}/search?q=0552345678",
            "mail": f"{ROOT}/search?q={MARKER}%40example.com",
            "accounts": f"{ACCOUNTS}?q={MARKER}",
            "bin": f"{CONTACTS}?deleted=true",
        }
        found = []
        for name, address in ways.items():
            response = await client.get(address, headers=headers)
            if MARKER.lower() in response.text.lower().replace(f"?q={MARKER.lower()}", ""):
                found.append(name)
            if name == "counted" and response.json()["total"]:
                found.append(name + " total")
        return found

    async def test_nobody_else_sees_a_byte_of_it(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        contact = await make(CONTACTS, last_name=MARKER, email=f"{MARKER}@example.com", phone="055 2345678")
        assert contact["is_private"] and contact["warnings"]
        for role in ("sales_manager", "marketing", "verifier", "read_only", "service"):
            assert await self.seen(client, as_role(role), contact["id"]) == [], role
        other = as_role("sales", user_id=uuid4())
        assert await self.seen(client, other, contact["id"]) == []
        address = f"{CONTACTS}/{contact['id']}"
        assert (await client.get(address, headers=other)).status_code == 404
        sent = {"title": "x"}
        assert (await client.patch(address, json=sent, headers={**other, "If-Match": '"1"'})).status_code == 404
        assert (await client.delete(address, headers=other)).status_code == 404
        assert (
            await client.post(f"{address}/owner", json={"owner_id": str(uuid4())}, headers=other)
        ).status_code == 404
        for insider in ("sales", "admin"):
            assert set(await self.seen(client, as_role(insider), contact["id"])) >= {"id", "list", "search", "phone"}

    async def test_a_binned_one_stays_private(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        contact = await make(CONTACTS, last_name=MARKER)
        await client.delete(f"{CONTACTS}/{contact['id']}", headers=as_role("sales"))
        assert await self.seen(client, as_role("sales_manager"), contact["id"]) == []
        manager = as_role("sales_manager")
        assert (await client.post(f"{CONTACTS}/{contact['id']}/restoration", headers=manager)).status_code == 404
        assert "bin" in await self.seen(client, as_role("sales"), contact["id"])

    async def test_an_account_publishes_it_and_taking_it_away_hides_it_again(
        self, make: Make, client: AsyncClient, as_role: AsRole, emitted: Outbox
    ) -> None:
        account, contact = await make(name="Alfa"), await make(CONTACTS, last_name=MARKER)
        address, headers = f"{CONTACTS}/{contact['id']}", as_role("sales")
        sent = {"account_id": account["id"]}
        assert (await client.patch(address, json=sent, headers={**headers, "If-Match": '"1"'})).status_code == 200
        assert (await client.get(address, headers=as_role("read_only"))).status_code == 200
        gone = {"account_id": None}
        assert (await client.patch(address, json=gone, headers={**headers, "If-Match": '"2"'})).status_code == 200
        assert (await client.get(address, headers=as_role("read_only"))).status_code == 404
        [published] = await emitted(facts.ContactPublished)
        [hidden] = await emitted(facts.ContactMadePrivate)
        assert (published.state.is_private, hidden.state.is_private) == (False, True)


class TestSearch:
    @pytest.mark.parametrize(
        "words",
        [
            "zolw",
            "ŻÓŁW",
            "Łąka zol",
            "+48 22 555 12 34",
            "22 555-12-34",
            "biuro@zolw",
            "526-025-02-74",
            "PL5260250274",
            "ZO",
        ],
    )
    async def test_any_of_name_phone_mail_and_tax_number_finds(
        self, make: Make, client: AsyncClient, as_role: AsRole, words: str
    ) -> None:
        found = await make(
            name="Żółw Łąka sp. z o.o.",
            phone="+48 22 555 12 34",
            email="biuro@zolw.example",
            tax_number="5260250274",
            tax_country="PL",
        )
        await make(name="Alfa")
        result = (await client.get(f"{ROOT}/search", params={"q": words}, headers=as_role("read_only"))).json()
        assert [hit["id"] for hit in result["items"]] == [found["id"]]

    async def test_people_and_companies_are_found_together(
        self, make: Make, client: AsyncClient, as_role: AsRole
    ) -> None:
        company = await make(name="Leung Trading")
        person = await make(CONTACTS, first_name="Amy", last_name="Leung", account_id=company["id"])
        search = f"{ROOT}/search"
        both = (await client.get(search, params={"q": "leung"}, headers=as_role("sales"))).json()["items"]
        assert [(hit["object"], hit["id"]) for hit in both] == [("contact", person["id"]), ("account", company["id"])]
        only = await client.get(search, params={"q": "leung", "object": "contact"}, headers=as_role("sales"))
        assert [hit["id"] for hit in only.json()["items"]] == [person["id"]]

    @pytest.mark.parametrize("words", ["%", "_", "100%", "\\", "''", "a'b", "§§§", "%%%%"])
    async def test_signs_of_the_database_are_plain_letters(
        self, make: Make, client: AsyncClient, as_role: AsRole, words: str
    ) -> None:
        await make(name="Alfa")
        response = await client.get(f"{ROOT}/search", params={"q": words}, headers=as_role("sales"))
        assert (response.status_code, response.json()["items"]) == (200, [])

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [({}, "?q"), ({"q": ""}, "?q"), ({"q": "x" * 201}, "?q"), ({"q": "a", "limit": 51}, "?limit")],
    )
    async def test_wrong_questions(
        self, client: AsyncClient, as_role: AsRole, query: dict[str, Any], pointer: str
    ) -> None:
        response = await client.get(f"{ROOT}/search", params=query, headers=as_role("sales"))
        assert (response.status_code, problems(response)[0][0]) == (422, pointer)


class TestLists:
    async def test_pages_follow_each_other_without_gap(self, make: Make, client: AsyncClient, as_role: AsRole) -> None:
        for name in ("gamma", "Alfa", "Łódka", "beta", "Zeta"):
            await make(name=name, industry="Retail")
        await make(name="Other", industry="Media")
        names: list[str] = []
        query: dict[str, Any] = {"sort": "name", "limit": 2, "filter": "industry:eq:Retail"}
        while True:
            page = (await client.get(ACCOUNTS, params=query, headers=as_role("read_only"))).json()
            names += [item["name"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
        assert names == ["Alfa", "beta", "gamma", "Łódka", "Zeta"]

    async def test_a_list_shows_name_phone_and_mail_at_once(
        self, make: Make, client: AsyncClient, as_role: AsRole
    ) -> None:
        await make(name="Alfa", phone="055 2345678", email="a@example.com")
        [item] = (await client.get(ACCOUNTS, headers=as_role("sales"))).json()["items"]
        assert (item["name"], item["phone"], item["email"]) == ("Alfa", "055 2345678", "a@example.com")

    async def test_items_of_lists_look_like_single_records(
        self, make: Make, client: AsyncClient, as_role: AsRole
    ) -> None:
        account = await make(**COMPLETE, annual_revenue={"amount": "12.5", "currency": "EUR"}, employees=5)
        person = await make(kind="person", last_name="Żak", birthday="1990-02-28", shipping={"city": "Bari"})
        contact = await make(CONTACTS, last_name="Rossi", account_id=account["id"], roles=["User"], do_not_call=True)
        private = await make(CONTACTS, first_name="Anna", last_name="Bianchi", mailing={"country": "IT"})
        headers = as_role("sales")
        for path, expected in ((ACCOUNTS, (person, account)), (CONTACTS, (private, contact))):
            items = (await client.get(path, headers=headers)).json()["items"]
            single = [(await client.get(f"{path}/{each['id']}", headers=headers)).json() for each in expected]
            assert items == single

    @pytest.mark.parametrize(
        ("query", "status", "pointer"),
        [
            ({"filter": "colour:eq:red"}, 422, "?filter"),
            ({"filter": "name:like:x"}, 422, "?filter"),
            ({"filter": "employees:gt:many"}, 422, "?filter"),
            ({"sort": "colour"}, 422, "?sort"),
            ({"limit": 0}, 422, "?limit"),
            ({"limit": 201}, 422, "?limit"),
            ({"cursor": "broken"}, 400, "?cursor"),
        ],
    )
    async def test_wrong_questions(
        self, client: AsyncClient, as_role: AsRole, query: dict[str, Any], status: int, pointer: str
    ) -> None:
        response = await client.get(ACCOUNTS, params=query, headers=as_role("sales"))
        assert (response.status_code, problems(response)[0][0]) == (status, pointer)

    async def test_an_address_that_is_no_id_is_refused(self, client: AsyncClient, as_role: AsRole) -> None:
        response = await client.get(f"{ACCOUNTS}/1", headers=as_role("sales"))
        assert (response.status_code, problems(response)) == (422, [("path:account_id", "id_invalid")])


class TestMeta:
    async def test_every_field_is_explained(self, client: AsyncClient, as_role: AsRole) -> None:
        document = (await client.get(f"{ROOT}/meta", headers=as_role("read_only"))).json()
        objects = {each["name"]: {field["name"]: field for field in each["fields"]} for each in document["objects"]}
        assert objects.keys() == {"account", "contact", "import"}
        for name in objects:
            assert all(field["label"] and field["help"] for field in objects[name].values())
        assert objects["account"]["name"]["required"] and not objects["account"]["phone"]["required"]
        assert [option["value"] for option in objects["account"]["rating"]["options"]] == ["Hot", "Warm", "Cold"]
        assert objects["account"]["billing"]["kind"] == "address"
        assert objects["account"]["verification"]["filterable"]


FILL = """
INSERT INTO accounts (id, version, kind, name, verification, owner_id, search_key, search_text)
SELECT gen_random_uuid(), 1, 'business', md5(n::text), 'to_verify', gen_random_uuid(), md5(n::text), md5(n::text)
FROM generate_series(1, 5000) n
"""


class TestIndexes:
    @pytest.mark.parametrize(
        ("words", "index"),
        [
            ("zolw", "ix_accounts_search_text"),
            ("+39 055 2345678", "ix_accounts_search_text"),
            ("PL 526 025 02 74", "ix_accounts_search_text"),
            ("zo", "ix_accounts_search_key"),
        ],
    )
    async def test_searches_are_served_by_one(self, runtime: Runtime, words: str, index: str) -> None:
        question = select(Account.id).where(Account.deleted_at.is_(None), found_in(Account, words))
        shown = question.compile(dialect=runtime.db.engine.dialect, compile_kwargs={"literal_binds": True})
        async with runtime.db.transaction() as session:
            await session.execute(text(FILL))
            await session.execute(text("SELECT gin_clean_pending_list('ix_accounts_search_text')"))
            await session.execute(text("ANALYZE accounts"))
            plan = "\n".join(await session.scalars(text(f"EXPLAIN {shown}".replace(":", "\\:"))))
        assert index in plan
