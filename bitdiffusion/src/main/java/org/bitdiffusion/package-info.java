/** Bit Diffusion: generative models of discrete data through analog bits (arXiv 2208.04202). */
package org.bitdiffusion;
