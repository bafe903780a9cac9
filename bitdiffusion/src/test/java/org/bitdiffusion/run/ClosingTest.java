package org.bitdiffusion.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.pytorch.global.torch.rand;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Batch;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.modality.caption.Pairs;
import org.bitdiffusion.modality.image.ClassifierFeatures;
import org.bitdiffusion.modality.image.SmallClassifier;
import org.bitdiffusion.model.AutoregressiveModel;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.nn.DenoisingNetwork;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.OneThread;
import org.bitdiffusion.sampling.BeamSearch;
import org.bitdiffusion.sampling.SampleNoise;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.storage.Metrics;
import org.bitdiffusion.storage.RunFolder;
import org.bitdiffusion.text.Tokenizer;
import org.bitdiffusion.training.Adam;
import org.bitdiffusion.training.Trainer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What owns native memory is closed while other threads use it, twice, and used afterwards. */
@ExtendWith(OneThread.class)
@Timeout(300)
class ClosingTest {
  private static final int TRIES = 20;
  private static DataSource icons;

  @TempDir private static Path shared;
  @TempDir private Path folder;

  @BeforeAll
  static void open() {
    icons = Run.data(config());
    try (var network = new SmallClassifier(3, Compute.PLAIN, 0)) {
      ClassifierFeatures.save(shared.resolve("classifier"), network, new Pairs(1));
    }
  }

  @AfterAll
  static void close() {
    icons.close();
  }

  private static RunConfig config(String... changes) {
    return Configs.smallUNet(
        Map.of("data", "icons,size=8,levels=4,subset=16", "training.batch_size", "4"), changes);
  }

  private static Model unet() {
    return Model.create(config().forData(icons), Compute.PLAIN);
  }

  private static Model captioner() {
    var config = Pairs.config("autoregressive");
    try (var data = Pairs.data(1)) {
      return Model.create(config.forData(data), Compute.PLAIN);
    }
  }

  private static SampleRequest request(int steps) {
    return SampleRequest.of(SamplerConfig.DEFAULT.withSteps(steps), 0, 4, Given.NONE);
  }

  private static Device cpu() {
    return new Device(torch.DeviceType.CPU);
  }

  /** Something to be closed, and what is called of it meanwhile. */
  private record Case<T extends AutoCloseable>(String name, Supplier<T> open, Consumer<T> call) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Case<?>> owners() {
    return Stream.of(
        new Case<>("samples", ClosingTest::unet, m -> m.sample(request(3), step -> true)),
        new Case<>("many samples", ClosingTest::unet, m -> m.sampleAll(request(2), 1)),
        new Case<>("loss", ClosingTest::unet, m -> loss(m, false)),
        new Case<>("gradient", ClosingTest::unet, m -> loss(m, true)),
        new Case<>("beams", ClosingTest::captioner, ClosingTest::search),
        new Case<>("network", () -> unet().network(), n -> forward((DenoisingNetwork) n)),
        new Case<>(
            "optimizer",
            () -> new Adam(unet().network().parameters(), 0.9, 0.99, 1e-8, 0),
            adam -> adam.step(1, 1e-3)),
        new Case<>(
            "features",
            () -> ClassifierFeatures.load(shared.resolve("classifier"), "float32"),
            features -> features.of(new byte[3 * 64], 8, 8)),
        new Case<>(
            "noise of a batch", () -> new Noise.OfBatch(0, cpu()), n -> inScope(n::permutation)),
        new Case<>(
            "noise of samples",
            () -> new SampleNoise(0, 0, 4, new long[] {500}, cpu()),
            n -> inScope(any -> n.normal(4, 500))),
        new Case<>(
            "tokenizer", ClosingTest::tokenizer, t -> t.decode(t.encode("a dog", 5).ids(), 0, 5)));
  }

