"""lxml decides: one compiled schema of all message types, a copy for each thread.

An XMLSchema object keeps the errors of its last validation, so two threads must not share one. All types
in one schema compile in about 7 ms; a schema a type would read the shared types 34 times.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from lxml import etree

from gateway import xmltree
from gateway.errors import ConfigError, Finding
from gateway.message import NAMESPACE

_XS = "http://www.w3.org/2001/XMLSchema"


class Validator:
    """Validates elements of any message type. ConfigError at once if the schemas do not compile."""

    def __init__(self, folder: Path):
        files = [path.resolve().as_uri() for path in sorted(folder.glob("[0-9]*.xsd"))]
        self._folder = folder
        self._source = _including(files)
        self._local = threading.local()
        self._schema()

    def is_valid(self, element: etree._Element) -> bool:
        return bool(self._schema().validate(element))

    def reason(self, element: etree._Element) -> tuple[str, int]:
        """Why the element is refused: (place and libxml2's name of the error, line); never the value."""
        schema = self._schema()
        if schema.validate(element):
            return "", 0
        log: Any = schema.error_log
        first = log[0]
        return f"{first.path}: {first.type_name}", int(first.line)

    def _schema(self) -> etree.XMLSchema:
        schema: etree.XMLSchema | None = getattr(self._local, "schema", None)
        if schema is None:
            try:
                schema = etree.XMLSchema(xmltree.parse(self._source))
            except etree.XMLSchemaParseError as error:
                text = f"the schemas do not compile: {error}"
                raise ConfigError([Finding(str(self._folder), 0, 0, "(schemas)", text)]) from error
            self._local.schema = schema
        return schema


def _including(uris: list[str]) -> bytes:
    lines = "".join(f"<xs:include schemaLocation={quoteattr(uri)}/>" for uri in uris)
    text = (
        f'<xs:schema xmlns:xs="{_XS}" xmlns="{NAMESPACE}" targetNamespace="{NAMESPACE}" '
        f'elementFormDefault="qualified">{lines}</xs:schema>'
    )
    return text.encode()
