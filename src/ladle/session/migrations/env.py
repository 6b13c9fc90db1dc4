"""What alembic runs: the migrations, on the connection and in the transaction of ``ladle.session.migration``.

A new one is a file in ``versions``: ``down_revision`` is the last one's number, ``revision`` the next, and the
``HEAD`` of ``ladle.session.migration``. It changes tables inside ``op.batch_alter_table``, which SQLite needs, imports
nothing of Ladle, and is not changed any more once it is released.
"""

from alembic import context

from ladle.session.migration import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
