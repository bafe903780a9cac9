package org.bitdiffusion.storage;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.Charset;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.config.ConfigYaml;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.io.RegularFile;
import org.bitdiffusion.io.WholeFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder of a run: {@code config.yaml}, {@code metrics.jsonl}, {@code stretches.jsonl}, {@code
 * samples/} and {@code checkpoints/}. Files are written beside their place and renamed, so that
 * whatever stands under its final name is whole.
 */
public final class RunFolder {
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES);
  private static final ObjectReader STRETCHES = JSON.readerFor(Stretch.class);

  /** Of the keys of a line only the step and the loss are surely there. */
  private static final ObjectReader METRICS =
      JSON.readerFor(Metrics.class)
          .without(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES);

  private static final String LOCK = ".lock";
  private static final String CONFIGURATION = "config.yaml";

  /** The folders that this process trains, see {@link #lock}. */
  private static final Set<Path> LOCKED = new HashSet<>();

  private static final Logger LOGGER = LoggerFactory.getLogger(RunFolder.class);

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
            "the run folder " + path + " exists and is not empty; choose another, or resume it");
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
  public static RunFolder create(Path path) {
    requireFree(path);
    try {
      Files.createDirectories(path);
      return new RunFolder(path);
    } catch (FileAlreadyExistsException e) {
      throw new ConfigurationException(e.getFile() + " is a file; a run needs a folder", e);
    } catch (IOException e) {
      throw Checkpoints.cannotWrite(path, e);
    }
  }

  /** Removes what was written of a new run that could not begin: the folder is free again. */
  public void abandon() {
    try (var files = Files.newDirectoryStream(path, file -> !file.endsWith(LOCK))) {
      for (var file : files) {
        Checkpoints.deleteTree(file);
      }
    } catch (IOException | DirectoryIteratorException e) {
      LOGGER.warn("{} could not be tidied up: {}; remove it", path, e.getMessage());
    }
  }

  /** Whether a folder is one of a run. */
  public static boolean isThere(Path path) {
    return Files.isRegularFile(path.resolve(CONFIGURATION));
  }

  /**
   * A run that exists.
   *
   * @throws ConfigurationException if the folder is none of a run
   */
  public static RunFolder open(Path path) {
    if (!isThere(path)) {
      throw new ConfigurationException(
          (Files.exists(path)
                  ? path + " is no run folder: it has no config.yaml"
                  : path + " does not exist")
              + "; "
              + near(path));
    }
    return new RunFolder(path);
  }

  /** Which run was meant, perhaps. */
  private static String near(Path path) {
    var above = path.normalize().getParent();
    for (var up = 0; up < 3 && above != null; up++) { // of run/checkpoints/step-1/ema.safetensors
      if (isThere(above)) {
        return "it is inside of the run %s: name that, and a checkpoint by its step"
            .formatted(above);
      }
      above = above.getParent();
    }
    if (Files.isDirectory(path)) {
      try (var folders = Files.list(path)) {
        var runs = folders.filter(RunFolder::isThere).sorted().map(Path::toString).toList();
        if (!runs.isEmpty()) {
          return "there %s in it"
              .formatted(
                  runs.size() == 1
                      ? "is the run " + runs.get(0)
                      : "are the runs "
                          + String.join(", ", runs.subList(0, Math.min(4, runs.size())))
                          + (runs.size() > 4 ? " and others" : ""));
        }
      } catch (IOException e) {
        // nobody can know then
      }
    }
    return "a run folder is what a training has made";
  }

  public Path path() {
    return path;
  }

  /** The file of the run's configuration. */
  public Path configuration() {
    return path.resolve(CONFIGURATION);
  }

  /** Writes the run's configuration, or replaces that which a resumed run has changed. */
  public void keep(RunConfig config) {
    if (config.schema() != null) {
      MarginalFile.write(path, config.schema().marginals()); // before what makes the folder a run
    }
    WholeFile.write(configuration(), out -> out.write(ConfigYaml.text(config).getBytes(UTF_8)));
  }

  /** Where grids of samples go. */
  public Path samples() {
    return path.resolve("samples");
  }

  /** One line of JSON for each log interval. */
  public Path metrics() {
    return path.resolve("metrics.jsonl");
  }

  /** The weights at some steps. */
  public Checkpoints checkpoints() {
    return new Checkpoints(path);
  }

  /** How the steps were computed, a line of JSON for each stretch of training. */
  private Path stretchFile() {
    return path.resolve("stretches.jsonl");
  }

  /** Appends a line to {@link #metrics()}. */
  public void log(Metrics line) {
    append(metrics(), line(line));
  }

  private static String line(Object value) {
    try {
      return JSON.writeValueAsString(value) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e); // records of numbers and texts
    }
  }

  private static void append(Path file, String line) {
    try {
      Files.writeString(
          RegularFile.requireOrNew(file),
          line,
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw Checkpoints.cannotWrite(file, e);
    }
  }

  /**
   * What the lines of {@link #metrics()} tell in numbers. Without a step and a loss a line is one
   * that others have added, or that a kill has cut off: it is left out.
   *
   * @throws DataException if the file cannot be read
   */
  public List<Metrics> history() {
    return lines(metrics(), UTF_8).stream().flatMap(line -> metrics(line).stream()).toList();
  }

  private static Optional<Metrics> metrics(String line) {
    return object(line)
        .filter(values -> values.path("step").isNumber() && values.path("loss").isNumber())
        .flatMap(
            values -> {
              values.properties().removeIf(entry -> !entry.getValue().isNumber());
              return read(METRICS, values);
            });
  }

  private static Optional<ObjectNode> object(String line) {
    try {
      return JSON.readTree(line) instanceof ObjectNode object
          ? Optional.of(object)
          : Optional.empty();
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  private static <T> Optional<T> read(ObjectReader reader, ObjectNode values) {
    try {
      return Optional.of(reader.readValue(values));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** The lines of a file, the last of which is empty where it is whole. */
  private static List<String> lines(Path file, Charset charset) {
    if (!Files.exists(file)) {
      return List.of();
    }
    try {
      var text = new String(Files.readAllBytes(RegularFile.require(file)), charset);
      return List.of(text.split("\n", -1));
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  /**
   * Forgets what was written of steps after one, to which a run goes back: lines of {@link
   * #metrics()} and stretches that began later, and what was cut off at the end of both. All else
   * stays as it is, as others may write there too.
   */
  public void forgetAfter(long step) {
    forget(metrics(), line -> metrics(line).filter(its -> its.step() > step).isPresent());
    forget(stretchFile(), line -> stretch(line).filter(its -> its.first() > step).isPresent());
  }

  private static void forget(Path file, Predicate<String> isForgotten) {
    var lines = lines(file, ISO_8859_1); // in which any bytes stay what they are
    if (lines.isEmpty()) {
      return;
    }
    var last = lines.get(lines.size() - 1);
    var isCutOff = last.startsWith("{") && object(last).isEmpty();
    var kept =
        lines.subList(0, last.isEmpty() || isCutOff ? lines.size() - 1 : lines.size()).stream()
            .filter(isForgotten.negate())
            .map(line -> line + "\n")
            .collect(Collectors.joining());
    if (!kept.equals(String.join("\n", lines))) {
      WholeFile.write(file, out -> out.write(kept.getBytes(ISO_8859_1)));
    }
  }

  /** Notes how the steps from one on are computed, unless those before were in the same way. */
  public void begin(Stretch stretch) {
    var before = stretches();
    if (before.isEmpty() || !before.get(before.size() - 1).sameWay(stretch)) {
      append(stretchFile(), line(stretch));
    }
  }

  /**
   * How the steps were computed, in their order; empty for runs of versions that did not note it.
   *
   * @throws DataException if the file cannot be read
   */
  public List<Stretch> stretches() {
    return lines(stretchFile(), UTF_8).stream().flatMap(line -> stretch(line).stream()).toList();
  }

  private static Optional<Stretch> stretch(String line) {
    return object(line).flatMap(values -> read(STRETCHES, values));
  }

  /**
   * Keeps others from training the run; they would overwrite each other's files.
   *
   * @throws ConfigurationException if it is being trained already
   */
  public Lock lock() {
    var file = path.resolve(LOCK);
    try {
      var run = path.toRealPath();
      synchronized (LOCKED) {
        // A process loses its locks on a file with any channel of it that it closes: one that has
        // the lock must not open the file again.
        if (!LOCKED.contains(run)) {
          var channel =
              FileChannel.open(
                  RegularFile.requireOrNew(file),
                  StandardOpenOption.CREATE,
                  StandardOpenOption.WRITE);
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
  public record Lock(Path run, FileChannel channel) implements AutoCloseable {
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
}
