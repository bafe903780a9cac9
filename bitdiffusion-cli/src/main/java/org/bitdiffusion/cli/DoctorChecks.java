package org.bitdiffusion.cli;

import static org.bytedeco.pytorch.global.torch.empty;
import static org.bytedeco.pytorch.global.torch.matmul;
import static org.bytedeco.pytorch.global.torch.randn;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.run.ConfigReader;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Precision;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.global.torch;

/**
 * The checks of {@code bitdiff doctor} that need the engine: a program of its own, which writes a
 * line when a check begins and one with what it found.
 */
final class DoctorChecks {
  /** Begins the line with a check's name, before it runs. */
  static final String BEGUN = "begun ";

  /** Begins the line with a finding in JSON. */
  static final String FOUND = "found ";

  /** What one run of the program checks: the machine, or one way of computing. */
  enum Part {
    MACHINE,
    FASTEST,
    FLOAT32,
    PLAIN
  }

  /** Steps of the allocator's check: the heap grows in the first few, by gaps that do not fit. */
  private static final int STEPS = 8;

  private DoctorChecks() {}

  /** Runs the checks of the part that the argument names. */
  public static void main(String[] args) {
    switch (Part.valueOf(args[0])) {
      case MACHINE -> machine();
      case FASTEST -> {
        var fastest = Compute.choose("auto");
        if (fastest.precision() != Precision.FLOAT32) {
          arithmetic(fastest);
        }
      }
      case FLOAT32 -> arithmetic(Compute.choose("float32"));
      case PLAIN -> arithmetic(Compute.PLAIN);
    }
  }

  private static void check(String name, Supplier<Finding> check) {
    System.out.println(BEGUN + name);
    System.out.println(FOUND + Json.line(check.get()));
  }

  private static void machine() {
    check("native libraries", () -> libraries("native libraries"));
    check("threads", () -> threads("threads"));
    check("allocator", () -> allocator("allocator"));
    check("precision", () -> precision("precision"));
  }

  private static void arithmetic(Compute compute) {
    var way =
        compute.precision()
            + (compute.layout() == torch.MemoryFormat.ChannelsLast ? " NHWC" : " NCHW");
    var products = "matrix products, " + way;
    check(products, () -> matrixProducts(products, compute));
    var convolutions = "convolutions, " + way;
    check(convolutions, () -> convolutions(convolutions, compute));
  }

  /** That the libraries of the engine in this process are those that came with it. */
  private static Finding libraries(String name) {
    Engine.load();
    var version = "libtorch " + Engine.version();
    try (var maps = Files.lines(Path.of("/proc/self/maps"))) {
      var cache = Loader.getCacheDir().toPath().toRealPath();
      var loaded =
          maps.filter(line -> line.indexOf('/') > 0)
              .map(line -> Path.of(line.substring(line.indexOf('/'))))
              .filter(file -> file.getFileName().toString().matches("lib(torch|c10).*\\.so.*"))
              .distinct()
              .toList();
      var foreign = loaded.stream().filter(file -> !file.startsWith(cache)).toList();
      return foreign.isEmpty()
          ? Finding.ok(name, "%s, %d files in %s".formatted(version, loaded.size(), cache))
          : Finding.fail(
              name,
              "%s is loaded beside %s".formatted(foreign.get(0), version),
              "unset LD_PRELOAD, take its folder out of LD_LIBRARY_PATH, or remove that library");
    } catch (IOException e) {
      return Finding.ok(name, version); // not Linux
    }
  }

  private static Finding threads(String name) {
    var threads = Engine.threads();
    var cores = Engine.physicalCores();
    var found = threads + " for " + cores + " physical cores";
    return threads == cores
        ? Finding.ok(name, found)
        : Finding.warn(name, found, "unset OMP_NUM_THREADS: one thread for each core is fastest");
  }

  /**
   * Whether memory that was freed is used again, as soon as the heap has grown to what a step
   * needs. Else the system clears it anew, page by page, at each step of training.
   */
  private static Finding allocator(String name) {
    try {
      for (var step = 1; step < STEPS; step++) {
        touchActivations();
      }
      var before = pageFaults();
      touchActivations();
      var faults = pageFaults() - before;
      var found =
          "%d page faults for 160 MB that were used before; GLIBC_TUNABLES is %s"
              .formatted(faults, System.getenv("GLIBC_TUNABLES") == null ? "not set" : "set");
      // All of it in pages of 4 KB would be 40,960 faults.
      return faults < 1000
          ? Finding.ok(name, found)
          : Finding.warn(
              name,
              found,
              "start through ./bitdiff without GLIBC_TUNABLES, or see there how to set it."
                  + " Training is up to twice as fast");
    } catch (IOException e) {
      return Finding.ok(name, "unknown on this system");
    }
  }

