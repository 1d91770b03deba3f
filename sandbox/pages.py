"""The sandbox's own pages: what was taken, faults, events, tokens; and the posts as their platform would show them."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from sandbox import orders
from sandbox.forms import EventForm, FaultForm
from sandbox.life import count_engagement
from sandbox.models import Account, Call, Event, Fault, Media, PlatformName, Post, Token
from sandbox.pictures import draw_avatar
from sandbox.seed import seed_demo

POSTS_SHOWN = 100


@login_not_required
def overview(request: HttpRequest) -> HttpResponse:
    """The accounts with their tokens, and the latest calls; POST makes the accounts of the demonstration."""
    if request.method == "POST":
        seed_demo()
        return HttpResponseRedirect(reverse("sandbox:overview"))
    now = timezone.now()
    alive = Q(token__revoked_at=None, token__used_at=None) & (Q(token__expires_at=None) | Q(token__expires_at__gt=now))
    usable = Q(token__kind__in=[Token.Kind.ACCESS, Token.Kind.PAGE])
    accounts = Account.objects.select_related("manager").annotate(
        tokens_alive=Count("token", filter=alive & usable, distinct=True),
        posts_taken=Count("post", distinct=True),
    )
    context = {
        "page": "overview",
        "accounts": accounts,
        "calls": Call.objects.order_by("-id")[:25],
        "faults_waiting": Fault.objects.exclude(times=0).count(),
        "ended": request.GET.get("ended", ""),
    }
    return render(request, "sandbox/overview.html", context)


@login_not_required
@require_GET
def post_list(request: HttpRequest) -> HttpResponse:
    """The latest posts taken, with what they have gathered."""
    posts = Post.objects.with_card().order_by("-id")
    platform = request.GET.get("platform", "")
    if platform in PlatformName.values:
        posts = posts.filter(platform=platform)
    now = timezone.now()
    rows = [{"post": post, "counters": count_engagement(post, now=now)} for post in posts[:POSTS_SHOWN]]
    context = {"page": "posts", "rows": rows, "platform": platform, "platforms": PlatformName, "shown": POSTS_SHOWN}
    return render(request, "sandbox/posts.html", context)


@login_not_required
def fault_list(request: HttpRequest) -> HttpResponse:
    """The faults waiting and used up, and the form that plants one."""
    form = FaultForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            orders.plant_fault(**form.cleaned_data)
        except orders.BadOrder as problem:
            form.add_error(None, str(problem))
        else:
            return HttpResponseRedirect(reverse("sandbox:faults"))
    context = {"page": "faults", "form": form, "faults": Fault.objects.order_by("-id")}
    return render(request, "sandbox/faults.html", context, status=422 if form.errors else 200)


@login_not_required
@require_POST
def remove_faults(request: HttpRequest) -> HttpResponse:
    """Remove the fault ``id``, or all of them."""
    faults = Fault.objects.all()
    raw = request.POST.get("id", "")
    if raw:
        faults = faults.filter(pk=int(raw)) if raw.isdecimal() else faults.none()
    faults.delete()
    return HttpResponseRedirect(reverse("sandbox:faults"))


@login_not_required
def event_list(request: HttpRequest) -> HttpResponse:
    """What was planted, and the form that plants a mention, comment, message or lead."""
    form = EventForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        account: Account = values.pop("account")
        try:
            orders.plant_event(platform=account.platform, account=account.native_id, **values)
        except orders.BadOrder as problem:
            form.add_error(None, str(problem))
        else:
            return HttpResponseRedirect(reverse("sandbox:events"))
    events = Event.objects.select_related("account", "post").order_by("-id")[:POSTS_SHOWN]
    context = {"page": "events", "form": form, "events": events}
    return render(request, "sandbox/events.html", context, status=422 if form.errors else 200)


@login_not_required
@require_POST
def end_tokens(request: HttpRequest) -> HttpResponse:
    """Expire or revoke the tokens of an account, then back to the overview."""
    account = get_object_or_404(Account, pk=request.POST.get("account"))
    try:
        count = orders.end_tokens(
            platform=account.platform, account=account.native_id, action=request.POST.get("action", "")
        )
    except orders.BadOrder as problem:
        raise Http404(str(problem)) from problem
    return HttpResponseRedirect(f"{reverse('sandbox:overview')}?ended={count}")


@login_not_required
@require_GET
def avatar(request: HttpRequest, platform: str, native_id: str) -> HttpResponse:
    """The avatar of an account, or of somebody who only exists in a planted event."""
    account = Account.objects.filter(platform=platform.upper(), native_id=native_id).first()
    if account is not None:
        content = draw_avatar(account.name, account.colour)
    else:
        event = Event.objects.filter(platform=platform.upper(), author_id=native_id).first()
        if event is None:
            raise Http404
        content = draw_avatar(event.author_name, "#8a8377")
    return HttpResponse(content, content_type="image/png", headers={"Cache-Control": "max-age=3600"})


@login_not_required
@require_GET
def media(request: HttpRequest, platform: str, native_id: str) -> HttpResponse:
    """The small picture kept of an upload."""
    found = Media.objects.filter(platform=platform.upper(), native_id=native_id).exclude(thumbnail=b"").first()
    if found is None:
        raise Http404
    return HttpResponse(bytes(found.thumbnail), content_type="image/jpeg", headers={"Cache-Control": "max-age=3600"})


def show_site_post(request: HttpRequest, post: Post | None) -> HttpResponse:
    """A post as its platform shows it to the public; 404 for one that is gone or not out yet."""
    now = timezone.now()
    if post is None or post.publish_at > now:
        raise Http404
    context: dict[str, Any] = {
        "post": post,
        "counters": count_engagement(post, now=now),
        "comments": Event.objects.filter(post=post, kind=Event.Kind.COMMENT),
    }
    return render(request, "sandbox/site_post.html", context)


def live_posts(platform: str, native_id: str) -> Post | None:
    return Post.objects.live(platform).filter(native_id=native_id).first()


@login_not_required
@require_GET
def x_post(request: HttpRequest, username: str, native_id: str) -> HttpResponse:
    """``https://x.com/{username}/status/{id}``."""
    return show_site_post(request, live_posts(PlatformName.TWITTER, native_id))


