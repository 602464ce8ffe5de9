from chassis.service import Runtime, Service, Worker
from identity.api import POLICY, router
from identity.api.parts import passwords_of
from identity.commands.catalogue import TEAMS, USERS
from identity.commands.start import prepare
from identity.consumers import forget_what_is_over
from identity.models import Base
from identity.settings import IdentitySettings, settings_of


async def on_start(runtime: Runtime) -> None:
    await prepare(runtime.db, passwords_of(runtime), settings_of(runtime))


service = Service(
    name="identity",
    settings=IdentitySettings,
    router=router,
    metadata=Base.metadata,
    policy=POLICY,
    objects=(USERS, TEAMS),
    workers=(Worker("forget_what_is_over", forget_what_is_over),),
    on_start=on_start,
)
