"""/v1/ops/standard: the data standard as it is in force here: types with their elements and a sample, code tables."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.console.guard import requires
from gateway.console.ops import Call, Parameter, Refused, told
from gateway.console.opsschema import FLAG, NUMBER, TEXT, list_, numbers, object_, texts
from gateway.console.standardpages import version_of
from gateway.console.world import WORLD
from gateway.standard import MessageType
from gateway.standard.ruledocs import rule_rows


@requires("standard.view")
async def show_types(request: web.Request) -> web.Response:
    return told({"types": [_kind(one) for one in request.app[WORLD].translator.standard.catalogue]})


def _kind(one: MessageType) -> dict[str, Any]:
    return {
        "number": one.number, "name": one.name, "title_zh": one.title_zh, "title_en": one.title_en, "step": one.step,
        "key": list(one.key), "answer": one.answer, "money": one.money,
    }  # fmt: skip


@requires("standard.view")
async def show_type(request: web.Request) -> web.Response:
    """Its elements in the schema's order. The sample is the standard's own: nothing of it is anybody's."""
    standard, number = request.app[WORLD].translator.standard, request.match_info["number"]
    if number not in standard.catalogue:
        raise Refused(404)
    return told(
        {
            **_kind(standard.catalogue.get(number)),
            "elements": [
                {
                    "path": path, "zh": one.zh, "en": one.en, "least": one.minimum, "repeats": one.repeats,
                    "leaf": one.value is not None, "codes": one.codes, "sensitive": one.sensitive,
                }
                for path, one in standard.model(number).walk()
            ],
            "sample": standard.to_json(number, standard.sample(number)),
        }
    )  # fmt: skip


@requires("standard.view")
async def show_tables(request: web.Request) -> web.Response:
    codes = request.app[WORLD].translator.standard.codes
    return told(
        {
            "tables": [
                {"name": name, "zh": note.zh, "en": note.en, "fixed": note.fixed, "codes": len(codes.get(name).rows)}
                for name, note in codes.notes.items()
            ]
        }
    )  # fmt: skip


@requires("standard.view")
async def show_table(request: web.Request) -> web.Response:
    """With what a 9003 changed."""
    codes, name = request.app[WORLD].translator.standard.codes, request.match_info["name"]
    if name not in codes:
        raise Refused(404)
    return told(
        {
            "name": name,
            "codes": [
                {
                    "code": one.code, "name_zh": one.name_zh, "name_en": one.name_en, "parent": one.parent,
                    "valid_from": one.valid_from, "valid_to": one.valid_to,
                }
                for one in codes.get(name).all_rows
            ],
        }
    )  # fmt: skip


@requires("standard.view")
async def show_rules(request: web.Request) -> web.Response:
    return told({"rules": rule_rows(await version_of(request))})


_KIND: dict[str, Any] = {
    **texts("number", "name", "title_zh", "title_en", "step", "answer"), "key": list_(TEXT), "money": FLAG,
}  # fmt: skip
_ELEMENT = object_(**texts("path", "zh", "en", "codes", "sensitive"), least=NUMBER, repeats=FLAG, leaf=FLAG)
_TABLE = object_(**texts("name", "zh", "en"), **numbers("codes"), fixed=FLAG)
_CODE = object_(**texts("code", "name_zh", "name_en", "parent", "valid_from", "valid_to"))
_RULE = object_(
    **texts("id", "types", "path", "condition", "severity", "result", "zh", "en", "mend_zh", "mend_en")
)
CALLS = (
    Call("GET", "/standard/types", show_types, "报文类型", "Message types", object_(types=list_(object_(**_KIND)))),
    Call(
        "GET", "/standard/types/{number}", show_type, "一种报文的元素与样例", "A type's elements and its sample",
        object_(**_KIND, elements=list_(_ELEMENT), sample={"type": "object"}),
        (Parameter("number", "报文类型号", "number of the type"),),
    ),
    Call("GET", "/standard/codes", show_tables, "代码表", "Code tables", object_(tables=list_(_TABLE))),
    Call(
        "GET", "/standard/codes/{name}", show_table, "一张代码表", "A code table's rows", object_(name=TEXT, codes=list_(_CODE)),
        (Parameter("name", "代码表", "name of the table"),),
    ),
    Call("GET", "/standard/rules", show_rules, "规则", "Rules that schemas cannot say", object_(rules=list_(_RULE))),
)  # fmt: skip
