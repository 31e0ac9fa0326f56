//! Plots as SVG text, drawn by `plotters`. Text and axes take the page's own colour, so that one drawing
//! serves light and dark pages.

use plotters::coord::Shift;
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::prelude::*;

/// Width and height of every plot in its own units; the page scales it to its column.
const SIZE: (u32, u32) = (960, 320);

/// Black is drawn as the text colour of the page, see [`finish`].
const INK: RGBColor = RGBColor(0, 0, 0);
const GRID: RGBAColor = RGBAColor(128, 128, 128, 0.25);

/// Colours that stay apart for colour-blind readers too (Okabe and Ito, 2008).
const SERIES: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(86, 180, 233),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type DrawResult = Result<(), Box<dyn std::error::Error>>;

/// What a plot's axes are called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axes<'a> {
    /// Under the horizontal axis.
    pub(crate) x: &'a str,
    /// Beside the vertical axis.
    pub(crate) y: &'a str,
}

/// A named set of points.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// What the points are, for the legend.
    pub(crate) name: String,
    /// Points in the axes' units.
    pub(crate) points: Vec<(f64, f64)>,
}

/// Horizontal bars, the first at the top.
pub(crate) fn bars(axes: Axes<'_>, bars: &[(String, f64)]) -> String {
    if bars.is_empty() {
        return "<p>nothing to draw</p>".to_owned();
    }
    draw(axes.x, |area| {
        let top = bars.iter().map(|b| b.1).fold(0.0, f64::max).max(1.0);
        // A plot with more bars than fit into 31 bits would not be looked at.
        let count = i32::try_from(bars.len()).unwrap_or(i32::MAX);
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(24)
            .x_label_area_size(40)
            .y_label_area_size(190)
            .build_cartesian_2d(0.0..top * 1.05, (0..count - 1).into_segmented())?;
        let label = |at: &SegmentValue<i32>| match at {
            SegmentValue::CenterOf(i) => usize::try_from(count - 1 - i)
                .ok()
                .and_then(|i| bars.get(i))
                .map_or_else(String::new, |(name, _)| name.clone()),
            _ => String::new(),
        };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(INK)
            .label_style(("sans-serif", 15).into_font().color(&INK))
            .x_desc(axes.x)
            .y_labels(bars.len().min(40))
            .x_label_formatter(&|v| short(*v))
            .y_label_formatter(&label)
            .draw()?;
        chart.draw_series(bars.iter().zip((0..count).rev()).map(|((_, value), row)| {
            let mut bar = Rectangle::new(
                [(0.0, SegmentValue::Exact(row)), (*value, SegmentValue::Exact(row + 1))],
                SERIES[0].filled(),
            );
            bar.set_margin(3, 3, 0, 0);
            bar
        }))?;
        Ok(())
    })
}

/// Lines over a shared horizontal axis, from zero up.
pub(crate) fn lines(axes: Axes<'_>, series: &[Series]) -> String {
    draw(axes.y, |area| {
        let points = || series.iter().flat_map(|s| s.points.iter());
        let (x0, x1) = span(points().map(|p| p.0));
        let (_, y1) = span(points().map(|p| p.1));
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(24)
            .x_label_area_size(40)
            .y_label_area_size(80)
            .build_cartesian_2d(x0..x1, 0.0..y1.max(1.0) * 1.05)?;
        mesh(&mut chart, axes)?;
        for (i, one) in series.iter().enumerate() {
            let color = SERIES[i % SERIES.len()];
            chart
                .draw_series(LineSeries::new(one.points.iter().copied(), color.stroke_width(2)))?
                .label(one.name.as_str())
                .legend(move |(x, y)| {
                    Rectangle::new([(x, y - 5), (x + 12, y + 5)], color.filled())
                });
        }
        if series.len() > 1 {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperRight)
                .label_font(("sans-serif", 15).into_font().color(&INK))
                .draw()?;
        }
        Ok(())
    })
}

