//! Icons in every size, from one master picture.

use std::io::Cursor;

use image::{
    DynamicImage, ExtendedColorType, ImageError, ImageFormat, ImageReader, Limits,
    codecs::{
        ico::{IcoEncoder, IcoFrame},
        png::{self, CompressionType, PngEncoder},
    },
    imageops::FilterType,
};

/// The sides of the PNG files that a product has, in pixels.
pub const PNG_SIZES: [u32; 8] = [16, 32, 48, 144, 180, 192, 270, 512];

/// The sides of the pictures inside an ICO file, in pixels.
pub const ICO_SIZES: [u32; 4] = [16, 32, 48, 256];

/// The least side of a master, in pixels.
pub const LEAST_MASTER: u32 = 144;

/// The largest side of a master, in pixels: what is larger is no icon but a load.
pub const MOST_MASTER: u32 = 4096;

/// Why there is no icon.
#[derive(Debug, thiserror::Error)]
pub enum IconError {
    /// The bytes are no PNG file, or a damaged one.
    #[error("the picture can't be read")]
    Unreadable(#[source] ImageError),
    /// It is too small, or not square.
    #[error(
        "the picture is {width} × {height}; it must be square and at least {LEAST_MASTER} wide"
    )]
    Shape {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// The result can't be written.
    #[error("the icon can't be written")]
    Encode(#[source] ImageError),
}

/// A square picture that icons are made of.
#[derive(Debug)]
pub struct Master(DynamicImage);

impl Master {
    /// Reads a PNG file; its size is bounded before its pixels are unpacked.
    pub fn from_png(bytes: &[u8]) -> Result<Self, IconError> {
        let mut limits = Limits::default();
        limits.max_image_width = Some(MOST_MASTER);
        limits.max_image_height = Some(MOST_MASTER);
        limits.max_alloc = Some(128 * 1024 * 1024);
        let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Png);
        reader.limits(limits);
        let image = reader.decode().map_err(IconError::Unreadable)?;
        let (width, height) = (image.width(), image.height());
        if width != height || width < LEAST_MASTER {
            return Err(IconError::Shape { width, height });
        }
        Ok(Self(DynamicImage::ImageRgba8(image.into_rgba8())))
    }

    /// Writes a PNG file of `side` pixels.
    pub fn png(&self, side: u32) -> Result<Vec<u8>, IconError> {
        let mut bytes = Vec::new();
        let encoder = PngEncoder::new_with_quality(
            &mut bytes,
            CompressionType::Best,
            png::FilterType::Adaptive,
        );
        self.at(side).write_with_encoder(encoder).map_err(IconError::Encode)?;
        Ok(bytes)
    }

    /// Writes an ICO file with every size of [`ICO_SIZES`].
    pub fn ico(&self) -> Result<Vec<u8>, IconError> {
        let frames = ICO_SIZES
            .iter()
            .map(|&side| {
                let bytes = self.png(side)?;
                IcoFrame::with_encoded(bytes, side, side, ExtendedColorType::Rgba8)
                    .map_err(IconError::Encode)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut bytes = Vec::new();
        IcoEncoder::new(&mut bytes).encode_images(&frames).map_err(IconError::Encode)?;
        Ok(bytes)
    }

    fn at(&self, side: u32) -> DynamicImage {
        if self.0.width() == side {
            return self.0.clone();
        }
        self.0.resize_exact(side, side, FilterType::Lanczos3)
    }
}
