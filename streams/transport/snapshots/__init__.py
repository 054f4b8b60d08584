"""Snapshots of partitions in the changelog topic: how they lie there, how they are written, read and taken over.

Keys and records, chunks, load, claims, where a partition without a snapshot comes from. May import the Kafka client and
the rest of the transport that needs no Faust; what a snapshot holds is bytes to it.
"""
