package org.bitdiffusion.nn;

/** The size of a network. */
public sealed interface NetworkConfig permits UNetConfig, CaptionerConfig {}
