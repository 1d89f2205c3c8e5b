"""The ledger remembers and accounts: it follows the log into Postgres, and answers from there.

A page goes through four files. `facts` turns its events into facts, with the help of `books`, which knows what each
live reservation holds; `posting` says which transfers follow; each of `projections` turns facts into the rows of its
tables; and `journal` writes a batch of pages in one transaction, together with the checkpoint. So the tables always
equal the fold of the log at the checkpoint, and dropping them all and folding again gives the same (`digest`).
"""
