"""Settings: their schema, where they are loaded from, profiles, and the folders under `DAYLONG_HOME`."""
