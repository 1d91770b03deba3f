"""Facebook: the login dialog with its choice of Pages, tokens and their exchange, permissions.

Source: https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow and .../access-tokens
"""

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from sandbox import oauth
from sandbox.facebook.answers import PLATFORM, VERSIONS, VOICE, dead_token, error, find_app, read_parameters
from sandbox.faults import Refused, Visit, imitate
from sandbox.models import Account, AuthorizationCode, Grant, OAuthClient, Token, digest

CODE_LIFE_S = 600
SHORT_LIFE_S = 5400
LONG_LIFE_S = 5183944
SCOPES = {
    "public_profile": "Your name and picture",
    "email": "Your e-mail address",
    "pages_show_list": "Show a list of the Pages you manage",
    "pages_manage_posts": "Create and manage content on your Pages",
    "pages_read_engagement": "Read content posted on your Pages",
    "pages_read_user_content": "Read what people post on your Pages",
    "pages_manage_engagement": "Manage comments on your Pages",
    "pages_manage_metadata": "Manage your Pages' settings and webhooks",
    "pages_messaging": "Manage conversations of your Pages in Messenger",
    "pages_manage_ads": "Manage ads for your Pages",
    "read_insights": "Read insights of your Pages",
    "leads_retrieval": "Read the leads of your Pages",
    "business_management": "Manage your business",
    "ads_management": "Manage your ads",
    "publish_video": "Publish videos",
    "instagram_basic": "Your Instagram profile and posts",
    "instagram_content_publish": "Publish on your Instagram account",
    "instagram_manage_comments": "Manage comments on Instagram",
    "instagram_manage_messages": "Manage messages on Instagram",
    "instagram_manage_insights": "Read insights of your Instagram account",
}


@login_not_required
def dialog(request: HttpRequest, version: str) -> HttpResponse:
    """The login dialog: sign in as a person, choose Pages and permissions, agree or cancel."""
    query = request.GET
    client = oauth.find_client(PLATFORM, query.get("client_id", ""))
    scopes = [scope for scope in query.get("scope", "").replace(",", " ").split() if scope]
    unknown = [scope for scope in scopes if scope not in SCOPES]
    reason = ""
    if client is None:
        reason = "Invalid App ID: The provided app ID does not look like a valid app ID."
    elif not oauth.accepts_redirect(client, query.get("redirect_uri", "")):
        reason = "URL blocked: the redirect URI is not allowed in the app's client OAuth settings."
    elif query.get("response_type", "code") != "code":
        reason = "The response_type is not supported."
    elif unknown:
        reason = f"Invalid Scopes: {', '.join(unknown)}."
    elif version not in VERSIONS:
        reason = f"The version v{version} of the dialog does not exist."
    if reason or client is None:
        return oauth.show_refusal(request, PLATFORM, reason)
    if "public_profile" not in scopes:
        scopes = ["public_profile", *scopes]
    people = Account.objects.filter(platform=PLATFORM, kind=Account.Kind.PERSON).prefetch_related("pages")
    screen = oauth.Screen(
        platform=PLATFORM,
        title=f"Continue to {client.name} with Facebook",
        client=client,
        accounts=people,
        permissions=[(scope, SCOPES[scope]) for scope in scopes if scope != "public_profile"],
        chooses_pages="pages_show_list" in scopes,
        chooses_permissions=True,
    )
    if request.method != "POST":
        return oauth.show_screen(request, screen)
    state = {"state": query["state"]} if "state" in query else {}
    if request.POST.get("decision") != "approve":
        denied = {
            "error": "access_denied",
            "error_code": "200",
            "error_description": "Permissions error",
            "error_reason": "user_denied",
        }
        return oauth.back_to(query["redirect_uri"], denied | state)
    person = oauth.chosen_account(request, PLATFORM, Account.Kind.PERSON)
    if person is None:
        return oauth.show_screen(request, screen, problem="Choose the person to sign in as.")
    granted, declined = ["public_profile"], list[str]()
    for scope in scopes[1:]:
        (granted if scope in request.POST.getlist("permission") else declined).append(scope)
    pages = person.pages.filter(native_id__in=request.POST.getlist("page"))
    grant = Grant.objects.create(
        client=client, account=person, scopes=granted, declined=declined,
        page_ids=list(pages.values_list("native_id", flat=True)),
    )  # fmt: skip
    code = oauth.issue_code(
        grant, redirect_uri=query["redirect_uri"], challenge="", method="", life_s=CODE_LIFE_S, now=timezone.now()
    )
    answer = {"code": code, **state}
    if query.get("return_scopes") == "true":
        answer |= {"granted_scopes": ",".join(granted), "denied_scopes": ",".join(declined)}
    return oauth.back_to(query["redirect_uri"], answer)


def page_token(grant: Grant, page: Account, *, expires_at: datetime | None) -> str:
    """The token of a Page under a consent, the same at every reading.

    Without expiry when it was read with a long-lived user token; otherwise it ends with the user token.
    """
    lasting = "long" if expires_at is None else expires_at.isoformat()
    key = f"{settings.SECRET_KEY}:sandbox-page".encode()
    value = "EAAP" + hmac.new(key, f"{grant.pk}:{page.native_id}:{lasting}".encode(), hashlib.sha256).hexdigest()
    life_s = None if expires_at is None else int((expires_at - timezone.now()).total_seconds())
    return oauth.issue_token(grant, Token.Kind.PAGE, life_s=life_s, account=page, value=value)


