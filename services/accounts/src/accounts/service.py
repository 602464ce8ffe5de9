from accounts.api import router
from accounts.api.policy import POLICY
from accounts.consumers.imports import read_imports
from accounts.consumers.users import subscriptions
from accounts.models import Base
from accounts.queries.catalogue import ACCOUNTS, CONTACTS
from accounts.queries.imports import IMPORTS
from accounts.settings import AccountsSettings
from chassis.service import Service, Worker

service = Service(
    name="accounts",
    settings=AccountsSettings,
    router=router,
    metadata=Base.metadata,
    policy=POLICY,
    subscriptions=subscriptions,
    objects=(ACCOUNTS, CONTACTS, IMPORTS),
    # Two lanes, so that a short list need not wait for a long one.
    workers=(Worker("imports-1", read_imports), Worker("imports-2", read_imports)),
)
