"""What workers and the learner expose to Prometheus: families built anew at each scrape from values others keep.

May import `models`, `schemas`, `streams.agents` and the status of `streams.transport`; changes nothing. Imported by the
commands that serve the page.
"""
