import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
import pytest


class Parts(HTMLParser):
    """Where a page's parts come from, and whether it has any inline script or style."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        source = found.get("src") if tag != "link" else found.get("href")
        if source:
            self.sources.append(source)
        elif tag in ("script", "style"):
            self.inline.append(tag)
        self.inline += [name for name in found if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_a_page_needs_no_third_party_and_nothing_inline(door: httpx2.AsyncClient, path: str) -> None:
    answer = await door.get(path)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    parts = Parts()
    parts.feed(answer.text)
    assert parts.inline == [] and parts.sources
    for source in parts.sources:
        assert source.startswith("/static/")
        assert (await door.get(source)).status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy


async def test_the_start_page_tells_who_is_up(door: httpx2.AsyncClient) -> None:
    page = (await door.get("/")).text
    assert "3 of 4 services are ready" in page
    up = set(re.findall(r'class="up"><span class="name">(\w+)', page))
    assert up == {"accounts", "identity", "leads"}
    assert re.findall(r'class="down"><span class="name">(\w+)', page) == ["dedup"]


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/livez", "/nothing", "/session", "/static/start.css"])
async def test_every_answer_wears_the_headers(door: httpx2.AsyncClient, path: str) -> None:
    headers = (await door.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "camera=()" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers
    assert headers["x-correlation-id"]


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/static/nothing.js", "/static/../settings.py", "/static/%2e%2e/settings.py", "/static/start.html"],
)
async def test_what_is_not_there(door: httpx2.AsyncClient, path: str) -> None:
    answer = await door.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_health(door: httpx2.AsyncClient) -> None:
    assert (await door.get("/livez")).json()["status"] == "ok"
    assert (await door.get("/readyz")).json()["status"] == "ready"
    await door.get("/api/leads/v1/echo")
    assert 'route="/api/leads"' in (await door.get("/metrics")).text


async def test_one_description_of_all_services(door: httpx2.AsyncClient) -> None:
    document = (await door.get("/openapi.json")).json()
    assert {"/session", "/api/leads/v1/leads"} <= set(document["paths"])
    assert not {"/readyz", "/api/gateway/v1/meta"} & set(document["paths"])
    assert (
        document["x-missing-services"] == ["accounts", "dedup", "identity"] or "dedup" in document["x-missing-services"]
    )
    assert set(document["components"]["securitySchemes"]) == {"bearer", "session"}
    for reference in re.findall(r'"\$ref": ?"#/components/([^"]+)"', (await door.get("/openapi.json")).text):
        kind, _, name = reference.partition("/")
        assert name in document["components"][kind]


class TestWebFiles:
    @pytest.fixture
    def web(self, tmp_path: Path) -> Path:
        built = tmp_path / "dist"
        (built / "assets").mkdir(parents=True)
        (built / "index.html").write_text("<!doctype html><title>UI</title>")
        (built / "assets" / "app-1a2b.js").write_text("1")
        (built / "assets" / "app-1a2b.js.br").write_bytes(b"b")
        (built / "assets" / "app-1a2b.js.gz").write_bytes(b"g")
        (tmp_path / "secret.txt").write_text("hidden-words")
        (built / "link.txt").symlink_to(tmp_path / "secret.txt")
        return built

    @pytest.mark.parametrize("path", ["/", "/accounts/7", "/deep/er?x=1"])
    async def test_every_page_of_the_ui_is_its_index(self, running: Any, web: Path, path: str) -> None:
        async with running(web_dir=web) as door:
            answer = await door.get(path, headers={"Accept": "text/html,*/*"})
        assert "<title>UI</title>" in answer.text and answer.headers["cache-control"] == "no-cache"

    async def test_built_files_are_kept_for_ever(self, running: Any, web: Path) -> None:
        async with running(web_dir=web) as door:
            answer = await door.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "identity"})
        assert answer.text == "1" and "immutable" in answer.headers["cache-control"]

    @pytest.mark.parametrize(("accepted", "coding"), [("gzip, deflate, br", "br"), ("gzip", "gzip")])
    async def test_the_copy_that_the_build_compressed_is_sent(
        self, running: Any, web: Path, accepted: str, coding: str
    ) -> None:
        async with running(web_dir=web) as door:
            request = door.build_request("GET", "/assets/app-1a2b.js", headers={"Accept-Encoding": accepted})
            answer = await door.send(request, stream=True)
            sent = b"".join([part async for part in answer.aiter_raw()])
        assert answer.headers["content-encoding"] == coding and answer.headers["vary"] == "Accept-Encoding"
        assert "javascript" in answer.headers["content-type"] and sent == coding[:1].encode()

    async def test_a_file_that_a_new_version_no_longer_has_is_missing(self, running: Any, web: Path) -> None:
        async with running(web_dir=web) as door:
            answer = await door.get("/assets/app-old.js", headers={"Accept": "text/html,*/*"})
        assert answer.status_code == 404

    @pytest.mark.parametrize(("path", "may_style"), [("/accounts/7", True), ("/docs", False), ("/api/x/v1/y", False)])
    async def test_scripts_are_strict_everywhere_and_styles_but_for_the_ui(
        self, running: Any, web: Path, path: str, may_style: bool
    ) -> None:
        async with running(web_dir=web) as door:
            policy = (await door.get(path, headers={"Accept": "text/html"})).headers["content-security-policy"]
        assert ("style-src 'self' 'unsafe-inline'" in policy) is may_style
        assert "script-src" not in policy and "default-src '" in policy

    @pytest.mark.parametrize(
        "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/link.txt", "/missing.js"]
    )
    async def test_nothing_outside_is_ever_sent(self, running: Any, web: Path, path: str) -> None:
        async with running(web_dir=web) as door:
            answer = await door.get(path, headers={"Accept": "*/*"})
        assert "hidden-words" not in answer.text and answer.status_code in (200, 404)
        assert answer.status_code == 404 or "<title>UI</title>" in answer.text

    async def test_the_documentation_stays(self, running: Any, web: Path) -> None:
        async with running(web_dir=web) as door:
            assert "viewer" in (await door.get("/docs")).text
            assert (await door.get("/readyz")).json()["status"] == "ready"
