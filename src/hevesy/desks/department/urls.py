from django.urls import path, register_converter
from django.urls.converters import StringConverter

from hevesy.desks.department.views import devices, entries, items, policies, statistics


class _Printable(StringConverter):
    """The code of a catalogue entry in an address: printable ASCII, so that nothing else reaches the database."""

    regex = r"[!-.0-~]{1,40}"


register_converter(_Printable, "entry_code")

app_name = "department"
urlpatterns = [
    path("", entries.index, name="index"),
    path("classes/preview/", entries.preview, name="preview"),
    path("items/", items.items, name="items"),
    path("items/new/", items.item, name="new_item"),
    path("items/<entry_code:code>/", items.item, name="item"),
    path("devices/", devices.devices, name="devices"),
    path("devices/new/", devices.device, name="new_device"),
    path("devices/<entry_code:code>/", devices.device, name="device"),
    path("devices/<entry_code:code>/service/", devices.service, name="service"),
    path("policies/", policies.policies, name="policies"),
    path("policies/<int:pk>/", policies.policy, name="policy"),
    path("statistics/", statistics.statistics, name="statistics"),
    path("<slug:kind>/", entries.entries, name="entries"),
    path("<slug:kind>/new/", entries.entry, name="new_entry"),
    path("<slug:kind>/<entry_code:code>/", entries.entry, name="entry"),
]
