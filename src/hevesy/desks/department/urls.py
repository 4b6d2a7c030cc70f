from django.urls import path

from hevesy.desks.department.views import devices, entries, items, policies, statistics

app_name = "department"
urlpatterns = [
    path("", entries.index, name="index"),
    path("classes/preview/", entries.preview, name="preview"),
    path("items/", items.items, name="items"),
    path("items/new/", items.item, name="new_item"),
    path("items/<str:code>/", items.item, name="item"),
    path("devices/", devices.devices, name="devices"),
    path("devices/new/", devices.device, name="new_device"),
    path("devices/<str:code>/", devices.device, name="device"),
    path("devices/<str:code>/service/", devices.service, name="service"),
    path("policies/", policies.policies, name="policies"),
    path("policies/<int:pk>/", policies.policy, name="policy"),
    path("statistics/", statistics.statistics, name="statistics"),
    path("<slug:kind>/", entries.entries, name="entries"),
    path("<slug:kind>/new/", entries.entry, name="new_entry"),
    path("<slug:kind>/<str:code>/", entries.entry, name="entry"),
]
