"""The gateway's HTTP and SOAP face. `add_routes` hangs all of it into a server's application."""

from gateway.endpoints.problem import fault as render_fault
from gateway.endpoints.problem import problem as render_problem
from gateway.endpoints.routes import add_routes
from gateway.endpoints.world import WORLD, EndpointWorld

__all__ = ["WORLD", "EndpointWorld", "add_routes", "render_fault", "render_problem"]
