"""The rules of allocation: who may hold what, when, and why not.

A **centre** has **resources**: compute pools, pieces of equipment and pools of operators. Each is a row of identical
**bins** (a GPU, a node, a seat, a person) with a capacity, under one dense calendar. A **company** holds **quotas** and
asks with a **demand**: lines that are granted together or not at all. `decide` answers a command with events, or raises
`Rejected` with every rule that says no; `Centre.apply` makes an event true and never fails. Replaying the events gives
the same centre, always.

What every decision passes through stands here at the door: `resources`, `companies`, `reservations`, `commands` and
`events` (the words), `life` (what a reservation becomes), `centre` (what is true), `rules` (what forbids), `decide`
(what happens) and `ticking` (what time makes happen). Behind it are rooms by subject: `states` (the life of a
reservation), `tables` (what `centre` is put together from), `calendars`, `units`, `limits`, `booking`, `offering`,
`recurrence`, `attendance`, `disruption` and `money`.

This package refuses to know networks, clocks, files, databases and randomness: times are whole seconds since
1970-01-01 UTC and arrive as arguments, as do identifiers. Intervals are half-open, `[start, end)`.
"""
