"""The table of handled events: one partition per day, which PostgreSQL drops as a whole instead of deleting rows.

Partitions are made and dropped by a function that runs with its owner's rights, so the service's own role needs none
to create or drop tables.
"""

from sqlalchemy import DDL, Column, Date, MetaData, Table, Text, Uuid, event, text

PARTITIONS = "inbox_done_"
"""How the partitions' names begin; they are no models."""

# A day that the catch-all partition has begun stays there: it is then deleted by rows.
ROTATE = r"""
create or replace function rotate_inbox_done(keep_days integer, days_ahead integer) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  today constant date := (clock_timestamp() at time zone 'utc')::date;
  found record;
  day date;
  dropped integer := 0;
begin
  if not pg_try_advisory_xact_lock(7234002) then return 0; end if;
  perform set_config('lock_timeout', '2s', true);
  for day in select today + n from generate_series(0, days_ahead) n loop
    if to_regclass('inbox_done_' || to_char(day, 'YYYYMMDD')) is null then
      begin
        execute format('create table %I partition of inbox_done for values from (%L) to (%L)',
                       'inbox_done_' || to_char(day, 'YYYYMMDD'), day, day + 1);
      exception when check_violation then null;
      end;
    end if;
  end loop;
  for found in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'inbox_done'::regclass and c.relname ~ '^inbox_done_[0-9]{8}$'
      and to_date(right(c.relname, 8), 'YYYYMMDD') < today - keep_days
  loop
    execute format('drop table %I', found.relname);
    dropped := dropped + 1;
  end loop;
  delete from inbox_done_rest where done_on < today - keep_days;
  return dropped;
end $$"""
REST = "create table if not exists inbox_done_rest partition of inbox_done default"
TODAY = "(clock_timestamp() at time zone 'utc')::date"


def register(metadata: MetaData) -> Table:
    """Adds the table `inbox_done` to a service's metadata; its function and partitions come with it."""
    table = Table(
        "inbox_done",
        metadata,
        Column("handler", Text, primary_key=True),
        Column("event_id", Uuid, primary_key=True),
        Column("done_on", Date, primary_key=True, server_default=text(TODAY)),
        postgresql_partition_by="RANGE (done_on)",
    )
    for statement in (REST, ROTATE, "select rotate_inbox_done(7, 7)"):
        event.listen(table, "after_create", DDL(statement.replace("%", "%%")))  # type: ignore[no-untyped-call]
    drop = DDL("drop function if exists rotate_inbox_done(integer, integer)")  # type: ignore[no-untyped-call]
    event.listen(table, "after_drop", drop)
    return table
