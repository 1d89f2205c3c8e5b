"""Service 1, the scheduler: decides who holds what, and when."""

import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry

from services.eventlog.beside import REFUSALS, USE, SideStream
from services.eventlog.jetstream import JetStreamLog
from services.eventlog.snapshots import JetStreamSnapshots
from services.eventlog.witness import JetStreamWitness
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime import garbage, lifecycle, logs, settings
from services.runtime.doors import Doors
from services.runtime.health import Health
from services.runtime.http_server import HttpServer
from services.runtime.identity import TokenVerifier
from services.runtime.lifecycle import Background, Stop
from services.runtime.nats_credentials import Credentials
from services.runtime.server import GrpcServer
from services.runtime.settings import Address, Centre, NatsUrl, NewFile, Replicas, WebUrl
from services.runtime.telemetry import DoorTelemetry
from services.runtime.tls import Tls
from services.scheduler.access import officers_of
from services.scheduler.attestation import Attestation
from services.scheduler.clock import JUMP_SECONDS_MAX, MICROSECONDS, ClockChoice
from services.scheduler.grpc_api import APART, ROLES, SchedulerApi
from services.scheduler.metering import Meter
from services.scheduler.snapshotter import Snapshotter
from services.scheduler.start import lead
from services.scheduler.telemetry import Telemetry
from services.scheduler.timekeeping import demand_agreement, keep_time, tell_health
from services.scheduler.unmet import UnmetDemand
from services.scheduler.watch import Watches
from services.scheduler.writer import Writer

SERVICE = api.DESCRIPTOR.services_by_name["Scheduler"]
LISTEN, METRICS_LISTEN = Address("127.0.0.1", 7601), Address("127.0.0.1", 7611)
WALL = ClockChoice()


class JumpSeconds(float):
    """How far ahead a clock may be set at once, in seconds."""

    @classmethod
    def parse(cls, text: str) -> "JumpSeconds":
        """Read a number of seconds. Raises ValueError."""
        try:
            seconds = cls(text)
        except ValueError:
            seconds = cls(math.nan)
        if not 1 <= seconds < math.inf:
            raise ValueError("is not a number of seconds of 1 or more")
        return seconds


JUMP = JumpSeconds(JUMP_SECONDS_MAX)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the scheduler is told at its start, by AIDC_ variables."""

    nats_url: NatsUrl
    keys: Path
    centre: Centre = "mudeung-ai"
    nats_monitor: WebUrl | None = None
    nats_credentials: Credentials | None = None
    nats_replicas: Replicas = 1
    listen: Address = LISTEN
    metrics_listen: Address = METRICS_LISTEN
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    reflection: bool = False
    clock: ClockChoice = WALL
    clock_jump_seconds_max: JumpSeconds = JUMP
    ready_file: NewFile | None = None


async def run(told: Settings, stop: Stop) -> None:
    """Lead the centre, and serve until told to stop."""
    log = await JetStreamLog.connect(
        told.nats_url,
        told.centre,
        credentials=told.nats_credentials,
        replicas=told.nats_replicas,
        monitor_url=told.nats_monitor,
    )
    try:
        snapshots = JetStreamSnapshots(log.connection, told.centre, replicas=told.nats_replicas)
        clock = told.clock.clock(told.clock_jump_seconds_max)
        if told.clock.is_wall:
            demand_agreement(clock.now(), await log.server_time(), told.clock_jump_seconds_max)
        with garbage.paused():
            writer = await lead(
                log=log,
                snapshots=snapshots,
                centre_id=told.centre,
                name=f"scheduler-{os.getpid()}",
                clock=clock,
            )
        writer.clock.resume(writer.now() // MICROSECONDS)
        snapshotter = Snapshotter(writer, snapshots)
        witness = JetStreamWitness(log.connection, told.centre, replicas=told.nats_replicas)
        attestation = Attestation(writer, witness, time.monotonic)
        async with lifecycle.background() as background:
            background.start(writer.pages.run(), name="writer")
            background.start(keep_time(writer), name="clock")
            background.start(snapshotter.run(), name="snapshots")
            background.start(attestation.run(), name="attestation")
            refusals = SideStream(log.connection, told.centre, REFUSALS, replicas=told.nats_replicas)
            reports = SideStream(log.connection, told.centre, USE)
            await serve(told, writer, refusals, reports, background, stop)
            await writer.pages.drained()
            await snapshotter.save_now()
    finally:
        await log.close()


async def serve(
    told: Settings, writer: Writer, refusals: SideStream, reports: SideStream, background: Background, stop: Stop
) -> None:
    """Open the doors, and close them when told to stop."""
    registry = CollectorRegistry()
    telemetry = Telemetry(registry)
    watches = Watches(writer.pages.head.position)
    writer.pages.on_durable.append(watches.on_durable)
    telemetry.follow(writer, watches)
    unmet = UnmetDemand(writer.centre, refusals, registry)
    telemetry.on_unmet.append(lambda command, refusal: unmet.note(command, refusal, writer.now() // MICROSECONDS))
    background.start(unmet.run(), name="unmet")
    meter = Meter(writer, registry)
    background.start(meter.keep_stream(reports), name="reports stream")
    background.start(meter.read(reports), name="reports")
    background.start(meter.keep_recording(), name="metering")
    doors = Doors(verifier=TokenVerifier(told.keys), telemetry=DoorTelemetry(registry), acts_for=officers_of(writer))
    health = Health([SERVICE.full_name])
    server = GrpcServer(
        listen=told.listen,
        doors=doors,
        methods=[doors.serve_methods(SERVICE, SchedulerApi(writer, watches, telemetry).handlers(), ROLES, APART)],
        health=health,
        background=background,
        tls=Tls.of(told.tls_certificate, told.tls_key),
        reflection=[SERVICE.full_name] if told.reflection else [],
    )
    async with HttpServer(listen=told.metrics_listen, registry=registry, health=health) as http, server:
        await health.serving()
        background.start(tell_health(writer, health), name="health")
        if told.ready_file is not None:
            lifecycle.announce(told.ready_file, {"grpc": str(server.address), "http": str(http.address)})
        await stop.wait()
        await meter.record(everything=True)


def main() -> None:
    """Run the scheduler until it is told to stop; exit 0 then, and 1 otherwise."""
    logs.configure("scheduler")
    garbage.tune()
    try:
        told = settings.load(Settings, os.environ)
    except settings.SettingsError as error:
        structlog.get_logger().error("settings_wrong", problems=error.problems)
        sys.exit(1)
    sys.exit(lifecycle.run(lambda stop: run(told, stop)))


if __name__ == "__main__":
    main()
