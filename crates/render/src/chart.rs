//! Line charts of time series as SVG, for files and reports.
//!
//! The window draws its live charts itself; these are for what leaves it.

use std::ops::Range;

use jiff::{Timestamp, tz::TimeZone};
use plotters::{
    backend::SVGBackend,
    chart::{ChartBuilder, ChartContext},
    coord::{cartesian::Cartesian2d, types::RangedCoordf64},
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea as _},
    element::{Circle, Rectangle, Text},
    series::{AreaSeries, LineSeries},
    style::{Color as _, FontFamily, IntoTextStyle as _, RGBColor, ShapeStyle, TextStyle},
};

pub use crate::axis::Unit;
use crate::axis::{TimeAxis, number};

/// The fewest pixels of a side.
const LEAST_SIDE: u32 = 160;
/// The most pixels of a side.
const MOST_SIDE: u32 = 4096;

const FONT: FontFamily<'static> = FontFamily::Name("Inter, system-ui, sans-serif");

/// On what the chart will be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// White paper.
    Light,
    /// A dark window.
    Dark,
}

/// One measured quantity over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Times, rising, with what was measured; `None` where nothing was.
    pub points: Vec<(Timestamp, Option<f64>)>,
}

/// What to draw.
#[derive(Debug, Clone)]
pub struct Chart {
    /// One line above it.
    pub title: String,
    /// What the values are.
    pub unit: Unit,
    /// The lines; a single one is filled below.
    pub series: Vec<Series>,
    /// For the labels of the time axis.
    pub zone: TimeZone,
    /// Light or dark.
    pub palette: Palette,
    /// Width and height in pixels.
    pub size: (u32, u32),
}

/// Why there is no chart.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// Not one value was measured.
    #[error("there is nothing to draw yet")]
    Empty,
    /// The picture would be too small to read or too large to open.
    #[error(
        "a chart of {0} × {1} pixels can't be drawn; sides are from {LEAST_SIDE} to {MOST_SIDE}"
    )]
    Size(u32, u32),
    /// The drawing library refused.
    #[error("the chart can't be drawn: {0}")]
    Draw(String),
}

struct Ink {
    paper: RGBColor,
    text: RGBColor,
    muted: RGBColor,
    grid: RGBColor,
    lines: [RGBColor; 4],
}

/// The colours of the window's own charts (`--chart-1` to `--chart-4`).
const LIGHT: Ink = Ink {
    paper: RGBColor(255, 255, 255),
    text: RGBColor(0x12, 0x13, 0x17),
    muted: RGBColor(0x5e, 0x5f, 0x68),
    grid: RGBColor(0xec, 0xec, 0xef),
    lines: [
        RGBColor(0x4f, 0x46, 0xe5),
        RGBColor(0x0d, 0x94, 0x88),
        RGBColor(0xd9, 0x77, 0x06),
        RGBColor(0xdb, 0x27, 0x77),
    ],
};

const DARK: Ink = Ink {
    paper: RGBColor(0x0e, 0x0f, 0x12),
    text: RGBColor(0xf6, 0xf6, 0xf8),
    muted: RGBColor(0x9a, 0x9d, 0xa8),
    grid: RGBColor(0x1f, 0x21, 0x27),
    lines: [
        RGBColor(0x8b, 0x8c, 0xf9),
        RGBColor(0x2d, 0xd4, 0xbf),
        RGBColor(0xfb, 0xbf, 0x24),
        RGBColor(0xf4, 0x72, 0xb6),
    ],
};

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<TimeAxis, RangedCoordf64>>;

/// Draws `chart` as an SVG document.
pub fn svg(chart: &Chart) -> Result<String, ChartError> {
    let (width, height) = chart.size;
    if ![width, height].iter().all(|side| (LEAST_SIDE..=MOST_SIDE).contains(side)) {
        return Err(ChartError::Size(width, height));
    }
    let times = times(&chart.series).ok_or(ChartError::Empty)?;
    let (factor, unit) = chart.unit.scale(highest(&chart.series));
    let values =
        lowest(&chart.series) / factor..ceiling(chart.unit, highest(&chart.series) / factor);
    let ink = match chart.palette {
        Palette::Light => LIGHT,
        Palette::Dark => DARK,
    };

    let mut document = String::new();
    {
        let area = SVGBackend::with_string(&mut document, chart.size).into_drawing_area();
        area.fill(&ink.paper).map_err(draw)?;
        let heading = text(16.0, ink.text).into_text_style(&area);
        area.draw(&Text::new(chart.title.clone(), (16, 14), heading)).map_err(draw)?;
        if chart.series.len() > 1 {
            legend(&area, &chart.series, &ink)?;
        }

        let axis = TimeAxis::new(times, chart.zone.clone());
        let caption = axis.caption();
        let mut plane = ChartBuilder::on(&area)
            .margin_top(46)
            .margin_right(24)
            .margin_bottom(8)
            .margin_left(8)
            .x_label_area_size(44)
            .y_label_area_size(72)
            .build_cartesian_2d(axis, values)
            .map_err(draw)?;
        plane
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(ink.paper.mix(0.0))
            .bold_line_style(ink.grid)
            .axis_style(ink.grid)
            .x_labels(usize::try_from(width / 90).unwrap_or(8))
            .y_labels(6)
            .y_label_formatter(&|value| number(*value, unit))
            .x_desc(caption)
            .axis_desc_style(text(11.0, ink.muted))
            .label_style(text(11.0, ink.muted))
            .draw()
            .map_err(draw)?;

        let filled = chart.series.len() == 1;
        for (series, color) in chart.series.iter().zip(ink.lines.iter().cycle()) {
            for run in runs(&series.points, factor) {
                line(&mut plane, &run, *color, filled)?;
            }
        }
        area.present().map_err(draw)?;
    }
    Ok(document)
}

