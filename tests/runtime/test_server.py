"""The server itself: not to be exhausted by calls that are given up."""

import asyncio

from tests.runtime.conftest import Serve, eventually


async def test_calls_that_are_given_up_leave_nothing_behind(serve: Serve):
    """A client that starts and cancels hundreds of calls leaves no call, no slot and no task."""

    async def handler(call, request):
        await asyncio.Event().wait()

    async with serve({"GetResource": handler}) as client:
        before = len(asyncio.all_tasks())
        for _ in range(10):
            calls = [asyncio.ensure_future(client.send("GetResource")) for _ in range(50)]
            await eventually(lambda: client.doors.admission.calls > 0)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            await eventually(lambda: client.doors.admission.calls == 0)
        await eventually(lambda: not client.doors.visits and len(asyncio.all_tasks()) <= before)
