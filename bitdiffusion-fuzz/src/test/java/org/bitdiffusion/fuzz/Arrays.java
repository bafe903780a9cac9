package org.bitdiffusion.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bitdiffusion.io.Npy;
import org.bitdiffusion.io.Npz;
import org.bitdiffusion.modality.image.FeatureStatistics;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Safetensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch;

/** Arrays and weights. */
final class Arrays {
  static final List<Target> TARGETS =
      List.of(
          Target.of("npy", List.of(npy(500), npy(255), npy(100_000)), Arrays::npy),
          Target.of("npz", List.of(npz()), Arrays::npz),
          Target.file("statistics", "a.npz", List.of(npz()), FeatureStatistics::read),
          Target.file("safetensors", "a.safetensors", safetensors(), Arrays::safetensors));

  private Arrays() {}

  /** What a writer of files writes. */
  static byte[] written(String ending, java.util.function.Consumer<Path> writer) {
    try {
      var file = Files.createTempFile("bitdiff-fuzz-", ending);
      writer.accept(file);
      var bytes = Files.readAllBytes(file);
      Files.delete(file);
      return bytes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] npy(int categories) {
    var symbols = IntStream.of(1, 2, 3, categories - 1, 5, 0).toArray();
    return written(".npy", file -> Npy.write(file, symbols, new int[] {2, 3}, categories));
  }

  private static void npy(byte[] input, Path folder) throws IOException {
    var file = Files.write(folder.resolve("a.npy"), input);
    var array = Npy.read(file);
    var most = IntStream.of(array.values()).max().orElse(0);
    if (IntStream.of(array.values()).allMatch(value -> value >= 0) && most < Integer.MAX_VALUE) {
      Npy.write(file, array.values(), array.shape(), most + 1);
      var again = Npy.read(file);
      requireSame(java.util.Arrays.equals(again.values(), array.values()), "values");
      requireSame(java.util.Arrays.equals(again.shape(), array.shape()), "shape");
    }
  }

  static void requireSame(boolean same, String what) {
    if (!same) {
      throw new AssertionError("the " + what + " changed when it was written and read again");
    }
  }

  private static byte[] npz() {
    var arrays = new LinkedHashMap<String, Npz.Doubles>();
    arrays.put("mu", new Npz.Doubles(new int[] {2}, new double[] {1, 2}));
    arrays.put("sigma", new Npz.Doubles(new int[] {2, 2}, new double[] {2, 1, 1, 4}));
    return written(".npz", file -> Npz.write(file, arrays));
  }

  private static void npz(byte[] input, Path folder) throws IOException {
    var file = Files.write(folder.resolve("a.npz"), input);
    var arrays = Npz.read(file, 1 << 20, "mu", "sigma");
    Npz.write(file, arrays);
    var again = Npz.read(file, 1 << 20, "mu", "sigma");
    arrays.forEach(
        (name, array) -> {
          requireSame(java.util.Arrays.equals(again.get(name).values(), array.values()), "values");
          requireSame(java.util.Arrays.equals(again.get(name).shape(), array.shape()), "shape");
        });
  }

  private static List<byte[]> safetensors() {
    Engine.load(); // not while the memory of an input is counted
    var header =
        """
        {"__metadata__":{"of":"a test"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},\
        "h":{"dtype":"F16","shape":[2],"data_offsets":[24,28]}}"""
            .getBytes(UTF_8);
    var bytes = ByteBuffer.allocate(8 + header.length + 28).order(ByteOrder.LITTLE_ENDIAN);
    return List.of(bytes.putLong(header.length).put(header).array());
  }

  private static void safetensors(Path file) {
    Safetensors.metadata(file);
    for (var name : Safetensors.names(file)) {
      Safetensors.shape(file, name);
    }
    try (var scope = new PointerScope()) {
      Safetensors.readSome(file, Map.of("w", torch.zeros(2, 3)));
    }
  }
}
