"""A bare grpc.aio server: one method that answers at once, with as many bytes as it was told. The upper bound."""

import asyncio
import sys

import grpc
import uvloop


async def serve(answer_bytes: int) -> None:
    """Serve until standard input ends, as it does with whoever started us; the port goes to standard output."""
    answer = bytes(answer_bytes)

    async def echo(request: bytes, context: object) -> bytes:
        return answer

    class Everything(grpc.GenericRpcHandler):
        """Whatever is called, the echo answers."""

        def service(self, handler_call_details: object) -> "grpc.RpcMethodHandler[bytes, bytes]":
            return grpc.unary_unary_rpc_method_handler(echo)

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Everything(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    await server.stop(None)


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
