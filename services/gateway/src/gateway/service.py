from chassis.service import Service
from gateway.api import POLICY, router
from gateway.api.door import Door
from gateway.settings import GatewaySettings

service = Service(
    name="gateway",
    settings=GatewaySettings,
    router=router,
    policy=POLICY,
    layers=(Door,),
)
