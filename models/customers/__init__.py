"""The customers of a partition as columns: what happened day by day, and what follows from closed days alone.

Imports `models.settings` values and numpy; knows neither measures nor rules.
"""
