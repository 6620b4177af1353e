//! Texts and objects into records. Nothing here fails as a whole: what is not there stays absent.

pub mod agent_status;
pub mod clock;
pub mod log_line;
pub mod metrics;
pub mod metrics_text;
pub mod modules;
pub mod node;
pub mod node_config;
pub mod objects;
pub mod peers;
pub mod quantity;
pub mod reverse_path;
pub mod shared;
pub mod sources;
pub mod started_with;
pub mod status_text;
