//! Packages, units, load balancer and image, each as an operator meets them.

mod debian;
mod hang;
mod haproxy;
mod image;
mod units;
