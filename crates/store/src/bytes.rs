//! Ids to and from their BLOBs.

use landline_protocol::{AttachmentId, EventId, FileHash, MemberId, RoomId, SpaceId, TransferId};
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

/// An id as SQLite keeps it.
pub(crate) struct Blob<T>(pub(crate) T);

macro_rules! blob {
    ($($id:ty),+) => {
        $(
            impl ToSql for Blob<$id> {
                fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                    Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.0.as_bytes())))
                }
            }

            impl FromSql for Blob<$id> {
                fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                    let bytes = value.as_blob()?;
                    let bytes = bytes.try_into().map_err(|_| FromSqlError::InvalidType)?;
                    Ok(Self(<$id>::from_bytes(bytes)))
                }
            }
        )+
    };
}

blob!(
    EventId,
    RoomId,
    SpaceId,
    MemberId,
    FileHash,
    AttachmentId,
    TransferId
);

/// A column that holds an id.
pub(crate) fn id<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    Blob<T>: FromSql,
{
    row.get::<_, Blob<T>>(column).map(|blob| blob.0)
}

/// A column that holds an id or NULL.
pub(crate) fn id_or_null<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>>
where
    Blob<T>: FromSql,
{
    row.get::<_, Option<Blob<T>>>(column)
        .map(|blob| blob.map(|blob| blob.0))
}

/// A `seq`, never negative by the schema's checks.
pub(crate) fn seq(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column)
        .map(|seq| u64::try_from(seq).unwrap_or(0))
}

/// A `seq` as SQLite keeps it. One beyond 2^63 is as good as the last.
pub(crate) fn sql_seq(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// A `LIMIT` as SQLite takes it.
pub(crate) fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
