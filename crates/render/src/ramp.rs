//! Eleven shades of one colour, and which of them is read well where.
//!
//! The shades are spaced in `OKLab`, where equal steps look equal; in RGB a blue
//! and a yellow of the same number differ wildly in brightness.
//! <https://bottosson.github.io/posts/oklab/>

use crate::contrast::{self, AA, Rgb};

/// The names of the shades, light to dark.
pub const SHADES: [u16; 11] = [50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 950];

/// How light each shade is, from 0 to 1.
const LIGHTNESS: [f64; 11] =
    [0.975, 0.945, 0.89, 0.815, 0.725, 0.635, 0.555, 0.485, 0.415, 0.345, 0.265];

/// How colourful each shade is, as a share of the colour itself: pale and dark
/// shades of full strength look dirty.
const STRENGTH: [f64; 11] = [0.12, 0.22, 0.42, 0.68, 0.9, 1.0, 1.0, 0.95, 0.85, 0.7, 0.55];

/// What text in the primary colour, and text on it, stands on.
///
/// These are colours of the window's own stylesheet; a test compares them.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    /// Text on a filled button: `--ui-text-inverted`.
    pub inverted: Rgb,
    /// The page: `--ui-bg`.
    pub page: Rgb,
    /// Cards and menus: `--ui-bg-elevated`, the hardest ground for text.
    pub raised: Rgb,
}

/// The light theme.
pub const LIGHT: Mode =
    Mode { inverted: Rgb::WHITE, page: Rgb::WHITE, raised: Rgb::new(0xf3, 0xf3, 0xf5) };

/// The dark theme.
pub const DARK: Mode = Mode {
    inverted: Rgb::new(0x0e, 0x0f, 0x12),
    page: Rgb::new(0x0e, 0x0f, 0x12),
    raised: Rgb::new(0x19, 0x1b, 0x20),
};

/// How strongly Nuxt UI's `soft` and `subtle` variants tint what they stand on.
const TINT: f64 = 0.1;

/// The shades of one colour, light to dark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ramp {
    colors: [Rgb; 11],
    home: usize,
}

impl Ramp {
    /// Spreads `color`; the shade that is nearest to it is exactly it.
    pub fn of(color: Rgb) -> Self {
        let [lightness, a, b] = to_oklab(color);
        let distance = |index: &usize| (LIGHTNESS[*index] - lightness).abs();
        let home = (0..SHADES.len())
            .min_by(|one, other| distance(one).total_cmp(&distance(other)))
            .unwrap_or_default();
        let mut colors = [color; 11];
        for (index, shade) in colors.iter_mut().enumerate() {
            if index != home {
                let strength = STRENGTH[index] / STRENGTH[home].max(0.5);
                *shade = within_gamut(LIGHTNESS[index], a * strength, b * strength);
            }
        }
        Self { colors, home }
    }

    /// Shade names with their colours, light to dark.
    pub fn shades(&self) -> impl Iterator<Item = (u16, Rgb)> {
        SHADES.into_iter().zip(self.colors)
    }

    /// The shade for `mode` that is nearest to the colour itself and keeps 4.5:1
    /// as text, under text, and as text on a tint of itself.
    pub fn readable(&self, mode: Mode) -> (u16, Rgb) {
        let mut candidates: Vec<usize> = (0..SHADES.len()).collect();
        candidates.sort_by_key(|index| index.abs_diff(self.home));
        let best = candidates
            .iter()
            .copied()
            .find(|index| worst_contrast(self.colors[*index], mode) >= AA)
            .unwrap_or_else(|| self.strongest(mode));
        (SHADES[best], self.colors[best])
    }

    /// For a ramp of which nothing passes; there is none, as a property test says.
    fn strongest(&self, mode: Mode) -> usize {
        let worst = |index: &usize| worst_contrast(self.colors[*index], mode);
        (0..SHADES.len())
            .max_by(|one, other| worst(one).total_cmp(&worst(other)))
            .unwrap_or_default()
    }
}

/// The least contrast that `color` has anywhere in `mode`.
pub fn worst_contrast(color: Rgb, mode: Mode) -> f64 {
    let Mode { inverted, page, raised } = mode;
    [inverted, page, raised, color.over(page, TINT), color.over(raised, TINT)]
        .into_iter()
        .map(|ground| contrast::ratio(color, ground))
        .fold(f64::INFINITY, f64::min)
}

/// Takes colour away until a screen can show it; lightness and hue stay.
fn within_gamut(lightness: f64, a: f64, b: f64) -> Rgb {
    let fits = |share: f64| {
        from_oklab([lightness, a * share, b * share])
            .into_iter()
            .all(|amount| (-1e-4..=1.0001).contains(&amount))
    };
    let mut share = 1.0;
    if !fits(share) {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..24 {
            let middle = f64::midpoint(low, high);
            if fits(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        share = low;
    }
    Rgb::from_linear(from_oklab([lightness, a * share, b * share]))
}

type Matrix = [[f64; 3]; 3];

/// From linear RGB to the eye's three kinds of cones.
const CONES: Matrix = [
    [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
    [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
    [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
];

/// From the cube roots of the cones to lightness, green–red and blue–yellow.
const LAB: Matrix = [
    [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
    [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
    [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
];

/// The way back of [`LAB`].
const CONES_OF_LAB: Matrix = [
    [1.0, 0.396_337_777_4, 0.215_803_757_3],
    [1.0, -0.105_561_345_8, -0.063_854_172_8],
    [1.0, -0.089_484_177_5, -1.291_485_548_0],
];

/// The way back of [`CONES`].
const RGB: Matrix = [
    [4.076_741_662_1, -3.307_711_591_3, 0.230_969_929_2],
    [-1.268_438_004_6, 2.609_757_401_1, -0.341_319_396_5],
    [-0.004_196_086_3, -0.703_418_614_7, 1.707_614_701_0],
];

fn to_oklab(color: Rgb) -> [f64; 3] {
    product(LAB, product(CONES, color.linear()).map(f64::cbrt))
}

fn from_oklab(lab: [f64; 3]) -> [f64; 3] {
    product(RGB, product(CONES_OF_LAB, lab).map(|cone| cone.powi(3)))
}

fn product(matrix: Matrix, vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(vector).map(|(factor, value)| factor * value).sum())
}
