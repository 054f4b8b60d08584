"""The way to the brokers: the connection, readers of topics, the producer of commands, how topics and groups stand.

May import `schemas`, settings, errors, clock and `log_rate`; nothing of what works with the records.
"""
