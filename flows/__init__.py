"""The flows. Importing this package sets the defaults of Prefect and the libraries before they are imported."""

from __future__ import annotations

import logging
import os

from flows.environment import set_environment
from tasks.settings.home import results

set_environment()

PREFECT_DEFAULTS = {
    # The embedded server's own history recorder loses task runs when it writes them one by one.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    # A new database takes 13 s here; the default limit is 20 s.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "60",
    # On a busy machine SQLite is locked for longer than its 10 s: "database is locked", and a lost form.
    "PREFECT_SERVER_DATABASE_TIMEOUT": "30",
    # The events of deleted runs are removed, too: prune-cache deletes the runs of the folder-watch.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,orphans",
    "PREFECT_LOCAL_STORAGE_PATH": str(results()),
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # How soon a run that died on another machine is noticed: see serving/automations.yaml.
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    # Our own lines belong to a run's log; the final line of each task doesn't: a day has hundreds of them.
    "PREFECT_LOGGING_EXTRA_LOGGERS": "daylong",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",
}

QUIET = {
    # No telemetry from the libraries.
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DISABLE_SAFETENSORS_CONVERSION": "1",
    "WANDB_MODE": "disabled",
    "TOKENIZERS_PARALLELISM": "false",
}

THREADS = {
    # Engines run side by side: threads that wait for work must sleep, not spin on the cores of another engine
    # (spinning made small models ten times slower on two busy cores).
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "0",
    "KMP_BLOCKTIME": "0",
}

for _name, _value in {**PREFECT_DEFAULTS, **QUIET, **THREADS}.items():
    os.environ.setdefault(_name, _value)

logging.getLogger("daylong").setLevel(logging.INFO)
