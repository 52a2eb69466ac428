"""The tables of the ledger, and the numbers that tell a ledger from any other SQLite file.

Rules that hold for every table: times are integers in UTC milliseconds unless the column says `boot_ns`; ranges are
half open; numbers that people or other files refer to come from `counter` and are never used twice; rows are
written by plain statements with all values given (no random, no clock, no last-row functions), so that replaying
the statements on the mirror gives the same rows. This module must not know who writes when.
"""

APPLICATION_ID = 0x4B524C44  # "KRLD", in the file's header
SCHEMA_VERSION = 3  # in the file's header (user_version); raised with every change of a table

COUNTERS = ("camera", "run", "event", "erasure")

TABLES = """
CREATE TABLE meta (
    one                    INTEGER PRIMARY KEY CHECK (one = 1),
    ledger_uid             BLOB    NOT NULL CHECK (length(ledger_uid) = 16),
    batch                  INTEGER NOT NULL,
    created_utc_ms         INTEGER NOT NULL,
    pruned_before_utc_ms   INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE counter (
    name                   TEXT    PRIMARY KEY,
    last                   INTEGER NOT NULL
) STRICT;

CREATE TABLE camera (
    camera_number          INTEGER PRIMARY KEY CHECK (camera_number BETWEEN 1 AND 4294967295),
    name                   TEXT    NOT NULL UNIQUE,
    added_utc_ms           INTEGER NOT NULL,
    retired_utc_ms         INTEGER
) STRICT;

CREATE TABLE run (
    run_id                 INTEGER PRIMARY KEY,
    camera_number          INTEGER NOT NULL REFERENCES camera,
    start_utc_ms           INTEGER NOT NULL,
    start_access_unit      INTEGER NOT NULL,
    end_utc_ms             INTEGER,
    end_access_unit        INTEGER,
    end_reason             INTEGER,
    detail                 TEXT    NOT NULL DEFAULT '',
    provenance             INTEGER NOT NULL,
    recovered              INTEGER NOT NULL DEFAULT 0,
    CHECK ((end_utc_ms IS NULL) = (end_access_unit IS NULL)),
    CHECK ((end_utc_ms IS NULL) = (end_reason IS NULL)),
    CHECK (end_utc_ms >= start_utc_ms),
    CHECK (end_access_unit >= start_access_unit)
) STRICT;
CREATE UNIQUE INDEX run_open ON run (camera_number) WHERE end_utc_ms IS NULL;
CREATE INDEX run_end ON run (camera_number, end_utc_ms);

CREATE TABLE outage (
    camera_number          INTEGER NOT NULL REFERENCES camera,
    utc_ms                 INTEGER NOT NULL,
    reason                 INTEGER NOT NULL,
    detail                 TEXT    NOT NULL,
    undated_since          INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (camera_number, utc_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    event_id               INTEGER PRIMARY KEY,
    utc_ms                 INTEGER NOT NULL,
    boot_ns                INTEGER NOT NULL,
    camera_number          INTEGER REFERENCES camera,
    kind                   TEXT    NOT NULL,
    facts                  TEXT    NOT NULL
) STRICT;
CREATE INDEX event_time ON event (utc_ms);

CREATE TABLE hold (
    hold_id                TEXT    PRIMARY KEY,
    from_utc_ms            INTEGER NOT NULL,
    to_utc_ms              INTEGER NOT NULL CHECK (to_utc_ms > from_utc_ms),
    reason                 TEXT    NOT NULL,
    person                 TEXT    NOT NULL,
    created_utc_ms         INTEGER NOT NULL,
    ends_utc_ms            INTEGER NOT NULL,
    request_id             TEXT    NOT NULL DEFAULT '',
    lifted_utc_ms          INTEGER,
    lifted_by              TEXT    NOT NULL DEFAULT '',
    lift_reason            TEXT    NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE hold_camera (
    hold_id                TEXT    NOT NULL REFERENCES hold,
    camera_number          INTEGER NOT NULL REFERENCES camera,
    PRIMARY KEY (hold_id, camera_number)
) STRICT, WITHOUT ROWID;

CREATE TABLE erasure (
    erasure_number         INTEGER PRIMARY KEY,
    erasure_id             TEXT    NOT NULL DEFAULT '',
    erased_utc_ms          INTEGER NOT NULL,
    rule                   TEXT    NOT NULL,
    tier                   TEXT    NOT NULL,
    person                 TEXT    NOT NULL DEFAULT '',
    reason                 TEXT    NOT NULL DEFAULT '',
    kept_for_holds         INTEGER NOT NULL DEFAULT 0,
    signature              BLOB    NOT NULL,
    cell                   TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX erasure_order ON erasure (erasure_id) WHERE erasure_id <> '';

CREATE TABLE erased (
    erasure_number         INTEGER NOT NULL REFERENCES erasure,
    camera_number          INTEGER NOT NULL REFERENCES camera,
    first_utc_ms           INTEGER NOT NULL,
    last_utc_ms            INTEGER NOT NULL,
    epoch_ids              BLOB    NOT NULL CHECK (length(epoch_ids) % 16 = 0),
    epochs                 BLOB    NOT NULL DEFAULT x'' CHECK (length(epochs) % 32 = 0),
    segments               BLOB    NOT NULL DEFAULT x'' CHECK (length(segments) % 32 = 0),
    kept                   BLOB    NOT NULL DEFAULT x'' CHECK (length(kept) % 32 = 0),
    PRIMARY KEY (erasure_number, camera_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX erased_time ON erased (camera_number, last_utc_ms);

CREATE TABLE custodian_set (
    custodian_set_id       BLOB    PRIMARY KEY CHECK (length(custodian_set_id) = 16),
    threshold              INTEGER NOT NULL,
    custodians             INTEGER NOT NULL CHECK (custodians >= threshold),
    document               BLOB    NOT NULL,
    installed_utc_ms       INTEGER NOT NULL,
    replaced_utc_ms        INTEGER
) STRICT;
CREATE UNIQUE INDEX custodian_set_in_use ON custodian_set (1) WHERE replaced_utc_ms IS NULL;

CREATE TABLE clock_anchor (
    boot_id                TEXT    NOT NULL,
    boot_ns                INTEGER NOT NULL,
    utc_ms                 INTEGER NOT NULL,
    source                 TEXT    NOT NULL,
    PRIMARY KEY (boot_id, boot_ns)
) STRICT, WITHOUT ROWID;
"""

MIGRATIONS: dict[int, tuple[str, ...]] = {  # from that version to the next
    1: (
        "ALTER TABLE erasure ADD COLUMN cell TEXT NOT NULL DEFAULT ''",
        *(
            f"ALTER TABLE erased ADD COLUMN {column} BLOB NOT NULL DEFAULT x'' CHECK (length({column}) % 32 = 0)"
            for column in ("epochs", "segments", "kept")
        ),
        "CREATE INDEX erased_time ON erased (camera_number, last_utc_ms)",
    ),
    2: ("ALTER TABLE outage ADD COLUMN undated_since INTEGER NOT NULL DEFAULT 0",),
}
