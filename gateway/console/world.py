"""What the console stands on, and what every page needs to be drawn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from markupsafe import Markup

from gateway import clock
from gateway.accounts import Accounts
from gateway.alarmrules import FIRING, number_text
from gateway.console.masked import Masker
from gateway.console.places import PLACES, home_of
from gateway.console.sessions import FIELD, HALF, USER, form_token
from gateway.console.texts import LANGUAGES, translate
from gateway.console.told import masker_of, shown_key
from gateway.errors import Finding
from gateway.rights import may
from gateway.settings import Settings
from gateway.store.contract import DeliveryRow, MessageRow, Store
from gateway.translate import Translator

COOKIE = "gateway-language"


@dataclass(frozen=True, slots=True)
class ConsoleWorld:
    settings: Settings
    store: Store
    translator: Translator
    accounts: Accounts
    # Reads the gateway's mappings again; None: another process carries the messages.
    reload: Callable[[], Awaitable[Sequence[Finding]]] | None

    def masker(self, row: MessageRow) -> Masker:
        return masker_of(self.translator.standard, row)

    def masked(self, row: MessageRow) -> MessageRow:
        """The row as it may be shown."""
        return replace(row, biz_key=shown_key(row, self.masker(row)))

    def masked_delivery(self, row: DeliveryRow, masker: Masker) -> DeliveryRow:
        """The same of a delivery: its line is a business key, its last words are the receiver's."""
        return replace(row, line=masker.text(row.line), last_text=masker.text(row.last_text))

    def title_of(self, number: str, language: str) -> str:
        """The message type's title; "" for a type that the standard does not know."""
        catalogue = self.translator.standard.catalogue
        if number not in catalogue:
            return ""
        kind = catalogue.get(number)
        return kind.title_zh if language == "zh" else kind.title_en

    def name_of(self, node: str, language: str) -> str:
        """The platform's name, the node itself if it has none in that language."""
        platform = self.settings.platforms.get(node)
        if platform is None:
            return node
        return platform.name if language == "zh" else platform.name_en or platform.name

    def status_name(self, code: str, language: str) -> str:
        """The name of an application's state (CT-STATUS)."""
        table = self.translator.standard.codes.get("status")
        row = table.rows.get(code)
        if row is None:
            return code
        return str(row.name_zh if language == "zh" else row.name_en or row.name_zh)


WORLD: web.AppKey[ConsoleWorld] = web.AppKey("console-world", ConsoleWorld)


def language_of(request: web.Request) -> str:
    language = request.cookies.get(COOKIE, "")
    return language if language in LANGUAGES else LANGUAGES[0]


def is_own_path(place: str) -> bool:
    """Does it lead to a page of the console, and nowhere else?"""
    return place.startswith("/console/") and "//" not in place and "\\" not in place


async def render(
    request: web.Request, template: str, context: Mapping[str, Any], *, status: int = 200
) -> web.Response:
    """A page. `context` is what it alone needs; the words, names and counts that all need come from here."""
    return aiohttp_jinja2.render_template(
        template, request, {**await page_values(request), **context}, status=status
    )


def words(request: web.Request) -> dict[str, Any]:
    """What every page may say. `may(right)`: what one may not do is not shown."""
    language = language_of(request)
    user = request.get(USER)
    is_half, token = request.get(HALF, False), form_token(request)
    home = home_of(user, half=is_half)

    def may_do(right: str) -> bool:
        return user is not None and may(user.roles, right) and (not is_half or right == "account")

    def say(key: str, *values: object) -> str:
        return translate(language, key, *values)

    return {
        "t": say,
        "language": language,
        "path": request.path if request.method == "GET" else home,
        "user": user,
        "may": may_do,
        "places": [place for place in PLACES if may_do(place.right)],
        "home": home,
        "csrf": token,
        "csrf_field": Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, token),
    }


def name_values(request: web.Request) -> dict[str, Any]:
    """How times, amounts and names are said."""
    world, language = request.app[WORLD], language_of(request)
    return {
        "when": _when,
        "yuan": _yuan,
        "number": _number,
        "type_title": _bound(world.title_of, language),
        "node_name": _bound(world.name_of, language),
        "status_name": _bound(world.status_name, language),
    }


async def page_values(request: web.Request) -> dict[str, Any]:
    world, said = request.app[WORLD], words(request) | name_values(request)
    if said["may"]("alarms.view"):
        alarms = await world.store.alarm_counts()
        said["firing"] = sum(count for (_, state), count in alarms.items() if state == FIRING)
    if not said["may"]("deliveries.view"):
        return said
    counts = await world.store.counts()
    by_state = {str(state): count for state, count in counts.deliveries.items()}
    return said | {
        "counts": {
            "messages": counts.messages,
            "open": sum(by_state.get(state, 0) for state in ("waiting", "ready", "leased")),
            "stuck": sum(by_state.get(state, 0) for state in ("dead", "unknown")),
        },
    }


def _bound(function: Callable[[str, str], str], language: str) -> Callable[[str], str]:
    return lambda name: function(name, language)


def _when(at_ms: int, form: str = "%m-%d %H:%M:%S") -> str:
    return clock.from_ms(at_ms).strftime(form) if at_ms else ""


def _number(value: float) -> str:
    return f"{int(value):,}" if value.is_integer() else number_text(value)


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}" if fen >= 0 else f"-{_yuan(-fen)}"
