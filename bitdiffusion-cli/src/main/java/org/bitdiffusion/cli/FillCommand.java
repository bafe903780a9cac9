package org.bitdiffusion.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.DataSpec;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.modality.table.Gaps;
import org.bitdiffusion.modality.table.TableRenderer;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.run.Run;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "fill",
    description =
        "Fills what is missing in a file of rows, by a run of a table: each gap is drawn given the other fields of its row."
            + " All else of the file stays as it is.",
    footer = {
      "",
      "Example: ${COMMAND-FULL-NAME} --run runs/people --in gaps.csv --out filled.csv",
      "         ${COMMAND-FULL-NAME} --run runs/people --in gaps.csv --out filled.csv --draws 5"
    })
final class FillCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--run",
      required = true,
      paramLabel = "RUN",
      description = "The run folder, of a table.")
  private Path run;

  @Option(
      names = "--in",
      required = true,
      paramLabel = "FILE[,key=value...]",
      description =
          "The rows, a file as --data table: takes it, with separator=, charset=, header=no, missing=A+B. Values that the run"
              + " does not have: unseen=stop (usual), missing (taken for unknown), nearest (of numbers), skip (such rows stay"
              + " as they are).")
  private String in;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE",
      description = "The file with its gaps filled, packed if its name ends in .gz or .xz.")
  private Path out;

  @Option(
      names = "--draws",
      paramLabel = "N",
      description =
          "Several fillings, in files with numbers: what differs between them is not known from the row (default 1).")
  private Integer draws;

  @Option(
      names = "--expected",
      description =
          "What the network expects at once, drawing nothing: of numbers the mean, as the nearest value of the column, else the"
              + " likeliest value. Near to the truth field by field, but rows have less variety than real ones. With --draws 20,"
              + " what these have in common: it takes longer, and is nearer where columns determine each other.")
  private boolean expected;

  @Option(
      names = "--empty-only",
      description = "Fills empty fields, and leaves words such as NA or ? as they are.")
  private boolean emptyOnly;

  @Mixin private CheckpointOption checkpoint;

  @Mixin private SamplingOptions sampling;

  @Option(
      names = "--seed",
      paramLabel = "K",
      defaultValue = "0",
      description = "Seed of all noise (default ${DEFAULT-VALUE}).")
  private long seed;

  @Mixin private BatchSizeOption batching;

  @Option(
      names = "--precision",
      paramLabel = "P",
      defaultValue = "auto",
      completionCandidates = Names.Precisions.class,
      description = "${COMPLETION-CANDIDATES} (default ${DEFAULT-VALUE}).")
  private String precision;

  @Mixin private ThreadsOption threads;

  private volatile boolean stopped;

  @Override
  public Integer call() {
    requirePossible();
    var opened = Run.open(run);
    checkpoint.require(opened);
    try (var renderer = opened.renderer()) {
      if (!(renderer instanceof TableRenderer table)) {
        throw new ConfigurationException(
            "%s is a run of %s; fill is for tables"
                .formatted(run, opened.config().modality().kind()));
      }
      sampling.requireFit(opened.config().network().autoregressive());
      if (drawsNothing() && !opened.config().newDiffusion().knowsLogOdds()) {
        throw new ConfigurationException(
            "--expected without drawing is known to runs with diffusion.prediction code_words and a"
                + " diffusion.known_rate above 0; add --draws 20");
      }
      var how = sampling.over(opened.config().sampling());
      DiffusionModel.requireFit(opened.config(), how, Given.NONE);
      var gaps = Flags.naming("--in", () -> Gaps.read(in, table.columns(), emptyOnly));
      var allowed = gaps.allowed();
      opened.config().newDiffusion().codec().restriction(allowed); // complains
      tell(opened, gaps);
      threads.apply();
      try (var model = opened.model(precision, checkpoint.which())) {
        UntilStopped.run(() -> fill(model, how, gaps), () -> stopped = true);
      }
    }
    return 0;
  }

  private void requirePossible() {
    batching.require();
    if (draws() < 1) {
      throw new ConfigurationException("--draws is " + draws + "; it must be at least 1");
    }
    var file = DataSpec.parse(in.startsWith("table:") ? in : "table:" + in).path();
    for (var target : targets()) {
      Target.requireFile("--out", target, "");
      if (file != null) {
        Target.requireOther("--out", target, Path.of(file));
      }
    }
  }

  private int draws() {
    return draws == null ? 1 : draws;
  }

  /** Whether the network is asked what it expects, and nothing is drawn. */
  private boolean drawsNothing() {
    return expected && draws == null;
  }

  private void tell(Run opened, Gaps gaps) {
    var err = spec.commandLine().getErr();
    if (opened.config().diffusion().knownRate() == 0) {
      err.println(
          "the run was trained with diffusion.known_rate 0, without known values: what is drawn follows them only roughly");
    }
    if (!gaps.unseen().isEmpty()) {
      err.println("taken for unknown, as the run does not have them: " + told(gaps.unseen()));
    }
  }

  private static String told(Map<String, Integer> fields) {
    return fields.entrySet().stream()
        .map(field -> "%s %,d".formatted(field.getKey(), field.getValue()))
        .collect(Collectors.joining(", "));
  }

  /** The files that are written. */
  private List<Path> targets() {
    if (draws() == 1 || expected) {
      return List.of(out);
    }
    var name = out.getFileName().toString();
    var ending = name.replaceFirst("^.+?((?:\\.[A-Za-z]\\w{1,4})?(?:\\.gz|\\.xz)?)$", "$1");
    var stem = name.substring(0, name.length() - ending.length());
    return IntStream.rangeClosed(1, draws())
        .mapToObj(draw -> out.resolveSibling("%s-%d%s".formatted(stem, draw, ending)))
        .toList();
  }

  private void fill(Model model, SamplerConfig how, Gaps gaps) {
    var started = System.nanoTime();
    var files = targets();
    var written = 0;
    var all = new ArrayList<int[]>();
    try (var progress =
        new Progress(
            "filling, row", (long) draws() * gaps.rows(), 0, spec.commandLine().getErr())) {
      if (drawsNothing()) {
        gaps.write(out, expected(model, gaps, progress));
        written++;
      }
      for (var draw = 0; draw < draws() && !drawsNothing(); draw++) {
        var symbols = gaps.rows() == 0 ? new int[0] : drawn(model, how, gaps, draw, progress);
        if (expected) {
          all.add(symbols);
        } else {
          gaps.write(files.get(draw), symbols);
          written++;
        }
      }
      if (!all.isEmpty()) {
        gaps.write(out, gaps.expected(all));
      }
    } catch (CancellationException e) {
      spec.commandLine()
          .getOut()
          .println("stopped; %d of %d files are written".formatted(written, files.size()));
      return;
    }
    var result = spec.commandLine().getOut();
    result.printf(
        Locale.ROOT,
        "%s, in %.1f s; %s%n",
        gaps.rows() == 0
            ? "nothing is missing in the %,d rows".formatted(gaps.size())
            : "filled fields of %,d of %,d rows: %s"
                .formatted(gaps.rows(), gaps.size(), told(gaps.fields())),
        (System.nanoTime() - started) / 1e9,
        files.size() == 1
            ? "all is in " + files.get(0)
            : "%d fillings are in %s to %s"
                .formatted(files.size(), files.get(0), files.get(files.size() - 1).getFileName()));
  }

  private int[] expected(Model model, Gaps gaps, Progress progress) {
    return gaps.expected(
        model,
        batching.size(model.config().schema().space()),
        done -> {
          progress.to(done, "");
          return !stopped;
        });
  }

  private int[] drawn(Model model, SamplerConfig how, Gaps gaps, int draw, Progress progress) {
    var request =
        new SampleRequest(
            how,
            seed + draw,
            0,
            gaps.rows(),
            Given.NONE,
            Optional.of(gaps.known()),
            gaps.allowed());
    var places = model.config().schema().space().places();
    var symbols = new int[gaps.rows() * places];
    var done = new int[1];
    Sampler.Listener listener = step -> !stopped;
    model.sampleAll(
        request,
        batching.size(model.config().schema().space()),
        listener,
        samples -> {
          System.arraycopy(
              samples.symbols(), 0, symbols, done[0] * places, samples.symbols().length);
          done[0] += samples.count();
          progress.to((long) draw * gaps.rows() + done[0], "");
        });
    return symbols;
  }
}
