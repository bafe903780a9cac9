package org.bitdiffusion.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bytedeco.pytorch.Tensor;

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
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
  private static final String UNFINISHED = ".unfinished-";

  private final Path path;

  private RunFolder(Path path) {
    this.path = path;
  }

  /**
   * Complains unless a new run can have this folder: it is empty, or does not exist.
   *
   * @throws ConfigurationException if it holds anything, or is a file
   */
  public static void requireFree(Path path) {
    if (!Files.exists(path)) {
      return;
    }
    try (var content = Files.newDirectoryStream(path)) {
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
   * A new run.
   *
   * @throws ConfigurationException if the folder holds anything already
   */
  public static RunFolder create(Path path, RunConfig config) {
    requireFree(path);
    try {
      Files.createDirectories(path);
      var run = new RunFolder(path);
      run.write("config.yaml", ConfigReader.yaml(config));
      Files.createDirectories(run.samples());
      Files.createDirectories(run.checkpoints());
      return run;
    } catch (FileAlreadyExistsException e) {
      throw new ConfigurationException(e.getFile() + " is a file; a run needs a folder", e);
    } catch (IOException e) {
      throw cannotWrite(path, e);
    }
  }

  /**
   * A run that exists.
   *
   * @throws ConfigurationException if the folder is none of a run
   */
  public static RunFolder open(Path path) {
    if (!Files.isRegularFile(path.resolve("config.yaml"))) {
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
    return ConfigReader.file(path.resolve("config.yaml"), changes);
  }

  /** Replaces the run's configuration, which a resumed run has changed. */
  void keep(RunConfig config) {
    try {
      write("config.yaml", ConfigReader.yaml(config));
    } catch (IOException e) {
      throw cannotWrite(path.resolve("config.yaml"), e);
    }
  }

  /** Where grids of samples go. */
  public Path samples() {
    return path.resolve("samples");
  }

  /** One line of JSON for each log interval. */
  public Path metrics() {
    return path.resolve("metrics.jsonl");
  }

  private Path checkpoints() {
    return path.resolve("checkpoints");
  }

  /** Replaces a file of the run by this text. */
  void write(String name, String text) throws IOException {
    var unfinished = path.resolve(UNFINISHED + name);
    Files.writeString(unfinished, text);
    Files.move(
        unfinished,
        path.resolve(name),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
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
      throw new DataException(metrics() + " cannot be read: " + e.getMessage(), e);
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
    } catch (IOException e) {
      throw cannotWrite(metrics(), e);
    }
  }

  /** What a checkpoint holds, by file name without ending. */
  record Content(Map<String, Map<String, Tensor>> tensors, Map<String, ?> state) {}

  /** Writes the checkpoint of a step and removes all but the newest ones. */
  void save(long step, Content content, int keep) {
    var target = checkpoints().resolve("step-%08d".formatted(step));
    var unfinished = checkpoints().resolve(UNFINISHED + target.getFileName());
    try {
      deleteTree(unfinished);
      Files.createDirectories(unfinished);
      for (var file : content.tensors().entrySet()) {
        Safetensors.write(unfinished.resolve(file.getKey() + ".safetensors"), file.getValue());
      }
      Files.writeString(
          unfinished.resolve("state.json"),
          JSON.writerWithDefaultPrettyPrinter().writeValueAsString(content.state()));
      deleteTree(target);
      Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
      var all = list();
      for (var old : all.subList(0, Math.max(0, all.size() - keep))) {
        deleteTree(old);
      }
    } catch (IOException e) {
      try {
        deleteTree(unfinished);
      } catch (IOException ignored) {
        // the disk is failing anyway; the first failure is the one to report
      }
      throw cannotWrite(target, e);
    }
  }

  /** The newest checkpoint, if there is any. */
  public Optional<Path> newest() {
    try {
      var all = list();
      return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
    } catch (IOException e) {
      throw new DataException(checkpoints() + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** The newest checkpoint. */
  public Path requireNewest() {
    return newest()
        .orElseThrow(
            () ->
                new DataException(
                    path + " has no checkpoint yet; train it until the first one is written"));
  }

  /** The {@code state.json} of a checkpoint. */
  static JsonNode state(Path checkpoint) {
    var file = checkpoint.resolve("state.json");
    try {
      return JSON.readTree(Files.readString(file));
    } catch (JsonProcessingException e) {
      throw new DataException(file + " is damaged: it is no JSON", e);
    } catch (IOException e) {
      throw new DataException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  private List<Path> list() throws IOException {
    if (!Files.isDirectory(checkpoints())) {
      return List.of();
    }
    try (var entries = Files.list(checkpoints())) {
      return entries
          .filter(p -> p.getFileName().toString().matches("step-\\d+"))
          .sorted(Comparator.comparing(Path::getFileName))
          .toList();
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
    }
  }

  private static DataException cannotWrite(Path path, IOException e) {
    var reason = e.getMessage() == null ? e.toString() : e.getMessage();
    return new DataException(
        path + " cannot be written: " + reason + "; what was written before is still there", e);
  }
}
