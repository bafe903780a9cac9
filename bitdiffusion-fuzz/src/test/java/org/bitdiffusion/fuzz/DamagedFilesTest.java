package org.bitdiffusion.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Small honest files for each reader, damaged at random, the same each time: a reader takes them,
 * or says what is wrong, soon and in little memory. {@code .ci/fuzz} looks further.
 */
class DamagedFilesTest {
  private static final int TIMES = 150;

  @TempDir private Path folder;

  static List<String> names() {
    return Target.all().stream().map(Target::name).toList();
  }

  @ParameterizedTest
  @MethodSource("names")
  void everyInputIsReadOrRefused(String name) throws IOException {
    var target = Target.named(name);
    target.readHonest(folder);
    var random = new Random(name.hashCode());
    for (var i = 0; i < TIMES; i++) {
      var input = target.seeds().get(i % target.seeds().size());
      for (var times = 1 + random.nextInt(4); times > 0 && input.length > 1; times--) {
        input = damaged(input, random);
      }
      var damaged = input;
      try {
        assertTimeoutPreemptively(
            Target.LONGEST.multipliedBy(6), () -> target.accept(damaged, folder));
      } catch (AssertionError e) {
        throw new AssertionError(
            "%s: %s".formatted(e.getMessage(), new String(damaged, UTF_8).replace("\0", "\\0")), e);
      }
    }
  }

  /** A byte is another, a piece is left out, repeated, or the end cut off. */
  private static byte[] damaged(byte[] honest, Random random) {
    var bytes = honest.clone();
    var at = random.nextInt(bytes.length);
    var end = Math.min(bytes.length, at + 1 + random.nextInt(16));
    switch (random.nextInt(6)) {
      case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> bytes[at] = (byte) random.nextInt();
      case 2 ->
          bytes[at] = (byte) "0123456789-.eE\"'{}[](),: \n\0\u007f".charAt(random.nextInt(27));
      case 3 ->
          bytes = joined(Arrays.copyOf(bytes, at), Arrays.copyOfRange(bytes, end, bytes.length));
      case 4 ->
          bytes = joined(Arrays.copyOf(bytes, end), Arrays.copyOfRange(bytes, at, bytes.length));
      default -> bytes = Arrays.copyOf(bytes, at);
    }
    return bytes;
  }

  private static byte[] joined(byte[] a, byte[] b) {
    var both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }
}
