/** The training loop, which knows nothing of what is learned. */
package org.bitdiffusion.training;
