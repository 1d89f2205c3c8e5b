"""What is offered: searches, what to ask instead of what was refused, and why not."""
