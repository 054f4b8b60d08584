"""Dashboards for Grafana: the YAML files say what is shown, `dashboards/*.json` is what Grafana reads."""
