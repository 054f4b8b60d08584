"""The demo: a real broker, a worker, 18 months of a real shop, the live board, and the proof that it all adds up.

`PYTHONPATH=deploy python -m demo` (the Makefile does). It uses the product as a user does, leaves a summary and nothing
that runs.
"""
