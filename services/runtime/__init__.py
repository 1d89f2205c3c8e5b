"""What every service stands on: settings, logs, lifecycle, identity, gRPC doors, health, embedded servers.

Nothing here knows what is allocated. The scheduler, the ledger and metrics use it; it uses none of them.
"""
