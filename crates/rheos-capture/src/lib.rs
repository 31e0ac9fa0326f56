//! Capture files in and out: pcap and pcapng, compressed or not, folders and standard input.
