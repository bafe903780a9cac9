package org.bitdiffusion.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.modality.SampleFile;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.run.ConfigReader;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.storage.Checkpoints;
import org.bitdiffusion.storage.RunFolder;
import org.bitdiffusion.training.DryRun;
import org.bitdiffusion.training.Trainer;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "train",
    description = "Trains a model in a run folder.",
    footer = {
      "",
      "Example: ${COMMAND-FULL-NAME} --preset icons --out runs/icons",
      "         ${COMMAND-FULL-NAME} --preset cifar10-small --data images:photos,size=32 --out runs/photos",
      "         ${COMMAND-FULL-NAME} --from runs/photos --data images:cats,size=32 --out runs/cats"
    })
final class TrainCommand implements Callable<Integer> {
  /** In the picture at each checkpoint. */
  private static final int SAMPLES = 64;

  /** Of the training at its beginning, in which its speed is measured for --minutes, at most. */
  private static final double MEASURED_SECONDS = 30;

  private static final String STEPS = "training.steps";

  @Spec private CommandSpec spec;

  @ArgGroup(exclusive = true)
  private Base base;

  private static final class Base {
    @Option(
        names = "--preset",
        paramLabel = "NAME",
        completionCandidates = Names.Presets.class,
        description = "${COMPLETION-CANDIDATES}.")
    private String preset;

    @Option(names = "--config", paramLabel = "FILE", description = "A YAML file like a preset.")
    private Path config;
  }

  @Option(
      names = "--data",
      paramLabel = "SOURCE[:PATH][,key=value...]",
      description = "The data; see '${ROOT-COMMAND-NAME} data --help'. Otherwise the preset's.")
  private String data;

