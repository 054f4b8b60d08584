"""What users write and the program reads: event files with their mappings, catalogues, lists of ids.

Event files are opened, decoded, cut into records and made into events by a mapping; `history` puts files together. May
import `models`, `schemas`, settings, errors and `streams.text`; asks neither a clock nor a broker.
"""