def is_long_lived(token: Token) -> bool:
    life = None if token.expires_at is None else token.expires_at - token.created_at
    return life is None or life > timedelta(days=1)


def check_client(parameters: dict[str, Any]) -> OAuthClient:
    client = oauth.find_client(PLATFORM, str(parameters.get("client_id", "")))
    if client is None:
        raise Refused(error(101, "Error validating application. Cannot get application info due to a system error."))
    if not oauth.secret_matches(client, str(parameters.get("client_secret", ""))):
        raise Refused(error(1, "Error validating client secret."))
    return client


@imitate(PLATFORM, VOICE, "token", methods="GET POST", name="access_token")
def access_token(request: HttpRequest, visit: Visit, version: str) -> HttpResponse:
    """``/oauth/access_token``: a code for a short-lived token, or a live token for a long-lived one."""
    parameters = read_parameters(request)
    client = check_client(parameters)
    if parameters.get("grant_type") == "client_credentials":
        return JsonResponse({"access_token": f"{client.client_id}|{client.client_secret}", "token_type": "bearer"})
    if parameters.get("grant_type") == "fb_exchange_token":
        old = oauth.find_token(str(parameters.get("fb_exchange_token", "")), Token.Kind.ACCESS)
        if (problem := dead_token(old)) is not None:
            return problem
        if old is None or old.grant is None or old.client_id != client.pk:
            return error(190, "Error validating access token: The token was made for another application.")
        visit.account = old.account
        token = oauth.issue_token(old.grant, Token.Kind.ACCESS, life_s=LONG_LIFE_S, prefix="EAAL")
        return JsonResponse({"access_token": token, "token_type": "bearer", "expires_in": LONG_LIFE_S})
    if not parameters.get("code"):
        return error(1, "Missing authorization code")
    if not parameters.get("redirect_uri"):
        return error(191, "Missing redirect_uri parameter.")
    now = timezone.now()
    codes = AuthorizationCode.objects.select_related("grant__account", "grant__client")
    code = codes.filter(code_digest=digest(str(parameters["code"])), grant__client=client).first()
    if code is None:
        return error(100, "Invalid verification code format.")
    if code.redirect_uri != parameters["redirect_uri"]:
        return error(
            100,
            "Error validating verification code. Please make sure your redirect_uri is identical to the one you used "
            "in the OAuth dialog request",
            subcode=36008,
        )
    if code.used_at is None and code.expires_at <= now:
        return error(100, "This authorization code has expired.", subcode=36007)
    if not oauth.use_code(code, now=now):
        return error(100, "This authorization code has been used.", subcode=36009)
    visit.account = code.grant.account
    token = oauth.issue_token(code.grant, Token.Kind.ACCESS, life_s=SHORT_LIFE_S, prefix="EAAS")
    return JsonResponse({"access_token": token, "token_type": "bearer", "expires_in": SHORT_LIFE_S})


@imitate(PLATFORM, VOICE, "token", name="debug_token")
def debug_token(request: HttpRequest, visit: Visit, version: str) -> HttpResponse:
    """``/debug_token``: what a token is worth; asked with the app token or a token of the same application."""
    parameters = read_parameters(request)
    secret = oauth.bearer_of(request) or str(parameters.get("access_token", ""))
    asking = oauth.find_token(secret, Token.Kind.ACCESS, Token.Kind.PAGE)
    app = find_app(secret) or (asking.client if asking is not None and dead_token(asking) is None else None)
    if app is None:
        return error(190, "Invalid OAuth access token signature.", status=401)
    found = oauth.find_token(str(parameters.get("input_token", "")), Token.Kind.ACCESS, Token.Kind.PAGE)
    if found is None or found.account is None or found.grant is None:
        bad = {"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"}
        return JsonResponse({"data": {"error": bad, "is_valid": False, "scopes": []}})
    if found.client_id != app.pk:
        return error(100, "(#100) The App_id in the input_token did not match the Viewing App")
    problem = dead_token(found)
    pages = [scope for scope in found.scopes if scope.startswith("pages_") or scope == "read_insights"]
    data: dict[str, Any] = {
        "app_id": app.client_id,
        "type": "PAGE" if found.kind == Token.Kind.PAGE else "USER",
        "application": app.name,
        "data_access_expires_at": int((found.created_at + timedelta(days=90)).timestamp()),
        "expires_at": int(found.expires_at.timestamp()) if found.expires_at else 0,
        "is_valid": problem is None,
        "issued_at": int(found.created_at.timestamp()),
        "scopes": found.scopes,
        "granular_scopes": [{"scope": scope, "target_ids": found.grant.page_ids} for scope in pages],
        "user_id": found.grant.account.native_id,
    }
    if found.kind == Token.Kind.PAGE:
        data["profile_id"] = found.account.native_id
    if problem is not None:
        why = json.loads(problem.content)["error"]
        data["error"] = {"code": why["code"], "message": why["message"], "subcode": why.get("error_subcode")}
    return JsonResponse({"data": data})