  @Option(names = "--out", required = true, paramLabel = "RUN", description = "The run folder.")
  private Path out;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Changes a setting, such as training.batch_size=32.")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Updates of the weights in all, with those before --resume.")
  private Long steps;

  @Option(
      names = "--minutes",
      paramLabel = "M",
      description =
          "As many updates as this machine makes in so many minutes, which the first ones tell, in"
              + " place of --steps. The pictures and measures at checkpoints take time besides.")
  private Double minutes;

  @Option(names = "--seed", paramLabel = "K", description = "Seed of weights, order and noise.")
  private Long seed;

  @Option(
      names = "--precision",
      paramLabel = "P",
      completionCandidates = Names.Precisions.class,
      description = "${COMPLETION-CANDIDATES} (default: the preset's training.precision).")
  private String precision;

  @Option(
      names = "--log-every",
      paramLabel = "N",
      description = "Steps between lines of metrics.jsonl.")
  private Integer logEvery;

  @Option(
      names = "--checkpoint-every",
      paramLabel = "N",
      description = "Steps between checkpoints, each with a picture of samples.")
  private Integer checkpointEvery;

  @Option(
      names = "--from",
      paramLabel = "RUN",
      description =
          "A run whose weights this one begins with, and whose configuration, unless --preset or"
              + " --config is given. Its newest checkpoint, or of --set training.from.checkpoint=best"
              + " the best; with --set training.from.partly=true what does not fit is random.")
  private Path from;

  @Option(
      names = "--held-out",
      paramLabel = "SOURCE|SHARE",
      description =
          "Data that is not trained on, or a share of the data such as 0.05 (1,024 examples at"
              + " most): its loss at each"
              + " checkpoint shows over-fitting, and says which checkpoint is the best.")
  private String heldOut;

  @Option(
      names = "--encoder-weights",
      paramLabel = "FILE",
      description =
          "Of a captioner: a safetensors file with the image encoder's weights to begin with; "
              + "--set network.encoder.frozen=true keeps them.")
  private Path encoderWeights;

  @Mixin private ThreadsOption threads;

  @Option(names = "--resume", description = "Continues the run of --out where it stopped.")
  private boolean resume;

  @Option(
      names = "--dry-run",
      description =
          "Takes a few steps, tells how many weights, how much memory and time the training takes and"
              + " how large a checkpoint is, and writes nothing.")
  private boolean dryRun;

  @Option(names = "--json", description = "Reports as JSON, with --dry-run.")
  private boolean json;

  @Option(names = "--skip-bad", description = "Leaves images out that cannot be read.")
  private boolean skipBad;

  @Override
  public Integer call() {
    var changes = changes();
    requireTime(changes);
    if (json && !dryRun) {
      throw new ConfigurationException("--json is for --dry-run; leave it out");
    }
    if (resume) {
      resume(changes);
    } else {
      start(changes);
    }
    return 0;
  }

  private void requireTime(Map<String, String> changes) {
    Pace.requireRight(minutes, changes.get(STEPS));
    if (minutes != null && (resume || dryRun)) {
      throw new ConfigurationException(
          "--minutes is for a new run; "
              + (resume ? "go on with --steps" : "--dry-run tells how long its steps take"));
    }
  }

  /** The settings of --set and of the options that stand for one. */
  private Map<String, String> changes() {
    var changes = new LinkedHashMap<>(settings);
    put(changes, "--steps", STEPS, steps);
    put(changes, "--seed", "training.seed", seed);
    put(changes, "--precision", "training.precision", precision);
    put(changes, "--log-every", "training.log_every", logEvery);
    put(changes, "--checkpoint-every", "training.checkpoint_every", checkpointEvery);
    put(changes, "--data", "data", data);
    put(changes, "--held-out", "training.held_out", heldOut);
    put(changes, "--from", "training.from.run", from);
    return changes;
  }

  /** Adds a setting that an option stands for, if it is given; it may not be given twice. */
  static void put(Map<String, String> changes, String option, String key, Object value) {
    if (value != null && changes.put(key, value.toString()) != null) {
      throw new ConfigurationException(
          "%s and --set %s are the same setting; give one of them".formatted(option, key));
    }
  }

  private void start(Map<String, String> changes) {
    if (base == null && from == null) {
      throw new ConfigurationException(
          "train needs --preset or --config, or --from the run that it begins with");
    }
    if (encoderWeights != null) {
      put(changes, "--encoder-weights", "network.encoder.weights", encoderWeights);
    }
    var config = withSkipBad(read(changes));
    requireNoRun();
    RunFolder.requireFree(out); // before data is read, which may take minutes
    Target.requireWritable(out);
    threads.apply();
    if (dryRun) {
      try (var source = Run.data(config)) {
        print(Run.dryRun(config, source, out, SAMPLES), config);
      }
      return;
    }
    try (var source = Run.data(config)) {
      tellOrigin(config, changes);
      if (minutes == null) {
        try (var trainer = Run.start(config, source, out, new Console(source))) {
          train(trainer, source);
        }
      } else {
        trainForAWhile(config, source);
      }
    }
  }

  /** Measures, and then trains for what is left of the time. */
  private void trainForAWhile(RunConfig config, DataSource source) {
    var pace = new Pace(spec.commandLine().getErr(), config.training(), MEASURED_SECONDS);
    try (var trainer = Run.start(config, source, out, pace)) {
      UntilStopped.train(trainer, () -> {});
    }
    if (!pace.hasStopped()) {
      return; // by the end of the process
    }
    var run = Run.open(out);
    var left = 60 * minutes - pace.spent() - pace.afterTraining(config);
    var steps = pace.steps(Pace.SAFE * Math.max(0, left));
    spec.commandLine()
        .getOut()
        .printf(Locale.ROOT, "%.3g s a step: %,d steps in all%n", pace.seconds(), steps);
    try (var trainer =
        run.resume(run.config(Map.of(STEPS, Long.toString(steps))), source, new Console(source))) {
      train(trainer, source);
    }
  }

  private void requireNoRun() {
    if (RunFolder.isThere(out)) {
      throw new ConfigurationException(
          "--out: the run %s is there already; name another folder%s, or go on with it: %s --resume --out %s"
              .formatted(out, dryRun ? " to try this" : "", spec.qualifiedName(), out));
    }
  }

  /** What the other run brings along is named where it is not looked for: how to measure, say. */
  private void tellOrigin(RunConfig config, Map<String, String> changes) {
    var origin = config.training().from();
    if (origin.run().isEmpty()) {
      return;
    }
    var writer = spec.commandLine().getOut();
    var checkpoint =
        RunFolder.open(Path.of(origin.run())).checkpoints().require(origin.checkpoint());
    writer.printf("begins with %s of %s%n", checkpoint.getFileName(), origin.run());
    var measured = config.training().measure().name();
    var heldOut = config.training().heldOut();
    if (base == null && !heldOut.isEmpty() && !changes.containsKey("training.held_out")) {
      writer.printf("holds out as it did: --held-out %s%n", heldOut);
    }
    if (base == null && !measured.isEmpty() && !changes.containsKey("training.measure.name")) {
      writer.printf("measures as it did: --set training.measure.name=%s%n", measured);
    }
  }

  private void print(DryRun told, RunConfig config) {
    var writer = spec.commandLine().getOut();
    var activations = told.activationBytes();
    var every = config.training().checkpointEvery();
    var checkpoints = told.steps() / every + (told.steps() % every == 0 ? 0 : 1);
    if (json) {
      var report = new LinkedHashMap<String, Object>();
      report.put("weights", told.weights());
      report.put("state_bytes", told.stateBytes());
      activations.ifPresent(bytes -> report.put("activation_bytes", bytes));
      report.put("seconds_per_step", told.secondsPerStep());
      report.put("steps", told.steps());
      report.put("seconds", told.seconds());
      report.put("seconds_per_preview", told.secondsPerPreview());
      report.put("checkpoints", checkpoints);
      report.put("checkpoint_bytes", told.checkpointBytes());
      writer.println(Json.line(report));
      return;
    }
    writer.printf(Locale.ROOT, "%,d weights%n", told.weights());
    writer.printf(
        Locale.ROOT,
        "%,.1f MB for weights, gradients, moments and average (computed)%n",
        told.stateBytes() / 1e6);
    if (activations.isPresent()) {
      writer.printf(
          Locale.ROOT,
          "%,.1f MB more in a step (measured: how far the process grew)%n",
          activations.getAsLong() / 1e6);
    } else {
      writer.println("what a step needs more is not measured on this device or system");
    }
    writer.printf(
        Locale.ROOT,
        "%.3f s a step of %d examples (measured), so %s for %d steps%n",
        told.secondsPerStep(),
        config.training().batchSize(),
        duration(told.seconds()),
        told.steps());
    writer.printf(
        Locale.ROOT,
        "%.1f s for %d samples to look at (from two steps of them), so %s for those of %d checkpoints,"
            + " besides what is measured at them%n",
        told.secondsPerPreview(),
        SAMPLES,
        duration(told.secondsPerPreview() * checkpoints),
        checkpoints);
    writer.printf(
        Locale.ROOT,
        "%,.1f MB for a checkpoint, of which the newest %d and the best are kept (computed)%n",
        told.checkpointBytes() / 1e6,
        config.training().keepCheckpoints());
  }

  private static String duration(double seconds) {
    return seconds < 120
        ? String.format(Locale.ROOT, "%.1f seconds", seconds)
        : seconds < 7200
            ? String.format(Locale.ROOT, "%.1f minutes", seconds / 60)
            : String.format(Locale.ROOT, "%.1f hours", seconds / 3600);
  }

  private RunConfig read(Map<String, String> changes) {
    if (base == null) {
      var all = new LinkedHashMap<>(changes);
      all.putIfAbsent("training.from.checkpoint", Checkpoints.NEWEST); // its own are of its origin
      all.putIfAbsent("training.from.partly", "false");
      return Flags.naming("--from", () -> Run.open(from))
          .config(all)
          .withSchema(null); // the data may be another
    }
    return base.preset != null
        ? ConfigReader.preset(base.preset, changes)
        : ConfigReader.file(base.config, changes);
  }

  private void resume(Map<String, String> changes) {
    if (base != null) {
      throw new ConfigurationException(
          "--resume takes the configuration of the run; leave --preset and --config out");
    }
    if (dryRun) {
      throw new ConfigurationException(
          "--dry-run is of a new run; leave --resume out, and name a folder that is none yet");
    }
    if (from != null) {
      throw new ConfigurationException(
          "--resume goes on with the weights of the run; leave --from out");
    }
    if (encoderWeights != null) {
      throw new ConfigurationException(
          "--resume goes on with the encoder of the run; leave --encoder-weights out");
    }
    var run = Run.open(out);
    var config = withSkipBad(run.config(changes));
    var before = run.config().data();
    if (!config.data().equals(before)) {
      spec.commandLine().getOut().printf("the data changes from %s to %s%n", before, config.data());
    }
    threads.apply();
    try (var source = run.modality().open(config, Optional.of(out));
        var trainer = run.resume(config, source, new Console(source))) {
      spec.commandLine().getOut().printf("continues after step %d%n", trainer.done());
      train(trainer, source);
    }
  }

  /** --skip-bad becomes part of the run, which would not find the same images without it. */
  private RunConfig withSkipBad(RunConfig config) {
    return skipBad
        ? config.withData(DataSpec.parse(config.data()).with("skip_bad", "true").toString())
        : config;
  }

  private void train(Trainer trainer, DataSource source) {
    var out = spec.commandLine().getOut();
    out.printf(
        Locale.ROOT,
        "%s, %d examples; %,d weights; %s (%s), %d threads%n",
        source.name(),
        source.size(),
        trainer.parameters(),
        trainer.compute().precision(),
        trainer.compute().reason(),
        Engine.threads());
    if (!source.warning().isEmpty()) {
      out.println("warning: " + source.warning());
    }
    var training = trainer.config().training();
    if (trainer.done() < training.steps() && training.steps() < training.warmupSteps()) {
      out.printf(
          Locale.ROOT,
          "warning: training.warmup_steps is %d, but there are %d steps: the learning rate rises to"
              + " %.2g only, and not to %.2g%n",
          training.warmupSteps(),
          training.steps(),
          trainer.config().learningRate(training.steps()),
          training.learningRate());
    }
    var before = trainer.done();
    UntilStopped.train(
        trainer,
        () -> {
          if (trainer.done() == before) {
            out.printf(
                "nothing was trained: %d steps are done already, training.steps is %d; --steps sets"
                    + " more%n",
                before, trainer.config().training().steps());
          } else {
            out.printf("step %d is saved in %s%n", trainer.done(), trainer.folder().path());
            trainer
                .folder()
                .checkpoints()
                .best()
                .ifPresent(
                    best ->
                        out.printf(
                            Locale.ROOT,
                            "the best checkpoint is of step %d: %s %.5g%n",
                            best.step(),
                            best.measure(),
                            best.value()));
            if (trainer.done() < trainer.config().training().steps()) {
              out.printf(
                  "to go on: %s --resume --out %s%n",
                  spec.qualifiedName(), trainer.folder().path());
            }
          }
        });
  }

  /** Shows progress, and paints the loss and some samples at each checkpoint. */
  private final class Console extends TrainingProgress {
    private final DataSource source;
    private final Pictures pictures;

    Console(DataSource source) {
      super(spec.commandLine().getErr());
      this.source = source;
      pictures = new Pictures(spec.commandLine().getErr());
    }

    @Override
    public void onStart(Trainer trainer) {
      pictures.paint(Charts::rehearse);
      super.onStart(trainer);
    }

    @Override
    public void onCheckpoint(long step, Model model, BooleanSupplier stopped) {
      if (stopped.getAsBoolean()) {
        return;
      }
      pictures.paint(() -> Charts.loss(out.resolve("loss.png"), RunFolder.open(out).history()));
      say("step " + step + " is saved; draws samples");
      try {
        pictures.paint(() -> draw(step, model, stopped));
      } catch (CancellationException e) {
        // who stops a run wants to leave, not to see samples
      }
    }

    /** Draws no more at a time than a step of the training has room for. */
    private void draw(long step, Model model, BooleanSupplier stopped) {
      var config = model.config();
      var space = config.schema().space();
      try (var renderer = Modality.of(config).renderer(config, out)) {
        var name = String.format(Locale.ROOT, "step-%08d%s", step, renderer.endings().get(0));
        var samples = RunFolder.open(out).samples().resolve(name);
        var target = new SampleFile(samples, renderer, space, SAMPLES);
        var drawn = new AtomicInteger();
        model.sampleAll(
            Run.preview(config, source, SAMPLES),
            config.training().partSize(),
            at -> {
              meanwhile(
                  "step %d is saved; %d of %d samples are drawn, the next are at step %d"
                      .formatted(step, drawn.get(), SAMPLES, at.index() + 1));
              return !stopped.getAsBoolean();
            },
            more -> {
              target.add(more);
              drawn.addAndGet(more.count());
            });
        target.finish();
      }
    }
  }
}
