//! A learned model as a configuration of the generator.

use std::fmt::{self, Write};

use rheos_core::units::human;
use rheos_query::fit::{Arrivals, Direction, FlowModel, Networks, Quantiles, Service};

/// A share of answered requests from which flows are conversations.
const ANSWERED_MIN: f64 = 0.05;

/// Variance by mean of flows in a step from which arrivals are no more even, and from which they are bursts.
const CHANCE_MIN: f64 = 0.3;
const BURSTS_MIN: f64 = 2.0;

/// What the generator takes for the exponent of hosts and the bias of bursts.
const EXPONENTS: (f64, f64) = (0.5, 2.0);
const BIASES: (f64, f64) = (0.5, 0.95);

/// The text of a configuration in YAML; `source` says what it was learned from.
pub(crate) fn yaml(model: &FlowModel, seed: u64, source: &str) -> String {
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = write(&mut out, model, seed, source);
    out
}

fn write(out: &mut String, model: &FlowModel, seed: u64, source: &str) -> fmt::Result {
    writeln!(out, "# Learned by `rheos gen fit` from {source}.")?;
    writeln!(
        out,
        "# {} records, {} of them looked at one by one; {} packets, {} bytes in {}.",
        human::grouped(model.records),
        human::grouped(model.sampled),
        human::grouped(model.packets),
        human::grouped(model.bytes),
        human::duration(model.span)
    )?;
    writeln!(out, "generation:")?;
    writeln!(out, "  seed: {seed}")?;
    writeln!(out, "  max_flows: {}", model.records)?;
    writeln!(out, "  start_timestamp: {}", human::rfc3339(model.start))?;
    writeln!(out, "  rate:")?;
    writeln!(out, "    flows_per_second: {:.6}", model.flows_per_second())?;
    writeln!(out, "\ntraffic_patterns:")?;
    let shares: Vec<f64> = model.services.iter().map(|service| service.share).collect();
    for (service, percentage) in model.services.iter().zip(percentages(&shares)) {
        write_service(out, service, &percentage)?;
    }
    writeln!(out, "\nnetwork:")?;
    write_networks(out, "source", &model.clients)?;
    write_networks(out, "destination", &model.servers)?;
    writeln!(out, "\nrealism:")?;
    writeln!(out, "  sizes: services")?;
    if let Some(exponent) = exponent(model) {
        writeln!(out, "  host_exponent: {exponent:.3}")?;
    }
    if model.servers_own_ports {
        writeln!(out, "  service_affinity: true")?;
    }
    write_arrivals(out, &model.arrivals)?;
    if model.answered >= ANSWERED_MIN {
        writeln!(out, "  conversations:")?;
        writeln!(out, "    answered: {:.4}", model.answered.min(1.0))?;
        // Names that were looked up and connections that were refused are among what was learned.
        writeln!(out, "    refused: 0")?;
        writeln!(out, "    dns_before: 0")?;
        writeln!(out, "    correlation: {:.3}", model.correlation)?;
        writeln!(out, "    round_trip: {}", distribution(&model.answer_ms, 3))?;
        writeln!(out, "    think_time: {{constant: 0}}")?;
    }
    Ok(())
}

/// In hundredths of a thousandth, so that they sum to 100 exactly; the first takes what rounding leaves.
fn percentages(shares: &[f64]) -> Vec<String> {
    const UNIT: i64 = 100_000;
    let mut parts: Vec<i64> =
        shares.iter().map(|share| (share * 100.0 * UNIT as f64).round() as i64).collect();
    let left = 100 * UNIT - parts.iter().sum::<i64>();
    if let Some(first) = parts.first_mut() {
        *first += left;
    }
    parts.iter().map(|part| format!("{}.{:05}", part / UNIT, part % UNIT)).collect()
}

fn write_service(out: &mut String, service: &Service, percentage: &str) -> fmt::Result {
    writeln!(out, "  - type: service")?;
    writeln!(out, "    name: {}", service.name)?;
    writeln!(out, "    percentage: {percentage}")?;
    writeln!(out, "    protocol: {}", service.protocol)?;
    match service.ports {
        (0, 0) => {}
        (from, to) if from == to => writeln!(out, "    ports: [{from}]")?,
        (from, to) => writeln!(out, "    ports: [\"{}-{to}\"]", from.max(1))?,
    }
    write_direction(out, "    ", &service.request)?;
    // Gaps of the reply are those of the request: both last about as long.
    writeln!(out, "    gap_ms: {}", distribution(&service.request.gap_ms, 3))?;
    if let Some(reply) = &service.reply {
        writeln!(out, "    reply:")?;
        write_direction(out, "      ", reply)?;
    }
    Ok(())
}

