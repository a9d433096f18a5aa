//! Colours and how well one is read on another, after WCAG 2.2.

use std::{fmt, str::FromStr};

/// The least contrast of text, level AA.
pub const AA: f64 = 4.5;

/// A colour of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
}

/// Text that is not a colour.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a colour such as `#2563eb`")]
pub struct ParseColorError(pub String);

impl Rgb {
    /// White.
    pub const WHITE: Self = Self::new(255, 255, 255);
    /// Black.
    pub const BLACK: Self = Self::new(0, 0, 0);

    /// A colour by its channels.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// The relative luminance, from 0 (black) to 1 (white).
    pub fn luminance(self) -> f64 {
        let [red, green, blue] = self.linear();
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// Lays this colour over `ground` with the opacity `share`, from 0 to 1.
    #[must_use]
    pub fn over(self, ground: Self, share: f64) -> Self {
        let mix = |top: u8, bottom: u8| {
            to_byte((f64::from(top) * share + f64::from(bottom) * (1.0 - share)) / 255.0)
        };
        Self::new(
            mix(self.red, ground.red),
            mix(self.green, ground.green),
            mix(self.blue, ground.blue),
        )
    }

    /// The channels as amounts of light, from 0 to 1.
    pub(crate) fn linear(self) -> [f64; 3] {
        [self.red, self.green, self.blue].map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        })
    }

    /// The colour with these amounts of light; what no screen can show is cut off.
    pub(crate) fn from_linear(light: [f64; 3]) -> Self {
        let [red, green, blue] = light.map(|amount| {
            let amount = amount.clamp(0.0, 1.0);
            to_byte(if amount <= 0.003_130_8 {
                amount * 12.92
            } else {
                1.055 * amount.powf(1.0 / 2.4) - 0.055
            })
        });
        Self::new(red, green, blue)
    }
}

/// The contrast ratio between two colours, from 1 to 21; their order doesn't matter.
pub fn ratio(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (one.luminance(), other.luminance());
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl FromStr for Rgb {
    type Err = ParseColorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseColorError(text.chars().take(32).collect());
        let digits = text.strip_prefix('#').ok_or_else(error)?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(error());
        }
        let value = u32::from_str_radix(digits, 16).map_err(|_| error())?;
        let [_, red, green, blue] = value.to_be_bytes();
        Ok(Self::new(red, green, blue))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the share is clamped: the product is from 0 to 255"
)]
fn to_byte(share: f64) -> u8 {
    (share.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn color(text: &str) -> Rgb {
        text.parse().expect("a colour")
    }

    #[test]
    fn known_pairs_have_their_known_ratio() {
        assert!((ratio(Rgb::WHITE, Rgb::BLACK) - 21.0).abs() < 1e-9);
        assert!((ratio(color("#767676"), Rgb::WHITE) - 4.54).abs() < 0.01);
        assert!((ratio(color("#777777"), Rgb::WHITE) - 4.48).abs() < 0.01);
    }

    #[test]
    fn light_and_back_is_the_same_colour() {
        for byte in 0..=255 {
            let color = Rgb::new(byte, 255 - byte, byte / 2);
            assert_eq!(Rgb::from_linear(color.linear()), color);
        }
    }

    #[test]
    fn what_is_no_colour_is_refused() {
        for text in ["", "#", "2563eb", "#2563e", "#2563ebff", "#2563eg", "#+563eb", "#€bcd", "red"]
        {
            assert!(text.parse::<Rgb>().is_err(), "{text}");
        }
        assert_eq!(color("#2563EB").to_string(), "#2563eb");
    }
}
