"""Between the API and the core: what clients send, as commands, and what they are told."""
