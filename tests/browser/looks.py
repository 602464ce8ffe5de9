"""A page in both themes and two sizes: what axe finds, whether anything sticks out, and a picture of each."""

import asyncio
from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from devstack import discovery, web

SIZES = {"desk": (1440, 900), "phone": (390, 844)}
THEMES = ("light", "dark")
RUN = """async () => (await axe.run()).violations.map(({ id, nodes }) =>
  `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join(" | ")}`)"""
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@cache
def axe() -> str:
    root = discovery.checkout()
    return (web.packages(root, lambda _: None) / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")


def pictures() -> Path:
    folder = discovery.checkout() / ".local" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def flaws(page: Page, name: str) -> list[str]:
    """Violations of accessibility rules and sideways overflow, each with the look it was found in."""
    await page.evaluate(await asyncio.to_thread(axe))
    found = []
    for size, (width, height) in SIZES.items():
        await page.set_viewport_size({"width": width, "height": height})
        for theme in THEMES:
            found += [f"{size} {theme}: {each}" for each in await _flaws(page, theme)]
            await page.screenshot(path=pictures() / f"{name}-{size}-{theme}.png")
    return found


async def _flaws(page: Page, theme: Any) -> list[str]:
    await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    await page.wait_for_selector(f":root[data-mantine-color-scheme={theme}]")
    await page.wait_for_load_state("networkidle")
    found: list[str] = await page.evaluate(RUN)
    sideways = await page.evaluate(SIDEWAYS)
    return found + ([f"{sideways} px stick out sideways"] if sideways > 0 else [])
