"""How tables of known data sets become events: one YAML file each. Holds no code."""
