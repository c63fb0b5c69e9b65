"""The HTTP doors (对外接口): routes, limits, problem documents and the description of them all."""

from ecert.web.app import create, create_app

__all__ = ["create", "create_app"]
