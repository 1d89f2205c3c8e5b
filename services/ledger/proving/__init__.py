"""Proofs that need no trust: the tree over the events, what is signed, and reading everything again."""
