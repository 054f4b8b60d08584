"""What goes over the wire: events in, alerts, stages and dead letters out, and the topics they travel on.

May import the standard library's pure part, msgspec and orjson. Knows nothing of models or streams, reads no clock.
"""
