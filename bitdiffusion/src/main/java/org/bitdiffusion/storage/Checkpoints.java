package org.bitdiffusion.storage;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
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
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.RegularFile;
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
  private static final int FORMAT = 1;
  private static final String UNFINISHED = ".unfinished-";
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
   * Writes the checkpoint of a step and removes all but the newest ones.
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
      for (var old : all.subList(0, Math.max(0, all.size() - keep))) {
        putAside(old);
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

  private static void deleteTree(Path root) throws IOException {
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
