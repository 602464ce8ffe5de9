"""Files as people send them, and workers that die in the middle."""

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import orjson
import pytest
from httpx2 import AsyncClient
from sqlalchemy import func, select, text

from accounts.commands.imports import lease
from accounts.commands.imports.job import read_in
from accounts.consumers.imports import read_imports
from accounts.models import Account, Import, ImportFile, ImportRow
from chassis.service import Runtime
from chassis.testing import Answers, AsRole, Outbox
from contracts.accounts import AccountCreated, ContactCreated, ImportCompleted, ImportStarted

IMPORTS = "/api/accounts/v1/imports"
CLAIMS = "/api/dedup/v1/claims"
Upload = Callable[..., Awaitable[dict[str, Any]]]
Finish = Callable[[str], Awaitable[dict[str, Any]]]


@pytest.fixture
def settings_overrides() -> dict[str, Any]:
    return {"import_chunk": 4, "import_rest": 0.0}


class Keys:
    """The other side, as far as an import needs it: the name is the key, the first record to claim it has it."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        self.released: list[str] = []
        self.calls = 0

    def __call__(self, body: Any) -> Any:
        if body is None or not isinstance(body, dict):
            return None
        self.calls += 1
        return {"results": [self._decide(item) for item in body["items"]]}

    def _decide(self, item: dict[str, Any]) -> dict[str, Any]:
        fields, record = item["fields"], item["record_id"]
        name = str(fields.get("name") or fields.get("last_name")).lower()
        first = self.held.setdefault(name, record)
        if first == record or item["action"] == "alert":
            return {"record_id": record, "decision": "clear", "claim_id": str(uuid4())}
        candidate = {"object": "account", "id": first, "label": name, "score": 1.0, "reasons": []}
        return {"record_id": record, "decision": "blocked", "candidates": [candidate]}


@pytest.fixture(autouse=True)
def keys(answer: Answers) -> Keys:
    held = Keys()
    answer("dedup", CLAIMS, held)
    return held


@pytest.fixture
def upload(client: AsyncClient, as_role: AsRole) -> Upload:
    async def send(content: bytes | str, status: int = 202, **form: Any) -> dict[str, Any]:
        data = {name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in form.items()}
        body = content.encode() if isinstance(content, str) else content
        response = await client.post(IMPORTS, files={"file": ("list.csv", body)}, data=data, headers=as_role("sales"))
        assert response.status_code == status, response.text
        return dict(response.json())

    return send


@pytest.fixture
def finish(runtime: Runtime, client: AsyncClient, as_role: AsRole) -> Finish:
    async def work(import_id: str) -> dict[str, Any]:
        worker = asyncio.create_task(read_imports(runtime))
        try:
            async with asyncio.timeout(20):
                while (found := await read(import_id))["finished_at"] is None:
                    assert not worker.done(), worker.exception()
                    await asyncio.sleep(0.02)
        finally:
            runtime.stopping.set()
            await worker
            runtime.stopping.clear()
        return found

    async def read(import_id: str) -> dict[str, Any]:
        response = await client.get(f"{IMPORTS}/{import_id}", headers=as_role("sales"))
        return dict(response.json())

    return work


async def outcomes(client: AsyncClient, headers: dict[str, str], import_id: str, **query: Any) -> list[dict[str, Any]]:
    response = await client.get(f"{IMPORTS}/{import_id}/rows", params=query, headers=headers)
    assert response.status_code == 200, response.text
    return list(response.json()["items"])


async def names(runtime: Runtime) -> list[str]:
    async with runtime.db.read() as session:
        return list(await session.scalars(select(Account.name).order_by(Account.id)))


def counts(found: dict[str, Any]) -> tuple[int, int, int, int]:
    return found["total"], found["created"], found["duplicate"], found["failed"]


async def test_every_row_ends_in_exactly_one_outcome(
    upload: Upload, finish: Finish, client: AsyncClient, as_role: AsRole, emitted: Outbox
) -> None:
    sent = await upload("Name,City\nAlfa,Roma\nBeta,Łódź\nalfa,Milano\n,Torino\nGamma,\n")
    assert (sent["status"], sent["mapping"]) == ("pending", {"Name": "name", "City": "billing.city"})
    found = await finish(sent["id"])
    assert counts(found) == (5, 3, 1, 1)
    assert found["status"] == "completed"
    rows = await outcomes(client, as_role("sales"), sent["id"])
    assert [(row["number"], row["outcome"]) for row in rows] == [
        (2, "created"),
        (3, "created"),
        (4, "duplicate"),
        (5, "failed"),
        (6, "created"),
    ]
    assert rows[2]["duplicate_of"] == rows[0]["record_id"]
    assert rows[3]["problems"] == [
        {"pointer": "/name", "column": "Name", "code": "required", "detail": "Field required", "value": None}
    ]
    assert rows[3]["cells"] == ["", "Torino"]
    assert len(await emitted(AccountCreated)) == 3
    [started] = await emitted(ImportStarted)
    [completed] = await emitted(ImportCompleted)
    assert (started.state.status, completed.state.status) == ("running", "completed")
    assert (completed.state.created, completed.state.duplicate, completed.state.failed) == (3, 1, 1)


async def test_events_of_an_import_name_it_as_their_author(upload: Upload, finish: Finish, emitted: Outbox) -> None:
    sent = await upload("Name\nAlfa\n")
    await finish(sent["id"])
    headers = await emitted.headers()
    assert {(header["ce_authtype"], header["ce_authid"]) for header in headers} == {("import", sent["id"])}
    assert len({header["ce_correlationid"] for header in headers}) == 1
    [created] = await emitted(AccountCreated)
    assert str(created.state.created_by) == sent["owner_id"] == str(created.state.owner_id)
    assert created.state.verification == "to_verify"
    assert created.state.source == "import"


POLISH = "Nazwa;Adres;Miasto;Tel.\nZakład Żółw;ul. Łąkowa 5;Gdańsk;+48 22 555 12 34\nMałgośka;Święta 1;Kraków;\n"
ITALIAN = "Ragione sociale;Indirizzo;Città\nCaffè Nicolò;Via Libertà 4;Forlì\n"


@pytest.mark.parametrize(
    ("content", "encoding", "first"),
    [
        pytest.param(POLISH.encode("utf-8-sig"), "utf-8", "Zakład Żółw", id="utf-8 with its mark"),
        pytest.param(POLISH.encode("cp1250"), "cp1250", "Zakład Żółw", id="windows-1250"),
        pytest.param(ITALIAN.encode("cp1252"), "cp1252", "Caffè Nicolò", id="windows-1252"),
        pytest.param(POLISH.encode("utf-16"), "utf-16-le", "Zakład Żółw", id="utf-16 with its mark"),
        pytest.param(ITALIAN.encode("utf-16-be"), "utf-16-be", "Caffè Nicolò", id="utf-16 without its mark"),
    ],
)
async def test_encodings_are_recognised(
    upload: Upload, finish: Finish, runtime: Runtime, content: bytes, encoding: str, first: str
) -> None:
    sent = await upload(content)
    assert (sent["encoding"], sent["delimiter"]) == (encoding, ";")
    await finish(sent["id"])
    assert (await names(runtime))[0] == first


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
async def test_delimiters_are_recognised(upload: Upload, finish: Finish, delimiter: str) -> None:
    sent = await upload(f"Name{delimiter}City\nAlfa{delimiter}Roma\nBeta{delimiter}Bari\n")
    assert sent["delimiter"] == delimiter
    assert counts(await finish(sent["id"])) == (2, 2, 0, 0)


async def test_ragged_rows(upload: Upload, finish: Finish, client: AsyncClient, as_role: AsRole) -> None:
    sent = await upload("Name,City,Zip\nShort\n\nLong,Roma,00100,,\nTorn,Roma,00100,shifted\n , ,\n")
    assert counts(await finish(sent["id"])) == (3, 2, 0, 1)
    [failed] = await outcomes(client, as_role("sales"), sent["id"], outcome="failed")
    assert (failed["number"], failed["problems"][0]["code"]) == (5, "row_too_long")


async def test_nul_bytes_vanish(upload: Upload, finish: Finish, runtime: Runtime) -> None:
    sent = await upload(b"Name,City\nAl\x00fa,Ro\x00ma\n\x00\x00Beta,\x00\n")
    assert counts(await finish(sent["id"])) == (2, 2, 0, 0)
    assert await names(runtime) == ["Alfa", "Beta"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "import_empty"),
        (b"\xef\xbb\xbf", "import_empty"),
        (b" \n \n", "import_empty"),
        (b"Name,City\n", "import_without_rows"),
        (b"Name,City\n,\n\n", "import_without_rows"),
        (b"PK\x03\x04workbook", "import_not_csv"),
        (b'Name\n"' + b"x" * 1_100_000, "import_unreadable"),
    ],
)
async def test_files_without_a_table_are_refused_at_once(upload: Upload, content: bytes, code: str) -> None:
    problem = await upload(content, status=422)
    assert problem["code"] == "import_refused"
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("/file", code)]


async def test_a_file_over_twenty_megabytes_is_refused(upload: Upload) -> None:
    assert (await upload(b"Name\n" + b"x" * (20 * 1_048_576), status=413))["code"] == "body_too_large"


async def test_a_header_without_a_name_column_is_refused(upload: Upload) -> None:
    problem = await upload("Colour,Size\nred,5\n", status=422)
    assert problem["errors"][0]["code"] == "name_not_mapped"
    assert problem["header"] == ["Colour", "Size"]


@pytest.mark.parametrize(
    ("mapping", "pointer", "code"),
    [
        ({"Colour": "name", "Nowhere": "email"}, "/mapping/Nowhere", "unknown_column"),
        ({"Colour": "name", "Size": "shoe_size"}, "/mapping/Size", "unknown_field"),
        ({"Colour": "name", "Size": "name"}, "/mapping/Size", "field_mapped_twice"),
        ("[1]", "/mapping", "not_an_object"),
        ("{", "/mapping", "malformed_json"),
    ],
)
async def test_a_mapping_must_fit_the_file(upload: Upload, mapping: Any, pointer: str, code: str) -> None:
    problem = await upload("Colour,Size\nred,5\n", status=422, mapping=mapping)
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)]


@pytest.mark.parametrize(
    ("option", "value"),
    [("object", "invoices"), ("duplicates", "never"), ("country", "Italy"), ("delimiter", "x"), ("encoding", "ebcdic")],
)
async def test_unknown_options_are_refused(upload: Upload, option: str, value: str) -> None:
    problem = await upload("Name\nA\n", status=422, **{option: value})
    assert problem["errors"][0]["pointer"] == f"/{option}"


async def test_columns_are_mapped_by_hand(upload: Upload, finish: Finish, runtime: Runtime) -> None:
    mapping = {"Colour": "name", "Size": "billing.postal_code"}
    sent = await upload("Colour,Size,Name\nred,00100,ignored\n", mapping=mapping)
    await finish(sent["id"])
    assert await names(runtime) == ["red"]


async def test_values_that_optional_fields_do_not_take_are_left_out_and_told(
    upload: Upload, finish: Finish, client: AsyncClient, as_role: AsRole, emitted: Outbox
) -> None:
    sent = await upload(
        "Site name,Phone,Email Address,Website,Country,NIP,Zip\n"
        "Salvation Army - Temple,2262649,12/31/13,Yes,Atlantis,123,60612\n",
        country="US",
    )
    assert counts(await finish(sent["id"])) == (1, 1, 0, 0)
    [row] = await outcomes(client, as_role("sales"), sent["id"])
    assert row["outcome"] == "created"
    assert {problem["column"]: problem["value"] for problem in row["problems"]} == {
        "Email Address": "12/31/13",
        "Website": "Yes",
        "Country": "Atlantis",
    }
    [created] = await emitted(AccountCreated)
    assert (created.state.phone, created.state.phone_e164) == ("2262649", None)
    assert (created.state.email, created.state.website) == (None, None)
    assert created.state.billing is not None and created.state.billing.postal_code == "60612"


async def test_tax_numbers_are_checked_by_their_country(
    upload: Upload, finish: Finish, client: AsyncClient, as_role: AsRole, emitted: Outbox
) -> None:
    content = "Nazwa,NIP\nDobra,526-025-02-74\nZła,526-025-02-75\n"
    sent = await upload(content, country="PL")
    assert counts(await finish(sent["id"])) == (2, 2, 0, 0)
    assert [event.state.tax_number for event in await emitted(AccountCreated)] == ["5260250274", None]
    rows = await outcomes(client, as_role("sales"), sent["id"])
    assert [[problem["code"] for problem in row["problems"]] for row in rows] == [[], ["tax_number_invalid"]]
    strict = await upload(content.replace("Nazwa", "Name"), country="PL", on_invalid="fail_row", duplicates="alert")
    assert counts(await finish(strict["id"])) == (2, 1, 0, 1)


async def test_a_strict_import_refuses_such_rows(
    upload: Upload, finish: Finish, client: AsyncClient, as_role: AsRole
) -> None:
    sent = await upload("Name,Email\nAlfa,nobody\nBeta,b@example.com\n", on_invalid="fail_row")
    assert counts(await finish(sent["id"])) == (2, 1, 0, 1)
    [failed] = await outcomes(client, as_role("sales"), sent["id"], outcome="failed")
    assert [(each["pointer"], each["column"], each["code"]) for each in failed["problems"]] == [
        ("/email", "Email", "email_invalid")
    ]


async def test_countries_numbers_and_phones_are_read_as_people_write_them(
    upload: Upload, finish: Finish, emitted: Outbox
) -> None:
    sent = await upload(
        "Ragione sociale;Nazione;Tel.;P.IVA;Dipendenti\nBar Gelsomino;Italia;055 2345678;IT 00743110157;1.200\n"
    )
    await finish(sent["id"])
    [created] = await emitted(AccountCreated)
    assert created.state.billing is not None and created.state.billing.country == "IT"
    assert (created.state.phone, created.state.phone_e164) == ("055 2345678", "+390552345678")
    assert (created.state.tax_number, created.state.employees) == ("00743110157", 1200)


async def test_duplicates_may_be_let_in_by_choice(upload: Upload, finish: Finish) -> None:
    sent = await upload("Name\nAlfa\nAlfa\nAlfa\n", duplicates="alert")
    assert counts(await finish(sent["id"])) == (3, 3, 0, 0)


async def test_a_dry_run_counts_and_changes_nothing(
    upload: Upload, finish: Finish, runtime: Runtime, emitted: Outbox, answer: Answers
) -> None:
    content = "Name\nAlfa\nAlfa\n,\nBeta\nGamma\nbeta\n"
    tried = await finish((await upload(content, dry_run=True))["id"])
    assert await names(runtime) == []
    assert await emitted(AccountCreated) == []
    released = [path for method, path, _ in answer.asked if method == "DELETE"]
    assert len(released) == 3
    answer("dedup", CLAIMS, Keys())
    real = await finish((await upload(content))["id"])
    assert counts(tried) == counts(real)


async def test_people_without_a_company_become_person_accounts(upload: Upload, finish: Finish, emitted: Outbox) -> None:
    sent = await upload("Nome,Cognome,E-mail\nŁucja,Żak,lucja@example.com\n")
    await finish(sent["id"])
    [created] = await emitted(AccountCreated)
    assert (created.state.kind, created.state.name) == ("person", "Łucja Żak")


async def test_contacts_find_their_company(
    upload: Upload, finish: Finish, client: AsyncClient, as_role: AsRole, emitted: Outbox
) -> None:
    companies = await upload("Name\nAlfa\nBeta\n")
    await finish(companies["id"])
    sent = await upload(
        "Full name,Company,Email\nRossi Mario,ALFA,m@example.com\nAnna Bianchi,Nowhere,a@example.com\n",
        object="contacts",
    )
    assert counts(await finish(sent["id"])) == (2, 2, 0, 0)
    mario, anna = await emitted(ContactCreated)
    assert mario.state.account_id is not None and not mario.state.is_private
    assert (anna.state.first_name, anna.state.last_name, anna.state.is_private) == ("Anna", "Bianchi", True)
    rows = await outcomes(client, as_role("sales"), sent["id"])
    assert [problem["code"] for problem in rows[1]["problems"]] == ["account_not_found"]


async def test_refused_rows_come_back_in_their_own_columns(
    upload: Upload, finish: Finish, client: AsyncClient, as_role: AsRole, runtime: Runtime
) -> None:
    sent = await upload("Name;Note;Email\nAlfa;=2+5;a@example.com\nalfa;=HYPERLINK(1);@x\n;-1;b@example.com\n")
    await finish(sent["id"])
    response = await client.get(f"{IMPORTS}/{sent['id']}/errors.csv", headers=as_role("sales"))
    table = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig")), delimiter=";"))
    assert table[0] == ["Name", "Note", "Email", "Row", "Outcome", "Reason"]
    assert table[1][:5] == ["alfa", "'=HYPERLINK(1)", "'@x", "3", "duplicate"]
    assert table[2][:5] == ["", "'-1", "b@example.com", "4", "failed"]
    assert "Name: " in table[2][5]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in table for cell in row)


async def test_a_corrected_file_undoes_the_quote_before_formulas(
    upload: Upload, finish: Finish, emitted: Outbox
) -> None:
    sent = await upload("Name,Note\nAlfa,'=2+5\n")
    await finish(sent["id"])
    [created] = await emitted(AccountCreated)
    assert created.state.description == "=2+5"


async def test_a_killed_worker_leaves_nothing_twice_and_nothing_out(
    upload: Upload, finish: Finish, runtime: Runtime, answer: Answers, emitted: Outbox, keys: Keys
) -> None:
    lines = [f"Company {number}" for number in range(20)] + ["company 3", "", "company 7"]
    sent = await upload("Name,City\n" + "".join(f"{line},X\n" for line in lines))
    reached = asyncio.Event()

    async def answer_and_hang(body: Any) -> Any:
        if keys.calls == 2:
            # The keys of the third chunk are claimed, and the worker never hears of it.
            keys(body)
            reached.set()
            await asyncio.Event().wait()
        return keys(body)

    answer("dedup", CLAIMS, answer_and_hang)
    killed = asyncio.create_task(read_imports(runtime))
    await asyncio.wait_for(reached.wait(), 10)
    killed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killed
    assert len(await names(runtime)) == 8
    answer("dedup", CLAIMS, keys)
    found = await finish(sent["id"])
    assert counts(found) == (23, 20, 2, 1)
    assert sorted(await names(runtime)) == sorted(lines[:20])
    assert len(await emitted(AccountCreated)) == 20
    assert len(await emitted(ImportStarted)) == len(await emitted(ImportCompleted)) == 1


async def test_a_second_worker_takes_over_when_the_lease_ends(upload: Upload, runtime: Runtime) -> None:
    sent = await upload("Name\nAlfa\n")
    dead, alive = uuid4(), uuid4()
    async with runtime.db.transaction() as session:
        assert await lease.take(session, dead) is not None
    async with runtime.db.transaction() as session:
        assert await lease.take(session, alive) is None
    async with runtime.db.transaction() as session:
        await session.execute(text("UPDATE import_leases SET until = clock_timestamp() - interval '1 ms'"))
    async with runtime.db.transaction() as session:
        taken = await lease.take(session, alive)
    assert str(taken) == sent["id"]


async def test_a_worker_that_lost_its_lease_stores_nothing(upload: Upload, runtime: Runtime, keys: Keys) -> None:
    await upload("Name\nAlfa\nBeta\n")
    late, quick = uuid4(), uuid4()
    async with runtime.db.transaction() as session:
        import_id = await lease.take(session, late)
        await session.execute(text("UPDATE import_leases SET until = '-infinity'"))
    async with runtime.db.transaction() as session:
        assert await lease.take(session, quick) == import_id
    assert import_id is not None
    await read_in(runtime, import_id, late)
    assert await names(runtime) == []
    await read_in(runtime, import_id, quick)
    assert await names(runtime) == ["Alfa", "Beta"]


async def test_while_dedup_is_down_the_import_waits_and_loses_nothing(
    upload: Upload, finish: Finish, runtime: Runtime, answer: Answers, client: AsyncClient, as_role: AsRole, keys: Keys
) -> None:
    answer("dedup", CLAIMS, lambda body: (503, {"code": "unavailable"}))
    sent = await upload("Name\nAlfa\nBeta\n")
    worker = asyncio.create_task(read_imports(runtime))
    async with asyncio.timeout(10):
        while (await client.get(f"{IMPORTS}/{sent['id']}", headers=as_role("sales"))).json()["waiting_for"] is None:
            await asyncio.sleep(0.02)
    assert await names(runtime) == []
    answer("dedup", CLAIMS, keys)
    async with asyncio.timeout(10):
        while (found := (await client.get(f"{IMPORTS}/{sent['id']}", headers=as_role("sales"))).json())[
            "status"
        ] != "completed":
            await asyncio.sleep(0.02)
    runtime.stopping.set()
    await worker
    assert counts(found) == (2, 2, 0, 0)
    assert found["waiting_for"] is None


async def test_cancelling_keeps_what_is_in_and_leaves_the_rest(
    upload: Upload, runtime: Runtime, answer: Answers, client: AsyncClient, as_role: AsRole, keys: Keys, emitted: Outbox
) -> None:
    sent = await upload("Name\n" + "".join(f"Company {number}\n" for number in range(20)))
    reached, goes_on = asyncio.Event(), asyncio.Event()

    async def pause_at_the_second_chunk(body: Any) -> Any:
        if keys.calls == 1:
            reached.set()
            await goes_on.wait()
        return keys(body)

    answer("dedup", CLAIMS, pause_at_the_second_chunk)
    worker = asyncio.create_task(read_imports(runtime))
    await asyncio.wait_for(reached.wait(), 10)
    response = await client.post(f"{IMPORTS}/{sent['id']}/cancellation", headers=as_role("sales"))
    assert (response.status_code, response.json()["status"]) == (200, "cancelled")
    goes_on.set()
    runtime.stopping.set()
    await worker
    assert len(await names(runtime)) == 4
    [ended] = await emitted(ImportCompleted)
    assert (ended.state.status, ended.state.created) == ("cancelled", 4)
    again = await client.post(f"{IMPORTS}/{sent['id']}/cancellation", headers=as_role("sales"))
    assert (again.status_code, again.json()["code"]) == (409, "import_finished")


async def test_an_import_is_its_owners_and_the_admins_business(
    upload: Upload, client: AsyncClient, as_role: AsRole
) -> None:
    sent = await upload("Name\nAlfa\n")
    for path in ("", "/rows", "/errors.csv"):
        address = f"{IMPORTS}/{sent['id']}{path}"
        assert (await client.get(address, headers=as_role("marketing"))).status_code == 404
        assert (await client.get(address, headers=as_role("read_only"))).status_code == 403
        assert (await client.get(address, headers=as_role("admin"))).status_code == 200
    assert (await client.get(IMPORTS, headers=as_role("marketing"))).json()["items"] == []
    assert len((await client.get(IMPORTS, headers=as_role("sales"))).json()["items"]) == 1
    files = {"file": ("list.csv", b"Name\nA\n")}
    assert (await client.post(IMPORTS, files=files, headers=as_role("read_only"))).status_code == 403
    assert (await client.post(IMPORTS, files=files)).status_code == 401


async def test_rows_are_paged(upload: Upload, finish: Finish, client: AsyncClient, as_role: AsRole) -> None:
    sent = await upload("Name\n" + "".join(f"Company {number}\n" for number in range(9)))
    await finish(sent["id"])
    seen: list[int] = []
    query: dict[str, Any] = {"limit": 4}
    while True:
        page = (await client.get(f"{IMPORTS}/{sent['id']}/rows", params=query, headers=as_role("sales"))).json()
        seen += [row["number"] for row in page["items"]]
        if page["next_after"] is None:
            break
        query["after"] = page["next_after"]
    assert seen == list(range(2, 11))


async def test_the_file_goes_when_every_row_has_its_outcome(upload: Upload, finish: Finish, runtime: Runtime) -> None:
    sent = await upload("Name\nAlfa\n")
    await finish(sent["id"])
    async with runtime.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(ImportFile)) == 0
        assert await session.scalar(select(func.count()).select_from(ImportRow)) == 1
        found = await session.scalar(select(Import))
    assert found is not None and found.done_through == 2
