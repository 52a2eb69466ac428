"""Every route has a rule, and the OpenAPI document says it: `x-kuramori-operation`, and `x-kuramori-roles` where asked.

An app with a route that names no caller does not start. Must not know resources.
"""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from kuramori.api.identity import OPERATION_OF, PERMITTED, Operation

DOCUMENT = Path(__file__).with_name("openapi.json")  # of the API, as committed
OPERATION_MEMBER = "x-kuramori-operation"
ROLES_MEMBER = "x-kuramori-roles"  # absent: whoever can open the socket; over the network whoever is signed in


class RuleMissing(Exception):
    """A route says of no caller who may use it."""

    def __init__(self, route: APIRoute) -> None:
        super().__init__(
            f"{sorted(route.methods or ())} {route.path} has no rule: give it a caller (kuramori.api.identity)"
        )


class RuledApp(FastAPI):
    """An app that takes in no route without a rule."""

    def include_router(self, router: APIRouter, **more: Any) -> None:
        """Take in a router. Raises RuleMissing."""
        _say_rules(router)
        super().include_router(router, **more)


def _say_rules(router: APIRouter) -> None:
    """Write each route's rule into its description, also of routers inside."""
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            _say_rules(inner)
        elif isinstance(route, APIRoute):
            route.openapi_extra = {**(route.openapi_extra or {}), **rule_of(operation_of(route))}


def operation_of(route: APIRoute) -> Operation:
    """Return the operation that a route's caller stands for. Raises RuleMissing."""
    found = [OPERATION_OF[one.call] for one in route.dependant.dependencies if one.call in OPERATION_OF]
    if len(found) != 1:
        raise RuleMissing(route)
    return found[0]


def rule_of(operation: Operation) -> dict[str, Any]:
    """Return what the OpenAPI document says of an operation."""
    roles = PERMITTED[operation]
    said: dict[str, Any] = {OPERATION_MEMBER: operation.value}
    if roles is not None:
        said[ROLES_MEMBER] = sorted(role.value for role in roles)
    return said
