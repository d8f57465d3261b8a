"""Mapping: from an event or a signal, through shaping, to an intent for a target."""

from __future__ import annotations

__all__ = [
    "Cc14",
    "Mapper",
    "MappingDocument",
    "MappingFile",
    "MappingInfo",
    "MappingSet",
    "MappingSettings",
    "beat_signals",
    "describe",
    "list_mappings",
    "load_mappings",
    "mapping_directories",
]

from bridge.mapping.document import MappingDocument
from bridge.mapping.library import MappingInfo, describe, list_mappings, load_mappings, mapping_directories
from bridge.mapping.mapper import Mapper
from bridge.mapping.rules import Cc14, MappingFile, MappingSet
from bridge.mapping.settings import MappingSettings
from bridge.mapping.vocabulary import beat_signals
