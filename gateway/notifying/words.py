"""What an e-mail says, in Chinese or English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway import clock
from gateway.alarmrules import labels_text, number_text

_KINDS = {
    "fired": ("告警", "Alarm"), "repeated": ("告警持续", "Still firing"), "ended": ("告警解除", "Alarm over"),
    "test": ("测试通知", "Test"),
}  # fmt: skip
_SEVERITIES = {"critical": ("严重", "critical"), "warning": ("警告", "warning"), "info": ("提示", "info")}
_LINES = (
    ("状态", "State"), ("级别", "Severity"), ("规则", "Rule"), ("条件", "Condition"), ("当前值", "Value"),
    ("开始", "Since"), ("结束", "Until"), ("编号", "Alarm"),
)  # fmt: skip
_TEST = (
    "这是一条测试通知，由 {0} 发起；收到说明通知渠道可用。",
    "This is a test, asked for by {0}: notifications reach you.",
)


def subject_of(told: Mapping[str, Any], language: str) -> str:
    """One line, whatever a title or a label holds."""
    place = _place(language)
    words = [f"[{_KINDS[told['kind']][place]}]"]
    if told["kind"] != "test":
        words.append(f"{_SEVERITIES[told['severity']][place]}: {_title(told, language)}")
        words.append(" ".join(str(value) for value in told["labels"].values()))
    return " ".join("".join(one if one.isprintable() else " " for one in " ".join(words)).split())[:200]


def text_of(told: Mapping[str, Any], language: str) -> str:
    place = _place(language)
    if told["kind"] == "test":
        return _TEST[place].format(told["by"]) + "\n"
    condition = f"{told['metric']} {told['comparison']} {number_text(float(told['threshold']))}"
    values = (
        _KINDS[told["kind"]][place], _SEVERITIES[told["severity"]][place], f"{_title(told, language)} ({told['rule']})",
        condition, f"{told['told']} {labels_text(tuple(told['labels'].items()))}".strip(), _when(told["since"]),
        _when(told["ended_at"]), told["alarm"],
    )  # fmt: skip
    mark = ("：", ": ")[place]
    return "".join(
        f"{name[place]}{mark}{value}\n" for name, value in zip(_LINES, values, strict=True) if value
    )


def _place(language: str) -> int:
    return 0 if language == "zh" else 1


def _title(told: Mapping[str, Any], language: str) -> str:
    return str(told["title_zh" if language == "zh" else "title_en"])


def _when(at_ms: int) -> str:
    return clock.from_ms(at_ms).strftime("%Y-%m-%d %H:%M:%S %z") if at_ms else ""
