"""Every page that a person can come to, one of each kind, by following the links of the pages themselves."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Page

from gateway.console.guard import right_of
from gateway.console.places import ACCOUNT, PLACES
from gateway.rights import AUDIT, DEPARTMENT, EVERYTHING, OPERATOR, SECURITY, SYSTEM, Scope, may
from tests.console.conftest import Site
from tests.console.people import cookie_of

WALKERS = (OPERATOR, SYSTEM, SECURITY, AUDIT, DEPARTMENT)


@dataclass
class Walk:
    """A page in a browser that is led through the console; `wrong`: what the browser complained of."""

    site: Site
    page: Page
    wrong: list[str] = field(default_factory=list)

    async def pages(self, role: str, seen: set[str]) -> AsyncIterator[tuple[str, str]]:
        """Opens each kind of page that the role may see and nobody saw before; its route and its path."""
        waiting = [*(place.href for place in PLACES if may([role], place.right)), ACCOUNT]
        while waiting:
            path = waiting.pop(0)
            kind = self._kind(path, role)
            if not kind or kind in seen:
                continue
            seen.add(kind)
            answer = await self.page.goto(self.site.url + path)
            if answer is None or "text/html" not in answer.headers.get("content-type", ""):
                continue
            assert answer.status == 200, (path, answer.status)
            yield kind, path
            found = await self.page.locator("a[href^='/console/']:not([download])").evaluate_all(
                "links => links.map(link => link.getAttribute('href'))"
            )
            waiting += [one.partition("#")[0] for one in found]

    def _kind(self, path: str, role: str) -> str:
        """The route's own form of the path; "" for what is no page, or not this role's."""
        bare = urlsplit(path).path
        for resource in self.site.pages.router.resources():
            info = resource.get_info()
            pattern = info.get("pattern") or re.compile(re.escape(info.get("path", "\0")))
            if not pattern.fullmatch(bare):
                continue
            for route in resource:
                right = right_of(route)
                if route.method == "GET" and right and may([role], right):
                    return str(resource.canonical)
        return ""


@asynccontextmanager
async def walking(browser: Browser, site: Site, role: str, **options: object) -> AsyncIterator[Walk]:
    """A browser window of a person with the role; "": of somebody who has not signed in."""
    context = await browser.new_context(**options)  # type: ignore[arg-type]
    scope = Scope(divisions=("310000",)) if role == DEPARTMENT else EVERYTHING
    if role:
        own = site.cookies if role == OPERATOR else await cookie_of(site.store, role, scope)
        await _let_in(context, own.items())
    walk = Walk(site, await context.new_page())
    walk.page.on("pageerror", lambda error: walk.wrong.append(f"{walk.page.url}: {error}"))
    walk.page.on(
        "console",
        lambda line: (
            walk.wrong.append(f"{walk.page.url}: {line.text}") if line.type in ("error", "warning") else None
        ),
    )
    yield walk
    await context.close()


async def _let_in(context: BrowserContext, cookies: Iterable[tuple[str, str]]) -> None:
    for name, value in cookies:
        await context.add_cookies(
            [{"name": name, "value": value, "domain": "127.0.0.1", "path": "/console/", "sameSite": "Strict"}]
        )
