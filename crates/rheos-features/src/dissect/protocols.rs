//! The list of protocols that are read beyond their detection, as one enum.

/// Makes the modules, [`Protocol`] and the accessors of [`super::Dissection`] from one line per protocol:
/// `module: Type,`. Where detectors are equally sure, the upper line holds.
macro_rules! protocols {
    ($($module:ident: $kind:ident,)+) => {
        $(pub mod $module;)+

        /// What reads a flow.
        #[derive(Debug)]
        pub(crate) enum Protocol {
            $(
                #[doc = concat!("See [`", stringify!($module), "`].")]
                $kind(Box<$module::$kind>),
            )+
        }

        impl Protocol {
            /// The dissector of a protocol, if it has one.
            fn begin(start: &Start) -> Option<Self> {
                $(if <$module::$kind as Detect>::APPS.contains(&start.app) {
                    return Some(Self::$kind(Box::new(<$module::$kind as Detect>::begin(start))));
                })+
                None
            }

            /// What every detector says of a TCP connection.
            fn judge_stream(sides: &Sides<'_>, mut say: impl FnMut(Verdict)) {
                $(say(<$module::$kind as Detect>::detect_stream(sides));)+
            }

            /// What every detector says of a datagram.
            fn judge_datagram(opening: &Opening<'_>, mut say: impl FnMut(Verdict)) {
                $(say(<$module::$kind as Detect>::detect_datagram(opening));)+
            }

            fn dissector(&self) -> &dyn Dissector {
                match self { $(Self::$kind(it) => &**it,)+ }
            }

            fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
                match self { $(Self::$kind(it) => it.on_stream(chunk),)+ }
            }

            fn on_datagram(&mut self, datagram: Datagram<'_>) -> Wants {
                match self { $(Self::$kind(it) => it.on_datagram(datagram),)+ }
            }

            fn drop_waiting(&mut self) {
                match self { $(Self::$kind(it) => it.drop_waiting(),)+ }
            }

            fn on_end(&mut self) {
                match self { $(Self::$kind(it) => it.on_end(),)+ }
            }

            /// The value and what it holds, in bytes.
            fn memory_bytes(&self) -> usize {
                match self { $(Self::$kind(it) => size_of_val(&**it) + it.heap_bytes(),)+ }
            }
        }

        impl Dissection {
            $(
                #[doc = concat!("What [`", stringify!($module), "`] read, if it read anything.")]
                pub fn $module(&self) -> Option<&$module::$kind> {
                    self.layers().iter().find_map(|layer| match &layer.protocol {
                        Some(Protocol::$kind(it)) => Some(&**it),
                        _ => None,
                    })
                }
            )+
        }
    };
}
