package org.bitdiffusion.cli;

import static org.bytedeco.pytorch.global.torch.matmul;
import static org.bytedeco.pytorch.global.torch.randn;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.bitdiffusion.cli.DoctorCommand.Finding;
import org.bitdiffusion.cli.DoctorCommand.Status;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Precision;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch;

/** The checks of {@code bitdiff doctor} that need the engine; a program of its own. */
final class DoctorChecks {
  /** Begins each line that is a finding in JSON. */
  static final String MARK = "finding ";

  private DoctorChecks() {}

  public static void main(String[] args) {
    Engine.load();
    tell("engine", Status.OK, "libtorch " + Engine.version(), "");
    libraries();
    threads();
    var compute = Compute.choose("auto");
    tell(
        "precision",
        compute.precision() == Precision.BFLOAT16 ? Status.OK : Status.WARNING,
        compute.precision().toString().toLowerCase(Locale.ROOT) + ": " + compute.reason(),
        compute.precision() == Precision.BFLOAT16 ? "" : "training takes about twice as long");
    for (var way : ways(compute)) {
      matrixProducts(way);
      convolutions(way);
    }
  }

  private static void tell(String check, Status status, String found, String advice) {
    System.out.println(MARK + Json.line(new Finding(check, status, found, advice)));
  }

  private static void libraries() {
    var torch =
        Engine.libraries().stream().filter(line -> line.contains("torch")).findFirst().orElse("?");
    tell("native libraries", Status.OK, torch, "");
  }

  private static void threads() {
    var threads = Engine.threads();
    var cores = Engine.physicalCores();
    tell(
        "threads",
        threads == cores ? Status.OK : Status.WARNING,
        threads + " for " + cores + " physical cores",
        threads == cores ? "" : "use one thread a physical core");
  }

  /** The types and layouts in which the product computes on this machine. */
  private static Set<Compute> ways(Compute fastest) {
    var ways = new LinkedHashSet<Compute>();
    ways.add(fastest);
    ways.add(Compute.choose("float32"));
    ways.add(Compute.PLAIN);
    return ways;
  }

  private static String name(Compute compute) {
    return compute.precision().toString().toLowerCase(Locale.ROOT)
        + (compute.layout() == torch.MemoryFormat.ChannelsLast ? " channels-last" : " contiguous");
  }

  private static void matrixProducts(Compute compute) {
    var worst = 0.0;
    for (var n : List.of(15, 64, 192, 257, 768)) {
      try (var scope = new PointerScope()) {
        var type = compute.precision().type();
        var a = randn(3, 65, n).to(compute.newDevice(), type);
        var b = randn(3, n, 130).to(compute.newDevice(), type);
        var exact = matmul(a.to(torch.ScalarType.Double), b.to(torch.ScalarType.Double));
        var error =
            matmul(a, b).to(torch.ScalarType.Double).sub(exact).abs().max().item_double()
                / exact.abs().max().item_double();
        worst = Math.max(worst, Double.isNaN(error) ? Double.POSITIVE_INFINITY : error);
      }
    }
    var right = worst < (compute.precision() == Precision.BFLOAT16 ? 0.02 : 1e-4);
    tell(
        "matrix products, " + name(compute),
        right ? Status.OK : Status.WRONG,
        String.format(Locale.ROOT, "largest relative error %.1e", worst),
        right ? "" : "use another --precision");
  }

  private static void convolutions(Compute compute) {
    var shapes = new LinkedHashSet<ConvolutionCheck.Shape>();
    for (var preset : List.of("icons", "fashion-small", "cifar10-small", "cifar10")) {
      var config = InfoCommand.describe(preset, Map.of());
      try (var network = config.newNetwork(config.newDiffusion(), Compute.PLAIN)) {
        shapes.addAll(network.convolutions());
      }
    }
    var results = ConvolutionCheck.run(shapes, compute);
    var wrong = results.stream().filter(result -> !result.right()).toList();
    var worst =
        results.stream()
            .mapToDouble(r -> Math.max(r.output(), Math.max(r.inputGradient(), r.weightGradient())))
            .max()
            .orElse(0);
    tell(
        "convolutions, " + name(compute),
        wrong.isEmpty() ? Status.OK : Status.WRONG,
        wrong.isEmpty()
            ? String.format(
                Locale.ROOT, "%d shapes, largest relative error %.1e", results.size(), worst)
            : wrong.size()
                + " of "
                + results.size()
                + " shapes are wrong, the first is "
                + wrong.get(0),
        wrong.isEmpty() ? "" : "training notices it and switches oneDNN off, which is slow");
  }
}