@login_not_required
@require_GET
def mastodon_post(request: HttpRequest, username: str, native_id: str) -> HttpResponse:
    """``https://{server}/@{username}/{id}``."""
    return show_site_post(request, live_posts(PlatformName.MASTODON, native_id))


@login_not_required
@require_GET
def facebook_site(request: HttpRequest, native_id: str) -> HttpResponse:
    """A post, or the Page itself, at www.facebook.com."""
    page = Account.objects.filter(platform=PlatformName.FACEBOOK, native_id=native_id, kind=Account.Kind.PAGE).first()
    if page is not None:
        return show_site(request, page)
    return show_site_post(request, live_posts(PlatformName.FACEBOOK, native_id))


@login_not_required
@require_GET
def facebook_post(request: HttpRequest, page_id: str, number: str) -> HttpResponse:
    """``https://www.facebook.com/{page}/posts/{number}``."""
    return show_site_post(request, live_posts(PlatformName.FACEBOOK, f"{page_id}_{number}"))


def show_site(request: HttpRequest, account: Account) -> HttpResponse:
    now = timezone.now()
    posts = Post.objects.live(account.platform).filter(account=account, publish_at__lte=now).order_by("-publish_at")
    rows = [{"post": post, "counters": count_engagement(post, now=now)} for post in posts[:20]]
    return render(request, "sandbox/site.html", {"account": account, "rows": rows})


@login_not_required
@require_GET
def profile(request: HttpRequest, platform: str, username: str) -> HttpResponse:
    """The public page of an X or Mastodon account."""
    return show_site(request, get_object_or_404(Account, platform=platform.upper(), username=username))


@login_not_required
@require_GET
def mastodon_home(request: HttpRequest) -> HttpResponse:
    """The server's front page: who lives here."""
    accounts = Account.objects.filter(platform=PlatformName.MASTODON)
    return render(request, "sandbox/mastodon_home.html", {"accounts": accounts})
