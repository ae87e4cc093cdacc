"""Accounts, their sessions and invitations, failed logins, and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "access_0001"
down_revision = None
branch_labels = ("access",)
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables, and the triggers that keep the audit log append-only."""
    _accounts()
    _logins()
    _audit()
    if op.get_bind().dialect.name == "sqlite":
        _sqlite_triggers()
    else:
        _postgresql_triggers()


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("flat", sa.String(100)),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("locked", sa.Boolean, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("password", sa.String(200)),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("username", name=op.f("uq_account_username")),
    )
    op.create_table(
        "access_session",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account", _KEY, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_session")),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_access_session_account")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_session_token_hash")),
    )
    op.create_index(op.f("ix_access_session_account"), "access_session", ["account"])
    op.create_table(
        "invitation",
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("account", _KEY, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_invitation")),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_invitation_account")),
    )
    op.create_index(op.f("ix_invitation_account"), "invitation", ["account"])


def _logins() -> None:
    op.create_table(
        "login_failure",
        sa.Column("bucket", sa.LargeBinary(32), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_login_failure")),
    )
    op.create_index(op.f("ix_login_failure_last"), "login_failure", ["last"])
    op.create_table(
        "known_address",
        sa.Column("account", _KEY, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "address", name=op.f("pk_known_address")),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_known_address_account")),
    )


def _audit() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("number", _KEY, autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("completes", _KEY),
        sa.Column("account", _KEY),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("operation", sa.String(64), nullable=False),
        sa.Column("target", sa.String(300), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("previous", sa.LargeBinary(32), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_entry")),
    )
    for column in ("time", "completes", "account"):
        op.create_index(op.f(f"ix_audit_entry_{column}"), "audit_entry", [column])


def _sqlite_triggers() -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_entry_no_{verb.lower()} BEFORE {verb} ON audit_entry "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )


def _postgresql_triggers() -> None:
    op.execute(
        "CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE EXCEPTION 'the audit log is append-only'; END$$"
    )
    op.execute(
        "CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse()"
    )
