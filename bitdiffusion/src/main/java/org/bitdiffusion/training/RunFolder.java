package org.bitdiffusion.training;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.WholeFile;
import org.bitdiffusion.nn.Safetensors;
import org.bytedeco.pytorch.Tensor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder of a run: {@code config.yaml}, {@code metrics.jsonl}, {@code samples/} and {@code
 * checkpoints/step-N/} with {@code model.safetensors}, {@code ema.safetensors}, {@code
 * optimizer.safetensors} and {@code state.json}. Files and checkpoints are written beside their
 * place and renamed, so that whatever stands under its final name is whole.
 */
public final class RunFolder {
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES);
  private static final int FORMAT = 1; // of checkpoints
  private static final String UNFINISHED = ".unfinished-";
  private static final String LOCK = ".lock";
  private static final String CONFIGURATION = "config.yaml";

  /** The folders that this process trains, see {@link #lock}. */
  private static final Set<Path> LOCKED = new HashSet<>();

  private static final Logger LOGGER = LoggerFactory.getLogger(RunFolder.class);

  /** How codecs write a symbol; weights learned in another order would read noise. */
  private static final String BIT_ORDER = "most significant first";

  private final Path path;

  private RunFolder(Path path) {
    this.path = path;
  }

  /**
   * Complains unless a new run can have this folder: it is empty but for a lock, or does not exist.
   *
   * @throws ConfigurationException if it holds anything, or is a file
   */
  public static void requireFree(Path path) {
    if (!Files.exists(path)) {
      return;
    }
    try (var content = Files.newDirectoryStream(path, file -> !file.endsWith(LOCK))) {
      if (content.iterator().hasNext()) {
        throw new ConfigurationException(
            "the run folder "
                + path
                + " exists and is not empty; choose another, or continue it with --resume");
      }
    } catch (NotDirectoryException e) {
      throw new ConfigurationException(path + " is a file; a run needs a folder", e);
    } catch (IOException e) {
      throw DataException.cannotRead(path, e);
    }
  }

  /**
   * The folder of a new run, which is made. It becomes a run with {@link #keep}; until {@link
   * #lock}, others may begin one in it.
   *
   * @throws ConfigurationException if the folder holds anything already
   */
  static RunFolder create(Path path) {
    requireFree(path);
    try {
      Files.createDirectories(path);
      return new RunFolder(path);
    } catch (FileAlreadyExistsException e) {
      throw new ConfigurationException(e.getFile() + " is a file; a run needs a folder", e);
    } catch (IOException e) {
      throw cannotWrite(path, e);
    }
  }

  /** Removes what was written of a new run that could not begin: the folder is free again. */
  void abandon() {
    try {
      Files.deleteIfExists(path.resolve(CONFIGURATION));
      Files.deleteIfExists(tokenizer());
    } catch (IOException e) {
      LOGGER.warn("{}; remove it", DataException.cannotWrite(path, e).getMessage());
    }
  }

  /**
   * A run that exists.
   *
   * @throws ConfigurationException if the folder is none of a run
   */
  public static RunFolder open(Path path) {
    if (!Files.isRegularFile(path.resolve(CONFIGURATION))) {
      throw new ConfigurationException(
          (Files.exists(path)
                  ? path + " is no run folder: it has no config.yaml"
                  : path + " does not exist")
              + "; a run folder is what --out of 'bitdiff train' names");
    }
    return new RunFolder(path);
  }

  public Path path() {
    return path;
  }

  /** The run's configuration, as resolved when it began, with some settings changed. */
  public RunConfig config(Map<String, String> changes) {
    return ConfigReader.file(path.resolve(CONFIGURATION), changes);
  }

  /** Writes the run's configuration, or replaces that which a resumed run has changed. */
  void keep(RunConfig config) {
    write(CONFIGURATION, ConfigReader.yaml(config));
  }

  /** Where grids of samples go. */
  public Path samples() {
    return path.resolve("samples");
  }

  /** One line of JSON for each log interval. */
  public Path metrics() {
    return path.resolve("metrics.jsonl");
  }

  /** The tokenizer of a run of captions. */
  public Path tokenizer() {
    return path.resolve("tokenizer.json");
  }

  private Path checkpoints() {
    return path.resolve("checkpoints");
  }

  /** Replaces a file of the run by this text. */
  private void write(String name, String text) {
    WholeFile.write(path.resolve(name), out -> out.write(text.getBytes(UTF_8)));
  }

  /** Appends a line to {@link #metrics()}. */
  void log(Trainer.Metrics line) {
    try {
      Files.writeString(
          metrics(),
          JSON.writeValueAsString(line) + "\n",
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw cannotWrite(metrics(), e);
    }
  }

  /**
   * The lines of {@link #metrics()}, without any that a kill has cut off.
   *
   * @throws DataException if the file cannot be read
   */
  public List<Trainer.Metrics> history() {
    if (!Files.exists(metrics())) {
      return List.of();
    }
    try {
      var history = new ArrayList<Trainer.Metrics>();
      for (var line : Files.readAllLines(metrics())) {
        try {
          history.add(JSON.readValue(line, Trainer.Metrics.class));
        } catch (JsonProcessingException e) {
          // cut off
        }
      }
      return history;
    } catch (IOException e) {
      throw DataException.cannotRead(metrics(), e);
    }
  }

  /** Removes the lines of {@link #metrics()} after a step, to which a run goes back. */
  void forgetMetricsAfter(long step) {
    try {
      var kept = new StringBuilder();
      for (var line : history()) {
        if (line.step() <= step) {
          kept.append(JSON.writeValueAsString(line)).append('\n');
        }
      }
      write("metrics.jsonl", kept.toString());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e); // what was read can be written
    }
  }

  /**
   * Keeps others from training the run; they would overwrite each other's files.
   *
   * @throws ConfigurationException if it is being trained already
   */
  Lock lock() {
    var file = path.resolve(LOCK);
    try {
      var run = path.toRealPath();
      synchronized (LOCKED) {
        // A process loses its locks on a file with any channel of it that it closes: one that has
        // the lock must not open the file again.
        if (!LOCKED.contains(run)) {
          var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          try {
            if (channel.tryLock() != null) {
              LOCKED.add(run);
              return new Lock(run, channel);
            }
          } catch (OverlappingFileLockException e) {
            // another copy of this class in this process has it
          } finally {
            if (!LOCKED.contains(run)) {
              channel.close();
            }
          }
        }
      }
      throw new ConfigurationException(
          path + " is being trained already; wait for the other training, or stop it");
    } catch (IOException e) {
      throw DataException.cannotWrite(file, e);
    }
  }

  /** Closing it lets others train the run; so does the end of the process. */
  record Lock(Path run, FileChannel channel) implements AutoCloseable {
    @Override
    public void close() {
      synchronized (LOCKED) {
        try {
          channel.close();
        } catch (IOException e) {
          // nothing was written to it
        }
        LOCKED.remove(run);
      }
    }
  }

  /**
   * Writes the checkpoint of a step and removes all but the newest ones.
   *
   * @param unlogged steps since the last line of {@link #metrics()}
   * @param tensors by file name without ending, and by name
   */
  void save(long step, Unlogged unlogged, Map<String, Map<String, Tensor>> tensors, int keep) {
    var target = checkpoints().resolve(String.format(Locale.ROOT, "step-%08d", step));
    sweep();
    try {
      Files.createDirectories(checkpoints());
      // A name of its own each time, as what a kill has left may resist.
      var name = UNFINISHED + target.getFileName() + "-" + Long.toHexString(System.nanoTime());
      var unfinished = Files.createDirectory(checkpoints().resolve(name));
      var checksums = new TreeMap<String, Long>();
      for (var file : tensors.entrySet()) {
        var weights = unfinished.resolve(file.getKey() + ".safetensors");
        Safetensors.write(weights, file.getValue());
        checksums.put(weights.getFileName().toString(), checksum(weights));
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
      LOGGER.warn(
          "{}; old checkpoints stay", DataException.cannotWrite(checkpoints(), e).getMessage());
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
    if (!Files.isDirectory(checkpoints())) {
      return;
    }
    try (var entries = Files.newDirectoryStream(checkpoints(), UNFINISHED + "*")) {
      for (var entry : entries) {
        try {
          deleteTree(entry);
        } catch (IOException e) {
          LOGGER.warn("{}; it is old, remove it", DataException.cannotWrite(entry, e).getMessage());
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      LOGGER.warn("{} cannot be tidied up: {}", checkpoints(), e.getMessage());
    }
  }

  /**
   * Fills tensors from a checkpoint.
   *
   * @param tensors by file name without ending, and by name
   * @return its step
   * @throws DataException if it is damaged or belongs to another network
   */
  State read(Path checkpoint, Map<String, Map<String, Tensor>> tensors) {
    try {
      var state = state(checkpoint);
      tensors.forEach(
          (name, byName) -> {
            var file = checkpoint.resolve(name + ".safetensors");
            Safetensors.read(file, byName);
            requireChecksum(file, state);
          });
      return state;
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
    return newest().map(RunFolder::step).orElse(0L);
  }

  /** The newest checkpoint. */
  public Path requireNewest() {
    return newest()
        .orElseThrow(
            () ->
                new DataException(
                    path + " has no checkpoint yet; train it until the first one is written"));
  }

  /**
   * What {@code state.json} of a checkpoint says.
   *
   * @param unlogged steps since the last line of the metrics
   * @param checksums CRC-32C of the other files, by name; null in checkpoints of earlier versions,
   *     as is {@code unlogged}
   */
  record State(
      int format, long step, String bitOrder, Unlogged unlogged, Map<String, Long> checksums) {}

  /**
   * Steps that no line of the metrics tells of yet.
   *
   * @param loss sum over them
   * @param gradientNorm sum over them
   */
  record Unlogged(int steps, double loss, double gradientNorm) {
    static final Unlogged NONE = new Unlogged(0, 0, 0);
  }

  private static void requireChecksum(Path file, State state) {
    var expected =
        state.checksums() == null ? null : state.checksums().get(file.getFileName().toString());
    if (expected != null && expected != checksum(file)) {
      throw new DataException(
          file + " is damaged: its values are not those that were written (CRC-32C)");
    }
  }

  /** The CRC-32C of a file. */
  static long checksum(Path file) {
    var checksum = new CRC32C();
    try (var channel = FileChannel.open(file)) {
      var buffer = ByteBuffer.allocate(1 << 16);
      while (channel.read(buffer.clear()) >= 0) {
        checksum.update(buffer.flip());
      }
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
    return checksum.getValue();
  }

  private static State state(Path checkpoint) {
    var file = checkpoint.resolve("state.json");
    try {
      var json = JSON.readTree(Files.readString(file));
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
    if (!Files.isDirectory(checkpoints())) {
      return List.of();
    }
    try (var entries = Files.list(checkpoints())) {
      return entries
          .filter(p -> p.getFileName().toString().matches("step-\\d+"))
          .sorted(Comparator.comparingLong(RunFolder::step))
          .toList();
    } catch (IOException e) {
      throw DataException.cannotRead(checkpoints(), e);
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

  private static DataException cannotWrite(Path path, IOException e) {
    return new DataException(
        DataException.cannotWrite(path, e).getMessage()
            + "; what was written before is still there",
        e);
  }
}
