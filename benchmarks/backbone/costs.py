"""What the outbox costs who writes: a short transaction with and without it, by pgbench."""

import asyncio
import re
from statistics import median

from benchmarks.backbone import sample
from benchmarks.backbone.bed import Bed, Place
from benchmarks.report import Line
from devstack.postgres import binaries, installation

CLIENTS, SECONDS, REPETITIONS = 32, 7, 2
LIMIT = 0.15

_UPDATE = r"""
\set n random(0, 99999)
begin;
update zz_teams set version = version + 1, updated_at = now()
 where id = ('00000000-0000-4000-8000-' || lpad(to_hex(cast(:n as int)), 12, '0'))::uuid
 returning id as team, version \gset
"""
_INSERT = r"""
insert into outbox (shard, topic, aggregate_type, aggregate_id, version, event_id, type, headers, payload)
 values (cast(:n as int) % 16, 'crm.identity.team', 'team', :team, :version, uuidv7(), 'crm.identity.team.changed.v1',
         :headers, :payload);
"""
_COMMIT = "commit;\n"
_TEAMS = """
insert into zz_teams (id, version, name)
select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1, 'team' from generate_series(0, 99999) n"""


async def costs(bed: Bed) -> list[Line]:
    pairs = []
    async with bed.database() as place:
        await place.execute(_TEAMS)
        await _tps(bed, place, _UPDATE + _COMMIT)  # warm
        for _ in range(1 if bed.quick else REPETITIONS):
            without = await _tps(bed, place, _UPDATE + _COMMIT)
            pairs.append((without, await _tps(bed, place, _UPDATE + _INSERT + _COMMIT)))
    cost = median(1 - beside / without for without, beside in pairs)
    return [
        Line(
            f"cost of the outbox row for {CLIENTS} writers",
            f"<= {LIMIT:.0%}",
            f"{cost:.1%}: {median(beside for _, beside in pairs):,.0f} transactions/s",
            f"the same without the row {median(without for without, _ in pairs):,.0f} transactions/s",
            cost <= LIMIT,
        )
    ]


async def _tps(bed: Bed, place: Place, script: str) -> float:
    """Transactions a second of the script, each client in a connection of its own with prepared statements."""
    await place.execute("truncate outbox")
    await place.execute("vacuum analyze zz_teams")
    await bed.settle()
    file = bed.folder / "script.sql"
    file.write_text(script)
    headers, payload = sample.template()
    command = [str(binaries(installation()) / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--file={file}"]
    command += [f"--client={CLIENTS}", "--jobs=2", f"--time={bed.scaled(SECONDS)}"]
    command += [f"--define=headers={headers}", f"--define=payload=\\x{payload.encode().hex()}", place.dsn]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await process.communicate())[0].decode()
    found = re.search(r"tps = ([0-9.]+)", output)
    if process.returncode or found is None:
        raise RuntimeError(f"pgbench: {output[-2000:]}")
    return float(found[1])
