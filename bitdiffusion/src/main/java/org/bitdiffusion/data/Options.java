package org.bitdiffusion.data;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;

/** The options of a {@link DataSpec}, read one by one, so that the ones left over are unknown. */
public final class Options {
  private final DataSpec spec;
  private final Set<String> known;

  public Options(DataSpec spec) {
    this(spec, new LinkedHashSet<>());
  }

  private Options(DataSpec spec, Set<String> known) {
    this.spec = spec;
    this.known = known;
  }

  /** Those of a line of which this one is only the beginning; what is read there counts as read. */
  public Options of(DataSpec whole) {
    return new Options(whole, known);
  }

  /** The line. */
  public DataSpec spec() {
    return spec;
  }

  public int integer(String key, int otherwise, int least, int most) {
    known.add(key);
    var text = spec.options().get(key);
    if (text == null) {
      return otherwise;
    }
    try {
      var value = Integer.parseInt(text);
      if (value >= least && value <= most) {
        return value;
      }
    } catch (NumberFormatException e) {
      // reported below
    }
    throw new ConfigurationException(
        "data %s: %s is '%s'; it must be a whole number %s"
            .formatted(
                spec.source(),
                key,
                text,
                most == Integer.MAX_VALUE
                    ? "of at least " + least
                    : "from " + least + " to " + most));
  }

  /** A text, if it is given. */
  public Optional<String> text(String key) {
    known.add(key);
    return Optional.ofNullable(spec.options().get(key));
  }

  /** A number between two, both of which it cannot be. */
  public double between(String key, double otherwise, double least, double most) {
    var text = text(key);
    try {
      var value = text.isEmpty() ? otherwise : Double.parseDouble(text.get());
      if (value > least && value < most) {
        return value;
      }
    } catch (NumberFormatException e) {
      // reported below
    }
    throw new ConfigurationException(
        "data %s: %s is '%s'; it must be a number between %s and %s"
            .formatted(spec.source(), key, text.orElse(""), least, most));
  }

  public String word(String key, String otherwise, String... allowed) {
    known.add(key);
    var text = spec.options().getOrDefault(key, otherwise);
    if (!List.of(allowed).contains(text)) {
      throw new ConfigurationException(
          "data %s: %s is '%s'; it must be one of %s"
              .formatted(spec.source(), key, text, String.join(", ", allowed)));
    }
    return text;
  }

  public boolean given(String key) {
    return spec.options().containsKey(key);
  }

  /**
   * To be called when all options were read.
   *
   * @throws ConfigurationException if there are others
   */
  public void rejectOthers() {
    for (var key : spec.options().keySet()) {
      if (!known.contains(key)) {
        throw new ConfigurationException(
            "data %s has no option '%s'; it has %s".formatted(spec, key, String.join(", ", known)));
      }
    }
  }

  /** Rejects a path, for sources that have none. */
  public void rejectPath() {
    if (spec.path() != null) {
      throw new ConfigurationException(
          "data %s has no path; '%s' must be left out".formatted(spec.source(), spec.path()));
    }
  }

  /** What stands behind the source's name, which need be no file: the URL of a database, say. */
  public String line() {
    if (spec.path() == null) {
      throw new ConfigurationException(
          "data %s needs more, as in %s:URL".formatted(spec.source(), spec.source()));
    }
    return spec.path();
  }

  /** The path, which must exist. */
  public Path path() {
    if (spec.path() == null) {
      throw new ConfigurationException(
          "data %s needs a path, as in %s:PATH".formatted(spec.source(), spec.source()));
    }
    try {
      var path = Path.of(spec.path());
      if (Files.exists(path)) {
        return path;
      }
    } catch (InvalidPathException e) {
      // does not exist either
    }
    throw new DataException(
        "data %s: %s does not exist%s".formatted(spec.source(), spec.path(), sought()));
  }

  /** Where a relative path was looked for. */
  private String sought() {
    try {
      var path = Path.of(spec.path());
      return path.isAbsolute() ? "" : " in " + Path.of("").toAbsolutePath();
    } catch (InvalidPathException e) {
      return "";
    }
  }

  /** The path, which must be a folder. */
  public Path folder() {
    var path = path();
    if (!Files.isDirectory(path)) {
      throw new DataException(
          "data %s: %s is a file; name the folder that holds it".formatted(spec.source(), path));
    }
    return path;
  }
}
