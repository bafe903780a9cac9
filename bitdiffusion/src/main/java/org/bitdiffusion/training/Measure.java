package org.bitdiffusion.training;

import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.bitdiffusion.model.Model;

/**
 * A number that tells at each checkpoint how good the weights' moving average is. It must not
 * disturb the training: what it draws comes from noise of its own.
 */
public interface Measure extends AutoCloseable {
  /** Its key in metrics.jsonl. */
  String name();

  /**
   * Looks at what it compares with, which may take long and write files: before the first step.
   *
   * @throws org.bitdiffusion.DataException if something cannot be read or written
   */
  default void look() {}

  /** Whether of two checkpoints the one with the larger number is better; a loss is not so. */
  default boolean higherIsBetter() {
    return false;
  }

  /**
   * All that its numbers depend on besides the weights, for people: where a run that is resumed has
   * another, its numbers do not compare with those before.
   *
   * @param model of the run, with its configuration and precision as it is trained now
   */
  default String way(Model model) {
    return "";
  }

  /**
   * Measures; the same number for the same weights.
   *
   * @param model whose weights are the average, during the call
   * @param stopped whether the training is to end; long work may then end without a number
   * @throws CancellationException if it did
   * @throws org.bitdiffusion.DataException if it cannot be measured
   */
  double of(Model model, BooleanSupplier stopped);

  /** Frees what it owns. */
  @Override
  default void close() {}
}
