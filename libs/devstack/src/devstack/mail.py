"""The local mail catcher: takes every mail by SMTP and keeps it as a file that any mail program opens."""

import asyncio
import email
import email.policy
import itertools
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from aiosmtpd.smtp import SMTP, Envelope, Session

_count = itertools.count()


class Catcher:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        recipient = re.sub(r"[^\w.@+-]", "_", envelope.rcpt_tos[0])[:80]
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        path = self.folder / f"{moment}-{next(_count)}-{recipient}.eml"
        half = path.with_suffix(".half")
        half.write_bytes(envelope.original_content or b"")
        half.replace(path)
        return "250 kept"


async def catch_mail(folder: Path, port: int) -> asyncio.Server:
    """Listens on the loopback until the returned server is closed."""
    folder.mkdir(parents=True, exist_ok=True)
    loop = asyncio.get_running_loop()
    catcher = Catcher(folder)
    return await loop.create_server(
        lambda: SMTP(catcher, hostname="localhost", enable_SMTPUTF8=True, loop=loop), "127.0.0.1", port
    )


class Mail(NamedTuple):
    sender: str
    to: str
    subject: str
    date: str
    path: Path


def caught(folder: Path) -> list[Mail]:
    """All mails in the order in which they came."""
    return [_headers(path) for path in sorted(folder.glob("*.eml"))]


def _headers(path: Path) -> Mail:
    with path.open("rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    sender, to, subject, date = (str(message.get(name, "")) for name in ("From", "To", "Subject", "Date"))
    return Mail(sender, to, subject, date, path)
