"""Records in, outputs out: merging topics by time, frames, offsets, order of commit, recovery, watchdog.

May import Faust, aiokafka, the Kafka client, and settings, errors and `kafka` of `streams`; knows `schemas` where it
reads its own outputs back, and nothing of `models`: who owns a partition is a port (`owner`), and so is what survives
(`state`).
"""