  private static Tokenizer tokenizer() {
    try {
      return Tokenizer.load(Path.of(Tokenizer.class.getResource("unigram.json").toURI()));
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private static void inScope(LongConsumer draw) {
    try (var scope = new PointerScope()) {
      draw.accept(2000);
    }
  }

  private static void loss(Model model, boolean gradient) {
    try (var noise = model.noise(1, 0)) {
      var batch = Batch.of(icons, 0, 1, 2, 3);
      if (gradient) {
        model.backward(batch, 1, noise);
      } else {
        model.loss(batch, noise);
      }
    }
  }

  private static void search(Model model) {
    ((AutoregressiveModel) model).search(new BeamSearch(2, 0), Pairs.images(), Pairs.COUNT);
  }

  private static void forward(DenoisingNetwork network) {
    try (var scope = new PointerScope()) {
      var x = rand(4, 2, 8, 8);
      network.forward(x, x, rand(4), null);
    }
  }

  @ParameterizedTest
  @MethodSource("owners")
  <T extends AutoCloseable> void closingWhileAnotherThreadCalls(Case<T> one) throws Exception {
    for (var i = 0; i < TRIES; i++) {
      var owner = one.open().get();
      var calls = new AtomicInteger();
      var end = new AtomicReference<Throwable>();
      var user =
          new Thread(
              () -> {
                try {
                  for (; ; calls.incrementAndGet()) {
                    one.call().accept(owner);
                  }
                } catch (Throwable e) {
                  end.set(e);
                }
              });
      user.start();
      while (calls.get() == 0 && user.isAlive()) {
        Thread.onSpinWait();
      }
      Thread.sleep(ThreadLocalRandom.current().nextInt(10));
      owner.close();
      owner.close();
      user.join();
      assertThat(end.get()) // a CancellationException is one too
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
      assertThatThrownBy(() -> one.call().accept(owner))
          .isExactlyInstanceOf(IllegalStateException.class)
          .hasMessageEndingWith(" is closed");
    }
  }

  /** A sampling of an hour is not waited for. */
  @Test
  void closingStopsASamplingAtItsNextStep() throws Exception {
    var model = unet();
    var steps = new AtomicInteger();
    var end = new AtomicReference<Throwable>();
    var user =
        new Thread(
            () -> {
              try {
                model.sample(request(1_000_000), step -> steps.incrementAndGet() > 0);
              } catch (CancellationException e) {
                end.set(e);
              }
            });
    user.start();
    while (steps.get() < 3) {
      Thread.onSpinWait();
    }
    model.close();
    user.join();
    assertThat(end.get()).hasMessageContaining("the model is being closed");
  }

  @Test
  void aModelIsNotClosedFromInsideItsOwnCalls() {
    try (var model = unet()) {
      Sampler.Listener closing =
          step -> {
            model.close();
            return true;
          };
      assertThatThrownBy(() -> model.sample(request(2), closing))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("the model cannot be closed from inside");
      assertThatThrownBy(
              () -> model.sampleAll(request(2), 1, step -> true, samples -> model.close()))
          .hasMessageContaining("the model cannot be closed from inside");
      // A listener may sample, though, and all is as before.
      var inside = new AtomicInteger();
      model.sample(
          request(2),
          step -> inside.addAndGet(model.sample(request(1), Sampler.Listener.NONE).count()) > 0);
      assertThat(inside).hasValue(8);
    }
  }

  /** It is stopped, and has saved what it learned. */
  @Test
  void closingATrainerStopsTheTrainingOfAnotherThread() throws Exception {
    for (var i = 0; i < 8; i++) {
      var run = folder.resolve("run" + i);
      var logged = new AtomicInteger();
      var listener =
          new Trainer.Listener() {
            @Override
            public void onLog(Metrics metrics) {
              logged.incrementAndGet();
            }
          };
      var trainer = Run.start(endless(), icons, run, listener);
      var end = new AtomicReference<Throwable>();
      var user = thread(trainer::run, end);
      while (logged.get() == 0) {
        Thread.onSpinWait();
      }
      assertThatThrownBy(trainer::run).hasMessage("the trainer runs already");
      Thread.sleep(ThreadLocalRandom.current().nextInt(20));
      trainer.close();
      trainer.close();
      user.join();
      assertThat(end.get()).isNull();
      assertThat(RunFolder.open(run).checkpoints().done()).isEqualTo(trainer.done()).isPositive();
      assertThatThrownBy(trainer::run)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the trainer is closed");
    }
  }

  private static RunConfig endless() {
    return config(
        "training.steps=1000000", "training.log_every=1", "training.checkpoint_every=1000000");
  }

  private static Thread thread(Runnable body, AtomicReference<Throwable> end) {
    var thread =
        new Thread(
            () -> {
              try {
                body.run();
              } catch (Throwable e) {
                end.set(e);
              }
            });
    thread.start();
    return thread;
  }

  @Test
  void aTrainerAndItsModelAreNotClosedByAListener() {
    var tried = new AtomicInteger();
    var trainers = new AtomicReference<Trainer>();
    var listener =
        new Trainer.Listener() {
          @Override
          public void onCheckpoint(long step, Model model, BooleanSupplier stopped) {
            for (var owner : List.of(trainers.get(), model, model.network())) {
              assertThatThrownBy(owner::close)
                  .isInstanceOf(IllegalStateException.class)
                  .hasMessageContaining("cannot be closed from inside one of its own calls");
              tried.incrementAndGet();
            }
            assertThat(model.sample(request(2), Sampler.Listener.NONE).count()).isEqualTo(4);
          }
        };
    var config = config("training.steps=2");
    try (var trainer = Run.start(config, icons, folder.resolve("run"), listener)) {
      trainers.set(trainer);
      trainer.run();
      assertThat(trainer.done()).isEqualTo(2);
    }
    assertThat(tried).hasValue(3);
  }

  /** As a program might that has kept the model which a listener was lent. */
  @Test
  void whoClosesTheLentModelEndsTheTraining() throws Exception {
    var models = new AtomicReference<Model>();
    var listener =
        new Trainer.Listener() {
          @Override
          public void onCheckpoint(long step, Model model, BooleanSupplier stopped) {
            models.set(model);
          }
        };
    var config = config("training.steps=1000000", "training.checkpoint_every=2");
    try (var trainer = Run.start(config, icons, folder.resolve("run"), listener)) {
      var end = new AtomicReference<Throwable>();
      var user = thread(trainer::run, end);
      while (models.get() == null) {
        Thread.onSpinWait();
      }
      models.get().close();
      user.join();
      assertThat(end.get())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("is closed");
    }
  }
}
