"""The data standard as one object: build, read, check, explain. Loaded once at start."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import orjson
from lxml import etree

from gateway import xmltree
from gateway.errors import Fault, MessageError
from gateway.message import Record
from gateway.standard import jsonform
from gateway.standard.builder import Build, Reader, compile_builder
from gateway.standard.catalogue import Catalogue, MessageType, type_of
from gateway.standard.codes import CodeTables
from gateway.standard.explain import Explainer
from gateway.standard.head import sm3_hex
from gateway.standard.model import Element, read_schema
from gateway.standard.rules import Rules
from gateway.standard.screen import LegalCodes, compile_screen

_MAX_FAULTS = 200


class Standard:
    """Every type by number. Thread-safe: an lxml schema object is made once a thread."""

    def __init__(
        self, root: Path, models: Mapping[str, Element], files: Mapping[str, Path], codes: CodeTables
    ):
        self.root = root
        self.codes = codes
        self.catalogue = Catalogue({number: type_of(model) for number, model in models.items()})
        self.models = models
        self.rules = Rules.load(root / "standard" / "v1" / "rules.yaml")
        self._files = files
        self._builders: dict[str, Build] = {
            number: compile_builder(model) for number, model in models.items()
        }
        self._readers = {number: Reader(model) for number, model in models.items()}
        self._explainers = {number: Explainer(model, codes) for number, model in models.items()}
        self._screens = {number: compile_screen(model) for number, model in models.items()}
        self._legal = LegalCodes(codes)
        self._local = threading.local()

    @classmethod
    def load(cls, root: Path) -> Standard:
        """`root` is the folder that holds standard/v1 and codes."""
        models: dict[str, Element] = {}
        files: dict[str, Path] = {}
        for path in sorted((root / "standard" / "v1").glob("[0-9]*.xsd")):
            model = read_schema(path)
            models[model.meta["number"]], files[model.meta["number"]] = model, path
        return cls(root, models, files, CodeTables.load(root / "codes"))

    def build(self, number: str, record: Record) -> bytes:
        """The canonical body: exclusive C14N of the type's element. Does not validate."""
        return self._builders[number](record)

    def read(self, number: str, body: bytes) -> Record:
        return self._readers[number].read(xmltree.parse(body))

    def read_element(self, number: str, element: etree._Element) -> Record:
        return self._readers[number].read(element)

    def check(self, number: str, record: Record, *, on: date) -> bytes:
        """The canonical body of a valid record; MessageError with every fault otherwise."""
        try:
            body = self.build(number, record)
            suspect = self._screens[number](record, self._legal.on(on)) or not self._schema(number).validate(
                etree.fromstring(body)
            )
        except (TypeError, AttributeError, ValueError):
            body, suspect = b"", True  # a shape that the builder does not expect: the explainer names it
        faults = self._explainers[number].everything(record, on) if suspect else []
        if not faults:
            faults = self.rules.judge(number, record, on)
            if not faults and body and (not suspect or self._schema(number).validate(etree.fromstring(body))):
                return body
            faults = faults or self._lxml_faults(number)
        raise MessageError(faults[:_MAX_FAULTS])

    def validate(self, number: str, record: Record, *, on: date) -> list[Fault]:
        """Every fault, sorted by place; [] for a valid record."""
        try:
            self.check(number, record, on=on)
        except MessageError as error:
            return list(error.faults)
        return []

    def business_key(self, number: str, record: Record) -> str:
        kind = self.catalogue.get(number)
        key = "|".join(str(record.get(name, "")) for name in kind.key)
        return sm3_hex(key.encode()) if kind.hashed_key else key

    def to_json(self, number: str, record: Record) -> dict[str, Any]:
        return jsonform.to_json(self.models[number], record)

    def from_json(self, number: str, data: Any) -> Record:
        return jsonform.from_json(self.models[number], data)

    def sensitive(self, number: str) -> Mapping[str, str]:
        return self.catalogue.get(number).sensitive

    def type(self, number: str) -> MessageType:
        return self.catalogue.get(number)

    def sample(self, number: str) -> Record:
        path = self.root / "standard" / "v1" / "samples" / (self._files[number].stem + ".json")
        return self.from_json(number, orjson.loads(path.read_bytes()))

    def _schema(self, number: str) -> etree.XMLSchema:
        schemas: dict[str, etree.XMLSchema] | None = getattr(self._local, "schemas", None)
        if schemas is None:
            schemas = self._local.schemas = {}
        schema = schemas.get(number)
        if schema is None:
            schema = schemas[number] = etree.XMLSchema(etree.parse(str(self._files[number])))
        return schema

    def _lxml_faults(self, number: str) -> list[Fault]:
        """What lxml refused and the explainer did not see: never passed over in silence."""
        return [
            Fault(
                "standard.schema",
                "",
                f"不符合标准结构: {entry.message}",
                f"not valid: {entry.message}",
                "10003",
                line=entry.line,
            )
            for entry in self._schema(number).error_log
        ]