/// Draws values without a gap; a lone one is a dot, as a line of it has no length.
fn line(
    plane: &mut Plane<'_, '_>,
    run: &[(i64, f64)],
    color: RGBColor,
    filled: bool,
) -> Result<(), ChartError> {
    if let [point] = run {
        plane.draw_series([Circle::new(*point, 2, color.filled())]).map_err(draw)?;
        return Ok(());
    }
    if filled {
        let area = AreaSeries::new(run.iter().copied(), 0.0, color.mix(0.12));
        plane.draw_series(area).map_err(draw)?;
    }
    let style = ShapeStyle::from(&color).stroke_width(2);
    plane.draw_series(LineSeries::new(run.iter().copied(), style)).map_err(draw)?;
    Ok(())
}

/// Writes the names below the title, each behind a square of its colour.
fn legend(area: &Area<'_>, series: &[Series], ink: &Ink) -> Result<(), ChartError> {
    let mut left = 16;
    for (series, color) in series.iter().zip(ink.lines.iter().cycle()) {
        let square = Rectangle::new([(left, 37), (left + 8, 45)], color.filled());
        area.draw(&square).map_err(draw)?;
        let style = text(11.0, ink.muted).into_text_style(area);
        area.draw(&Text::new(series.name.clone(), (left + 13, 36), style)).map_err(draw)?;
        // Without fonts a text's width can only be guessed: 6.5 px a character at 11 px.
        let characters = i32::try_from(series.name.chars().count()).unwrap_or(0);
        left += 34 + characters * 13 / 2;
    }
    Ok(())
}

fn text(size: f64, color: RGBColor) -> TextStyle<'static> {
    TextStyle { color: color.to_backend_color(), ..TextStyle::from((FONT, size)) }
}

/// Splits at gaps and scales.
fn runs(points: &[(Timestamp, Option<f64>)], factor: f64) -> Vec<Vec<(i64, f64)>> {
    points
        .split(|(_, value)| !value.is_some_and(is_drawable))
        .filter(|run| !run.is_empty())
        .map(|run| {
            run.iter()
                .filter_map(|(at, value)| Some((at.as_second(), (*value)? / factor)))
                .collect()
        })
        .collect()
}

/// From the first to the last time, gaps included; `None` when nothing was measured.
fn times(series: &[Series]) -> Option<Range<i64>> {
    measured(series).next()?;
    let seconds = || series.iter().flat_map(|series| &series.points).map(|(at, _)| at.as_second());
    let (first, last) = (seconds().min()?, seconds().max()?);
    Some(if first == last { first - 30..last + 30 } else { first..last })
}

fn measured(series: &[Series]) -> impl Iterator<Item = f64> {
    series
        .iter()
        .flat_map(|series| &series.points)
        .filter_map(|(_, value)| *value)
        .filter(|value| is_drawable(*value))
}

/// No server measures more; near the end of `f64` the axis would never find its labels.
fn is_drawable(value: f64) -> bool {
    value.abs() < 1e18
}

fn highest(series: &[Series]) -> f64 {
    measured(series).fold(0.0, f64::max)
}

fn lowest(series: &[Series]) -> f64 {
    measured(series).fold(0.0, f64::min)
}

/// A full scale for percent; else a tenth of air above the highest value.
fn ceiling(unit: Unit, highest: f64) -> f64 {
    match unit {
        Unit::Percent => highest.max(100.0),
        _ if highest <= 0.0 => 1.0,
        _ => highest * 1.1,
    }
}

fn draw<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> ChartError {
    ChartError::Draw(error.to_string())
}
