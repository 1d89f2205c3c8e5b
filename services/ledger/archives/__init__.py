"""Archives: a closed month's pages and events as files with their proofs, out of the tables and back.

An archive is a folder:

    archive.txt       what is in it, the SHA-256 of each file, and the left edge of the tree: signed like a checkpoint
    checkpoint.txt    the first signed checkpoint that covers the month
    pages.parquet     the month's pages, to the byte
    events.parquet    its rows of the journal, with their leaf hashes
    link.parquet      the pages from there to the checkpoint, so that the chain and the tree reach what was signed

Every page is chained to the page that the checkpoint names, and every event is a leaf below the root that it names; so
an archive is verified with a public key alone (`services/audit/archive.py`).
"""
