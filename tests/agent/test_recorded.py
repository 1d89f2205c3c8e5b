"""Traces: the same reports every time, from a file or from a seed, and refusals that name the line."""

from pathlib import Path

import pytest

from services.agent.app import NodeName, Settings, drivers_of
from services.agent.driver import NoDriver, Reading
from services.agent.recorded import Copied, Drawn, read_trace
from services.eventlog.use import NodeUse, encode_use
from services.runtime.settings import NatsUrl

SAMPLE = Path(__file__).with_name("two_nodes.jsonl")


def told(**settings: object) -> Settings:
    """Settings of an agent that asks no NATS."""
    return Settings(nats_url=NatsUrl(""), **settings)  # type: ignore[arg-type]  # The names are checked by the dataclass.


def test_a_trace_plays_each_node_in_order_and_begins_again() -> None:
    """What was recorded of a node comes in its own order, whatever was recorded of another in between."""
    trace = read_trace(SAMPLE)["gpu-1"]
    played = [trace.read() for _ in range(4)]
    assert played[0] == Reading((1000, 0), (900, 10), 120, 300)
    assert played[1].accelerators == (None, 40)
    assert played[2:] == played[:2]


def test_one_recorded_node_may_be_played_under_another_name(tmp_path: Path) -> None:
    """A trace of one machine stands in for any node; one of several keeps its names."""
    single = tmp_path / "one.jsonl"
    single.write_bytes(SAMPLE.read_bytes().splitlines()[0])
    assert list(drivers_of(told(recorded=single, node=NodeName("h100-train-000")))) == ["h100-train-000"]
    assert list(drivers_of(told(recorded=SAMPLE))) == ["gpu-1", "cpu-1"]
    with pytest.raises(NoDriver, match="2 nodes under their own names"):
        drivers_of(told(recorded=SAMPLE, node=NodeName("x")))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "holds no report"), (b"{}\n", "line 1 is no report"), (b'\n{"node":"a"}\n', "line 2 is no report")],
)
def test_a_file_that_is_no_trace_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    """The file and the line are named, and nothing is played in its place."""
    path = tmp_path / "trace"
    path.write_bytes(content)
    with pytest.raises(NoDriver, match=complaint):
        read_trace(path)


def test_a_missing_trace_is_named(tmp_path: Path) -> None:
    """The path and the reason."""
    with pytest.raises(NoDriver, match=r"cannot read .*nowhere: No such file"):
        read_trace(tmp_path / "nowhere")


def test_a_seed_always_draws_the_same() -> None:
    """The same seed and node work alike for ever; another node or seed works otherwise; all rates are rates."""
    first, again = (Drawn(7, "n", 8) for _ in range(2))
    readings = [first.read() for _ in range(200)]
    assert readings == [again.read() for _ in range(200)]
    for other in (Drawn(8, "n", 8), Drawn(7, "m", 8)):
        assert readings != [other.read() for _ in range(200)]
    rates = [rate for reading in readings for rate in reading.accelerators if rate is not None]
    assert len(rates) == 1_600
    assert 0 <= min(rates) < 50 < 900 < max(rates) <= 1_000


async def test_what_an_agent_records_can_be_played(tmp_path: Path) -> None:
    """A report goes to its stream and into the file, once however often it is sent, and comes out the same."""

    class Taken:
        """Takes everything."""

        def __init__(self) -> None:
            self.count = 0

        async def publish(self, data: bytes, about: str) -> None:
            """Count."""
            self.count += 1

    outlet, path = Taken(), tmp_path / "trace"
    copied = Copied(outlet, path)
    report = NodeUse(
        node="n",
        start=0,
        end=15,
        source="nvml",
        accelerators=(300, None),
        memory=(10, None),
        processor=5,
        processes=(1, None),
    )
    for _ in range(2):
        await copied.publish(encode_use(report), "n")
    assert outlet.count == 2
    assert len(path.read_bytes().splitlines()) == 1
    assert read_trace(path)["n"].read() == Reading((300, None), (10, None), 5, None, (1, None))
