"""A whole centre as parts: NATS and Postgres first, then the scheduler, the ledger and metrics, then the board."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from services.cli.up.folder import DataFolder, write_private
from services.cli.up.service import ANY_PORT, Service
from services.cli.up.supervisor import Part, Supervisor
from services.runtime.embedded import NatsServer, Postgres
from services.runtime.embedded.prometheus import Prometheus

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The ports to listen on; 0 is a free one."""

    scheduler: int = 0
    ledger: int = 0
    metrics: int = 0
    board: int = 0
    nats: int = 0
    postgres: int = 0


class Centre:
    """The parts and how they find one another. `clock` is the scheduler's AIDC_CLOCK; empty is wall time.

    `watched` asks for the board, `prometheus` is the program of one, to watch the services. Nothing depends on either.
    """

    def __init__(
        self,
        folder: DataFolder,
        name: str,
        clock: str = "",
        ports: Ports | None = None,
        *,
        watched: bool = False,
        prometheus: Path | None = None,
    ) -> None:
        ports = ports or Ports()
        self.folder = folder
        self.name = name
        self.nats = NatsServer(folder.path / "nats", port=ports.nats)
        self.postgres = Postgres(folder.path / "postgres", port=ports.postgres)
        self._clock = clock
        self.scheduler = self._service("scheduler", self._for_scheduler, ports.scheduler)
        self.ledger = self._service("ledger", self._for_ledger, ports.ledger)
        self.metrics = Service("metrics", folder.path / "metrics", self._shared, http=address(ports.metrics))
        board = Service("board", folder.path / "board", self._for_board, web=address(ports.board))
        self.board = board if watched else None
        self.prometheus = Prometheus(prometheus, folder.path / "prometheus", self._targets) if prometheus else None

    def supervisor(self, report: Callable[[str], None]) -> Supervisor:
        """All parts, in the order in which they start."""
        servers: Mapping[str, Part] = {"nats-server": self.nats, "postgres": self.postgres}
        services = {service.name: service for service in (self.scheduler, self.ledger, self.metrics)}
        # The scheduler makes the log that the other two read.
        first = {"scheduler": services.pop("scheduler")}
        stages = [servers, first, services]
        if self.board is not None:
            stages.append({"board": self.board})
        return Supervisor(stages, report, {"prometheus": self.prometheus} if self.prometheus is not None else {})

    def addresses(self) -> dict[str, str]:
        """Where everything is, once it runs."""
        prometheus = self.prometheus
        watching = {"prometheus": prometheus.address} if prometheus is not None and prometheus.running else {}
        if self.board is not None:
            watching |= {"board": self.board.web, "board_http": self.board.http}
        return {
            **watching,
            "scheduler": self.scheduler.grpc,
            "ledger": self.ledger.grpc,
            "metrics": self.metrics.http,
            "nats": self.nats.address,
            "postgres": self.postgres.address,
            "scheduler_http": self.scheduler.http,
            "ledger_http": self.ledger.http,
        }

    def endpoints(self) -> dict[str, str]:
        """The same, with the passwords of NATS and Postgres: not for logs."""
        return {**self.addresses(), "centre": self.name, "nats": self.nats.url, "postgres": self.postgres.dsn}

    def _targets(self) -> dict[str, str]:
        board = {"board": self.board.http} if self.board is not None else {}
        return {"scheduler": self.scheduler.http, "ledger": self.ledger.http, "metrics": self.metrics.http, **board}

    def _for_board(self) -> dict[str, str]:
        return {"AIDC_SCHEDULER": self.scheduler.grpc, "AIDC_LEDGER": self.ledger.grpc}

    def _service(self, name: str, settings: Callable[[], Mapping[str, str]], port: int) -> Service:
        return Service(name, self.folder.path / name, settings, grpc=address(port))

    def _shared(self) -> dict[str, str]:
        url = self.folder.path / "nats-url"
        write_private(url, self.nats.url)
        return {
            "AIDC_CENTRE": self.name,
            "AIDC_NATS_URL_FILE": str(url),
            "AIDC_NATS_MONITOR": self.nats.monitor_url,
            "AIDC_KEYS": str(self.folder.public_keys()),
        }

    def _for_scheduler(self) -> dict[str, str]:
        clock = {"AIDC_CLOCK": self._clock} if self._clock else {}
        return {**self._shared(), **clock, "AIDC_REFLECTION": "1"}

    def _for_ledger(self) -> dict[str, str]:
        write_private(self.folder.dsn_file, self.postgres.dsn)
        return {
            **self._shared(),
            "AIDC_POSTGRES_DSN_FILE": str(self.folder.dsn_file),
            "AIDC_CHECKPOINT_KEY": str(self.folder.checkpoint_key(self.name)),
            "AIDC_CHECKPOINTS_DIR": str(self.folder.checkpoints),
            "AIDC_REFLECTION": "1",
        }


def address(port: int) -> str:
    """A loopback address; port 0 asks for a free one."""
    return f"{LOOPBACK}:{port}" if port else ANY_PORT
