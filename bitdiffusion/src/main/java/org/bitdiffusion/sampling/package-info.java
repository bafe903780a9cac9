/**
 * From noise to analog bits (arXiv 2208.04202, algorithm 2), by one of several {@link
 * org.bitdiffusion.sampling.Solver}s; and the search of autoregressive models.
 */
package org.bitdiffusion.sampling;
