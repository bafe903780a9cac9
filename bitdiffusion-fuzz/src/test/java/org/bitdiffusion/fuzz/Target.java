package org.bitdiffusion.fuzz;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;

/**
 * A reader of files that others have made, and honest files for it.
 *
 * @param name by which {@code .ci/fuzz} calls it
 * @param memory that an input may take of Java's, in bytes
 * @param seeds honest inputs
 * @param reader reads an input; where there is a way back, it complains unless that leads back
 */
record Target(String name, ToLongFunction<byte[]> memory, List<byte[]> seeds, Reader reader) {
  /** Far more than any of these small inputs needs, but too short for a person to wait. */
  static final Duration LONGEST = Duration.ofSeconds(5);

  static final long USUAL_MEMORY = 64L << 20;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @FunctionalInterface
  interface Reader {
    /**
     * Reads an input.
     *
     * @param folder where it may write, of this target alone
     */
    void read(byte[] input, Path folder) throws IOException;
  }

  static Target of(String name, List<byte[]> seeds, Reader reader) {
    return new Target(name, input -> USUAL_MEMORY, seeds, reader);
  }

  /** A target whose inputs are the content of a file of that name. */
  static Target file(String name, String file, List<byte[]> seeds, Consumer<Path> reader) {
    return of(name, seeds, ofFile(file, reader));
  }

  static Reader ofFile(String name, Consumer<Path> reader) {
    return (input, folder) -> {
      var file = folder.resolve(name);
      Files.createDirectories(file.getParent());
      reader.accept(Files.write(file, input));
    };
  }

  /** Reads all honest inputs, and what classes that needs, which count for no other input. */
  void readHonest(Path folder) throws IOException {
    for (var honest : seeds) {
      reader.read(honest, folder);
    }
  }

  /**
   * Gives the reader an input.
   *
   * @throws AssertionError if it fails in any other way than by a message for people, or takes too
   *     long or too much memory
   */
  void accept(byte[] input, Path folder) {
    var memoryBefore = THREADS.getCurrentThreadAllocatedBytes();
    var begun = THREADS.getCurrentThreadCpuTime(); // other processes may want the processor
    try {
      reader.read(input, folder);
    } catch (DataException | ConfigurationException e) {
      if (e.getMessage() == null || e.getMessage().isBlank()) {
        throw new AssertionError(name + " is refused without a reason", e);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the input itself could not be written", e);
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      throw new AssertionError(name + " is refused by " + e.getClass().getName(), e);
    }
    var taken = THREADS.getCurrentThreadCpuTime() - begun;
    if (taken > LONGEST.toNanos()) {
      throw new AssertionError("%s took %,d ms".formatted(name, taken / 1_000_000));
    }
    var memoryTaken = THREADS.getCurrentThreadAllocatedBytes() - memoryBefore;
    if (memoryTaken > memory.applyAsLong(input)) {
      throw new AssertionError("%s took %,d MB".formatted(name, memoryTaken >> 20));
    }
  }

  /** All readers. */
  static List<Target> all() {
    var all = new ArrayList<Target>();
    all.addAll(Arrays.TARGETS);
    all.addAll(Pictures.TARGETS);
    all.addAll(DataSets.TARGETS);
    all.addAll(Texts.TARGETS);
    all.addAll(Tables.TARGETS);
    all.addAll(Settings.TARGETS);
    return all;
  }

  static Target named(String name) {
    return all().stream().filter(target -> target.name().equals(name)).findFirst().orElseThrow();
  }
}
