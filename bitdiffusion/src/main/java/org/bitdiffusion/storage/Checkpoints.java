package org.bitdiffusion.storage;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.RegularFile;
import org.bitdiffusion.io.WholeFile;
import org.bitdiffusion.runtime.Safetensors;
import org.bytedeco.pytorch.Tensor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checkpoints of a run: folders {@code checkpoints/step-N/} with {@code model.safetensors},
 * {@code ema.safetensors}, {@code optimizer.safetensors} and {@code state.json}. Each is written
 * beside its place and renamed, so that whatever stands under its final name is whole.
 */
public final class Checkpoints {
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES);
  private static final ObjectReader BESTS =
      JSON.readerFor(Best.class).without(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES);
  private static final int FORMAT = 1;
  private static final String UNFINISHED = ".unfinished-";
  private static final String BEST = "best.json";

  /** Where no best one was named before, all lines count. */
  private static final long FIRST = 0;

  /** What people call the newest checkpoint. */
  public static final String NEWEST = "newest";

  /** What people call the {@link #best} checkpoint. */
  public static final String OF_BEST = "best";

  private static final Logger LOGGER = LoggerFactory.getLogger(Checkpoints.class);

  /** How codecs write a symbol; weights learned in another order would read noise. */
  private static final String BIT_ORDER = "most significant first";

  private final Path run;
  private final Path folder;

  Checkpoints(Path run) {
    this.run = run;
    folder = run.resolve("checkpoints");
  }

  /**
   * Writes the checkpoint of a step and removes all but the newest ones, and the {@link #best}.
   *
   * @param unlogged steps since the last line of the metrics
   * @param tensors by file name without ending, and by name
   */
  public void save(
      long step, Unlogged unlogged, Map<String, Map<String, Tensor>> tensors, int keep) {
    var target = folder.resolve(String.format(Locale.ROOT, "step-%08d", step));
    sweep();
    try {
      Files.createDirectories(folder);
      // A name of its own each time, as what a kill has left may resist.
      var name = UNFINISHED + target.getFileName() + "-" + Long.toHexString(System.nanoTime());
      var unfinished = Files.createDirectory(folder.resolve(name));
      var checksums = new TreeMap<String, Long>();
      for (var file : tensors.entrySet()) {
        var weights = unfinished.resolve(file.getKey() + ".safetensors");
        checksums.put(
            weights.getFileName().toString(), Safetensors.write(weights, file.getValue()));
      }
      var state = new State(FORMAT, step, BIT_ORDER, unlogged, checksums);
      var json = JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(state);
      try (var channel =
          FileChannel.open(
              unfinished.resolve("state.json"),
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.WRITE)) {
        for (var bytes = ByteBuffer.wrap(json); bytes.hasRemaining(); ) {
          channel.write(bytes);
        }
        channel.force(true);
      }
      putAside(target);
      Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      sweep();
      throw cannotWrite(target, e);
    }
    forgetAllBut(keep);
    sweep();
  }

  private void forgetAllBut(int keep) {
    try {
      var all = list();
      var best = best().map(Best::step).orElse(-1L);
      for (var old : all.subList(0, Math.max(0, all.size() - keep))) {
        if (step(old) != best) {
          putAside(old);
        }
      }
    } catch (IOException e) {
      LOGGER.warn("{}; old checkpoints stay", DataException.cannotWrite(folder, e).getMessage());
    } catch (DataException e) {
      LOGGER.warn("{}; old checkpoints stay", e.getMessage());
    }
  }

  /** Under its final name a checkpoint is whole, also while it is being deleted. */
  private void putAside(Path checkpoint) throws IOException {
    if (Files.exists(checkpoint)) {
      var unfinished = checkpoint.resolveSibling(UNFINISHED + "old-" + checkpoint.getFileName());
      Files.move(checkpoint, unfinished, StandardCopyOption.ATOMIC_MOVE);
    }
  }

  /**
   * Deletes what was put aside, and what a kill has left unfinished. What cannot be deleted, as
   * another program reads it perhaps, waits for the next time: it ends no training.
   */
  private void sweep() {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (var entries = Files.newDirectoryStream(folder, UNFINISHED + "*")) {
      for (var entry : entries) {
        try {
          deleteTree(entry);
        } catch (IOException e) {
          LOGGER.warn("{}; it is old, remove it", DataException.cannotWrite(entry, e).getMessage());
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      LOGGER.warn("{} cannot be tidied up: {}", folder, e.getMessage());
    }
  }

  /**
   * Fills tensors from a checkpoint.
   *
   * @param tensors by file name without ending, and by name
   * @return what its state says, with the checksums of what was read also where it has none
   * @throws DataException if it is damaged or belongs to another network
   */
  public State read(Path checkpoint, Map<String, Map<String, Tensor>> tensors) {
    try {
      var state = state(checkpoint);
      var checksums = new TreeMap<>(state.checksums() == null ? Map.of() : state.checksums());
      tensors.forEach(
          (name, byName) -> {
            var file = checkpoint.resolve(name + ".safetensors");
            var checksum = Safetensors.read(file, byName);
            requireChecksum(file, checksums, checksum);
            checksums.put(file.getFileName().toString(), checksum);
          });
      return new State(state.format(), state.step(), state.bitOrder(), state.unlogged(), checksums);
    } catch (DataException e) {
      var older =
          list().stream().filter(other -> other.compareTo(checkpoint) < 0).reduce((a, b) -> b);
      throw older.isEmpty()
          ? e
          : new DataException(
              "%s; to go back to %s, move %s away"
                  .formatted(e.getMessage(), older.get().getFileName(), checkpoint),
              e);
    }
  }

  /**
   * Fills tensors from a file of a checkpoint that may hold more.
   *
   * @param file without ending, such as {@code ema}
   * @throws DataException if it is damaged, or lacks a tensor of that name and shape
   */
  public void readSome(Path checkpoint, String file, Map<String, Tensor> tensors) {
    var checksums = state(checkpoint).checksums();
    var weights = checkpoint.resolve(file + ".safetensors");
    if (checksums != null) {
      requireChecksum(weights, checksums, checksum(weights)); // of all, also of what is left out
    }
    Safetensors.readSome(weights, tensors);
  }

  private static long checksum(Path file) {
    var checksum = new CRC32C();
    try (var in =
        new CheckedInputStream(Files.newInputStream(RegularFile.require(file)), checksum)) {
      in.transferTo(OutputStream.nullOutputStream());
      return checksum.getValue();
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  /** The newest checkpoint, if there is any. */
  public Optional<Path> newest() {
    return list().stream().reduce((older, newer) -> newer);
  }

  /**
   * The step of the newest checkpoint, or 0 where there is none.
   *
   * @throws DataException if the folder cannot be read
   */
  public long done() {
    return newest().map(Checkpoints::step).orElse(0L);
  }

  /**
   * Which checkpoint is the best one of a run, as {@code best.json} says.
   *
   * @param measure by which it is, such as {@code held_out_loss}
   * @param value of the measure
   * @param way in which it was measured, see {@link Yardstick#way}; empty where it is not known
   * @param since the first step from which on it was measured so; those before are not compared
   */
  public record Best(
      @JsonProperty(required = true) long step,
      @JsonProperty(required = true) String measure,
      @JsonProperty(required = true) double value,
      String way,
      long since) {
    public Best {
      way = way == null ? "" : way;
    }
  }

  /**
   * What tells how good a checkpoint is.
   *
   * @param measure a key of the metrics' lines
   * @param higherIsBetter whether the largest number is the best, or the least
   * @param way all that the number depends on besides the weights, for people: numbers that were
   *     measured in other ways do not compare
   */
  public record Yardstick(String measure, boolean higherIsBetter, String way) {}

  /** The best checkpoint as far as any was measured; its folder may have been moved away. */
  public Optional<Best> best() {
    var file = folder.resolve(BEST);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(BESTS.readValue(Files.readString(RegularFile.require(file))));
    } catch (JsonProcessingException e) {
      throw new DataException(file + " is damaged: it names no step, measure and value", e);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  /**
   * Names the best of the checkpoints that are there, among those that were measured in the same
   * way: where it is another one than before, the search begins anew.
   *
   * @param history lines of the metrics; values that are no finite numbers are none
   * @param measured the first step that is surely measured so: the first of this stretch of
   *     training
   */
  public void nameBest(List<Metrics> history, Yardstick yardstick, long measured) {
    var measure = yardstick.measure();
    var before = readable();
    var same = before.filter(best -> isOf(yardstick, best));
    var since =
        same.isPresent()
            ? Math.min(same.get().since(), measured)
            : Files.exists(folder.resolve(BEST)) ? measured : FIRST;
    var there = list().stream().map(Checkpoints::step).collect(Collectors.toSet());
    var byValue =
        Comparator.comparingDouble(
            (Metrics line) -> (yardstick.higherIsBetter() ? -1 : 1) * line.measures().get(measure));
    history.stream()
        .filter(line -> line.step() >= since && there.contains(line.step()))
        .filter(line -> Double.isFinite(line.measures().getOrDefault(measure, Double.NaN)))
        .min(byValue.thenComparing(Metrics::step))
        .map(
            line ->
                new Best(
                    line.step(), measure, line.measures().get(measure), yardstick.way(), since))
        .filter(best -> !before.equals(Optional.of(best)))
        .ifPresent(
            best -> {
              if (same.isEmpty() && before.isPresent()) {
                LOGGER.warn(
                    "step {} was the best by {}; what says which is the best has changed, and it is"
                        + " looked for among the checkpoints from step {} on, by {}",
                    before.get().step(),
                    before.get().measure(),
                    since,
                    measure);
              }
              write(best);
            });
  }

  private static boolean isOf(Yardstick yardstick, Best best) {
    return best.measure().equals(yardstick.measure()) && best.way().equals(yardstick.way());
  }

  private Optional<Best> readable() {
    try {
      return best();
    } catch (DataException e) {
      return Optional.empty(); // what is damaged is written anew
    }
  }

  private void write(Best best) {
    try {
      var json = JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(best);
      WholeFile.write(folder.resolve(BEST), out -> out.write(json));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e); // a record of numbers and a text
    }
  }

  /**
   * A checkpoint by what people call it.
   *
   * @param which {@link #NEWEST}, {@link #OF_BEST}, or the number of a step
   * @throws ConfigurationException if it is none of these, or there is no such checkpoint
   * @throws DataException if there is none at all, as the run is not trained far enough
   */
  public Path require(String which) {
    if (which.equals(NEWEST)) {
      return requireNewest();
    }
    if (which.equals(OF_BEST)) {
      var best =
          best()
              .orElseThrow(
                  () ->
                      new ConfigurationException(
                          run
                              + " has no best checkpoint, as none was measured: train it with"
                              + " training.held_out or training.measure.name"));
      return requireStep(best.step());
    }
    if (!which.matches("\\d{1,18}")) {
      throw new ConfigurationException(
          "checkpoint is '%s'; it must be %s, %s or the number of a step"
              .formatted(which, NEWEST, OF_BEST));
    }
    return requireStep(Long.parseLong(which));
  }

  private Path requireStep(long step) {
    var all = list();
    return all.stream()
        .filter(checkpoint -> step(checkpoint) == step)
        .findFirst()
        .orElseThrow(
            () ->
                new ConfigurationException(
                    "%s has no checkpoint of step %d; there are %s"
                        .formatted(run, step, all.stream().map(c -> "" + step(c)).toList())));
  }

  /** The newest checkpoint. */
  public Path requireNewest() {
    return newest()
        .orElseThrow(
            () ->
                new DataException(
                    run + " has no checkpoint yet; train it until the first one is written"));
  }

  /**
   * What {@code state.json} of a checkpoint says.
   *
   * @param unlogged steps since the last line of the metrics
   * @param checksums CRC-32C of the other files, by name; null in checkpoints of earlier versions,
   *     as is {@code unlogged}
   */
  public record State(
      int format, long step, String bitOrder, Unlogged unlogged, Map<String, Long> checksums) {}

  /**
   * Steps that no line of the metrics tells of yet.
   *
   * @param loss sum over them
   * @param gradientNorm sum over them
   */
  public record Unlogged(int steps, double loss, double gradientNorm) {
    /** None. */
    public static final Unlogged NONE = new Unlogged(0, 0, 0);
  }

  private static void requireChecksum(Path file, Map<String, Long> checksums, long checksum) {
    var expected = checksums.get(file.getFileName().toString());
    if (expected != null && expected != checksum) {
      throw new DataException(
          file + " is damaged: its values are not those that were written (CRC-32C)");
    }
  }

  private static State state(Path checkpoint) {
    var file = checkpoint.resolve("state.json");
    try {
      var json = JSON.readTree(Files.readString(RegularFile.require(file)));
      if (!(json instanceof ObjectNode object)) {
        throw new DataException(file + " is damaged: it names no format, step and bit_order");
      }
      for (var later : List.of("unlogged", "checksums")) { // not in earlier versions
        if (!object.has(later)) {
          object.putNull(later);
        }
      }
      var state = JSON.treeToValue(object, State.class);
      if (state.format() != FORMAT) {
        throw new DataException(
            "%s is of format %d, but this version reads format %d; use the version that wrote it"
                .formatted(file, state.format(), FORMAT));
      }
      if (!BIT_ORDER.equals(state.bitOrder())) {
        throw new DataException(
            "%s was written with the bits of a symbol in another order: %s"
                .formatted(file, state.bitOrder()));
      }
      return state;
    } catch (JsonProcessingException e) {
      throw new DataException(file + " is damaged: it names no format, step and bit_order", e);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  private static long step(Path checkpoint) {
    return Long.parseLong(checkpoint.getFileName().toString().substring("step-".length()));
  }

  /** All checkpoints, the newest last. */
  private List<Path> list() {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (var entries = Files.list(folder)) {
      return entries
          .filter(p -> p.getFileName().toString().matches("step-\\d{1,18}"))
          .sorted(Comparator.comparingLong(Checkpoints::step))
          .toList();
    } catch (IOException e) {
      throw DataException.cannotRead(folder, e);
    }
  }

  static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root)) {
      return;
    }
    try (var entries = Files.walk(root)) {
      for (var entry : entries.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(entry);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  static DataException cannotWrite(Path path, IOException e) {
    return new DataException(
        DataException.cannotWrite(path, e).getMessage()
            + "; what was written before is still there",
        e);
  }
}
