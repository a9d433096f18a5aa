//! Every colour becomes a theme that can be read.

use std::{fs, path::Path, time::Instant};

use flightdeck_render::{
    contrast::{AA, Rgb},
    ramp::{DARK, LIGHT, Mode, Ramp, worst_contrast},
    stylesheet::stylesheet,
};
use proptest::prelude::*;

fn color() -> impl Strategy<Value = Rgb> {
    any::<(u8, u8, u8)>().prop_map(|(red, green, blue)| Rgb::new(red, green, blue))
}

proptest! {
    #[test]
    fn every_colour_has_a_shade_that_can_be_read_in_each_mode(color in color()) {
        let ramp = Ramp::of(color);

        for mode in [LIGHT, DARK] {
            let (shade, readable) = ramp.readable(mode);
            let contrast = worst_contrast(readable, mode);
            prop_assert!(contrast >= AA, "{color}: shade {shade} has {contrast:.2}");
        }
    }

    #[test]
    fn shades_get_darker_and_never_lighter(color in color()) {
        let luminances: Vec<f64> =
            Ramp::of(color).shades().map(|(_, shade)| shade.luminance()).collect();

        prop_assert!(luminances.is_sorted_by(|light, dark| light >= dark), "{luminances:?}");
    }

    #[test]
    fn the_colour_itself_is_one_of_its_shades(color in color()) {
        prop_assert!(Ramp::of(color).shades().any(|(_, shade)| shade == color));
    }
}

#[test]
fn a_colour_that_can_be_read_is_used_as_it_is() {
    let brand: Rgb = "#1d4ed8".parse().expect("a colour");

    let (_, light) = Ramp::of(brand).readable(LIGHT);

    assert_eq!(light, brand, "a client's colour must not be changed without need");
}

#[test]
fn the_stylesheet_of_a_colour() {
    let css = stylesheet("#2563eb").expect("a colour");

    insta::assert_snapshot!(css.replace(';', ";\n"), @r"
    :root{--brand: #2563eb;
    --ui-color-primary-50: #f3f7ff;
    --ui-color-primary-100: #e4edff;
    --ui-color-primary-200: #c8dbff;
    --ui-color-primary-300: #a3c3ff;
    --ui-color-primary-400: #76a4ff;
    --ui-color-primary-500: #4783ff;
    --ui-color-primary-600: #2563eb;
    --ui-color-primary-700: #1851d0;
    --ui-color-primary-800: #0d3fad;
    --ui-color-primary-900: #082f86;
    --ui-color-primary-950: #031d5d}:root,.light{--ui-primary: #1851d0;
    --brand-ink: var(--ui-primary)}.dark{--ui-primary: #76a4ff;
    --brand-ink: var(--ui-primary)}
    ");
}

#[test]
fn what_is_no_colour_never_reaches_the_theme() {
    for text in ["red", "#fff", "#123456; } body { display: none", "", "#12345\n"] {
        assert!(stylesheet(text).is_err(), "{text}");
    }
}

#[test]
fn a_stylesheet_is_quick() {
    stylesheet("#2563eb").expect("a colour");
    let start = Instant::now();

    for _ in 0..5 {
        stylesheet("#b45309").expect("a colour");
    }

    let each = start.elapsed() / 5;
    assert!(each.as_millis() < 100, "it took {each:?}; with optimization it must stay below 20 ms");
}

#[test]
fn the_grounds_are_those_of_the_window() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/style.css");
    let css = fs::read_to_string(path).expect("the window's stylesheet");
    let (light, dark) = css.split_once("\n.dark {").expect("two themes");
    let says = |theme: &str, name: &str, color: Rgb| {
        assert!(
            theme.contains(&format!("{name}: {color};")),
            "`{name}` in ui/src/style.css is no longer {color}, which contrast is computed with"
        );
    };

    let Mode { page, raised, .. } = LIGHT;
    says(light, "--ui-bg", page);
    says(light, "--ui-bg-elevated", raised);
    let Mode { page, raised, inverted } = DARK;
    says(dark, "--ui-bg", page);
    says(dark, "--ui-bg-elevated", raised);
    says(dark, "--ui-text-inverted", inverted);
}
