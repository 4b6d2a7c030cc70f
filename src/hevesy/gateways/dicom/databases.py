"""Database connections of association threads."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.db import close_old_connections, connection

Handler = TypeVar("Handler", bound=Callable[..., Any])


def with_database(handler: Handler) -> Handler:
    """Give a handler a healthy connection, and the pool its connection back.

    An association may idle for a minute between two messages; there are more associations than pooled connections.
    A SQLite connection is kept until the association ends.
    """

    @wraps(handler)
    def handled(*arguments: Any, **named: Any) -> Any:
        close_old_connections()
        try:
            return handler(*arguments, **named)
        finally:
            if "pool" in connection.settings_dict.get("OPTIONS", {}):
                connection.close()

    return handled  # type: ignore[return-value]