fn write_direction(out: &mut String, indent: &str, direction: &Direction) -> fmt::Result {
    let Direction { packets, bytes_per_packet, .. } = direction;
    writeln!(out, "{indent}packets: {}", distribution(packets, 0))?;
    writeln!(out, "{indent}bytes_per_packet: {}", distribution(bytes_per_packet, 1))
}

/// In the form of the configuration, with so many decimals.
fn distribution(quantiles: &Quantiles, decimals: usize) -> String {
    let number = |value: &f64| {
        let text = format!("{value:.decimals$}");
        let text = if text.contains('.') { text.trim_end_matches('0') } else { &text };
        text.trim_end_matches('.').to_owned()
    };
    let piece = |values: &[f64]| match values {
        [one] => format!("constant: {}", number(one)),
        values => {
            let values: Vec<String> = values.iter().map(number).collect();
            format!("quantiles: [{}]", values.join(", "))
        }
    };
    match quantiles.pieces.as_slice() {
        [] => "{constant: 0}".to_owned(),
        [(_, values)] => format!("{{{}}}", piece(values)),
        pieces => {
            let pieces = pieces
                .iter()
                .map(|(share, values)| format!("{{weight: {share:.6}, {}}}", piece(values)));
            format!("{{mixture: [{}]}}", pieces.collect::<Vec<_>>().join(", "))
        }
    }
}

fn write_networks(out: &mut String, side: &str, networks: &Networks) -> fmt::Result {
    let subnets = networks.networks.iter().map(|n| format!("\"{}/{}\"", n.address, n.prefix));
    writeln!(out, "  {side}_subnets: [{}]", subnets.collect::<Vec<_>>().join(", "))?;
    let shares: Vec<f64> = networks.networks.iter().map(|network| network.share).collect();
    writeln!(out, "  {side}_weights: [{}]", percentages(&shares).join(", "))
}

/// One for both sides, as the generator has it. Servers that own their ports are few and follow no such law.
fn exponent(model: &FlowModel) -> Option<f64> {
    let servers = model.servers.exponent.filter(|_| !model.servers_own_ports);
    let told: Vec<f64> = model.clients.exponent.into_iter().chain(servers).collect();
    let mean = told.iter().sum::<f64>() / told.len().max(1) as f64;
    (!told.is_empty()).then(|| mean.clamp(EXPONENTS.0, EXPONENTS.1))
}

fn write_arrivals(out: &mut String, arrivals: &Arrivals) -> fmt::Result {
    match (arrivals.dispersion, arrivals.bias) {
        (Some(dispersion), _) if dispersion < CHANCE_MIN => {}
        (Some(dispersion), Some(bias)) if dispersion >= BURSTS_MIN => {
            writeln!(out, "  arrivals: bursty")?;
            writeln!(out, "  burst_bias: {:.3}", bias.clamp(BIASES.0, BIASES.1))?;
        }
        _ => writeln!(out, "  arrivals: poisson")?,
    }
    let Some(day) = &arrivals.day else { return Ok(()) };
    let most = day.iter().copied().fold(0.0, f64::max);
    let least = day.iter().copied().fold(f64::INFINITY, f64::min).max(most / 1000.0);
    let peak = day.iter().position(|hour| *hour >= most).unwrap_or(0);
    writeln!(out, "  diurnal: {{peak_hour: {peak}, multiplier: {:.3}}}", (most / least).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_sum_to_a_hundred() {
        let shares = [1.0 / 3.0; 3];
        assert_eq!(percentages(&shares), ["33.33334", "33.33333", "33.33333"]);
        assert_eq!(percentages(&[1.0]), ["100.00000"]);
    }

    #[test]
    fn distributions_are_written_as_short_as_they_are() {
        let one = Quantiles::of(vec![7.0; 9]);
        assert_eq!(distribution(&one, 1), "{constant: 7}");
        let two = Quantiles::of(vec![1.25, 2.0]);
        assert_eq!(distribution(&two, 1), "{quantiles: [1.2, 2]}");
        let tail = Quantiles::of((0..1000).map(f64::from).collect());
        let text = distribution(&tail, 0);
        assert!(text.starts_with("{mixture: [{weight: 0.938000, quantiles: [0, 29, "), "{text}");
    }
}
