"""Event files of any company: opened, decoded, cut into records, and made into events by a mapping file.

May import `schemas` and `streams.errors`; asks neither a clock nor a broker. `history` puts files together.
"""