  /** Some tensors at once, as in a training step, of a size that glibc maps anew by default. */
  private static void touchActivations() {
    try (var scope = new PointerScope()) {
      for (var i = 0; i < 4; i++) {
        empty(10L << 20).fill_(new Scalar(1)); // 40 MB
      }
    }
  }

  private static long pageFaults() throws IOException {
    // Field 10 of proc(5)'s stat; the second, in parentheses, may hold blanks.
    var stat = Files.readString(Path.of("/proc/self/stat"));
    return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[7]);
  }

  private static Finding precision(String name) {
    var compute = Compute.choose("auto");
    var found = compute.precision() + ": " + compute.reason();
    return compute.precision() == Precision.BFLOAT16
        ? Finding.ok(name, found)
        : Finding.warn(name, found, "it works, but training takes about twice as long");
  }

  /** Products [rows, inner] x [inner, columns], a batch of 2, against float64. */
  private static Finding matrixProducts(String name, Compute compute) {
    var sizes =
        List.of(
            // attention of the presets: queries with keys, weights with values
            new long[] {256, 64, 256},
            new long[] {256, 256, 64},
            new long[] {196, 64, 196},
            new long[] {196, 196, 64},
            new long[] {64, 64, 64},
            new long[] {49, 64, 49},
            new long[] {49, 49, 64},
            new long[] {16, 64, 16},
            new long[] {16, 16, 64},
            // linear layers: embeddings of the time (with classes), queries, keys and values
            new long[] {32, 64, 256},
            new long[] {32, 1768, 768},
            new long[] {64, 768, 2304},
            new long[] {256, 576, 1728},
            new long[] {1024, 256, 768},
            // sizes that fit no vector
            new long[] {1, 15, 7},
            new long[] {65, 257, 130});
    var worst = 0.0;
    for (var size : sizes) {
      try (var scope = new PointerScope()) {
        var type = compute.precision().type();
        var a = randn(2, size[0], size[1]).to(compute.newDevice(), type);
        var b = randn(2, size[1], size[2]).to(compute.newDevice(), type);
        var exact = matmul(a.to(torch.ScalarType.Double), b.to(torch.ScalarType.Double));
        var difference = matmul(a, b).to(torch.ScalarType.Double).sub(exact).abs().max();
        var error = difference.item_double() / exact.abs().max().item_double();
        worst = Math.max(worst, Double.isNaN(error) ? Double.POSITIVE_INFINITY : error);
      }
    }
    var found =
        String.format(Locale.ROOT, "%d sizes, largest relative error %.1e", sizes.size(), worst);
    return worst < (compute.precision() == Precision.BFLOAT16 ? 0.02 : 1e-4)
        ? Finding.ok(name, found)
        : Finding.fail(name, found, "train and sample with another --precision");
  }

  /** The presets' convolutions, forward and both gradients, against float64. */
  private static Finding convolutions(String name, Compute compute) {
    var shapes = new LinkedHashSet<ConvolutionCheck.Shape>();
    for (var preset : ConfigReader.presets()) {
      var config = InfoCommand.describe(preset);
      try (var model = Model.create(config, Compute.PLAIN)) {
        shapes.addAll(model.network().convolutions());
      }
    }
    var results = ConvolutionCheck.run(shapes, compute);
    var wrong = results.stream().filter(result -> !result.right()).toList();
    if (wrong.isEmpty()) {
      var worst =
          results.stream()
              .mapToDouble(
                  r -> Math.max(r.output(), Math.max(r.inputGradient(), r.weightGradient())))
              .max()
              .orElse(0);
      return Finding.ok(
          name,
          String.format(
              Locale.ROOT, "%d shapes, largest relative error %.1e", results.size(), worst));
    }
    return Finding.fail(
        name,
        "%d of %d shapes are wrong, the first is %s"
            .formatted(wrong.size(), results.size(), wrong.get(0)),
        "training finds this out and switches oneDNN off, which is slow; try another --precision");
  }
}
