import pytest

from gateway.domain import browser, headers, openapi, routes
from gateway.domain.dress import Wardrobe, put_on
from gateway.domain.limits import Allowance, BodyLimits, admit

TEN_A_SECOND = Allowance(rate=10, burst=3)


class TestAllowance:
    def test_a_burst_passes_and_the_next_waits(self) -> None:
        whole_at = 0.0
        waits = []
        for _ in range(4):
            whole_at, wait = admit(whole_at, 100.0, TEN_A_SECOND)
            waits.append(round(wait, 6))
        assert waits == [0.0, 0.0, 0.0, 0.1]

    def test_waiting_gives_one_back(self) -> None:
        whole_at = 0.0
        for _ in range(3):
            whole_at, _ = admit(whole_at, 100.0, TEN_A_SECOND)
        assert admit(whole_at, 100.1, TEN_A_SECOND)[1] == 0.0
        assert admit(whole_at, 100.05, TEN_A_SECOND)[1] == pytest.approx(0.05)

    def test_a_refusal_costs_nothing(self) -> None:
        whole_at = 0.0
        for _ in range(3):
            whole_at, _ = admit(whole_at, 100.0, TEN_A_SECOND)
        assert admit(whole_at, 100.0, TEN_A_SECOND)[0] == whole_at

    def test_a_steady_caller_at_the_rate_is_never_refused(self) -> None:
        whole_at, refused = 0.0, 0
        for tick in range(1000):
            whole_at, wait = admit(whole_at, 100 + tick * 0.1, TEN_A_SECOND)
            refused += wait > 0
        assert refused == 0


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/api/leads/v1/leads", 10),
        ("/api/accounts/v1/imports", 99),
        ("/api/accounts/v1/imports/7/rows", 99),
        ("/api/accounts/v1/imports-of-mine", 10),
    ],
)
def test_the_longest_prefix_decides_the_limit(path: str, limit: int) -> None:
    assert BodyLimits(10, {"/api/accounts/v1/imports": 99, "/api": 10}).of(path) == limit


class TestHeaders:
    def test_what_is_for_one_hop_or_for_the_gateway_stays_out(self) -> None:
        given = [
            (b"host", b"crm"),
            (b"cookie", b"meridian_session=x"),
            (b"connection", b"close, X-Odd"),
            (b"x-odd", b"1"),
            (b"x-forwarded-for", b"1.2.3.4"),
            (b"authorization", b"Basic x"),
            (b"accept", b"application/json"),
            (b"if-match", b'"3"'),
        ]
        assert headers.inward(given) == [("accept", "application/json"), ("if-match", '"3"')]

    def test_services_set_no_cookies(self) -> None:
        given = [(b"Set-Cookie", b"a=1"), (b"Transfer-Encoding", b"chunked"), (b"ETag", b'"3"')]
        assert headers.outward(given) == [(b"etag", b'"3"')]

    @pytest.mark.parametrize(
        ("header", "value"),
        [
            ("session=abc", "abc"),
            ("a=1; session=abc; b=2", "abc"),
            ("session=first; session=second", "first"),
            ("xsession=abc", None),
            ("session", None),
            ("", None),
        ],
    )
    def test_one_cookie_among_others(self, header: str, value: str | None) -> None:
        assert headers.cookie(header, "session") == value

    def test_nobody_loosens_the_content_policy(self) -> None:
        worn = dict(put_on([(b"content-security-policy", b"default-src *")], Wardrobe.of(True).api))
        assert worn[b"content-security-policy"] == b"default-src 'none'; frame-ancestors 'none'"

    def test_https_is_demanded_in_production_only(self) -> None:
        assert b"strict-transport-security" in dict(Wardrobe.of(False).page)
        assert b"strict-transport-security" not in dict(Wardrobe.of(True).page)


