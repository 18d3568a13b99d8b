"""Mappings: declarative files that convert one platform's form of a message to or from the standard's.

text → (YAML with marks) → model → check against both schemas → plan → one generated Python function. A second,
slow evaluator of the same plan gives the origin of every value and tells every fault.
"""

from gateway.mapping.check import Checked, World, check_file, check_text
from gateway.mapping.mapping import Context, Mapping, MappingSet, load_mapping, load_mappings
from gateway.mapping.reload import Reloaded, reload_mappings
from gateway.mapping.trace import Trace

__all__ = [
    "Checked",
    "Context",
    "Mapping",
    "MappingSet",
    "Reloaded",
    "Trace",
    "World",
    "check_file",
    "check_text",
    "load_mapping",
    "load_mappings",
    "reload_mappings",
]
