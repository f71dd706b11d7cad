"""Agencies whose worker stands in their own network: every exchange with them goes through the engine."""

from hub.distant.gateway import DistantGateway, NearGateway

__all__ = ["DistantGateway", "NearGateway"]
