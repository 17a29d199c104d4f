"""Prefect's server, its worker and our deployments: started by `daylong up`, inspected by `daylong doctor`."""
