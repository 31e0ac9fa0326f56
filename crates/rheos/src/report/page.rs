//! A report as HTML: style inline, no script, nothing fetched; follows the reader's light or dark scheme.

use std::fmt::Write as _;

use super::{Block, Report, Section, Table};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2733;--soft:#5b6b7b;--line:#d8dfe6;--card:#f6f8fa;--back:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e4eaf0;--soft:#9aa8b6;--line:#33404c;--card:#1b242d;--back:#12181f}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:68rem;padding:2rem 1rem 4rem;background:var(--back);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
h1{margin:0;font-size:1.7rem}h2{margin:2.6rem 0 .2rem;font-size:1.2rem}
p{margin:.2rem 0 .8rem;color:var(--soft)}
nav{margin:1rem 0;display:flex;flex-wrap:wrap;gap:.3rem 1rem}a{color:inherit}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.6rem;margin:.8rem 0}
.figures div{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.6rem .8rem}
.figures b{display:block;font-size:1.25rem;font-variant-numeric:tabular-nums}
.figures span{color:var(--soft);font-size:.85rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}
th{color:var(--soft);font-weight:600}.n{text-align:right}
svg{width:100%;height:auto;margin:.6rem 0}
footer{margin-top:3rem;color:var(--soft);font-size:.85rem}";

/// The whole page. `footer` says what made it and how to make it again.
pub(crate) fn html(report: &Report, footer: &str) -> String {
    let mut page = String::with_capacity(64 * 1024);
    page.push_str("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n");
    page.push_str(
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>",
    );
    escape(&mut page, &report.title);
    let _ = write!(page, "</title>\n<style>\n{STYLE}\n</style>\n<h1>");
    escape(&mut page, &report.title);
    page.push_str("</h1>\n<p>");
    escape(&mut page, &report.subtitle);
    page.push_str("</p>\n<nav>");
    for (number, section) in report.sections.iter().enumerate() {
        let _ = write!(page, "<a href=\"#s{number}\">");
        escape(&mut page, &section.heading);
        page.push_str("</a>");
    }
    page.push_str("</nav>\n");
    for (number, part) in report.sections.iter().enumerate() {
        section(&mut page, number, part);
    }
    page.push_str("<footer>");
    escape(&mut page, footer);
    page.push_str("</footer>\n</html>\n");
    page
}

fn section(page: &mut String, number: usize, section: &Section) {
    let _ = write!(page, "<section>\n<h2 id=\"s{number}\">");
    escape(page, &section.heading);
    page.push_str("</h2>\n<p>");
    escape(page, &section.note);
    page.push_str("</p>\n");
    for block in &section.blocks {
        match block {
            Block::Figures(figures) => self::figures(page, figures),
            Block::Table(table) => self::table(page, table),
            Block::Plot(svg) => page.push_str(svg),
        }
        page.push('\n');
    }
    page.push_str("</section>\n");
}

fn figures(page: &mut String, figures: &[(String, String)]) {
    page.push_str("<div class=\"figures\">");
    for (label, value) in figures {
        page.push_str("<div><b>");
        escape(page, value);
        page.push_str("</b><span>");
        escape(page, label);
        page.push_str("</span></div>");
    }
    page.push_str("</div>");
}

fn table(page: &mut String, table: &Table) {
    let class = |number: bool| if number { " class=\"n\"" } else { "" };
    page.push_str("<div class=\"scroll\"><table>\n<tr>");
    for (name, number) in &table.columns {
        let _ = write!(page, "<th scope=\"col\"{}>", class(*number));
        escape(page, name);
        page.push_str("</th>");
    }
    page.push_str("</tr>\n");
    for row in &table.rows {
        page.push_str("<tr>");
        for (cell, (_, number)) in row.iter().zip(&table.columns) {
            let _ = write!(page, "<td{}>", class(*number));
            escape(page, cell);
            page.push_str("</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table></div>");
}

/// Captured text (host names, comments, file names) may hold anything: none of it becomes markup.
fn escape(page: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            c if c.is_control() && c != '\n' => page.push('\u{fffd}'),
            c => page.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_captures_never_becomes_markup() {
        let mut table = Table::new(&[("name", false), ("packets", true)]);
        table.rows.push(vec!["<script>alert(\"x\")</script>\u{7}".into(), "1".into()]);
        let report = Report {
            title: "a & b".into(),
            subtitle: "<i>".into(),
            sections: vec![Section {
                heading: "top".into(),
                note: "note".into(),
                blocks: vec![
                    Block::Table(table),
                    Block::Figures(vec![("packets".into(), "<1>".into())]),
                ],
            }],
        };
        let page = html(&report, "made by <us>");
        assert!(page.contains("<title>a &amp; b</title>"));
        assert!(page.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;\u{fffd}"));
        assert!(page.contains("<b>&lt;1&gt;</b>"));
        assert!(!page.contains("<script") && !page.contains("<i>") && !page.contains("<us>"));
        assert!(page.contains("<td class=\"n\">1</td>"));
    }

    #[test]
    fn the_page_fetches_nothing() {
        let report = Report { title: String::new(), subtitle: String::new(), sections: vec![] };
        let page = html(&report, "");
        for word in ["http:", "https:", "src=", "@import", "url("] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
