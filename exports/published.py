"""The current publication, opened for an export."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from exports.reader import Publication, engine_options, require_publication
from ingest.core.errors import Problem, one_line
from ingest.core.lake import Lake
from ingest.core.settings import Settings


@contextmanager
def open_current(
    settings: Settings,
) -> Iterator[tuple[Publication, duckdb.DuckDBPyConnection]]:
    """The current version and a connection to its marts, closed afterwards.

    What does not fit in memory spills into the work zone, never into `published`. Raises Problem if
    nothing is published, or if a mart lacks what an export reads.
    """
    lake = Lake(settings.lake)
    publication = require_publication(lake)
    connection = publication.connect(settings.memory_limit)
    try:
        options = engine_options(lake, settings.memory_limit)
        connection.execute("set temp_directory = $folder", {"folder": options["temp_directory"]})
        yield publication, connection
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise Problem(
            f"{publication.database} lacks what the exports read: {one_line(error)}; "
            "build and publish the night again"
        ) from error
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise Problem(
            f"the export stopped: {one_line(error)}; "
            f"check the free space in {lake.root} and MEMORY_LIMIT"
        ) from error
    finally:
        connection.close()
