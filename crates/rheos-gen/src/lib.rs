//! Made traffic: seeded packets of whole conversations, with faults on request.
