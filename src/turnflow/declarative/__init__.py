"""Flow graphs as YAML or JSON documents."""
