"""The offline verifier: is what I hold the log that was signed?

It needs an export, an archive or a receipt, the public key, and the checkpoints that were kept elsewhere; no service,
no network, and nothing of the code that it checks.

`python -m services.audit` runs it alone, and `aidc audit verify` is the same.
"""