class TestBrowser:
    def test_the_token_is_bound_to_session_and_secret(self) -> None:
        token = browser.csrf_token("secret", "session")
        assert browser.is_csrf_token(token, "secret", "session")
        assert not browser.is_csrf_token(token, "secret", "other")
        assert not browser.is_csrf_token(token, "other", "session")
        assert not browser.is_csrf_token(None, "secret", "session")
        assert not browser.is_csrf_token("ą", "secret", "session")

    @pytest.mark.parametrize(
        ("origin", "fetch_site", "public_url", "foreign"),
        [
            (None, None, None, False),
            (None, "same-origin", None, False),
            (None, "none", None, False),
            (None, "cross-site", None, True),
            (None, "same-site", None, True),
            ("http://crm:8000", "same-origin", None, False),
            ("https://CRM:8000", None, None, False),
            ("http://crm:8001", None, None, True),
            ("http://evil.example", None, None, True),
            ("null", None, None, True),
            ("", None, None, True),
            ("https://crm.example.org", None, "https://crm.example.org/", False),
            ("http://crm.example.org", None, "https://crm.example.org", True),
            ("http://crm:8000", None, "https://crm.example.org", True),
        ],
    )
    def test_who_is_foreign(
        self, origin: str | None, fetch_site: str | None, public_url: str | None, foreign: bool
    ) -> None:
        assert browser.is_foreign(origin, fetch_site, "crm:8000", public_url) is foreign

    @pytest.mark.parametrize(
        ("forwarded", "proxies", "address"),
        [
            (None, 0, "peer"),
            ("6.6.6.6", 0, "peer"),
            ("6.6.6.6, 10.0.0.1", 1, "10.0.0.1"),
            ("6.6.6.6, 10.0.0.1", 2, "6.6.6.6"),
            ("6.6.6.6", 3, "6.6.6.6"),
            (None, 1, "peer"),
        ],
    )
    def test_only_our_own_proxies_are_believed(self, forwarded: str | None, proxies: int, address: str) -> None:
        assert browser.client_address("peer", forwarded, proxies) == address


class TestRoutes:
    URLS = {"leads": "http://leads:1", "accounts": "http://accounts:1"}

    @pytest.mark.parametrize(
        ("path", "raw", "query", "url"),
        [
            ("/api/leads/v1/leads", b"/api/leads/v1/leads", b"q=a%20b", "http://leads:1/api/leads/v1/leads?q=a%20b"),
            ("/api/leads/v1/a/b", b"/api/leads/v1/a%2Fb", b"", "http://leads:1/api/leads/v1/a%2Fb"),
            ("/api/nobody/v1/x", b"/api/nobody/v1/x", b"", None),
            ("/api/leads/../accounts/v1", b"/api/leads/../accounts/v1", b"", None),
            ("/api/leads/../../readyz", b"/api/leads/%2e%2e/%2e%2e/readyz", b"", None),
            ("/api/", b"/api/", b"", None),
            ("/api/leads/v1", b"/%61pi/leads/v1", b"", None),
        ],
    )
    def test_where_an_address_leads(self, path: str, raw: bytes, query: bytes, url: str | None) -> None:
        assert routes.target(self.URLS, path, raw, query) == url


class TestDescription:
    OWN = {"info": {"title": "Meridian gateway", "version": "1"}, "paths": {"/session": {"get": {"responses": {}}}}}

    @staticmethod
    def of(service: str) -> dict[str, object]:
        thing = {"properties": {"next": {"$ref": "#/components/schemas/Thing"}, "text": {"const": "Thing"}}}
        operation = {"operationId": "show", "responses": {"200": {"$ref": "#/components/responses/Ok"}}}
        return {
            "info": {"title": service},
            "paths": {f"/api/{service}/v1/things": {"get": operation}, "/livez": {"get": operation}},
            "components": {"schemas": {"Thing": thing}, "responses": {"Ok": {"description": "ok"}}},
        }

    def test_names_of_two_services_do_not_collide(self) -> None:
        merged = openapi.merge(self.OWN, {"leads": self.of("leads"), "accounts": self.of("accounts")})
        assert set(merged["components"]["schemas"]) == {"leads.Thing", "accounts.Thing"}
        thing = merged["components"]["schemas"]["leads.Thing"]
        assert thing["properties"]["next"]["$ref"] == "#/components/schemas/leads.Thing"
        assert thing["properties"]["text"]["const"] == "Thing"
        assert set(merged["paths"]) == {"/session", "/api/leads/v1/things", "/api/accounts/v1/things"}
        operation = merged["paths"]["/api/leads/v1/things"]["get"]
        assert operation["operationId"] == "leads_show" and operation["tags"] == ["leads"]

    def test_a_service_that_does_not_answer_is_named(self) -> None:
        merged = openapi.merge(self.OWN, {"leads": None})
        assert merged["x-missing-services"] == ["leads"]
        assert "leads" in merged["info"]["description"]
