/** A run on disk: its folder and lock, checkpoints, metrics, and how each stretch was computed. */
package org.bitdiffusion.storage;
