"""The data standard at work: build, read, validate and key the bodies of every message type.

On the hot path (`check`) the body is built by a generated function, lxml decides, generated tests and the
rules see to the rest; only a message that fails any of them is explained.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from lxml import etree

from gateway import clock, xmltree
from gateway.digests import sm3_hex
from gateway.errors import Fault, MessageError
from gateway.message import NAMESPACE, Record
from gateway.standard import faults
from gateway.standard.catalogue import Catalogue, MessageType, Schemas, check_annotations, load_schemas
from gateway.standard.codechanges import TableChange, overlay
from gateway.standard.codes import CodeTables
from gateway.standard.explain import MAX_FAULTS, Explanation, explain, in_order
from gateway.standard.generate import (
    CodeSets,
    Misfit,
    make_from_json,
    make_parts,
    make_test,
    make_to_json,
)
from gateway.standard.jsonform import read_form
from gateway.standard.model import Element
from gateway.standard.naming import Naming
from gateway.standard.order import order_faults
from gateway.standard.reading import Reader
from gateway.standard.rules import RuleBook, Rules, load_rules
from gateway.standard.ruletests import RuleTest, make_rule_test
from gateway.standard.unsound import Overlap, Unsound
from gateway.standard.valuerules import ValueRules
from gateway.standard.writing import write_body
from gateway.standard.xsd import Validator


@dataclass(frozen=True, slots=True)
class Form:
    """The generated functions of one type. `tables`: code tables whose valid codes `test` is given."""

    kind: MessageType
    root: Element
    parts: Callable[[Record], list[str]]
    test: Callable[[Record, CodeSets], bool]
    tables: tuple[str, ...]
    from_json: Callable[[Any], Record]
    to_json: Callable[[Record], dict[str, Any]]
    reader: Reader
    rules: Rules
    keeps_rules: RuleTest
    naming: Naming


class Standard:
    """One version of the data standard. Every method may be called by any thread; what changes after `load`
    is the code tables alone, all at once (`change_codes`)."""

    def __init__(
        self,
        root: Path,
        schemas: Schemas,
        codes: CodeTables,
        book: RuleBook,
        validator: Validator,
    ):
        self.root = root
        self.catalogue: Catalogue = schemas.catalogue
        self.codes = codes
        self._codes_on_disk = codes
        self.head_model = schemas.head
        self.book = book
        self.values = ValueRules(book.values, codes)
        self._schemas = schemas
        self._validator = validator
        self._forms = {
            kind.number: _make_form(kind, schemas.roots[kind.number], book.of(kind.number))
            for kind in schemas.catalogue
        }
        self._days: dict[str, tuple[date, CodeTables, str, CodeSets]] = {}

    @classmethod
    def load(cls, root: Path) -> Standard:
        """From `root` = the folder `schemas`; ConfigError lists what does not fit together."""
        folder = root / "standard" / "v1"
        schemas = load_schemas(folder)
        codes = CodeTables.load(root / "codes")
        book = load_rules(folder / "rules.yaml", schemas)
        check_annotations(schemas, codes, ValueRules(book.values, codes))
        return cls(root, schemas, codes, book, Validator(folder))

    def change_codes(self, changes: Sequence[TableChange]) -> None:
        """The tables on disk with these changes over them are the tables from now on; no change, no overlay."""
        self.codes = overlay(self._codes_on_disk, changes)
        self.values = ValueRules(self.book.values, self.codes)

    def model(self, number: str) -> Element:
        """The tree of a type's elements; LookupError for an unknown type."""
        return self._form(number).root

    def rules(self, number: str) -> Rules:
        """The rules between fields that a type has."""
        return self._form(number).rules

    def build(self, number: str, record: Record) -> bytes:
        """The canonical body. MessageError where the record has elements or shapes the type has not."""
        form = self._form(number)
        try:
            return write_body(form.parts(record))
        except (Misfit, TypeError, AttributeError) as error:
            raise self._refusal(form, record, clock.now().date(), error) from error

    def check(self, number: str, record: Record, *, on: date) -> bytes:
        """The canonical body of a valid record; MessageError with every fault at once, sorted by place."""
        form = self._form(number)
        try:
            body = write_body(form.parts(record))
            # A body that is too large for the parser is refused here, as it is on arrival.
            tree = xmltree.parse_built(body)
        except (Misfit, TypeError, AttributeError) as error:
            raise self._refusal(form, record, on, error) from error
        day, sets = self._day(form, on)
        if self._validator.is_valid(tree) and form.test(record, sets) and form.keeps_rules(record, day, on):
            return body
        raise self._refusal(form, record, on, None)

    def validate(self, number: str, record: Any, *, on: date, before: Sequence[Fault] = ()) -> list[Fault]:
        """Every fault of a record at once, sorted by place; [] if it is valid on the day. Faults that were
        found `before`, as by a mapping, are among them, and nothing else is said of their places."""
        form = self._form(number)
        found = self._explained(form, record, on, before).faults
        return found or self._undecided(form, record)

    def advise(self, number: str, record: Record, *, on: date) -> list[Fault]:
        """Warnings: what some receivers may not take, and rules that do not refuse."""
        return self._explained(self._form(number), record, on).warnings

    def read(self, number: str, body: bytes) -> Record:
        """A canonical body as a record. Other XML of the type is read too, through the parser."""
        form = self._form(number)
        try:
            return form.reader.read_canonical(body)
        except Misfit:
            return self.read_element(number, xmltree.parse(body))

    def read_element(self, number: str, element: etree._Element) -> Record:
        """A parsed element of the type as a record. What the type does not know stays in the record, for
        `check` to name. MessageError where it is another element."""
        form = self._form(number)
        expected = f"{{{NAMESPACE}}}{form.root.name}"
        if element.tag != expected:
            raise MessageError([faults.other_element(form.root.name, element.tag)])
        return form.reader.read_tree(element)

    def decide(self, element: etree._Element) -> list[Fault]:
        """lxml's verdict on a parsed element as it stands: [] or its first reason."""
        reason, line = self._validator.reason(element)
        return self.book.mended([faults.not_understood("", reason, line)] if reason else [])

    def validate_element(self, number: str, element: etree._Element, *, on: date) -> list[Fault]:
        """Every fault of a parsed element as it stands, with lines: what `validate` says of its record, and
        where its order or a namespace is wrong. lxml has the last word."""
        form = self._form(number)
        record = self.read_element(number, element)
        misplaced = list(islice(order_faults(form.root, element), MAX_FAULTS))
        # A child from another namespace has both its own name and one in the record: it is named once.
        foreign = {one.path for one in misplaced if one.code == "standard.namespace"}
        found = [
            one
            for one in self._explained(form, record, on).faults
            if not (one.code == "standard.unexpected-element" and _without_namespace(one.path) in foreign)
        ]
        both = self.book.mended(in_order(form.root, [*found, *misplaced])[:MAX_FAULTS])
        return both or self.decide(element)

    def business_key(self, number: str, record: Record) -> str:
        """The values of the key's elements joined by a bar, an absent one as nothing; SM3 of it if hashed."""
        kind = self.catalogue.get(number)
        text = "|".join([record.get(name) or "" for name in kind.key])
        return sm3_hex(text.encode()) if kind.hashed_key else text

    def search_text(self, number: str, record: Record, biz_key: str) -> str:
        """What names the message, for the log's search; nothing sensitive, in a business key neither."""
        return self._form(number).naming.text(record, self.catalogue.sensitive_in_key(number, biz_key))

    def to_json(self, number: str, record: Record) -> dict[str, Any]:
        """The JSON form of a valid record: text everywhere, xs:integer as int."""
        return self._form(number).to_json(record)

    def from_json(self, number: str, data: Any) -> Record:
        """A record in the schema's order from the JSON form; MessageError names every wrong shape, and
        with them what else is wrong with the message as far as it can be read."""
        form = self._form(number)
        try:
            return form.from_json(data)
        except (Misfit, AttributeError):
            return self._read_form(form, data, lenient=False)

    def from_elements(self, number: str, data: Any) -> Record:
        """Like `from_json`, of a record as a general XML reader makes it: counters are text, and a
        repeatable element that stands once is no list."""
        return self._read_form(self._form(number), data, lenient=True)

    def sensitive(self, number: str) -> Mapping[str, str]:
        """Path without indexes → personal or account."""
        return self.catalogue.get(number).sensitive

    def sample(self, number: str) -> Record:
        """A fresh copy of the type's sample, valid."""
        path = self._schemas.folder / "samples" / f"{self.file_of(number).stem}.json"
        return self.from_json(number, json.loads(path.read_text(encoding="utf-8")))

    def file_of(self, number: str) -> Path:
        """The schema file of a type."""
        kind = self.catalogue.get(number)
        return self._schemas.folder / f"{kind.number}-{kind.name}.xsd"

    def _form(self, number: str) -> Form:
        form = self._forms.get(number)
        return form if form is not None else self._forms[self.catalogue.get(number).number]

    def _day(self, form: Form, on: date) -> tuple[str, CodeSets]:
        """The day as yyyyMMdd, and the codes that are valid on it; kept until another day is asked for."""
        known, codes = self._days.get(form.kind.number), self.codes
        if known is not None and known[0] == on and known[1] is codes:
            return known[2], known[3]
        day = clock.d8(on)
        sets = tuple(codes.get(name).valid_on(on) for name in form.tables)
        self._days[form.kind.number] = (on, codes, day, sets)
        return day, sets

    def _explained(self, form: Form, record: Any, on: date, before: Sequence[Fault] = ()) -> Explanation:
        """Everything wrong with a record beside what was found `before`, sorted by place."""
        if len(before) >= MAX_FAULTS:
            return Explanation(self._named(form, before, is_full=True))
        made = explain(form.root, record, self.values, on)
        known = [fault.path for fault in before]
        found = made.faults
        if known:
            named = Overlap(known)
            found = [one for one in found if one.path not in named]
        warnings = made.warnings
        # Where there are more faults than are named, nobody knows which operands are sound.
        if type(record) is dict and not made.is_full:
            unsound = Unsound([*known, *(fault.path for fault in found)])
            found = [*found, *form.rules.faults(record, on, unsound, most=MAX_FAULTS)]
            warnings = [*warnings, *form.rules.advice(record, on, unsound, most=MAX_FAULTS)]
        found = self._named(form, [*before, *found], is_full=made.is_full)
        return Explanation(found, self.book.mended(in_order(form.root, warnings)[:MAX_FAULTS]))

    def _named(self, form: Form, found: Sequence[Fault], *, is_full: bool) -> list[Fault]:
        """In the message's order, each with how to mend it; said too where there are more than are named."""
        named = in_order(form.root, found)[:MAX_FAULTS]
        if is_full or len(found) > MAX_FAULTS:
            named.append(faults.more(MAX_FAULTS))
        return self.book.mended(named)

    def _undecided(self, form: Form, record: Record) -> list[Fault]:
        """The explanation found nothing: lxml has the last word, so that nothing passes in silence."""
        try:
            tree = xmltree.parse(write_body(form.parts(record)))
        except MessageError as error:
            return list(error.faults)
        return self.decide(tree)

    def _refusal(self, form: Form, record: Any, on: date, cause: Exception | None) -> MessageError:
        found = self._explained(form, record, on).faults
        if not found and cause is None:
            found = self._undecided(form, record)
        if not found:
            # Our tests and our explanation disagree: a fault of ours, loud, and the message is kept.
            raise RuntimeError(f"a {form.kind.number} was refused and nothing explains it") from cause
        return MessageError(found)

    def _read_form(self, form: Form, data: Any, *, lenient: bool) -> Record:
        record, wrong = read_form(form.root, data, lenient=lenient)
        if not wrong:
            return record
        if type(data) is not dict:
            raise MessageError(wrong)
        raise MessageError(self._explained(form, record, clock.now().date(), wrong).faults)


def _without_namespace(path: str) -> str:
    holder, _, name = path.partition("{")
    return holder + name.partition("}")[2] if name else path


def _make_form(kind: MessageType, root: Element, rules: Rules) -> Form:
    test, tables = make_test(root)
    return Form(
        kind=kind,
        root=root,
        parts=make_parts(root),
        test=test,
        tables=tables,
        from_json=make_from_json(root),
        to_json=make_to_json(root),
        reader=Reader.of(root),
        rules=rules,
        keeps_rules=make_rule_test(rules.errors),
        naming=Naming.of(root),
    )
