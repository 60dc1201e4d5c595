"""The composition of middleware that every service has around its routes."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp

from shared.clock import Clock, SystemClock
from shared.config import Settings
from shared.metrics import Metrics
from shared.web.auth import Auth
from shared.web.faults import Faults
from shared.web.keyring import Keyring
from shared.web.limits import RateLimit
from shared.web.linger import Linger
from shared.web.observe import Observe
from shared.web.places import NeedsPlace, Places, PlacesGate, needs_place
from shared.web.warned import HEADER


@dataclass(frozen=True, slots=True)
class Service:
    """What the server needs to run a service and to let it go."""

    app: ASGIApp
    places: Places


def assemble(
    routes: Sequence[BaseRoute],
    *,
    settings: Settings,
    metrics: Metrics,
    places: Places,
    keyring: Keyring,
    clock: Clock | None = None,
    open_prefixes: Sequence[str] = ("/static/",),
    needs: NeedsPlace = needs_place,
) -> Service:
    """Fold the middleware around the routes, innermost first.

    Args:
        needs: who gets a place before the routes see it; routes may take more themselves.
    """
    clock = clock or SystemClock()
    app: ASGIApp = Router(routes, redirect_slashes=False)
    app = PlacesGate(app, places, needs)
    app = RateLimit(app, settings.rate_limit_per_minute, clock)
    app = Auth(app, keyring, settings.cors_origins, open_prefixes)
    app = Faults(app, metrics)
    if settings.cors_origins:
        app = CORSMiddleware(
            app,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["x-request-id", "retry-after", HEADER],
        )
    return Service(Observe(Linger(app), metrics, clock), places)
