"""The groups of settings, by what they concern; `tasks.settings.schema.Settings` holds them all."""
