"""Addresses of the sandbox, mounted at ``/sandbox/`` when it is on. Namespace: ``sandbox:``."""

from django.urls import include, path, re_path

from sandbox import control, pages
from sandbox.facebook import graph
from sandbox.facebook import sign_in as facebook
from sandbox.mastodon import instance, media, statuses
from sandbox.mastodon import sign_in as mastodon
from sandbox.twitter import media as x_media
from sandbox.twitter import posts as x_posts
from sandbox.twitter import sign_in as x

app_name = "sandbox"

VERSION = r"^facebook/v(?P<version>\d+\.\d+)"

MASTODON = [
    path("", pages.mastodon_home, name="mastodon_home"),
    path("nodeinfo/2.0", instance.node_info),
    path("oauth/authorize", mastodon.authorize, name="mastodon_authorize"),
    path("oauth/token", mastodon.token),
    path("oauth/revoke", mastodon.revoke),
    path("api/v1/apps", mastodon.register_app),
    path("api/v1/apps/verify_credentials", mastodon.verify_app),
    path("api/v2/instance", instance.instance),
    path("api/v1/instance", instance.instance_v1),
    path("api/v1/accounts/verify_credentials", statuses.verify_credentials),
    path("api/v1/accounts/lookup", statuses.lookup_account),
    path("api/v1/accounts/<str:native_id>", statuses.one_account),
    path("api/v1/accounts/<str:native_id>/statuses", statuses.account_statuses),
    path("api/v1/statuses", statuses.statuses),
    path("api/v1/statuses/<str:native_id>", statuses.one_status),
    path("api/v1/statuses/<str:native_id>/source", statuses.status_source),
    path("api/v1/statuses/<str:native_id>/context", statuses.status_context),
    path("api/v2/media", media.upload_media),
    path("api/v1/media/<str:native_id>", media.one_media),
    path("api/v1/notifications", statuses.notifications),
    path("@<str:username>", pages.profile, {"platform": "mastodon"}, name="mastodon_profile"),
    path("@<str:username>/<str:native_id>", pages.mastodon_post, name="mastodon_post"),
]

urlpatterns = [
    path("", pages.overview, name="overview"),
    path("posts/", pages.post_list, name="posts"),
    path("faults/", pages.fault_list, name="faults"),
    path("faults/remove/", pages.remove_faults, name="remove_faults"),
    path("events/", pages.event_list, name="events"),
    path("tokens/", pages.end_tokens, name="tokens"),
    path("media/avatars/<slug:platform>/<str:native_id>.png", pages.avatar, name="avatar"),
    path("media/<slug:platform>/<str:native_id>.jpg", pages.media, name="media"),
    path("api/posts", control.posts),
    path("api/faults", control.faults),
    path("api/events", control.events),
    path("api/tokens", control.tokens),
    path("api/grants", control.grants),
    path("api/accounts", control.accounts),
    path("api/calls", control.calls),
    path("api/seed", control.seed),
    # X
    path("twitter/i/oauth2/authorize", x.authorize, name="twitter_authorize"),
    path("twitter/2/oauth2/token", x.token),
    path("twitter/2/oauth2/revoke", x.revoke),
    path("twitter/2/users/me", x_posts.me),
    path("twitter/2/users/<str:native_id>/tweets", x_posts.user_posts),
    path("twitter/2/users/<str:native_id>/mentions", x_posts.user_mentions),
    path("twitter/2/tweets", x_posts.posts_root),
    path("twitter/2/tweets/<str:native_id>", x_posts.one_post),
    path("twitter/2/media/upload", x_media.upload),
    path("twitter/2/media/upload/initialize", x_media.initialize),
    path("twitter/2/media/upload/<str:native_id>/append", x_media.append),
    path("twitter/2/media/upload/<str:native_id>/finalize", x_media.finalize),
    path("twitter/2/media/metadata", x_media.metadata),
    path("twitter/<str:username>/status/<str:native_id>", pages.x_post, name="x_post"),
    path("twitter/<str:username>", pages.profile, {"platform": "twitter"}, name="x_profile"),
    # Facebook
    re_path(VERSION + r"/dialog/oauth$", facebook.dialog, name="facebook_dialog"),
    re_path(VERSION + r"/oauth/access_token$", facebook.access_token),
    re_path(VERSION + r"/debug_token$", facebook.debug_token),
    re_path(VERSION + r"/?(?P<path>.*)$", graph.graph),
    path("facebook/<str:page_id>/posts/<str:number>", pages.facebook_post, name="facebook_post"),
    path("facebook/<str:native_id>", pages.facebook_site, name="facebook_site"),
    path("mastodon/", include(MASTODON)),
    path("mastodon/.well-known/oauth-authorization-server", mastodon.authorization_server),
    path("takahe/", include((MASTODON, "takahe"))),  # a server that is not Mastodon: see mastodon.answers.Server
]
