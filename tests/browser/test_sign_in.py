import re

from playwright.async_api import Page, expect

from .conftest import Open, Watch
from .looks import flaws
from .office import ANNA, PASSWORD, Office


async def sign_in(page: Page, email: str, password: str) -> None:
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label(re.compile("^Password")).fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def test_the_page_is_without_flaws(visit: Open) -> None:
    page = await visit("/sign-in", None)
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await flaws(page, "sign-in") == []


async def test_who_signs_in_comes_back_to_where_they_wanted_to_go(visit: Open, office: Office) -> None:
    page = await visit("/contacts?q=giulia", None)
    await sign_in(page, office.people[ANNA].email, PASSWORD)
    await expect(page.get_by_role("heading", name="Contacts", level=1)).to_be_visible()
    assert page.url.endswith("/contacts?q=giulia")


async def test_a_wrong_password_is_said_and_what_was_typed_stays(visit: Open, office: Office, watch: Watch) -> None:
    watch.expect("401 POST")
    page = await visit("/sign-in", None)
    await sign_in(page, office.people[ANNA].email, "wrong horse battery")
    await expect(page.get_by_role("alert")).to_have_text("This e-mail and password do not go together.")
    await expect(page.get_by_label("E-mail")).to_have_value(office.people[ANNA].email)


async def test_signing_out_leads_back_to_the_door(visit: Open, office: Office) -> None:
    page = await visit("/")
    await page.get_by_role("button", name="settings and sign out").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.goto("/accounts")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
