"""Keeping for long: signed manifests, archives of months, purging what they hold, backup and restore."""
