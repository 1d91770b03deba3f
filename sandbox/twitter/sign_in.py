"""X: the consent page and the token endpoint (OAuth 2.0 authorization code with PKCE, rotating refresh tokens).

Source: https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code
"""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from sandbox import oauth
from sandbox.faults import Visit, imitate
from sandbox.models import Account, AuthorizationCode, Grant, OAuthClient, Token, digest
from sandbox.twitter.answers import PLATFORM, VOICE, oauth_error

CODE_LIFE_S = 30
ACCESS_LIFE_S = 7200
REFRESH_LIFE_S = 180 * 86400
SCOPES = {
    "tweet.read": "See the posts you can see, including those of protected accounts",
    "tweet.write": "Post and repost for you",
    "tweet.moderate.write": "Hide and show replies to your posts",
    "users.read": "See the accounts you can see",
    "users.email": "See your e-mail address",
    "offline.access": "Stay connected to your account until you take the access back",
    "media.write": "Upload pictures and videos for you",
    "like.read": "See the posts you liked",
    "like.write": "Like and unlike posts for you",
    "follows.read": "See who follows you and whom you follow",
    "follows.write": "Follow and unfollow for you",
    "dm.read": "Read your direct messages",
    "dm.write": "Send direct messages for you",
    "block.read": "See whom you blocked",
    "block.write": "Block and unblock for you",
    "mute.read": "See whom you muted",
    "mute.write": "Mute and unmute for you",
    "list.read": "See your lists",
    "list.write": "Change your lists",
    "bookmark.read": "See your bookmarks",
    "bookmark.write": "Change your bookmarks",
    "space.read": "See Spaces",
    "timeline.read": "See reposts of your posts",
}


def refusal_reason(request: HttpRequest, client: OAuthClient | None) -> str:
    """What is wrong with a request for consent, as a sentence; '' when it is right."""
    query = request.GET
    if client is None:
        return "The client_id is not known."
    if not oauth.accepts_redirect(client, query.get("redirect_uri", "")):
        return "The redirect_uri is not one of the callback addresses registered for this application."
    if query.get("response_type") != "code":
        return "The response_type must be code."
    if not query.get("state") or len(query["state"]) > 500:
        return "A state of 1 to 500 characters is required."
    if not query.get("code_challenge"):
        return "A code_challenge is required (PKCE)."
    if query.get("code_challenge_method", "plain") not in {"S256", "plain"}:
        return "The code_challenge_method must be S256 or plain."
    scopes = query.get("scope", "").split()
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        return f"The scope {unknown[0]} does not exist." if unknown else "At least one scope is required."
    return ""


@login_not_required
def authorize(request: HttpRequest) -> HttpResponse:
    """The consent page; approving or denying leads back to the application."""
    query = request.GET
    client = oauth.find_client(PLATFORM, query.get("client_id", ""))
    reason = refusal_reason(request, client)
    if reason or client is None:
        return oauth.show_refusal(request, PLATFORM, reason)
    scopes = query["scope"].split()
    screen = oauth.Screen(
        platform=PLATFORM,
        title=f"{client.name} wants to access your X account",
        client=client,
        accounts=Account.objects.filter(platform=PLATFORM),
        permissions=[(scope, SCOPES[scope]) for scope in scopes],
    )
    if request.method != "POST":
        return oauth.show_screen(request, screen)
    if request.POST.get("decision") != "approve":
        return oauth.back_to(query["redirect_uri"], {"error": "access_denied", "state": query["state"]})
    account = oauth.chosen_account(request, PLATFORM, Account.Kind.USER)
    if account is None:
        return oauth.show_screen(request, screen, problem="Choose the account to sign in as.")
    grant = Grant.objects.create(client=client, account=account, scopes=scopes)
    code = oauth.issue_code(
        grant,
        redirect_uri=query["redirect_uri"],
        challenge=query["code_challenge"],
        method=query.get("code_challenge_method", "plain"),
        life_s=CODE_LIFE_S,
        now=timezone.now(),
    )
    return oauth.back_to(query["redirect_uri"], {"state": query["state"], "code": code})


