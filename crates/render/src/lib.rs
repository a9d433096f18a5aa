//! Bytes to bytes: stylesheets, icons, charts.
