"""The rules of allocation: who may hold what, when, and why not.

A **centre** has **resources**: compute pools, pieces of equipment and pools of operators. Each is a row of identical
**bins** (a GPU, a node, a seat, a person) with a capacity, under one dense calendar. A **company** holds **quotas** and
asks with a **demand**: lines that are granted together or not at all. `decide` answers a command with events, or raises
`Rejected` with every rule that says no; `Centre.apply` makes an event true and never fails. Replaying the events gives
the same centre, always.

Read from the words (`resources`, `companies`, `reservations`, `commands`, `events`) to what is true (`centre`, put
together from `calendars` and `tables`), to what forbids (`limits`, `rules`), to what happens (`booking` and the rooms
after it, `ticking`, `decide`). ARCHITECTURE.md has all rooms in that order, and none imports a later one.

This package refuses to know networks, clocks, files, databases and randomness: times are whole seconds since
1970-01-01 UTC and arrive as arguments, as do identifiers. Intervals are half-open, `[start, end)`.
"""
