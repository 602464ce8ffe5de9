from chassis.service import Service, Worker
from notifications.api import NOTIFICATIONS, POLICY, routes
from notifications.consumers import send_mails, subscriptions
from notifications.models import Base
from notifications.settings import NotificationSettings

service = Service(
    name="notifications",
    settings=NotificationSettings,
    router=routes,
    metadata=Base.metadata,
    policy=POLICY,
    subscriptions=subscriptions,
    objects=(NOTIFICATIONS,),
    workers=(Worker("mail", send_mails),),
)
