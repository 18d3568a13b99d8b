"""Figures: how close the gateway comes to its bare primitives (docs/architecture.md). Printed, never a test."""
