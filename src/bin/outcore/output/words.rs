//! Aligned columns of words, for people.

use comfy_table::{ContentArrangement, Table, presets};

/// Rows of cells as lines; columns are two spaces apart and as wide as they must be.
pub(crate) fn table(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((2, 0));
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
