"""A partition at work: `observe` takes events in, `review` closes a day and judges everybody; replay without Kafka.

Here live the partition, review, watermark, ledger of offsets and outcomes, ids seen, snapshot as bytes, population,
what stands published, its restatement. May import every other room of `models` but `detection`; no room imports it.
"""
