"""What a worker tells Prometheus. Imports `models` and the worker's own counters; nothing imports it but the page."""
