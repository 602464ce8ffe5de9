"""A notice as a mail."""

from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache

from jinja2 import PackageLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import SandboxedEnvironment

from notifications.domain.wording import OPEN, WHY, Words, one_line


class BadAddress(ValueError):
    """No mail can be sent to such an address."""


@dataclass(frozen=True)
class Letter:
    """Everything a mail is made of; `message_id` is the same for every attempt: a receiver can tell a repeat."""

    message_id: str
    sender: str
    name: str
    address: str
    language: str
    words: Words
    link: str
    written_at: datetime


@cache
def _templates() -> SandboxedEnvironment:
    return SandboxedEnvironment(
        loader=PackageLoader("notifications.domain"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def message_id(delivery_id: object, sender: str) -> str:
    """Derived from the delivery alone."""
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    return f"<{delivery_id}@{domain}>"


def composed(letter: Letter) -> EmailMessage:
    """The mail, as text and HTML. Raises BadAddress."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = letter.sender
    mail["To"] = _address(letter.name, letter.address)
    mail["Subject"] = one_line(letter.words.title)
    mail["Date"] = format_datetime(letter.written_at)
    mail["Message-ID"] = letter.message_id
    # Nobody's out-of-office reply shall answer a machine (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_rendered("mail.txt", letter))
    mail.add_alternative(_rendered("mail.html", letter), subtype="html")
    mail["Content-Language"] = letter.language
    return mail


def _rendered(template: str, letter: Letter) -> str:
    return (
        _templates()
        .get_template(template)
        .render(
            language=letter.language,
            title=letter.words.title,
            lines=letter.words.body.splitlines(),
            link=letter.link,
            open=OPEN[letter.language],
            why=WHY[letter.language],
        )
    )


def _address(name: str, address: str) -> Address:
    try:
        return Address(display_name=one_line(name), addr_spec=address)
    except (HeaderParseError, ValueError, IndexError) as error:
        raise BadAddress(address) from error
