"""The customers of a partition as columns: what happened day by day, and what follows from closed days alone.

Here live the roster, open and closed days, clocks, rhythm (gaps, slope), stages, and the one table of columns. May
import the values on top of `models`, `schemas` and numpy; knows neither measures nor rules.
"""
