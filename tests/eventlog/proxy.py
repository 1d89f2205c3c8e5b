"""A TCP proxy that misbehaves on command: it swallows answers, stops forwarding, or cuts a message in two."""

import asyncio
from typing import Self

READ_BYTES = 64 * 1024


class Proxy:
    """Stands between a client and one server on the loopback."""

    def __init__(self, server_address: str) -> None:
        self._host, _, self._port = server_address.rpartition(":")
        self._links: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.swallow_answers = False
        """Bytes from the server are dropped, as if every acknowledgement were lost."""
        self.cut_after_bytes: int | None = None
        """After so many more bytes towards the server every link is cut, in the middle of whatever it carries."""

    @property
    def url(self) -> str:
        """Where the client connects, without credentials."""
        return f"127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._link, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Reset every link now."""
        for link in tuple(self._links):
            link.transport.abort()

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(self._host, int(self._port))
        self._links |= {writer, server_writer}
        for source, sink, answers in ((reader, server_writer, False), (server_reader, writer, True)):
            task = asyncio.create_task(self._forward(source, sink, answers))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, answers: bool) -> None:
        try:
            while data := await source.read(READ_BYTES):
                if answers and self.swallow_answers:
                    continue
                if not answers and self.cut_after_bytes is not None:
                    data, self.cut_after_bytes = self._until_the_cut(data)
                sink.write(data)
                await sink.drain()
                if self.cut_after_bytes == 0:
                    self.cut_after_bytes = None
                    self.cut()
        except ConnectionError:
            pass
        finally:
            self._links.discard(sink)
            sink.close()

    def _until_the_cut(self, data: bytes) -> tuple[bytes, int]:
        assert self.cut_after_bytes is not None
        return data[: self.cut_after_bytes], max(self.cut_after_bytes - len(data), 0)
