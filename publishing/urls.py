"""Calendar, posts, composer and media library."""

from django.urls import path

from publishing.views import calendar, posts

app_name = "publishing"

urlpatterns = [
    path("calendar/", calendar.calendar, name="calendar"),
    path("posts/", posts.posts, name="posts"),
    path("posts/<uuid:post_id>/", posts.post, name="post"),
]
try:
    from publishing.views import composer
except ImportError:
    urlpatterns += [
        path("posts/new/", posts.posts, name="compose"),
        path("posts/<uuid:post_id>/edit/", posts.post, name="edit"),
    ]
else:
    urlpatterns += [
        path("posts/new/", composer.compose, name="compose"),
        path("posts/<uuid:post_id>/edit/", composer.edit, name="edit"),
    ]
try:
    from publishing.views import media
except ImportError:
    urlpatterns += [path("media/", posts.posts, name="media")]
else:
    urlpatterns += [path("media/", media.library, name="media")]
