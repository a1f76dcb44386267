//! Models that are kept elsewhere: fetched from real servers, and from servers that fail.

mod bucket;
mod environment;
mod faults;
mod https;
mod logs;
mod model;
mod python;
mod s3;
mod saving;
mod server;
mod staging;
