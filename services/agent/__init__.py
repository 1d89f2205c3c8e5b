"""The node agent: says, once an interval, how busy the accelerators and the processor of its node were.

`nvml` and `host` read the machine, `recorded` plays a trace where there is none, `observer` makes reports of what was
read, `reporter` sends them to the stream beside the log, and `app` wires them. Nothing is decided by what an agent
says, and nothing waits for it.
"""
