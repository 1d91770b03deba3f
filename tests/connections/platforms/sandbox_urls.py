"""The sandbox alone, so that the platform clients can be tried over real HTTP."""

from django.urls import include, path

urlpatterns = [path("sandbox/", include("sandbox.urls"))]
