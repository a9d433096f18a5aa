//! Icons come out in the sizes that were asked for, and nothing else goes in.

use std::io::Cursor;

use flightdeck_render::icon::{ICO_SIZES, IconError, Master, PNG_SIZES};
use image::{ImageFormat, Rgba, RgbaImage};

fn png(width: u32, height: u32) -> Vec<u8> {
    let image = RgbaImage::from_fn(width, height, |x, _| {
        if x < width / 2 { Rgba([79, 70, 229, 255]) } else { Rgba([0, 0, 0, 0]) }
    });
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).expect("memory takes a picture");
    bytes.into_inner()
}

#[test]
fn every_size_has_its_pixels_and_keeps_transparency() {
    let master = Master::from_png(&png(512, 512)).expect("a square picture");

    for side in PNG_SIZES {
        let bytes = master.png(side).expect("an icon");
        let icon = image::load_from_memory(&bytes).expect("a picture").into_rgba8();
        assert_eq!(icon.dimensions(), (side, side));
        assert_eq!(icon.get_pixel(0, side / 2).0, [79, 70, 229, 255]);
        assert_eq!(icon.get_pixel(side - 1, side / 2).0[3], 0, "transparent stays transparent");
    }
}

#[test]
fn an_ico_file_holds_every_size() {
    let master = Master::from_png(&png(256, 256)).expect("a square picture");

    let bytes = master.ico().expect("an icon");

    assert_eq!(bytes[..4], [0, 0, 1, 0], "the magic number of icons");
    assert_eq!(usize::from(bytes[4]), ICO_SIZES.len());
    let widths: Vec<u8> = (0..ICO_SIZES.len()).map(|index| bytes[6 + index * 16]).collect();
    assert_eq!(widths, [16, 32, 48, 0], "0 stands for 256");
    assert!(image::load_from_memory_with_format(&bytes, ImageFormat::Ico).is_ok());
}

#[test]
fn a_picture_that_is_not_square_or_too_small_is_refused_by_its_size() {
    for (width, height) in [(200, 150), (143, 143)] {
        let refused = Master::from_png(&png(width, height));
        assert!(matches!(refused, Err(IconError::Shape { .. })), "{width} × {height}");
    }
}

#[test]
fn a_picture_that_would_fill_the_memory_is_refused_before_it_does() {
    let refused = Master::from_png(&png(4097, 1));

    assert!(matches!(refused, Err(IconError::Unreadable(_))));
}

#[test]
fn what_is_no_picture_is_refused() {
    let whole = png(144, 144);

    for bytes in [&b""[..], b"GIF89a", &whole[..whole.len() / 2]] {
        assert!(matches!(Master::from_png(bytes), Err(IconError::Unreadable(_))));
    }
}
