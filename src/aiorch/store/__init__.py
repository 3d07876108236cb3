"""Where aiorch remembers: one SQLite file, shared by every process that uses the same data folder.

Each room owns its tables and brings them as numbered migrations; the file is opened when it is first read or written.

    store = Store(settings.data_dir / "aiorch.sqlite3", [Migration("cache", 1, "CREATE TABLE cache (...)")])
    rows = await store.fetch("SELECT value FROM cache WHERE key = ?", (key,))
    await store.aclose()
"""

from aiorch.store.migrations import Migration
from aiorch.store.sqlite import FILE_NAME, Row, Store, Value

__all__ = ["FILE_NAME", "Migration", "Row", "Store", "Value"]
