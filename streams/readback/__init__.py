"""Reads state, alerts, dead letters and versions of the model back from their topics, for people and for comparison.

May import `models`, `schemas`, `streams.kafka`, and of agents and transport what a restart reads with; changes nothing.
"""
