from django.urls import URLPattern, URLResolver

from hevesy.gateways.api.service import api

app_name = "api"
urlpatterns: list[URLResolver | URLPattern] = api.urls[0]
for pattern in urlpatterns:
    if isinstance(pattern, URLPattern):
        # Rights are checked by the actions; the guard says that somebody must be logged in at all. A browser's
        # session needs its CSRF token here as everywhere; a program's token is exempt (accounts.middleware).
        pattern.callback.guard = ("*",)  # type: ignore[attr-defined]
        pattern.callback.csrf_exempt = False  # type: ignore[attr-defined]
