"""A partition at work: `observe` folds events in, `review` closes a day and judges everybody; replay without Kafka.

Imports every other room of `models`; nothing in `models` imports it.
"""
