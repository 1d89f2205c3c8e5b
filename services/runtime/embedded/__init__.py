"""The real nats-server and Postgres, from wheels, as children of this process: on loopback, in a folder."""

from services.runtime.embedded.child import StartError as StartError
from services.runtime.embedded.nats import NatsServer as NatsServer
from services.runtime.embedded.postgres import Postgres as Postgres
