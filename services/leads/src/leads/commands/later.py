"""Duplicate checks that were put off because dedup did not answer."""

from sqlalchemy import select, update

from chassis.service import Runtime
from leads.commands.claims import ask_many, question
from leads.models import Lead

AT_ONCE = 50
PATIENCE = 8.0
"""Seconds; nobody waits for the answer."""


async def check_postponed(runtime: Runtime) -> int:
    """Asks for leads whose check is pending; how many got their answer. Raises Unanswered.

    The lead exists, so its keys are only reported; what is found becomes a duplicate set when dedup hears of the lead.
    """
    async with runtime.db.read() as session:
        waiting = select(Lead).where(Lead.duplicate_check == "pending").order_by(Lead.id).limit(AT_ONCE)
        leads = (await session.execute(waiting)).scalars().all()
    if not leads:
        return 0
    await ask_many(runtime, [question(lead, "edit", "api", only_report=True) for lead in leads], PATIENCE)
    async with runtime.db.transaction() as session:
        for lead in leads:
            # Only if nothing has changed meanwhile, and without a new version: nobody outside sees this mark.
            same = update(Lead).where(Lead.id == lead.id, Lead.version == lead.version)
            await session.execute(same.values(duplicate_check="done", updated_at=lead.updated_at))
    return len(leads)
