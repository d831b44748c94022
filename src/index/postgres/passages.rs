//! One document of a collection, whole.

use tokio_postgres::{Client, Error, Row};

use crate::document::Passage;

/// Its passages, in order.
pub(super) async fn passages(client: &Client, name: &str, number: u64) -> Result<Vec<Passage>, Error> {
    let find = "SELECT p.ordinal, p.place, p.headings, p.body FROM compagnon.passages p \
                JOIN compagnon.collections c ON c.id = p.collection WHERE c.name = $1 AND p.document = $2 ORDER BY p.ordinal";
    let rows = client.query(find, &[&name, &number.cast_signed()]).await?;
    rows.iter().map(passage).collect()
}

fn passage(row: &Row) -> Result<Passage, Error> {
    let place: String = row.try_get(1)?;
    Ok(Passage {
        ordinal: row.try_get::<_, i32>(0)?.cast_unsigned(),
        place: serde_json::from_str(&place).unwrap_or_default(),
        headings: row.try_get(2)?,
        text: row.try_get(3)?,
    })
}
