"""What a caller may see, as conditions that every query on this service's tables carries."""

from sqlalchemy import ColumnElement, and_, or_, true

from accounts.models import Account, Contact, Import, UserReplica
from chassis.access import Access


def visible_accounts(access: Access, *, deleted: bool = False) -> ColumnElement[bool]:
    living = Account.deleted_at.is_not(None) if deleted else Account.deleted_at.is_(None)
    return and_(living, access.rows(Account.owner_id, team=UserReplica))


def visible_contacts(access: Access, *, deleted: bool = False) -> ColumnElement[bool]:
    living = Contact.deleted_at.is_not(None) if deleted else Contact.deleted_at.is_(None)
    return and_(living, access.rows(Contact.owner_id, team=UserReplica), not_somebody_elses(access))


def not_somebody_elses(access: Access) -> ColumnElement[bool]:
    """A contact without an account exists for its owner and for admins, and for nobody else, whatever their scope."""
    if access.principal.is_admin:
        return true()
    return or_(Contact.account_id.is_not(None), Contact.owner_id == access.principal.id)


def visible_imports(access: Access) -> ColumnElement[bool]:
    return access.rows(Import.owner_id, team=UserReplica)
