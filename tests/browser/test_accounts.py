import re

from playwright.async_api import expect

from .conftest import Open
from .looks import flaws
from .office import MARCO, Office


async def test_the_list_is_without_flaws(visit: Open, office: Office) -> None:
    page = await visit("/accounts")
    await expect(page.get_by_role("link", name=office.accounts[1]["name"]).first).to_be_visible()
    assert await flaws(page, "accounts") == []


async def test_a_quick_filter_is_in_the_address_and_forgives_accents(visit: Open, office: Office) -> None:
    await office.account("Zażółć Gęślą Jaźń")
    page = await visit("/accounts")
    await expect(page.get_by_role("link", name=office.accounts[1]["name"]).first).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type("zazolc gesla")
    await expect(page.get_by_role("link", name="Zażółć Gęślą Jaźń")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"q=zazolc"))
    await page.reload()
    await expect(page.get_by_role("row")).to_have_count(2)


async def test_an_order_shows_in_the_heading_and_keys_open_a_record(visit: Open, office: Office) -> None:
    page = await visit("/accounts")
    await page.get_by_role("columnheader", name="Accounts").get_by_role("button").click()
    await expect(page.get_by_role("columnheader", name="Accounts")).to_have_attribute("aria-sort", "ascending")
    await page.wait_for_load_state("networkidle")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    second = await page.get_by_role("row").nth(2).get_by_role("link").inner_text()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text(second)


async def test_the_list_speaks_italian(visit: Open, office: Office) -> None:
    page = await visit("/accounts", MARCO)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Aziende")
    await expect(page.locator("html")).to_have_attribute("lang", "it")
