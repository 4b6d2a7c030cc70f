from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "hevesy.demo"
    label = "demo"
    verbose_name = "Demonstration"
