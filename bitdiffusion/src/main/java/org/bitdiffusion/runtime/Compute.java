package org.bitdiffusion.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bitdiffusion.Registry;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.global.torch;

/**
 * How a network computes: where, in which type and in which memory layout.
 *
 * @param device CPU or CUDA
 * @param precision the type of activations; weights are float32 in any case
 * @param layout of feature maps [B, C, H, W]: channels-last, which spares convolutions a reordering
 *     of their input and output, or contiguous
 * @param reason why this precision, for people
 */
public record Compute(
    torch.DeviceType device, Precision precision, torch.MemoryFormat layout, String reason) {
  /** float32 on the CPU in the engine's default layout: the reference to compare others with. */
  public static final Compute PLAIN =
      new Compute(
          torch.DeviceType.CPU,
          Precision.FLOAT32,
          torch.MemoryFormat.Contiguous,
          "the plain reference");

  /**
   * The fastest way that this machine has units for. Whether it computes convolutions right that
   * way is looked at for each network, by {@link org.bitdiffusion.nn.ConvolutionCheck}.
   *
   * @param precision {@code auto}, {@code float32} or {@code bfloat16}
   * @throws org.bitdiffusion.ConfigurationException if it is none of these
   */
  public static Compute choose(String precision) {
    Registry.require("precision", precision, Precision.NAMES); // before the engine is loaded
    var device = Engine.hasCuda() ? torch.DeviceType.CUDA : torch.DeviceType.CPU;
    var layout = torch.MemoryFormat.ChannelsLast;
    return switch (precision) {
      case "float32" -> new Compute(device, Precision.FLOAT32, layout, "asked for");
      case "bfloat16" -> new Compute(device, Precision.BFLOAT16, layout, "asked for");
      default -> {
        var unit = device == torch.DeviceType.CUDA ? "a GPU" : bfloat16Unit();
        yield unit == null
            ? new Compute(
                device,
                Precision.FLOAT32,
                layout,
                "the processor has no bfloat16 units (AVX512_BF16, AMX or Arm BF16)")
            : new Compute(device, Precision.BFLOAT16, layout, "the machine has " + unit);
      }
    };
  }

  /** A device to place tensors on, owned by the scope around the call; loads the engine. */
  public Device newDevice() {
    Engine.load();
    return new Device(device);
  }

  /** The name of the processor's bfloat16 unit, or null where it has none. */
  private static String bfloat16Unit() {
    try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      var flags =
          lines
              .filter(line -> line.startsWith("flags") || line.startsWith("Features"))
              .findFirst()
              .map(line -> " " + line.substring(line.indexOf(':') + 1).strip() + " ")
              .orElse("");
      if (flags.contains(" amx_bf16 ")) {
        return "AMX";
      }
      if (flags.contains(" avx512_bf16 ")) {
        return "AVX512_BF16";
      }
      return flags.contains(" bf16 ") ? "Arm BF16" : null;
    } catch (IOException e) {
      return null; // not Linux
    }
  }
}
