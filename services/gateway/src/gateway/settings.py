from pydantic import DirectoryPath, Field, SecretStr

from chassis.settings import DEVELOPMENT_SECRET, ServiceSettings
from gateway.domain.limits import MIB, Allowance, BodyLimits


class GatewaySettings(ServiceSettings):
    session_secret: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    """Makes the CSRF tokens; the same for all replicas."""

    web_dir: DirectoryPath | None = None
    """The built web UI; without it a start page stands in."""

    public_url: str | None = None
    """`https://crm.example.org`, when a proxy in front changes the Host header; else Host and Origin are compared."""

    trusted_proxies: int = Field(0, ge=0)
    """Our own proxies in front; as many entries from the right of X-Forwarded-For are believed."""

    requests_per_second: float = Field(200.0, gt=0)
    requests_burst: int = Field(400, ge=1)
    """Of one principal; generous, since a list page with its pickers is a dozen requests."""

    address_requests_per_second: float = Field(1000.0, gt=0)
    address_requests_burst: int = Field(2000, ge=1)
    """Of one IP address: an office behind one address, but no flood."""

    sign_ins_per_minute: float = Field(10.0, gt=0)
    sign_ins_burst: int = Field(30, ge=1)
    """Of one IP address. The burst lets an office arrive at nine o'clock; identity counts the failures itself."""

    max_body: int = MIB
    max_import: int = 21 * MIB
    """Bytes: a file of 20 MB in its multipart form."""

    upstream_timeout: float = Field(30.0, gt=0)
    """Seconds without a byte in either direction, except on event streams."""

    @property
    def per_principal(self) -> Allowance:
        return Allowance(self.requests_per_second, self.requests_burst)

    @property
    def per_address(self) -> Allowance:
        return Allowance(self.address_requests_per_second, self.address_requests_burst)

    @property
    def sign_ins(self) -> Allowance:
        return Allowance(self.sign_ins_per_minute / 60, self.sign_ins_burst)

    @property
    def body_limits(self) -> BodyLimits:
        return BodyLimits(self.max_body, {"/api/accounts/v1/imports": self.max_import})

    @property
    def is_development(self) -> bool:
        return self.environment == "development"

    @property
    def cookie_name(self) -> str:
        # The prefix makes browsers insist on Secure, Path=/ and no Domain.
        return "meridian_session" if self.is_development else "__Host-meridian_session"
