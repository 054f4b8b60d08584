"""What a worker and a learner do with frames: decode, observe or review, publish; snapshots, restoring, the clock.

May import `models`, `schemas`, `streams.kafka` and `streams.transport`; of Faust only what names a
partition. Commands, metrics and the tests import it.
"""
