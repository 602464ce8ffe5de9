from typing import ClassVar

from chassis.errors import Conflict, FieldProblem, Forbidden, Invalid


class AccountKindImmutable(Conflict):
    code: ClassVar[str] = "account_kind_immutable"
    title: ClassVar[str] = "A company stays a company, a person a person"


class AccountHierarchyCycle(Conflict):
    code: ClassVar[str] = "account_hierarchy_cycle"
    title: ClassVar[str] = "An account cannot stand above itself"


class PersonAccountHasNoContacts(Conflict):
    code: ClassVar[str] = "person_account_has_no_contacts"
    title: ClassVar[str] = "A person account has no contacts of its own"


class PersonAccountHasNoHierarchy(Conflict):
    code: ClassVar[str] = "person_account_has_no_hierarchy"
    title: ClassVar[str] = "A person account has no parent and is nobody's parent"


class AccountIncomplete(Conflict):
    """`errors` name every field that is still missing."""

    code: ClassVar[str] = "account_incomplete"
    title: ClassVar[str] = "The account lacks what an invoice needs"


class OwnAccountNotVerifiable(Conflict):
    code: ClassVar[str] = "own_account_not_verifiable"
    title: ClassVar[str] = "Somebody else must verify an account that you have entered"


class VerificationNotYours(Forbidden):
    code: ClassVar[str] = "verification_not_yours"
    title: ClassVar[str] = "Your role does not decide about verification"


class NotDeleted(Conflict):
    code: ClassVar[str] = "not_deleted"
    title: ClassVar[str] = "The record is not deleted"


class AccountOfContactDeleted(Conflict):
    code: ClassVar[str] = "account_deleted"
    title: ClassVar[str] = "The contact's account is deleted; restore that first"


class ImportFinished(Conflict):
    code: ClassVar[str] = "import_finished"
    title: ClassVar[str] = "The import has ended already"


def wrong(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(errors=[FieldProblem(pointer, code, detail)])
