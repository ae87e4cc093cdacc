"""The frame of the REST interface: who may call a route, what errors look like, limits and headers.

Each service brings its routes as a function that takes the service and returns an `APIRouter`;
`application.create` mounts them. Every route says who may call it with `caller.allow`; a test fails for
one that does not.
"""
