from accounts.models.account import Account
from accounts.models.contact import Contact
from accounts.models.imports import Import, ImportFile, ImportLease, ImportRow
from accounts.models.replicas import UserReplica
from accounts.models.tables import Base

__all__ = ["Account", "Base", "Contact", "Import", "ImportFile", "ImportLease", "ImportRow", "UserReplica"]
