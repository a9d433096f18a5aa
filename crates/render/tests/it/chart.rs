//! Charts show what was measured, and that nothing was.

use flightdeck_render::chart::{Chart, ChartError, Palette, Series, Unit, svg};
use jiff::{Timestamp, tz::TimeZone};

const START: i64 = 1_782_867_600; // 2026-07-01 01:00 UTC

fn series(name: &str, values: impl IntoIterator<Item = Option<f64>>) -> Series {
    let points = (0..)
        .zip(values)
        .map(|(index, value)| {
            (Timestamp::from_second(START + index * 30).expect("a time in range"), value)
        })
        .collect();
    Series { name: name.to_owned(), points }
}

fn chart(unit: Unit, series: Vec<Series>) -> Chart {
    Chart {
        title: "Processor of `web-1`".to_owned(),
        unit,
        series,
        zone: TimeZone::UTC,
        palette: Palette::Light,
        size: (720, 260),
    }
}

fn hour(value: impl Fn(f64) -> f64) -> Series {
    series("web-1", (0..=120).map(|index| Some(value(f64::from(index)))))
}

/// The texts of a document, in order.
fn texts(svg: &str) -> Vec<&str> {
    svg.split("<text")
        .skip(1)
        .filter_map(|rest| rest.split_once('>')?.1.split_once("</text>"))
        .map(|(text, _)| text.trim())
        .collect()
}

#[test]
fn an_hour_of_processor_has_round_labels() {
    let svg =
        svg(&chart(Unit::Percent, vec![hour(|x| 40.0 + (x / 9.0).sin() * 20.0)])).expect("a chart");

    insta::assert_snapshot!(texts(&svg).join(" | "), @"Processor of `web-1` | 2026-07-01 01:00 to 2026-07-01 02:00 UTC | 0% | 20% | 40% | 60% | 80% | 100% | 01:00 | 01:10 | 01:20 | 01:30 | 01:40 | 01:50 | 02:00");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
}

#[test]
fn bytes_are_counted_in_the_unit_that_fits() {
    let memory = svg(&chart(Unit::Bytes, vec![hour(|x| 3.0e9 + x * 1e7)])).expect("a chart");
    let network = svg(&chart(Unit::BytesPerSecond, vec![hour(|x| x * 1000.0)])).expect("a chart");

    for label in ["0 GiB", "2 GiB", "4 GiB"] {
        assert!(texts(&memory).contains(&label), "{:?}", texts(&memory));
    }
    for label in ["0 KiB/s", "50 KiB/s", "100 KiB/s"] {
        assert!(texts(&network).contains(&label), "{:?}", texts(&network));
    }
}

#[test]
fn labels_are_in_the_zone_that_was_asked_for() {
    let zone = TimeZone::fixed(jiff::tz::offset(5));
    let chart = Chart { zone, ..chart(Unit::Percent, vec![hour(|_| 1.0)]) };

    let svg = svg(&chart).expect("a chart");

    assert!(texts(&svg).contains(&"06:10"), "{:?}", texts(&svg));
}

#[test]
fn a_gap_is_a_gap() {
    let whole = svg(&chart(Unit::Percent, vec![series("a", [Some(1.0); 9])])).expect("a chart");
    let values = [Some(1.0), Some(1.0), None, None, Some(1.0), Some(1.0), None, Some(9.0), None];
    let broken = svg(&chart(Unit::Percent, vec![series("a", values)])).expect("a chart");
    let lines = |svg: &str| svg.matches("stroke=\"#4F46E5\"").count();

    assert_eq!(lines(&whole), 1);
    assert_eq!(lines(&broken), 2, "nothing may be drawn where nothing was measured");
    assert_eq!(broken.matches("<circle").count(), 1, "a lone value is a dot");
}

#[test]
fn several_series_have_a_legend() {
    let both = vec![series("in", [Some(1.0), Some(2.0)]), series("out", [Some(2.0), Some(1.0)])];

    let svg = svg(&chart(Unit::BytesPerSecond, both)).expect("a chart");

    assert!(texts(&svg).contains(&"in") && texts(&svg).contains(&"out"));
}

#[test]
fn names_are_text_and_never_markup() {
    let mut chart = chart(Unit::Percent, vec![hour(|_| 1.0)]);
    chart.title = "<script>alert('1')</script> & \"co\"".to_owned();

    let svg = svg(&chart).expect("a chart");

    assert!(!svg.contains("<script"), "a server's name may be anything");
    assert!(svg.contains("&lt;script&gt;"));
}

#[test]
fn dark_paper_is_dark() {
    let chart = Chart { palette: Palette::Dark, ..chart(Unit::Percent, vec![hour(|_| 1.0)]) };

    let svg = svg(&chart).expect("a chart");

    assert!(svg.contains("#0E0F12") && !svg.contains("fill=\"#FFFFFF\""));
}

#[test]
fn odd_input_is_refused_or_drawn_and_never_a_panic() {
    let odd = [f64::NAN, f64::INFINITY, -5.0, 0.0, f64::MAX];
    let chart_of = |values: Vec<Option<f64>>| svg(&chart(Unit::Number, vec![series("a", values)]));

    assert!(matches!(chart_of(vec![]), Err(ChartError::Empty)));
    assert!(matches!(chart_of(vec![None, None]), Err(ChartError::Empty)));
    assert!(matches!(chart_of(vec![Some(f64::NAN)]), Err(ChartError::Empty)));
    assert!(chart_of(vec![Some(0.0)]).is_ok());
    assert!(chart_of(odd.map(Some).to_vec()).is_ok());
    let tiny = Chart { size: (10, 10_000), ..chart(Unit::Percent, vec![hour(|_| 1.0)]) };
    assert!(matches!(svg(&tiny), Err(ChartError::Size(10, 10_000))));
}
