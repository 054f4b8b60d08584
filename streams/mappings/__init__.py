"""How exports of known systems become events: one YAML file each. Holds no code."""
