from typing import ClassVar

from chassis.errors import NotFound


class AccountNotFound(NotFound):
    code: ClassVar[str] = "account_not_found"
    title: ClassVar[str] = "There is no such account"


class ContactNotFound(NotFound):
    code: ClassVar[str] = "contact_not_found"
    title: ClassVar[str] = "There is no such contact"


class ImportNotFound(NotFound):
    code: ClassVar[str] = "import_not_found"
    title: ClassVar[str] = "There is no such import"
