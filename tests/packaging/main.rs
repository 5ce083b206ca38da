//! Packages, units, load balancer and image, each as an operator meets them.
#![expect(clippy::print_stdout, reason = "figures that whoever runs the tests wants to see")]

mod compose;
mod debian;
mod engine;
mod hang;
mod haproxy;
mod image;
mod units;
