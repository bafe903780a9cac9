package org.bitdiffusion.nn;

import java.util.List;

/** Weights that can be trained, and what is computed with them. Closing it frees the weights. */
public interface Network extends AutoCloseable {
  /** The weights, in float32. */
  Parameters parameters();

  /** The convolutions that it computes, to be checked on a machine. */
  List<ConvolutionCheck.Shape> convolutions();

  @Override
  default void close() {
    parameters().close();
  }
}
