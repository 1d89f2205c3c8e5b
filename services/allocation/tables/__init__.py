"""The tables that the centre is put together from: answers, the agenda, the lists, and what is held where."""