/// Points on two logarithmic axes; points at or below zero cannot be drawn there and are left out.
pub(crate) fn scatter(axes: Axes<'_>, series: &[Series]) -> String {
    draw(axes.y, |area| {
        let points =
            || series.iter().flat_map(|s| s.points.iter()).filter(|p| p.0 > 0.0 && p.1 > 0.0);
        let (x0, x1) = span(points().map(|p| p.0));
        let (y0, y1) = span(points().map(|p| p.1));
        let widen = |low: f64, high: f64| (low.max(f64::MIN_POSITIVE) / 1.5)..(high * 1.5);
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(24)
            .x_label_area_size(40)
            .y_label_area_size(80)
            .build_cartesian_2d(widen(x0, x1).log_scale(), widen(y0, y1).log_scale())?;
        mesh(&mut chart, axes)?;
        for (i, one) in series.iter().enumerate() {
            let color = SERIES[i % SERIES.len()];
            let visible = one.points.iter().filter(|p| p.0 > 0.0 && p.1 > 0.0);
            chart
                .draw_series(visible.map(|&at| Circle::new(at, 3, color.mix(0.55).filled())))?
                .label(one.name.as_str())
                .legend(move |(x, y)| Circle::new((x + 6, y), 4, color.filled()));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .label_font(("sans-serif", 15).into_font().color(&INK))
            .draw()?;
        Ok(())
    })
}

/// Grid, axes and ticks of a plot of numbers over numbers.
fn mesh<X, Y>(
    chart: &mut ChartContext<'_, SVGBackend<'_>, Cartesian2d<X, Y>>,
    axes: Axes<'_>,
) -> DrawResult
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(("sans-serif", 15).into_font().color(&INK))
        .x_desc(axes.x)
        .y_desc(axes.y)
        .x_label_formatter(&|v| short(*v))
        .y_label_formatter(&|v| short(*v))
        .draw()?;
    Ok(())
}

/// Runs a drawing; should it fail, the reader sees why in its place.
fn draw(what: &str, drawing: impl FnOnce(&Area<'_>) -> DrawResult) -> String {
    let mut svg = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        drawing(&area).and_then(|()| area.present().map_err(Into::into))
    };
    match drawn {
        Ok(()) => finish(&svg, what),
        Err(error) => format!("<p>the plot of {what} could not be drawn: {error}</p>"),
    }
}

/// Black becomes the page's text colour; the drawing scales and has a name for screen readers.
fn finish(svg: &str, what: &str) -> String {
    let (width, height) = SIZE;
    svg.replace("\"#000000\"", "\"currentColor\"").replacen(
        &format!("width=\"{width}\" height=\"{height}\""),
        &format!("role=\"img\" aria-label=\"{what}\""),
        1,
    )
}

/// Smallest and largest, a unit apart at least, so that an axis has a length.
fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if !low.is_finite() || !high.is_finite() {
        (0.0, 1.0)
    } else if high > low {
        (low, high)
    } else {
        (low, low + 1.0)
    }
}

/// A tick's text: `1.5k`, `20M`, `0.001`.
fn short(value: f64) -> String {
    let magnitude = value.abs();
    let (scaled, unit) = match magnitude {
        m if m >= 1e12 => (value / 1e12, "T"),
        m if m >= 1e9 => (value / 1e9, "G"),
        m if m >= 1e6 => (value / 1e6, "M"),
        m if m >= 1e3 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = if magnitude > 0.0 && magnitude < 0.001 {
        format!("{scaled:.0e}")
    } else {
        let fixed = format!("{scaled:.3}");
        fixed.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    text + unit
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXES: Axes<'_> = Axes { x: "seconds", y: "packets" };

    fn well_formed(svg: &str) {
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(svg.contains("currentColor") && svg.contains("role=\"img\""));
    }

    #[test]
    fn every_kind_draws_also_without_or_with_odd_data() {
        let odd = [
            vec![],
            vec![(1.0, 1.0)],
            vec![(0.0, 0.0), (-1.0, 5.0), (1e12, 1e-9)],
            vec![(3.0, 3.0), (3.0, 3.0)],
        ];
        for points in odd {
            let series = [Series { name: "a <b>".into(), points }];
            well_formed(&lines(AXES, &series));
            well_formed(&scatter(AXES, &series));
        }
        assert_eq!(bars(AXES, &[]), "<p>nothing to draw</p>");
        let svg = bars(AXES, &[("10.0.0.1 <x>".into(), 5.0), ("b".into(), 0.0)]);
        well_formed(&svg);
        assert!(svg.contains("10.0.0.1 &lt;x&gt;"), "names are escaped: {svg}");
    }

    #[test]
    fn ticks_are_short() {
        let told: Vec<_> = [0.0, 0.25, 1500.0, 2e7, 1e-6].map(short).into();
        assert_eq!(told, ["0", "0.25", "1.5k", "20M", "1e-6"]);
    }
}
