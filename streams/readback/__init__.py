"""Reads state, alerts, dead letters and versions of the model back from their topics, for people and for comparison."""
