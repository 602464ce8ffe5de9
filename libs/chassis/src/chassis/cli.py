"""`python -m <service> api|worker|all|migrate`, the same for every service."""

import argparse
import asyncio
import contextlib
import gc
import signal
from collections.abc import Awaitable

import structlog
import uvicorn
import uvloop

from chassis import migrations, telemetry, tracing, worker
from chassis.service import Runtime, Service, create_app, open_runtime
from chassis.settings import ServiceSettings

logger = structlog.get_logger(__name__)

COMMANDS = {
    "api": "answer HTTP requests",
    "worker": "relay, consumers and background loops, with the health routes",
    "all": "api and worker in one process",
    "migrate": "bring the database to the newest revision and create the topics",
}


def run(service: Service, arguments: list[str] | None = None) -> None:
    """The whole of a service's `__main__`: reads the settings from the environment and runs one command."""
    parser = argparse.ArgumentParser(prog=service.name)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, sentence in COMMANDS.items():
        commands.add_parser(name, help=sentence)
    chosen = parser.parse_args(arguments).command
    settings = service.settings()
    telemetry.setup_logging(settings, service.name)
    if chosen == "migrate":
        migrations.migrate(service, settings)
    else:
        _serve_traced(service, settings, chosen)


def _serve_traced(service: Service, settings: ServiceSettings, command: str) -> None:
    provider = tracing.setup(service.name)
    try:
        uvloop.run(serve(service, settings, with_api=command != "worker", with_worker=command != "api"))
    finally:
        if provider is not None:
            provider.shutdown()  # sends what is left


async def serve(service: Service, settings: ServiceSettings, *, with_api: bool, with_worker: bool) -> None:
    """Runs until SIGTERM or SIGINT, then lets requests and workers finish within `shutdown_seconds`."""
    _calm_collector()
    async with open_runtime(service, settings) as runtime:
        server = _server(service, settings, runtime, with_api=with_api)
        _stop_on_signals(runtime)
        if service.on_start is not None:
            await service.on_start(runtime)
        parts = [_until_stopping(runtime, _serve_http(server, runtime))]
        if with_worker:
            parts.append(_until_stopping(runtime, worker.run_worker(runtime)))
        await asyncio.gather(*parts)
        logger.info("stopped")


def _calm_collector() -> None:
    """What is imported by now lives as long as the process; requests leave few cycles behind."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


class _Server(uvicorn.Server):
    """Leaves signals to us: one handler stops HTTP and workers together."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()


def _server(service: Service, settings: ServiceSettings, runtime: Runtime, *, with_api: bool) -> _Server:
    return _Server(
        uvicorn.Config(
            create_app(service, settings, runtime=runtime, with_api=with_api),
            host=settings.host,
            port=settings.port,
            http="httptools",
            log_config=None,
            access_log=False,
            server_header=False,
            # Who called is the gateway's word (X-Forwarded-For), which uvicorn would believe from any local process.
            proxy_headers=False,
            timeout_graceful_shutdown=int(settings.shutdown_seconds),
            timeout_keep_alive=30,
        )
    )


def _stop_on_signals(runtime: Runtime) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runtime.stopping.set)


async def _serve_http(server: _Server, runtime: Runtime) -> None:
    async def stop() -> None:
        await runtime.stopping.wait()
        server.should_exit = True

    stopper = asyncio.create_task(stop())
    try:
        await server.serve()
    finally:
        stopper.cancel()


async def _until_stopping(runtime: Runtime, part: Awaitable[None]) -> None:
    """A part that ends, whether by itself or by an error, ends the process: its supervisor starts it anew."""
    try:
        await part
    finally:
        runtime.stopping.set()