def authenticate_client(request: HttpRequest) -> OAuthClient | HttpResponse:
    """The confidential client of the Basic header, or X's refusal (401)."""
    credentials = oauth.basic_of(request)
    if credentials is None:
        return oauth_error(401, "unauthorized_client", "Missing valid authorization header")
    client = oauth.find_client(PLATFORM, credentials[0])
    if client is None or not oauth.secret_matches(client, credentials[1]):
        return oauth_error(401, "invalid_client")
    return client


def issue_pair(grant: Grant) -> JsonResponse:
    body = {
        "token_type": "bearer",
        "expires_in": ACCESS_LIFE_S,
        "access_token": oauth.issue_token(grant, Token.Kind.ACCESS, life_s=ACCESS_LIFE_S),
        "scope": " ".join(grant.scopes),
    }
    if "offline.access" in grant.scopes:
        body["refresh_token"] = oauth.issue_token(grant, Token.Kind.REFRESH, life_s=REFRESH_LIFE_S)
    return JsonResponse(body)


@imitate(PLATFORM, VOICE, "token", methods="POST")
def token(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``POST /2/oauth2/token``: exchange of a code, or of a refresh token which then is dead."""
    if request.content_type != "application/x-www-form-urlencoded":
        return oauth_error(400, "invalid_request", "Content-Type must be application/x-www-form-urlencoded.")
    client = authenticate_client(request)
    if isinstance(client, HttpResponse):
        return client
    form = request.POST
    match form.get("grant_type"):
        case "authorization_code":
            return exchange_code(request, visit, client)
        case "refresh_token":
            return refresh(request, visit, client)
        case None:
            return oauth_error(400, "invalid_request", "Missing required parameter [grant_type].")
    return oauth_error(400, "unsupported_grant_type", "The grant_type is not supported.")


def exchange_code(request: HttpRequest, visit: Visit, client: OAuthClient) -> HttpResponse:
    form = request.POST
    for name in ("code", "redirect_uri", "code_verifier"):
        if not form.get(name):
            return oauth_error(400, "invalid_request", f"Missing required parameter [{name}].")
    bad_code = "Value passed for the authorization code was invalid."
    codes = AuthorizationCode.objects.select_related("grant__account", "grant__client")
    code = codes.filter(code_digest=digest(form["code"]), grant__client=client).first()
    if code is None:
        return oauth_error(400, "invalid_request", bad_code)
    if code.redirect_uri != form["redirect_uri"]:
        description = "Value passed for the redirect uri did not match the uri of the authorization code."
        return oauth_error(400, "invalid_request", description)
    if not oauth.verifier_matches(code, form["code_verifier"]):
        description = "Value passed for the code verifier did not match the code challenge."
        return oauth_error(400, "invalid_request", description)
    if not oauth.use_code(code, now=timezone.now()):
        return oauth_error(400, "invalid_request", bad_code)
    visit.account = code.grant.account
    return issue_pair(code.grant)


def refresh(request: HttpRequest, visit: Visit, client: OAuthClient) -> HttpResponse:
    refused = oauth_error(400, "invalid_request", "Value passed for the token was invalid.")
    old = oauth.find_token(request.POST.get("refresh_token", ""), Token.Kind.REFRESH)
    if old is None or old.client_id != client.pk or old.grant is None:
        return refused
    visit.account = old.account
    now = timezone.now()
    alive = Token.objects.filter(pk=old.pk, used_at=None, revoked_at=None, expires_at__gt=now)
    if alive.update(used_at=now) != 1:
        return refused
    return issue_pair(old.grant)


@imitate(PLATFORM, VOICE, "token", methods="POST")
def revoke(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``POST /2/oauth2/revoke``: an access token dies alone, a refresh token takes the whole consent with it."""
    client = authenticate_client(request)
    if isinstance(client, HttpResponse):
        return client
    secret = request.POST.get("token", "")
    if not secret:
        return oauth_error(400, "invalid_request", "Missing required parameter [token].")
    found = oauth.find_token(secret, Token.Kind.ACCESS, Token.Kind.REFRESH)
    if found is not None and found.client_id == client.pk and found.grant is not None:
        visit.account = found.account
        if found.kind == Token.Kind.REFRESH:
            found.grant.revoke(now=timezone.now())
        else:
            Token.objects.filter(pk=found.pk, revoked_at=None).update(revoked_at=timezone.now())
    return JsonResponse({"revoked": True})
