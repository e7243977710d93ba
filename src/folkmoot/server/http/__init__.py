"""The ASGI edge: the application, bodies, refusals, security headers, and uvicorn."""
