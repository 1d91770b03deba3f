"""How often a credential may call."""

from typing import Any, cast

from django.conf import settings
from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from accounts.api.authentication import Credential


class _RateFromSettings(SimpleRateThrottle):
    def get_rate(self) -> str | None:
        options: dict[str, Any] = dict(settings.REST_FRAMEWORK)
        return cast("str | None", options["DEFAULT_THROTTLE_RATES"][self.scope])


class CredentialThrottle(_RateFromSettings):
    """So many calls a minute for each credential."""

    scope = "credential"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        if not isinstance(request.auth, Credential):
            return None  # refused anyway
        return self.cache_format % {"scope": self.scope, "ident": request.auth.name}


class SignInThrottle(_RateFromSettings):
    """So many sign-ins a minute from each address, whoever is tried."""

    scope = "sign_in"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        ident = salted_hmac("accounts.api.sign_in", self.get_ident(request)).hexdigest()[:24]
        return self.cache_format % {"scope": self.scope, "ident": ident}


class AddressThrottle(_RateFromSettings):
    """So many calls a minute from each address, for endpoints that are open to everybody."""

    scope = "credential"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        ident = salted_hmac("accounts.api.address", self.get_ident(request)).hexdigest()[:24]
        return self.cache_format % {"scope": "address", "ident": ident}
