"""The words that tell functions which touch a database from others."""

from __future__ import annotations

DATABASE_PACKAGES = frozenset(
    {
        "advanced_alchemy", "flask_sqlalchemy", "flask_sqlalchemy_lite", "sqlalchemy", "sqlalchemy_utils",
        "sqlmodel",
    }
)  # fmt: skip

WORDS = (
    "sqlalchemy", "session", "Session", "sqlmodel", "_alchemy", ".scalars(", ".execute(", ".with_for_update(",
    ".filter_by(", ".on_conflict_do", ".not_in(", ".notin_(", ".in_(", ".begin_nested(", ".is_(", ".is_not(",
    ".isnot(", ".where(", ".query(", ".query.", ".merge(", ".add_all(", ".rollback(", ".commit(",
)  # fmt: skip
"""A file without any of these is not looked at further."""

OTHER_SESSIONS = frozenset(
    {
        "aioboto3", "aiobotocore", "aiohttp", "boto3", "botocore", "cassandra", "curl_cffi", "httpx", "neo4j",
        "niquests", "nox", "oauthlib", "onnxruntime", "paramiko", "pymongo", "pyspark", "requests",
        "requests_oauthlib", "tensorflow",
    }
)  # fmt: skip
"""Packages whose sessions are no database sessions of SQLAlchemy."""

SCHEMA_NAMES = frozenset(
    {
        "ARRAY", "BIGINT", "BINARY", "BLOB", "BOOLEAN", "BigInteger", "Boolean", "CHAR", "CLOB",
        "CheckConstraint", "Column", "Computed", "DATE", "DATETIME", "DECIMAL", "DOUBLE", "Date", "DateTime",
        "Double", "Enum", "FLOAT", "Field", "Float", "ForeignKey", "ForeignKeyConstraint", "INTEGER",
        "Identity", "Index", "Integer", "Interval", "JSON", "JSONB", "LONGTEXT", "LargeBinary", "MEDIUMTEXT",
        "MetaData", "MutableDict", "MutableList", "NUMERIC", "NVARCHAR", "Numeric", "PickleType",
        "PrimaryKeyConstraint", "REAL", "Relationship", "SMALLINT", "Sequence", "SmallInteger", "String",
        "TEXT", "TIME", "TIMESTAMP", "Table", "Text", "Time", "TypeDecorator", "URL", "UUID", "Unicode",
        "UnicodeText", "UniqueConstraint", "Uuid", "VARBINARY", "VARCHAR", "as_declarative",
        "association_proxy", "backref", "column_property", "composite", "create_async_engine", "create_engine",
        "declarative_base", "declarative_mixin", "declared_attr", "deferred", "engine_from_config", "event",
        "has_inherited_table", "hybrid_property", "inspect", "listen", "listens_for", "make_url",
        "mapped_column", "mapper", "query_expression", "reconstructor", "registry", "relationship", "synonym",
        "validates",
    }
)  # fmt: skip
"""Names of the database packages that declare rather than do; calling them touches no rows."""

DISTINCT_METHODS = frozenset(
    {
        "add_all", "begin_nested", "bulk_insert_mappings", "bulk_save_objects", "bulk_update_mappings",
        "enable_eagerloads", "execution_options", "expunge", "expunge_all", "filter_by", "get_one",
        "is_distinct_from", "is_not", "is_not_distinct_from", "isnot", "joinedload", "map_imperatively",
        "not_in", "notin_", "on_conflict_do_nothing", "on_conflict_do_update", "on_duplicate_key_update",
        "populate_existing", "run_sync", "scalar_one", "scalar_one_or_none", "scalars", "selectinload",
        "stream_scalars", "with_entities", "with_for_update", "with_hint", "with_loader_criteria", "yield_per",
    }
)  # fmt: skip
"""Methods that only SQLAlchemy has, or nearly so."""

COMMON_METHODS = frozenset(
    {
        "between", "commit", "contains", "correlate", "distinct", "execute", "exists", "expire", "expire_all",
        "flush", "from_select", "group_by", "having", "ilike", "in_", "is_", "like", "make_transient", "merge",
        "nulls_first", "nulls_last", "one", "one_or_none", "order_by", "outerjoin", "query", "refresh",
        "returning", "rollback", "scalar", "scalar_subquery", "select_from", "subquery", "where",
        "with_only_columns",
    }
)  # fmt: skip
"""Methods that count in a file that imports a database package."""

SESSION_METHODS = frozenset(
    {
        "add", "all", "begin", "close", "connect", "connection", "delete", "filter", "first", "get", "insert",
        "save", "stream", "update", "values",
    }
)  # fmt: skip
"""Everyday methods: they count on a receiver that looks like a session or connection."""

RECEIVERS = frozenset(
    {
        "conn", "connection", "database", "db", "dbs", "dbsession", "engine", "orm", "sess", "tx", "txn", "uow",
    }
)  # fmt: skip
"""Names of sessions, connections and what gives them, besides those that speak of a session."""

PARAMETERS = frozenset(
    {
        "db", "dbs", "dbsession", "engine", "sess", "txn",
    }
)  # fmt: skip
"""Those of them that a parameter rarely has for anything else."""

STATEMENTS = frozenset(
    {
        "delete", "exists", "insert", "lambda_stmt", "select", "union", "union_all", "update",
    }
)  # fmt: skip
"""Functions that begin a statement."""

UNLIKE_SESSIONS = (
    "id", "ids", "name", "token", "key", "kwargs", "args", "cookie", "cookies", "path", "url", "error",
    "exception", "timeout", "info", "data", "config", "headers",
)  # fmt: skip
"""Ends of names that speak of a session and do not hold one."""

RETRIES = frozenset({"AsyncRetrying", "Retrying", "on_exception", "retry", "retry_context", "wrap_db_retry"})
"""What packages for retrying call the things that run a piece of work again."""
