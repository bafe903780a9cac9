package org.bitdiffusion.training;

import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.bitdiffusion.Seed;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.runtime.Noise;

/**
 * The loss of examples that are not trained on, without dropout: where it rises while the
 * training's falls, the network learns its examples by heart. It is always of the same examples,
 * times and noise, and so has none of the noise that a batch's loss has from step to step. Owns the
 * source, and is of the weights of one run.
 */
public final class HeldOutLoss implements Measure {
  /** Its key in metrics.jsonl. */
  public static final String NAME = "held_out_loss";

  /** Examples at most, so that a large source costs no more than some steps. */
  public static final int MOST = 1024;

  private final DataSource source;

  /** Its examples, read ahead for the next time too; null before the first and after a failure. */
  private Batches batches;

  /**
   * @param source with the schema of the training's data, without random changes
   */
  public HeldOutLoss(DataSource source) {
    this.source = source;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String way(Model model) {
    var training = model.config().training();
    return "%s, %d examples, seed %d, %d at a time, in %s"
        .formatted(
            training.heldOut(),
            source.size(),
            training.seed(),
            training.partSize(),
            model.compute().precision());
  }

  @Override
  public double of(Model model, BooleanSupplier stopped) {
    var training = model.config().training();
    var examples = Math.min(MOST, source.size());
    var parts = (examples + training.partSize() - 1) / training.partSize();
    var size = examples / parts; // all alike, so that the mean over parts is that over examples
    var seed = Seed.of(training.seed(), RunConfig.HELD_OUT);
    var loss = 0.0;
    var weights = 0.0;
    if (batches == null) {
      batches = Batches.inCircle(source, size, seed, parts);
    }
    try {
      for (var part = 0; part < parts; part++) {
        if (stopped.getAsBoolean()) {
          throw new CancellationException("stopped");
        }
        var batch = batches.next();
        try (var noise = Noise.ofPart(seed, 0, part, model.compute().newDevice())) {
          var weight = model.weight(batch);
          loss += weight * model.loss(batch, noise);
          weights += weight;
        }
      }
    } catch (RuntimeException | Error e) {
      stopReading(); // in the middle
      throw e;
    }
    return loss / weights;
  }

  private void stopReading() {
    if (batches != null) {
      batches.close();
      batches = null;
    }
  }

  @Override
  public void close() {
    stopReading();
    source.close();
  }
}
