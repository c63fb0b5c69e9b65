"""The documents, run: what they show must work and what exists must be shown."""
