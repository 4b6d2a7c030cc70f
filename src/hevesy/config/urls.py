"""Every address of the system. The apps own their own lists; the contract (docs) fixes the prefixes."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
