from activities.api import ACTIVITIES, POLICY, routes
from activities.consumers import fire_reminders, subscriptions
from activities.models import Base
from activities.settings import ActivitySettings
from chassis.service import Service, Worker

service = Service(
    name="activities",
    settings=ActivitySettings,
    router=routes,
    metadata=Base.metadata,
    policy=POLICY,
    subscriptions=subscriptions,
    objects=(ACTIVITIES,),
    workers=(Worker("reminders", fire_reminders),),
)
