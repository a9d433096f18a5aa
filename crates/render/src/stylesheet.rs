//! The stylesheet of one organization.

use std::fmt::Write as _;

use grass::{Options, OutputStyle};

use crate::{
    contrast::{ParseColorError, Rgb},
    ramp::{DARK, LIGHT, Ramp},
};

const THEME: &str = include_str!("../../../assets/brand/theme.scss");

/// Why there is no stylesheet.
#[derive(Debug, thiserror::Error)]
pub enum StylesheetError {
    /// The colour is not one.
    #[error(transparent)]
    Color(#[from] ParseColorError),
    /// The theme does not compile; a defect of this program.
    #[error("the theme does not compile")]
    Theme(#[source] Box<grass::Error>),
}

/// Compiles the theme with an organization's colour (`#rrggbb`) into CSS.
///
/// The colour is parsed before it meets the theme, so nothing but six digits
/// gets into the source.
pub fn stylesheet(color: &str) -> Result<String, StylesheetError> {
    let brand: Rgb = color.parse()?;
    let ramp = Ramp::of(brand);
    let (light, _) = ramp.readable(LIGHT);
    let (dark, _) = ramp.readable(DARK);

    let mut source = format!("$brand: {brand};\n$light: {light};\n$dark: {dark};\n$ramp: (");
    for (shade, color) in ramp.shades() {
        let _ = write!(source, "{shade}: {color}, ");
    }
    source.push_str(");\n");
    // `@use` may only be preceded by variables, which is what these are.
    source.push_str(THEME);

    grass::from_string(source, &Options::default().style(OutputStyle::Compressed))
        .map_err(StylesheetError::Theme)
}
