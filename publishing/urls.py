"""Calendar, posts, composer and media library."""

from django.urls import path

from publishing.views import calendar, composer, media, moves, posts

app_name = "publishing"

urlpatterns = [
    path("calendar/", calendar.calendar, name="calendar"),
    path("calendar/changes/", calendar.changes, name="calendar_changes"),
    path("calendar/undo/", moves.undo, name="calendar_undo"),
    path("calendar/days/<str:day>/", calendar.day_drawer, name="calendar_day"),
    path("calendar/posts/<uuid:post_id>/", calendar.post_drawer, name="calendar_post"),
    path("calendar/posts/<uuid:post_id>/drop/", moves.drop, name="calendar_drop"),
    path("posts/", posts.posts, name="posts"),
    path("posts/bulk/", posts.bulk, name="bulk"),
    path("posts/<uuid:post_id>/", posts.post, name="post"),
    path("posts/<uuid:post_id>/move/", moves.move, name="move"),
    path("posts/<uuid:post_id>/publish/", posts.publish_now, name="publish_now"),
    path("posts/<uuid:post_id>/release/", posts.release, name="release"),
    path("posts/<uuid:post_id>/retry/", posts.retry, name="retry"),
    path("posts/<uuid:post_id>/cancel/", posts.cancel, name="cancel"),
    path("posts/<uuid:post_id>/unschedule/", posts.unschedule, name="unschedule"),
    path("posts/<uuid:post_id>/duplicate/", posts.duplicate, name="duplicate"),
    path("posts/<uuid:post_id>/delete/", posts.delete, name="delete"),
    path("posts/<uuid:post_id>/delete-at-platform/", posts.delete_at_platform, name="delete_at_platform"),
    path("posts/<uuid:post_id>/delete-with-comment/", posts.delete_with_comment, name="delete_with_comment"),
    path("posts/<uuid:post_id>/sync/", posts.sync, name="sync"),
    path("posts/<uuid:post_id>/resolve/", posts.resolve, name="resolve"),
    path("posts/new/", composer.compose, name="compose"),
    path("posts/<uuid:post_id>/edit/", composer.edit, name="edit"),
    path("posts/check/", composer.check_composition, name="check"),
    path("posts/autosave/", composer.autosave, name="autosave"),
    path("posts/discard/", composer.discard, name="discard"),
    path("media/", media.library, name="media"),
    path("media/upload/", media.upload, name="media_upload"),
    path("media/pick/", media.pick, name="media_pick"),
    path("media/<uuid:asset_id>/", media.detail, name="media_detail"),
    path("media/<uuid:asset_id>/file/", media.file, name="media_file"),
    path("media/<uuid:asset_id>/thumbnail/", media.thumbnail, name="media_thumbnail"),
    path("media/<uuid:asset_id>/describe/", media.describe, name="media_describe"),
    path("media/<uuid:asset_id>/delete/", media.delete, name="media_delete"),
]
