import asyncio
import smtplib
from email.message import EmailMessage
from pathlib import Path

from devstack import mail, ports


def send(port: int, recipient: str, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "crm@meridian.example", recipient, subject
    message.set_content("Zadzwoń do Łukasza.\n.\nKoniec.")
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.send_message(message)


async def test_every_mail_becomes_one_file_and_is_listed_in_order(tmp_path: Path) -> None:
    port = ports.any_free()
    server = await mail.catch_mail(tmp_path, port)
    await asyncio.to_thread(send, port, "anna@meridian.example", "Przypomnienie: zażółć")
    await asyncio.to_thread(send, port, "../../etc/passwd@meridian.example", "Second")
    server.close()
    first, second = mail.caught(tmp_path)
    assert (first.sender, first.to, first.subject) == (
        "crm@meridian.example",
        "anna@meridian.example",
        "Przypomnienie: zażółć",
    )
    assert second.subject == "Second"
    assert {path.parent for path in (first.path, second.path)} == {tmp_path}
    assert not list(tmp_path.glob("*.half"))
