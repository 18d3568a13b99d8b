"""The JSON Schema of a mapping file, for editors: completion of keys, formats, types and functions.

Written from the same tables that the reader and the checker use, so it cannot say anything else. `gateway
mapping schema` prints it; `schemas/mapping.schema.json` is that text.
"""

from __future__ import annotations

from typing import Any

from gateway.formats import formats
from gateway.mapping.check import DIRECTIONS, World
from gateway.mapping.functions import Function, Param, functions
from gateway.mapping.model import BLOCK, FRAGMENT, PREFIX, TOP, USE

_TEXTS: dict[str, str] = {
    "message": "报文类型 · a type of the standard",
    "direction": "in: 平台 → 标准 · out: 标准 → 平台",
    "format": "平台的报文格式 · how the platform writes it",
    "schema": "平台模式，在 schemas/ 下: .xsd .json .csv · the platform's schema, below schemas/",
    "root": "最外层元素名 · the outermost element, if not the schema's first",
    "origin": "本报文所答复的报文类型 · the type that this one answers, read as origin/…",
    "version": "版本 · the file's own version",
    "envelope": "信封各项 · fields of the envelope; of an incoming one constants that it must have",
    "tables": "本文件的代码表 · code tables of this file",
    "let": "命名的中间值 · names for values that are used more than once",
    "use": "引用片段 · fragments, below fragments/ or beside the file",
    "fields": "目标字段: 取值 · target path: where it comes from",
    "ignored": "有意不用的源字段 · source fields left out on purpose",
    "transform": "以 XSLT 1.0 代替 fields · a stylesheet in place of fields",
    "each": "遍历的列表 · the list that is walked over",
    "from": "取值 · where it comes from",
    "when": "条件 · written only if this holds",
    "empty": "keep: 保留空文本 · empty text is a value",
    "absent": "refuse: 为空即拒收 · absent is refused, and that is meant",
    "prefix": "片段中字段名的前缀 · goes before the names in a fragment",
    "fragment": "片段文件 · the fragment's file",
    "source": "源字段前缀 · before source names",
    "target": "目标字段前缀 · before target names",
}


def mapping_schema(world: World) -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    expression = {"type": ["string", "integer"], "description": _expression_text()}
    names = [one.name for one in world.catalogue]
    special: dict[str, Any] = {
        "message": {"enum": names},
        "origin": {"enum": names},
        "direction": {"enum": list(DIRECTIONS)},
        "format": {"enum": list(formats)},
        "version": {"type": ["string", "integer"]},
        "envelope": {"type": "object", "additionalProperties": {"$ref": "#/$defs/expression"}},
        "let": {"type": "object", "additionalProperties": {"$ref": "#/$defs/expression"}},
        "tables": {"type": "object", "additionalProperties": {"$ref": "#/$defs/table"}},
        "fields": {"$ref": "#/$defs/fields"},
        "use": {"$ref": "#/$defs/use"},
        "prefix": {"$ref": "#/$defs/prefix"},
        "ignored": {"type": "array", "items": {"type": "string"}},
        "empty": {"const": "keep"},
        "absent": {"const": "refuse"},
        **{name: {"$ref": "#/$defs/expression"} for name in ("each", "from", "when")},
    }

    def closed(keys: tuple[str, ...]) -> dict[str, Any]:
        properties = {
            key: {**special.get(key, {"type": "string"}), "description": _TEXTS[key]} for key in keys
        }
        return {"type": "object", "properties": properties, "additionalProperties": False}

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Mapping file 映射文件",
        **closed(TOP),
        "required": ["message", "direction", "format", "version"],
        "anyOf": [{"required": ["fields"]}, {"required": ["use"]}, {"required": ["transform"]}],
        "$defs": {
            "expression": expression,
            "fields": {
                "type": "object",
                "additionalProperties": {
                    "anyOf": [{"$ref": "#/$defs/expression"}, {"$ref": "#/$defs/block"}]
                },
            },
            "block": closed(BLOCK),
            "fragment": closed(FRAGMENT),
            "use": {
                "anyOf": [
                    {"type": "string"},
                    {"type": "array", "items": {"anyOf": [{"type": "string"}, closed(USE)]}},
                ]
            },
            "prefix": {"anyOf": [{"type": "string"}, closed(PREFIX)]},
            "table": {"type": "object", "additionalProperties": {"type": ["string", "integer"]}},
        },
    }


def _expression_text() -> str:
    return "\n".join(
        ["路径、常量或带函数的表达式 · a path, a constant or an expression with functions:"]
        + [f"{signature(functions.get(name))}: {functions.get(name).en}" for name in functions]
    )


def signature(function: Function) -> str:
    """`cut(text, most, encoding: "characters")`."""
    more = ", …" if function.variadic else ""
    return f"{function.name}({', '.join(map(_shown, function.params))}{more})"


def _shown(param: Param) -> str:
    if param.is_required:
        return param.name
    if param.default is None:
        return f"{param.name}?"
    default = str(param.default).lower() if isinstance(param.default, bool) else f'"{param.default}"'
    return f"{param.name}: {default}"


def function_reference() -> str:
    """Markdown: every function with arguments, result, an example that is run as a test, and what it is for."""
    lines = [
        "# 映射函数 · Functions of mapping files",
        "",
        "由 `gateway mapping functions` 从代码生成，勿手工修改。Generated by `gateway mapping functions`; not to be",
        "edited. `X | f(a)` 与 `f(X, a)` 相同 is the same call. 参数带 `:` 者可省略 An argument with `:` may be left out",
        "and is named where it is given; with `?` it may be left out.",
        "",
        "| 函数 function | 结果 result | 说明 | what it does | 例 example | 输入 record | 得 gives |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in functions:
        function = functions.get(name)
        expression, record, result = function.example
        given = ", ".join(f"{key} = {_value(value)}" for key, value in record.items())
        cells = (
            f"`{signature(function)}`",
            str(function.result).removeprefix("a "),
            function.zh,
            function.en,
            f"`{expression}`",
            given,
            _value(result),
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
