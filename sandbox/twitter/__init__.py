"""X: API v2 under ``/2``, OAuth 2.0 with PKCE, as documented at https://docs.x.com (OpenAPI 2.167, August 2026)."""
