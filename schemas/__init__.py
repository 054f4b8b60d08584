"""What goes over the wire: events in, alerts, stages, dead letters and training examples out, and their topics.

May import the standard library's pure part, msgspec and orjson. Knows nothing of `models` or `streams`, reads no clock.
"""
