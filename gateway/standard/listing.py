"""What `gateway standard list` and `validate` tell."""

from __future__ import annotations

import json

from gateway import xmltree
from gateway.clock import now
from gateway.errors import Fault, MessageError
from gateway.standard.standard import Standard


def list_types(standard: Standard) -> list[dict[str, str]]:
    return [
        {
            "number": kind.number,
            "name": kind.name,
            "title_zh": kind.title_zh,
            "title_en": kind.title_en,
            "step": kind.step,
        }
        for kind in standard.catalogue
    ]


def validate_file(standard: Standard, data: bytes, number: str = "") -> list[Fault]:
    """Every fault of a JSON ({"Head", "Body"} or a bare body) or XML (Msg or the type's element) file."""
    try:
        if data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
            number, record = _from_xml(standard, data, number)
        else:
            number, record = _from_json(standard, data, number)
    except MessageError as error:
        return list(error.faults)
    return standard.validate(number, record, on=now().date())


def _from_xml(standard: Standard, data: bytes, number: str):  # type: ignore[no-untyped-def]
    root = xmltree.parse(data)
    if xmltree.local(root.tag) == "Msg":
        root = root.find("{*}Body")[0]
    found = number or standard.catalogue.get(xmltree.local(root.tag)).number
    return found, standard.read_element(found, root)


def _from_json(standard: Standard, data: bytes, number: str):  # type: ignore[no-untyped-def]
    try:
        value = json.loads(data)
    except ValueError as error:
        raise MessageError.of(
            "json.malformed", f"不是 JSON: {error}", f"not JSON: {error}", result="10001"
        ) from error
    if isinstance(value, dict) and "Body" in value:
        number = number or value.get("Head", {}).get("MsgNo", "")
        value = value["Body"]
    if not number:
        raise MessageError.of(
            "message.unknown-type", "须用 --type 指明报文类型", "name the type with --type", result="10005"
        )
    found = standard.catalogue.get(number).number
    return found, standard.from_json(found, value)
