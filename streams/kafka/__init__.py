"""The way to the brokers: the connection, readers of topics, the producer of commands, how topics and groups stand.

May import settings, errors, clock and text; nothing of what works with the records.
"""
