package org.bitdiffusion.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.modality.image.ImageSources;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.nn.unet.UNetTest;
import org.bitdiffusion.run.Configs;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.OneThread;
import org.bytedeco.pytorch.NoGradGuard;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OneThread.class)
class HeldOutLossTest {
  private static Model model(DataSource source, String... changes) {
    RunConfig config = Configs.smallUNet(Map.of("training.batch_size", "4"), changes);
    return Model.create(config.forData(source), Compute.PLAIN);
  }

  private static double loss(DataSource source, Model model) {
    try (var measure = new HeldOutLoss(source)) {
      return measure.of(model, () -> false);
    }
  }

  /** Notes who reads. */
  private record Watched(DataSource source, Set<Thread> readers) implements DataSource {
    @Override
    public String name() {
      return source.name();
    }

    @Override
    public Schema schema() {
      return source.schema();
    }

    @Override
    public int size() {
      return source.size();
    }

    @Override
    public void read(int index, int[] target, int offset) {
      readers.add(Thread.currentThread());
      source.read(index, target, offset);
    }
  }

  /** A training measures hundreds of times. */
  @Test
  void theSameThreadsReadTheSameExamplesEachTime() throws InterruptedException {
    var readers = ConcurrentHashMap.<Thread>newKeySet();
    try (var source = ImageSources.open(DataSpec.parse("icons,size=8,subset=12"));
        var model = model(source);
        var measure = new HeldOutLoss(new Watched(source, readers))) {
      UNetTest.startAwayFromZero(model.network().parameters());
      var first = measure.of(model, () -> false);
      for (var i = 0; i < 6; i++) {
        assertThat(measure.of(model, () -> false)).isEqualTo(first);
      }
      assertThat(readers).hasSizeLessThanOrEqualTo(4);
      var asked = new AtomicInteger();
      assertThatThrownBy(() -> measure.of(model, () -> asked.incrementAndGet() == 2))
          .isInstanceOf(CancellationException.class);
      assertThat(measure.of(model, () -> false)).isEqualTo(first);
      measure.close();
      for (var reader : readers) {
        reader.join(10_000);
        assertThat(reader.isAlive()).isFalse();
      }
    }
  }

  /**
   * A network of zeros estimates 0, so that the loss is the mean square of the data: of all of it,
   * each example once. Grey of 4 levels as real numbers is -1, -1/3, 1/3 or 1.
   */
  @Test
  void ofANetworkOfZerosItIsTheMeanSquareOfTheData() {
    try (var source = ImageSources.open(DataSpec.parse("icons,size=8,levels=4,subset=12"));
        var model = model(source, "codec.encoding=continuous", "codec.scale=1");
        var noGrad = new NoGradGuard()) {
      model.network().parameters().values().zero_();
      var sum = 0.0;
      var symbols = new int[64];
      for (var i = 0; i < 12; i++) {
        source.read(i, symbols, 0);
        for (var symbol : symbols) {
          sum += Math.pow(2 * symbol / 3.0 - 1, 2);
        }
      }
      assertThat(loss(source, model)).isCloseTo(sum / (12 * 64), within(1e-6));
    }
  }

  /** Dropout and the noise of steps leave it alone; the weights do not. */
  @Test
  void itIsOfTheWeightsAlone() {
    try (var source = ImageSources.open(DataSpec.parse("icons,size=8,subset=9"));
        var plain = model(source);
        var model = model(source, "network.dropout=0.5");
        var other = model(source, "training.seed=1")) {
      UNetTest.startAwayFromZero(plain.network().parameters());
      try (var noGrad = new NoGradGuard()) {
        model.network().parameters().values().copy_(plain.network().parameters().values());
      }
      var first = loss(source, model);
      assertThat(loss(source, model)).isEqualTo(first).isEqualTo(loss(source, plain));
      assertThat(loss(source, other)).isNotEqualTo(first);
    }
  }
}
