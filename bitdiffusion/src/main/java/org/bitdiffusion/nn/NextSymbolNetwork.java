package org.bitdiffusion.nn;

import org.bitdiffusion.runtime.Noise;
import org.bytedeco.pytorch.Tensor;

/** A network that an autoregressive model learns sequences [B, L] with. */
public interface NextSymbolNetwork extends Network {
  /**
   * The logits of each symbol, given those before it.
   *
   * @param symbols [B, L] int64
   * @param condition what {@link #encode} gave, [B, ...]
   * @return [B, L, K] float32
   */
  Tensor logits(Tensor symbols, Tensor condition);

  /**
   * The same in training, with a gradient: dropout draws from the noise what it leaves out.
   *
   * @param noise of the batch, or null for no dropout; networks without it take no notice
   */
  default Tensor logits(Tensor symbols, Tensor condition, Noise noise) {
    return logits(symbols, condition);
  }

  /** How much the symbol that ends a sequence counts in the loss, beside 1 of each other one. */
  default double endWeight() {
    return 1;
  }

  /** Sequences that grow symbol by symbol. */
  Growing begin(Tensor condition);

  /** Sequences that grow symbol by symbol. Owns native memory: close it. */
  interface Growing extends AutoCloseable {
    /**
     * The logits of the next symbol.
     *
     * @param last symbols [B] int64 of the place before, or null at the beginning
     * @return [B, K] float32
     */
    Tensor next(Tensor last);

    /**
     * Goes on with some of the sequences: row i continues what row {@code rows[i]} was, which must
     * be of the same condition.
     *
     * @param rows [B] int64
     */
    void select(Tensor rows);

    @Override
    void close();
  }
}
