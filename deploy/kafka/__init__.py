"""Apache Kafka for development and tests: a real broker from pinned jars, ready in about two seconds.

Used by the Makefile and the tests only; the product knows a broker by its address (`CHURN_BOOTSTRAP`) alone.
"""
