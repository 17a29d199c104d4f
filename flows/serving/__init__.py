"""Prefect's server, its worker and our deployments as one: what `daylong up` puts together and `doctor` looks at."""
