//! Services of things: MQTT.

use rheos_wire::service::mqtt::kind_name;

use super::{bytes, column};
use crate::column::{Column, Identity, Kind};
use crate::dissect::Dissection;
use crate::row::RowBuffer;

use Kind::{Bool, Str, U8, U16, U32};

const NOT_MQTT: &str = "no MQTT was found";
const NO_CONNECT: &str = "no whole CONNECT was found";

pub(super) const COLUMNS: &[Column] = &[
    column("mqtt_version", U8, "", "protocol level of the CONNECT: 3 for MQTT 3.1, 4 for 3.1.1, 5")
        .null(NO_CONNECT),
    column(
        "mqtt_client_id",
        Str,
        "",
        "the client's name, empty if the server is to give one; at most 255 bytes",
    )
    .identity(Identity::Name)
    .null(NO_CONNECT),
    column(
        "mqtt_keep_alive",
        U16,
        "s",
        "longest time between packets that the client promises; 0 for none",
    )
    .null(NO_CONNECT),
    column("mqtt_with_user", Bool, "", "the CONNECT carries a user's name").null(NO_CONNECT),
    column("mqtt_connect_code", U8, "", "code of the first CONNACK: 0 where the server accepts")
        .null("no CONNACK was found"),
    column(
        "mqtt_packet_types",
        Str,
        "",
        "distinct types of control packets in order of their first appearance, joined by `,`",
    )
    .null(NOT_MQTT),
    column("mqtt_packets", U32, "count", "control packets").null(NOT_MQTT),
];

pub(super) fn write(read: Option<&Dissection>, row: &mut RowBuffer) {
    let mqtt = read.and_then(Dissection::mqtt);
    let connect = mqtt.and_then(|mqtt| mqtt.connect.as_ref());
    row.u8("mqtt_version", connect.map(|connect| connect.level));
    bytes(row, "mqtt_client_id", connect.map(|connect| &*connect.client_id));
    row.u16("mqtt_keep_alive", connect.map(|connect| connect.keep_alive_s));
    row.bool("mqtt_with_user", connect.map(|connect| connect.with_user));
    row.u8("mqtt_connect_code", mqtt.and_then(|mqtt| mqtt.code));
    row.text("mqtt_packet_types", |out| {
        mqtt.is_some_and(|mqtt| mqtt.kinds.push_names(out, kind_name))
    });
    row.u32("mqtt_packets", mqtt.map(|mqtt| mqtt.packets));
}
