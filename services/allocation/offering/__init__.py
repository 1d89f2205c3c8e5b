"""What is offered: searches, extensions, what to ask instead of what was refused, and why not."""
